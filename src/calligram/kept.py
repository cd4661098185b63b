"""
The story of a picture that is kept: it comes in, it is safe, and its art is asked for later.

    keep     known already? -> drawn -> spool, fsynced -> (in the store, if so promised) -> 201
    art      record -> pinned algorithm -> drawn already? -> bytes from spool or store -> drawn
    delete   store, with a tombstone -> vault -> this server's spool

A picture is drawn before it is kept: one that can't be drawn is refused, and then nothing
of it may be left. Its record pins its default art to the algorithm that was the default
when it first came.

Records are remembered for a while, so that art which is ready costs no look at disk or
store. So a deleted picture may be shown for RECORD_SECONDS more; an upload never relies on
what is remembered.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime

from calligram.art.decode import open_picture
from calligram.art.options import DEFAULT_ALGORITHM, Options
from calligram.errors import PictureMissing, StoreUnavailable
from calligram.service import Finished, Key, Service, picture_id
from calligram.store import Kept, Objects, Pictures, Record, Tombstone, Unvaulted
from calligram.work import Drawn

RECORD_SECONDS = {"spooled": 2.0, "stored": 60.0}
"""How long a record is remembered, by where it was found: what is spooled will soon move."""

RECORDS_MAX = 20_000
LOOK_SECONDS = 0.02


class KeptPictures:
    """
    Keeps pictures and draws those that are kept.

    `confirm_seconds_max` is how long an upload waits for the store to have it; None does not
    wait: the spool is promise enough. `now` gives UTC, `ticks` seconds that never go back.
    """

    def __init__(
        self,
        *,
        service: Service,
        pictures: Pictures,
        vault: Objects | None = None,
        unvaulted: Unvaulted | None = None,
        confirm_seconds_max: float | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self.service = service
        self.pictures = pictures
        self.vault = vault
        self.unvaulted = unvaulted
        self.confirm_seconds_max = confirm_seconds_max
        self.now = now
        self.ticks = ticks
        self.remembered: OrderedDict[str, tuple[Kept, float]] = OrderedDict()

    # --- Coming in -----------------------------------------------------------------------

    def check_room(self) -> None:
        """Raise what an upload would be refused with now: Busy, SpoolFull, SpoolFailed."""
        self.service.workers.check_room()
        self.pictures.spool.check()

    async def keep(
        self, data: bytes, options: Options, format: str, *, is_pinned: bool
    ) -> tuple[Kept, Finished]:
        """
        Keep the picture in `data`; when this returns, it is safe.

        Its art is drawn by the algorithm that the picture is pinned to where `is_pinned`,
        else by that of `options`. Raises as Service.draw and Pictures.keep do.
        """
        id = await picture_id(data)
        # First, as its header refuses a bomb: neither disk nor store is asked for such.
        record = self.record_of(id, data)
        kept = await self.pictures.known(id)
        pin = kept.record.algorithm if kept else DEFAULT_ALGORITHM
        drawn = pinned(options, pin) if is_pinned else options
        finished = await self.service.draw(data, drawn, format)
        if kept is None:
            kept = await self.pictures.keep(data, lambda _id, _bytes: record)
        if kept.record.algorithm != pin and is_pinned:
            # Another server was first, with another default.
            finished = await self.service.draw(data, pinned(options, kept.record.algorithm), format)
        if kept.state == "spooled" and self.confirm_seconds_max is not None:
            kept = await self.confirmed(kept, self.confirm_seconds_max)
        self.remember(id, kept)
        return kept, finished

    def record_of(self, id: str, data: bytes) -> Record:
        picture = open_picture(data, self.service.limits)
        return Record(
            picture=id,
            bytes=len(data),
            format=picture.format.lower(),
            width=picture.width,
            height=picture.height,
            kept_at=moment(self.now()),
            algorithm=DEFAULT_ALGORITHM,
        )

    async def confirmed(self, kept: Kept, seconds_max: float) -> Kept:
        """`kept`, when the store has it."""
        id = kept.record.picture
        try:
            async with asyncio.timeout(seconds_max):
                while not await self.pictures.is_stored(id):
                    await asyncio.sleep(LOOK_SECONDS)
        except TimeoutError:
            raise StoreUnavailable(
                f"the store did not have {id} after {seconds_max:g} s; it is safe on this "
                "server's disk and will be stored",
                limit=seconds_max,
                retry_after_seconds=10,
            ) from None
        return dataclasses.replace(kept, state="stored")

    # --- Asked for -----------------------------------------------------------------------

    async def find(self, id: str) -> Kept:
        """
        Where the picture `id` is kept, with its record; may be as old as RECORD_SECONDS.

        Raises PictureMissing, and StoreUnavailable where only the store could tell.
        """
        found = self.recall(id)
        if found is not None:
            return found
        found = await self.pictures.find(id)
        if found is None:
            raise missing(id)
        self.remember(id, found)
        return found

    def recall(self, id: str) -> Kept | None:
        kept, until = self.remembered.get(id, (None, 0.0))
        return kept if self.ticks() < until else None

    def remember(self, id: str, kept: Kept) -> None:
        self.remembered[id] = kept, self.ticks() + RECORD_SECONDS[kept.state]
        self.remembered.move_to_end(id)
        if len(self.remembered) > RECORDS_MAX:
            self.remembered.popitem(last=False)

    async def art(self, key: Key) -> Finished:
        """
        The art of a kept picture that is not ready yet. Raises PictureMissing, Damaged,
        StoreUnavailable, and as Service.draw does.
        """
        self.service.workers.check_room()
        return await self.service.art(key, lambda: self.drawn(key))

    async def drawn(self, key: Key) -> Drawn:
        content = await self.pictures.content(key.picture)
        if content is None:
            raise missing(key.picture)
        return await self.service.drawn(key, content)

    # --- Taken away ----------------------------------------------------------------------

    async def delete(self, id: str) -> bool:
        """
        Delete `id` everywhere; returns whether the vault, if there is one, did so already.

        Else the next backup does, which reads the tombstone. Raises StoreUnavailable, and
        the deletion must then be asked for again.
        """
        deleted_at = moment(self.now())
        self.remembered.pop(id, None)
        await self.pictures.delete(id, deleted_at)
        self.remembered.pop(id, None)
        if self.vault is None:
            return True
        try:
            await self.pictures.in_store(
                self.vault.delete, Tombstone(picture=id, deleted_at=deleted_at)
            )
        except StoreUnavailable:
            if self.unvaulted is not None:
                await self.pictures.on_disk(self.unvaulted.add, id)
            return False
        return True


def pinned(options: Options, algorithm: str) -> Options:
    return dataclasses.replace(options, algorithm=algorithm)


def missing(id: str) -> PictureMissing:
    return PictureMissing(f"no picture {id} is kept here; POST it to /v1/pictures")


def moment(now: datetime) -> str:
    """A time in UTC as records have it."""
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
