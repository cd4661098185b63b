"""
The program that is killed: it backs up the folder's store to its vault, one picture at a time.

    python cut_program.py FOLDER      prints "ended" if it comes so far
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from calligram.care import Side, backup, finish
from calligram.errors import StoreUnavailable
from kept_stores import delete_in, folder, id_at, impatient, keep_in, stocked

NUMBERS = range(4)
SHELVES = sorted({id_at(number)[:2] for number in NUMBERS})


def sides_in(path: Path) -> tuple[Side, Side]:
    return folder(path / "store"), folder(path / "vault", "vault")


def prepare(path: Path) -> None:
    """One picture is new, one is in the vault already, one was deleted, one kept again."""
    store, vault = stocked(sides_in(path)[0], [1, 2, 3]), sides_in(path)[1]
    finish(backup(store, vault, shelves=SHELVES, pace=impatient()))
    keep_in(store, 0)
    delete_in(store, 2)
    delete_in(store, 3)
    keep_in(store, 3, now=2, algorithm="ramp-1")


def main(path: Path) -> None:
    store, vault = sides_in(path)
    os.path.exists(path / "begin")
    with contextlib.suppress(StoreUnavailable):
        finish(backup(store, vault, shelves=SHELVES, pace=impatient(concurrency=1)))
    os.write(1, b"ended\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
