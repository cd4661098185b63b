"""
Dithering: what one cell can't show, its neighbours make up for.

Ordered, by Bayer's matrix of 8 x 8 cells: each cell is lifted or lowered by a fixed amount
of its place before it is matched, so a tone between two glyphs becomes a fine pattern of
both. Fixed amounts, unlike errors passed on, keep cells independent: matching stays one
matrix product, and a change in one corner of a picture can't ripple through all of it.

Source: B. E. Bayer, "An optimum method for two-level rendition of continuous-tone
pictures", IEEE ICC 1973.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calligram.art.grid import Grid
from calligram.art.model import Pixels


def bayer(order: int) -> NDArray[np.int64]:
    """Bayer's matrix of 2**order x 2**order: each number from 0 to 4**order - 1 once."""
    matrix = np.zeros((1, 1), np.int64)
    for _ in range(order):
        matrix = np.block([[4 * matrix, 4 * matrix + 2], [4 * matrix + 3, 4 * matrix + 1]])
    return matrix


BAYER = bayer(3)


def ordered(cells: Pixels, grid: Grid, *, span: int) -> Pixels:
    """Cells (rows x columns, ...) of 0..255, each moved by up to half of `span` either way."""
    tiled = np.tile(BAYER, (grid.rows // 8 + 1, grid.columns // 8 + 1))[
        : grid.rows, : grid.columns
    ].reshape(-1)
    # 2 n + 1 - 64 runs from -63 to 63: the pattern is even about zero, and so keeps the mean.
    moves = (2 * tiled + 1 - 64) * span // 128
    moved = cells.astype(np.int16) + moves.astype(np.int16).reshape(-1, *[1] * (cells.ndim - 1))
    return moved.clip(0, 255).astype(np.uint8)


def widest_step(tones: NDArray[np.int64]) -> int:
    """The widest gap between neighbouring tones: the dither must reach across it."""
    return int(np.diff(np.unique(tones)).max(initial=0))
