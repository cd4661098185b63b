"""
A walk is cut everywhere it can be, and walked again: it ends complete, and nothing is altered.

Cut at every request to either store, before and after the store did its work; and at every
system call of a backup between folders, killed there or failing there.
"""

from __future__ import annotations

import os
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from calligram.care import Side, backup, copy, finish, restore
from calligram.errors import StoreUnavailable
from calligram.store.keys import picture_key, record_key
from care.cut_program import NUMBERS, SHELVES, prepare, sides_in
from kept_stores import (
    CutBucket,
    PowerCut,
    delete_in,
    everything,
    id_at,
    impatient,
    keep_in,
    living,
    memory,
    stocked,
)
from system_calls import FAULTS, Point, may_strike, run_and_list, run_and_strike

PROGRAM = Path(__file__).with_name("cut_program.py")
CUTS_MIN = 15
POINTS_MAX = 40
"""So many system calls are struck, chosen by the run's seed; all of them with bin/test --all."""


def two_sides() -> list[Side]:
    """As `prepare` has it, in memory."""
    source, target = stocked(memory("source"), [1, 2, 3]), memory("target")
    finish(backup(source, target, shelves=SHELVES, pace=impatient()))
    keep_in(source, 0)
    delete_in(source, 2)
    delete_in(source, 3)
    keep_in(source, 3, now=2, algorithm="ramp-1")
    return [source, target]


def half_things(target: Side) -> list[int]:
    """Pictures with a record that a reader would find, but not the picture."""
    bucket = target.bucket
    return [
        number
        for number in NUMBERS
        if bucket.get(record_key(id_at(number))) and not bucket.get(picture_key(id_at(number)))
    ]


@pytest.mark.parametrize("walk", [backup, copy, restore])
@pytest.mark.parametrize("cut_side", [0, 1], ids=["source", "target"])
@pytest.mark.parametrize("error", [PowerCut, StoreUnavailable])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_walk_that_was_cut_is_completed_by_the_next(walk, cut_side, error, after):
    cuts, is_cut = 0, True
    while is_cut:
        sides = two_sides()
        whole = everything(sides[0])
        cut = list(sides)
        cut[cut_side] = Side(
            "cut", CutBucket(sides[cut_side].bucket, cuts, error=error, after=after)
        )
        is_cut = was_cut(walk(*cut, shelves=SHELVES, pace=impatient(concurrency=1, tries_max=1)))
        assert everything(sides[0]) == whole
        assert half_things(sides[1]) == []
        assert living(sides[1], NUMBERS) <= {0, 1, 2, 3}

        finish(walk(*sides, shelves=SHELVES, pace=impatient()))

        assert everything(sides[0]) == whole
        assert everything(sides[1]) == whole
        cuts += 1
    assert cuts > CUTS_MIN


def was_cut(walk) -> bool:
    """Walk; did it come to anything but a clean end?"""
    try:
        return not finish(walk).is_clean
    except (PowerCut, StoreUnavailable):
        return True


def altered_at(folder: Path, point: Point, fault: str) -> str | None:
    """What is not as it should be when `fault` struck at `point`, and all was walked again."""
    folder.mkdir()
    prepare(folder)
    store, vault = sides_in(folder)
    whole = everything(store)
    run_and_strike(PROGRAM, [str(folder)], point, fault)
    if half_things(vault):
        return f"{point}: {half_things(vault)} are in the vault by half"
    report = finish(backup(store, vault, shelves=SHELVES, pace=impatient()))
    if everything(store) != whole:
        return f"{point}: the store is altered"
    return None if everything(vault) == whole and report.is_clean else f"{point}: {report}"


@pytest.mark.server("strace")
@pytest.mark.parametrize("fault", FAULTS)
def test_a_backup_struck_at_any_system_call_is_completed_by_the_next(
    fault, tmp_path, seed, record_property
):
    first = tmp_path / "first"
    first.mkdir()
    prepare(first)
    lines, found = run_and_list(PROGRAM, [str(first)], tmp_path / "calls")
    assert lines == ["ended"]
    chosen = [point for point in found if may_strike(fault, point)]
    if os.environ.get("CALLIGRAM_TEST_ALL") != "1":
        chosen = random.Random(seed).sample(chosen, min(POINTS_MAX, len(chosen)))
    with ThreadPoolExecutor(2) as pool:
        altered = list(
            pool.map(
                lambda numbered: altered_at(tmp_path / str(numbered[0]), numbered[1], fault),
                enumerate(chosen),
            )
        )

    record_property("points", len(chosen))
    assert len(chosen) >= CUTS_MIN
    assert [one for one in altered if one] == []
