"""
What would change: a picture is drawn by two algorithms, and the arts are laid side by side.

    changed   cells whose character or colour is another
    tone      how much more or less ink a cell gets, 0 to 1, on the mean of all cells

Half the cells of a picture may hold another character and nobody sees it, if their tone is
the same; so both are told.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import msgspec
import numpy as np

from calligram.art import glyphs
from calligram.art.limits import DEFAULT_LIMITS, Limits
from calligram.art.options import Options
from calligram.bulk.places import Address, Place
from calligram.bulk.renderer import Renderer


@dataclass(frozen=True)
class Change:
    """How one picture's art would change; `tone` is None where colours carry it."""

    cells: int
    changed: int
    tone: float | None

    @property
    def share(self) -> float:
        return self.changed / self.cells


@dataclass(frozen=True, kw_only=True)
class Comparing:
    """Draw each picture of `source` by the `stable` algorithm and by the `candidate`."""

    version: str
    source: Address
    options: Options
    stable: str
    candidate: str
    seconds_max: float
    bytes_max: int
    limits: Limits = DEFAULT_LIMITS

    def do(self, name: str, renderer: Renderer) -> tuple[Change, None]:
        data = self.pictures.read(name, self.limits)
        arts = [
            msgspec.json.decode(
                renderer.draw(
                    data,
                    dataclasses.replace(self.options, algorithm=algorithm),
                    "json",
                    self.limits,
                )
            )
            for algorithm in (self.stable, self.candidate)
        ]
        return change_between(*arts), None

    @cached_property
    def pictures(self) -> Place:
        return self.source.open()

    def __getstate__(self) -> dict[str, object]:
        # An opened place stays here: a worker opens its own.
        return {k: v for k, v in vars(self).items() if k != "pictures"}


def change_between(stable: Any, candidate: Any) -> Change:
    """The change from one art to another, both as the format json has them."""
    cells = candidate["columns"] * candidate["rows"]
    if (stable["columns"], stable["rows"]) != (candidate["columns"], candidate["rows"]):
        return Change(cells, cells, None)
    pairs = zip(cells_of(stable), cells_of(candidate), strict=True)
    changed = sum(one != other for one, other in pairs)
    tone = None
    if stable["foreground"] is None:
        difference = inks_of(stable) - inks_of(candidate)
        tone = round(float(np.abs(difference).mean()), 4)
    return Change(cells, changed, tone)


def cells_of(art: Any) -> zip[tuple[Any, ...]]:
    planes = [art["characters"], art["foreground"], art["background"]]
    # A line of characters is a string, a line of pens a list: both give one for each cell.
    flat = (chain.from_iterable(plane) for plane in planes if plane is not None)
    return zip(*flat, strict=True)


def inks_of(art: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The ink of each cell, 0 to 1."""
    codes, places = np.unique(glyphs.codes_of("".join(art["characters"])), return_inverse=True)
    inks: np.ndarray[Any, np.dtype[np.float64]] = glyphs.coverage(codes).mean(axis=(1, 2)) / 255
    return inks[places]
