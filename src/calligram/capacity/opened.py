"""
The open loop: each request is due at a time that was fixed beforehand, whoever was answered.

    due     0 ---- 1 -- 2 ------- 3 - 4 ---- ...        by chance (Poisson), or evenly
    sent    as soon as it is due and a connection is free
    corrected    from due to answered: what a user waits who came at that time
    uncorrected  from sent to answered: what a client that waits for its turn would tell

A slow server gets no pity: requests go on coming, and all of them are counted, those that were
never answered with the time that they were waited for.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from calligram.capacity.client import Client, ConnectionLost
from calligram.capacity.latencies import latencies
from calligram.capacity.processes import Meter, own_seconds
from calligram.capacity.sweep import Opened
from calligram.capacity.target import Request, Target

ANSWER_SECONDS_MAX = 30.0
CONNECTIONS_MAX = 500
SETTLE_SECONDS = 0.3
Result = TypeVar("Result")


@dataclass(frozen=True)
class Plan:
    """Which rates, for how long each, and how requests come."""

    rates: Sequence[float]
    seconds: float = 8.0
    arrivals: str = "poisson"
    keep_alive: bool = False
    seed: int = 1


@dataclass
class Seen:
    """All that one rate showed, in seconds."""

    due: list[float] = field(default_factory=list)  # from due to answered
    sent: list[float] = field(default_factory=list)  # from sent to answered
    late: list[float] = field(default_factory=list)  # the generator's own delay
    failed: int = 0
    turned_away: int = 0
    answered: list[float] = field(default_factory=list)  # when, from the start
    flying: int = 0
    flying_seconds: float = 0.0
    flying_since: float = 0.0

    def fly(self, change: int, now: float) -> None:
        """Count requests under way, over time: for Little's law."""
        self.flying_seconds += self.flying * (now - self.flying_since)
        self.flying_since = now
        self.flying += change


def due_times(rate: float, seconds: float, *, arrivals: str, seed: int) -> list[float]:
    """When requests are due, from 0 on: as chance has it, or evenly."""
    count = max(1, round(rate * seconds))
    if arrivals == "even":
        return [number / rate for number in range(count)]
    random = np.random.default_rng(seed)
    # That many uniform times, in order, are what a Poisson process of this count looks like.
    return sorted(float(one) for one in random.uniform(0, seconds, count))


def run_precisely(main: Coroutine[Any, Any, Result]) -> Result:
    """Run `main` on a loop that wakes when it should: epoll's timeouts are whole milliseconds."""
    loop = asyncio.SelectorEventLoop(selectors.SelectSelector())
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(main)


def open_sweep(
    target: Target,
    plan: Plan,
    *,
    mix: Mapping[str, float],
    meter: Meter,
    step: Callable[[], None],
) -> tuple[Opened, ...]:
    """Measure each rate, the lowest first, until the server can't keep up."""
    points: list[Opened] = []
    first = 1_000_000  # no picture of the closed loop's
    for number, rate in enumerate(sorted(plan.rates)):
        due = due_times(rate, plan.seconds, arrivals=plan.arrivals, seed=plan.seed + number)
        requests = target.requests(mix, seed=plan.seed, first=first)
        first += len(due)
        points.append(measure(target, plan, rate, due, requests, meter))
        step()
        if not points[-1].kept_up:
            break
    return tuple(points)


def measure(
    target: Target,
    plan: Plan,
    rate: float,
    due: Sequence[float],
    requests: Iterator[Request],
    meter: Meter,
) -> Opened:
    mine, theirs, started = own_seconds(), meter.seconds(), time.monotonic()
    seen = run_precisely(drive(target, plan, due, requests))
    wall = time.monotonic() - started
    theirs, mine = meter.since(theirs), own_seconds() - mine
    return Opened(
        rate=rate,
        seconds=plan.seconds,
        requests=len(due),
        failed=seen.failed,
        turned_away=seen.turned_away,
        answered_per_second=answered_in_time(seen, plan.seconds) / plan.seconds,
        in_flight_mean=seen.flying_seconds / plan.seconds,
        late_p99=float(np.quantile(seen.late, 0.99)),
        generator_share=mine / wall,
        servers_share=theirs / wall,
        servers_seconds=theirs / len(due),
        uncorrected=latencies(seen.sent),
        corrected=latencies(seen.due),
    )


def answered_in_time(seen: Seen, seconds: float) -> int:
    """
    How many were answered by the end, with the grace that the last ones need.

    As much grace as the first third took: where a queue grows, that is too little.
    """
    early = seen.due[: max(1, len(seen.due) // 3)]
    grace = 3 * float(np.median(early)) if early else 0.0
    return sum(at <= seconds + grace for at in seen.answered)


async def drive(
    target: Target, plan: Plan, due: Sequence[float], requests: Iterator[Request]
) -> Seen:
    """Send each request when it is due; return when all are answered or given up."""
    client = Client(
        target.host, target.port, connections_max=CONNECTIONS_MAX, keep_alive=plan.keep_alive
    )
    # Made beforehand: marking a large picture takes longer than a loop may be held up.
    ready = [next(requests) for _ in due]
    loop = asyncio.get_running_loop()
    seen = Seen()
    start = seen.flying_since = loop.time() + SETTLE_SECONDS
    end = start + plan.seconds

    async def send(request: Request, at: float) -> None:
        seen.late.append(loop.time() - at)
        async with client.room:
            begun = loop.time()
            seen.fly(1, min(begun, end))
            good = False
            try:
                reply = await asyncio.wait_for(client.exchange(request), ANSWER_SECONDS_MAX)
                good = 200 <= reply.status < 300
                seen.turned_away += reply.status in (429, 503)
            except (ConnectionLost, OSError, TimeoutError):
                pass  # counted as failed below, with the time that it took
            now = loop.time()
            seen.fly(-1, min(now, end))
        seen.sent.append(now - begun)
        seen.due.append(now - at)
        seen.failed += not good
        if good:
            seen.answered.append(now - start)

    async with asyncio.TaskGroup() as group:
        for request, offset in zip(ready, due, strict=True):
            at = start + offset
            if (wait := at - loop.time()) > 0:
                await asyncio.sleep(wait)
            group.create_task(send(request, at))
    client.close()
    return seen
