"""
Decoding: a picture's bytes become pixels ready to draw, in two steps.

    open_picture   bytes -> Picture   size, format and frames; nothing is unpacked
    decode         Picture -> Image    upright, on the background, in sRGB or as luma

Two steps, because rows follow from the size, and how many pixels are worth unpacking
follows from the rows. The first is cheap and safe enough for a process that serves; the
second unpacks what strangers sent, and belongs into one that may be killed.

    unpack -> flatten -> shrink -> to sRGB -> to luma -> upright

Whole numbers from end to end, so the same bytes give the same pixels everywhere. A
truncated picture is refused, never guessed. Only the first frame is drawn.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from calligram.art.count import Count, Header, within
from calligram.art.foreign import our_errors
from calligram.art.headers import read_header, sniff
from calligram.art.limits import DEFAULT_LIMITS, Limits
from calligram.art.model import PAGE
from calligram.art.tags import orientation_of
from calligram.errors import PictureDamaged, PictureUnknown

if TYPE_CHECKING:
    from PIL.ImageCms import ImageCmsTransform

UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What to do with the pixels of each EXIF orientation; 1 is upright already."""


@dataclass(frozen=True, slots=True)
class Picture:
    """
    A picture whose header was read and is within the limits; nothing is unpacked yet.

    `width` and `height` are in pixels as the picture is seen, after its EXIF `orientation`
    (1 to 8) is applied. `frames` counts all of them, though only the first is drawn.
    """

    data: bytes = field(repr=False)
    format: str
    width: int
    height: int
    frames: int
    orientation: int

    @property
    def frames_pixels(self) -> int:
        """Width x height x frames: what unpacking the whole of it would cost at most."""
        return self.width * self.height * self.frames

    @property
    def stored_size(self) -> tuple[int, int]:
        """Width and height in pixels as stored, before the orientation is applied."""
        return turned((self.width, self.height), self.orientation)


