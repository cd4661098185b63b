"""
The program that is killed: it keeps pictures, or moves them, and says each one it promised.

    python crash_program.py keep FOLDER      prints "kept N" after each promise
    python crash_program.py move FOLDER      moves all to the folder as store, one at a time

What comes before the file `begin` is looked for is start-up, and nobody's business.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from calligram.errors import CalligramError
from calligram.store import Mover
from kept_pictures import content_of, keep, objects_in, spool_in

NUMBERS = [1, 2, 1, 3]
"""The third is known when it comes."""

ROUNDS_MAX = 12


def keep_all(folder: Path) -> None:
    os.path.exists(folder / "begin")
    spool = spool_in(folder)
    for number in NUMBERS:
        try:
            keep(spool, content_of(number))
        except CalligramError as error:
            os.write(1, f"refused {number} {error.code}\n".encode())
        else:
            os.write(1, f"kept {number}\n".encode())


def move_all(folder: Path) -> None:
    spool = spool_in(folder)
    objects = objects_in(folder)
    os.path.exists(folder / "begin")
    mover = Mover(spool, objects, concurrency=1)
    for _ in range(ROUNDS_MAX):
        mover.round_or_pause()


if __name__ == "__main__":
    {"keep": keep_all, "move": move_all}[sys.argv[1]](Path(sys.argv[2]))
