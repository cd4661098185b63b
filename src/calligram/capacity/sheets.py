"""
A dated price sheet, and what a quantity costs by it: exactly, in decimal, with its source.

    [[price]]
    item = "egress_gb"        what is paid for: a row of ITEMS
    unit = "GB"               what one of it is called
    per = 1                   how many of it the price is for: requests are priced per 1,000
    source = "..."            where the price stands
    tiers = [{ start = 0, end = 10240, price = 0.09 }, { start = 10240, price = 0.085 }]

Tiers are marginal: what lies between `start` and `end` has that tier's price. Each tier that
is used makes a line of its own, rounded to the cent as on an invoice, and a total is the sum of
its lines: whoever adds them up by hand gets the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from calligram.errors import PlanRefused

ITEMS: Mapping[str, tuple[str, str]] = {
    "vcpu_hours": ("CPU", "servers, by the hour and virtual CPU"),
    "egress_gb": ("egress", "art that servers send to clients"),
    "fill_gb": ("egress", "art that servers send to the CDN"),
    "cdn_gb": ("CDN", "art that the CDN sends to clients"),
    "cdn_requests": ("CDN", "requests that the CDN takes"),
    "storage_gb_months": ("storage", "pictures and records that are kept"),
    "writes": ("storage requests", "objects written to the store"),
    "reads": ("storage requests", "objects read from the store"),
    "second_gb_months": ("second region", "the same pictures, kept once more"),
    "second_writes": ("second region", "objects written there"),
    "second_transfer_gb": ("second region", "bytes sent there"),
}
"""What is paid for: item -> the part of the bill that it belongs to, and its words."""

PARTS = tuple(dict.fromkeys(part for part, _ in ITEMS.values()))
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Tier:
    """What lies from `start` to `end` (None: without end) costs `price` for each `per`."""

    start: Decimal
    end: Decimal | None
    price: Decimal


@dataclass(frozen=True, slots=True)
class Price:
    """One item's price."""

    item: str
    unit: str
    per: Decimal
    tiers: tuple[Tier, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a bill: quantity x unit price = amount, and where the price stands."""

    part: str
    item: str
    quantity: Decimal
    unit: str
    per: Decimal
    price: Decimal
    amount: Decimal
    source: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """One provider's prices in one region on one day. `cold` are those of a rarely read class."""

    provider: str
    region: str
    dated: str
    currency: str
    gigabyte_bytes: Decimal
    prices: Mapping[str, Price]
    cold: Price | None = None

    def lines(self, item: str, quantity: Decimal, *, price: Price | None = None) -> Iterator[Line]:
        """What `quantity` of an item in one month costs, a line for each tier that is used."""
        price = price or self.prices[item]
        for tier in price.tiers:
            end = quantity if tier.end is None else min(quantity, tier.end)
            within = end - tier.start
            if within > 0:
                amount = (within / price.per * tier.price).quantize(CENT, ROUND_HALF_UP)
                yield Line(
                    ITEMS[item][0], item, within, price.unit, price.per, tier.price, amount,
                    price.source,
                )  # fmt: skip


def sheet_from(told: Mapping[str, Any]) -> Sheet:
    """The sheet in a TOML file, read with Decimal numbers; raises PlanRefused."""
    try:
        prices = {}
        for one in told["price"]:
            if one["item"] not in ITEMS:
                raise PlanRefused(
                    f"there is no item {one['item']!r} to be priced; there are: {', '.join(ITEMS)}"
                )
            if one["item"] in prices:
                raise PlanRefused(f"{one['item']} is priced twice")
            prices[one["item"]] = price_from(one)
        missing = [item for item in ITEMS if item not in prices]
        if missing:
            raise PlanRefused(f"these have no price: {', '.join(missing)}; 0 is one, too")
        cold = price_from({**told["cold"], "item": "second_gb_months"}) if "cold" in told else None
        words = {name: str(told[name]) for name in ("provider", "region", "dated", "currency")}
        return Sheet(
            **words, gigabyte_bytes=decimal(told["gigabyte_bytes"]), prices=prices, cold=cold
        )
    except KeyError as error:
        raise PlanRefused(f"the price sheet says no {error.args[0]}") from error


def price_from(told: Mapping[str, Any]) -> Price:
    tiers = tuple(
        Tier(decimal(one["start"]), decimal(one["end"]) if "end" in one else None,
             decimal(one["price"]))
        for one in told["tiers"]
    )  # fmt: skip
    ends = [Decimal(0), *(tier.end for tier in tiers)]
    if not tiers or ends[-1] is not None or [tier.start for tier in tiers] != ends[:-1]:
        raise PlanRefused(
            f"the tiers of {told['item']} must begin at 0, each where the one before it ends, "
            f"and the last has no end"
        )
    return Price(told["item"], told["unit"], decimal(told["per"]), tiers, told["source"])


def decimal(value: Any) -> Decimal:
    """A number out of TOML, exactly: whole, or read as Decimal. Anything else is refused."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise PlanRefused(f"{value!r} is no number")
    if not Decimal(value).is_finite() or value < 0:
        raise PlanRefused(f"{value} must be 0 or more")
    return Decimal(value)
