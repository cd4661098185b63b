"""
Drains the spool into the store; one for each spool, in whichever process has its lock.

    kept/<id> -> read and checked -> not deleted? -> picture put and read back
              -> record created and read back -> not deleted meanwhile? -> taken out of kept/

One whose tombstone is young stays a while longer, though it was kept again after it: whoever
deletes may still be at it, and might take away what was just put. When that is over, it is put
once more, whatever became of it.

Every step may be cut and done again. An item is taken out only after the store gave back
its very bytes; whatever else happens, it stays and has a next time, which is written into
the spool. One that is damaged is set aside; one that can't be moved, for whatever reason,
stops no other.

`round` is the whole of it: look, move a batch, note. `run` calls it until it is stopped.
"""

from __future__ import annotations

import logging
import os
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import ParamSpec

from calligram.errors import CalligramError, Damaged, Unavailable
from calligram.store.backlog import Backlog
from calligram.store.objects import Objects
from calligram.store.records import Record, Tombstone
from calligram.store.schedule import Circuit, Rate, wait_seconds
from calligram.store.spool import Item, Retry, Spool
from calligram.store.unvaulted import Unvaulted

LOG = logging.getLogger(__name__)

P = ParamSpec("P")

DONE, LATER, FAILED = "done", "later", "failed"
"""What became of a picture that was to be moved."""

BATCHES_EACH = 4
"""A batch is this many pictures for each of those that are moved at once."""

IDLE_SECONDS = 0.2
DELETION_SECONDS_MAX = 180.0
"""
A deletion is over so long after the time in its tombstone: it is some seven requests of
at most 20 s, and clocks of servers differ by a little.
"""

LOCK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Metrics:
    """
    How the spool does. Counts are since the start, `bytes` and `oldest_seconds` of what
    has been looked at so far: after a restart that takes a moment.
    """

    items: int
    bytes: int
    oldest_seconds: float
    moved: int
    retries: int
    quarantined: int
    is_store_away: bool
    is_wedged: bool


