"""
From a sweep, a traffic and a price sheet to a plan: servers, bills, what grows, what would help.

    sweep    ->  the law that fits  ->  how much one server carries within the goal
    traffic  ->  the peak, and the peak of a recovery  ->  servers, with spares
    sheet    ->  a bill for each month  ->  what grows fastest; levers

How much one server carries is the lesser of two answers: what the fitted queue says, and what the
open loop saw. Neither may go beyond what was measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from calligram.capacity.cost import Bill, Growth, bills, growth
from calligram.capacity.fits import Fit, fit_laws, rounds_of, span
from calligram.capacity.levers import Saving, savings
from calligram.capacity.queueing import Server, fleets, servers_for
from calligram.capacity.sheets import Sheet
from calligram.capacity.sweep import Opened, Sweep
from calligram.capacity.traffic import Traffic
from calligram.errors import ExtrapolationRefused, PlanRefused

SERVERS_MAX = 100_000


@dataclass(frozen=True)
class Plan:
    """All that a plan says."""

    sweep: Sweep
    traffic: Traffic
    sheet: Sheet
    fit: Fit
    server: Server
    rate_fitted: float
    rate_seen: float | None
    servers: int
    servers_interval: tuple[int, int]
    bills: tuple[Bill, ...]
    growth: Growth
    savings: tuple[Saving, ...]

    @property
    def rate_each(self) -> float:
        """Draws a second that one server carries within the goal."""
        seen = self.rate_fitted if self.rate_seen is None else self.rate_seen
        return min(self.rate_fitted, seen)


def make_plan(sweep: Sweep, traffic: Traffic, sheet: Sheet, *, months: int, seed: int) -> Plan:
    """The plan; raises PlanRefused, and ExtrapolationRefused where too little was measured."""
    check_sweep(sweep)
    if not traffic.vcpus_per_server:
        traffic = replace(traffic, vcpus_per_server=Decimal(sweep.cores))
    places = [point.places for point in sweep.closed]
    fit = fit_laws(places, rounds_of(sweep), seed=seed)
    server = Server.of(fit.best, places_max=max(places))
    goal, use = float(traffic.p99_seconds), float(traffic.utilisation_max)
    fitted = server.rate_for(seconds=goal, share=0.99, utilisation_max=use)
    seen = rate_seen(sweep.opened, goal)
    each = fitted if seen is None else min(fitted, seen)
    if each <= 0:
        raise PlanRefused(
            f"no rate keeps 99 of 100 requests within {goal:g} s, not even one at a time: a larger "
            f"p99_seconds, or a quicker server",
            limit=goal,
            actual=server.seconds_at(0.01 * server.most, 0.99),
        )
    count = servers_in(traffic, each, 1)
    told = fleets(
        fit.draws,
        traffic.recovery_draws_per_second(1),
        places_max=max(places),
        seconds=goal,
        utilisation_max=use,
        spare=int(traffic.spare_servers),
    )
    # The open loop's own limit holds for every draw of the fit.
    low, high = span_of([max(one, count) if seen == each else one for one in told] or [count])

    def billed(changed: Traffic) -> tuple[Bill, ...] | None:
        if changed.cold_second_region and sheet.cold is None:
            return None
        servers = [servers_in(changed, each, month) for month in range(1, months + 1)]
        return bills(changed, sheet, servers)

    found = billed(traffic)
    if found is None:
        raise PlanRefused("the price sheet has no [cold] price for cold_second_region")
    return Plan(
        sweep=sweep,
        traffic=traffic,
        sheet=sheet,
        fit=fit,
        server=server,
        rate_fitted=fitted,
        rate_seen=seen,
        servers=count,
        servers_interval=(low, high),
        bills=found,
        growth=growth(found),
        savings=savings(traffic, billed),
    )


def span_of(counts: Sequence[int]) -> tuple[int, int]:
    low, high = span(np.array(counts, float), 0.9)
    return round(low), round(high)


def check_sweep(sweep: Sweep) -> None:
    if sweep.refused:
        code, why = sweep.refused[0]
        raise PlanRefused(
            f"the sweep itself must not be believed ({code}: {why}); measure again, a plan of "
            f"it would be worth nothing"
        )
    if not sweep.closed:
        raise PlanRefused("the sweep has no closed loop: there is nothing to fit")


def servers_in(traffic: Traffic, rate_each: float, month: int) -> int:
    """How many servers month `month` needs: for the recovery's peak, with spares."""
    peak = traffic.recovery_draws_per_second(month)
    count = servers_for(peak, rate_each, spare=int(traffic.spare_servers))
    if count > SERVERS_MAX:
        raise ExtrapolationRefused(
            f"{count} servers in month {month}: nothing about so many was measured; the most that "
            f"is planned are {SERVERS_MAX}",
            limit=SERVERS_MAX,
            actual=count,
        )
    return count


def rate_seen(rows: Sequence[Opened], goal: float) -> float | None:
    """
    The highest rate that the open loop saw within the goal; None if there was no open loop.

    Between the last rate within it and the first one beyond, the share of the way that the
    goal itself is at.
    """
    if not rows:
        return None
    best, before = 0.0, 0.0
    for row in sorted(rows, key=lambda row: row.rate):
        seconds = row.corrected.p99
        if not row.kept_up or seconds > goal:
            if row.kept_up and seconds > before:
                best += (row.rate - best) * max(0.0, (goal - before) / (seconds - before))
            break
        best, before = row.rate, seconds
    return best