def open_picture(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Picture:
    """
    The picture in `data`, its header checked against `limits`; unpacks no pixel.

    Raises PictureUnknown for a format that is not read, PictureTooLarge over a limit, and
    PictureDamaged where the picture is cut short or contradicts itself.
    """
    within("the picture has", len(data), limits.picture_bytes_max, "bytes")
    header = avif_header(data, limits) if sniff(data) == "AVIF" else read_header(data, limits)
    width, height = turned((header.width, header.height), header.orientation)
    return Picture(data, header.format, width, height, header.frames, header.orientation)


def avif_header(data: bytes, limits: Limits) -> Header:
    count = Count(limits)
    with our_errors("AVIF"):
        image = Image.open(io.BytesIO(data), formats=("AVIF",))
    count.sized(*image.size)
    count.frame(getattr(image, "n_frames", 1))
    for name in ("exif", "xmp", "icc_profile"):
        count.metadata(len(image.info.get(name) or b""))
    return count.header("AVIF", exif_orientation(image))


def exif_orientation(image: Image.Image) -> int:
    """EXIF's orientation, 1 to 8, of an opened image; read by us, so it can't fail or warn."""
    exif = image.info.get("exif") or b""
    return orientation_of(exif.removeprefix(b"Exif\0\0"))


def decode(
    picture: Picture, *, background: str, grey: bool, least: tuple[int, int] | None = None
) -> Image.Image:
    """
    `picture` unpacked and upright, its transparent parts on `background`.

    `background` is "dark" (black) or "light" (white). In mode L, luma (ITU-R 601), where
    `grey`, else in mode RGB, sRGB. With `least` = (width, height) the result may be smaller
    than the picture, but no side is smaller than that, unless the picture's own is; None
    means every pixel.

    Raises PictureDamaged, PictureUnknown for samples that are not read, and PictureTooLarge
    where memory runs out.
    """
    # Pillow turns a TIFF upright itself while it unpacks it.
    orientation = 1 if picture.format == "TIFF" else picture.orientation
    wanted = None if least is None else turned(least, orientation)
    with our_errors(picture.format):
        image = unpacked(picture, wanted, grey=grey)
        return finished(image, wanted, orientation, background=background, grey=grey)


def prepared(image: Image.Image, *, background: str, grey: bool) -> Image.Image:
    """
    An image that a program has opened itself, made ready; otherwise as `decode`.

    No limits are checked: the caller holds the image in his own memory.
    """
    with our_errors(image.format or "given"):
        image.load()
        check_samples(image, image.format or "given")
        orientation = exif_orientation(image)
        return finished(image, None, orientation, background=background, grey=grey)


def finished(
    image: Image.Image,
    wanted: tuple[int, int] | None,
    orientation: int,
    *,
    background: str,
    grey: bool,
) -> Image.Image:
    """An unpacked `image` flattened, shrunk to no less than `wanted`, in L or sRGB, upright."""
    profile = image.info.get("icc_profile")
    transform = to_srgb(profile, flat_mode(image.mode)) if image.mode != "LAB" else None
    image = flattened(image, background, grey=grey and transform is None)
    if wanted is not None:
        factor = min(image.width // wanted[0], image.height // wanted[1])
        image = image.reduce(factor) if factor > 1 else image
    if transform is not None:
        image = transform.apply(image)
    mode = "L" if grey else "RGB"
    image = image if image.mode == mode else image.convert(mode)
    return image.transpose(UPRIGHT[orientation]) if orientation in UPRIGHT else image


def turned(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """`size` with its sides exchanged where `orientation` lays the picture on its side."""
    return (size[1], size[0]) if orientation >= 5 else size


def unpacked(picture: Picture, wanted: tuple[int, int] | None, *, grey: bool) -> Image.Image:
    """The first frame as Pillow has it, unpacked; a JPEG at the least scale that will do."""
    image = Image.open(io.BytesIO(picture.data), formats=(picture.format,))
    seen = (picture.width, picture.height)
    if image.size != (seen if picture.format == "TIFF" else picture.stored_size):
        raise PictureDamaged(f"this {picture.format} picture states two sizes")
    check_samples(image, picture.format)
    if picture.format == "JPEG":
        profile = image.info.get("icc_profile")
        # A profile needs the colours, so luma alone is unpacked only where none must be applied.
        mode = "L" if grey and to_srgb(profile, image.mode) is None else None
        image.draft(mode, wanted)
        # The bytes are all here: libjpeg gets them at once, and not copied in pieces of 64 KiB.
        image.decodermaxblock = len(picture.data)
    image.load()
    # A copy lets go of the WebP decoder, which holds the canvas twice over.
    return image.copy() if picture.format == "WEBP" else image


def check_samples(image: Image.Image, format: str) -> None:
    # Nothing says which number is white in these.
    if image.mode in ("I", "F"):
        raise PictureUnknown(f"this {format} picture has samples of 32 bits; 8 or 16 bits are read")


def flat_mode(mode: str) -> str:
    """The mode without alpha or palette in which the colours of `mode` keep their meaning."""
    if mode == "CMYK":
        return mode
    return "L" if (mode[0] in "1L" and mode != "LAB") or mode.startswith("I;16") else "RGB"


def flattened(image: Image.Image, background: str, *, grey: bool) -> Image.Image:
    """`image` without alpha or palette, in mode L, RGB or CMYK; in L if `grey`."""
    mode = flat_mode(image.mode)
    if image.mode.startswith("I;16"):
        return from_16_bits(image, background)
    if image.has_transparency_data:
        image = image.convert("LA" if mode == "L" else "RGBA")
        page = Image.new(mode, image.size, f"#{PAGE[background]:06x}")
        page.paste(image, mask=image)
        image = page
    mode = "L" if grey else mode
    return image if image.mode == mode else image.convert(mode)


def from_16_bits(image: Image.Image, background: str) -> Image.Image:
    # Pillow's own conversion cuts everything over 255 to 255; the high byte is the picture.
    samples = np.asarray(image)
    luma = (samples >> 8).astype(np.uint8)
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        luma[samples == clear] = PAGE[background] & 0xFF
    return Image.fromarray(luma)


@lru_cache(maxsize=16)
def to_srgb(profile: bytes | None, mode: str) -> ImageCmsTransform | None:
    """What turns `mode` under the ICC `profile` into sRGB; None where nothing need be done."""
    if not profile or mode not in ("L", "RGB", "CMYK"):
        return None
    from PIL import ImageCms  # Most pictures have no profile, and a cold start counts.

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(source):
            return None
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        # Broken, or made for other colours than the picture has: viewers pass over it.
        return None
