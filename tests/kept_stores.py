"""
Stores with pictures in them, for tests of what cares for them; and a store with bad days.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator

from calligram.care import Pace, Side
from calligram.errors import Damaged, StoreUnavailable
from calligram.store import Bucket, Objects, Record, Tombstone
from calligram.store.bucket import Entry
from calligram.store.keys import picture_key
from kept_pictures import content_of, id_of, record_for

BYTES = 300
NO_WAIT = threading.Event()
NO_WAIT.set()


def impatient(**named: int) -> Pace:
    """A pace that tries again at once."""
    return Pace(stopped=NO_WAIT, **named)


def memory(name: str = "store") -> Side:
    return Side(name, Bucket.at("memory:///"))


def folder(path, name: str = "store") -> Side:
    return Side(name, Bucket.at(path.as_uri()))


def id_at(number: int) -> str:
    return id_of(content_of(number, BYTES))


def moment(number: int) -> str:
    """Later than the stores' own clocks: what is deleted then was surely written before."""
    return f"2099-03-01T12:00:00.{number:06d}Z"


def keep_in(side: Side, number: int, *, now: int = 0, algorithm: str = "shape-1") -> Record:
    """Put picture `number` and its record, as the mover does."""
    content = content_of(number, BYTES)
    record = record_for(id_of(content), BYTES, kept_at=moment(now), algorithm=algorithm)
    side.objects.put_picture(record.picture, content)
    return side.objects.put_record(record)


def delete_in(side: Side, number: int, *, now: int = 1) -> None:
    side.objects.delete(Tombstone(picture=id_at(number), deleted_at=moment(now)))


def stocked(side: Side, numbers: Iterable[int]) -> Side:
    for number in numbers:
        keep_in(side, number)
    return side


def everything(side: Side) -> dict[str, bytes]:
    """All that is in a store, key by key, but what care writes down for itself."""
    keys = [entry.key for entry in side.bucket.entries("") if not entry.key.startswith("care/")]
    return {key: side.bucket.get(key) for key in keys}


def living(side: Side, numbers: Iterable[int]) -> set[int]:
    """Which of the pictures have a living record and their very bytes."""
    return {number for number in numbers if is_living(side.objects, number)}


def is_living(objects: Objects, number: int) -> bool:
    try:
        record, content = objects.record(id_at(number)), objects.picture(id_at(number))
    except Damaged:
        return False
    return objects.is_alive(record) and content == content_of(number, BYTES)


class PowerCut(BaseException):
    """The process ends here: nothing that runs on may catch it."""


class CutBucket:
    """
    A store that answers `calls` requests and no more: then it is away, or the power is cut.

    `after` lets the last request do its work, and loses the answer.
    """

    def __init__(self, bucket, calls: int, *, error=StoreUnavailable, after: bool = False) -> None:
        self.bucket = bucket
        self.calls = calls
        self.error = error
        self.after = after
        self.counting = threading.Lock()

    def ask(self, deed, *arguments):
        with self.counting:
            self.calls -= 1
            left = self.calls
        if left < -1 or (left == -1 and not self.after):
            raise self.error("cut")
        answer = deed(*arguments)
        if left == -1:
            raise self.error("cut, but it was done")
        return answer

    def put(self, key: str, content: bytes | memoryview) -> None:
        self.ask(self.bucket.put, key, content)

    def create(self, key: str, content: bytes) -> None:
        self.ask(self.bucket.create, key, content)

    def get(self, key: str) -> bytes | None:
        return self.ask(self.bucket.get, key)

    def digest(self, key: str) -> str | None:
        return self.ask(self.bucket.digest, key)

    def delete(self, key: str) -> None:
        self.ask(self.bucket.delete, key)

    def entry(self, key: str) -> Entry | None:
        return self.ask(self.bucket.entry, key)

    def entries(self, prefix: str) -> Iterator[Entry]:
        return iter(self.ask(lambda: list(self.bucket.entries(prefix))))


class CountingBucket(CutBucket):
    """A store that tells how many requests of each kind there were, besides listings."""

    def __init__(self, bucket) -> None:
        super().__init__(bucket, 10**9)
        self.asked: list[str] = []

    def ask(self, deed, *arguments):
        name = getattr(deed, "__name__", "")
        if name != "<lambda>":
            self.asked.append(name)
        return super().ask(deed, *arguments)


def put_damaged(side: Side, number: int, content: bytes) -> None:
    side.bucket.put(picture_key(id_at(number)), content)
