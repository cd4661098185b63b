"""
Store, vault and what is done to them, against the simplest model: a set of what is kept.

Hypothesis keeps, deletes, keeps again, damages, loses, backs up and cuts the backup short, in
any order. After a whole backup the vault is the store's living set; no deleted picture ever
comes back; and what a damaged store has lost, the vault still has.
"""

from __future__ import annotations

import contextlib

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from calligram.care import Side, backup, finish, restore, verify
from calligram.errors import StoreUnavailable
from calligram.store.keys import picture_key, record_key
from kept_stores import (
    CutBucket,
    delete_in,
    id_at,
    impatient,
    keep_in,
    living,
    memory,
)

NUMBERS = st.integers(0, 5)
ALL = range(6)
SHELVES = sorted({id_at(number)[:2] for number in ALL})
"""The others stay empty, and walking over them would only take time."""


class Vaulting(RuleBasedStateMachine):
    """The machine that Hypothesis drives."""

    @initialize()
    def begin(self) -> None:
        self.store, self.vault = memory("store"), memory("vault")
        self.kept: set[int] = set()
        self.vaulted: set[int] = set()
        self.now = 0

    def tick(self) -> int:
        self.now += 1
        return self.now

    @rule(number=NUMBERS)
    def keep(self, number: int) -> None:
        keep_in(self.store, number, now=self.tick())
        self.kept.add(number)

    @rule(number=NUMBERS, also=st.booleans())
    def delete(self, number: int, *, also: bool) -> None:
        """A deletion asks the vault too, which may be away."""
        now = self.tick()
        delete_in(self.store, number, now=now)
        if also:
            delete_in(self.vault, number, now=now)
        self.kept.discard(number)
        self.vaulted.discard(number)

    @rule()
    def back_up(self) -> None:
        # What the store has damaged or lost stays as the vault has it.
        self.walk(backup(self.store, self.vault, shelves=SHELVES, pace=impatient()))
        self.vaulted |= living(self.store, ALL)
        assert living(self.vault, ALL) == self.vaulted
        for number in living(self.store, ALL):
            key = record_key(id_at(number))
            assert self.vault.bucket.get(key) == self.store.bucket.get(key)

    @rule(calls=st.integers(0, 60), after=st.booleans(), side=st.sampled_from(["store", "vault"]))
    def back_up_and_be_cut(self, calls: int, side: str, *, after: bool) -> None:
        sides = {"store": self.store, "vault": self.vault}
        sides[side] = Side(side, CutBucket(sides[side].bucket, calls, after=after))
        self.walk(backup(*sides.values(), shelves=SHELVES, pace=impatient(concurrency=1)))
        self.vaulted |= living(self.vault, ALL) & self.kept

    @rule(number=NUMBERS, key_of=st.sampled_from([picture_key, record_key]), lose=st.booleans())
    def harm_the_store(self, number: int, key_of, *, lose: bool) -> None:
        """Bytes rot, or are gone, of what the vault has; restore brings them back."""
        if number in self.vaulted & self.kept:
            key = key_of(id_at(number))
            self.store.bucket.delete(key) if lose else self.store.bucket.put(key, b"?")

    @rule(deep=st.booleans())
    def mend(self, *, deep: bool) -> None:
        pace = impatient()
        if deep:
            walk = verify(
                self.store, self.vault, repair=True, shelves=SHELVES, pace=pace, again_seconds=0
            )
        else:
            walk = restore(self.vault, self.store, shelves=SHELVES, pace=pace)
        self.walk(walk)
        assert living(self.store, ALL) >= self.vaulted & self.kept

    def walk(self, walk) -> None:
        with contextlib.suppress(StoreUnavailable):
            finish(walk)

    @invariant()
    def nothing_deleted_comes_back_to_the_store(self) -> None:
        if hasattr(self, "store"):
            assert living(self.store, ALL) <= self.kept

    @invariant()
    def nothing_vaulted_is_lost(self) -> None:
        if hasattr(self, "store"):
            assert living(self.vault, ALL) >= self.vaulted & self.kept

    def teardown(self) -> None:
        if not hasattr(self, "store"):
            return
        self.mend(deep=True)
        self.back_up()
        assert living(self.vault, ALL) == living(self.store, ALL) == self.kept
        left = {key for key, *_ in self.vault.bucket.entries("") if not key.startswith("deleted/")}
        assert left == {key_of(id_at(n)) for n in self.kept for key_of in (picture_key, record_key)}


TestVaulting = Vaulting.TestCase
TestVaulting.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
