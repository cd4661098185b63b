"""
The walk that all care is: every shelf of two sides, every picture on it, one deed each.

    shelves --listed ahead, on both sides--> pictures --many at once--> outcomes, in order

It ends at the last shelf, with a report. It may be cut anywhere: each deed leaves its
picture as it was or as it should be, so whoever walks again, from the shelf that was last
told or from the start, ends where one whole walk would have. One picture that can't be
cared for is a problem of its own; when many in a row can't, a store is away, and the walk
ends with StoreUnavailable instead of asking it a million times.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from calligram.care.pace import AHEAD_EACH, Pace, ahead
from calligram.care.reports import Outcome, Problem, Progress, Report, Walk
from calligram.care.shelves import NOTHING, Shelf, Side, Sight, read_shelf
from calligram.errors import Damaged, StoreUnavailable
from calligram.store.keys import picture_key

UNANSWERED_MAX = 20
"""So many pictures in a row without an answer, and the store is away."""

SMALL_SIGHTS = 10_000
"""Shelves are alike: if the first holds fewer, none holds many more."""

Deed = Callable[[str, Sight, Sight], Outcome]
"""From an id and what is seen of it on the first and the second side, what became of it."""


@dataclass(frozen=True, slots=True)
class Task:
    """One picture to be cared for; with `id` None, what a shelf holds that is no picture."""

    place: int
    id: str | None
    here: Sight = NOTHING
    there: Sight = NOTHING
    strange: tuple[str, ...] = ()


def walk(name: str, sides: Sequence[Side], shelves: Sequence[str], deed: Deed, pace: Pace) -> Walk:
    """
    Walk over `shelves` of one or two `sides`. Raises StoreUnavailable when a store is away.

    With one side, nothing is seen on the other.
    """

    def do(task: Task) -> tuple[Task, Outcome]:
        return task, outcome_of(task, sides[0].name, deed, pace)

    began = time.monotonic()
    report = Report(name, 0, 0, 0, 0, 0, 0, 0.0)
    unanswered = 0
    pool = ThreadPoolExecutor(pace.concurrency, name)
    try:
        tasks = tasks_of(sides, shelves, pool, pace)
        for task, outcome in ahead(pool, do, tasks, pace.concurrency * AHEAD_EACH):
            report = added(report, outcome)
            unanswered = unanswered + 1 if is_unanswered(outcome) else 0
            if unanswered >= UNANSWERED_MAX:
                raise StoreUnavailable(
                    f"{unanswered} pictures in a row could not be cared for: "
                    f"{outcome.problems[0].told}"
                )
            yield Progress(
                part=shelves[task.place],
                parts_done=task.place,
                parts=len(shelves),
                pictures=report.pictures,
                bytes=report.bytes,
                problems=outcome.problems,
            )
    finally:
        pool.shutdown(cancel_futures=True)
    return replace(report, seconds=time.monotonic() - began)


def tasks_of(
    sides: Sequence[Side], shelves: Sequence[str], pool: ThreadPoolExecutor, pace: Pace
) -> Iterator[Task]:
    def look(digits: str) -> list[Shelf]:
        return [pace.patient(read_shelf, side, digits) for side in sides]

    def looks() -> Iterator[list[Shelf]]:
        for digits in shelves[:1]:
            first = look(digits)
            yield first
            # Small shelves are listed many ahead, as each takes as long as its requests do; of
            # large ones there must not be many in memory.
            is_small = sum(len(shelf.sights) for shelf in first) < SMALL_SIGHTS
            yield from ahead(pool, look, shelves[1:], pace.concurrency if is_small else 1)

    for place, found in enumerate(looks()):
        here, there = found[0].sights, found[1].sights if len(found) > 1 else {}
        if found[0].strange:
            yield Task(place, None, strange=found[0].strange)
        for id in sorted(here.keys() | there.keys()):
            yield Task(place, id, here.get(id, NOTHING), there.get(id, NOTHING))


def outcome_of(task: Task, place: str, deed: Deed, pace: Pace) -> Outcome:
    id = task.id
    if id is None:
        told = "it is no key of Calligram's, and is left alone"
        problems = tuple(Problem(place, key, "strange", told) for key in task.strange)
        return Outcome(pictures=0, problems=problems)
    try:
        return pace.patient(deed, id, task.here, task.there)
    except Damaged as error:  # what was right when it was put, or a moment ago
        return Outcome(problems=(Problem(place, picture_key(id), "damaged", str(error)),))
    except StoreUnavailable as error:
        return Outcome(problems=(Problem(place, picture_key(id), "unanswered", str(error)),))


def is_unanswered(outcome: Outcome) -> bool:
    return any(problem.kind == "unanswered" for problem in outcome.problems)


def added(report: Report, outcome: Outcome) -> Report:
    mended = sum(problem.is_mended for problem in outcome.problems)
    return replace(
        report,
        pictures=report.pictures + outcome.pictures,
        bytes=report.bytes + outcome.bytes,
        copied=report.copied + outcome.copied,
        deleted=report.deleted + outcome.deleted,
        mended=report.mended + mended,
        problems=report.problems + len(outcome.problems) - mended,
    )
