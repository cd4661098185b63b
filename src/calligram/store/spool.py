"""
The durable queue of kept pictures on this server's own disk.

    incoming/<chance>      half-written; nobody was promised anything
    kept/<id>              kept: promised, and not yet known to be in the store
    retries/<id>.<due>.<tries>   empty: a try that failed, and when the next is due
    quarantined/<id>.<chance>    is not what its name says; never dropped by a program

    write incoming/x -> fsync it -> link kept/<id> -> fsync kept/ -> promised (201)
                        kept/<id> -> store, verified -> unlink       (the mover)

- Promised means fsynced twice: bytes, then name. A cut before that loses what nobody was
  promised; a cut after it delivers at least once, and the mover may do its work twice.
- A link and not a rename: it never replaces. The first writer of a picture wins, the second
  finds its file, checks the bytes, and fsyncs the folder itself before it promises anything:
  the first may not have come so far.
- Each writer has a file of its own, locked while it lives. What is unlocked is rubbish.
- Only the holder of the lock `removing` takes a name out of kept/, and only if it is still
  the file that he means: otherwise a picture that was deleted and kept again meanwhile
  would go.
- `unlink` isn't fsynced by the mover: an item that a cut brings back is moved once more.
  Retries aren't either: one that is lost is tried earlier.
- After a failed fsync the file `failed` appears, and nothing more is kept until an operator
  removes it: what the kernel shows of a folder may no longer be what the disk has.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from calligram.errors import Damaged, SpoolFull
from calligram.store import disk
from calligram.store.failures import SpoolDisk
from calligram.store.items import FOOTER, RECORD_BYTES_MAX, unseal, unseal_record
from calligram.store.keys import is_id
from calligram.store.records import Record

ROOM_UPLOADS_MIN = 1.5
"""Room for this many of the largest uploads must be left before another one is begun."""

FILES_MIN = 100


@dataclass(frozen=True, slots=True)
class Retry:
    """A picture that could not be moved `tries` times; the next try is due at `due` (Unix time)."""

    due: float
    tries: int


class Item:
    """A kept picture's open file. It is a context: leaving it closes the file."""

    def __init__(self, id: str, file: int) -> None:
        self.id = id
        self.file = file
        self.status = os.fstat(file)

    def read(self) -> tuple[memoryview, Record]:
        """
        The picture's bytes and its record, all checked.

        Raises Damaged where they are not what the name says, OSError where the disk fails.
        """
        return unseal(self.part(0, self.status.st_size), self.id)

    def record(self) -> Record:
        """The record alone, checked; the picture is not read."""
        size = self.status.st_size
        tail = min(size, RECORD_BYTES_MAX + FOOTER.size)
        return unseal_record(self.part(size - tail, tail), size, self.id)

    def part(self, start: int, length: int) -> bytes:
        pieces = []
        while length > 0 and (piece := os.pread(self.file, length, start)):
            pieces.append(piece)
            start, length = start + len(piece), length - len(piece)
        return b"".join(pieces)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.file)


