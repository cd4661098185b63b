"""
Levels: how much of a picture's brightness the few tones of text are spent on.

    ink samples -> histogram -> a table of 256 inks

Text has a small range of tones: the densest letter covers about a quarter of its cell, and
only a blank is smooth. So a picture's own range is stretched over it: a share of it, the
palest, is left blank, and its strongest 1 % gets full ink. The shares were chosen by
measuring (bench/fidelity): blanks keep flat parts free of texture, and the contrast lifts
shapes above the texture of the letters themselves.

A picture with little contrast is stretched only so far, lest noise be drawn as shapes, and
around its own brightness: an even grey stays grey, black stays blank, white stays full.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from calligram.art.model import Pixels

FULL_SHARE = 1
"""Percent of the samples that get full ink."""

EVERY = np.arange(256)

RANGE_MIN = 64
"""Inks that a stretch must leave between its ends: at most 4 times the contrast."""


def inked(samples: Pixels, *, background: str, invert: bool) -> Pixels:
    """Luma samples as the ink they want, 0 to 255: light on a dark page, dark on a light one."""
    # Negating twice is not negating.
    return samples if (background == "dark") != invert else 255 - samples


def stretched(ink: Pixels, *, blank_share: int) -> Pixels:
    """Ink samples (any shape) stretched over 0 to 255, `blank_share` percent of them to 0."""
    # Pillow counts bytes as bytes; numpy's bincount would make each a word first.
    counts = np.array(Image.fromarray(ink).histogram()).cumsum()
    total = int(counts[-1])
    blank = int(np.searchsorted(counts, (total * blank_share + 99) // 100))
    full = int(np.searchsorted(counts, (total * (100 - FULL_SHARE) + 99) // 100))
    # Python looks bytes up in a table; numpy would make each an index of a word first.
    inks = ink.tobytes().translate(table(blank, full).tobytes())
    return np.frombuffer(inks, np.uint8).reshape(ink.shape)


def table(blank: int, full: int) -> NDArray[np.uint8]:
    """The 256 inks where `blank` and less become 0, and `full` and more become 255."""
    missing = RANGE_MIN - (full - blank)
    if missing > 0:
        # Widened in proportion to where the picture stands: 0 grows only upwards, 255 only down.
        blank -= missing * (blank + full) // 510
        full = blank + RANGE_MIN
    inks = (510 * (EVERY - blank) + (full - blank)) // (2 * (full - blank))
    return np.minimum(np.maximum(inks, 0), 255).astype(np.uint8)
