"""
A law that fits what was measured, and how far it may be trusted.

    rounds x places of X  ->  each law fitted  ->  AIC   ->  the best, and the others' weights
                          ->  again, many times, on rounds drawn anew  ->  intervals

The intervals hold three doubts at once. The numbers: rounds are drawn with replacement. The
law: each draw takes one by its likelihood, so a second law that fits as well widens the
interval. The next measurement: it scatters too, by Student's t with the few degrees of freedom
that a few concurrencies leave.

    AIC = sum of (miss / deviation)^2 / c + 2k

The deviation of a concurrency's mean is known from its rounds, so a law that misses by more than
chance pays for it however few concurrencies there are. Where even the best law misses by more,
c says by how much, and no law may claim to be sure (quasi-AIC).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from calligram.capacity.laws import LAWS, Curve, Law, Numbers, knee_terms
from calligram.capacity.sweep import Sweep
from calligram.errors import ExtrapolationRefused, PlanRefused

DRAWS = 300
MEDIAN = 1.25
"""A median, as which throughput is told, scatters by a quarter more than a mean."""

TIMES_MAX = 2.0
"""Beyond twice the highest concurrency that was measured nothing is predicted."""

NOISE_MIN = 0.01
"""No law is better than that, however well the rounds agree: servers are no formulas."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """One law's best curve, and how far it misses: the root of the mean square, relative."""

    curve: Curve
    aic: float
    miss: float


@dataclass(frozen=True)
class Fit:
    """All laws by rank, the curves of all draws, and the scatter of a measurement."""

    places: tuple[int, ...]
    ranked: tuple[Fitted, ...]
    weights: Mapping[str, float]
    draws: tuple[Curve, ...]
    own_draws: tuple[Curve, ...]  # of the best law alone: for its parameters
    scatter: float
    freedom: int

    @property
    def best(self) -> Curve:
        return self.ranked[0].curve

    def interval(self, name: str, share: float = 0.95) -> tuple[float, float]:
        """The interval of the best law's parameter `name` that holds `share` of the draws."""
        return span(np.array([curve.named[name] for curve in self.own_draws]), share)

    def predict(
        self, places: Sequence[int], *, seed: int, share: float = 0.9
    ) -> list[tuple[float, float, float]]:
        """
        Throughput at `places`: low, middle, high. Refuses what is too far away.

        All of them together lie within with a probability of `share`, and not each for itself.
        """
        for place in places:
            check_near(place, self.places)
        random = np.random.default_rng(seed)
        at = np.array(places, float)
        drawn = np.array([curve.throughput(at) for curve in self.draws])
        noise = random.standard_t(self.freedom, drawn.shape) * self.scatter
        told = drawn * np.exp(noise)
        middle = self.best.throughput(at)
        spans = together(told, share)
        return [(low, float(x), high) for (low, high), x in zip(spans, middle, strict=True)]

    def band(self, places: Numbers, *, share: float = 0.9) -> tuple[Numbers, Numbers]:
        """Low and high of the next measurement at each place, each for itself: for a plot."""
        random = np.random.default_rng(0)
        drawn = np.array([curve.throughput(places) for curve in self.draws])
        # One scatter for a whole curve, many times over: what is drawn is smooth.
        noise = random.standard_t(self.freedom, (50, len(drawn), 1)) * self.scatter
        told = (drawn * np.exp(noise)).reshape(-1, len(places))
        low, high = np.quantile(told, [(1 - share) / 2, (1 + share) / 2], axis=0)
        return low, high


def span(values: Numbers, share: float) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)


def together(told: Numbers, share: float) -> list[tuple[float, float]]:
    """For each column a low and a high, so that `share` of the rows lie within all of them."""
    for each in np.linspace(share, 1, 21):
        spans = [span(column, float(each)) for column in told.T]
        low, high = np.array(spans).T
        if np.mean(np.all((told >= low) & (told <= high), axis=1)) >= share:
            break
    return spans


def check_near(places: float, measured: Sequence[int]) -> None:
    """Refuse to say anything beyond twice what was measured."""
    limit = TIMES_MAX * max(measured)
    if places > limit:
        raise ExtrapolationRefused(
            f"concurrency {places:g} is more than {TIMES_MAX:g} times {max(measured)}, the highest "
            f"that was measured; measure up to {math.ceil(places / TIMES_MAX)} at least",
            limit=limit,
            actual=places,
        )


