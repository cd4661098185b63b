"""
What a service is to carry, as a TOML file says it: every number that a plan depends on.

    requests, shares, bytes  ->  what happens in a month  ->  quantities to be paid for
    the busiest minute       ->  requests that reach the servers, in draws  ->  servers

Requests are of three kinds: uploads (kept and drawn), draws (drawn and forgotten), and the rest,
permanent addresses, most of which the CDN answers. What reaches the servers is counted in
draws, which is what a sweep measures.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from calligram.capacity.sheets import decimal
from calligram.errors import PlanRefused

HOURS_MONTH = Decimal(730)
SECONDS_DAY = Decimal(86_400)
MONTHS_YEAR = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Shares are 0 to 1. What a field means, docs/capacity.md says."""

    requests_per_day: Decimal
    peak_factor: Decimal = Decimal(3)
    growth_per_year: Decimal = Decimal(0)
    upload_share: Decimal = Decimal("0.05")
    draw_share: Decimal = Decimal("0.05")
    cdn_hit_share: Decimal = Decimal("0.95")
    picture_bytes: Decimal = Decimal(300_000)
    art_bytes: Decimal = Decimal(3_000)
    record_bytes: Decimal = Decimal(400)
    known_share: Decimal = Decimal(0)
    objects_per_upload: Decimal = Decimal(2)
    uploads_per_object: Decimal = Decimal(1)
    months_kept: Decimal = Decimal(0)
    draw_work: Decimal = Decimal(1)
    upload_draws: Decimal = Decimal(1)
    miss_draws: Decimal = Decimal(1)
    p99_seconds: Decimal = Decimal("0.5")
    utilisation_max: Decimal = Decimal("0.65")
    spare_servers: Decimal = Decimal(1)
    vcpus_per_server: Decimal = Decimal(0)
    outage_minutes: Decimal = Decimal(30)
    recovery_minutes: Decimal = Decimal(60)
    second_region: bool = True
    cold_second_region: bool = False
    pictures: Decimal = Decimal(2_000_000)
    zipf_exponent: Decimal = Decimal("0.9")
    edges: Decimal = Decimal(4)
    edge_bytes: Decimal = Decimal(20_000_000_000)
    spool_bytes_per_server: Decimal = Decimal(100_000_000_000)
    mover_bytes_per_second: Decimal = Decimal(50_000_000)

    def __post_init__(self) -> None:
        shares = [
            *("upload_share", "draw_share", "cdn_hit_share", "known_share", "utilisation_max"),
        ]
        for name in shares:
            if getattr(self, name) > 1:
                raise PlanRefused(
                    f"{name} must be 0 to 1, not {getattr(self, name)}",
                    limit=1,
                    actual=float(getattr(self, name)),
                )
        if self.upload_share + self.draw_share > 1:
            raise PlanRefused("upload_share and draw_share make more than all requests")
        for name in POSITIVE:
            if getattr(self, name) <= 0:
                raise PlanRefused(f"{name} must be more than 0")

    @property
    def get_share(self) -> Decimal:
        return 1 - self.upload_share - self.draw_share

    def requests_in(self, month: int) -> Decimal:
        """Requests in all of month `month`; the first is 1."""
        return self.requests_per_day * HOURS_MONTH / 24 * self.growth(month)

    @property
    def draws_per_request(self) -> Decimal:
        """What a request costs the servers on average, in draws."""
        misses = self.get_share * (1 - self.cdn_hit_share)
        draws = self.draw_share + self.upload_share * self.upload_draws + misses * self.miss_draws
        return self.draw_work * draws

    def growth(self, month: int) -> Decimal:
        """Traffic of month `month`, the first is 1, against the first."""
        return (1 + self.growth_per_year) ** (Decimal(month - 1) / MONTHS_YEAR)

    def peak_draws_per_second(self, month: int) -> float:
        """Draws a second that the servers must do in the busiest minute."""
        mean = self.requests_per_day * self.growth(month) / SECONDS_DAY
        return float(mean * self.peak_factor * self.draws_per_request)

    def recovery_draws_per_second(self, month: int) -> float:
        """
        The same while what an outage held up is asked for again: a peak beyond the peak.

        Uploads and draws that were refused for `outage_minutes` come back within
        `recovery_minutes`; permanent addresses do not queue up, as their readers go away.
        """
        mean = self.requests_per_day * self.growth(month) / SECONDS_DAY
        held = mean * self.draw_work * (self.draw_share + self.upload_share * self.upload_draws)
        back = held * self.outage_minutes / self.recovery_minutes if self.recovery_minutes else 0
        return self.peak_draws_per_second(month) + float(back * self.peak_factor)


POSITIVE = (
    *("requests_per_day", "peak_factor", "uploads_per_object", "p99_seconds", "utilisation_max"),
    *("pictures", "edges", "picture_bytes", "art_bytes"),
)


def traffic_from(told: Mapping[str, Any]) -> Traffic:
    """The traffic in a TOML file, read with Decimal numbers; raises PlanRefused."""
    known = {field.name: field for field in dataclasses.fields(Traffic)}
    values: dict[str, Any] = {}
    for name, value in told.items():
        if name not in known:
            raise PlanRefused(f"there is no {name} in a traffic; there are: {', '.join(known)}")
        if known[name].type == "bool":
            if not isinstance(value, bool):
                raise PlanRefused(f"{name} must be true or false, not {value!r}")
            values[name] = value
        else:
            values[name] = decimal(value)
    if "requests_per_day" not in values:
        raise PlanRefused("the traffic says no requests_per_day")
    return Traffic(**values)
