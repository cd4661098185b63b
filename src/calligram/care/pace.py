"""
How hard a walk works: how much at once, how much in a second, how often again.

    ahead    many at once, results in order, never more than a few ahead of the slowest
    patient  a request that failed is tried again, a few times, each time later
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import ParamSpec, TypeVar

from calligram.errors import StoreUnavailable
from calligram.store.schedule import Rate, wait_seconds

AHEAD_EACH = 4
"""So many items are begun for each that runs at once: one slow one doesn't hold up the rest."""

T = TypeVar("T")
R = TypeVar("R")
P = ParamSpec("P")


class Pace:
    """
    `concurrency` pictures at once, `per_second_max` in a second (None: as fast as it goes).

    What a store refuses is tried `tries_max` times. Whoever sets `stopped` ends all waiting.
    """

    def __init__(
        self,
        *,
        concurrency: int = 8,
        per_second_max: float | None = None,
        tries_max: int = 4,
        retry_seconds_max: float = 5.0,
        stopped: threading.Event | None = None,
    ) -> None:
        self.concurrency = concurrency
        self.tries_max = tries_max
        self.retry_seconds_max = retry_seconds_max
        self.stopped = stopped or threading.Event()
        self.rate = Rate(per_second_max) if per_second_max else None
        self.taking = threading.Lock()

    def take_turn(self) -> None:
        """Wait until one more picture may be read or copied."""
        while self.rate is not None:
            with self.taking:
                if self.rate.take(1, time.monotonic()):
                    return
            if self.stopped.wait(1 / self.rate.per_second_max):
                return

    def patient(self, deed: Callable[P, R], *args: P.args, **named: P.kwargs) -> R:
        """What `deed` returns, in one of a few tries. Raises the last one's StoreUnavailable."""
        for tries in range(1, self.tries_max):
            try:
                return deed(*args, **named)
            except StoreUnavailable:
                self.stopped.wait(wait_seconds(tries, random.random(), self.retry_seconds_max))
        return deed(*args, **named)


def ahead(pool: Executor, deed: Callable[[T], R], items: Iterable[T], most: int) -> Iterator[R]:
    """`deed` of each item, in their order; at most `most` are begun and not yet taken."""
    begun: deque[Future[R]] = deque()
    for item in items:
        begun.append(pool.submit(deed, item))
        if len(begun) >= most:
            yield begun.popleft().result()
    while begun:
        yield begun.popleft().result()
