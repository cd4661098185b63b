"""
The backup that goes by itself, beside the mover: what is new at once, everything once a day.

    the mover stores a picture  -> a mark in the spool, on this server's own disk
    every `seconds`             -> each marked picture is carried to the vault, its mark removed
    once in `full_seconds`      -> a whole walk over store and vault, whoever has the time first

So the recovery point is `seconds`, and the time that it takes, as long as the vault answers;
what a lost disk forgot to mark is found by the whole walk. The vault itself remembers when
the last one was done, so a fleet does one and not one for each server. One process for each
spool does this, the holder of the lock.
"""

from __future__ import annotations

import logging
import os
import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from calligram.care.carrier import Carrier
from calligram.care.copies import backup
from calligram.care.pace import Pace
from calligram.care.shelves import Side, glance
from calligram.errors import CalligramError, Damaged, StoreUnavailable
from calligram.store import disk
from calligram.store.keys import record_key
from calligram.store.schedule import wait_seconds
from calligram.store.unvaulted import MARKERS_MAX

LOG = logging.getLogger(__name__)

WALKED_KEY = "care/backup.json"
AFTER_START_SECONDS = 3600.0
"""At the start everything is walked over, unless someone did within the last hour."""

LOCK_SECONDS = 1.0
BATCH = 500


class Marks(Protocol):
    """What the spool knows of pictures that were moved, and may not be in the vault yet."""

    def unvaulted(self) -> Iterable[str]: ...
    def vaulted(self, id: str) -> None: ...


class Walked(msgspec.Struct, frozen=True):
    """What is written down in the vault: when the last whole walk ended, in Unix time."""

    walked_at: float


@dataclass(frozen=True, slots=True)
class BackupMetrics:
    """
    How the backup does. `items` are marked and not in the vault, and `oldest_seconds` is how
    long the oldest of them has been seen so. Counts are since the start, and so is
    `walked_seconds` while no walk came to its end.
    """

    items: int
    oldest_seconds: float
    copied: int
    failed: int
    problems: int
    walked_seconds: float
    is_vault_away: bool


