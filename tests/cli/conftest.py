"""
The command as a real process: with pipes, or in a terminal of its own.

Surroundings are set anew for each: whatever terminal the tests themselves run in says nothing.
"""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import calligram

SRC = Path(calligram.__file__).resolve().parent.parent
COMMAND = [sys.executable, "-P", "-m", "calligram"]
# What a terminal tells, and what would change how output is written.
TOLD = (
    *("COLUMNS", "LINES", "TERM", "COLORTERM", "COLORFGBG", "NO_COLOR", "FORCE_COLOR"),
    "PYTHONUNBUFFERED",
)


@dataclass(frozen=True)
class Done:
    """A process that has ended: its exit status and what it wrote."""

    status: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode()

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()


def surroundings(said: dict[str, str]) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if name not in TOLD}
    return {**plain, "PYTHONPATH": str(SRC), **said}


def in_pipes(*words: str, stdin: bytes = b"", **said: str) -> Done:
    done = subprocess.run(
        [*COMMAND, *words],
        input=stdin,
        env=surroundings(said),
        capture_output=True,
        timeout=60,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr.decode())


def in_terminal(*words: str, width: int = 40, **said: str) -> Done:
    """Standard output is a terminal of `width` columns, standard error a pipe."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    process = subprocess.Popen(
        [*COMMAND, *words],
        stdin=subprocess.DEVNULL,
        stdout=slave,
        stderr=subprocess.PIPE,
        env=surroundings({"TERM": "xterm", **said}),
    )
    os.close(slave)
    out = b"".join(iter(lambda: read_or_end(master), b""))
    err = process.communicate(timeout=60)[1]
    os.close(master)
    # A terminal makes each line feed a carriage return and a line feed.
    return Done(process.returncode, out.replace(b"\r\n", b"\n"), err.decode())


def read_or_end(master: int) -> bytes:
    try:
        return os.read(master, 65536)
    except OSError:
        # Linux says EIO where the last process has closed its side.
        return b""


@pytest.fixture
def run() -> Callable[..., Done]:
    return in_pipes


@pytest.fixture
def run_in_terminal() -> Callable[..., Done]:
    return in_terminal


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of a test."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def picture(folder: Path) -> Path:
    """`picture.png`, 64 x 32, bright to the right; in colour."""
    return save(folder / "picture.png")


def save(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    ramp = np.linspace(0, 255, 64, dtype=np.uint8)
    pixels = np.zeros((32, 64, 3), np.uint8)
    pixels[..., 0], pixels[..., 1] = ramp, ramp // 2
    Image.fromarray(pixels).save(path, "PNG")
    return path


@pytest.fixture
def save_picture() -> Callable[[Path], Path]:
    return save
