"""
Makes one side of a picture like the other: what is living is carried, what is dead is buried.

    tombstone   the newest of both sides counts, and the target gets it
    record      living at the source: the picture is carried, then the record
                buried or gone, and there is a tombstone: it goes from the target too
                gone without a tombstone: the target keeps what it has

Absence alone never takes anything away: it may be damage, and then the copy is all there is.
A tombstone that can't be read might bury anything, so nothing is carried past it.

The picture comes before its record, and is read back: a record always finds its picture.
The tombstones are looked at once more at the end: who deletes puts the tombstone first, so
a deletion that came in between is either seen here, or comes later and finds all there is.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from calligram.care.pace import Pace
from calligram.care.reports import Outcome, Problem
from calligram.care.shelves import Side, Sight
from calligram.errors import Damaged
from calligram.store.keys import picture_key, record_key, tombstone_key
from calligram.store.records import Record, Tombstone

CLOCKS_SECONDS = 60.0
"""So far apart a server's clock and a store's may be."""

T = TypeVar("T")


class Found(Exception):
    """A problem that ends the care of this picture."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Carrier:
    """
    Carries from `source` to `target`.

    `replaces`: where both have a living record and they differ, the source's counts.
    `rereads`: pictures that are at the target already are hashed, and records read; without
    it, what looks alike is taken for the same (see `is_alike`).
    """

    source: Side
    target: Side
    replaces: bool
    rereads: bool
    pace: Pace

    def carry(self, id: str, here: Sight, there: Sight) -> Outcome:
        """Carry one picture, seen `here` at the source and `there`. Raises StoreUnavailable."""
        if not self.rereads and is_alike(here, there):
            return Outcome()
        if here.record is None and here.tombstone is None and there.tombstone is None:
            return Outcome()  # the target's alone, or a picture whose record is still to come
        self.pace.take_turn()
        try:
            return self.made_alike(id, here, there)
        except Found as found:
            return Outcome(problems=(found.problem,))

    def made_alike(self, id: str, here: Sight, there: Sight) -> Outcome:
        tombstone = self.newest_tombstone(id, here, there)
        record = None
        if here.record is not None:
            record = readable(self.source, record_key(id), lambda: self.source.objects.record(id))
        if record is not None and (tombstone is None or not tombstone.buries(record)):
            return self.carried(record, tombstone, there)
        if tombstone is not None and (there.record is not None or there.picture is not None):
            return Outcome(deleted=self.buried(tombstone, there))
        return Outcome()

    # --- What is dead --------------------------------------------------------------------

    def newest_tombstone(self, id: str, here: Sight, there: Sight) -> Tombstone | None:
        """The newer of both sides' tombstones; the target has it when this returns."""
        mine = theirs = None
        if here.tombstone is not None:
            mine = tombstone_at(self.source, id)
        if there.tombstone is not None:
            try:
                theirs = tombstone_at(self.target, id)
            except Found:
                if mine is None:
                    raise
        if mine is not None and (theirs is None or mine.deleted_at > theirs.deleted_at):
            self.target.objects.put_tombstone(mine)
            return mine
        return theirs

    def buried(self, tombstone: Tombstone, there: Sight) -> int:
        """Take away at the target what `tombstone` buries; returns how many pictures that is."""
        id, objects = tombstone.picture, self.target.objects
        kept = None
        if there.record is not None:
            # One that can't be read may have come later, and then it is not ours to take away.
            kept = readable(self.target, record_key(id), lambda: objects.record(id))
        elif not self.replaces and not is_older(there, tombstone):
            # It may have been kept again here, and have lost its record.
            return 0
        objects.clear(tombstone)
        return 1 if kept is None or tombstone.buries(kept) else 0

    # --- What is living ------------------------------------------------------------------

    def carried(self, record: Record, tombstone: Tombstone | None, there: Sight) -> Outcome:
        id = record.picture
        bytes = self.carry_picture(record, there)
        is_put = self.carry_record(record, tombstone, there)
        if not bytes and not is_put:
            return Outcome()
        late = self.newest_tombstone(id, *self.tombstones_now(id))
        if late is not None and late.buries(record):
            return Outcome(bytes=bytes, deleted=self.buried(late, Sight(record=1, picture=1)))
        return Outcome(bytes=bytes, copied=1)

    def tombstones_now(self, id: str) -> tuple[Sight, Sight]:
        key = tombstone_key(id)
        return (
            Sight.of(None, None, self.source.bucket.entry(key)),
            Sight.of(None, None, self.target.bucket.entry(key)),
        )

    def carry_picture(self, record: Record, there: Sight) -> int:
        """See to it that the target has the picture; returns the bytes that were carried."""
        id = record.picture
        if there.picture == record.bytes and not (self.rereads and self.is_damaged(id)):
            return 0
        content = readable(self.source, picture_key(id), lambda: self.source.objects.picture(id))
        if content is None:
            raise Found(
                missing(self.source, picture_key(id), "its record is here, the picture not")
            )
        if len(content) != record.bytes:
            raise Found(wrong_size(self.source, record, len(content)))
        self.target.objects.put_picture(id, content)
        return len(content)

    def is_damaged(self, id: str) -> bool:
        return self.target.bucket.digest(picture_key(id)) != id

    def carry_record(self, record: Record, tombstone: Tombstone | None, there: Sight) -> bool:
        """See to it that the target has a living record; was it put?"""
        objects = self.target.objects
        kept = None
        if there.record is not None:
            # put_record puts a good one over what is damaged.
            with contextlib.suppress(Damaged):
                kept = objects.record(record.picture)
        if kept == record:
            return False
        if kept is None or (tombstone is not None and tombstone.buries(kept)):
            return objects.put_record(record) == record
        if self.replaces:
            objects.replace_record(record)
        return self.replaces


def is_alike(here: Sight, there: Sight) -> bool:
    """
    May what is `there` be taken for a copy of what is `here`, unread?

    Sizes tell nearly all; a record that was put anew, with the same size, is newer than its
    copy. Clocks of two providers differ: at worst, records are read in vain.
    """
    return here == there and here.tombstone is None and here.record_written <= there.record_written


def is_older(sight: Sight, tombstone: Tombstone) -> bool:
    """
    Is a picture without a record surely older than its deletion?

    If not, it may have been kept again after it: only its record could tell.
    """
    deleted_at = datetime.fromisoformat(tombstone.deleted_at).timestamp()
    return sight.picture_written < deleted_at - CLOCKS_SECONDS


def tombstone_at(side: Side, id: str) -> Tombstone | None:
    return readable(side, tombstone_key(id), lambda: side.objects.tombstone(id))


def readable(side: Side, key: str, read: Callable[[], T]) -> T:
    """What `read` returns; what is damaged is a problem at `key`. Raises Found."""
    try:
        return read()
    except Damaged as error:
        raise Found(Problem(side.name, key, "damaged", str(error))) from error


def missing(side: Side, key: str, told: str) -> Problem:
    return Problem(side.name, key, "missing", told)


def wrong_size(side: Side, record: Record, bytes: int) -> Problem:
    told = f"it says that the picture has {record.bytes} bytes, and the picture has {bytes}"
    return Problem(side.name, record_key(record.picture), "damaged", told)