class Mover:
    """
    Moves `concurrency` pictures at once and `items_per_second_max` in a second.

    A failed one is tried again within `retry_seconds_max`. If the last round is older than
    `wedged_seconds`, or nothing was moved for so long though the store is there, something is
    wrong, whatever else is told. What was moved is noted in `unvaulted`, if there is a vault.
    `clock` is Unix time, `ticks` one that never goes back, `chance` gives 0 to 1.
    """

    def __init__(
        self,
        spool: Spool,
        objects: Objects,
        *,
        unvaulted: Unvaulted | None = None,
        concurrency: int = 4,
        items_per_second_max: float = 1000.0,
        retry_seconds_max: float = 30.0,
        wedged_seconds: float = 600.0,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.spool = spool
        self.objects = objects
        self.unvaulted = unvaulted
        self.retry_seconds_max = retry_seconds_max
        self.wedged_seconds = wedged_seconds
        self.clock = clock
        self.ticks = ticks
        self.chance = chance
        self.lock: int | None = None
        self.backlog = Backlog(spool, retry_seconds_max=retry_seconds_max)
        self.rate = Rate(items_per_second_max)
        self.circuit = Circuit(
            batch_max=concurrency * BATCHES_EACH, wait_seconds_max=min(15.0, retry_seconds_max)
        )
        self.pool = ThreadPoolExecutor(concurrency, "mover") if concurrency > 1 else None
        self.moved = 0
        self.retries = 0
        self.round_at = self.moved_at = ticks()
        self.late: set[str] = set()

    # --- The loop ------------------------------------------------------------------------

    def start(self) -> bool:
        """Become the one mover of this spool; False where another is."""
        if self.lock is None:
            self.lock = self.spool.mover_lock()
            if self.lock is not None:
                self.spool.clean()
                self.backlog.start(self.clock(), self.ticks())
        return self.lock is not None

    def run(self, stopped: threading.Event) -> None:
        """Drain until `stopped`; waits where another is the mover, and follows him."""
        try:
            pause = 0.0
            while not stopped.wait(pause):
                pause = self.round_or_pause()
        finally:
            self.stop()

    def round_or_pause(self) -> float:
        try:
            return self.round() if self.start() else LOCK_SECONDS
        except CalligramError as error:  # the spool's disk: nothing to be done but to go on trying
            LOG.error("the mover can't work: %s", error)
            return LOCK_SECONDS

    def stop(self) -> None:
        """Finish what is being moved, and let another be the mover."""
        if self.pool is not None:
            self.pool.shutdown()
        if self.lock is not None:
            os.close(self.lock)
            self.lock = None

    def round(self) -> float:
        """Move what is due, as far as may be; returns the seconds until there may be more."""
        assert self.lock is not None, "only the one mover may move"
        self.backlog.look(self.ticks())
        self.backlog.survey()
        now = self.round_at = self.ticks()
        wanted = min(self.circuit.allowed(now), self.backlog.due(now))
        batch = self.backlog.take(self.rate.take(wanted, now))
        results = self.pool.map(self.move, batch) if self.pool else map(self.move, batch)
        moved = list(zip(batch, results, strict=True))
        for id, outcome in moved:
            self.note(id, outcome)
        outcomes = [outcome for _, outcome in moved]
        successes = len(outcomes) - outcomes.count(FAILED)
        self.circuit.note(
            successes=successes,
            failures=outcomes.count(FAILED),
            now=self.ticks(),
            chance=self.chance(),
        )
        return 0.0 if outcomes.count(DONE) else IDLE_SECONDS

    def note(self, id: str, outcome: str) -> None:
        """Write down what became of a picture that was tried."""
        before = self.backlog.retry(id)
        self.late.discard(id)
        if outcome == DONE:
            self.moved += 1
            self.moved_at = self.ticks()
            self.backlog.done(id)
            if before is not None:
                self.write_down(self.spool.forget, id, before)
            return
        if outcome == LATER:
            self.late.add(id)
        else:
            self.retries += 1
        tries = before.tries + 1 if before else 1
        wait = wait_seconds(tries, self.chance(), self.retry_seconds_max)
        retry = Retry(self.clock() + wait, tries)
        self.backlog.defer(id, retry, self.ticks() + wait)
        self.write_down(self.spool.defer, id, retry, before)

    def write_down(self, deed: Callable[P, None], *args: P.args, **named: P.kwargs) -> None:
        """Retries are advice: a full disk, which only moving can help, must not stop it."""
        try:
            deed(*args, **named)
        except Unavailable as error:
            LOG.warning("a retry can't be written down: %s", error)

    # --- One picture ---------------------------------------------------------------------

    def move(self, id: str) -> str:
        """Move one picture: DONE, if nothing is left to be done for it, LATER or FAILED."""
        try:
            item = self.spool.open(id)
            if item is None:
                return DONE
            with item:
                return self.move_item(item)
        except CalligramError as error:
            LOG.warning("%s stays in the spool: %s", id, error)
        except Exception:  # a bug over one picture must not keep all others in the spool
            LOG.exception("%s stays in the spool, by a bug", id)
        return FAILED

    def move_item(self, item: Item) -> str:
        with self.spool.disk.working():
            try:
                picture, record = item.read()
            except Damaged as error:
                LOG.error("%s is damaged and set aside: %s", item.id, error)
                self.spool.quarantine(item)
                return DONE
        if not self.was_buried(record):
            self.objects.put_picture(item.id, picture)
            self.objects.put_record(record)
            # Last, so that no deletion can come between: one that comes later finds all there is.
            tombstone = self.objects.tombstone(item.id)
            if tombstone is not None and tombstone.buries(record):
                self.objects.clear(tombstone)
            elif tombstone is not None and self.is_young(tombstone):
                return LATER
            elif self.unvaulted is not None:
                self.unvaulted.add(item.id)
        self.spool.remove(item)
        return DONE

    def was_buried(self, record: Record) -> bool:
        """
        Was it deleted before we came? Then nothing of it is put.

        And nothing is taken away that we did not put, unless the store has what is buried: the
        tombstone may be old, and another server be putting what was kept again.
        """
        tombstone = self.objects.tombstone(record.picture)
        if tombstone is None or not tombstone.buries(record):
            return False
        try:
            found = self.objects.record(record.picture)
            is_left = found is not None and tombstone.buries(found)
        except Damaged:
            is_left = True
        if is_left:
            self.objects.clear(tombstone)
        return True

    def is_young(self, tombstone: Tombstone) -> bool:
        """May whoever put it still be deleting?"""
        deleted_at = datetime.fromisoformat(tombstone.deleted_at).timestamp()
        return self.clock() - deleted_at < DELETION_SECONDS_MAX

    # --- What is told --------------------------------------------------------------------

    def metrics(self) -> Metrics:
        """How the spool does now. From any thread."""
        oldest = self.backlog.oldest_seconds(self.clock())
        idle = self.ticks() - self.round_at if self.lock is not None else 0.0
        return Metrics(
            items=len(self.backlog),
            bytes=self.backlog.bytes,
            oldest_seconds=oldest,
            moved=self.moved,
            retries=self.retries,
            quarantined=self.spool.quarantined_count(),
            is_store_away=not self.circuit.is_closed,
            is_wedged=idle > self.wedged_seconds or self.is_stuck(oldest),
        )

    def is_stuck(self, oldest_seconds: float) -> bool:
        """
        Is nothing moved though the store is there?

        While it is away nothing can be, on no server: uploads are safe in the spool, and a
        fleet that all calls itself unfit would serve nobody. One picture that can't be moved
        among others that are is an alarm (its age), and no reason either.
        """
        waits = min(oldest_seconds, self.ticks() - self.moved_at)
        return self.circuit.is_closed and waits > self.wedged_seconds
