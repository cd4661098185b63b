"""
Some pictures of a collection, done by one worker, whatever becomes of each.

    do_batch(task, names) -> an outcome for each name

This is what travels: a task and names go to a worker, which reads the pictures itself, and
outcomes of a few hundred bytes come back. It is called in threads, of this process or of
Dask workers; each thread keeps its render process from batch to batch.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from calligram.bulk.places import Draft
from calligram.bulk.renderer import Renderer
from calligram.errors import (
    CalligramError,
    PictureUnknown,
    StoreUnavailable,
    Unavailable,
)

DRAWN, ALREADY, PASSED_OVER, FAILED = "drawn", "already", "passed-over", "failed"

STORE_TRIES = 3
STORE_PAUSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What became of one picture.

    `kind` is "drawn", "already" (its art was there), "passed-over" (it is no picture) or
    "failed", for which `code` and `message` say why. `found` is what was found out: its id
    and its art's digest, or how it would change.
    """

    name: str
    kind: str
    code: str | None = None
    message: str | None = None
    found: Any = None


class Task(Protocol):
    """What is done with each picture of a collection; it travels to workers."""

    @property
    def version(self) -> str: ...

    @property
    def seconds_max(self) -> float: ...

    @property
    def bytes_max(self) -> int: ...

    def do(self, name: str, renderer: Renderer) -> tuple[Any, Draft | None]:
        """
        Do it, and return what was found, and what is still to be finished.

        Raises CalligramError and OSError.
        """


_own = threading.local()
_renderers: dict[int, Renderer] = {}


def do_batch(
    task: Task, names: Sequence[str], stopped: threading.Event | None = None
) -> list[Outcome]:
    """
    An outcome for each of `names`; fewer once `stopped` is set.

    Raises Unavailable where nothing can be drawn here at all.
    """
    check_version(task)
    renderer = own_renderer(task.seconds_max, task.bytes_max)
    stopped = stopped or threading.Event()
    done = []
    try:
        for name in names:
            if stopped.is_set():
                break
            done.append(outcome_of(task, name, renderer, stopped))
    finally:
        # Also where no more can be drawn here: what was drawn is kept.
        for step in (Draft.sync, Draft.finish):
            done = [after(step, outcome, draft) for outcome, draft in done]
    return [outcome for outcome, _ in done]


def check_version(task: Task) -> None:
    """Raise Unavailable where `task` comes from another version, which may draw otherwise."""
    here = versions()
    if task.version != here:
        raise Unavailable(
            f"a worker has {here}, and this command is of {task.version}; "
            "the same versions on all machines will do"
        )


def versions() -> str:
    """What has a say in the art's bytes: our version and those of what decodes and counts."""
    import numpy as np
    import PIL

    from calligram import __version__

    return f"calligram {__version__}, numpy {np.__version__}, Pillow {PIL.__version__}"


def outcome_of(
    task: Task, name: str, renderer: Renderer, stopped: threading.Event
) -> tuple[Outcome, Draft | None]:
    """What becomes of a picture if its draft, where there is one, can be finished."""
    for tries_left in reversed(range(STORE_TRIES)):
        try:
            found, draft = task.do(name, renderer)
            return Outcome(name, DRAWN, found=found), draft
        except PictureUnknown as error:
            return Outcome(name, PASSED_OVER, error.code, str(error)), None
        except StoreUnavailable as error:
            if not tries_left or stopped.wait(STORE_PAUSE_SECONDS):
                return Outcome(name, FAILED, error.code, str(error)), None
        except Unavailable:
            raise
        except CalligramError as error:
            return Outcome(name, FAILED, error.code, str(error)), None
        except OSError as error:
            return file_failed(name, error), None
    raise AssertionError("the last try returns")


def after(
    step: Callable[[Draft], None], outcome: Outcome, draft: Draft | None
) -> tuple[Outcome, Draft | None]:
    """The outcome when the draft, where there is one, has been taken another step."""
    if draft:
        try:
            step(draft)
        except OSError as error:
            return file_failed(outcome.name, error), None
    return outcome, draft


def file_failed(name: str, error: OSError) -> Outcome:
    return Outcome(name, FAILED, "file-failed", (error.strerror or str(error)).lower())


def own_renderer(seconds_max: float, bytes_max: int) -> Renderer:
    """This thread's render process; another where its limits are others."""
    renderer: Renderer | None = getattr(_own, "renderer", None)
    if renderer is None or (renderer.seconds_max, renderer.bytes_max) != (seconds_max, bytes_max):
        if renderer is not None:
            renderer.close()
        renderer = _own.renderer = Renderer(seconds_max=seconds_max, bytes_max=bytes_max)
    # Each time: one that close_renderers has ended starts again when it is asked.
    _renderers[threading.get_ident()] = renderer
    return renderer


def close_renderers() -> None:
    """End the render processes of this process; whoever still draws starts another."""
    while _renderers:
        _renderers.popitem()[1].close()
