"""
What a disk promises, and what it doesn't. Everything durable goes through here.

    a file's bytes survive a power cut     after fsync of the file
    a file's name survives it              after fsync of the folder that it is in

A failed fsync is never tried again: the kernel has marked the bytes as written, and the
second call would report success for bytes that are gone.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_all(file: int, content: bytes | memoryview) -> None:
    """Write all of `content`: the system may take only a part of it at a time."""
    left = memoryview(content)
    while left:
        left = left[os.write(file, left) :]


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` survive a power cut."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def sync_file(path: Path) -> None:
    """Make the bytes of the file at `path` survive a power cut."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def make_folder(folder: Path) -> None:
    """Make `folder` and those above it, so that they survive a power cut."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
    # Also where it was there already: whoever made it may not have come so far.
    sync_folder(folder.parent)


def hold(opened: int) -> bool:
    """Lock an open file, as long as it is open. False where another has it."""
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def try_lock(path: Path) -> int | None:
    """The lock at `path`, as an open file, or None where another has it. Closing it frees it."""
    opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if hold(opened):
        return opened
    os.close(opened)
    return None


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait for the lock at `path`, and hold it meanwhile."""
    opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)
