"""
svg: a drawing of the grid, sharp at every size.

    <svg viewBox>            16 units a line, cell_aspect x 16 a column
      <rect>                 the page
      <g crispEdges> <rect>  one for each run of one paper; crisp, so no seams between them
      <g font> <text>        one for each word: where it begins, and how long it is

A word is a run of one ink without spaces. Each says where it stands and how long it is, so
whatever font the reader has, columns never drift and glyphs fill their cells. A word also
ends where the code points leave their block of 256, for there the reader's font may hand
over to another one with letters of another width. Spaces are not written: nothing of
them can be seen, and a renderer that collapsed them would shift what follows.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

import numpy as np

from calligram.art.formats._cells import (
    LINE,
    SPACE,
    bands,
    characters_of,
    column_width,
    ends,
    looks,
    starts,
)
from calligram.art.model import DEFAULT_PEN, INK, PAGE, Art

BASELINE = 12
FONT_SIZE = 13
"""Letters of 0.6 em are then about 8 units wide, as a cell of aspect 0.5 is."""


def pieces(art: Art) -> Iterator[bytes]:
    """The art as one `svg` element."""
    yield opening(art).encode("utf-8")
    if art.background is not None:
        yield b'<g shape-rendering="crispEdges">\n'
        top = 0
        for band in bands(art):
            yield "".join(papers(band, top)).encode("utf-8")
            top += band.rows
        yield b"</g>\n"
    # Letters that are written from right to left must not turn a word around.
    yield (
        f'<g fill="#{INK[art.options.background]:06x}" font-size="{FONT_SIZE}" '
        f"font-family=\"'DejaVu Sans Mono',Menlo,Consolas,monospace\" "
        f'direction="ltr" unicode-bidi="bidi-override">\n'
    ).encode()
    top = 0
    for band in bands(art):
        yield "".join(words(band, top)).encode("utf-8")
        top += band.rows
    yield b"</g>\n</svg>\n"


def opening(art: Art) -> str:
    width, height = art.columns * column_width(art.options.cell_aspect), art.rows * LINE
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" '
        f'aria-label="Text art, {art.columns} by {art.rows} characters" xml:space="preserve">\n'
        f'<rect width="{width}" height="{height}" fill="#{PAGE[art.options.background]:06x}"/>\n'
    )


def papers(art: Art, top: int) -> Iterator[str]:
    """A `rect` for each run of one paper, the reader's own left out. `top` is the first line."""
    assert art.background is not None
    wide = column_width(art.options.cell_aspect)
    begins = starts(art.background)
    pens = looks(art.background.ravel()[begins], art.options.colour)
    runs = np.stack([begins, ends(begins, art.background.size), pens], axis=1)
    for begin, end, look in runs[pens != DEFAULT_PEN].tolist():
        row, column = divmod(begin, art.columns)
        yield (
            f'<rect x="{column * wide}" y="{(top + row) * LINE}" '
            f'width="{(end - begin) * wide}" height="{LINE}" fill="#{look:06x}"/>\n'
        )


def words(art: Art, top: int) -> Iterator[str]:
    """A `text` for each run of one ink without spaces. `top` is the first line."""
    wide = column_width(art.options.cell_aspect)
    is_space = art.characters == SPACE
    none = np.full(art.characters.shape, DEFAULT_PEN, np.int32)
    ink = none if art.foreground is None else art.foreground
    begins = starts(ink, is_space, art.characters >> np.uint32(8))
    inks = looks(ink.ravel()[begins], art.options.colour)
    runs = np.stack([begins, ends(begins, is_space.size), inks], axis=1)
    characters = characters_of(art.characters)
    for begin, end, look in runs[~is_space.ravel()[begins]].tolist():
        row, column = divmod(begin, art.columns)
        fill = f' fill="#{look:06x}"' if look >= 0 else ""
        yield (
            f'<text x="{column * wide}" y="{(top + row) * LINE + BASELINE}" '
            f'textLength="{(end - begin) * wide}" lengthAdjust="spacingAndGlyphs"{fill}>'
            f"{escape(characters[begin:end], quote=False)}</text>\n"
        )
