"""
When a measurement must not be believed: each doubt has a name, a limit and a value.

    generator-bound   the generator had no more to give, so the server was not the limit
    unsteady          the last rounds differ from the first by more than chance and a tenth:
                      all concurrencies together, as a round has each of them once
    too-noisy         a round is no repetition of the others
    law-broken        N is not X times R: something was lost, or counted twice
    answers-wrong     errors, or answers out of a cache where work was to be measured

A check gives back the error and does not raise it, so that a run can tell all that is wrong
with it. What is refused has no fit, and `plan` takes no sweep with a refusal in it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from calligram.capacity.sweep import Closed, Opened
from calligram.errors import (
    AnswersWrong,
    GeneratorBound,
    LawBroken,
    MeasurementRefused,
    TooNoisy,
    Unsteady,
)

TREND_ROUNDS_MIN = 4
"""Three rounds are in order one time in three by chance alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubts:
    """The limits. Shares are 0 to 1."""

    generator_share_max: float = 0.8
    late_seconds_max: float = 0.02
    drift_share_max: float = 0.1
    noise_share_max: float = 0.15
    law_share_max: float = 0.1
    failed_share_max: float = 0.01
    round_requests_min: int = 20


def doubts_about_closed(
    points: Sequence[Closed], *, cores: int, doubts: Doubts
) -> Iterator[MeasurementRefused]:
    """All that is wrong with a closed loop: with each concurrency, and with them together."""
    for point in points:
        yield from doubts_about_point(point, cores=cores, doubts=doubts)
    if points:
        yield from unsteady(together(points), doubts)


def doubts_about_point(
    point: Closed, *, cores: int, doubts: Doubts
) -> Iterator[MeasurementRefused]:
    where = f"concurrency {point.places}"
    # ab is one thread, so a place can't use more than one core, nor all more than there are.
    yield from bound(where, point.generator_share / min(point.places, cores), doubts)
    rates = [one.requests_per_second for one in point.rounds]
    yield from noisy(where, rates, doubts)
    products = [one.requests_per_second * one.seconds_mean / point.places for one in point.rounds]
    yield from broken(where, median(products), doubts)
    requests = sum(one.requests for one in point.rounds)
    yield from wrong(where, sum(one.failed for one in point.rounds), requests, doubts)
    if requests < doubts.round_requests_min * len(point.rounds):
        yield TooNoisy(
            f"{where}: {requests} requests in {len(point.rounds)} rounds are too few; "
            f"longer rounds will do (--seconds)",
            limit=doubts.round_requests_min * len(point.rounds),
            actual=requests,
        )


def doubts_about_opened(
    point: Opened, *, cores: int, doubts: Doubts
) -> Iterator[MeasurementRefused]:
    """All that is wrong with one rate. A server that can't keep up is a finding, and no doubt."""
    where = f"{point.rate:.4g} requests a second"
    # The open loop is one thread.
    yield from bound(where, point.generator_share / min(1, cores), doubts)
    if point.late_p99 > doubts.late_seconds_max:
        yield GeneratorBound(
            f"{where}: one request in a hundred was sent {point.late_p99 * 1000:.0f} ms after it "
            f"was due or later; more than {doubts.late_seconds_max * 1000:.0f} ms are the "
            f"generator's fault and not the server's",
            limit=doubts.late_seconds_max,
            actual=point.late_p99,
        )
    yield from wrong(where, point.failed - point.turned_away, point.requests, doubts)
    if point.kept_up:
        expected = point.answered_per_second * point.uncorrected.mean
        if point.in_flight_mean > 0.5:
            yield from broken(where, expected / point.in_flight_mean, doubts)


def without_overrun(
    rows: Sequence[Opened], *, cores: int, doubts: Doubts
) -> tuple[tuple[Opened, ...], tuple[str, ...]]:
    """
    The rates of an open loop, lowest first, that may be told; and why the last one is not.

    At the rate that is too much for a server, a generator on the same cores is late as well, and
    nobody can tell whose the delay is. That rate says nothing then, but those below it, at which
    both kept up, say what they said. Where there is none below, or the server kept up, the
    rate stays, and with it the doubt.
    """
    if len(rows) < 2 or rows[-1].kept_up:
        return tuple(rows), ()
    found = doubts_about_opened(rows[-1], cores=cores, doubts=doubts)
    late = tuple(str(error) for error in found if isinstance(error, GeneratorBound))
    return tuple(rows[:-1] if late else rows), late


