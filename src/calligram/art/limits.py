"""
Limits: how large a picture and its art may be, in one frozen value.

Each field is a number that an operator can say aloud with its unit. Passing one is refused
with an error that holds the limit and the value found. Nothing is switched off by None or 0:
who wants no limit writes a large number, and sees it in his settings.
"""

from __future__ import annotations

from dataclasses import dataclass

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one picture may ask for; all bounds are inclusive."""

    picture_bytes_max: int = 32 * MEBIBYTE
    """The picture as it was sent."""

    pixels_max: int = 50_000_000
    """Width x height."""

    side_max: int = 12_000
    """Width or height, whichever is larger, in pixels."""

    frames_max: int = 1_000
    """Frames of an animation, pages of a TIFF, views of a multi-picture JPEG."""

    frames_pixels_max: int = 100_000_000
    """Width x height x frames."""

    metadata_bytes_max: int = 4 * MEBIBYTE
    """Everything that is no picture: profiles, EXIF, XMP, comments."""

    metadata_parts_max: int = 1_024
    """How many pieces the metadata comes in: chunks, segments, extensions, tags."""

    # A PNG of 32 MiB in libpng's usual pieces of 8 KiB has 4,096 of them, and is a fair picture.
    png_chunks_max: int = 8_192
    """Chunks of a PNG; the same bound holds for the parts of any other container."""

    # Ten are usual. Each costs a pass over all blocks, however few bytes it has.
    jpeg_scans_max: int = 128
    """Scans of a progressive JPEG."""

    art_bytes_max: int = 8 * MEBIBYTE
    """The art, written down in the asked format."""


DEFAULT_LIMITS = Limits()
