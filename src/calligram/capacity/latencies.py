"""
Latencies, in a histogram whose tail is neither cut off nor averaged away.

    seconds -> microseconds -> HdrHistogram, three digits -> shares of all requests

The correction for a closed loop: a place that usually asks every `pace` seconds and was kept
waiting for longer would have asked again and again meanwhile. Those requests are counted too,
each with what was left to wait: w - pace, w - 2 pace, ... (HdrHistogram's own correction). One
second of halt in ten is then a tenth of all requests, as it is for the users, and not one
request among a thousand.
"""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

from hdrh.histogram import HdrHistogram

from calligram.capacity.sweep import Latencies

MICROSECONDS = 1_000_000
SECONDS_MAX = 3600
DIGITS = 3
HALT_PACES = 4


def latencies(seconds: Iterable[float]) -> Latencies:
    """What was seen, as it was seen."""
    return shares(recorded(seconds))


def corrected_latencies(seconds: Iterable[float]) -> Latencies:
    """The same with the requests that a closed loop did not send while it was kept waiting."""
    seen = list(seconds)
    pace = median(seen) if seen else 0.0
    return shares(recorded(seen, pace=pace))


def recorded(seconds: Iterable[float], *, pace: float = 0.0) -> HdrHistogram:
    histogram = HdrHistogram(1, SECONDS_MAX * MICROSECONDS, DIGITS)
    for one in seconds:
        value = max(1, min(round(one * MICROSECONDS), SECONDS_MAX * MICROSECONDS))
        if pace > 0 and one > HALT_PACES * pace:
            histogram.record_corrected_value(value, max(1, round(pace * MICROSECONDS)))
        else:
            histogram.record_value(value)
    return histogram


def shares(histogram: HdrHistogram) -> Latencies:
    def at(percentile: float) -> float:
        return float(histogram.get_value_at_percentile(percentile)) / MICROSECONDS

    count = int(histogram.get_total_count())
    mean = float(histogram.get_mean_value()) / MICROSECONDS if count else 0.0
    return Latencies(count, mean, at(50), at(90), at(99), at(99.9), at(100))
