"""
Every system call of a program, once as its last one, once failing.

A first run under strace tells which calls there are. Then the program runs once for each of
them and each fault: killed there, or told EIO or ENOSPC. What comes before the program looks
for a file named `begin` is its start-up, and nobody's business.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

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


def run(program: Path, words: list[str], *strace: str) -> list[str]:
    """Run a Python program under strace; returns the lines that it printed."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")]),
    }
    ran = subprocess.run(
        ["strace", "-f", "-qq", *strace, sys.executable, "-P", "-B", str(program), *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ran.stdout.splitlines()


def run_and_list(program: Path, words: list[str], log: Path) -> tuple[list[str], list[Point]]:
    """Run it undisturbed; returns what it printed, and every call that concerns a disk."""
    lines = run(program, words, "-o", str(log), "-e", f"trace={DISK_CALLS}")
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
    return lines, list(found)


def run_and_strike(program: Path, words: list[str], point: Point, fault: str) -> list[str]:
    """Run it while `fault` strikes at `point`; returns what it printed."""
    inject = f"inject={point.call}:{FAULTS[fault]}:when={point.count}"
    return run(program, words, "-o", "/dev/null", "-e", f"trace={point.call}", "-e", inject)


def may_strike(fault: str, point: Point) -> bool:
    if fault == "ENOSPC":
        return point.call in WRITES
    return fault == "killed" or point.call not in NEVER_FAILS