def bound(where: str, share: float, doubts: Doubts) -> Iterator[MeasurementRefused]:
    if share > doubts.generator_share_max:
        yield GeneratorBound(
            f"{where}: the generator used {share:.0%} of the CPU that it could get; from "
            f"{doubts.generator_share_max:.0%} on it measures itself; run it on another machine",
            limit=doubts.generator_share_max,
            actual=share,
        )


def together(points: Sequence[Closed]) -> list[float]:
    """
    How quick each round was, 1 being usual: the median of all concurrencies in it.

    What changes with time changes all of them. Each for itself, the rounds of one
    in ten concurrencies would be in order more often than not, by chance alone.
    """
    usual = [point.requests_per_second for point in points]
    rounds = zip(*(point.rounds for point in points), strict=True)
    return [
        median(
            one.requests_per_second / middle if middle else math.inf
            for one, middle in zip(each, usual, strict=True)
        )
        for each in rounds
    ]


def unsteady(rates: Sequence[float], doubts: Doubts) -> Iterator[MeasurementRefused]:
    """First rounds against last ones, where both the change and its doubt are told by rounds."""
    third = max(1, len(rates) // 3)
    if len(rates) < TREND_ROUNDS_MIN:
        return
    first, last = median(rates[:third]), median(rates[-third:])
    change = last / first - 1 if first else math.inf
    # A trend: nearly every later round is on the same side of every earlier one.
    pairs = [(a, b) for i, a in enumerate(rates) for b in rates[i + 1 :]]
    rising = sum(int(b > a) - int(b < a) for a, b in pairs) / len(pairs)
    if abs(change) > doubts.drift_share_max and abs(rising) >= 0.8:
        yield Unsteady(
            f"all concurrencies together: from {first:.0%} to {last:.0%} of the usual throughput "
            f"({change:+.0%}) within the run, where {doubts.drift_share_max:.0%} may be chance; "
            f"warm the server up for longer (--warm-seconds), and see what fills up or slows down",
            limit=doubts.drift_share_max,
            actual=abs(change),
        )


def noisy(where: str, rates: Sequence[float], doubts: Doubts) -> Iterator[MeasurementRefused]:
    middle = median(rates)
    # The median's own deviation, as one odd round among five is what medians are for.
    spread = 1.4826 * median(abs(rate - middle) for rate in rates) / middle if middle else math.inf
    if spread > doubts.noise_share_max:
        yield TooNoisy(
            f"{where}: rounds from {min(rates):.1f} to {max(rates):.1f} requests a second differ "
            f"by {spread:.0%} of their middle, where {doubts.noise_share_max:.0%} are let pass; "
            f"a quieter machine or longer rounds will do",
            limit=doubts.noise_share_max,
            actual=spread,
        )


def broken(where: str, ratio: float, doubts: Doubts) -> Iterator[MeasurementRefused]:
    if not abs(ratio - 1) <= doubts.law_share_max:
        yield LawBroken(
            f"{where}: requests a second times their seconds make {ratio:.2f} of the requests that "
            f"were under way (Little's law says 1.00, and {doubts.law_share_max:.0%} are let pass)",
            limit=doubts.law_share_max,
            actual=abs(ratio - 1),
        )


def wrong(where: str, failed: int, requests: int, doubts: Doubts) -> Iterator[MeasurementRefused]:
    share = failed / requests if requests else 1.0
    if share > doubts.failed_share_max:
        yield AnswersWrong(
            f"{where}: {failed} of {requests} answers were errors ({share:.1%}, and "
            f"{doubts.failed_share_max:.0%} are let pass); what is refused costs next to nothing, "
            f"and would make the server look fast",
            limit=doubts.failed_share_max,
            actual=share,
        )
