"""
Cells, as the formats see them: in bands of lines, and in runs of one look, written once.

    carried   a pen that can't be seen in a cell takes its left neighbour's: no change to write
    starts    the cells where a run begins
    looks     what a run's pen looks like
    bands     the art in bands of whole lines, so that no format holds more than a band of
              a huge art before `write` has seen how large it becomes
    column_width  how wide a cell is drawn, where a line is LINE high
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from calligram.art.colour import packed, rgb_of
from calligram.art.model import DEFAULT_PEN, Art

SPACE = 0x20
BAND_CELLS = 16_384

LINE = 16
"""How high a line is drawn: pixels of a png, units of an svg."""


def column_width(cell_aspect: float) -> int:
    """How wide a column is drawn, in whole pixels or units: 8 for an aspect of 0.5."""
    return round(LINE * cell_aspect)


def bands(art: Art) -> Iterator[Art]:
    """The art, cut between lines into arts of at most BAND_CELLS cells, or of one line."""
    step = max(1, BAND_CELLS // art.columns)
    for top in range(0, art.rows, step):
        lines = slice(top, top + step)
        yield dataclasses.replace(
            art,
            characters=art.characters[lines],
            foreground=None if art.foreground is None else art.foreground[lines],
            background=None if art.background is None else art.background[lines],
        )


def carried(pens: NDArray[np.int32], seen: NDArray[np.bool_]) -> NDArray[np.int32]:
    """
    `pens` (rows, columns), where a pen that isn't `seen` is that of the last cell to its left
    where it is, or DEFAULT_PEN where there is none in its line.
    """
    columns = np.arange(1, pens.shape[1] + 1)
    source = np.maximum.accumulate(np.where(seen, columns, 0), axis=1)
    with_default = np.pad(pens, ((0, 0), (1, 0)), constant_values=DEFAULT_PEN)
    return np.take_along_axis(with_default, source, axis=1)


def starts(*grids: NDArray[np.generic]) -> NDArray[np.intp]:
    """
    The flat indices of the cells where a run begins, in reading order.

    A run ends with its line, and where any of `grids` (each (rows, columns)) changes.
    """
    first = np.zeros(grids[0].shape, np.bool_)
    first[:, 0] = True
    for grid in grids:
        first[:, 1:] |= grid[:, 1:] != grid[:, :-1]
    return np.flatnonzero(first)


def ends(begins: NDArray[np.intp], cells: int) -> NDArray[np.intp]:
    """The flat indices after each run's last cell."""
    return np.append(begins[1:], cells)


def looks(pens: NDArray[np.int32], colour: str) -> NDArray[np.int32]:
    """What `pens` look like, as 0xRRGGBB; DEFAULT_PEN stays itself."""
    if colour in ("none", "full"):
        return pens
    return np.where(pens == DEFAULT_PEN, DEFAULT_PEN, packed(rgb_of(pens, colour, 0)))


def characters_of(codes: NDArray[np.uint32]) -> str:
    """All cells' characters in reading order, without line ends."""
    return np.ascontiguousarray(codes, "<u4").tobytes().decode("utf-32-le")
