"""
A disk whose power can be cut: what was not fsynced is gone.

It watches the system calls of this process and remembers, for each file and folder under
`root`, what the last fsync of it saw. `after_cut` builds what a disk would show then, at
its worst: a file's bytes as they were fsynced last, or none; a folder's names likewise.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

CALLS = ("open", "write", "fsync", "link", "unlink", "rename", "close")


class PowerCut(BaseException):
    """The end. No handler may go on after it."""


class Disk:
    """The disk under `root`, as it would be after a cut."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bytes: dict[int, bytes] = {}
        self.names: dict[str, dict[str, int]] = {}
        self.calls: list[str] = []
        self.cut_at: int | None = None
        self.is_cut = False

    @contextlib.contextmanager
    def watched(self, cut_at: int | None = None) -> Iterator[None]:
        """Watch; at the `cut_at`th call, before it does anything, the power is cut."""
        self.cut_at = cut_at
        self.calls = []
        with pytest.MonkeyPatch.context() as patch:
            for name in CALLS:
                patch.setattr(os, name, self.wrapped(name, getattr(os, name)))
            yield

    def wrapped(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def watching(*arguments: Any, **named: Any) -> Any:
            if self.is_cut and name != "close":
                raise PowerCut  # what runs while the stack unwinds does nothing any more
            self.calls.append(name)
            if len(self.calls) - 1 == self.cut_at:
                self.is_cut = True
                raise PowerCut
            result = call(*arguments, **named)
            if name == "fsync":
                self.remember(arguments[0])
            return result

        return watching

    def remember(self, file: int) -> None:
        status = os.fstat(file)
        path = Path(os.readlink(f"/proc/self/fd/{file}"))
        if stat.S_ISDIR(status.st_mode):
            self.names[str(path)] = {found.name: found.inode() for found in os.scandir(path)}
        else:
            self.bytes[status.st_ino] = os.pread(file, status.st_size, 0)

    def after_cut(self, place: Path) -> Path:
        """Build in `place` what is left, and return it."""
        shutil.rmtree(place, ignore_errors=True)
        self.build(self.root, place)
        return place

    def build(self, folder: Path, place: Path) -> None:
        place.mkdir(parents=True)
        for name, inode in self.names.get(str(folder), {}).items():
            if str(folder / name) in self.names or (folder / name).is_dir():
                self.build(folder / name, place / name)
            else:
                (place / name).write_bytes(self.bytes.get(inode, b""))
