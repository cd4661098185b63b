"""
Algorithm ramp-1: the classic. Mean brightness of each cell, looked up in a ramp.

    sRGB -> linear light -> mean of each cell -> level -> character

Brightness is averaged in linear light, as light itself adds up: a fine black and white
pattern is as bright as half of white, and not as sRGB's middle grey. The level is then
taken from the mean's sRGB value, whose steps look even to the eye.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from calligram.art import colour, dither, glyphs
from calligram.art.grid import Grid
from calligram.art.model import DEFAULT_PEN, Art, Pixels
from calligram.art.options import Options

CHARACTERS = " .oO#"

LUMA = (13933, 46871, 4732)
"""Rec. 709's shares of red, green and blue in brightness, of 65536."""


def linear_light() -> NDArray[np.uint16]:
    """The 256 sRGB values in linear light, 0 to 65535 (IEC 61966-2-1)."""
    value = np.arange(256) / 255
    light = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return np.round(light * 65535).astype(np.uint16)


LINEAR = linear_light()
# The sRGB value whose light is nearest: the borders are half-way between neighbours' lights.
BORDERS = (LINEAR[:-1].astype(np.int64) + LINEAR[1:] + 1) // 2


def draw(image: Image.Image, grid: Grid, options: Options) -> Art:
    """Draw an RGB image as text. Pure: the same input gives the same art, anywhere."""
    ramp = ramp_of(options.characters or CHARACTERS)
    means = means_by_cell(np.asarray(image), grid)
    bright = np.searchsorted(BORDERS, luma(means), side="right").astype(np.uint8)
    ink = bright if (options.background == "dark") != options.invert else 255 - bright
    if options.dither == "ordered":
        ink = dither.ordered(ink.reshape(-1, 1), grid, span=255 // len(ramp)).reshape(ink.shape)
    levels = ink.astype(np.int64) * len(ramp) // 256
    return Art(ramp[levels], *pens(means, options), options)


def ramp_of(characters: str) -> NDArray[np.uint32]:
    """The ramp (n,): one's own characters as they stand, a set's by how much ink they have."""
    codes = glyphs.codes_of(characters)
    if characters not in glyphs.SETS:
        return codes
    inks = glyphs.coverage(codes).sum(axis=(1, 2), dtype=np.int64)
    # Of characters with equal ink the first is kept: a ramp has no two steps of one height.
    return codes[np.unique(inks, return_index=True)[1]]


def means_by_cell(pixels: Pixels, grid: Grid) -> NDArray[np.int64]:
    """Mean linear light of each cell, 0 to 65535: (rows, columns, 3)."""
    height, width = pixels.shape[:2]
    # Edges, not a fixed step: the last cell must not swallow the remainder.
    tops = np.arange(grid.rows) * height // grid.rows
    lefts = np.arange(grid.columns) * width // grid.columns
    # Where there are more cells than pixels, neighbouring cells share one.
    bottoms = np.maximum((np.arange(grid.rows) + 1) * height // grid.rows, tops + 1)
    rights = np.maximum((np.arange(grid.columns) + 1) * width // grid.columns, lefts + 1)
    means = np.empty((grid.rows, grid.columns, 3), np.int64)
    # One row of cells at a time: a large picture in linear light would fill the memory.
    for row, (top, bottom) in enumerate(zip(tops, bottoms, strict=True)):
        sums = LINEAR[pixels[top:bottom]].sum(axis=0, dtype=np.int64)
        upto = np.concatenate([np.zeros((1, 3), np.int64), sums.cumsum(axis=0)])
        means[row] = (upto[rights] - upto[lefts]) // ((rights - lefts)[:, None] * (bottom - top))
    return means


def luma(light: NDArray[np.int64]) -> NDArray[np.int64]:
    """Brightness (...) of linear light (..., 3), both 0 to 65535."""
    return (light @ np.array(LUMA, np.int64)) >> 16


def pens(
    means: NDArray[np.int64], options: Options
) -> tuple[NDArray[np.int32] | None, NDArray[np.int32] | None]:
    """Foreground and background of each cell, where options have colour."""
    if options.colour == "none":
        return None, None
    mean = np.searchsorted(BORDERS, means, side="right")
    if options.invert:
        mean = 255 - mean
    # The character already stands for the brightness; its colour is as bright as the hue can be,
    # on a dark page, lest the two be multiplied. On a light page the ink itself must be dark.
    if options.background == "dark":
        mean = mean * 255 // np.maximum(mean.max(axis=2, keepdims=True), 1)
    foreground = colour.nearest(mean.astype(np.uint8).reshape(-1, 3), options.colour)
    shape = means.shape[:2]
    return foreground.reshape(shape), np.full(shape, DEFAULT_PEN, np.int32)
