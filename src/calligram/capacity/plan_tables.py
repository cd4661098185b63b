"""
A plan as tables for a terminal, and as JSON: every amount with what it was reckoned from.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from calligram.capacity.cost import Bill
from calligram.capacity.fleet import Day
from calligram.capacity.planning import Plan
from calligram.capacity.sheets import PARTS
from calligram.capacity.tables import digits, fit_lines, milliseconds, table

VERSION = 1
MONTHS_SHOWN = (1, 6, 12, 24, 36, 48, 60)


def money(amount: Decimal) -> str:
    return f"{amount:,.2f}"


def plan_lines(plan: Plan, *, lines_too: bool) -> Iterator[str]:
    """The whole plan for a reader; with the lines of the first month's bill if asked for."""
    yield f"measured: {plan.sweep.url}, {plan.sweep.kind}, {plan.sweep.taken}"
    yield from fit_lines(plan.fit)
    yield ""
    yield from server_lines(plan)
    yield ""
    sheet = plan.sheet
    yield f"{sheet.provider}, {sheet.region}, prices of {sheet.dated}, {sheet.currency} a month"
    shown = [bill for bill in plan.bills if bill.month in MONTHS_SHOWN]
    yield from table(
        ("month", *(str(bill.month) for bill in shown)),
        [
            ["servers", *(str(bill.servers) for bill in shown)],
            *([part, *(money(bill.parts[part]) for bill in shown)] for part in PARTS),
            ["in all", *(money(bill.total) for bill in shown)],
        ],
    )
    yield ""
    yield growth_line(plan)
    yield ""
    yield f"levers, each alone, over {len(plan.bills)} months"
    yield from table(
        ("", "saved", "of all"),
        [[f"  {one.words}", money(one.saved), f"{one.share:.1%}"] for one in plan.savings],
    )
    if lines_too:
        yield ""
        yield "the first month, line by line: quantity / per x price = amount"
        yield from bill_lines(plan.bills[0])


def server_lines(plan: Plan) -> Iterator[str]:
    traffic = plan.traffic
    goal = f"99 of 100 within {milliseconds(float(traffic.p99_seconds))} ms"
    seen = "" if plan.rate_seen is None else f", {digits(plan.rate_seen)} as the open loop saw"
    yield (
        f"one server carries {digits(plan.rate_each)} draws a second ({goal}, at most "
        f"{traffic.utilisation_max:.0%} used): {digits(plan.rate_fitted)} by the fit{seen}"
    )
    yield (
        f"peak {digits(traffic.peak_draws_per_second(1))} draws a second, "
        f"{digits(traffic.recovery_draws_per_second(1))} while an outage of "
        f"{traffic.outage_minutes} minutes is made up for"
    )
    low, high = plan.servers_interval
    yield (
        f"servers: {plan.servers} ({low} to {high} in 9 of 10 fits), "
        f"{traffic.spare_servers} of them spare"
    )


def growth_line(plan: Plan) -> str:
    found = plan.growth
    if found.part == found.largest_first:
        when = "it is the largest from the first month on"
    elif found.overtakes_month:
        when = f"it overtakes {found.largest_first} in month {found.overtakes_month}"
    else:
        when = f"{found.largest_first} stays larger for all {len(plan.bills)} months"
    return f"fastest: {found.part}, {money(found.per_month)} more each month; {when}"


def bill_lines(bill: Bill) -> Iterator[str]:
    rows = [
        [
            line.part, line.item, f"{line.quantity:,.3f}", f"{line.per:,f}", str(line.price),
            money(line.amount), f"  {line.source}",
        ]
        for line in bill.lines
    ]  # fmt: skip
    head = ("part", "item", "quantity", "per", "price", "amount", "  source")
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        words = [row[0].ljust(widths[0]), row[1].ljust(widths[1])]
        numbers = [cell.rjust(width) for cell, width in zip(row[2:6], widths[2:6], strict=True)]
        yield "  ".join([*words, *numbers]) + row[6]


def day_lines(plan: Plan, day: Day) -> Iterator[str]:
    """The simulated day for a reader."""
    traffic = plan.traffic
    yield ""
    yield (
        f"a simulated day of {plan.servers} servers: one crashes at the peak for 5 minutes, the "
        f"store is away for {traffic.outage_minutes} minutes an hour before"
    )
    drained = "not within the day"
    if math.isfinite(day.drained_seconds):
        drained = f"{day.drained_seconds:,.0f} s after the store was back"
    yield from table(
        ("", ""),
        [
            ["  requests", f"{day.requests_total:,.0f}"],
            ["  hits at the CDN", f"{day.cdn_hit_share:.2%} (planned {traffic.cdn_hit_share:.2%})"],
            ["  servers used at most", f"{day.use.max():.0%}"],
            ["  p99 of the answers by servers", f"{milliseconds(day.p99_seconds_day)} ms"],
            ["  refused as too many or spool full", f"{day.refused:,.0f}"],
            ["  unanswered: the store was away", f"{day.unanswered:,.0f}"],
            ["  under way in the crash, asked again", f"{day.lost_in_flight:,.1f}"],
            ["  in the spools at most", f"{day.spooled_bytes_max / 1e9:,.1f} GB"],
            ["  spools empty again", drained],
        ],
    )


def plan_json(plan: Plan, day: Day | None) -> str:
    """All of it; amounts are strings, as decimal as they were reckoned."""
    told: dict[str, Any] = {
        "calligram_plan": VERSION,
        "sweep": {"url": plan.sweep.url, "taken": plan.sweep.taken, "kind": plan.sweep.kind},
        "law": plan.fit.best.law,
        "parameters": plan.fit.best.named,
        "intervals": {name: plan.fit.interval(name) for name in plan.fit.best.named},
        "weights": dict(plan.fit.weights),
        "traffic": dataclasses.asdict(plan.traffic),
        "draws_per_second_each": plan.rate_each,
        "draws_per_second_by_fit": plan.rate_fitted,
        "draws_per_second_seen": plan.rate_seen,
        "servers": plan.servers,
        "servers_interval": plan.servers_interval,
        "prices": {
            name: getattr(plan.sheet, name) for name in ("provider", "region", "dated", "currency")
        },
        "months": [
            {
                "month": bill.month,
                "servers": bill.servers,
                "total": bill.total,
                "parts": bill.parts,
                "lines": [dataclasses.asdict(line) for line in bill.lines],
            }
            for bill in plan.bills
        ],
        "growth": dataclasses.asdict(plan.growth),
        "levers": [dataclasses.asdict(one) for one in plan.savings],
    }
    if day is not None:
        told["day"] = {
            field.name: getattr(day, field.name)
            for field in dataclasses.fields(day)
            if isinstance(getattr(day, field.name), int | float)
        }
    return json.dumps(finite(told), indent=1, default=str) + "\n"


def finite(told: Any) -> Any:
    """JSON knows no infinity: what has no end is null."""
    if isinstance(told, dict):
        return {key: finite(value) for key, value in told.items()}
    if isinstance(told, list | tuple):
        return [finite(value) for value in told]
    return None if isinstance(told, float) and not math.isfinite(told) else told
