"""
What is kept, as the service sees it: the spool before it, the store behind it.

    keep     chunks -> spool, hashed and fsynced -> Kept
    record   from the spool, else from the store
    content  likewise: a picture is in one of the two from the moment it was promised
    delete   out of the spool, out of the store, and a tombstone in its place

Disk and store are waited for in threads; everything under this is synchronous.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from calligram.errors import Damaged, StoreUnavailable
from calligram.store.objects import Objects
from calligram.store.records import Record, Tombstone
from calligram.store.spool import RecordFor, Spool
from calligram.store.writer import Kept, Writer

GATHER_BYTES = 1024 * 1024
"""Chunks are written so many at once: a small upload needs one thread once."""

ASK_AGAIN_SECONDS = 5.0

P = ParamSpec("P")
T = TypeVar("T")


class Pictures:
    """
    Everything that is kept, here or in the store.

    An upload asks the store for at most `known_seconds_max` whether it knows the picture;
    0 asks it not at all, and then only this server's spool is asked.
    """

    def __init__(
        self, spool: Spool, objects: Objects, *, threads: int = 32, known_seconds_max: float = 0.5
    ) -> None:
        self.spool = spool
        self.objects = objects
        self.known_seconds_max = known_seconds_max
        self.ask_again_at = 0.0
        # Two pools: while the store hangs, uploads must go on.
        self.disk_threads = ThreadPoolExecutor(threads, "spool")
        self.store_threads = ThreadPoolExecutor(threads, "store")

    def close(self) -> None:
        self.disk_threads.shutdown(cancel_futures=True)
        self.store_threads.shutdown(wait=False, cancel_futures=True)

    async def keep(
        self,
        chunks: AsyncIterable[bytes],
        record_for: RecordFor,
        *,
        bytes_expected: int | None = None,
    ) -> Kept:
        """
        Keep the picture that `chunks` are, with the record that `record_for(id, bytes)` makes.

        `record_for` is called in a thread, once all bytes are here, and only for a picture
        that is not known; what it raises goes through, and nothing is kept. Raises
        PictureTooLarge, SpoolFull, SpoolFailed.
        """
        writer = await self.on_disk(Writer, self.spool, bytes_expected)
        try:
            gathered: list[bytes] = []
            size = 0
            async for chunk in chunks:
                gathered.append(chunk)
                size += len(chunk)
                if size >= GATHER_BYTES:
                    await self.on_disk(writer.write, b"".join(gathered))
                    gathered, size = [], 0
            await self.on_disk(writer.write, b"".join(gathered))
            stored = await self.known_in_store(writer.id)
            if stored is not None:
                return Kept(stored, "stored", is_known=True)
            return await self.on_disk(writer.keep, record_for)
        finally:
            # In a thread and not awaited: where the request was given up, another thread may
            # still be writing, and closing waits for it.
            self.disk_threads.submit(writer.close)

    async def known_in_store(self, id: str) -> Record | None:
        """The record of a picture that the store is known to have; in doubt, it has not."""
        now = asyncio.get_running_loop().time()
        if not self.known_seconds_max or now < self.ask_again_at:
            return None
        try:
            asking = self.in_store(self.stored_record, id)
            return await asyncio.wait_for(asking, self.known_seconds_max)
        except (TimeoutError, StoreUnavailable, Damaged):
            # While the store is away, not every upload should wait for it in vain.
            self.ask_again_at = now + ASK_AGAIN_SECONDS
            return None

    def stored_record(self, id: str) -> Record | None:
        record = self.objects.record(id)
        return record if self.objects.is_alive(record) else None

    async def record(self, id: str) -> Record | None:
        """The record of `id`, or None. Raises StoreUnavailable if only the store could tell."""
        return await self.on_disk(self.spooled_record, id) or await self.in_store(
            self.stored_record, id
        )

    async def exists(self, id: str) -> bool:
        """Is `id` kept? Raises StoreUnavailable if only the store could tell."""
        return await self.record(id) is not None

    async def content(self, id: str) -> bytes | None:
        """The bytes of `id`, checked, or None. Raises as `record` does, and Damaged."""
        content = await self.on_disk(self.spooled_content, id)
        return content or await self.in_store(self.objects.picture, id)

    def spooled_record(self, id: str) -> Record | None:
        item = self.spool.open(id)
        if item is None:
            return None
        with item, self.spool.disk.working():
            try:
                return item.record()
            except Damaged:
                return None  # the mover will set it aside; perhaps the store has it

    def spooled_content(self, id: str) -> bytes | None:
        item = self.spool.open(id)
        if item is None:
            return None
        with item, self.spool.disk.working():
            try:
                return bytes(item.read()[0])
            except Damaged:
                return None  # as above

    async def delete(self, id: str, deleted_at: str) -> bool:
        """
        Delete `id`; returns whether it was here or in the store.

        The store must answer: a deletion that waited could bury what is kept again after
        it. Raises StoreUnavailable, and the deletion must then be asked for again.
        """
        was_stored = await self.in_store(self.objects.record, id) is not None
        await self.in_store(self.objects.delete, Tombstone(picture=id, deleted_at=deleted_at))
        return await self.on_disk(self.spool.delete, id) or was_stored

    async def on_disk(self, deed: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        return await in_thread(self.disk_threads, deed, *args, **named)

    async def in_store(self, deed: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        return await in_thread(self.store_threads, deed, *args, **named)


async def in_thread(
    threads: ThreadPoolExecutor, deed: Callable[P, T], *args: P.args, **named: P.kwargs
) -> T:
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(threads, lambda: deed(*args, **named))
