"""
What a container declares, counted on its raw bytes, before any decoder is trusted with them.

    sniff   the first bytes name the format
    walk    from part to part by their declared lengths, counting
            sides, frames, parts and metadata bytes

A walk stops at the first number over its limit, so a bomb costs what it takes to find that
number, not what it would unpack to. No pixel is unpacked here. Packed PNG text alone is
measured by unpacking it piece by piece, because its length is declared nowhere; that stops
at a limit too.

A container that ends inside one of its parts was cut short and is refused. AVIF has no
walker: libavif reads its header without unpacking, and `decode` counts what it says.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping

from calligram.art.count import Count, Header, cut_short, within
from calligram.art.limits import Limits
from calligram.art.tags import orientation_of, tag_in, walk_tiff
from calligram.errors import PictureUnknown

FORMATS_READ = "JPEG, PNG, GIF, WebP, AVIF, BMP and TIFF"

# For all packed text and profiles of a PNG together. Pillow reads no single one over this.
UNPACKED_BYTES_MAX = 1024 * 1024

# 32 MiB in full blocks of 255 bytes are 131,586; tiny blocks only make a reader slow.
GIF_DATA_BLOCKS_MAX = 200_000

MPF_FRAMES_TAG = 0xB001


def sniff(data: bytes) -> str:
    """The Pillow name of the format that the first bytes say; raises PictureUnknown."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp" and data[8:12] in (b"avif", b"avis", b"mif1", b"msf1"):
        return "AVIF"
    for magic, format in MAGIC.items():
        if data.startswith(magic):
            return format
    start = data[:8].hex(" ") or "nothing"
    raise PictureUnknown(f"not a picture that is read here: {FORMATS_READ} are; it begins {start}")


MAGIC: Mapping[bytes, str] = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
}


def read_header(data: bytes, limits: Limits) -> Header:
    """
    The header of a JPEG, PNG, GIF, WebP, BMP or TIFF picture, within `limits`.

    Raises PictureUnknown, PictureTooLarge or PictureDamaged.
    """
    format = sniff(data)
    try:
        return WALKERS[format](data, Count(limits))
    except (struct.error, IndexError) as error:
        # A walker may read past the end without looking first: that is what being cut short is.
        raise cut_short(format) from error


def walk_png(data: bytes, count: Count) -> Header:
    at, orientation, unpacked = 8, 1, 0
    unpack, end = struct.Struct(">I4s").unpack_from, len(data)
    while True:
        length, kind = unpack(data, at)
        body, at = at + 8, at + 12 + length
        if at > end:
            raise cut_short("PNG")
        count.part()
        if kind == b"IHDR":
            count.sized(*struct.unpack_from(">II", data, body))
        elif kind == b"acTL":
            # No frames is nonsense that readers answer with the still image.
            count.frame(max(1, struct.unpack_from(">I", data, body)[0]))
        elif kind == b"IEND":
            break
        elif kind not in PNG_PICTURE_CHUNKS:
            count.metadata(length)
            unpacked += unpacked_bytes(kind, data[body : body + length], unpacked)
            if kind == b"eXIf":
                orientation = orientation_of(data[body : body + length])
    if not count.frames:
        count.frame()
    return count.header("PNG", orientation)


PNG_PICTURE_CHUNKS = {b"IDAT", b"PLTE", b"tRNS", b"fcTL", b"fdAT"}


def unpacked_bytes(kind: bytes, body: bytes, before: int) -> int:
    """What a chunk's `body` unpacks to, in bytes; 0 if its `kind` isn't packed."""
    if kind in (b"zTXt", b"iCCP"):
        packed = body.partition(b"\0")[2][1:]
    elif kind == b"iTXt" and body.partition(b"\0")[2][:1] == b"\1":
        packed = body.split(b"\0", 1)[1][2:].partition(b"\0")[2].partition(b"\0")[2]
    else:
        return 0
    unpacker, length = zlib.decompressobj(), 0
    try:
        while piece := unpacker.decompress(packed, 65_536):
            length += len(piece)
            what = "the picture's packed metadata unpacks to at least"
            within(what, before + length, UNPACKED_BYTES_MAX, "bytes")
            packed = unpacker.unconsumed_tail
    except zlib.error:
        pass  # What is broken here will be refused, or passed over, by the decoder.
    return length


