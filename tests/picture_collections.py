"""
Collections to draw as a whole, the command as a process of its own, and a small Dask cluster.

Everything is waited for by what it says or does, and ended by its process id.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from web_server import jpeg

ROOT = Path(__file__).resolve().parent.parent
COMMAND = [sys.executable, "-P", "-m", "calligram", "bulk"]
SECONDS_MAX = 120
OWN = {".calligram-bulk.json", "calligram-bulk.jsonl"}


def fill(folder: Path, count: int, *, side: int = 96) -> list[str]:
    """Write `count` different pictures into `folder`, in subfolders; their names, sorted."""
    for number in range(count):
        place = folder / f"day {number % 3}" / f"{number:04}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(jpeg(side, side, seed=number))
    return names_in(folder)


def names_in(folder: Path) -> list[str]:
    """All files below a folder but bulk's own two, as it names them; hidden ones, too."""
    found = (str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in found if name not in OWN)


def finished_in(folder: Path) -> list[str]:
    """The same without what is half-written: art that a run won't draw again."""
    return [name for name in names_in(folder) if not name.endswith(".part")]


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in names_in(folder)}


def surroundings() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CALLIGRAM_", "DASK_"))}
    return {**kept, "PYTHONPATH": str(ROOT / "src")}


def start(*words: object) -> subprocess.Popen[str]:
    """`calligram bulk` on its way."""
    return subprocess.Popen(
        [*COMMAND, *map(str, words)],
        env=surroundings(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Its exit status, output and errors."""
    out, err = process.communicate(timeout=SECONDS_MAX)
    return process.returncode, out, err


def run(*words: object) -> tuple[int, str, str]:
    return finish(start(*words))


def told(*words: object) -> tuple[int, Any]:
    """The exit status and the JSON of a run with --json."""
    status, out, err = run(*words, "--json")
    assert out, err
    return status, json.loads(out)


def report_of(folder: Path) -> list[dict[str, Any]]:
    report = (folder / "calligram-bulk.jsonl").read_text()
    return [json.loads(line) for line in report.splitlines()]


def wait_until(is_so: Callable[[], bool]) -> None:
    """Ask again and again: what other processes do to a folder sends no event to wait for."""
    tick = threading.Event()
    for _ in range(SECONDS_MAX * 200):
        if is_so():
            return
        tick.wait(0.005)
    raise AssertionError(f"not within {SECONDS_MAX} s: {is_so}")


class Cluster:
    """A Dask scheduler and two workers of one thread, each a process, on this machine alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "scheduler.json"
        self.scheduler = self.program("scheduler", "--port", "0")
        wait_until(lambda: self.file.exists() and self.file.read_text().endswith("}"))
        self.address = json.loads(self.file.read_text())["address"]
        self.workers = [self.add_worker(), self.add_worker()]

    def program(self, kind: str, *words: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{kind}.log").open("ab") as log:
            return subprocess.Popen(
                [
                    *(sys.executable, "-P", "-m", f"distributed.cli.dask_{kind}"),
                    *("--scheduler-file", str(self.file), "--host", "127.0.0.1"),
                    # Even without a dashboard they listen for HTTP, and to anybody unless told.
                    *("--no-dashboard", "--dashboard-address", "127.0.0.1:0", *words),
                ],
                env=surroundings(),
                cwd=self.folder,
                stdout=log,
                stderr=log,
            )

    def add_worker(self) -> subprocess.Popen[bytes]:
        # Without a nanny, which would start a killed worker anew: its work must go elsewhere.
        return self.program("worker", "--nthreads", "1", "--no-nanny")

    def stop(self) -> None:
        # They keep nothing, and a worker that is asked to go first looks for its scheduler.
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait(SECONDS_MAX)
