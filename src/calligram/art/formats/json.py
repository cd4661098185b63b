"""
json: the cells as data. docs/formats.md has the schema and an example.

Keys stand in a fixed order and each line of cells on a line of its own, so that two arts
can be compared with `diff`. A pen is `"#rrggbb"` where colour is `full`, a number in
`palette` where it is `16` or `256`, and null for the reader's own colour.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calligram.art.colour import PALETTES, packed
from calligram.art.formats._cells import bands
from calligram.art.model import DEFAULT_PEN, INK, PAGE, Art

SCHEMA = 1
"""Raised when a reader of the old schema would misread the new one."""


def pieces(art: Art) -> Iterator[bytes]:
    """The art as one JSON object in UTF-8."""
    members = ",\n".join(f"{written(key)}:{written(value)}" for key, value in head(art).items())
    yield f'{{{members},\n"characters":['.encode()
    yield from lines(art, lambda band: band.lines())
    if art.foreground is None:
        yield b'],\n"foreground":null,\n"background":null}\n'
        return
    yield b'],\n"foreground":['
    yield from lines(art, lambda band: pens_of(band.foreground, art.options.colour))
    yield b'],\n"background":['
    yield from lines(art, lambda band: pens_of(band.background, art.options.colour))
    yield b"]}\n"


def head(art: Art) -> dict[str, Any]:
    """Everything but the cells. The order of the keys is part of the format."""
    background, palette = art.options.background, PALETTES.get(art.options.colour)
    return {
        "calligram": SCHEMA,
        "algorithm": art.options.algorithm,
        "columns": art.columns,
        "rows": art.rows,
        "options": art.options.changed(),
        "colour": art.options.colour,
        "ink": hexadecimal(INK[background]),
        "page": hexadecimal(PAGE[background]),
        "palette": None if palette is None else [hexadecimal(p) for p in packed(palette).tolist()],
    }


def lines(art: Art, values_of: Callable[[Art], list[Any]]) -> Iterator[bytes]:
    """An array's members, one for each line of the art; `values_of` takes a band."""
    separator = "\n"
    for band in bands(art):
        for value in values_of(band):
            yield (separator + written(value)).encode("utf-8")
            separator = ",\n"


def pens_of(pens: NDArray[np.int32] | None, colour: str) -> list[list[int | str | None]]:
    assert pens is not None
    if colour == "full":
        return [
            [None if pen == DEFAULT_PEN else hexadecimal(pen) for pen in line]
            for line in pens.tolist()
        ]
    return [[None if pen == DEFAULT_PEN else pen for pen in line] for line in pens.tolist()]


def hexadecimal(pen: int) -> str:
    return f"#{pen:06x}"


def written(value: object) -> str:
    """JSON without spaces, with characters as themselves: an art's lines stay readable."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
