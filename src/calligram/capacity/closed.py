"""
The closed loop: a fixed number of places, each of which asks again as soon as it was answered.

    round 1:  1 2 4 8 16     round 2:  1 2 4 8 16     ...

Rounds are interleaved and not repeated one after the other, so that a machine that slows down
slows all concurrencies alike, and the rounds tell that it did.

All places send the typical picture, each as a picture of its own. One ab can send one picture
only: with a small one here and a large one there, two places would not do twice the work of one.
The whole range of sizes is sent in the open loop.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from calligram.capacity.ab import Running, Told
from calligram.capacity.latencies import corrected_latencies, latencies
from calligram.capacity.processes import Meter, children_seconds
from calligram.capacity.sweep import Closed, Round
from calligram.capacity.target import Target

PLACES = (1, 2, 3, 4, 6, 8, 12, 16)


@dataclass(frozen=True)
class Plan:
    """Which concurrencies, how often, for how long each."""

    places: Sequence[int] = PLACES
    rounds: int = 5
    seconds: int = 2
    keep_alive: bool = False


@dataclass(frozen=True)
class Seen:
    """One round, and the seconds of each of its requests."""

    round: Round
    each: tuple[float, ...]


def closed_sweep(
    target: Target,
    plan: Plan,
    *,
    kind: str,
    meter: Meter,
    folder: Path,
    step: Callable[[], None],
) -> tuple[Closed, ...]:
    """Measure every concurrency in every round. `step` is called after each measurement."""
    pictures = written_pictures(target, kind, max(plan.places), folder)
    seen: dict[int, list[Seen]] = {places: [] for places in plan.places}
    for _ in range(plan.rounds):
        for places in plan.places:
            seen[places].append(
                drive(target, plan, kind, places, pictures=pictures, meter=meter, folder=folder)
            )
            step()
    return tuple(point(places, rounds) for places, rounds in seen.items())


def written_pictures(target: Target, kind: str, count: int, folder: Path) -> list[Path | None]:
    """A file with a picture for each place; none for requests that send nothing."""
    if kind == "get":
        return [None] * count
    paths: list[Path | None] = []
    for place in range(count):
        path = folder / f"picture-{place}"
        path.write_bytes(target.corpus.typical_picture(place))
        paths.append(path)
    return paths


def drive(
    target: Target,
    plan: Plan,
    kind: str,
    places: int,
    *,
    pictures: Sequence[Path | None],
    meter: Meter,
    folder: Path,
) -> Seen:
    """Keep `places` requests on their way for a round."""
    mine, theirs, started = children_seconds(), meter.seconds(), time.monotonic()
    with contextlib.ExitStack() as stack:
        running = []
        for place in range(places):
            number = place % len(target.kept) if kind == "get" else place
            one = Running(
                f"http://{target.name}{target.request(kind, number).path}",
                seconds=plan.seconds,
                picture=pictures[place],
                times=folder / f"times-{place}",
                keep_alive=plan.keep_alive,
            )
            stack.callback(one.end)
            running.append(one)
        told = [one.told() for one in running]
    wall = time.monotonic() - started
    theirs, mine = meter.since(theirs), children_seconds() - mine
    return seen_of(told, wall=wall, servers=theirs, generator=mine)


def seen_of(told: Sequence[Told], *, wall: float, servers: float, generator: float) -> Seen:
    each = tuple(seconds for one in told for seconds in one.each)
    requests = sum(one.requests for one in told)
    found = Round(
        requests=requests,
        seconds=wall,
        requests_per_second=sum(one.rate for one in told),
        failed=sum(one.failed for one in told),
        seconds_mean=sum(each) / len(each) if each else float("nan"),
        generator_share=generator / wall,
        servers_share=servers / wall,
        servers_seconds=servers / requests if requests else float("nan"),
    )
    return Seen(found, each)


def point(places: int, rounds: Sequence[Seen]) -> Closed:
    each = [seconds for one in rounds for seconds in one.each]
    return Closed(
        places=places,
        rounds=tuple(one.round for one in rounds),
        uncorrected=latencies(each),
        corrected=corrected_latencies(each),
    )
