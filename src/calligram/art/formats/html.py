"""
html: one `pre`, to be pasted into a page.

It carries all its looks with it, asks for nothing from elsewhere and holds no script.
Cells of one look share a `span`; what a space's ink is can't be seen, so it ends no span.

No stripes between lines: a `span`'s background is as high as its font, 1.13 em or more
in the usual monospace fonts, so lines stand 1.1 em apart, never wider than that. The
cell's aspect is then kept by the letters' distance, given that monospace letters are
0.6 em wide; a letter-spacing also keeps fonts from joining letters such as `=>`.
"""

from __future__ import annotations

import html
import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from calligram.art.formats._cells import SPACE, bands, carried, characters_of, ends, looks, starts
from calligram.art.model import INK, PAGE, Art

LINE_THOUSANDTHS_EM = 1100
LETTER_THOUSANDTHS_EM = 600


def pieces(art: Art) -> Iterator[bytes]:
    """The art as one `pre` element with inline styles."""
    yield opening(art).encode("utf-8")
    for band in bands(art):
        lines = plain_lines(band) if band.foreground is None else coloured_lines(band)
        yield "".join(f"{line}\n" for line in lines).encode("utf-8")
    yield b"</pre>\n"


def opening(art: Art) -> str:
    spacing = round(LINE_THOUSANDTHS_EM * art.options.cell_aspect) - LETTER_THOUSANDTHS_EM
    ink, page = INK[art.options.background], PAGE[art.options.background]
    # Letters that are written from right to left must not turn a line around.
    return (
        f'<pre role="img" aria-label="Text art, {art.columns} by {art.rows} characters" style="'
        f"display:inline-block;margin:0;white-space:pre;direction:ltr;unicode-bidi:bidi-override;"
        f"font-family:'DejaVu Sans Mono',Menlo,Consolas,monospace;font-variant-ligatures:none;"
        f"line-height:{thousandths(LINE_THOUSANDTHS_EM)};letter-spacing:{thousandths(spacing)}em;"
        f'color:#{ink:06x};background:#{page:06x}">'
    )


def thousandths(number: int) -> str:
    """`number` / 1000 in decimal, the same on every machine."""
    sign = "-" if number < 0 else ""
    return f"{sign}{abs(number) // 1000}.{abs(number) % 1000:03d}"


def plain_lines(art: Art) -> list[str]:
    return [html.escape(line) for line in art.lines()]


def coloured_lines(art: Art) -> list[str]:
    assert art.foreground is not None
    assert art.background is not None
    ink = carried(art.foreground, art.characters != SPACE)
    begins = starts(ink, art.background)
    runs = [
        span(escaped, ink_style, paper_style)
        for escaped, ink_style, paper_style in zip(
            escaped_runs(art, begins),
            styles("color", ink.ravel()[begins], art.options.colour),
            styles("background", art.background.ravel()[begins], art.options.colour),
            strict=True,
        )
    ]
    line_begins = np.searchsorted(begins, np.arange(art.rows + 1) * art.columns).tolist()
    return ["".join(runs[begin:end]) for begin, end in itertools.pairwise(line_begins)]


def escaped_runs(art: Art, begins: NDArray[np.intp]) -> list[str]:
    """The characters of each run, escaped."""
    characters = characters_of(art.characters)
    run_ends = ends(begins, len(characters)).tolist()
    runs = [characters[begin:end] for begin, end in zip(begins.tolist(), run_ends, strict=True)]
    # No cell is a newline, so all runs can be escaped in one go, which is twice as fast.
    return html.escape("\n".join(runs)).split("\n")


def styles(name: str, pens: NDArray[np.int32], colour: str) -> list[str]:
    """The style that gives a run each of `pens` (n,); empty for the reader's own colour."""
    return [f"{name}:#{look:06x}" if look >= 0 else "" for look in looks(pens, colour).tolist()]


def span(escaped: str, ink_style: str, paper_style: str) -> str:
    if ink_style and paper_style:
        return f'<span style="{ink_style};{paper_style}">{escaped}</span>'
    if ink_style or paper_style:
        return f'<span style="{ink_style or paper_style}">{escaped}</span>'
    return escaped
