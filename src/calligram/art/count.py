"""
Counting: what a picture declares, added up, and refused at the first number over its limit.

A walk over a container tells a `Count` what it meets, part by part. The count knows the
limits, so no walker can forget one, and every refusal reads the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from calligram.art.limits import Limits
from calligram.errors import PictureDamaged, PictureTooLarge


@dataclass(frozen=True, slots=True)
class Header:
    """
    What a picture declares: its Pillow format name, sides in pixels as stored (before
    `orientation`, EXIF's 1 to 8, is applied) and number of frames.
    """

    format: str
    width: int
    height: int
    frames: int = 1
    orientation: int = 1


class Count:
    """What a walk has counted so far. Each method refuses as soon as a limit is passed."""

    __slots__ = (
        "frames",
        "limits",
        "metadata_bytes",
        "metadata_parts",
        "parts",
        "parts_max",
        "pixels",
        "sides",
    )

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.sides = (0, 0)
        self.frames = self.parts = self.pixels = 0
        self.metadata_bytes = self.metadata_parts = 0
        self.parts_max = limits.png_chunks_max

    def sized(self, width: int, height: int) -> None:
        if width <= 0 or height <= 0:
            raise PictureDamaged(f"the picture says that it is {width} x {height} pixels")
        self.sides, self.pixels = (width, height), width * height
        size = f"the picture of {width} x {height} pixels has"
        within(f"{size} a side of", max(width, height), self.limits.side_max, "pixels")
        within(f"{size} together", self.pixels, self.limits.pixels_max, "pixels")

    def frame(self, number: int = 1) -> None:
        self.frames += number
        within("the picture has", self.frames, self.limits.frames_max, "frames")
        all_pixels = self.pixels * self.frames
        limit = self.limits.frames_pixels_max
        within(f"the picture's {self.frames} frames have", all_pixels, limit, "pixels")

    def part(self, number: int = 1) -> None:
        self.parts += number
        if self.parts > self.parts_max:
            within("the picture has at least", self.parts, self.parts_max, "chunks")

    def metadata(self, length: int) -> None:
        self.metadata_bytes += length
        self.metadata_parts += 1
        limit = self.limits.metadata_bytes_max
        if self.metadata_bytes > limit:
            within("the picture has at least", self.metadata_bytes, limit, "bytes of metadata")
        limit = self.limits.metadata_parts_max
        if self.metadata_parts > limit:
            within("the picture has at least", self.metadata_parts, limit, "pieces of metadata")

    def header(self, format: str, orientation: int = 1) -> Header:
        """The header; a picture without a size or a frame has lost a part of itself."""
        if not self.pixels or not self.frames:
            raise PictureDamaged(f"this {format} picture holds no image")
        return Header(format, *self.sides, self.frames, orientation)


def within(what: str, actual: int, limit: int, unit: str) -> None:
    """Raise PictureTooLarge where `actual` is over `limit`."""
    if actual > limit:
        message = f"{what} {actual:,} {unit}; at most {limit:,} are read"
        raise PictureTooLarge(message, limit=limit, actual=actual)


def cut_short(format: str) -> PictureDamaged:
    return PictureDamaged(f"this {format} picture is cut short; send the whole file")
