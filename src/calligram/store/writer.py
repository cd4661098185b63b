"""
One upload on its way into the spool: hashed while it is written, promised when it is safe.

    with Writer(spool, bytes_expected) as writer:      room is reserved, or SpoolFull
        writer.write(chunk) ...                        too large: PictureTooLarge
        kept = writer.keep(record_for)                 returns only when it would survive

Leaving the block without `keep`, for whatever reason, leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from calligram.errors import PictureTooLarge, RequestMalformed, SpoolFailed
from calligram.store import disk
from calligram.store.items import seal
from calligram.store.records import Record
from calligram.store.spool import RecordFor, Spool

KNOWN_TRIES_MAX = 10


@dataclass(frozen=True, slots=True)
class Kept:
    """
    A picture that is safe. `state` is "spooled" (on this server's disk) or "stored".

    `is_known` tells that it had been kept before: then `record` is the first one's.
    """

    record: Record
    state: str
    is_known: bool


class Writer:
    """One upload. `bytes_expected` is what the client announced, if it did."""

    def __init__(self, spool: Spool, bytes_expected: int | None = None) -> None:
        self.spool = spool
        self.bytes = 0
        self.hash = hashlib.sha256()
        # A request that is given up closes its file, perhaps while a thread still writes: a
        # closed file's number may be another's by then.
        self.using = threading.RLock()
        self.is_closed = False
        most = spool.picture_bytes_max
        self.check_size(bytes_expected or 0)
        self.reserved = most if bytes_expected is None else bytes_expected
        spool.reserve(self.reserved)
        try:
            self.path, self.file = self.create()
        except BaseException:
            spool.release(self.reserved)
            raise

    def create(self) -> tuple[Path, int]:
        """A new file, locked. One that was cleaned away before it was locked is no use."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        while True:
            path = self.spool.incoming / secrets.token_hex(16)
            with self.spool.disk.working():
                file = os.open(path, flags, 0o600)
                if disk.hold(file) and os.fstat(file).st_nlink == 1:
                    return path, file
                os.close(file)

    def write(self, chunk: bytes) -> None:
        """Add to the picture. Raises PictureTooLarge, SpoolFull, SpoolFailed."""
        self.check_size(self.bytes + len(chunk))
        with self.use():
            self.hash.update(chunk)
            disk.write_all(self.file, chunk)
            self.bytes += len(chunk)
            self.unreserve(min(len(chunk), self.reserved))

    def check_size(self, bytes: int) -> None:
        most = self.spool.picture_bytes_max
        if bytes > most:
            raise PictureTooLarge(
                f"the picture has {bytes} bytes or more and may have {most}",
                limit=most,
                actual=bytes,
            )

    @property
    def id(self) -> str:
        """The id of the picture as far as it was written."""
        return self.hash.hexdigest()

    def keep(self, record_for: RecordFor) -> Kept:
        """
        Keep the picture, with the record that `record_for(id, bytes)` makes.

        When this returns, the picture survives a power cut. What `record_for` raises goes
        through, and nothing is kept. Raises SpoolFull, SpoolFailed.
        """
        if self.bytes == 0:
            raise RequestMalformed("there are no bytes; send a picture")
        known = self.spool.known(self.id)
        if known is not None:
            return Kept(known, "spooled", is_known=True)
        record = record_for(self.id, self.bytes)
        assert (record.picture, record.bytes) == (self.id, self.bytes), record
        self.spool.disk.check()
        with self.use():
            disk.write_all(self.file, seal(record))
            self.spool.disk.sync_bytes(self.file)
            return self.name(record)

    def name(self, record: Record) -> Kept:
        """Give the finished file its name, unless another writer was first."""
        for _ in range(KNOWN_TRIES_MAX):
            with self.spool.disk.working():
                try:
                    os.link(self.path, self.spool.kept / record.picture)
                    self.spool.settle()
                    return Kept(record, "spooled", is_known=False)
                except FileExistsError:
                    pass
            known = self.spool.known(record.picture)
            if known is not None:
                return Kept(known, "spooled", is_known=True)
            # It went meanwhile: stored, deleted or put into quarantine. Ours takes its place.
        raise SpoolFailed(f"{record.picture} comes and goes in the spool; try again")

    def unreserve(self, bytes: int) -> None:
        self.spool.release(bytes)
        self.reserved -= bytes

    @contextlib.contextmanager
    def use(self) -> Iterator[None]:
        with self.using, self.spool.disk.working():
            if self.is_closed:
                raise SpoolFailed("this upload was given up")
            yield

    def close(self) -> None:
        """Give the upload up, unless it was kept. Waits for a thread that still writes."""
        with self.using:
            if not self.is_closed:
                self.is_closed = True
                self.drop()

    def drop(self) -> None:
        self.unreserve(self.reserved)
        # What is left over here is rubbish, whatever became of the picture: clean() takes it.
        with contextlib.suppress(OSError):
            os.unlink(self.path)
        with contextlib.suppress(OSError):
            os.close(self.file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
