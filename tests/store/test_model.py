"""
Spool and mover against the simplest model of them: a set of what was promised.

Hypothesis keeps, keeps again, deletes, moves, restarts, and makes the store fail before or
after it did its work, in any order. Whatever it does, what was promised and not deleted can
be read at every moment, byte for byte, and what was deleted is gone in the end.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from calligram.errors import StoreUnavailable
from calligram.store import Bucket, Mover, Objects, Tombstone
from kept_pictures import Ticks, content_of, drain, id_of, keep, spool_in

NUMBERS = st.integers(0, 4)
FAULTS = st.sampled_from(["refused", "answer lost", "corrupted", "conflict", "not there"])


class BadBucket:
    """A real folder behind a store that fails to order: `faults` are for the next requests."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        self.faults: list[str] = []

    def put(self, key: str, content: bytes | memoryview) -> None:
        fault = self.next()
        if fault == "corrupted":
            self.bucket.put(key, b"?" + bytes(content)[1:])
            return
        self.bucket.put(key, content)
        self.lose_answer(fault)

    def create(self, key: str, content: bytes) -> None:
        fault = self.next()
        if fault == "conflict":
            return  # a 409 that stored nothing
        self.bucket.create(key, content)
        self.lose_answer(fault)

    def get(self, key: str) -> bytes | None:
        fault = self.next()
        content = self.bucket.get(key)
        self.lose_answer(fault)
        return None if fault == "not there" and key.startswith("pictures") else content

    def digest(self, key: str) -> str | None:
        content = self.get(key)
        return None if content is None else id_of(content)

    def delete(self, key: str) -> None:
        fault = self.next()
        self.bucket.delete(key)
        self.lose_answer(fault)

    def next(self) -> str:
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "refused":
            raise StoreUnavailable("refused")
        return fault

    def lose_answer(self, fault: str) -> None:
        if fault == "answer lost":
            raise StoreUnavailable("done, but the answer was lost")


class Keeping(RuleBasedStateMachine):
    """The machine that Hypothesis drives."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.bucket = Bucket.at(f"file://{self.folder}/store")
        self.bad = BadBucket(self.bucket)
        self.promised: set[int] = set()
        self.now = 0
        self.open()

    def open(self) -> None:
        self.spool = spool_in(self.folder)
        self.mover = Mover(
            self.spool, Objects(self.bad), concurrency=1, clock=Ticks(), ticks=Ticks()
        )
        assert self.mover.start()

    def moment(self) -> str:
        self.now += 1
        return f"2026-03-01T12:00:00.{self.now:06d}Z"

    @rule(number=NUMBERS)
    def keep(self, number: int) -> None:
        keep(self.spool, content_of(number, 100), kept_at=self.moment())
        self.promised.add(number)

    @rule(faults=st.lists(FAULTS, max_size=3))
    def misbehave(self, faults: list[str]) -> None:
        self.bad.faults = faults

    @rule(rounds=st.integers(1, 4))
    def move(self, rounds: int) -> None:
        for _ in range(rounds):
            self.mover.round()

    @rule()
    def restart(self) -> None:
        self.mover.stop()
        self.open()

    @rule(number=NUMBERS)
    def delete(self, number: int) -> None:
        id = id_of(content_of(number, 100))
        try:
            Objects(self.bad).delete(Tombstone(picture=id, deleted_at=self.moment()))
        except StoreUnavailable:
            # Not promised, and perhaps half done: asked again, as a client would.
            self.bad.faults = []
            Objects(self.bad).delete(Tombstone(picture=id, deleted_at=self.moment()))
        self.spool.delete(id)
        self.promised.discard(number)

    @invariant()
    def what_was_promised_can_be_read(self) -> None:
        if not hasattr(self, "spool"):
            return
        gone = [number for number in self.promised if not self.is_readable(number)]
        assert gone == []

    def is_readable(self, number: int) -> bool:
        content = content_of(number, 100)
        item = self.spool.open(id_of(content))
        if item is None:
            objects = Objects(self.bucket)
            return (
                objects.picture(id_of(content)) == content
                and objects.record(id_of(content)) is not None
            )
        with item:
            return bytes(item.read()[0]) == content

    def teardown(self) -> None:
        if not hasattr(self, "spool"):
            return
        self.bad.faults = []
        drain(self.mover, rounds_max=300)
        objects = Objects(self.bucket)
        assert self.spool.names() == []
        assert self.spool.quarantined_count() == 0
        stored = {n for n in range(5) if objects.record(id_of(content_of(n, 100))) is not None}
        assert stored == self.promised
        self.mover.stop()
        shutil.rmtree(self.folder)


TestKeeping = Keeping.TestCase
TestKeeping.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
