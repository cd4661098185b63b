"""
A store is walked shelf by shelf: all that its keys hold under the first two digits of an id.

    shelf "ab"    pictures/ab/...   records/ab/...   deleted/ab/...      256 of them

Ids are hashes, so shelves are alike, and each is a fair sample of the whole. One is listed
at a time, on both sides of a walk: however large the store, a 256th of its names is held.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from calligram.store.bucket import Entry
from calligram.store.keys import id_of, picture_key, record_key, tombstone_key
from calligram.store.objects import Keys, Objects

SHELVES = tuple(f"{number:02x}" for number in range(256))
FOLDERS = ("pictures", "records", "deleted")


class Listing(Keys, Protocol):
    """A store that also tells what it has; `bucket.Bucket` is the one."""

    def entries(self, prefix: str) -> Iterator[Entry]: ...
    def entry(self, key: str) -> Entry | None: ...


@dataclass(frozen=True)
class Side:
    """One of the two stores of a walk, and what to call it."""

    name: str
    bucket: Listing

    @cached_property
    def objects(self) -> Objects:
        """Its pictures, records and tombstones."""
        return Objects(self.bucket)


@dataclass(frozen=True, slots=True)
class Sight:
    """
    What is seen of a picture without reading it: the bytes of each of its objects, if there.

    When picture and record were written, in Unix time, makes no difference between equal sights.
    """

    picture: int | None = None
    record: int | None = None
    tombstone: int | None = None
    picture_written: float = field(default=0.0, compare=False)
    record_written: float = field(default=0.0, compare=False)

    @classmethod
    def of(cls, picture: Entry | None, record: Entry | None, tombstone: Entry | None) -> Sight:
        """The sight of a picture whose objects are these."""
        return cls(
            picture=picture and picture.bytes,
            record=record and record.bytes,
            tombstone=tombstone and tombstone.bytes,
            picture_written=picture.written if picture else 0.0,
            record_written=record.written if record else 0.0,
        )


NOTHING = Sight()


@dataclass(frozen=True, slots=True)
class Shelf:
    """What one side holds under two digits: id -> Sight, and keys that are none of ours."""

    sights: dict[str, Sight]
    strange: tuple[str, ...]


def share_of(number: int, count: int) -> Sequence[str]:
    """The shelves of share `number` of `count`: each shelf is in one of the shares 1 to `count`."""
    assert 1 <= number <= count <= len(SHELVES), (number, count)
    return SHELVES[number - 1 :: count]


def read_shelf(side: Side, digits: str) -> Shelf:
    """List one shelf. Raises StoreUnavailable."""
    found: dict[str, dict[str, Entry]] = {folder: {} for folder in FOLDERS}
    strange = []
    for folder in FOLDERS:
        for entry in side.bucket.entries(f"{folder}/{digits}/"):
            id = id_of(entry.key)
            if id is None:
                strange.append(entry.key)
            else:
                found[folder][id] = entry
    ids = set().union(*found.values())
    sights = {id: Sight.of(*(found[folder].get(id) for folder in FOLDERS)) for id in ids}
    return Shelf(sights, tuple(sorted(strange)))


def glance(side: Side, id: str) -> Sight:
    """What is seen of one picture now. Raises StoreUnavailable."""
    entry = side.bucket.entry
    return Sight.of(entry(picture_key(id)), entry(record_key(id)), entry(tombstone_key(id)))
