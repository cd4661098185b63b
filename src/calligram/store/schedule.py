"""
When to try again. Pure: times and chance are handed in.

A picture that could not be moved waits longer after each try, and never exactly as long as
its neighbours. When nothing can be moved, it is the store that is away, and then not every
picture needs to find that out for itself:

    closed   --FAILURES_MAX failures in a row, no success-->  open: nobody asks
    open     --after a wait-->                                 half-open: one picture asks
    half-open --it fails--> open, for longer     --it succeeds--> closed, 2, 4, 8... at a time

So an outage costs a few requests, and its end is no storm.
"""

from __future__ import annotations

FAILURES_MAX = 3
WAIT_SECONDS_MIN = 1.0


def wait_seconds(tries: int, chance: float, seconds_max: float) -> float:
    """
    How long to wait after `tries` failures: doubling, at most `seconds_max`, of which
    `chance` (0 to 1) takes away up to a half.
    """
    assert tries >= 1, tries
    assert 0 <= chance <= 1, chance
    whole = min(seconds_max, WAIT_SECONDS_MIN * 2.0 ** min(tries - 1, 30))
    return whole * (1 - chance / 2)


class Circuit:
    """Is the store there? At most `batch_max` pictures at a time when it is."""

    def __init__(self, *, batch_max: int, wait_seconds_max: float) -> None:
        self.batch_max = batch_max
        self.wait_seconds_max = wait_seconds_max
        self.batch = 1
        self.failures = 0
        self.probes = 0
        self.open_until = 0.0

    @property
    def is_closed(self) -> bool:
        """Is the store believed to be there?"""
        return self.failures < FAILURES_MAX

    def allowed(self, now: float) -> int:
        """How many pictures may be tried at `now`."""
        if self.is_closed:
            return self.batch
        return 1 if now >= self.open_until else 0

    def note(self, *, successes: int, failures: int, now: float, chance: float) -> None:
        """What became of those that were tried."""
        if successes:
            self.batch = min(self.batch_max, self.batch * 2)
            self.failures = self.probes = 0
        elif failures:
            self.failures += failures
            self.batch = 1
            if not self.is_closed:
                self.probes += 1
                wait = wait_seconds(self.probes, chance, self.wait_seconds_max)
                self.open_until = now + wait


class Rate:
    """At most so many in a second, and a second's worth at once."""

    def __init__(self, per_second_max: float) -> None:
        assert per_second_max >= 1, per_second_max
        self.per_second_max = per_second_max
        self.left = per_second_max
        self.since = 0.0

    def take(self, wanted: int, now: float) -> int:
        """How many of `wanted` may go at `now`; they are gone then."""
        passed = max(0.0, now - self.since)
        self.left = min(self.per_second_max, self.left + passed * self.per_second_max)
        self.since = now
        taken = min(wanted, int(self.left))
        self.left -= taken
        return taken
