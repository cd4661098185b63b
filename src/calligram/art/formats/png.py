"""
png: a picture of the art, drawn with the measured glyphs.

    glyphs -> coverage -> page + coverage x (ink - page) -> scanlines -> deflate -> chunks

A line is 16 pixels high and a column cell_aspect x 16 wide (8 by default, as measured), so
that the picture keeps the shape that the art was drawn for. Art without colour becomes
grey, art with colour RGB, both 8 bits deep.

The bytes are the same for ever, which neither Pillow nor zlib promise of theirs: see
docs/decisions/png-bytes.md and `_deflate`, which packs what we find here to be repeated.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from calligram.art.colour import rgb_of
from calligram.art.formats import _deflate
from calligram.art.formats._cells import LINE, bands, column_width
from calligram.art.glyphs import coverage
from calligram.art.model import INK, PAGE, Art

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB = 0, 2
"""PNG's numbers for kinds of colour."""


def pieces(art: Art) -> Iterator[bytes]:
    """
    The art as a PNG file.

    Raises OptionsRefused for a character whose shape was not measured.
    """
    width, height = art.columns * column_width(art.options.cell_aspect), art.rows * LINE
    kind = GREY if art.foreground is None else RGB
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    yield SIGNATURE + chunk(b"IHDR", header)
    # zlib's checksum is a defined number, unlike zlib's packing.
    checksum, packed = zlib.adler32(b""), _deflate.ZLIB_HEADER
    for band in bands(art):
        scanlines, distances = drawn(band)
        checksum = zlib.adler32(scanlines.tobytes(), checksum)
        yield chunk(b"IDAT", packed + _deflate.block(scanlines, distances))
        packed = b""
    yield chunk(b"IDAT", _deflate.LAST_BLOCK + struct.pack(">I", checksum))
    yield chunk(b"IEND", b"")


def chunk(name: bytes, data: bytes) -> bytes:
    """A PNG chunk: length, name, data, checksum."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def drawn(art: Art) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """
    The scanlines of the art, each after its filter byte 0, and for each byte how far back
    the same byte stands, 0 where that isn't known; both (n,).
    """
    strips, which = strips_of(art)
    ink, page = looks(art)
    pixels = blended(strips[which], ink[:, None, :, None], page[:, None, :, None])
    height, samples = art.rows * LINE, pixels.shape[-1]

    scanlines = np.zeros((height, 1 + pixels.size // height), np.uint8)
    scanlines[:, 1:] = pixels.reshape(height, -1)
    distances = np.zeros(scanlines.shape, np.int32)
    distances[:, 1:] = repeats(pixels, keys(strips, which, ink, page)).repeat(samples, axis=1)
    return scanlines.ravel(), distances.ravel()


def strips_of(art: Art) -> tuple[NDArray[np.uint8], NDArray[np.intp]]:
    """
    The different strips of coverage (n, width) that the art's glyphs are stacked of, and
    which of them is where: (rows, 16, columns).
    """
    codes, glyph = np.unique(art.characters, return_inverse=True)
    width = column_width(art.options.cell_aspect)
    shapes = coverage(codes)
    # Each strip is spread over `width` times its pixels and these are averaged, 8 by 8 when
    # the glyphs are 8 wide: an exact resize in whole numbers, and none at all at width 8.
    measured = shapes.shape[-1]
    spread = shapes.repeat(width, axis=2).reshape(len(codes), LINE, width, measured)
    resized = (spread.sum(axis=3, dtype=np.int32) + measured // 2) // measured
    strips, strip = np.unique(resized.reshape(-1, width), axis=0, return_inverse=True)
    which = strip.reshape(len(codes), LINE)[glyph.reshape(art.characters.shape)]
    return strips.astype(np.uint8), which.transpose(0, 2, 1)


def looks(art: Art) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Ink and page of each cell: (rows, columns, samples), 1 sample for grey and 3 for RGB."""
    ink, page = INK[art.options.background], PAGE[art.options.background]
    if art.foreground is None or art.background is None:
        shape = (*art.characters.shape, 1)
        return np.full(shape, ink & 255, np.uint8), np.full(shape, page & 255, np.uint8)
    colour = art.options.colour
    return rgb_of(art.foreground, colour, ink), rgb_of(art.background, colour, page)


