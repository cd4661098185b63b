"""Levels stretch a picture's own range, and leave an even picture as it is."""

from __future__ import annotations

import numpy as np
import pytest

from calligram.art.levels import RANGE_MIN, inked, stretched


@pytest.mark.parametrize("value", [0, 255])
def test_an_even_black_or_white_picture_stays_what_it_is(value: int) -> None:
    samples = np.full((16, 16), value, np.uint8)

    assert (stretched(samples, blank_share=30) == value).all()


def test_an_even_grey_stays_near_its_grey() -> None:
    samples = np.full((16, 16), 128, np.uint8)

    assert np.abs(stretched(samples, blank_share=30).astype(int) - 128).max() <= 2


def test_the_palest_share_is_blank_and_the_strongest_is_full() -> None:
    samples = np.arange(256, dtype=np.uint8).repeat(4)

    inks = stretched(samples, blank_share=30)

    assert 0.29 <= (inks == 0).mean() <= 0.32
    assert 0.01 <= (inks == 255).mean() <= 0.02


def test_more_light_never_becomes_less_ink() -> None:
    samples = np.arange(256, dtype=np.uint8)

    inks = stretched(samples, blank_share=15).astype(int)

    assert (np.diff(inks) >= 0).all()


def test_faint_noise_is_not_stretched_over_the_whole_range(
    random_generator: np.random.Generator,
) -> None:
    samples = random_generator.integers(120, 124, (64, 64)).astype(np.uint8)

    inks = stretched(samples, blank_share=30)

    assert int(inks.max()) - int(inks.min()) <= 4 * 255 // RANGE_MIN


@pytest.mark.parametrize(
    ("background", "invert", "negated"),
    [("dark", False, False), ("light", False, True), ("dark", True, True), ("light", True, False)],
)
def test_ink_is_light_on_dark_and_dark_on_light(
    background: str, *, invert: bool, negated: bool
) -> None:
    samples = np.array([[0, 10, 255]], np.uint8)

    inks = inked(samples, background=background, invert=invert)

    assert inks.tolist() == ([[255, 245, 0]] if negated else [[0, 10, 255]])
