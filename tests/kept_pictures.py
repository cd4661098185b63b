"""
Pictures to keep, and an oracle that demands them again.

For keeping, a picture is bytes with a name; these are made from a number, so that a program
that was killed and the one that checks after it speak of the same.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from calligram.store import Bucket, Kept, Mover, Objects, Record, Spool, Writer

BYTES_MAX = 1024 * 1024
NOON = "2026-03-01T12:00:00.000000Z"


def content_of(number: int, size: int = 20_000) -> bytes:
    """The bytes of picture `number`; no two are alike."""
    block = hashlib.sha256(str(number).encode()).digest()
    return (block * (size // len(block) + 1))[:size]


def id_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def record_for(id: str, size: int, *, kept_at: str = NOON, algorithm: str = "shape-1") -> Record:
    return Record(
        picture=id,
        bytes=size,
        format="jpeg",
        width=768,
        height=512,
        kept_at=kept_at,
        algorithm=algorithm,
    )


class Ticks:
    """A clock that goes on by itself: `step` seconds each time it is asked."""

    def __init__(self, step: float = 60.0) -> None:
        self.now = 1_800_000_000.0
        self.step = step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def spool_in(folder: Path) -> Spool:
    spool = Spool(folder / "spool", picture_bytes_max=BYTES_MAX)
    spool.prepare()
    return spool


def objects_in(folder: Path) -> Objects:
    return Objects(Bucket.at(f"file://{folder}/store"))


def keep(spool: Spool, content: bytes, **about: str) -> Kept:
    with Writer(spool, len(content)) as writer:
        writer.write(content)
        return writer.keep(lambda id, size: record_for(id, size, **about))


def drain(mover: Mover, rounds_max: int = 10_000) -> None:
    """Rounds, until nothing is left."""
    for _ in range(rounds_max):
        if not mover.spool.names():
            return
        mover.round()
    raise AssertionError(f"not drained in {rounds_max} rounds: {mover.metrics()}")


def lost(folder: Path, numbers: list[int]) -> list[int]:
    """
    Which of the promised pictures are gone, after a restart in `folder` and all is drained?

    Every one must be in the store, byte for byte, with a record; nothing may be left over.
    """
    spool, objects = spool_in(folder), objects_in(folder)
    # A clock that runs: nobody waits for what is to be tried later.
    mover = Mover(spool, objects, concurrency=1, clock=Ticks(), ticks=Ticks())
    assert mover.start()
    drain(mover, rounds_max=200)
    mover.stop()
    assert spool.quarantined_count() == 0
    return [number for number in numbers if not is_stored(objects, content_of(number))]


def is_stored(objects: Objects, content: bytes) -> bool:
    record = objects.record(id_of(content))
    return objects.picture(id_of(content)) == content and record is not None
