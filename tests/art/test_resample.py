"""Resampling gives Pillow's numbers, in an order that no release of Pillow can change."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from PIL import Image

from calligram.art.resample import ends, resampled

BOX, TRIANGLE = Image.Resampling.BOX, Image.Resampling.BILINEAR


def noise(random_generator: np.random.Generator, width: int, height: int) -> Image.Image:
    return Image.fromarray(random_generator.integers(0, 256, (height, width)).astype(np.uint8))


def in_passes(image: Image.Image, *sizes: tuple[int, int]) -> np.ndarray:
    for size in sizes:
        image = image.resize(size, BOX if image.mode == "L" else TRIANGLE)
    return np.asarray(image)


def test_luma_is_what_pillows_box_makes_of_it(random_generator: np.random.Generator) -> None:
    for _ in range(300):
        width, height = random_generator.integers(1, 300, 2).tolist()
        shrink = random_generator.uniform(0.4, 2.5, 2)
        size = max(1, int(width / shrink[0])), max(1, int(height / shrink[1]))
        image = noise(random_generator, width, height)
        down_first = 0 < height - size[1] > 2 * (width - size[0])
        between = (width, size[1]) if down_first else (size[0], height)

        found = resampled(image, size)

        assert (found == in_passes(image, between, size)).all(), (image.size, size)


def test_up_to_twice_as_many_pixels_as_samples_are_one_or_two_for_each() -> None:
    for length in range(1, 400):
        for count in range(length // 2 + 1, length + 1):
            first, last = ends.__wrapped__(length, count)

            assert first[0] == 0
            assert last[-1] == length - 1
            assert (first <= last).all()
            # As rounding will have it, one on a border counts on both sides of it, or on neither.
            assert (np.diff(first) >= 1).all()
            assert (first[1:] - last[:-1] <= 2).all()


@pytest.mark.parametrize(
    ("mode", "digest"),
    [("L", "701d73e7d7c1e349"), ("RGB", "18b6b2b5d5533b46")],
)
def test_the_order_of_the_passes_is_no_matter_of_pillows_release(mode: str, digest: str) -> None:
    # Released Pillows answer differently here: until 12 along rows first, from 13 down first.
    pixels = np.random.Generator(np.random.PCG64(7)).integers(0, 256, (497, 361, 3))
    image = Image.fromarray(pixels.astype(np.uint8)).getchannel(0)
    image = image if mode == "L" else Image.merge("RGB", [image] * 3)

    found = resampled(image, (340, 315))

    assert (found == in_passes(image, (361, 315), (340, 315))).all()
    assert (found != in_passes(image, (340, 497), (340, 315))).any()
    assert hashlib.sha256(found.tobytes()).hexdigest()[:16] == digest


def test_an_image_of_the_right_size_is_left_as_it_is(
    random_generator: np.random.Generator,
) -> None:
    image = noise(random_generator, 8, 16)

    assert (resampled(image, (8, 16)) == np.asarray(image)).all()