def blended(
    strips: NDArray[np.uint8], ink: NDArray[np.uint8], page: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Pixels (rows, 16, columns, width, samples): page + strips x (ink - page), rounded."""
    # 255 x 255 + 127 is below 2^16, so 16 bits hold every sum.
    share = strips[..., None].astype(np.uint16)
    return ((ink * share + page * (255 - share) + 127) // 255).astype(np.uint8)


def keys(
    strips: NDArray[np.uint8],
    which: NDArray[np.intp],
    ink: NDArray[np.uint8],
    page: NDArray[np.uint8],
) -> NDArray[np.uint64]:
    """
    A number for each strip in place (rows, 16, columns); equal numbers look the same.

    The strip and its two colours; of an empty strip the page alone, of a full one the ink.
    """
    ink_number, page_number = number(ink)[:, None], number(page)[:, None]
    empty, full = (strips == 0).all(axis=1)[which], (strips == 255).all(axis=1)[which]
    first = np.where(empty, page_number, ink_number)
    second = np.where(full, ink_number, page_number)
    # Empty and full strips are told apart by their colour alone.
    strip = np.where(empty | full, len(strips), which).astype(np.uint64)
    return np.asarray(strip << np.uint64(48) | first << np.uint64(24) | second)


def number(samples: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """(.., samples) as one number each."""
    wide = samples.astype(np.uint64)
    return np.asarray(wide @ np.array([1, 1 << 8, 1 << 16], np.uint64)[: wide.shape[-1]])


def repeats(pixels: NDArray[np.uint8], keys: NDArray[np.uint64]) -> NDArray[np.int32]:
    """
    For each pixel (height, width), how many bytes back it stands already, or 0.

    A strip like the one above it is that one, for then its neighbours often are too and all
    become one match; else one that stood anywhere in reach is the strip of then; in a new
    strip, a pixel may still be like the one to its left or above it.
    """
    rows, lines, columns, width, samples = pixels.shape
    stride = 1 + columns * width * samples
    keys = keys.reshape(rows * lines, columns)
    by_strip = last_places(keys, stride, width * samples)
    if stride <= _deflate.DISTANCE_MOST:
        by_strip[1:][keys[1:] == keys[:-1]] = stride

    scanlines = pixels.reshape(rows * lines, columns * width, samples)
    by_pixel = np.zeros(scanlines.shape[:2], np.int32)
    if stride <= _deflate.DISTANCE_MOST:
        by_pixel[1:][(scanlines[1:] == scanlines[:-1]).all(axis=2)] = stride
    by_pixel[:, 1:][(scanlines[:, 1:] == scanlines[:, :-1]).all(axis=2)] = samples

    by_strip = by_strip.repeat(width, axis=1)
    return np.where(by_strip > 0, by_strip, by_pixel)


def last_places(keys: NDArray[np.uint64], stride: int, strip_bytes: int) -> NDArray[np.int32]:
    """For each strip (height, columns), how many bytes back it stood last, 0 if out of reach."""
    y, x = np.divmod(np.arange(keys.size), keys.shape[1])
    places = y * stride + x * strip_bytes
    # A stable order keeps equal strips in the order in which they stand.
    order = np.argsort(keys, axis=None, kind="stable")
    in_order = keys.ravel()[order]
    again = in_order[1:] == in_order[:-1]
    back = np.zeros(keys.size, np.int64)
    back[order[1:][again]] = np.diff(places[order])[again]
    back[back > _deflate.DISTANCE_MOST] = 0
    return back.reshape(keys.shape).astype(np.int32)