def fit_laws(places: Sequence[int], rounds: Numbers, *, seed: int, draws: int = DRAWS) -> Fit:
    """
    Fit every law to `rounds`: a row for each round, a column for each of `places`.

    Raises PlanRefused for fewer than four concurrencies: three numbers fit any three.
    """
    if len(set(places)) < 4:
        raise PlanRefused(
            f"a fit needs 4 concurrencies or more, not {len(set(places))}", limit=4, actual=0
        )
    at = np.array(places, float)
    ranked = rank(at, rounds)
    random = np.random.default_rng(seed)
    best = ranked[0].curve.law
    names = [each.curve.law for each in ranked]
    chances = likelihoods(ranked)
    drawn, own = [], []
    for _ in range(draws):
        again = rounds[random.integers(0, len(rounds), len(rounds))]
        redone = {each.curve.law: each.curve for each in rank(at, again)}
        drawn.append(redone[str(random.choice(names, p=chances))])
        own.append(redone[best])
    freedom = max(1, len(places) - LAWS[best].parameters)
    miss = ranked[0].miss * math.sqrt(len(places) / freedom)
    noise = noise_of(rounds) / math.sqrt(len(rounds))
    scatter = MEDIAN * max(miss, noise, NOISE_MIN)
    return Fit(tuple(places), ranked, akaike(ranked), tuple(drawn), tuple(own), scatter, freedom)


def rounds_of(sweep: Sweep) -> Numbers:
    """Throughput of a sweep: a row for each round, a column for each concurrency."""
    rows = [[one.requests_per_second for one in point.rounds] for point in sweep.closed]
    return np.array(rows, float).T


def rank(places: Numbers, rounds: Numbers) -> tuple[Fitted, ...]:
    """Each law fitted to the rounds' geometric means, the best by AIC first."""
    middle = np.exp(np.log(rounds).mean(axis=0))
    deviation = max(NOISE_MIN, noise_of(rounds) / math.sqrt(len(rounds)))
    found = [fit_law(law, places, middle) for law in LAWS.values()]
    squares = {
        law: len(places) * (miss / deviation) ** 2
        for law, (_, miss) in zip(LAWS, found, strict=True)
    }
    excess = min(squares[law] / max(1, len(places) - LAWS[law].parameters) for law in LAWS)
    fitted = [
        Fitted(curve, squares[law] / max(1.0, excess) + 2 * LAWS[law].parameters, miss)
        for law, (curve, miss) in zip(LAWS, found, strict=True)
    ]
    return tuple(sorted(fitted, key=lambda one: one.aic))


def fit_law(law: Law, places: Numbers, throughput: Numbers) -> tuple[Curve, float]:
    """The law's best curve, and how far it misses."""
    curves = [curve_of(law, power, places, throughput) for power in law.powers]
    misses = [miss_of(curve, places, throughput) for curve in curves]
    best = int(np.argmin(misses))
    return curves[best], misses[best]


def curve_of(law: Law, power: float, places: Numbers, throughput: Numbers) -> Curve:
    """The terms' weights that make R(N)^power come out right, by least relative error."""
    measured = (places / throughput) ** power
    terms = law.terms(places) if law.name != "knee" else knee_terms(places**power)
    weights, _ = nnls(terms / measured[:, None], np.ones(len(places)))
    return Curve(law.name, tuple(map(float, weights)), power)


def miss_of(curve: Curve, places: Numbers, throughput: Numbers) -> float:
    seconds = curve.seconds(places)
    if not np.all(seconds > 0):
        return math.inf
    errors = np.log(throughput) - np.log(places / seconds)
    return float(np.sqrt(np.mean(errors**2)))


def akaike(ranked: Sequence[Fitted]) -> dict[str, float]:
    """How likely each law is the best one, given what was seen."""
    least = ranked[0].aic
    shares = {each.curve.law: math.exp(-(each.aic - least) / 2) for each in ranked}
    total = sum(shares.values())
    return {name: value / total for name, value in shares.items()}


def likelihoods(ranked: Sequence[Fitted]) -> list[float]:
    """
    How likely each law makes what was seen, without AIC's price for its parameters.

    That price is right for a law that is to be shown. For what may come, it would bet on the
    simplest one: a decline that can't be seen yet would have no part in the interval.
    """
    squares = [each.aic - 2 * LAWS[each.curve.law].parameters for each in ranked]
    shares = [math.exp(-(one - min(squares)) / 2) for one in squares]
    return [share / sum(shares) for share in shares]


def noise_of(rounds: Numbers) -> float:
    """How far rounds at one concurrency are from each other: the usual deviation, relative."""
    if len(rounds) < 2:
        return 0.0
    return float(np.sqrt(np.log(rounds).var(axis=0, ddof=1).mean()))
