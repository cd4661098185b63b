"""
Colour: from any RGB to the pens that a terminal has, and back.

    nearest(rgb, colour)  colours -> pens     which pen shows this colour best
    rgb_of(pens, colour)  pens -> colours     what a pen looks like (html, svg, png)

Near is the integer distance 2 dr² + 4 dg² + 3 db²: the eye sees green best and red least
of all in bright colours, and integers are equal on every machine. Ties go to the lowest
number.

Colour `256` never answers 0 to 15: those sixteen are the reader's theme, and differ from
terminal to terminal, while the cube (16 to 231) and the greys (232 to 255) are alike
everywhere and hold black and white too. Colour `16` has only the themed ones, so it
assumes xterm's.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from calligram.art.model import DEFAULT_PEN

WEIGHTS = (2, 4, 3)
"""How much a difference of red, green and blue counts."""

CUBE_LEVELS = (0, 95, 135, 175, 215, 255)
CUBE_FIRST, GREY_FIRST = 16, 232
GREY_LEAST, GREY_STEP, GREYS = 8, 10, 24

SIXTEEN = (
    (0, 0, 0),
    (205, 0, 0),
    (0, 205, 0),
    (205, 205, 0),
    (0, 0, 238),
    (205, 0, 205),
    (0, 205, 205),
    (229, 229, 229),
    (127, 127, 127),
    (255, 0, 0),
    (0, 255, 0),
    (255, 255, 0),
    (92, 92, 255),
    (255, 0, 255),
    (0, 255, 255),
    (255, 255, 255),
)
CUBE = tuple((r, g, b) for r in CUBE_LEVELS for g in CUBE_LEVELS for b in CUBE_LEVELS)
GREY = tuple((GREY_LEAST + GREY_STEP * step,) * 3 for step in range(GREYS))

PALETTES: Mapping[str, NDArray[np.uint8]] = {
    "16": np.array(SIXTEEN, np.uint8),
    "256": np.array(SIXTEEN + CUBE + GREY, np.uint8),
}
"""What each palette's pens look like in xterm: (16, 3) and (256, 3) sRGB."""


def rgb_of(pens: NDArray[np.int32], colour: str, default: int) -> NDArray[np.uint8]:
    """
    What `pens` (any shape) look like, as (..., 3) sRGB.

    `colour` is 16, 256 or full; `default` is 0xRRGGBB, the reader's own colour, which
    DEFAULT_PEN stands for.
    """
    assert colour in ("16", "256", "full"), colour
    own = pens == DEFAULT_PEN
    if colour == "full":
        return unpacked(np.where(own, default, pens))
    looks = PALETTES[colour][np.where(own, 0, pens)]
    looks[own] = unpacked(np.array(default, np.int32))
    return looks


def nearest(rgb: NDArray[np.uint8], colour: str) -> NDArray[np.int32]:
    """
    The pens (n,) that show the colours `rgb` (n, 3) best.

    `colour` is 16, 256 or full; full shows every colour exactly.
    """
    assert colour in NEAREST, colour
    return NEAREST[colour](rgb)


def packed(rgb: NDArray[np.uint8]) -> NDArray[np.int32]:
    """(..., 3) sRGB as 0xRRGGBB."""
    wide = rgb.astype(np.int32)
    return np.asarray(wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2])


def unpacked(pens: NDArray[np.int32]) -> NDArray[np.uint8]:
    """0xRRGGBB as (..., 3) sRGB."""
    return np.stack([pens >> 16, pens >> 8 & 255, pens & 255], axis=-1).astype(np.uint8)


def nearest_of_16(rgb: NDArray[np.uint8]) -> NDArray[np.int32]:
    # |c - p|² without |c|², which is the same for every pen. Every partial sum is a whole
    # number below 2^24, so float32 is exact in whatever order it is added up.
    palette, weights = PALETTES["16"].astype(np.float32), np.array(WEIGHTS, np.float32)
    squares = (palette * palette) @ weights
    distances = squares - rgb.astype(np.float32) @ (2 * weights * palette).T
    return np.asarray(np.argmin(distances, axis=1).astype(np.int32))


def nearest_of_256(rgb: NDArray[np.uint8]) -> NDArray[np.int32]:
    # In the cube each channel can be settled alone, for the distance is a sum over them.
    steps = CUBE_STEP[rgb]
    cube = CUBE_FIRST + 36 * steps[:, 0] + 6 * steps[:, 1] + steps[:, 2]

    # Of the greys, the one nearest to the weighted mean is nearest: the distance is a
    # parabola with its foot there. 9 is the sum of the weights, so nothing is divided.
    mean_by_9 = rgb.astype(np.int32) @ np.array(WEIGHTS, np.int32)
    halfway_by_9 = 9 * (GREY_LEAST + GREY_STEP // 2)
    grey_steps = (mean_by_9 - halfway_by_9 + 9 * GREY_STEP - 1) // (9 * GREY_STEP)
    grey = GREY_FIRST + np.clip(grey_steps, 0, GREYS - 1)

    return np.where(distance(rgb, grey) < distance(rgb, cube), grey, cube).astype(np.int32)


def distance(rgb: NDArray[np.uint8], pens: NDArray[np.int32]) -> NDArray[np.int32]:
    """How far the pens (n,) of palette 256 are from `rgb` (n, 3)."""
    apart = rgb.astype(np.int32) - PALETTES["256"][pens]
    return np.asarray((apart * apart) @ np.array(WEIGHTS, np.int32))


CUBE_STEP = np.abs(np.arange(256)[:, None] - np.array(CUBE_LEVELS)).argmin(axis=1).astype(np.int32)
"""The step of the cube's six that is nearest to a channel's value: (256,)."""

NEAREST = {"16": nearest_of_16, "256": nearest_of_256, "full": packed}
