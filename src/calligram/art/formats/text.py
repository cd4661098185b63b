"""
txt: the characters and nothing else.

Lines end with a newline, the last one too. Spaces at a line's end are kept: cells are a
grid, and whoever cuts or joins columns counts on every line being as wide as the others.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from calligram.art.formats._cells import bands, characters_of
from calligram.art.model import Art


def pieces(art: Art) -> Iterator[bytes]:
    """The art's characters in UTF-8, colours left out."""
    for band in bands(art):
        lines = np.full((band.rows, band.columns + 1), ord("\n"), np.uint32)
        lines[:, :-1] = band.characters
        yield characters_of(lines).encode("utf-8")