class Backup:
    """
    Keeps `vault` at most `seconds` behind `store`.

    `lock` is a file on this server's own disk. `clock` is Unix time, `ticks` one that never
    goes back.
    """

    def __init__(
        self,
        marks: Marks,
        store: Side,
        vault: Side,
        *,
        lock: Path,
        seconds: float = 60.0,
        full_seconds: float = 86_400.0,
        concurrency: int = 4,
        per_second_max: float | None = None,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self.marks = marks
        self.store = store
        self.vault = vault
        self.lock = lock
        self.seconds = seconds
        self.full_seconds = full_seconds
        self.concurrency = concurrency
        self.per_second_max = per_second_max
        self.clock = clock
        self.ticks = ticks
        self.held: int | None = None
        self.seen: Mapping[str, float] = {}
        self.began_at = clock()
        self.walked_at = 0.0
        self.has_walked = False
        self.copied = self.failed = self.problems = self.failures = 0

    # --- The loop ------------------------------------------------------------------------

    def run(self, stopped: threading.Event) -> None:
        """Back up until `stopped`; waits where another process does, and follows it."""
        try:
            pause = 0.0
            while not stopped.wait(pause):
                pause = self.round_or_pause(stopped)
        finally:
            self.stop()

    def start(self) -> bool:
        """Become the one backup of this spool; False where another is."""
        if self.held is None:
            self.held = disk.try_lock(self.lock)
        return self.held is not None

    def stop(self) -> None:
        """Let another be the backup."""
        if self.held is not None:
            os.close(self.held)
            self.held = None

    def round_or_pause(self, stopped: threading.Event) -> float:
        """One round, if this is the one backup; returns the seconds until the next."""
        try:
            if not self.start():
                return LOCK_SECONDS
            self.round(stopped)
        except (CalligramError, OSError) as error:
            self.failures += 1
            LOG.warning("the vault falls behind: %s", error)
            return wait_seconds(self.failures, random.random(), self.seconds)
        except Exception:  # a bug over one picture must not end the backup of all others
            LOG.exception("the vault falls behind, by a bug")
            return self.seconds
        self.failures = 0
        return self.seconds

    def round(self, stopped: threading.Event) -> None:
        """Back up what is marked, and then everything, if it is time."""
        pace = Pace(
            concurrency=self.concurrency, per_second_max=self.per_second_max, stopped=stopped
        )
        self.look()
        # Where as many are marked as may be, others are not.
        is_overflowing = len(self.seen) >= MARKERS_MAX
        self.carry_marked(pace)
        if is_overflowing or self.is_full_due():
            self.walk(pace)

    # --- What is new ---------------------------------------------------------------------

    def look(self) -> None:
        """Which pictures are marked, and since when?"""
        now = self.ticks()
        self.seen = {id: self.seen.get(id, now) for id in self.marks.unvaulted()}

    def carry_marked(self, pace: Pace) -> None:
        """Carry what is marked, the oldest first. Raises StoreUnavailable if none could be."""
        carrier = Carrier(self.store, self.vault, replaces=True, rereads=False, pace=pace)
        line = sorted(self.seen, key=lambda id: self.seen[id])
        with ThreadPoolExecutor(self.concurrency, "backup") as pool:
            for start in range(0, len(line), BATCH):
                if pace.stopped.is_set():
                    return
                batch = line[start : start + BATCH]
                results = list(pool.map(lambda id: self.carry(carrier, id), batch))
                done = {id for id, error in zip(batch, results, strict=True) if error is None}
                self.seen = {id: since for id, since in self.seen.items() if id not in done}
                if not done:
                    # It is the vault, or the store, that is away: the rest needn't ask too.
                    raise StoreUnavailable(str(next(filter(None, results))))

    def carry(self, carrier: Carrier, id: str) -> str | None:
        """Carry one marked picture; returns what is wrong, None if nothing is."""
        try:
            here = glance(self.store, id)
            if here.record is None and here.tombstone is None:
                raise Damaged(f"the store had {record_key(id)} and has neither it nor a tombstone")
            outcome = carrier.carry(id, here, glance(self.vault, id))
            if not outcome.problems:
                self.marks.vaulted(id)
                self.copied += outcome.copied
                return None
            told = outcome.problems[0].told
        except CalligramError as error:
            told = str(error)
        self.failed += 1
        LOG.warning("%s is not in the vault: %s", id, told)
        return told

    # --- Everything ----------------------------------------------------------------------

    def is_full_due(self) -> bool:
        """Has nobody walked over everything for too long?"""
        self.walked_at = max(self.walked_at, self.walked_by_anyone())
        limit = (
            self.full_seconds if self.has_walked else min(AFTER_START_SECONDS, self.full_seconds)
        )
        return self.clock() - self.walked_at > limit

    def walked_by_anyone(self) -> float:
        content = self.vault.bucket.get(WALKED_KEY)
        try:
            return msgspec.json.decode(content, type=Walked).walked_at if content else 0.0
        except msgspec.MsgspecError:
            return 0.0

    def walk(self, pace: Pace) -> None:
        """Walk over store and vault; what is new meanwhile doesn't wait for the walk's end."""
        problems = 0
        look_at = self.ticks() + self.seconds
        for progress in backup(self.store, self.vault, pace=pace):
            for problem in progress.problems:
                problems += 1
                LOG.warning("%s, %s: %s", problem.place, problem.key, problem.told)
            if pace.stopped.is_set():
                return
            if self.ticks() >= look_at:
                self.look()
                self.carry_marked(pace)
                look_at = self.ticks() + self.seconds
        self.problems = problems
        self.has_walked = True
        self.walked_at = self.clock()
        self.vault.bucket.put(WALKED_KEY, msgspec.json.encode(Walked(self.walked_at)))

    # --- What is told --------------------------------------------------------------------

    def metrics(self) -> BackupMetrics:
        """How the backup does now. From any thread."""
        seen = self.seen
        return BackupMetrics(
            items=len(seen),
            oldest_seconds=max(0.0, self.ticks() - min(seen.values())) if seen else 0.0,
            copied=self.copied,
            failed=self.failed,
            problems=self.problems,
            walked_seconds=max(0.0, self.clock() - (self.walked_at or self.began_at)),
            is_vault_away=self.failures > 0,
        )
