"""
Tags: the directories that TIFF is made of, and that EXIF borrows from it.

    directory   number of entries, the entries, where the next directory is (0: none)
    entry       tag, kind, number of values, and the value itself or where it lies

BigTIFF is the same with wider numbers. Each page of a TIFF is a directory, chained to the
next. Only values that stand in the entry itself are read: sides and orientation do.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from calligram.art.count import Count, Header, cut_short
from calligram.errors import PictureDamaged

ORIENTATION_TAG = 0x0112

# Where the strips and tiles lie grows with the picture, and is no metadata.
TIFF_PICTURE_TAGS = {0x0111, 0x0117, 0x0144, 0x0145}
# A decoder makes room for a whole tile, however small the picture is.
TIFF_TILE_SIDES = (0x0142, 0x0143)
TIFF_KIND_BYTES = {3: 2, 4: 4, 5: 8, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}


def walk_tiff(data: bytes, count: Count) -> Header:
    order = "<" if data[:2] == b"II" else ">"
    big = 0x2B in data[2:4]
    at = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)[0]
    seen: set[int] = set()
    orientation = 1
    while at:
        if at in seen:
            raise PictureDamaged("this TIFF picture's pages go round in a circle")
        seen.add(at)
        entries, after = tiff_directory(data, at, order, big=big)
        if count.frames == 0:
            tags: dict[int, int] = {}
            for tag, kind, number, value in entries:
                count.part()
                if tag not in TIFF_PICTURE_TAGS:
                    count.metadata(number * TIFF_KIND_BYTES.get(kind, 1))
                tags.setdefault(tag, tiff_number(value, kind, order))
            count.sized(tags.get(TIFF_TILE_SIDES[0], 1), tags.get(TIFF_TILE_SIDES[1], 1))
            count.sized(tags.get(0x0100, 0), tags.get(0x0101, 0))
            orientation = checked_orientation(tags.get(ORIENTATION_TAG))
        count.frame()
        at = struct.unpack_from(order + ("Q" if big else "I"), data, after)[0]
    return count.header("TIFF", orientation)


def tiff_directory(
    data: bytes, at: int, order: str, *, big: bool
) -> tuple[Iterator[tuple[int, int, int, bytes]], int]:
    """The (tag, kind, number, value) entries of the directory at `at`, and where it ends."""
    entry = struct.Struct(order + ("HHQ8s" if big else "HHI4s"))
    start = at + (8 if big else 2)
    (number,) = struct.unpack_from(order + ("Q" if big else "H"), data, at)
    after = start + number * entry.size
    if after > len(data):
        raise cut_short("TIFF")
    return entry.iter_unpack(memoryview(data)[start:after]), after


def tiff_number(value: bytes, kind: int, order: str) -> int:
    code = {1: "B", 3: "H", 4: "I", 16: "Q"}.get(kind)
    if code is None or struct.calcsize(code) > len(value):
        return 0
    return int(struct.unpack_from(order + code, value)[0])


def tag_in(tiff: bytes, wanted: int) -> int | None:
    """The number under the tag `wanted` in EXIF's first directory; None if broken or absent."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        return None
    try:
        (at,) = struct.unpack_from(order + "I", tiff, 4)
        entries, _ = tiff_directory(tiff, at, order, big=False)
    except (struct.error, PictureDamaged):
        return None
    values = (tiff_number(value, kind, order) for tag, kind, _, value in entries if tag == wanted)
    return next(values, None)


def checked_orientation(value: int | None) -> int:
    """EXIF's orientation, 1 to 8; anything else means upright, as viewers have it."""
    return value if value is not None and 1 <= value <= 8 else 1


def orientation_of(exif: bytes) -> int:
    return checked_orientation(tag_in(exif, ORIENTATION_TAG))
