"""
How far the work is: a bar on standard error, if that is a terminal and it takes a while.

Lines that must be said while the bar stands are said above it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from calligram.cli.messages import say

if TYPE_CHECKING:
    from tqdm import tqdm

PATIENCE_SECONDS = 1.0
"""Work that is done sooner shows no bar."""


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