class Spool:
    """
    The spool in `folder`, for uploads of at most `picture_bytes_max` bytes.

    Any number of processes may keep pictures in it, each with a Spool of its own, from any
    number of threads. One of them, the holder of `mover_lock`, drains it.
    """

    def __init__(self, folder: Path, *, picture_bytes_max: int) -> None:
        self.folder = folder
        self.picture_bytes_max = picture_bytes_max
        self.incoming = folder / "incoming"
        self.kept = folder / "kept"
        self.retries = folder / "retries"
        self.quarantined = folder / "quarantined"
        self.disk = SpoolDisk(folder / "failed")
        self.removing = folder / "removing"
        self.reserved = 0
        self.reserving = threading.Lock()

    def prepare(self) -> None:
        """Make the folders, so that they survive a power cut; raises SpoolFailed."""
        with self.disk.working():
            for folder in (self.incoming, self.kept, self.retries, self.quarantined):
                disk.make_folder(folder)

    def mover_lock(self) -> int | None:
        """The right to drain this spool, as an open file; None where another process has it."""
        with self.disk.working():
            return disk.try_lock(self.folder / "mover")

    # --- Room ----------------------------------------------------------------------------

    def room(self) -> tuple[int, int]:
        """The bytes that are free and not spoken for, and those that an upload needs free."""
        with self.disk.working():
            status = os.statvfs(self.folder)
        free = status.f_bavail * status.f_frsize if has_files(status) else 0
        return free - self.reserved, int(ROOM_UPLOADS_MIN * self.picture_bytes_max)

    def check(self) -> None:
        """Raise what an upload would be refused with now: SpoolFull, SpoolFailed."""
        self.disk.check()
        free, needed = self.room()
        if free < needed:
            raise SpoolFull(
                f"the spool has room for {free} bytes and an upload may need {needed}",
                limit=needed,
                actual=free,
                retry_after_seconds=30,
            )

    def reserve(self, bytes: int) -> None:
        """Speak for `bytes` of the room; raises as `check` does."""
        with self.reserving:
            self.check()
            self.reserved += bytes

    def release(self, bytes: int) -> None:
        with self.reserving:
            self.reserved -= bytes
            assert self.reserved >= 0, self.reserved

    # --- Kept pictures -------------------------------------------------------------------

    def open(self, id: str) -> Item | None:
        """The kept picture `id`, or None where it is not (or no longer) here."""
        assert is_id(id), f"not a picture's id: {id!r}"
        with self.disk.working():
            try:
                return Item(id, os.open(self.kept / id, os.O_RDONLY | os.O_CLOEXEC))
            except FileNotFoundError:
                return None

    def known(self, id: str) -> Record | None:
        """
        The record of `id` where it is kept here with all its bytes, as safe as if just kept.

        What is here but damaged is put into quarantine, and is not known.
        """
        item = self.open(id)
        if item is None:
            return None
        with item, self.disk.working():
            try:
                record = item.read()[1]
            except Damaged:
                self.quarantine(item)
                return None
            self.settle()
        return record

    def settle(self) -> None:
        """Make the names in kept/ survive a power cut."""
        self.disk.sync_names(self.kept)

    def names(self) -> list[str]:
        """The ids of all that is kept. Names only: 100,000 take a tenth of a second."""
        with self.disk.working():
            return [name for name in os.listdir(self.kept) if is_id(name)]

    def changed_at(self) -> int:
        """When something last came or went, in nanoseconds of Unix time."""
        with self.disk.working():
            return os.stat(self.kept).st_mtime_ns

    def remove(self, item: Item) -> None:
        """Take `item` out: the store has it. It may come back after a power cut."""
        with self.taking(item) as path:
            if path is not None:
                os.unlink(path)

    def quarantine(self, item: Item) -> None:
        """Set `item` aside: its bytes are not what its name says."""
        with self.taking(item) as path:
            if path is not None:
                os.rename(path, self.quarantined / f"{item.id}.{secrets.token_hex(8)}")
                # The new name first: a cut between the two may then show both, never none.
                self.disk.sync_names(self.quarantined)
                self.disk.sync_names(self.kept)

    def delete(self, id: str) -> bool:
        """Take the picture `id` out for good, also after a power cut. Was it here?"""
        item = self.open(id)
        if item is None:
            return False
        with item, self.taking(item) as path:
            if path is not None:
                os.unlink(path)
                self.settle()
        return path is not None

    @contextlib.contextmanager
    def taking(self, item: Item) -> Iterator[Path | None]:
        """The path of `item`, which nobody else may take away now; None if it is gone."""
        path = self.kept / item.id
        with self.disk.working(), disk.locked(self.removing):
            try:
                status = os.stat(path)
                # Its file is open, so no other can have its number.
                is_same = (status.st_dev, status.st_ino) == (item.status.st_dev, item.status.st_ino)
            except FileNotFoundError:
                is_same = False
            yield path if is_same else None

    def quarantined_count(self) -> int:
        with self.disk.working():
            return len(os.listdir(self.quarantined))

    # --- Retries -------------------------------------------------------------------------

    def defer(self, id: str, retry: Retry, before: Retry | None) -> None:
        """Write down when `id` is due again, in place of what was written `before`."""
        with self.disk.working():
            (self.retries / retry_name(id, retry)).touch()
        if before is not None:
            self.forget(id, before)

    def forget(self, id: str, retry: Retry) -> None:
        """Nobody needs to try `id` any more."""
        with self.disk.working(), contextlib.suppress(FileNotFoundError):
            os.unlink(self.retries / retry_name(id, retry))

    def deferred(self) -> dict[str, Retry]:
        """All that was written down: id -> Retry."""
        with self.disk.working():
            names = os.listdir(self.retries)
        found: dict[str, Retry] = {}
        for id, due, tries in (name.split(".") for name in names if name.count(".") == 2):
            # Both names of one id may be here after a crash: the one with more tries is newer.
            if id not in found or found[id].tries < int(tries):
                found[id] = Retry(int(due) / 1000, int(tries))
        return found

    # --- Half-written files --------------------------------------------------------------

    def clean(self) -> int:
        """Remove what dead writers left half-written; returns how many. For the mover."""
        with self.disk.working():
            paths = [self.incoming / name for name in os.listdir(self.incoming)]
            return sum(map(self.clean_one, paths))

    def clean_one(self, path: Path) -> bool:
        lock = disk.try_lock(path) if path.exists() else None
        if lock is None:
            return False
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        os.close(lock)
        return True


def retry_name(id: str, retry: Retry) -> str:
    return f"{id}.{round(retry.due * 1000):013d}.{retry.tries}"


def has_files(status: os.statvfs_result) -> bool:
    """Some file systems have a fixed number of files; those that have none say 0."""
    return status.f_files == 0 or status.f_favail >= FILES_MIN


RecordFor = Callable[[str, int], Record]
"""From a picture's id and its number of bytes, its record; it may refuse the picture."""
