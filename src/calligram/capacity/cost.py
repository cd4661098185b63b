"""
What a month costs: quantities by the traffic, prices by the sheet, a line for each.

    traffic, month, servers  ->  quantity of each item  ->  lines  ->  a bill

What is kept stays: storage is paid for again every month, for all that came before and for half
of what comes in this month, as it comes evenly. All else is paid once. So whatever is cheapest
in the first month, storage grows fastest, and the question is when it overtakes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from calligram.capacity.sheets import PARTS, Line, Price, Sheet
from calligram.capacity.traffic import HOURS_MONTH, Traffic


@dataclass(frozen=True, slots=True)
class Bill:
    """One month: the first is 1."""

    month: int
    servers: int
    lines: tuple[Line, ...]

    @property
    def parts(self) -> dict[str, Decimal]:
        """Part -> what it costs; every part is there."""
        return {
            part: sum((line.amount for line in self.lines if line.part == part), Decimal(0))
            for part in PARTS
        }

    @property
    def total(self) -> Decimal:
        return sum((line.amount for line in self.lines), Decimal(0))


def bills(traffic: Traffic, sheet: Sheet, servers: Sequence[int]) -> tuple[Bill, ...]:
    """A bill for each month; `servers` says how many there are in each."""
    kept: list[Decimal] = []  # bytes that came in each month
    told = []
    for month, count in enumerate(servers, 1):
        found = quantities(traffic, sheet, month, count, kept)
        lines = [
            line
            for item, quantity in found.items()
            for line in sheet.lines(item, quantity, price=price_of(traffic, sheet, item))
        ]
        told.append(Bill(month, count, tuple(lines)))
    return tuple(told)


def price_of(traffic: Traffic, sheet: Sheet, item: str) -> Price | None:
    """Another price than the sheet's usual one, if this traffic wants it."""
    cold = item == "second_gb_months" and traffic.cold_second_region
    return sheet.cold if cold else None


def quantities(
    traffic: Traffic, sheet: Sheet, month: int, servers: int, kept: list[Decimal]
) -> Mapping[str, Decimal]:
    """How much of each item month `month` takes. `kept` grows by what comes in."""
    requests = traffic.requests_in(month)
    uploads = requests * traffic.upload_share * (1 - traffic.known_share)
    misses = requests * traffic.get_share * (1 - traffic.cdn_hit_share)
    drawn = requests * (traffic.upload_share + traffic.draw_share)
    gigabyte = sheet.gigabyte_bytes
    incoming = uploads * (traffic.picture_bytes + traffic.record_bytes)
    before = kept[-int(traffic.months_kept) :] if traffic.months_kept else kept
    stored = (sum(before, Decimal(0)) + incoming / 2) / gigabyte
    kept.append(incoming)
    writes = uploads * traffic.objects_per_upload / traffic.uploads_per_object
    gets = requests * traffic.get_share
    found = {
        "vcpu_hours": servers * traffic.vcpus_per_server * HOURS_MONTH,
        # Drawn art goes to whoever sent the picture, past the CDN's cache.
        "egress_gb": drawn * traffic.art_bytes / gigabyte,
        "fill_gb": misses * traffic.art_bytes / gigabyte,
        "cdn_gb": gets * traffic.art_bytes / gigabyte,
        "cdn_requests": gets,
        "storage_gb_months": stored,
        "writes": writes,
        "reads": misses,
    }
    if traffic.second_region:
        found |= {
            "second_gb_months": stored,
            "second_writes": writes,
            "second_transfer_gb": incoming / gigabyte,
        }
    return found


@dataclass(frozen=True, slots=True)
class Growth:
    """Which part grows fastest, by money a month each month, and when it is the largest."""

    part: str
    per_month: Decimal
    largest_first: str
    overtakes_month: int | None


def growth(told: Sequence[Bill]) -> Growth:
    first, last = told[0].parts, told[-1].parts
    months = max(1, len(told) - 1)
    fastest = max(PARTS, key=lambda part: last[part] - first[part])
    largest = max(PARTS, key=lambda part: first[part])
    overtakes = None
    if fastest != largest:
        overtakes = next(
            (bill.month for bill in told if max(PARTS, key=bill.parts.__getitem__) == fastest), None
        )
    return Growth(fastest, (last[fastest] - first[fastest]) / months, largest, overtakes)
