"""A picture's bytes become upright pixels on the background, or a named refusal."""

from __future__ import annotations

import io
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np
import pytest
from PIL import Image, ImageCms

from art_pictures import chunk, gif, oriented, packed, png, scene, written
from calligram.art.decode import UPRIGHT, Picture, decode, open_picture, prepared
from calligram.art.limits import Limits
from calligram.art.model import Pixels
from calligram.errors import PictureDamaged, PictureRefused, PictureTooLarge, PictureUnknown

FORMATS = ["JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP", "TIFF"]
ORIENTED_FORMATS = {"JPEG": {}, "PNG": {}, "WEBP": {"lossless": True}, "AVIF": {}, "TIFF": {}}


def pixels(
    data: bytes,
    *,
    background: str = "dark",
    grey: bool = False,
    least: tuple[int, int] | None = None,
) -> Pixels:
    return np.asarray(decode(open_picture(data), background=background, grey=grey, least=least))


@pytest.mark.parametrize("format", FORMATS)
def test_colours_survive_decoding(format: str) -> None:
    decoded = pixels(written(scene(), format))

    assert (decoded.shape, decoded.dtype) == ((40, 60, 3), np.uint8)
    # GIF has 256 colours and JPEG loses some; the mean is what all of them keep.
    assert np.abs(decoded.astype(int) - np.asarray(scene())).mean() < 12


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF"])
def test_grey_is_exactly_the_luma_of_the_colours(format: str) -> None:
    decoded = pixels(written(scene(), format), grey=True)

    assert np.array_equal(decoded, np.asarray(scene().convert("L")))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ORIENTED_FORMATS)
