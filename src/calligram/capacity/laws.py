"""
How throughput grows with concurrency: four laws, each a sum of what a request waits for.

    N requests at once, X(N) answered a second, R(N) = N / X(N) seconds each (Little's law)

    linear   R = a                             nobody waits for anybody
    amdahl   R = a + b (N-1)                   they queue for something shared
    usl      R = a + b (N-1) + c N (N-1)       and they disturb each other: X has a peak
    knee     R^p = a^p + (N d)^p               the bounds of operational analysis, X <= N/a and
                                               X <= 1/d, with a corner as round as p says

amdahl and usl are Gunther's, with 1/a requests a second alone, contention b/a and coherency
c/a. Servers with a fixed number of cores follow the knee more often: they scale well until the
cores are busy, and not at all afterwards, which no amdahl can be bent to.

For a given p all four are linear in their terms, so a fit is one non-negative least squares of
relative errors: no starting values, no iterations that fail, no negative contention.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Numbers: TypeAlias = NDArray[np.float64]

SHARPNESS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 9.0, 14.0, 20.0)
"""The p that are tried for the knee; above 20 a corner is a corner."""


@dataclass(frozen=True, slots=True)
class Law:
    """One law: the terms of R(N), and the powers that R may be raised to."""

    name: str
    terms: Callable[[Numbers], Numbers]
    powers: tuple[float, ...] = (1.0,)

    @property
    def parameters(self) -> int:
        """How many numbers are chosen to fit it."""
        return int(self.terms(np.ones(1)).shape[1]) + (len(self.powers) > 1)


def linear_terms(places: Numbers) -> Numbers:
    return np.stack([np.ones_like(places)], axis=1)


def amdahl_terms(places: Numbers) -> Numbers:
    return np.stack([np.ones_like(places), places - 1], axis=1)


def usl_terms(places: Numbers) -> Numbers:
    return np.stack([np.ones_like(places), places - 1, places * (places - 1)], axis=1)


def knee_terms(places: Numbers) -> Numbers:
    # To the power of p already where it is used: a^p + d^p N^p.
    return np.stack([np.ones_like(places), places], axis=1)


LAWS: Mapping[str, Law] = {
    "linear": Law("linear", linear_terms),
    "amdahl": Law("amdahl", amdahl_terms),
    "usl": Law("usl", usl_terms),
    "knee": Law("knee", knee_terms, SHARPNESS),
}


@dataclass(frozen=True, slots=True)
class Curve:
    """A law with its numbers: `weights` of the terms of R(N)^power, in seconds^power."""

    law: str
    weights: tuple[float, ...]
    power: float = 1.0

    def seconds(self, places: Numbers) -> Numbers:
        """R(N): how long a request takes where N are at work."""
        at = np.asarray(places, float)
        terms = LAWS[self.law].terms(at) if self.law != "knee" else knee_terms(at**self.power)
        return np.asarray((terms @ np.array(self.weights)) ** (1 / self.power))

    def throughput(self, places: Numbers) -> Numbers:
        """X(N): how many are answered a second."""
        at = np.asarray(places, float)
        return at / self.seconds(at)

    @property
    def named(self) -> dict[str, float]:
        """The numbers by the names that they have in the literature."""
        alone = self.weights[0] ** (1 / self.power)
        told = {"requests_per_second_alone": 1 / alone if alone else math.inf}
        if self.law in ("amdahl", "usl"):
            told["contention"] = self.weights[1] / alone if alone else math.inf
        if self.law == "usl":
            told["coherency"] = self.weights[2] / alone if alone else math.inf
        if self.law == "knee":
            told["requests_per_second_max"] = self.most
            told["sharpness"] = self.power
        return told

    @property
    def best_places(self) -> float:
        """The concurrency of the highest throughput; infinite where it never falls."""
        if self.law != "usl" or self.weights[2] == 0:
            return math.inf
        return math.sqrt(max(self.weights[0] - self.weights[1], 0) / self.weights[2])

    @property
    def most(self) -> float:
        """The highest throughput that the law knows; infinite where it has no end."""
        if self.law == "knee":
            limit = self.weights[1] ** (1 / self.power)
            return 1 / limit if limit else math.inf
        if self.law == "usl" and self.weights[2] > 0:
            return float(self.throughput(np.array([max(self.best_places, 1.0)]))[0])
        slope = self.weights[1] if self.law in ("amdahl", "usl") else 0.0
        return 1 / slope if slope else math.inf
