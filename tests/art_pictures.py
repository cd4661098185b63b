"""Pictures made for tests: fair ones in every format, and bombs from a few bytes."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


def scene(width: int = 60, height: int = 40) -> Image.Image:
    """A picture without symmetry: four different corners and some grain."""
    y, x = np.mgrid[0:height, 0:width]
    grain = np.random.default_rng(7).integers(0, 20, (height, width))
    red = x * 235 // max(1, width - 1) + grain
    green = y * 235 // max(1, height - 1) + grain
    return Image.fromarray(np.dstack([red, green, (red + green) // 2]).astype(np.uint8))


def written(image: Image.Image, format: str, **options: object) -> bytes:
    """`image` as a file's bytes; `options` are Pillow's."""
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def oriented(format: str, orientation: int, **options: object) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return written(scene(), format, exif=exif, **options)


def chunk(kind: bytes, body: bytes = b"") -> bytes:
    """One PNG chunk."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(*middle: bytes, width: int = 8, height: int = 8) -> bytes:
    """A grey PNG of 8 x 8 black pixels, whatever size it claims, with `middle` chunks."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(bytes(8 * 9)))
    return PNG_MAGIC + header + b"".join(middle) + pixels + chunk(b"IEND")


def packed(length: int) -> bytes:
    """`length` zeros, as small as zlib makes them."""
    return zlib.compress(bytes(length), 9)


def gif(frames: int, width: int = 8, height: int = 8) -> bytes:
    """A GIF of `frames` frames of one pixel on a screen of the given size."""
    screen = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return screen + frame * frames + b";"


def tiff_pages(pages: int, *, circle: bool = False, big: bool = False) -> bytes:
    """A TIFF that is nothing but `pages` directories saying 8 x 8; a circle if asked."""
    word, offset = ("Q", 16) if big else ("I", 8)
    entry = "<HHQQ" if big else "<HHII"
    body = b"".join(struct.pack(entry, tag, 4, 1, 8) for tag in (256, 257))
    length = struct.calcsize("<Q" if big else "<H") + len(body) + struct.calcsize("<" + word)
    data = b"II" + (struct.pack("<HHHQ", 43, 8, 0, 16) if big else struct.pack("<HI", 42, 8))
    for page in range(pages):
        last = page == pages - 1
        after = (offset if circle else 0) if last else offset + (page + 1) * length
        data += struct.pack("<Q" if big else "<H", 2) + body + struct.pack("<" + word, after)
    return data
