"""
Formats: the ways in which art is written down.

Each is a module with `pieces(art)`, which yields the bytes band by band. `write` counts them
as they come and refuses at the first byte over the limit, so a huge art costs no more
memory than the limit and one band, whatever the format.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from calligram.art.formats import ansi, html, json, png, svg, text
from calligram.art.limits import DEFAULT_LIMITS, Limits
from calligram.art.model import Art
from calligram.art.options import shown
from calligram.errors import ArtTooLarge, OptionsRefused


@dataclass(frozen=True, slots=True)
class Format:
    """One format. `pieces` yields the written art part by part; `write` joins them."""

    name: str
    media_type: str
    suffix: str
    pieces: Callable[[Art], Iterator[bytes]]
    help: str

    def write(self, art: Art, limits: Limits = DEFAULT_LIMITS) -> bytes:
        """
        The art in this format.

        Raises ArtTooLarge where that would be over `limits.art_bytes_max` bytes.
        """
        assert_cells(art)
        written, bytes_found = [], 0
        for piece in self.pieces(art):
            bytes_found += len(piece)
            if bytes_found > limits.art_bytes_max:
                raise ArtTooLarge(
                    f"{art.columns} x {art.rows} characters as {self.name} are over "
                    f"{limits.art_bytes_max} bytes ({bytes_found} and perhaps more); "
                    "fewer columns, fewer colours or another format will do",
                    limit=limits.art_bytes_max,
                    actual=bytes_found,
                )
            written.append(piece)
        return b"".join(written)


FORMATS: Mapping[str, Format] = {
    "txt": Format("txt", "text/plain; charset=utf-8", ".txt", text.pieces, "characters alone"),
    # No type is registered for it. It isn't text/plain, which promises no control characters
    # and would fill a browser's page with them: this one is offered for saving.
    "ansi": Format(
        "ansi", "text/x-ansi; charset=utf-8", ".ansi", ansi.pieces, "with a terminal's colours"
    ),
    "html": Format("html", "text/html; charset=utf-8", ".html", html.pieces, "one pre for a page"),
    "svg": Format("svg", "image/svg+xml", ".svg", svg.pieces, "a drawing, sharp at every size"),
    "png": Format("png", "image/png", ".png", png.pieces, "a picture of the characters"),
    "json": Format("json", "application/json", ".json", json.pieces, "the cells as data"),
}


def write(art: Art, format: str, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """
    The art written in `format`, one of FORMATS.

    Raises OptionsRefused for a format that there is none of, and ArtTooLarge where the
    result would be over `limits.art_bytes_max` bytes.
    """
    if format not in FORMATS:
        raise OptionsRefused(f"there is no format {shown(format)}; there are: {', '.join(FORMATS)}")
    return FORMATS[format].write(art, limits)


def assert_cells(art: Art) -> None:
    """
    Whoever drew the art kept to its contract: shapes agree, and no cell is a control.

    Options refuse such characters from outside, so one found here is our own mistake.
    """
    codes = art.characters
    assert codes.ndim == 2, codes.shape
    assert codes.size > 0, codes.shape
    assert not ((codes < 0x20) | (codes - 0x7F < 0x21)).any(), "a cell is a control character"
    for pens in (art.foreground, art.background):
        assert (pens is None) == (art.options.colour == "none"), art.options.colour
        assert pens is None or pens.shape == codes.shape, pens.shape
