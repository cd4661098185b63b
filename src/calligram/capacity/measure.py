"""
A whole load run: look, warm up, closed loop, open loop, doubts.

    look      is there a server, does it answer, and does it work or remember?
    warm up   what is loaded at the first request is no part of the others
    measure   closed loop by ab, then the open loop at rates by what the closed one reached
    doubt     every check of honesty.py; what is refused has no fit
"""

from __future__ import annotations

import asyncio
import datetime
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

from calligram.capacity import closed, opened
from calligram.capacity.ab import check_ab
from calligram.capacity.client import Client, ConnectionLost, Reply
from calligram.capacity.corpus import marked
from calligram.capacity.honesty import (
    Doubts,
    doubts_about_closed,
    doubts_about_opened,
    without_overrun,
)
from calligram.capacity.processes import Meter, listeners
from calligram.capacity.sweep import Sweep
from calligram.capacity.target import KEPT, Request, Target, picture_id
from calligram.errors import AnswersWrong, MeasurementRefused, PlanRefused, Unavailable

RATE_SHARES = (0.3, 0.5, 0.65, 0.8, 0.9, 1.0, 1.15)
"""Of the closed loop's highest throughput, where no rates were asked for."""

CALIBRATIONS = 5
"""How often each picture of the corpus is sent to see how long it takes."""

CALIBRATION_SECONDS_MAX = 5.0
CALIBRATION_NUMBER = 800_000_000

LOOKS_MAX = 64
"""How often the same is asked to see whether a server remembers: behind one address there may
be as many processes, each with a memory of its own."""

LOCAL = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Load:
    """All that a run is to do."""

    target: Target
    mix: Mapping[str, float]
    closed: closed.Plan | None
    rates: Sequence[float] | None
    opened: opened.Plan | None
    warm_seconds: float = 3.0
    cached: bool = False
    server_pids: Sequence[int] = ()
    doubts: Doubts = field(default_factory=Doubts)

    @property
    def steps(self) -> int:
        """How many measurements there will be."""
        count = 1
        if self.closed:
            count += len(self.closed.places) * self.closed.rounds
        if self.opened:
            count += len(self.rates or RATE_SHARES)
        return count

    @property
    def kind(self) -> str:
        return max(self.mix, key=lambda kind: self.mix[kind])


def measure(load: Load, *, step: Callable[[], None]) -> Sweep:
    """Do the run. Its refusals are in the sweep; raises PlanRefused where it can't be begun."""
    if load.closed:
        check_ab()
        check_one_kind(load)
    load = replace(load, target=opened.run_precisely(prepare(load)))
    meter = Meter(server_processes(load))
    warm(load, meter)
    step()
    sweep = Sweep(
        url=f"http://{load.target.name}",
        taken=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        kind=",".join(f"{kind}={share:g}" for kind, share in load.mix.items()),
        cores=len(os.sched_getaffinity(0)),
        seed=load.opened.seed if load.opened else 0,
        corpus=load.target.corpus.words,
        corpus_bytes_mean=load.target.corpus.bytes_mean,
    )
    if load.closed:
        with tempfile.TemporaryDirectory(prefix="calligram-load-") as folder:
            points = closed.closed_sweep(
                load.target,
                load.closed,
                kind=load.kind,
                meter=meter,
                folder=Path(folder),
                step=step,
            )
        sweep = replace(sweep, closed=points)
    if load.opened:
        plan = replace(load.opened, rates=load.rates or rates_of(sweep))
        rows = opened.open_sweep(load.target, plan, mix=load.mix, meter=meter, step=step)
        rows, left_out = without_overrun(rows, cores=sweep.cores, doubts=load.doubts)
        sweep = replace(sweep, opened=rows, left_out=left_out)
    refused = tuple((error.code, str(error)) for error in doubts_about(sweep, load.doubts))
    return replace(sweep, refused=refused)


def check_one_kind(load: Load) -> None:
    if len(load.mix) > 1 or load.kind == "keep":
        raise PlanRefused(
            "ab sends the same request again and again: it can't mix kinds, and it can't keep a "
            "new picture each time; the open loop can (--loop open)"
        )


def doubts_about(sweep: Sweep, doubts: Doubts) -> Iterator[MeasurementRefused]:
    yield from doubts_about_closed(sweep.closed, cores=sweep.cores, doubts=doubts)
    for row in sweep.opened:
        yield from doubts_about_opened(row, cores=sweep.cores, doubts=doubts)


