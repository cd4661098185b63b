"""
What the mover knows of the spool: which pictures wait, since when, and who is next.

    listed, not yet tried  -> in line, first listed first
    tried in vain          -> at its time, before those in line

The spool itself is the truth, and this is a view of it: names are listed again when they
may have changed, and sizes and times are looked up a few at a time, so that a restart with
100,000 pictures in the spool is ready at once.
"""

from __future__ import annotations

import heapq
import os
import time
from collections import deque
from dataclasses import dataclass

from calligram.store.spool import Retry, Spool

SURVEY_ITEMS = 500
LOOK_SHARE_MAX = 0.05
"""Listing may take this share of the time: with very many items it is done less often."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was looked up of an item: its bytes on the disk, and when it was written."""

    bytes: int
    since: float


class Backlog:
    """The pictures in `spool`. Not for more than one thread, but `oldest_seconds` and sums."""

    def __init__(self, spool: Spool, *, retry_seconds_max: float) -> None:
        self.spool = spool
        self.retry_seconds_max = retry_seconds_max
        self.waiting: dict[str, Found | None] = {}
        self.line: deque[str] = deque()
        self.deferred: list[tuple[float, str]] = []
        self.retries: dict[str, Retry] = {}
        self.unseen: deque[str] = deque()
        self.bytes = 0
        self.listed_change = -1
        self.look_at = 0.0

    def __len__(self) -> int:
        return len(self.waiting)

    def start(self, now: float, tick: float) -> None:
        """Read what is there after a restart."""
        self.retries = self.spool.deferred()
        self.look(tick)
        self.line = deque(id for id in self.line if id not in self.retries)
        for id, retry in list(self.retries.items()):
            if id not in self.waiting:
                self.spool.forget(id, self.retries.pop(id))
                continue
            # A clock that was wrong must not put anything off for long.
            wait = min(max(0.0, retry.due - now), self.retry_seconds_max)
            heapq.heappush(self.deferred, (tick + wait, id))

    def look(self, tick: float) -> None:
        """List the spool again, if something came or went and it is time."""
        if tick < self.look_at:
            return
        began = time.perf_counter()
        # Before the listing: what comes meanwhile is found next time.
        change = self.spool.changed_at()
        if change == self.listed_change:
            return
        for id in self.spool.names():
            if id not in self.waiting:
                self.waiting[id] = None
                self.line.append(id)
                self.unseen.append(id)
        # Two changes within one tick of the file system's clock have one time.
        self.listed_change = change if time.time_ns() - change > 50_000_000 else -1
        self.look_at = tick + (time.perf_counter() - began) / LOOK_SHARE_MAX

    def survey(self) -> None:
        """Look up a few more items."""
        for _ in range(min(SURVEY_ITEMS, len(self.unseen))):
            id = self.unseen.popleft()
            if id in self.waiting and self.waiting[id] is None:
                try:
                    status = os.stat(self.spool.kept / id)
                except OSError:
                    continue  # gone, or the disk fails: whoever moves it will see
                self.waiting[id] = Found(status.st_size, status.st_mtime)
                self.bytes += status.st_size

    def due(self, tick: float) -> int:
        """How many may be tried now; those whose time has come stand first in line."""
        while self.deferred and self.deferred[0][0] <= tick:
            self.line.appendleft(heapq.heappop(self.deferred)[1])
        return len(self.line)

    def take(self, count: int) -> list[str]:
        """The next `count`. Each must be told as done or deferred."""
        return [self.line.popleft() for _ in range(count)]

    def retry(self, id: str) -> Retry | None:
        """What is written down of `id`, if it was tried before."""
        return self.retries.get(id)

    def done(self, id: str) -> None:
        """Nothing of `id` is left in the spool."""
        found = self.waiting.pop(id)
        self.bytes -= found.bytes if found else 0
        self.retries.pop(id, None)
        # It may be kept anew this very moment, and must then be found again.
        self.listed_change = -1

    def defer(self, id: str, retry: Retry, tick: float) -> None:
        """`id` is tried again at `tick`."""
        self.retries[id] = retry
        heapq.heappush(self.deferred, (tick, id))

    def oldest_seconds(self, now: float) -> float:
        """The age of the oldest item that was looked up."""
        times = [found.since for found in list(self.waiting.values()) if found]
        return max(0.0, now - min(times)) if times else 0.0
