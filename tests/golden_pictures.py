"""
The pictures that golden files are drawn from: PNG-like pixels, the same everywhere.

Two are photographs that scikit-image ships, two are made: a page of hard edges and a sweep
of all tones. They are handed over as pixels, so no decoder's release can turn a test red.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import skimage
from numpy.typing import NDArray


def sweep() -> NDArray[np.uint8]:
    """Every tone from left to right, every hue's share from top to bottom."""
    rows, columns = np.mgrid[0:128, 0:256]
    return np.stack([columns, 2 * rows, 255 - columns], axis=2).astype(np.uint8)


def rings() -> NDArray[np.uint8]:
    """Black rings on white, ever finer towards the right."""
    rows, columns = np.mgrid[0:160, 0:240]
    far = (rows - 80) ** 2 + (columns - 80) ** 2
    return np.where(far // 700 % 2, 255, 0).astype(np.uint8)


PICTURES: dict[str, Callable[[], NDArray[np.uint8]]] = {
    "astronaut": skimage.data.astronaut,
    "camera": skimage.data.camera,
    "rings": rings,
    "sweep": sweep,
}
