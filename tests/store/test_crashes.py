"""
Every system call of both paths, once as the last one, once failing.

A first run under strace tells which calls there are. Then the program runs once for each
of them and each fault: killed there, or told EIO or ENOSPC. After each the oracle restarts
in what is left, drains it, and demands every picture that was promised.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from kept_pictures import content_of, keep, lost, spool_in
from store.crash_program import NUMBERS

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent

CALL = re.compile(r"^(\d+) +(?:<\.\.\. )?(\w+)")
DISK_CALLS = (
    "openat,open,creat,close,read,pread64,write,writev,pwrite64,fsync,fdatasync,ftruncate,"
    "fallocate,link,linkat,unlink,unlinkat,rename,renameat,renameat2,mkdir,mkdirat,flock,"
    "statfs,fstat,newfstatat,stat,lstat,statx,access,getdents64,lseek,copy_file_range"
)
WRITES = {"openat", "write", "writev", "pwrite64", "fsync", "link", "linkat", "mkdir", "mkdirat"}
WRITES |= {"rename", "renameat", "renameat2", "ftruncate", "copy_file_range"}
# A failed close has closed the file, on Linux; under strace it would not be done at all, and
# locks would be held for ever.
NEVER_FAILS = {"close"}
FAULTS = {"killed": "signal=SIGKILL", "EIO": "error=EIO", "ENOSPC": "error=ENOSPC"}


@dataclass(frozen=True)
class Point:
    """The `count`th call named `call` in its thread."""

    call: str
    count: int


def run(deed: str, folder: Path, *strace: str) -> list[str]:
    command = ["strace", "-f", "-qq", *strace, sys.executable, "-P", "-B"]
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")]),
    }
    ran = subprocess.run(
        [*command, str(HERE / "crash_program.py"), deed, str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ran.stdout.splitlines()


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
    log = folder / "calls"
    lines = run(deed, folder, "-o", str(log), "-e", f"trace={DISK_CALLS}")
    assert sorted({*before, *promised(lines)}) == sorted(set(NUMBERS))
    counts: dict[tuple[str, str], int] = {}
    found: dict[Point, None] = {}
    has_begun = False
    for line in log.read_text().splitlines():
        call = CALL.match(line)
        if call is None or "resumed>" in line:
            continue
        has_begun = has_begun or "/begin" in line
        counts[call[1], call[2]] = counts.get((call[1], call[2]), 0) + 1
        if has_begun:
            found[Point(call[2], counts[call[1], call[2]])] = None
    return list(found)


def lost_at(deed: str, folder: Path, point: Point, fault: str) -> str | None:
    """What was lost when `fault` struck at `point`; None where nothing was."""
    before = prepared(deed, folder)
    inject = f"inject={point.call}:{FAULTS[fault]}:when={point.count}"
    lines = run(deed, folder, "-o", "/dev/null", "-e", f"trace={point.call}", "-e", inject)
    try:
        gone = lost(folder, [*before, *promised(lines)])
    except Exception as error:  # noqa: BLE001 # whatever it is, the point belongs to it
        return f"{point}: {error!r}"
    return f"{point}: lost {gone} of {lines}" if gone else None


def may_strike(fault: str, point: Point) -> bool:
    if fault == "ENOSPC":
        return point.call in WRITES
    return fault == "killed" or point.call not in NEVER_FAILS


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
