"""
Proves that the vault can be restored: it is done, to a sample, and asked for over HTTP.

    a random sample of the vault -> restored into an empty folder      restore_seconds
    `calligram serve` on that folder, as an operator would             first_answer_seconds
    each picture's art, asked through the API, byte for byte the same as what the store's own
    copy gives: that is what a client sees

A backup that was never restored is a hope. The seconds for all are the sample's, for as
many pictures as the vault seems to hold: its shelves are alike, so a few are counted.
"""

from __future__ import annotations

import random
import time
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from calligram.care.carrier import Carrier
from calligram.care.pace import AHEAD_EACH, Pace, ahead
from calligram.care.reports import Outcome, Problem, Progress
from calligram.care.served import Served
from calligram.care.shelves import NOTHING, SHELVES, Side, glance, read_shelf
from calligram.errors import CalligramError, Damaged, StoreUnavailable
from calligram.store import Bucket, Record
from calligram.store.keys import picture_key, record_key

SEEN_EACH = 4
"""Shelves are listed until this many times the sample was seen, or all are."""


@dataclass(frozen=True, slots=True)
class DrillReport:
    """
    How a drill ended. `pictures` were in the sample, `alike` gave the same art.

    `vault_pictures` and `whole_seconds` are estimates: how many the vault holds, and how
    long it would take to restore them all at the sample's rate.
    """

    pictures: int
    alike: int
    bytes: int
    seed: int
    restore_seconds: float
    first_answer_seconds: float
    vault_pictures: int
    whole_seconds: float
    problems: int

    @property
    def is_clean(self) -> bool:
        """Was all of the sample restored and answered as it should be?"""
        return self.problems == 0 and self.alike == self.pictures


@dataclass(frozen=True, slots=True)
class Sample:
    """Some of the vault's pictures, chosen by `seed`, and how many it seems to hold in all."""

    ids: tuple[str, ...]
    total: int


Drill = Generator[Progress, None, DrillReport]


def drill(
    vault: Side, store: Side, folder: Path, *, size: int, seed: int, pace: Pace | None = None
) -> Drill:
    """
    Restore `size` pictures into the empty `folder`, serve them, and compare with `store`.

    Raises StoreUnavailable where the vault or the server doesn't answer.
    """
    assert size >= 1, size
    pace = pace or Pace()
    sample = sample_of(vault, size, seed, pace)
    count, problems, bytes, alike = len(sample.ids), 0, 0, 0
    if not count:
        told = "there is no picture in the vault, so nothing is proved"
        yield Progress("restore", 0, 1, 0, 0, (Problem(vault.name, "records/", "missing", told),))
        return DrillReport(0, 0, 0, seed, 0.0, 0.0, 0, 0.0, problems=1)
    target = Side("drill", Bucket.at((folder / "store").as_uri()))

    began = time.monotonic()
    for number, outcome in enumerate(restored(vault, target, sample, pace)):
        bytes += outcome.bytes
        problems += len(outcome.problems)
        yield Progress("restore", number, 2 * count, number, bytes, outcome.problems)
    restore_seconds = time.monotonic() - began

    began = time.monotonic()
    first_answer_seconds = 0.0
    with Served(folder) as served:
        for number, id in enumerate(sample.ids):
            found = compared(id, served, target, store)
            first_answer_seconds = first_answer_seconds or time.monotonic() - began
            alike += not found
            problems += len(found)
            yield Progress("serve", count + number, 2 * count, number, bytes, found)
    return DrillReport(
        pictures=count,
        alike=alike,
        bytes=bytes,
        seed=seed,
        restore_seconds=restore_seconds,
        first_answer_seconds=first_answer_seconds,
        vault_pictures=sample.total,
        whole_seconds=restore_seconds / count * sample.total,
        problems=problems,
    )


def sample_of(vault: Side, size: int, seed: int, pace: Pace) -> Sample:
    """`size` of the pictures with a record in `vault`; all of them where there are fewer."""
    chance = random.Random(seed)
    shelves = chance.sample(SHELVES, len(SHELVES))
    seen: list[str] = []
    listed = 0
    for digits in shelves:
        shelf = pace.patient(read_shelf, vault, digits)
        seen += sorted(id for id, sight in shelf.sights.items() if sight.record is not None)
        listed += 1
        if len(seen) >= size * SEEN_EACH:
            break
    total = round(len(seen) * len(SHELVES) / max(1, listed))
    return Sample(tuple(chance.sample(seen, min(size, len(seen)))), total)


def restored(vault: Side, target: Side, sample: Sample, pace: Pace) -> Iterator[Outcome]:
    carrier = Carrier(vault, target, replaces=False, rereads=True, pace=pace)

    def restore(id: str) -> Outcome:
        return pace.patient(lambda: carrier.carry(id, glance(vault, id), NOTHING))

    with ThreadPoolExecutor(pace.concurrency, "drill") as pool:
        yield from ahead(pool, restore, sample.ids, pace.concurrency * AHEAD_EACH)


def compared(id: str, served: Served, target: Side, store: Side) -> tuple[Problem, ...]:
    """What is wrong with the answer for one restored picture: nothing, or one problem."""
    try:
        record = target.objects.record(id)
        if record is None:
            told = "it is in the vault and was not restored"
            return (Problem(target.name, record_key(id), "missing", told),)
        content = store.objects.picture(id)
    except (Damaged, StoreUnavailable) as error:
        return (Problem(store.name, picture_key(id), error.code, str(error)),)
    if content is None:
        told = "it is in the vault, and the store has nothing to compare it with"
        return (Problem(store.name, picture_key(id), "missing", told),)
    answered = served.art(id, record.algorithm)
    if answered != expected(content, record):
        told = "its restored copy answers with other art than the store's own copy gives"
        return (Problem(target.name, picture_key(id), "different", told),)
    return ()


def expected(content: bytes, record: Record) -> bytes:
    """What a client should be answered: the art, or the code of what it is refused with."""
    from calligram import render  # the engine is large, and only a drill draws

    try:
        return render(content, algorithm=record.algorithm).to("txt")
    except CalligramError as error:
        return error.code.encode()
