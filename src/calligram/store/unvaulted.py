"""
Which pictures are in the store and not yet in the vault: an empty file for each.

    unvaulted/<id>      made before the picture leaves kept/, removed when the vault has it

It spares the vault's keeper a walk over the whole store for every new picture. It is a hint
and not a promise: nothing is fsynced, and one that a power cut takes is found by the next
walk. More than MARKERS_MAX are not written down: then only a walk will do.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from calligram.store import disk
from calligram.store.keys import is_id

MARKERS_MAX = 200_000
COUNT_EVERY = 1000


class Unvaulted:
    """The pictures that the vault is behind by, in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.room = 0

    def prepare(self) -> None:
        """Make the folder; raises OSError."""
        disk.make_folder(self.folder)

    def add(self, id: str) -> None:
        """The vault owes a copy of `id`. A full disk must not stop whoever says so."""
        with contextlib.suppress(OSError):
            if self.room <= 0:
                self.room = min(COUNT_EVERY, MARKERS_MAX - len(os.listdir(self.folder)))
            if self.room > 0:
                (self.folder / id).touch()
                self.room -= 1

    def unvaulted(self) -> list[str]:
        """The ids of all that the vault may not have; raises OSError."""
        return [name for name in os.listdir(self.folder) if is_id(name)]

    def vaulted(self, id: str) -> None:
        """The vault has `id`, or it is deleted; raises OSError."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.folder / id)
