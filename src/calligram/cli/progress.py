"""
How far the work is: a bar on standard error, if that is a terminal and it takes a while.

Lines that must be said while the bar stands are said above it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

from calligram.cli.messages import say

if TYPE_CHECKING:
    from tqdm import tqdm

PATIENCE_SECONDS = 1.0
"""Work that is done sooner shows no bar."""

MOVING_SECONDS = 0.1
"""A walk's bar is drawn anew so often."""


class Progress:
    """Counts what is done, and keeps the bar, if any, out of the messages' way."""

    def __init__(self, bar: tqdm[int] | None) -> None:
        self.bar = bar

    def step(self) -> None:
        if self.bar is not None:
            self.bar.update()

    def say(self, *parts: str) -> None:
        if self.bar is not None:
            self.bar.clear()
        say(*parts)


@contextmanager
def progress(total: int, *, beside_art: bool, unit: str = "pictures") -> Iterator[Progress]:
    """Progress over `total` of `unit`; no bar where the art itself fills the terminal."""
    shown = total > 1 and not beside_art and sys.stderr is not None and sys.stderr.isatty()
    if not shown:
        yield Progress(None)
        return
    from tqdm import tqdm  # Most calls draw one picture and need no bar.

    bar = tqdm(range(total), unit=f" {unit}", delay=PATIENCE_SECONDS, leave=False)
    with bar:
        yield Progress(bar)


class Parts:
    """The bar of a walk over parts, if there is one."""

    def __init__(self, bar: tqdm[NoReturn] | None) -> None:
        self.bar = bar

    def show(self, done: int, total: int, beside: str) -> None:
        """So many parts of so many are done; `beside` the bar stands how much that is."""
        if self.bar is not None:
            self.bar.total = total
            self.bar.set_postfix_str(beside, refresh=False)
            self.bar.update(done - self.bar.n)

    def say(self, *parts: str) -> None:
        if self.bar is not None:
            self.bar.clear()
        say(*parts)


@contextmanager
def parts_progress() -> Iterator[Parts]:
    """Progress over parts, of which the walk itself tells how many there are."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield Parts(None)
        return
    from tqdm import tqdm

    # miniters=0: a part takes long, and the number beside the bar should move meanwhile.
    bar: tqdm[NoReturn] = tqdm(
        total=1,
        unit=" parts",
        delay=PATIENCE_SECONDS,
        leave=False,
        mininterval=MOVING_SECONDS,
        miniters=0,
    )
    with bar:
        yield Parts(bar)
