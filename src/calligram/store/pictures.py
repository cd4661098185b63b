"""
What is kept, as the service sees it: the spool before it, the store behind it.

    keep     bytes -> spool, hashed and fsynced -> Kept
    known    is it kept already? Asked by an upload, which must not wait for long
    find     its record, from the spool, else from the store
    content  likewise: a picture is in one of the two from the moment it was promised
    delete   out of the spool, out of the store, and a tombstone in its place

Disk and store are waited for in threads; everything under this is synchronous.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from calligram.errors import Damaged, StoreUnavailable
from calligram.store.objects import Objects
from calligram.store.records import Record, Tombstone
from calligram.store.spool import Item, RecordFor, Spool
from calligram.store.writer import Kept, Writer

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

    async def keep(self, content: bytes, record_for: RecordFor) -> Kept:
        """
        Keep the picture that `content` is, with the record that `record_for(id, bytes)` makes.

        When this returns, it survives a power cut. `record_for` is called in a thread, and only
        if the spool does not have the picture; what it raises goes through, and nothing is
        kept. Raises PictureTooLarge, SpoolFull, SpoolFailed.
        """
        return await self.on_disk(self.write, content, record_for)

    def write(self, content: bytes, record_for: RecordFor) -> Kept:
        with Writer(self.spool, len(content)) as writer:
            writer.write(content)
            return writer.keep(record_for)

    async def known(self, id: str) -> Kept | None:
        """
        What an upload of `id` may rely on: kept already, as safe as if just kept.

        In doubt it is None, and the upload is kept once more, which harms nobody.
        """
        spooled = await self.on_disk(self.spool.known, id)
        if spooled is not None:
            return Kept(spooled, "spooled", is_known=True)
        stored = await self.known_in_store(id)
        return Kept(stored, "stored", is_known=True) if stored is not None else None

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

    async def find(self, id: str) -> Kept | None:
        """
        Where `id` is kept, with its record; None if it is not.

        Raises StoreUnavailable if only the store could tell.
        """
        spooled = await self.on_disk(self.spooled_record, id)
        if spooled is not None:
            return Kept(spooled, "spooled", is_known=True)
        stored = await self.in_store(self.stored_record, id)
        return Kept(stored, "stored", is_known=True) if stored is not None else None

    async def is_stored(self, id: str) -> bool:
        """Has the mover taken `id` out of the spool, and does the store have it?"""
        if await self.on_disk(self.spooled_record, id) is not None:
            return False
        return await self.in_store(self.stored_record, id) is not None

    async def content(self, id: str) -> bytes | None:
        """The bytes of `id`, checked, or None. Raises as `find` does, and Damaged."""
        content = await self.on_disk(self.spooled_content, id)
        return content or await self.in_store(self.objects.picture, id)

    def spooled_record(self, id: str) -> Record | None:
        return self.from_spool(id, Item.record)

    def spooled_content(self, id: str) -> bytes | None:
        return self.from_spool(id, lambda item: bytes(item.read()[0]))

    def from_spool(self, id: str, read: Callable[[Item], T]) -> T | None:
        item = self.spool.open(id)
        if item is None:
            return None
        with item, self.spool.disk.working():
            try:
                return read(item)
            except Damaged:
                return None  # the mover will set it aside; perhaps the store has it

    async def delete(self, id: str, deleted_at: str) -> None:
        """
        Delete `id`, wherever it is; one that is nowhere is fine.

        The store must answer: a deletion that waited could bury what is kept again after
        it. Raises StoreUnavailable, and the deletion must then be asked for again. In another
        server's spool the tombstone will find it when it is moved.
        """
        await self.in_store(self.objects.delete, Tombstone(picture=id, deleted_at=deleted_at))
        await self.on_disk(self.spool.delete, id)

    async def on_disk(self, deed: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        return await in_thread(self.disk_threads, deed, *args, **named)

    async def in_store(self, deed: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        return await in_thread(self.store_threads, deed, *args, **named)


async def in_thread(
    threads: ThreadPoolExecutor, deed: Callable[P, T], *args: P.args, **named: P.kwargs
) -> T:
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(threads, lambda: deed(*args, **named))
