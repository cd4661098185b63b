"""
What the reader's terminal is like, as far as its surroundings tell.

    width        COLUMNS, else the terminal's own, else 80
    colour       TERM and COLORTERM tell how many; NO_COLOR means none
    background   COLORFGBG, which some terminals set; else dark

These are defaults only: whatever an option says goes before. The environment and the width
are handed in, so a test needs no terminal.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

WIDTH_MAX = 1000
"""As many columns as an art may have."""

WIDTH_ELSEWHERE = 80

# Of the 16 colours, the pale ones: 7 and what follows 8, which is dark grey.
LIGHT_COLOURS = {"7", "9", "10", "11", "12", "13", "14", "15"}


@dataclass(frozen=True, slots=True)
class Terminal:
    """
    Where text is going to be read.

    `shown` is False where that is no terminal. `columns` is its width in characters,
    `colour` how many colours it has ("none", "16", "256", "full"), `muted` whether the
    reader asked for none (NO_COLOR), and `background` "dark" or "light".
    """

    shown: bool
    columns: int
    colour: str
    muted: bool
    background: str

    @classmethod
    def of(cls, environment: Mapping[str, str], width: int | None) -> Terminal:
        """The terminal by its environment and own width; None where output is no terminal."""
        shown = width is not None
        return cls(
            shown=shown,
            columns=columns_of(environment, width),
            colour=colour_of(environment) if shown else "none",
            # An empty NO_COLOR counts as none, says https://no-color.org.
            muted=environment.get("NO_COLOR", "") != "",
            background=background_of(environment) if shown else "dark",
        )


def width_of(stream: TextIO | None) -> int | None:
    """The width of the terminal that `stream` is, 0 if it doesn't know; None if it is none."""
    if stream is None or not stream.isatty():
        return None
    try:
        return os.get_terminal_size(stream.fileno()).columns
    except OSError:
        return 0


def columns_of(environment: Mapping[str, str], width: int | None) -> int:
    said = environment.get("COLUMNS", "")
    if said.isascii() and said.isdigit() and len(said) <= 9 and int(said) > 0:
        return min(int(said), WIDTH_MAX)
    return min(width or WIDTH_ELSEWHERE, WIDTH_MAX)


def colour_of(environment: Mapping[str, str]) -> str:
    kind = environment.get("TERM", "")
    if kind in ("", "dumb"):
        return "none"
    if environment.get("COLORTERM") in ("truecolor", "24bit") or kind.endswith("-direct"):
        return "full"
    return "256" if "256color" in kind else "16"


def background_of(environment: Mapping[str, str]) -> str:
    # "15;0" or "15;default;0": ink first, paper last.
    paper = environment.get("COLORFGBG", "").rpartition(";")[2]
    return "light" if paper in LIGHT_COLOURS else "dark"