def rates_of(sweep: Sweep) -> list[float]:
    if not sweep.closed:
        raise PlanRefused("the open loop alone needs its rates (--rates 50,100,200)")
    most = max(point.requests_per_second for point in sweep.closed)
    return [round(share * most, 1) for share in RATE_SHARES]


def server_processes(load: Load) -> list[int]:
    """Whose CPU is the server's: those that were named, or who listens at its port here."""
    if load.server_pids:
        return list(load.server_pids)
    return listeners(load.target.port) if load.target.host in LOCAL else []


async def prepare(load: Load) -> Target:
    """Look at the server, and keep pictures where they will be asked for."""
    target = load.target
    client = Client(target.host, target.port, connections_max=1, keep_alive=False)
    if "get" in load.mix:
        target = await keep(client, target)
    elif load.closed:
        target = await calibrate(client, target, load.kind)
    twice = [await ask(client, target, load.kind, number=0) for _ in range(2)]
    if not any(200 <= reply.status < 300 for reply in twice):
        said = twice[1].body[:200].decode("utf-8", "replace").strip()
        raise PlanRefused(f"{target.name} answered {twice[1].status} to {load.kind}: {said}")
    forbidden = load.kind == "draw" and load.closed and not load.cached
    if forbidden and await remembers(client, target, load.kind):
        raise AnswersWrong(
            f"{target.name} remembers finished art, and ab sends the same pictures again and "
            f"again: that would measure its memory. Start it with CALLIGRAM_CACHE_BYTES_MAX=0, "
            f"or say --cached if its memory is what you want to measure"
        )
    return target


async def remembers(client: Client, target: Target, kind: str) -> bool:
    """Does any of those who answer say that it had the answer already?"""
    for _ in range(LOOKS_MAX):
        told = (await ask(client, target, kind, number=0)).header("cache-status")
        if "hit" in told:
            return True
        if not told:  # nor will the others
            break
    return False


async def calibrate(client: Client, target: Target, kind: str) -> Target:
    """Choose the picture that takes about as long as the corpus does on average."""
    loop = asyncio.get_running_loop()
    corpus = target.corpus
    taken: list[list[float]] = [[] for _ in corpus.pictures]
    until = loop.time() + CALIBRATION_SECONDS_MAX
    for number in range(CALIBRATIONS * len(corpus.pictures)):
        begun = loop.time()
        if begun > until:
            break
        place = number % len(corpus.pictures)
        body = marked(corpus.pictures[place], CALIBRATION_NUMBER + number)
        await exchange(client, Request(kind, "POST", target.request(kind, 0).path, body))
        taken[place].append(loop.time() - begun)
    # The median of each, as the first ones load what is loaded once.
    seconds = [median(each) for each in taken if each]
    mean = sum(seconds) / len(seconds)
    typical = min(range(len(seconds)), key=lambda place: abs(seconds[place] - mean))
    words = (
        f"{corpus.words}; one at a time {1000 * min(seconds):.1f} to {1000 * max(seconds):.1f} ms, "
        f"on average {1000 * mean:.1f} ms; ab sends the one of {1000 * seconds[typical]:.1f} ms"
    )
    return replace(target, corpus=replace(corpus, typical=typical, words=words))


async def keep(client: Client, target: Target) -> Target:
    """Have the server keep pictures; their ids, the most wanted first."""
    for number in range(KEPT):
        reply = await ask(client, target, "keep", number=number)
        if reply.status not in (200, 201):
            raise PlanRefused(
                f"{target.name} answered {reply.status} to POST /v1/pictures: it keeps no "
                f"pictures, so there are no permanent addresses to get"
            )
    ids = [picture_id(target.corpus.picture(number)) for number in range(KEPT)]
    return replace(target, kept=tuple(ids))


async def ask(client: Client, target: Target, kind: str, *, number: int) -> Reply:
    return await exchange(client, target.request(kind, number))


async def exchange(client: Client, request: Request) -> Reply:
    try:
        return await asyncio.wait_for(client.exchange(request), opened.ANSWER_SECONDS_MAX)
    except (ConnectionLost, OSError, TimeoutError) as error:
        name = f"{client.host}:{client.port}"
        raise Unavailable(f"{name} gives no answer: {error or 'too late'}") from error


def warm(load: Load, meter: Meter) -> None:
    """Some seconds at a moderate rate that belong to no measurement."""
    if load.warm_seconds <= 0:
        return
    due = opened.due_times(20.0, load.warm_seconds, arrivals="even", seed=0)
    plan = opened.Plan(rates=[20.0], seconds=load.warm_seconds)
    requests = load.target.requests(load.mix, seed=0, first=900_000_000)
    opened.measure(load.target, plan, 20.0, due, requests, meter)
