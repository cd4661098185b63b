"""
Art: rows x columns of cells, each a character and perhaps two colours.

    characters   (rows, columns) uint32   Unicode code points
    foreground   (rows, columns) int32    pens, or None where the art has no colour
    background   (rows, columns) int32    pens, or None

A **pen** is 0xRRGGBB where colour is `full`, a number of the terminal's palette where it
is `16` or `256`, and DEFAULT_PEN for the reader's own colour. Pens and not RGB triples,
because every format merges runs of equal colour, and equal numbers are cheap to find.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from calligram.art.options import Options

Pixels: TypeAlias = NDArray[np.uint8]
"""(height, width) luma or (height, width, 3) sRGB, 0 to 255."""

DEFAULT_PEN = -1

INK = {"dark": 0xFFFFFF, "light": 0x000000}
"""The colour of text without a colour of its own, by background (0xRRGGBB)."""

PAGE = {"dark": 0x000000, "light": 0xFFFFFF}
"""The colour behind it."""


@dataclass(frozen=True, slots=True, eq=False)
class Art:
    """
    What a picture became; `print` it, or write it with `to`.

    `characters` is (rows, columns) uint32 code points. `foreground` and `background` are
    (rows, columns) int32 pens (see the module), both None where options.colour is "none".
    """

    characters: NDArray[np.uint32]
    foreground: NDArray[np.int32] | None
    background: NDArray[np.int32] | None
    options: Options

    @property
    def rows(self) -> int:
        return int(self.characters.shape[0])

    @property
    def columns(self) -> int:
        return int(self.characters.shape[1])

    @property
    def text(self) -> str:
        """The characters alone, lines joined by newlines, without one at the end."""
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """The characters alone, a string a row."""
        codes = np.ascontiguousarray(self.characters, "<u4")
        return [row.tobytes().decode("utf-32-le") for row in codes]

    def to(self, format: str) -> bytes:
        """
        The art written in `format`: txt, ansi, html, svg, png or json.

        Raises OptionsRefused for a format that there is none of, and ArtTooLarge where
        the result would be over the limit.
        """
        from calligram.art.formats import write  # a format reads Art, so it can't be above

        return write(self, format)

    def __str__(self) -> str:
        """The text, with ANSI colours where the art has colour."""
        if self.foreground is None:
            return self.text
        return self.to("ansi").decode("utf-8").removesuffix("\n")

    def __repr__(self) -> str:
        return f"<Art {self.columns}x{self.rows} {self.options.algorithm}>"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return self.to("html").decode("utf-8")
