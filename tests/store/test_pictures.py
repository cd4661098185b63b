"""Spool and store together, as the service sees them."""

from __future__ import annotations

import asyncio
from datetime import datetime

import pytest

from calligram.errors import PictureUnknown, StoreUnavailable
from calligram.store import Mover, Objects, Pictures, Record, Tombstone
from calligram.store.keys import picture_key, record_key
from calligram.store.mover import DELETION_SECONDS_MAX
from kept_pictures import Ticks, content_of, drain, id_of, objects_in, record_for, spool_in

CONTENT = content_of(1, 700_000)
ID = id_of(CONTENT)
LATER = "2026-03-01T12:00:01.000000Z"


class AwayBucket:
    """A store that nobody reaches."""

    def put(self, *_: object) -> None:
        raise StoreUnavailable("away")

    create = get = digest = delete = put


def pictures_in(folder, objects: Objects | None = None) -> Pictures:
    return Pictures(spool_in(folder), objects or objects_in(folder))


def move_all(pictures: Pictures) -> None:
    mover = Mover(pictures.spool, pictures.objects, concurrency=1, clock=Ticks(), ticks=Ticks())
    assert mover.start()
    drain(mover)
    mover.stop()


def test_a_kept_picture_is_read_while_the_store_is_away(tmp_path):
    pictures = pictures_in(tmp_path, Objects(AwayBucket()))

    async def story():
        kept = await pictures.keep(CONTENT, record_for)
        return kept, await pictures.content(ID), await pictures.find(ID)

    kept, content, found = asyncio.run(story())

    assert (kept.state, kept.is_known) == ("spooled", False)
    assert content == CONTENT
    assert (found.record, found.state) == (record_for(ID, len(CONTENT)), "spooled")


def test_a_picture_that_only_the_store_could_have_is_not_said_to_be_missing(tmp_path):
    pictures = pictures_in(tmp_path, Objects(AwayBucket()))

    with pytest.raises(StoreUnavailable):
        asyncio.run(pictures.find(ID))


def test_a_stored_picture_is_known(tmp_path):
    pictures = pictures_in(tmp_path)

    asyncio.run(pictures.keep(CONTENT, record_for))
    move_all(pictures)
    kept = asyncio.run(pictures.known(ID))

    assert (kept.state, kept.is_known) == ("stored", True)
    assert pictures.spool.names() == []
    assert asyncio.run(pictures.content(ID)) == CONTENT


@pytest.mark.parametrize("is_moved", [True, False])
def test_a_deleted_picture_is_gone_and_may_be_kept_again(is_moved, tmp_path):
    pictures = pictures_in(tmp_path)
    asyncio.run(pictures.keep(CONTENT, record_for))
    if is_moved:
        move_all(pictures)

    asyncio.run(pictures.delete(ID, LATER))
    gone = asyncio.run(pictures.find(ID))
    again = asyncio.run(
        pictures.keep(
            CONTENT,
            lambda id, size: record_for(id, size, kept_at=LATER.replace("01.0", "02.0")),
        )
    )
    move_all(pictures)

    assert (gone, again.is_known) == (None, False)
    assert asyncio.run(pictures.content(ID)) == CONTENT


def test_what_another_server_still_had_is_buried_when_it_comes(tmp_path):
    here, there = pictures_in(tmp_path), spool_in(tmp_path / "there")
    other = Pictures(there, here.objects)
    asyncio.run(other.keep(CONTENT, record_for))

    asyncio.run(here.delete(ID, LATER))
    move_all(other)

    assert asyncio.run(here.find(ID)) is None
    assert asyncio.run(here.content(ID)) is None


def test_an_upload_that_is_refused_leaves_nothing(tmp_path):
    pictures = pictures_in(tmp_path)

    def refuse(_id: str, _bytes: int) -> Record:
        raise PictureUnknown("no")

    with pytest.raises(PictureUnknown):
        asyncio.run(pictures.keep(CONTENT, refuse))

    assert list(pictures.spool.incoming.iterdir()) == []
    assert pictures.spool.reserved == 0


def test_a_picture_that_is_kept_again_survives_a_deletion_that_is_not_yet_over(tmp_path):
    here = pictures_in(tmp_path)
    deleted_at = datetime.fromisoformat(LATER).timestamp()
    now = [deleted_at + 1.0]
    mover = Mover(here.spool, here.objects, concurrency=1, clock=lambda: now[0], ticks=Ticks())
    assert mover.start()
    # Elsewhere a deletion has left its tombstone, and found nothing to take away yet.
    here.objects.put_tombstone(Tombstone(picture=ID, deleted_at=LATER))
    again = record_for(ID, len(CONTENT), kept_at=LATER.replace("01.0", "02.0"))
    asyncio.run(here.keep(CONTENT, lambda _id, _bytes: again))

    mover.round()
    spooled = here.spool.names()
    # Now it goes on, and takes away what was put meanwhile.
    for key in (record_key(ID), picture_key(ID)):
        here.objects.bucket.delete(key)
    readable = asyncio.run(here.content(ID))
    now[0] += DELETION_SECONDS_MAX
    drain(mover)
    mover.stop()

    assert spooled == [ID]
    assert readable == CONTENT
    assert (here.objects.picture(ID), here.objects.record(ID)) == (CONTENT, again)


def test_what_was_deleted_before_it_was_moved_is_never_put(tmp_path):
    here = pictures_in(tmp_path)
    asyncio.run(here.keep(CONTENT, record_for))
    here.objects.put_tombstone(Tombstone(picture=ID, deleted_at=LATER))

    move_all(here)

    assert list(here.objects.bucket.keys("pictures/")) == []
    assert list(here.objects.bucket.keys("records/")) == []


def test_a_deletion_that_was_cut_short_is_finished_by_the_mover(tmp_path):
    here = pictures_in(tmp_path)
    here.objects.put_picture(ID, CONTENT)
    here.objects.put_record(record_for(ID, len(CONTENT)))
    here.objects.put_tombstone(Tombstone(picture=ID, deleted_at=LATER))
    asyncio.run(here.keep(CONTENT, record_for))

    move_all(here)

    assert (here.objects.picture(ID), here.objects.record(ID)) == (None, None)
