"""
ansi: the characters, with the colour sequences of terminals (ECMA-48's SGR).

Every cell is first laid out in a row of slots, most of them empty, and then all that is
empty is squeezed out: the whole art is written without a loop over its cells.

    ESC [ 3 8 ; 2 ; 2 5 5 ; _ _ 0 ; _ 1 9 ; 4 8 ; 2 ; ... m | a | ESC [ 0 m | newline
    '-- only where a pen changes ------------------------'  '   '- only at a line's end

Only changes are written, ink and paper in one sequence. What can't be seen is no change:
the ink of a space, the paper of a full block. A line that ends in colour ends with a
reset, so no colour runs on to the terminal's edge, and any line can be cut out and shown.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from calligram.art.formats import text
from calligram.art.formats._cells import SPACE, bands, carried, characters_of
from calligram.art.model import DEFAULT_PEN, Art

FULL_BLOCK = 0x2588
EMPTY = 0
"""An empty slot. No cell holds U+0000: no control character is ever a cell."""

RESET = "\x1b[0m"
WIDEST = len("38;2;255;255;255")


def pieces(art: Art) -> Iterator[bytes]:
    """The art's characters in UTF-8 with its pens as SGR sequences."""
    if art.foreground is None:
        yield from text.pieces(art)
        return
    for band in bands(art):
        yield characters_of(squeezed(band)).encode("utf-8")


def squeezed(art: Art) -> NDArray[np.uint32]:
    """All code points to write, in order."""
    assert art.foreground is not None
    assert art.background is not None
    ink = carried(art.foreground, art.characters != SPACE)
    paper = carried(art.background, art.characters != FULL_BLOCK)
    ink_changes, paper_changes = changes(ink), changes(paper)
    both = ink_changes & paper_changes
    any_change = ink_changes | paper_changes

    slots = np.zeros((art.rows, art.columns, 2 * WIDEST + 10), np.uint32)
    put(slots, any_change, 0, "\x1b[")
    slots[ink_changes, 2 : 2 + WIDEST] = selectors(ink[ink_changes], art.options.colour, 30)
    put(slots, both, 2 + WIDEST, ";")
    slots[paper_changes, 3 + WIDEST : 3 + 2 * WIDEST] = selectors(
        paper[paper_changes], art.options.colour, 40
    )
    put(slots, any_change, 3 + 2 * WIDEST, "m")
    slots[:, :, 4 + 2 * WIDEST] = art.characters
    coloured = (ink[:, -1] != DEFAULT_PEN) | (paper[:, -1] != DEFAULT_PEN)
    put(slots[:, -1], coloured, 5 + 2 * WIDEST, RESET)
    slots[:, -1, -1] = ord("\n")
    return np.asarray(slots[slots != EMPTY])


def changes(pens: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Where a pen is another than just before it; each line begins with DEFAULT_PEN."""
    return np.asarray(np.diff(pens, axis=1, prepend=DEFAULT_PEN) != 0)


def put(slots: NDArray[np.uint32], where: NDArray[np.bool_], at: int, characters: str) -> None:
    """Write `characters` into the slots from `at` on, in the cells `where`."""
    slots[where, at : at + len(characters)] = [ord(character) for character in characters]


def selectors(pens: NDArray[np.int32], colour: str, base: int) -> NDArray[np.uint32]:
    """
    What selects `pens` (n,), as (n, WIDEST) code points and EMPTY.

    `base` is 30 for ink and 40 for paper, as SGR numbers them.
    """
    slots = np.zeros((len(pens), WIDEST), np.uint32)
    if colour == "16":
        # 30 to 37 are the dark ones, and the bright ones stand 60 higher.
        slots[:, :3] = DECIMALS[base + pens % 8 + np.where(pens >= 8, 60, 0)]
    elif colour == "256":
        slots[:, :5] = codes_of(f"{base + 8};5;")
        slots[:, 5:8] = DECIMALS[np.maximum(pens, 0)]
    else:
        slots[:, :5] = codes_of(f"{base + 8};2;")
        slots[:, 5:8], slots[:, 8] = DECIMALS[pens >> 16 & 255], ord(";")
        slots[:, 9:12], slots[:, 12] = DECIMALS[pens >> 8 & 255], ord(";")
        slots[:, 13:16] = DECIMALS[pens & 255]
    own = np.zeros(WIDEST, np.uint32)
    own[:2] = codes_of(f"{base + 9}")
    slots[pens == DEFAULT_PEN] = own
    return slots


def codes_of(characters: str) -> list[int]:
    return [ord(character) for character in characters]


DECIMALS = np.array(
    [codes_of(str(number)) + [EMPTY] * (3 - len(str(number))) for number in range(256)], np.uint32
)
"""The digits of 0 to 255, and EMPTY: (256, 3)."""
