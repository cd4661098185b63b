"""
The library as a typed program uses it. mypy --strict reads this file; nothing runs it.

A change that turns one of these lines red would do so in the programs of our users.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import calligram
from calligram import Art, Options


def every_source(path: Path, picture: Image.Image, pixels: NDArray[np.uint8]) -> list[Art]:
    with path.open("rb") as file:
        return [
            calligram.render(path),
            calligram.render(str(path)),
            calligram.render(path.read_bytes()),
            calligram.render(file),
            calligram.render(picture),
            calligram.render(pixels),
        ]


def every_answer(art: Art) -> tuple[str, bytes, NDArray[np.uint32], NDArray[np.int32] | None]:
    rows: int = art.rows
    columns: int = art.columns
    assert art.characters.shape == (rows, columns)
    return art.text, art.to("svg"), art.characters, art.foreground


def every_option(path: Path) -> Options:
    art = calligram.render(path, columns=40, characters="braille", colour="full", invert=True)
    return art.options


def every_error(path: Path) -> tuple[str, int | float | None]:
    try:
        calligram.render(path)
    except calligram.PictureTooLarge as error:
        return error.code, error.limit
    except calligram.Refused as error:
        return error.code, error.actual
    return "", None
