"""What a container declares is counted, and refused at the first number over its limit."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from PIL import Image

from art_pictures import PNG_MAGIC, chunk, gif, oriented, packed, png, scene, tiff_pages, written
from calligram.art.headers import read_header, sniff
from calligram.art.limits import DEFAULT_LIMITS
from calligram.errors import PictureDamaged, PictureTooLarge, PictureUnknown

MEBIBYTE = 1024 * 1024
JPEG = written(scene(), "JPEG")
COMMENT = b"\xff\xfe\x00\x02"

BOMBS = {
    "a PNG of 65,535 x 65,535": png(width=65_535, height=65_535),
    "a GIF of 5,000 large frames": gif(5_000, 2_000, 2_000),
    "a PNG of 120,000 chunks": png(chunk(b"teSt") * 120_000),
    "a PNG of 120,000 empty pixel chunks": png(chunk(b"IDAT") * 120_000),
    "text of 64 MiB": png(chunk(b"zTXt", b"a\0\0" + packed(64 * MEBIBYTE))),
    "international text of 64 MiB": png(chunk(b"iTXt", b"a\0\1\0\0\0" + packed(64 * MEBIBYTE))),
    "a profile of 64 MiB": png(chunk(b"iCCP", b"a\0\0" + packed(64 * MEBIBYTE))),
    "100 texts of 1 MiB": png(chunk(b"zTXt", b"a\0\0" + packed(MEBIBYTE)) * 100),
    "a JPEG of 80,000 comments": JPEG[:2] + COMMENT * 80_000 + JPEG[2:],
    "a TIFF of 5,000 pages": tiff_pages(5_000),
    "a BigTIFF of 5,000 pages": tiff_pages(5_000, big=True),
}


@pytest.mark.parametrize("data", BOMBS.values(), ids=BOMBS.keys())
def test_a_bomb_is_refused_with_its_numbers(data: bytes) -> None:
    start = time.process_time()
    with pytest.raises(PictureTooLarge) as refusal:
        read_header(data, DEFAULT_LIMITS)
    seconds = time.process_time() - start

    assert refusal.value.limit is not None
    assert refusal.value.actual is not None
    assert refusal.value.actual > refusal.value.limit
    assert seconds < 0.05  # Ten times what was measured: a busy machine is no fault.


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF"])
def test_the_size_is_read_as_pillow_reads_it(format: str) -> None:
    header = read_header(written(scene(61, 43), format), DEFAULT_LIMITS)

    assert (header.format, header.width, header.height) == (format, 61, 43)
    assert (header.frames, header.orientation) == (1, 1)


@pytest.mark.parametrize("lossless", [True, False])
def test_both_kinds_of_still_webp_tell_their_size(*, lossless: bool) -> None:
    header = read_header(written(scene(61, 43), "WEBP", lossless=lossless), DEFAULT_LIMITS)

    assert (header.width, header.height) == (61, 43)


@pytest.mark.parametrize("format", ["PNG", "GIF", "WEBP", "TIFF"])
def test_every_frame_is_counted(format: str) -> None:
    more = [scene(60, 40).rotate(turn) for turn in (90, 180)]
    header = read_header(
        written(scene(60, 40), format, save_all=True, append_images=more), DEFAULT_LIMITS
    )

    assert header.frames == 3


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_the_orientation_is_read(format: str) -> None:
    header = read_header(oriented(format, 6), DEFAULT_LIMITS)

    assert header.orientation == 6


@pytest.mark.parametrize("exif", [b"", b"II*\0\xff\xff\xff\x7f", b"junk" * 9])
def test_broken_exif_means_upright(exif: bytes) -> None:
    header = read_header(written(scene(), "JPEG", exif=b"Exif\0\0" + exif), DEFAULT_LIMITS)

    assert header.orientation == 1


def test_a_text_is_no_picture_and_the_refusal_says_what_is() -> None:
    with pytest.raises(PictureUnknown, match="JPEG, PNG, GIF, WebP, AVIF, BMP and TIFF"):
        sniff(b"hello")


# Each limit, set to exactly what a picture has: it is read, and with one less it is refused.
EDGES = {
    "side_max": (png(width=90, height=20), 90),
    "pixels_max": (png(width=90, height=20), 1_800),
    "frames_max": (gif(7), 7),
    "frames_pixels_max": (gif(7), 7 * 64),
    "png_chunks_max": (png(chunk(b"teSt") * 7), 10),
    "metadata_bytes_max": (png(chunk(b"tEXt", b"a\0" + bytes(98))), 100),
    "metadata_parts_max": (JPEG[:2] + COMMENT * 7 + JPEG[2:], 8),
    "jpeg_scans_max": (written(scene(), "JPEG", progressive=True), 10),
}


@pytest.mark.parametrize("name", EDGES)
def test_a_picture_at_the_limit_is_read(name: str) -> None:
    data, limit = EDGES[name]

    header = read_header(data, replace(DEFAULT_LIMITS, **{name: limit}))

    assert header.width > 0


@pytest.mark.parametrize("name", EDGES)
def test_a_picture_one_over_the_limit_is_refused(name: str) -> None:
    data, limit = EDGES[name]

    with pytest.raises(PictureTooLarge) as refusal:
        read_header(data, replace(DEFAULT_LIMITS, **{name: limit - 1}))

    assert (refusal.value.limit, refusal.value.actual) == (limit - 1, limit)


def test_packed_text_of_just_a_mebibyte_is_read_and_a_byte_more_is_not() -> None:
    header = read_header(png(chunk(b"zTXt", b"a\0\0" + packed(MEBIBYTE))), DEFAULT_LIMITS)
    with pytest.raises(PictureTooLarge):
        read_header(png(chunk(b"zTXt", b"a\0\0" + packed(MEBIBYTE + 1))), DEFAULT_LIMITS)

    assert header.width == 8


@pytest.mark.parametrize("big", [True, False])
def test_pages_in_a_circle_are_refused(*, big: bool) -> None:
    with pytest.raises(PictureDamaged, match="circle"):
        read_header(tiff_pages(3, circle=True, big=big), DEFAULT_LIMITS)


@pytest.mark.parametrize("data", [png(width=0), PNG_MAGIC + chunk(b"IEND"), b"GIF89a", gif(0)])
def test_a_picture_without_size_or_image_is_damaged(data: bytes) -> None:
    with pytest.raises(PictureDamaged):
        read_header(data, DEFAULT_LIMITS)


def test_views_of_a_multi_picture_jpeg_are_frames() -> None:
    data = written(scene(), "MPO", save_all=True, append_images=[Image.new("RGB", (60, 40))])

    assert read_header(data, DEFAULT_LIMITS).frames == 2
