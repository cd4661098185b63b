"""
How long requests take at a given rate, from how throughput grows with concurrency.

One server is a queue whose pace depends on how many it has at work: with n of them it answers
X(n) a second, which is what the closed loop measured. Requests that come by chance at a rate r
make n a birth-death chain, and its long-run shares are known exactly:

    share(n)  ~  r/X(1) * r/X(2) * ... * r/X(n)

Whoever comes in and finds n there takes (n+1) / X(n+1) seconds. From that follow mean and
percentiles, and backwards the highest rate that keeps a goal. Beyond the highest concurrency
that was measured X is held at its value there: nothing is gained by what nobody has seen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calligram.capacity.laws import Curve, Numbers

WAITING_MAX = 400
"""More than these at one server are refused, and would be far beyond any goal."""


@dataclass(frozen=True)
class Server:
    """One server as a queue: `throughput[n-1]` is X(n), and flat beyond `places_max`."""

    throughput: Numbers

    @classmethod
    def of(cls, curve: Curve, *, places_max: int) -> Server:
        places = np.minimum(np.arange(1, WAITING_MAX + 1, dtype=float), places_max)
        # At most as many as at the best concurrency: a server need not take on more.
        return cls(np.maximum.accumulate(curve.throughput(places)))

    @property
    def most(self) -> float:
        """The highest throughput."""
        return float(self.throughput[-1])

    def shares(self, rate: float) -> Numbers:
        """The share of time with 0, 1, 2, ... requests at work."""
        logs = np.concatenate([[0.0], np.cumsum(math.log(rate) - np.log(self.throughput))])
        weights = np.exp(logs - logs.max())
        return np.asarray(weights / weights.sum())

    def seconds_mean(self, rate: float) -> float:
        """By Little's law: the mean number at work over the rate."""
        shares = self.shares(rate)
        return float((np.arange(len(shares)) * shares).sum() / rate)

    def seconds_at(self, rate: float, share: float) -> float:
        """What `share` of the requests take at most."""
        found = np.cumsum(self.shares(rate)[:-1])
        place = min(int(np.searchsorted(found, share)), len(self.throughput) - 1)
        return float((place + 1) / self.throughput[place])

    def rate_for(self, *, seconds: float, share: float, utilisation_max: float) -> float:
        """
        The highest rate at which `share` of the requests take `seconds` at most, and no
        more than `utilisation_max` of the throughput is used. 0 if even one alone is too slow.
        """
        low, high = 0.0, utilisation_max * self.most
        if self.seconds_at(high, share) <= seconds:
            return high
        if 1 / float(self.throughput[0]) > seconds:
            return 0.0
        for _ in range(40):
            middle = (low + high) / 2
            if self.seconds_at(middle, share) <= seconds:
                low = middle
            else:
                high = middle
        return low


def servers_for(rate: float, rate_each: float, *, spare: int) -> int:
    """How many servers carry `rate`, with `spare` of them away."""
    return max(1, math.ceil(rate / rate_each - 1e-9)) + spare


def fleets(
    curves: Sequence[Curve],
    rate: float,
    *,
    places_max: int,
    seconds: float,
    utilisation_max: float,
    spare: int,
) -> list[int]:
    """How many servers each of `curves` says; a curve that can't keep the goal says none."""
    told = []
    for curve in curves:
        server = Server.of(curve, places_max=places_max)
        each = server.rate_for(seconds=seconds, share=0.99, utilisation_max=utilisation_max)
        if each > 0:
            told.append(servers_for(rate, each, spare=spare))
    return told
