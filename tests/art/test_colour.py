"""Colours to pens and back: exact, quick and equal everywhere."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from calligram.art.colour import PALETTES, WEIGHTS, nearest, packed, rgb_of
from calligram.art.model import DEFAULT_PEN

SEED = 20_240_611


def some_colours(count: int) -> NDArray[np.uint8]:
    print(f"seed {SEED}")  # noqa: T201 - pytest shows it where a test fails
    return np.random.default_rng(SEED).integers(0, 256, (count, 3)).astype(np.uint8)


def nearest_by_trying_all(rgb: NDArray[np.uint8], first: int, palette: str) -> NDArray[np.int64]:
    apart = rgb[:, None].astype(np.int64) - PALETTES[palette][None, first:]
    return np.asarray(first + (apart**2 @ np.array(WEIGHTS)).argmin(axis=1))


def every_grey() -> NDArray[np.uint8]:
    return np.arange(256, dtype=np.uint8)[:, None].repeat(3, axis=1)


@pytest.mark.parametrize(("palette", "first"), [("16", 0), ("256", 16)])
def test_the_nearest_pen_is_the_one_that_trying_all_finds(palette: str, first: int) -> None:
    rgb = np.concatenate([some_colours(4000), every_grey(), PALETTES["256"]])

    pens = nearest(rgb, palette)

    assert pens.dtype == np.int32
    assert (pens == nearest_by_trying_all(rgb, first, palette)).all()


def test_a_tie_goes_to_the_lowest_number() -> None:
    between_cube_levels, between_greys = [115, 0, 0], [13, 13, 13]

    pens = nearest(np.array([between_cube_levels, between_greys], np.uint8), "256")

    assert pens.tolist() == [16 + 36, 232]


def test_256_never_answers_with_a_colour_of_the_readers_theme() -> None:
    pens = nearest(np.concatenate([some_colours(2000), PALETTES["16"]]), "256")

    assert pens.min() >= 16
    assert pens.max() <= 255


@pytest.mark.parametrize("palette", ["16", "256"])
def test_a_pens_own_colour_finds_a_pen_that_looks_the_same(palette: str) -> None:
    first = 16 if palette == "256" else 0
    looks = PALETTES[palette][first:]

    pens = nearest(looks, palette)

    assert (PALETTES[palette][pens] == looks).all()


def test_the_palettes_are_xterms() -> None:
    palette = PALETTES["256"]

    assert PALETTES["16"].shape == (16, 3)
    assert palette.shape == (256, 3)
    assert (palette[:16] == PALETTES["16"]).all()
    assert PALETTES["16"][4].tolist() == [0, 0, 238]
    assert PALETTES["16"][12].tolist() == [92, 92, 255]
    assert palette[16 + 36 * 1 + 6 * 2 + 5].tolist() == [95, 135, 255]
    assert palette[232].tolist() == [8, 8, 8]
    assert palette[255].tolist() == [238, 238, 238]


def test_full_colour_is_exact_both_ways() -> None:
    rgb = some_colours(500)

    pens = nearest(rgb, "full")

    assert (pens == packed(rgb)).all()
    assert (rgb_of(pens, "full", 0) == rgb).all()


@pytest.mark.parametrize("colour", ["16", "256", "full"])
def test_the_default_pen_looks_like_the_readers_own_colour(colour: str) -> None:
    pens = np.array([[DEFAULT_PEN, 9]], np.int32)

    looks = rgb_of(pens, colour, 0x123456)

    assert looks.shape == (1, 2, 3)
    assert looks[0, 0].tolist() == [0x12, 0x34, 0x56]
    assert looks[0, 1].tolist() == ([0, 0, 9] if colour == "full" else [255, 0, 0])


@pytest.mark.parametrize("colour", ["16", "256", "full"])
def test_no_colours_give_no_pens(colour: str) -> None:
    assert nearest(np.zeros((0, 3), np.uint8), colour).shape == (0,)
