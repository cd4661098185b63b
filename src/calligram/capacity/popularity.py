"""
How often a cache answers, when few things are wanted often and most things seldom.

    popularity   Zipf: the n-th most wanted thing gets n^-s of what the first one gets
    cache        holds the `room` things that were wanted last (LRU)
    hit          the thing was wanted within the last T requests

Che's approximation: an LRU cache with room for C things behaves as if it held whatever was wanted
within one window T, the same for all: the T at which it is full, sum(1 - exp(-p T)) = C. It is
within a percent of an exact simulation (`lru_hit_share`, for small catalogues, and tests hold one
against the other), and takes no longer for 10^9 things than for a hundred: things of
about the same rank are counted together.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from calligram.capacity.laws import Numbers

EXACT = 1000
"""The most wanted things are counted one by one; the others in groups."""

GROUPS = 600


def zipf_shares(count: int, exponent: float) -> Numbers:
    """The share of all requests that each of `count` things gets, the most wanted first."""
    weights = np.arange(1, count + 1, dtype=float) ** -exponent
    return np.asarray(weights / weights.sum())


@dataclass(frozen=True)
class Catalogue:
    """Things in groups of about the same popularity: how many, and the share of each one."""

    sizes: Numbers
    shares: Numbers

    @classmethod
    def zipf(cls, count: int, exponent: float) -> Catalogue:
        if count <= EXACT:
            return cls(np.ones(count), zipf_shares(count, exponent))
        edges = np.unique(np.geomspace(EXACT + 1, count + 1, GROUPS).round())
        first = np.arange(1, EXACT + 1, dtype=float)
        sizes = np.concatenate([np.ones(EXACT), np.diff(edges)])
        # A group's weight is the integral of n^-s over its ranks, half a rank wider at both ends.
        rest = power_integral(edges - 0.5, exponent)
        weights = np.concatenate([first**-exponent, np.diff(rest) / np.diff(edges)])
        return cls(sizes, weights / (sizes * weights).sum())

    def window(self, room: float) -> float:
        """T in requests: how far back a cache with room for so many things remembers."""
        if room >= self.sizes.sum():
            return math.inf
        low, high = 0.0, 1.0
        while self.held(high) < room:
            high *= 2
        for _ in range(100):
            middle = (low + high) / 2
            low, high = (middle, high) if self.held(middle) < room else (low, middle)
        return high

    def held(self, window: float) -> float:
        """How many different things `window` requests ask for."""
        return float((self.sizes * -np.expm1(-self.shares * window)).sum())

    def hit_share(self, window: float) -> float:
        """The share of requests for what was wanted within the last `window` requests."""
        return float((self.sizes * self.shares * -np.expm1(-self.shares * window)).sum())


def power_integral(at: Numbers, exponent: float) -> Numbers:
    """The integral of n^-exponent, up to `at`."""
    if abs(exponent - 1) < 1e-9:
        return np.asarray(np.log(at))
    return np.asarray(at ** (1 - exponent) / (1 - exponent))


def lru_hit_share(wanted: Iterable[int], room: int, *, skipped: int = 0) -> float:
    """Exactly: the share of hits after the first `skipped` requests, in which a cache fills."""
    held: OrderedDict[int, None] = OrderedDict()
    hits = count = 0
    for number, thing in enumerate(wanted):
        if thing in held:
            held.move_to_end(thing)
            hits += number >= skipped
        else:
            held[thing] = None
            if len(held) > room:
                held.popitem(last=False)
        count += number >= skipped
    return hits / count if count else 0.0
