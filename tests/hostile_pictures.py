"""
Pictures that mean harm, each built from a few lines: nothing is kept in files.

    BOMBS      few bytes that claim, or unpack to, far more than any limit: refused by their headers
    NONSENSE   bytes that no picture has, or that go round in circles
    heavy      pictures within all limits that are as much work as the limits let through
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping

from art_pictures import PNG_MAGIC, chunk, packed, png, scene, tiff_pages, written

MEBIBYTE = 1024 * 1024
BAND_BYTES = 1 << 24


def gif_of_many_frames() -> bytes:
    """5,000 frames of one pixel on a screen of 2,000 x 2,000: 20 gigapixels in 115 KB."""
    screen = b"GIF89a" + struct.pack("<HHBBB", 2_000, 2_000, 0x80, 0, 0) + bytes(6)
    control = b"\x21\xf9\x04\x00\x01\x00\x00\x00"
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return screen + (control + frame) * 5_000 + b";"


def jpeg_of_comments() -> bytes:
    whole = written(scene(), "JPEG")
    return whole[:2] + b"\xff\xfe\x00\x02" * 80_000 + whole[2:]


def jpeg_of_scans() -> bytes:
    """A progressive JPEG whose last scan is repeated a thousand times."""
    whole = written(scene(), "JPEG", progressive=True)
    last = whole[whole.rindex(b"\xff\xda") : -2]
    return whole[:-2] + last * 1_000 + whole[-2:]


def jpeg_of_sides(side: int) -> bytes:
    whole = written(scene(), "JPEG")
    at = whole.index(b"\xff\xc0") + 5
    return whole[:at] + struct.pack(">HH", side, side) + whole[at + 4 :]


def moving_png(frames: int) -> bytes:
    """An APNG that says it has this many frames."""
    return png(chunk(b"acTL", struct.pack(">II", frames, 0)))


def webp_of_sides(side: int) -> bytes:
    """A WebP whose extended header says `side` x `side`, at most 16,777,216, over a small image."""
    sides = (side - 1).to_bytes(3, "little") * 2
    extended = b"VP8X" + struct.pack("<I", 10) + bytes(4) + sides
    body = b"WEBP" + extended + written(scene(8, 8), "WEBP")[12:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def avif_of_sides(side: int) -> bytes:
    """An AVIF whose container says `side` x `side`; the image inside stays small."""
    whole = written(scene(64, 64), "AVIF")
    at = whole.index(b"ispe") + 8
    return whole[:at] + struct.pack(">II", side, side) + whole[at + 8 :]


def bmp_of_sides(side: int) -> bytes:
    whole = written(scene(8, 8), "BMP")
    return whole[:18] + struct.pack("<ii", side, -side) + whole[26:]


def tiff_of_sides(side: int) -> bytes:
    """A TIFF that is one directory, which says `side` x `side`."""
    sides = b"".join(struct.pack("<HHII", tag, 4, 1, side) for tag in (256, 257))
    return b"II*\0" + struct.pack("<IH", 8, 2) + sides + bytes(4)


BOMBS: Mapping[str, Callable[[], bytes]] = {
    "PNG of 65,535 x 65,535": lambda: png(width=65_535, height=65_535),
    "GIF of 5,000 frames of 2,000 x 2,000": gif_of_many_frames,
    "PNG of 120,000 chunks": lambda: png(chunk(b"teSt") * 120_000),
    "PNG of 120,000 empty pixel chunks": lambda: png(chunk(b"IDAT") * 120_000),
    "PNG, zTXt of 64 MiB": lambda: png(chunk(b"zTXt", b"a\0\0" + packed(64 * MEBIBYTE))),
    "PNG, iTXt of 64 MiB": lambda: png(chunk(b"iTXt", b"a\0\1\0\0\0" + packed(64 * MEBIBYTE))),
    "PNG, iCCP of 64 MiB": lambda: png(chunk(b"iCCP", b"a\0\0" + packed(64 * MEBIBYTE))),
    "PNG, 100 zTXt of 1 MiB": lambda: png(chunk(b"zTXt", b"a\0\0" + packed(MEBIBYTE)) * 100),
    "APNG of 4,294,967,295 frames": lambda: moving_png(0xFFFFFFFF),
    "JPEG of 80,000 empty comments": jpeg_of_comments,
    "JPEG of 1,000 scans": jpeg_of_scans,
    "JPEG of 65,500 x 65,500": lambda: jpeg_of_sides(65_500),
    "WebP of 16,777,216 x 16,777,216": lambda: webp_of_sides(1 << 24),
    "BMP of 2,147,483,647 x -2,147,483,647": lambda: bmp_of_sides(0x7FFFFFFF),
    "TIFF of 4,294,967,295 x 4,294,967,295": lambda: tiff_of_sides(0xFFFFFFFF),
    "TIFF of 5,000 pages": lambda: tiff_pages(5_000),
}
"""Each is over a limit that its header tells: 413."""

LAUGHS = b"".join(b'<!ENTITY l%d "%s">' % (i, b"&l%d;" % (i - 1) * 10) for i in range(1, 10))

NONSENSE: Mapping[str, tuple[Callable[[], bytes], str]] = {
    "TIFF whose pages go in a circle": (
        lambda: tiff_pages(3, circle=True),
        "422 picture-damaged",
    ),
    "PNG whose chunk says 2 GiB": (
        lambda: PNG_MAGIC + b"\x7f\xff\xff\xffIDAT",
        "422 picture-damaged",
    ),
    # The decoder tells that the image inside has another size, before it makes room for any.
    "AVIF of 60,000 x 60,000": (lambda: avif_of_sides(60_000), "422 picture-damaged"),
    "PNG of no pixels": (lambda: png(width=0, height=0), "422 picture-damaged"),
    "half a JPEG": (lambda: written(scene(), "JPEG")[:900], "422 picture-damaged"),
    "SVG of a billion laughs": (
        lambda: b"<?xml version='1.0'?><!DOCTYPE svg [" + LAUGHS + b"]><svg>&l9;</svg>",
        "415 picture-unknown",
    ),
    "PostScript in a loop": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n{} loop\n", "415 picture-unknown"),
    "ZIP of 64 MiB of zeros": (lambda: b"PK\3\4" + packed(64 * MEBIBYTE), "415 picture-unknown"),
    "a single byte": (lambda: b"\xff", "415 picture-unknown"),
}


def solid_png(side: int, *, depth: int = 8, colours: int = 2) -> bytes:
    """
    A black PNG of `side` x `side` pixels of real data, made band by band.

    `colours` is PNG's colour type: 2 is RGB, 6 is RGBA.
    """
    header = struct.pack(">IIBBBBB", side, side, depth, colours, 0, 0, 0)
    left = side * (1 + side * depth // 8 * {2: 3, 6: 4}[colours])
    packer = zlib.compressobj(1)
    band, pieces = bytes(BAND_BYTES), []
    while left:
        pieces.append(packer.compress(band[:left]))
        left -= min(left, BAND_BYTES)
    pixels = b"".join(pieces) + packer.flush()
    return PNG_MAGIC + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND")
