"""
Glyphs: what characters look like, measured once from a font and shipped as data.

    characters -> coverage (n, 16, 8), 0 = no ink, 255 = all ink

The data (`glyphs.npz`, made by tools/measure_glyphs.py) holds every character of DejaVu
Sans Mono that fills exactly one cell, and the block, sextant and braille characters drawn
by geometry, as terminals draw them. A character that was not measured is refused: we could
neither match it nor promise that it keeps to its cell.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from calligram.errors import OptionsRefused

CELL_WIDTH, CELL_HEIGHT = 8, 16

HALF = " ▀▄█▌▐"
QUADRANTS = " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"
EIGHTHS = " ▁▂▃▄▅▆▇█▏▎▍▌▋▊▉▔▕"
SEXTANTS = " ▌▐█" + "".join(map(chr, range(0x1FB00, 0x1FB3C)))

SETS = {
    "ascii": "".join(map(chr, range(0x20, 0x7F))),
    # dict.fromkeys keeps the order and drops what two sets share.
    "blocks": "".join(dict.fromkeys(HALF + QUADRANTS + EIGHTHS + SEXTANTS)),
    "half": HALF,
    "quadrants": QUADRANTS,
    "eighths": EIGHTHS,
    "sextants": SEXTANTS,
    "braille": "".join(map(chr, range(0x2800, 0x2900))),
}


@lru_cache(maxsize=1)
def _measured() -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    """All measured code points, sorted, and their coverages (n, 16, 8)."""
    with resources.files(__package__).joinpath("glyphs.npz").open("rb") as file:
        data = np.load(file)
        codes, coverage = data["codes"], data["coverage"]
    codes.flags.writeable = coverage.flags.writeable = False
    return codes, coverage


def coverage(codes: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """
    The shapes of `codes` (n,) as coverage (n, 16, 8), 0 to 255.

    Raises OptionsRefused for a character that was not measured.
    """
    known, shapes = _measured()
    places = np.minimum(np.searchsorted(known, codes), len(known) - 1)
    strangers = codes[known[places] != codes]
    if len(strangers):
        raise OptionsRefused(
            f"characters can't hold U+{strangers[0]:04X}: we have no measured shape of it; "
            f"{len(known)} Latin, Greek, Cyrillic, mathematical, box and block characters will do"
        )
    return shapes[places]


def codes_of(characters: str) -> NDArray[np.uint32]:
    """The code points (n,) of a set's name, or of the characters themselves."""
    text = SETS.get(characters, characters)
    return np.frombuffer(text.encode("utf-32-le"), "<u4").astype(np.uint32)
