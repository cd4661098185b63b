"""
What a walk tells: its progress while it goes, and a report when it ends. Values, not prints.

    walk -> Progress, Progress, ... -> Report

Each problem is told once, in the Progress of the picture that it is about; the report counts
them. So a store with a million problems is told whole, and kept in memory nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar


@dataclass(frozen=True, slots=True)
class Problem:
    """
    One thing that is wrong: in which `place` (store, vault...), at which `key`, what was found.

    `kind` is one of a few stable words, `is_mended` tells that it was wrong and is right again.
    """

    place: str
    key: str
    kind: str
    told: str
    is_mended: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one picture. `bytes` were read or copied."""

    pictures: int = 1
    bytes: int = 0
    copied: int = 0
    deleted: int = 0
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """
    How far a walk is: `parts_done` of `parts` are behind it, and it stands at `part`.

    A part is a shelf, or one of a drill's pictures. Counts are since the start; `problems`
    are those of the last step alone.
    """

    part: str
    parts_done: int
    parts: int
    pictures: int
    bytes: int
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """
    How a walk ended. `pictures` were looked at, `bytes` read or copied.

    `copied` counts pictures or records that were put, `deleted` pictures that were taken away
    because they were deleted elsewhere; `problems` what is still wrong, `mended` what was.
    """

    walk: str
    pictures: int
    bytes: int
    copied: int
    deleted: int
    mended: int
    problems: int
    seconds: float

    @property
    def is_clean(self) -> bool:
        """Is all as it should be now?"""
        return self.problems == 0


Walk = Generator[Progress, None, Report]

R = TypeVar("R")


def finish(
    walk: Generator[Progress, None, R], told: Callable[[Progress], object] = lambda _: None
) -> R:
    """Walk to the end, telling each step; returns the report."""
    while True:
        try:
            told(next(walk))
        except StopIteration as end:
            report: R = end.value
            return report
