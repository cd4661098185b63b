"""
What an operator could change, and what it would save: the same bills with one thing different.

Each lever is a change of the traffic's description, so it moves everything that depends on it,
servers included, and nothing is counted twice. Savings do not add up: two levers on the same
part share what is there to be saved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from calligram.capacity.cost import Bill
from calligram.capacity.traffic import Traffic

PACK = Decimal(64)
MONTHS = Decimal(12)


@dataclass(frozen=True, slots=True)
class Lever:
    """One change: its words, and the traffic after it; None where it has been pulled already."""

    words: str
    pull: Callable[[Traffic], Traffic | None]


def pack(traffic: Traffic) -> Traffic | None:
    if traffic.uploads_per_object >= PACK:
        return None
    return replace(traffic, uploads_per_object=PACK)


def expire(traffic: Traffic) -> Traffic | None:
    if 0 < traffic.months_kept <= MONTHS:
        return None
    return replace(traffic, months_kept=MONTHS)


def one_region(traffic: Traffic) -> Traffic | None:
    return replace(traffic, second_region=False) if traffic.second_region else None


def cold(traffic: Traffic) -> Traffic | None:
    if not traffic.second_region or traffic.cold_second_region:
        return None
    return replace(traffic, cold_second_region=True)


def deduplicate(traffic: Traffic) -> Traffic:
    known = traffic.known_share + (1 - traffic.known_share) / 10
    return replace(traffic, known_share=known)


def fewer_misses(traffic: Traffic) -> Traffic:
    return replace(traffic, cdn_hit_share=(1 + traffic.cdn_hit_share) / 2)


def quicker(traffic: Traffic) -> Traffic:
    return replace(traffic, draw_work=traffic.draw_work / 2)


LEVERS: Mapping[str, Lever] = {
    "pack": Lever("write 64 uploads as one object", pack),
    "expire": Lever("keep originals for 12 months", expire),
    "cold": Lever("a rarely-read class in the second region", cold),
    "one region": Lever("give up the second region", one_region),
    "deduplicate": Lever("one upload in ten more is known already", deduplicate),
    "fewer misses": Lever("half as many misses at the CDN", fewer_misses),
    "quicker": Lever("draw in half the time", quicker),
}


@dataclass(frozen=True, slots=True)
class Saving:
    """What a lever saves over all months; less than nothing where it costs more."""

    lever: str
    words: str
    saved: Decimal
    share: Decimal


def savings(
    traffic: Traffic, billed: Callable[[Traffic], Sequence[Bill] | None]
) -> tuple[Saving, ...]:
    """Every lever that is left, the largest saving first. `billed` tells the bills, if it can."""
    now = billed(traffic)
    assert now is not None
    before = sum((bill.total for bill in now), Decimal(0))
    told = []
    for name, lever in LEVERS.items():
        after = lever.pull(traffic)
        bills = billed(after) if after else None
        if bills is not None:
            saved = before - sum((bill.total for bill in bills), Decimal(0))
            told.append(Saving(name, lever.words, saved, saved / before if before else saved))
    return tuple(sorted(told, key=lambda one: -one.saved))
