"""
What a load run measured, as values, and as the JSON that `plan` reads.

    Sweep
      closed   for each concurrency: rounds by ab, and latencies over all of them
      opened   for each rate: what was meant to be sent, what came back and when

Latencies stand twice. `uncorrected` is what the generator saw; `corrected` counts from when a
request was due. A server that halts for a second delays every request of that second, and a
client that politely waits for its answer has seen only one of them.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from calligram.errors import PlanRefused

VERSION = 1


@dataclass(frozen=True, slots=True)
class Latencies:
    """Seconds that shares of the requests took at most, and how many requests there were."""

    count: int
    mean: float
    p50: float
    p90: float
    p99: float
    p999: float
    most: float


@dataclass(frozen=True, slots=True)
class Round:
    """One round at one concurrency. CPU shares are of one core; NaN is not known."""

    requests: int
    seconds: float
    requests_per_second: float
    failed: int
    seconds_mean: float
    generator_share: float
    servers_share: float
    servers_seconds: float  # CPU for each request


@dataclass(frozen=True, slots=True)
class Closed:
    """One concurrency of the closed loop: each place asks again as soon as it was answered."""

    places: int
    rounds: tuple[Round, ...]
    uncorrected: Latencies
    corrected: Latencies

    @property
    def requests_per_second(self) -> float:
        return median(one.requests_per_second for one in self.rounds)

    @property
    def servers_seconds(self) -> float:
        return median(one.servers_seconds for one in self.rounds)

    @property
    def servers_share(self) -> float:
        return median(one.servers_share for one in self.rounds)

    @property
    def generator_share(self) -> float:
        return median(one.generator_share for one in self.rounds)


@dataclass(frozen=True, slots=True)
class Opened:
    """One rate of the open loop: requests are due at fixed times, whoever was answered."""

    rate: float
    seconds: float
    requests: int
    failed: int  # all that brought no art
    turned_away: int  # of them, those that the server had no room for: 503, 429
    answered_per_second: float
    in_flight_mean: float
    late_p99: float
    generator_share: float
    servers_share: float
    servers_seconds: float
    uncorrected: Latencies
    corrected: Latencies

    @property
    def kept_up(self) -> bool:
        """Did the server answer as many as were due, and turn hardly any away?"""
        enough = self.answered_per_second >= 0.95 * self.requests / self.seconds
        return enough and self.turned_away <= 0.01 * self.requests


@dataclass(frozen=True, slots=True)
class Sweep:
    """
    A whole run: where, when, with what, and what was found.

    `refused` is code -> why; `left_out` tells of a rate that is not in `opened`, and why.
    """

    url: str
    taken: str
    kind: str
    cores: int
    seed: int
    corpus: str
    corpus_bytes_mean: float
    closed: tuple[Closed, ...] = ()
    opened: tuple[Opened, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def servers_seconds(self) -> float:
        """CPU for each request where it is least disturbed by idling: the median of all."""
        return median(one.servers_seconds for one in self.closed)


def as_json(sweep: Sweep) -> str:
    told = {"calligram_sweep": VERSION, **dataclasses.asdict(sweep)}
    return json.dumps(told, indent=1) + "\n"


def from_json(text: str | bytes) -> Sweep:
    """The sweep that `as_json` wrote; raises PlanRefused for anything else."""
    try:
        told = json.loads(text)
        if told.pop("calligram_sweep") != VERSION:
            raise PlanRefused(f"not a sweep of version {VERSION}: measure it again")
        closed = tuple(closed_from(one) for one in told.pop("closed"))
        opened = tuple(opened_from(one) for one in told.pop("opened"))
        refused = tuple((code, why) for code, why in told.pop("refused"))
        left_out = tuple(told.pop("left_out"))
        return Sweep(**told, closed=closed, opened=opened, refused=refused, left_out=left_out)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PlanRefused(f"not a sweep that `calligram load --json` wrote: {error}") from error


def closed_from(told: Mapping[str, Any]) -> Closed:
    return Closed(
        places=told["places"],
        rounds=tuple(Round(**one) for one in told["rounds"]),
        uncorrected=Latencies(**told["uncorrected"]),
        corrected=Latencies(**told["corrected"]),
    )


def opened_from(told: Mapping[str, Any]) -> Opened:
    both = {name: Latencies(**told[name]) for name in ("uncorrected", "corrected")}
    return Opened(**{**told, **both})
