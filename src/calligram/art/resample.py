"""
Resampling to the grid, in two passes whose order is our own, and quickly where it is simple.

    along rows, then down; the other way round where that leaves less to the second pass

Each pass rounds to bytes, so the order shows in the result, and releases of Pillow differ in
it: 13 was the first to choose. Here every pass is one call, in the order that it chose.

Luma goes through the box filter: a sample is the mean of the pixels whose centres lie in it.
What was shrunk while it was unpacked is less than twice as large as its samples, so that is
one pixel, or the mean of two, which numpy makes for whole lines in a third of Pillow's time.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from calligram.art.model import Pixels

Lines: TypeAlias = NDArray[np.intp]


def resampled(image: Image.Image, size: tuple[int, int]) -> Pixels:
    """
    The pixels of `image` (L or RGB) at `size`: L by the box filter, RGB by the triangle.

    Both work on 8-bit pixels in fixed point, with coefficients that take no multiplication
    and addition in one, so processors can't differ.
    """
    if image.size == size:
        return np.asarray(image)
    less_wide, less_high = image.width - size[0], image.height - size[1]
    down_first = less_high > 0 and less_high > 2 * less_wide
    if image.mode == "L":
        across, down = ends(image.width, size[0]), ends(image.height, size[1])
        if across is not None and down is not None:
            return boxed(np.asarray(image), across, down, down_first=down_first)
    kernel = Image.Resampling.BOX if image.mode == "L" else Image.Resampling.BILINEAR
    between = (image.width, size[1]) if down_first else (size[0], image.height)
    return np.asarray(image.resize(between, kernel).resize(size, kernel))


def boxed(
    pixels: Pixels, across: tuple[Lines, Lines], down: tuple[Lines, Lines], *, down_first: bool
) -> Pixels:
    """Luma through the box filter: `across` and `down` say which pixels each sample has."""
    if down_first:
        pixels = means(pixels, *down)
    # Lines are moved as a whole, single pixels one by one: columns are laid on their side.
    columns = means(np.ascontiguousarray(pixels.T), *across)
    pixels = np.ascontiguousarray(columns.T)
    return pixels if down_first else means(pixels, *down)


def means(lines: Pixels, first: Lines, last: Lines) -> Pixels:
    """The mean of each pair of lines, halves rounded up; it takes no more than bytes."""
    one, other = lines[first], lines[last]
    return (one | other) - ((one ^ other) >> 1)


@lru_cache(maxsize=256)
def ends(length: int, count: int) -> tuple[Lines, Lines] | None:
    """
    The first and last of `length` pixels in each of `count` samples, if none has over two.

    In floating point and in the order of Pillow's Resample.c: where a centre lies on a
    border, rounding decides.
    """
    scale = length / count
    reach = max(scale, 1.0)
    if reach >= 2:
        return None
    centres = (np.arange(count) + 0.5) * scale
    least = np.maximum((centres - reach / 2 + 0.5).astype(np.intp), 0)
    most = np.minimum((centres + reach / 2 + 0.5).astype(np.intp), length)
    near = least[:, None] + np.arange(3)
    places = (near - centres[:, None] + 0.5) * (1 / reach)
    inside = (places > -0.5) & (places <= 0.5) & (near < most[:, None])
    counts = inside.sum(axis=1)
    if not ((counts >= 1) & (counts <= 2)).all():
        return None
    first = least + inside.argmax(axis=1)
    return first, first + counts - 1
