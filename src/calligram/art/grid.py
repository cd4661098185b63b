"""
The grid: how many cells a picture gets, and the samples that each cell sees.

    picture (width x height) -> columns x rows -> cells of high x wide samples

A cell is taller than it is wide, so a picture's rows are its columns x height / width x
the cell's aspect. Samples are square at the default aspect of 1/2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from calligram.art.model import Pixels
from calligram.art.options import OPTIONS, Options
from calligram.art.resample import resampled
from calligram.errors import OptionsRefused

# Three decimals of the aspect are kept, so that the row count is a matter of integers.
ASPECT_SCALE = 1000


@dataclass(frozen=True, slots=True)
class Grid:
    """How many cells a picture gets."""

    columns: int
    rows: int

    @classmethod
    def of(cls, width: int, height: int, options: Options) -> Grid:
        """
        The grid of a picture of `width` x `height` pixels.

        Its rows are those asked for, or else those that keep the picture's shape.

        Raises OptionsRefused where keeping the shape takes more rows than are allowed.
        """
        if options.rows is not None:
            return cls(options.columns, options.rows)
        aspect = round(options.cell_aspect * ASPECT_SCALE)
        # Half is added before the floor: the nearest row count, ties upwards.
        twice = 2 * options.columns * height * aspect + width * ASPECT_SCALE
        rows = twice // (2 * width * ASPECT_SCALE)
        most = int(OPTIONS["rows"].most or 0)
        if rows > most:
            raise OptionsRefused(
                f"{width} x {height} pixels at {options.columns} columns would take {rows} rows, "
                f"and {most} are allowed; fewer columns or a number of rows will do",
                limit=most,
                actual=rows,
            )
        return cls(options.columns, max(1, rows))


def sampled(image: Image.Image, grid: Grid, *, high: int, wide: int) -> Pixels:
    """`image` resampled to cells of high x wide samples: (rows x high, columns x wide[, 3])."""
    return resampled(image, (grid.columns * wide, grid.rows * high))


def cells(samples: Pixels, grid: Grid) -> Pixels:
    """Samples regrouped by cell: (rows x columns, samples in a cell[, 3])."""
    high, wide = samples.shape[0] // grid.rows, samples.shape[1] // grid.columns
    rest = samples.shape[2:]
    # A cell's row of samples is moved as one item: several times faster than byte by byte.
    strip = np.dtype((np.void, wide * math.prod(rest)))
    strips = np.ascontiguousarray(samples).reshape(-1).view(strip)
    by_cell = strips.reshape(grid.rows, high, grid.columns).swapaxes(1, 2)
    flat = np.ascontiguousarray(by_cell).view(np.uint8)
    return flat.reshape(grid.rows * grid.columns, high * wide, *rest)