def walk_jpeg(data: bytes, count: Count) -> Header:
    at, orientation, frames, progressive = 2, 1, 1, False
    while True:
        # Readers pass over stray and filling bytes one by one, so each counts as a part.
        start = data.find(b"\xff", at)
        if start < 0:
            raise cut_short("JPEG")
        count.part(start - at + 1)
        marker, at = data[start + 1], start + 2
        if marker == 0xFF:
            at = start + 1
            continue
        if marker in JPEG_BARE_MARKERS:
            continue
        (length,) = struct.unpack_from(">H", data, at)
        if length < 2 or at + length > len(data):
            raise cut_short("JPEG")
        if marker in JPEG_FRAME_MARKERS:
            height, width = struct.unpack_from(">HH", data, at + 3)
            count.sized(width, height)
            progressive = marker in (0xC2, 0xC6, 0xCA, 0xCE)
        elif 0xE0 <= marker <= 0xEF or marker == 0xFE:
            count.metadata(length + 2)
            if marker == 0xE1 and data.startswith(b"Exif\0\0", at + 2):
                orientation = orientation_of(data[at + 8 : at + length])
            elif marker == 0xE2 and data.startswith(b"MPF\0", at + 2):
                frames = tag_in(data[at + 6 : at + length], MPF_FRAMES_TAG) or 1
        elif marker == 0xDA:
            break
        at += length
    if progressive:
        scans = data.count(b"\xff\xda", at - 2)
        within("the picture has", scans, count.limits.jpeg_scans_max, "scans")
    count.frame(frames)
    return count.header("JPEG", orientation)


JPEG_BARE_MARKERS = {0x00, 0x01, *range(0xD0, 0xDA)}
JPEG_FRAME_MARKERS = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}


def walk_gif(data: bytes, count: Count) -> Header:
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    at = 13 + gif_palette_bytes(flags)
    count.sized(width, height)
    blocks = 0
    # A missing trailer, or junk in its place, is common and loses no pixel.
    while at < len(data) and (introducer := data[at]) in (0x21, 0x2C):
        count.part()
        image = introducer == 0x2C
        if image:
            left, top, wide, high, flags = struct.unpack_from("<HHHHB", data, at + 1)
            if not count.frames:
                # The first frame may be larger than the screen that it is shown on.
                count.sized(max(width, left + wide), max(height, top + high))
            count.frame()
            at += 11 + gif_palette_bytes(flags)
        else:
            at += 2
        start = at
        while length := data[at]:
            at += length + 1
            blocks += 1
            if not image:
                count.part()
        at += 1
        within("the picture has", blocks, GIF_DATA_BLOCKS_MAX, "data blocks")
        if not image:
            count.metadata(at - start)
    return count.header("GIF")


def gif_palette_bytes(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def walk_webp(data: bytes, count: Count) -> Header:
    (riff_bytes,) = struct.unpack_from("<I", data, 4)
    at, end, orientation = 12, riff_bytes + 8, 1
    if end > len(data):
        raise cut_short("WebP")
    while at + 8 <= end:
        kind, length = struct.unpack_from("<4sI", data, at)
        body, at = at + 8, at + 8 + length + length % 2
        count.part()
        if kind in (b"VP8X", b"VP8 ", b"VP8L") and not count.pixels:
            count.sized(*webp_sides(kind, data[body : body + 10]))
        if kind == b"ANMF":
            count.frame()
        elif kind in (b"EXIF", b"XMP ", b"ICCP"):
            count.metadata(length)
            if kind == b"EXIF":
                orientation = orientation_of(data[body : body + length].removeprefix(b"Exif\0\0"))
    if not count.frames:
        count.frame()
    return count.header("WEBP", orientation)


def webp_sides(kind: bytes, body: bytes) -> tuple[int, int]:
    if kind == b"VP8X":
        whole = int.from_bytes(body[4:10], "little")
        return (whole & 0xFFFFFF) + 1, (whole >> 24) + 1
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", body, 1)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", body, 6)
    return width & 0x3FFF, height & 0x3FFF


def walk_bmp(data: bytes, count: Count) -> Header:
    (header_bytes,) = struct.unpack_from("<I", data, 14)
    width, height = struct.unpack_from("<HH" if header_bytes == 12 else "<ii", data, 18)
    count.sized(width, abs(height))  # A negative height says that the top row comes first.
    count.frame()
    return count.header("BMP")


WALKERS: Mapping[str, Callable[[bytes, Count], Header]] = {
    "JPEG": walk_jpeg,
    "PNG": walk_png,
    "GIF": walk_gif,
    "WEBP": walk_webp,
    "BMP": walk_bmp,
    "TIFF": walk_tiff,
}
