"""
Who is drawn next, and how much may wait: values alone, no clock and no process.

Each render gets a place in line when it comes and keeps it:

    place = when it came + PATIENCE x the seconds that it will probably take

So a small picture passes a large one, but only if it came within that time after it: a
picture of one second is overtaken for at most eight, and starves never.

A drawing can't be interrupted, so a small picture would still wait where large ones hold
all processes. They may not: one process, if there are two or more, is never given to a
large picture.
"""

from __future__ import annotations

import asyncio
from bisect import insort
from dataclasses import dataclass, field

from calligram.art.limits import Limits
from calligram.art.options import Options
from calligram.errors import CalligramError

PATIENCE = 8.0
"""For how many times its own duration a waiting picture lets later ones pass."""

HANDLING_COST = 200_000
"""What every picture costs, however small, in pixels: options, header, matching, writing."""

SMALL_COST = 2_000_000
"""Up to this many pixels a picture may be sent to a process that still draws another."""


@dataclass(frozen=True, slots=True)
class Job:
    """
    A picture to draw.

    `data` are its bytes, `format` is one of FORMATS, `limits` those it was opened with.
    `cost` is what its header says of the work: width x height x frames, in pixels.
    """

    data: bytes = field(repr=False)
    options: Options
    format: str
    limits: Limits
    cost: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """The art's bytes, how long drawing took in its process, and how long it waited before."""

    content: bytes = field(repr=False)
    seconds: float
    queued_seconds: float


@dataclass(slots=True, eq=False)
class Render:
    """
    A job on its way: its place in line, when it came, when it was sent to a process, when it
    began there, and who waits for it. The times are seconds of `time.perf_counter`.
    """

    job: Job
    future: asyncio.Future[Drawn]
    place: float
    came: float
    began: float = 0.0
    sent: float = 0.0
    timer: asyncio.TimerHandle | None = None

    def stop_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def fail(self, error: CalligramError) -> None:
        """Tell who waits for it, if somebody still does."""
        self.stop_timer()
        if not self.future.done():
            self.future.set_exception(error)


class Pace:
    """
    The seconds that a cost takes, learnt from the last hundred renders or so.

    Sums and not a mean of ratios, so that the total of many predictions is right, and a
    queue's length in seconds is such a total.
    """

    def __init__(self) -> None:
        self.cost = 1_000_000.0
        self.seconds = 0.01

    def learn(self, cost: int, seconds: float) -> None:
        self.cost = self.cost * 0.99 + cost + HANDLING_COST
        self.seconds = self.seconds * 0.99 + seconds

    def predict(self, cost: int, *, renders: int = 1) -> float:
        """Seconds of drawing for `renders` renders of `cost` together."""
        return (cost + HANDLING_COST * renders) * self.seconds / self.cost


class Waiting:
    """The renders that wait, in the order of their places; never more than allowed."""

    def __init__(self, *, renders_max: int, cost_max: int, large_cost: int) -> None:
        self.renders: list[Render] = []
        self.renders_max = renders_max
        self.cost_max = cost_max
        self.large_cost = large_cost
        self.cost = 0

    def __len__(self) -> int:
        return len(self.renders)

    def has_room(self, cost: int) -> bool:
        return len(self.renders) < self.renders_max and self.cost + cost <= self.cost_max

    def add(self, render: Render) -> None:
        insort(self.renders, render, key=lambda waiting: waiting.place)
        self.cost += render.job.cost

    def remove(self, render: Render) -> None:
        self.renders.remove(render)
        self.cost -= render.job.cost

    def is_large(self, render: Render) -> bool:
        return render.job.cost >= self.large_cost

    def take(self, *, large: bool) -> Render | None:
        """The first in line, passing over large ones unless `large`; None if there is none."""
        for render in self.renders:
            if not render.sent and (large or not self.is_large(render)):
                self.remove(render)
                return render
        return None

    def next_small(self) -> Render | None:
        """The first in line, which stays there, if it may be sent ahead; else None."""
        for render in self.renders:
            if not render.sent:
                return render if is_small(render) else None
        return None


def is_small(render: Render) -> bool:
    return render.job.cost <= SMALL_COST
