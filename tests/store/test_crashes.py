"""
Every system call of both paths, once as the last one, once failing.

After each the oracle restarts in what is left, drains it, and demands every picture that
was promised.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kept_pictures import content_of, keep, lost, spool_in
from store.crash_program import NUMBERS
from system_calls import FAULTS, Point, may_strike, run_and_list, run_and_strike

PROGRAM = Path(__file__).with_name("crash_program.py")


def promised(lines: list[str]) -> list[int]:
    return [int(line.split()[1]) for line in lines if line.startswith("kept ")]


def prepared(deed: str, folder: Path) -> list[int]:
    """A place to run `deed` in; returns what is promised there already."""
    folder.mkdir()
    if deed == "keep":
        return []
    spool = spool_in(folder)
    for number in NUMBERS:
        keep(spool, content_of(number))
    return sorted(set(NUMBERS))


def points(deed: str, folder: Path) -> list[Point]:
    """Every call of `deed` that concerns a disk, after its start-up."""
    before = prepared(deed, folder)
    lines, found = run_and_list(PROGRAM, [deed, str(folder)], folder / "calls")
    assert sorted({*before, *promised(lines)}) == sorted(set(NUMBERS))
    return found


def lost_at(deed: str, folder: Path, point: Point, fault: str) -> str | None:
    """What was lost when `fault` struck at `point`; None where nothing was."""
    before = prepared(deed, folder)
    lines = run_and_strike(PROGRAM, [deed, str(folder)], point, fault)
    try:
        gone = lost(folder, [*before, *promised(lines)])
    except Exception as error:  # noqa: BLE001 # whatever it is, the point belongs to it
        return f"{point}: {error!r}"
    return f"{point}: lost {gone} of {lines}" if gone else None


@pytest.mark.server("strace")
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("deed", ["keep", "move"])
def test_nothing_promised_is_lost_at_any_system_call(deed, fault, tmp_path, record_property):
    found = points(deed, tmp_path / "first")
    chosen = [point for point in found if may_strike(fault, point)]
    with ThreadPoolExecutor(2) as pool:
        losses = list(
            pool.map(
                lambda numbered: lost_at(deed, tmp_path / str(numbered[0]), numbered[1], fault),
                enumerate(chosen),
            )
        )

    record_property("points", len(chosen))
    assert len(chosen) >= 30
    assert [loss for loss in losses if loss] == []
