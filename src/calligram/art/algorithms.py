"""
The algorithms: named, numbered, frozen ways to make art.

A released algorithm is never edited: what it draws is promised for ever, and golden files
hold it. A better one gets the next number, a file of its own, and a row here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PIL import Image

from calligram.art import ramp_1, shape_1
from calligram.art.grid import Grid
from calligram.art.model import Art
from calligram.art.options import Options


@dataclass(frozen=True, slots=True)
class Algorithm:
    """
    One way to make art.

    `draw` takes the picture, its grid and the options. `detail` is how many pixels (wide,
    high) of the picture a cell needs, so that a large one may be shrunk while it is
    unpacked; None means every pixel. `grey` tells whether luma alone will do.
    """

    name: str
    summary: str
    draw: Callable[[Image.Image, Grid, Options], Art]
    detail: tuple[int, int] | None
    grey: Callable[[Options], bool]


def never(_options: Options) -> bool:
    return False


def without_colour(options: Options) -> bool:
    return options.colour == "none"


ALGORITHMS: Mapping[str, Algorithm] = {
    algorithm.name: algorithm
    for algorithm in (
        Algorithm(
            "ramp-1",
            "mean brightness of each cell, looked up in a ramp of characters",
            ramp_1.draw,
            None,
            grey=never,
        ),
        Algorithm(
            "shape-1",
            "the glyph whose measured shape shows the cell best, tone and shape together",
            shape_1.draw,
            (shape_1.WIDE, shape_1.HIGH),
            grey=without_colour,
        ),
    )
}
