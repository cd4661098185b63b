"""
The library's front door: any picture that a Python program may hold, drawn in one call.

    path, file, bytes      opened and checked against the limits
    PIL image, array       taken as it is: the program has unpacked it already
"""

from __future__ import annotations

import os
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from calligram.art.decode import open_picture
from calligram.art.limits import DEFAULT_LIMITS, Limits
from calligram.art.model import Art
from calligram.art.options import Options
from calligram.art.render import draw, draw_image
from calligram.errors import PictureTooLarge, PictureUnknown


class Readable(Protocol):
    """A binary file, or anything that reads like one."""

    def read(self, size: int, /) -> bytes: ...


Source: TypeAlias = (
    str | os.PathLike[str] | bytes | bytearray | memoryview | Readable | Image.Image | NDArray[Any]
)


def render(source: Source, /, *, limits: Limits = DEFAULT_LIMITS, **options: Any) -> Art:
    """
    The art of a picture.

    `source` is a path, a binary file, bytes, a PIL image, or an array of uint8: (height,
    width) grey, (height, width, 3) sRGB or (height, width, 4) sRGB with alpha. `options`
    are the names in OPTIONS, such as columns=100 or colour="full".

        >>> art = render("photo.jpg", columns=60)
        >>> print(art)

    Raises OptionsRefused for an option that is unknown or out of range, PictureRefused for
    a picture that is unknown, too large or damaged, and OSError where a path can't be read.
    """
    chosen = Options.of(options)
    if isinstance(source, Image.Image):
        return draw_image(source, chosen)
    if isinstance(source, np.ndarray):
        return draw_image(image_of(source), chosen)
    return draw(open_picture(read(source, limits), limits), chosen)


def read(
    source: str | os.PathLike[str] | bytes | bytearray | memoryview | Readable, limits: Limits
) -> bytes:
    """The bytes of a picture; raises PictureTooLarge without reading more than is allowed."""
    if isinstance(source, bytes):
        return source
    if isinstance(source, bytearray | memoryview):
        return bytes(source)
    if isinstance(source, str | os.PathLike):
        with open(source, "rb") as file:
            return read(file, limits)
    if not hasattr(source, "read"):
        raise PictureUnknown(
            f"a {type(source).__name__} is no picture; a path, a binary file, bytes, "
            "a PIL image or an array of uint8 will do"
        )
    # One byte more than allowed is enough to know that there are too many.
    data = source.read(limits.picture_bytes_max + 1)
    if not isinstance(data, bytes):
        raise PictureUnknown("the file is open as text; open it as binary, with mode 'rb'")
    if len(data) > limits.picture_bytes_max:
        raise PictureTooLarge(
            f"the picture has more than {limits.picture_bytes_max} bytes, which is the limit; "
            "a smaller or more strongly compressed one will do",
            limit=limits.picture_bytes_max,
            actual=len(data),
        )
    return data


def image_of(array: NDArray[Any]) -> Image.Image:
    """An array as a PIL image; raises PictureUnknown for a shape or type that holds no picture."""
    shaped = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))
    if array.dtype != np.uint8 or not shaped or array.size == 0:
        raise PictureUnknown(
            f"an array of {array.dtype} {array.shape} is no picture; uint8 of (height, width), "
            "(height, width, 3) or (height, width, 4) will do"
        )
    return Image.fromarray(array)