def test_a_picture_is_turned_upright(format: str, orientation: int) -> None:
    data = oriented(format, orientation, **ORIENTED_FORMATS[format])
    flip = UPRIGHT.get(orientation)
    upright = scene() if flip is None else scene().transpose(flip)

    picture = open_picture(data)
    decoded = np.asarray(decode(picture, background="dark", grey=False))

    assert (picture.width, picture.height) == upright.size
    assert np.abs(decoded.astype(int) - np.asarray(upright)).mean() < 12


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_a_shrunk_picture_is_small_but_not_below_the_least(format: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = written(scene(601, 300), format, exif=exif)
    least = (70, 51) if orientation == 1 else (51, 70)

    height, width = pixels(data, grey=True, least=least).shape

    assert width >= least[0]
    assert height >= least[1]
    assert width < 2 * least[0] or height < 2 * least[1]


def test_a_picture_below_the_least_stays_as_it_is() -> None:
    assert pixels(png(), grey=True, least=(300, 200)).shape == (8, 8)


@pytest.mark.parametrize(("background", "page"), [("dark", 0), ("light", 255)])
@pytest.mark.parametrize("grey", [True, False])
@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_clear_parts_show_the_background(
    background: str, page: int, mode: str, *, grey: bool
) -> None:
    clear = Image.new("RGBA", (4, 4), (90, 120, 30, 0))
    data = written(clear.convert(mode), "TIFF" if mode == "PA" else "PNG")

    assert (pixels(data, background=background, grey=grey) == page).all()


def test_half_clear_parts_are_mixed_with_the_background() -> None:
    data = written(Image.new("LA", (4, 4), (200, 128)), "PNG")

    assert abs(int(pixels(data, background="dark", grey=True)[0, 0]) - 100) <= 1
    assert abs(int(pixels(data, background="light", grey=True)[0, 0]) - 227) <= 1


@pytest.mark.parametrize(
    ("image", "clear"),
    [
        (Image.new("L", (4, 4), 77), 77),
        (Image.new("RGB", (4, 4), (7, 8, 9)), (7, 8, 9)),
        (Image.new("RGB", (4, 4), (200, 10, 30)).quantize(4), 0),
        (Image.new("1", (4, 4), 1), 1),
    ],
)
def test_a_colour_declared_clear_shows_the_background(image: Image.Image, clear: object) -> None:
    data = written(image, "PNG", transparency=clear)

    assert (pixels(data, background="light") == 255).all()
    assert (pixels(data, background="dark") == 0).all()


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_16_bit_grey_keeps_its_high_byte(format: str) -> None:
    samples = np.array([[0x0000, 0x00FF, 0x7FFF, 0xFFFF]], np.uint16)
    data = written(Image.fromarray(samples), format)

    assert pixels(data, grey=True).tolist() == [[0x00, 0x00, 0x7F, 0xFF]]
    assert pixels(data).tolist() == [[[0] * 3, [0] * 3, [0x7F] * 3, [0xFF] * 3]]


def test_one_bit_and_palette_pictures_become_colours() -> None:
    bits = written(Image.new("1", (4, 4), 1), "PNG")
    palette = written(Image.new("RGB", (4, 4), (200, 10, 30)).quantize(4), "PNG")

    assert (pixels(bits, grey=True) == 255).all()
    assert pixels(palette)[0, 0].tolist() == [200, 10, 30]


@pytest.mark.parametrize("mode", ["I", "F"])
def test_samples_of_32_bits_are_refused_by_name(mode: str) -> None:
    data = written(Image.new(mode, (4, 4), 7), "TIFF")

    with pytest.raises(PictureUnknown, match="32 bits"):
        pixels(data)


@pytest.mark.parametrize("format", ["JPEG", "TIFF"])
def test_cmyk_white_is_white_and_ink_is_dark(format: str) -> None:
    white = written(Image.new("CMYK", (16, 16), (0, 0, 0, 0)), format)
    black = written(Image.new("CMYK", (16, 16), (0, 0, 0, 255)), format)

    assert (pixels(white) > 250).all()
    assert (pixels(black, grey=True) < 5).all()


@pytest.mark.parametrize("mode", ["YCbCr", "LAB"])
def test_a_tiff_in_other_colour_spaces_keeps_its_colours(mode: str) -> None:
    data = written(scene().convert(mode), "TIFF")

    assert np.abs(pixels(data).astype(int) - np.asarray(scene())).mean() < 6


def swapped_profile() -> bytes:
    """sRGB with its red and green primaries exchanged: a profile that can't be overlooked."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for old, new in ((b"rXYZ", b"...."), (b"gXYZ", b"rXYZ"), (b"....", b"gXYZ")):
        profile = profile.replace(old, new)
    return profile.replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be"))


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_a_profile_is_converted_to_srgb(format: str) -> None:
    red = Image.new("RGB", (16, 16), (230, 20, 20))
    decoded = pixels(written(red, format, icc_profile=swapped_profile()))

    red_seen, green_seen, _ = decoded.reshape(-1, 3).mean(axis=0)
    assert green_seen > 200
    assert red_seen < 60


def test_grey_is_the_luma_of_the_converted_colours() -> None:
    data = written(Image.new("RGB", (64, 64), (230, 20, 20)), "JPEG", icc_profile=swapped_profile())

    assert pixels(data, grey=True, least=(8, 8)).mean() > 120  # Green; red would be about 83.


def test_a_broken_profile_means_srgb() -> None:
    broken = written(scene(), "PNG", icc_profile=b"no profile at all" * 20)

    assert np.array_equal(pixels(broken), np.asarray(scene()))


@pytest.mark.parametrize("format", FORMATS)
def test_every_truncation_is_refused_by_name(format: str) -> None:
    data = written(scene(90, 70), format)
    # The last bytes of these are an end mark or filling, and no pixel is lost with them.
    last = len(data) - {"JPEG": 4, "GIF": 2, "BMP": 3}.get(format, 1)
    lengths = {*range(64), *range(64, last, max(1, len(data) // 61)), last}

    for length in lengths:
        with pytest.raises(PictureRefused):
            pixels(data[:length])


@pytest.mark.parametrize("format", ["PNG", "TIFF", "JPEG", "GIF"])
@pytest.mark.parametrize("seed", range(3))
def test_flipped_bytes_give_pixels_or_a_refusal_and_no_other_error(format: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    whole = np.frombuffer(written(scene(), format), np.uint8)

    for _ in range(60):
        data = whole.copy()
        data[random.integers(0, data.size, 3)] = random.integers(0, 256, 3)
        # Any other error than a refusal fails the test by leaving it.
        with suppress(PictureRefused):
            assert pixels(data.tobytes()).ndim == 3


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "jpeg"])
def test_a_truncated_packed_tiff_is_refused(compression: str) -> None:
    data = written(scene(90, 70), "TIFF", compression=compression)

    for length in range(0, len(data) - 1, len(data) // 23):
        with pytest.raises(PictureRefused):
            pixels(data[:length])


def test_the_first_frame_is_drawn() -> None:
    second = Image.new("L", (8, 8))
    data = written(Image.new("L", (8, 8), 200), "GIF", save_all=True, append_images=[second])

    assert (pixels(data, grey=True) == 200).all()
    assert open_picture(data).frames == 2


def test_a_picture_tells_what_it_would_cost() -> None:
    picture = open_picture(gif(7, 30, 20))

    assert (picture.frames, picture.frames_pixels) == (7, 30 * 20 * 7)


def test_bytes_at_the_limit_are_read_and_one_more_is_refused() -> None:
    data = png()

    assert open_picture(data, Limits(picture_bytes_max=len(data))).width == 8
    with pytest.raises(PictureTooLarge) as refusal:
        open_picture(data, Limits(picture_bytes_max=len(data) - 1))
    assert (refusal.value.limit, refusal.value.actual) == (len(data) - 1, len(data))


def test_avif_is_held_to_the_limits_too() -> None:
    data = written(scene(60, 40), "AVIF")

    assert open_picture(data, Limits(side_max=60)).width == 60
    with pytest.raises(PictureTooLarge):
        open_picture(data, Limits(side_max=59))


def test_a_picture_whose_decoder_disagrees_with_its_header_is_damaged() -> None:
    picture = open_picture(png())
    lying = Picture(picture.data, "PNG", 9, 9, 1, 1)

    with pytest.raises(PictureDamaged, match="two sizes"):
        decode(lying, background="dark", grey=True)


CORRUPT_EXIF = b"Exif\0\0II*\0\x08\0\0\0\x02\0\x0f\x01\x02\0\xff\0\0\0\xf0\xff\0\0"


def test_warnings_stay_inside_even_with_threads() -> None:
    data = written(scene(), "JPEG", exif=CORRUPT_EXIF)
    with pytest.warns(UserWarning, match="Corrupt EXIF|larger than file"):
        Image.open(io.BytesIO(data)).getexif()

    with ThreadPoolExecutor(8) as threads:
        shapes = {found.shape for found in threads.map(pixels, [data] * 8)}

    assert len(shapes) == 1


def test_a_callers_own_warnings_are_left_alone() -> None:
    pixels(png())

    with pytest.warns(UserWarning, match="mine"):
        warnings.warn("mine", UserWarning, stacklevel=1)


def test_an_opened_image_gives_the_pixels_of_its_file() -> None:
    data = oriented("JPEG", 6)

    given = prepared(Image.open(io.BytesIO(data)), background="dark", grey=False)

    assert np.array_equal(np.asarray(given), pixels(data))


def test_packed_text_within_the_limit_harms_nothing() -> None:
    assert pixels(png(chunk(b"zTXt", b"a\0\0" + packed(1024 * 1024))), grey=True).shape == (8, 8)
