"""
What was measured and planned, as tables for a terminal: plain text, no wider than it must be.

Numbers are written with as many digits as they are worth.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from calligram.capacity.fits import Fit
from calligram.capacity.sweep import Latencies, Sweep


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> Iterator[str]:
    """Lines of a table; the first `left` columns are words, the others numbers."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        cells = [
            cell.ljust(width) if number < left else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def digits(value: float, count: int = 3) -> str:
    """`value` with `count` digits that mean something, and no exponent."""
    if not math.isfinite(value):
        return "-" if math.isnan(value) else "no end"
    if value == 0:
        return "0"
    places = max(0, count - 1 - math.floor(math.log10(abs(value))))
    return f"{round(value, places):,.{min(places, 6)}f}"


def milliseconds(seconds: float) -> str:
    return digits(1000 * seconds)


def percent(share: float) -> str:
    return "-" if math.isnan(share) else f"{share:.0%}"


def latency_cells(found: Latencies) -> list[str]:
    return [milliseconds(one) for one in (found.p50, found.p90, found.p99)]


CLOSED_HEAD = (
    *("places", "answers/s", "from", "to", "p50", "p90", "p99", "p50 c", "p90 c", "p99 c"),
    *("CPU ms", "servers", "ab"),
)
OPENED_HEAD = (
    *("due/s", "answers/s", "p50", "p90", "p99", "p99.9", "p99 u", "CPU ms", "servers"),
    *("generator", "failed", ""),
)


def sweep_lines(sweep: Sweep, fit: Fit | None) -> Iterator[str]:
    """The whole run for a reader."""
    yield f"{sweep.url}, {sweep.kind}, {sweep.taken}, {sweep.cores} cores"
    yield f"corpus: {sweep.corpus}"
    if sweep.closed:
        yield ""
        yield "closed loop, by ab (ms; c: corrected for what ab did not send while it waited)"
        yield from table(CLOSED_HEAD, [closed_row(sweep, n) for n in range(len(sweep.closed))])
    if sweep.opened:
        yield ""
        yield "open loop (ms from when each was due; u: from when it was sent)"
        yield from table(OPENED_HEAD, [opened_row(sweep, n) for n in range(len(sweep.opened))])
        for why in sweep.left_out:
            yield f"left out: {why}"
    if sweep.closed or sweep.opened:
        yield "CPU shares are of one core: 200% is all of two cores."
    if fit:
        yield ""
        yield from fit_lines(fit)


def closed_row(sweep: Sweep, number: int) -> list[str]:
    point = sweep.closed[number]
    rates = [one.requests_per_second for one in point.rounds]
    return [
        str(point.places),
        digits(point.requests_per_second),
        digits(min(rates)),
        digits(max(rates)),
        *latency_cells(point.uncorrected),
        *latency_cells(point.corrected),
        digits(1000 * point.servers_seconds),
        percent(point.servers_share),
        percent(point.generator_share),
    ]


def opened_row(sweep: Sweep, number: int) -> list[str]:
    row = sweep.opened[number]
    return [
        digits(row.rate),
        digits(row.answered_per_second),
        *latency_cells(row.corrected),
        milliseconds(row.corrected.p999),
        milliseconds(row.uncorrected.p99),
        digits(1000 * row.servers_seconds),
        percent(row.servers_share),
        percent(row.generator_share),
        str(row.failed),
        "" if row.kept_up else "beyond its capacity",
    ]


WORDS = {
    "requests_per_second_alone": "requests a second alone",
    "contention": "contention",
    "coherency": "coherency",
    "requests_per_second_max": "requests a second at most",
    "sharpness": "sharpness of the corner",
}


def fit_lines(fit: Fit) -> Iterator[str]:
    """The law that fits best, its numbers with their intervals, and how likely the others are."""
    weights = ", ".join(f"{name} {share:.0%}" for name, share in fit.weights.items())
    yield f"law: {fit.best.law} (by AIC: {weights}); misses by {fit.ranked[0].miss:.1%}"
    rows = []
    for name, value in fit.best.named.items():
        low, high = fit.interval(name)
        rows.append([f"  {WORDS[name]}", digits(value), f"{digits(low)} to {digits(high)}"])
    yield from table(("", "", "95% interval"), rows)
    if math.isfinite(fit.best.best_places):
        yield f"  highest throughput at concurrency {digits(fit.best.best_places)}"
