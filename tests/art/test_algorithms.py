"""What every algorithm owes: blank stays blank, more light is more ink, any size of picture."""

from __future__ import annotations

import numpy as np
import pytest

import calligram
from calligram.art.dither import bayer
from calligram.art.glyphs import SETS, codes_of, coverage
from calligram.art.ramp_1 import BORDERS, LINEAR

EVERY = pytest.mark.parametrize("algorithm", calligram.ALGORITHMS)


def inks(art: calligram.Art) -> np.ndarray:
    """How much of each cell is covered, 0 to 1."""
    shapes = coverage(art.characters.reshape(-1))
    return shapes.mean(axis=(1, 2)).reshape(art.rows, art.columns) / 255


@EVERY
@pytest.mark.parametrize("characters", ["ascii", "blocks", "braille", " .oO#"])
@pytest.mark.parametrize(("background", "value"), [("dark", 0), ("light", 255)])
def test_a_picture_of_the_background_is_blank(
    algorithm: str, characters: str, background: str, value: int
) -> None:
    pixels = np.full((60, 90), value, np.uint8)

    art = calligram.render(
        pixels, algorithm=algorithm, characters=characters, background=background, columns=20
    )

    assert set(art.text) <= {" ", "\u2800", "\n"}


@EVERY
@pytest.mark.parametrize("characters", ["ascii", "blocks", "braille"])
def test_more_light_is_never_less_ink(algorithm: str, characters: str) -> None:
    ramp = np.tile(np.arange(256, dtype=np.uint8).repeat(4), (32, 1))

    art = calligram.render(ramp, algorithm=algorithm, characters=characters, columns=64)
    tones = inks(art).mean(axis=0)

    # The glyph may lean to where its cell is brighter, so a hair's breadth is allowed.
    assert (np.diff(tones) >= -0.03).all()
    assert len(np.unique(tones)) >= 6


@EVERY
@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (2, 3, 3), (7, 5, 4)])
@pytest.mark.parametrize("colour", ["none", "full"])
def test_any_size_of_picture_is_drawn(
    algorithm: str, shape: tuple[int, ...], colour: str, random_generator: np.random.Generator
) -> None:
    pixels = random_generator.integers(0, 256, shape).astype(np.uint8)

    art = calligram.render(pixels, algorithm=algorithm, columns=9, rows=4, colour=colour)

    assert art.characters.shape == (4, 9)


@EVERY
def test_the_negative_on_a_light_page_is_the_picture_on_a_dark_one(algorithm: str) -> None:
    pixels = np.random.default_rng(5).integers(0, 256, (40, 60)).astype(np.uint8)

    dark = calligram.render(pixels, algorithm=algorithm, columns=30)
    light = calligram.render(
        pixels, algorithm=algorithm, columns=30, background="light", invert=True
    )

    assert dark.text == light.text


@EVERY
@pytest.mark.parametrize("colour", ["16", "256", "full"])
def test_pens_are_those_of_the_palette(algorithm: str, colour: str) -> None:
    pixels = np.random.default_rng(6).integers(0, 256, (40, 60, 3)).astype(np.uint8)
    most = {"16": 15, "256": 255, "full": 0xFFFFFF}[colour]

    art = calligram.render(pixels, algorithm=algorithm, columns=30, colour=colour)

    assert art.foreground is not None
    assert art.background is not None
    assert art.foreground.dtype == art.background.dtype == np.int32
    assert art.foreground.min() >= -1
    assert art.background.min() >= -1
    assert max(art.foreground.max(), art.background.max()) <= most


@EVERY
def test_dither_shows_a_tone_between_two_characters_as_both(algorithm: str) -> None:
    pixels = np.full((64, 64), 75, np.uint8)
    options = {"algorithm": algorithm, "characters": " ▄█", "columns": 32}

    plain = set(calligram.render(pixels, **options).text) - {"\n"}
    dithered = set(calligram.render(pixels, dither="ordered", **options).text) - {"\n"}

    assert len(plain) == 1
    assert len(dithered) >= 2


@pytest.mark.parametrize("thick", [1, 2, 3])
def test_shape_1_draws_strokes_where_they_are(thick: int) -> None:
    rows, columns = np.mgrid[0:160, 0:160]
    stroke = np.where(abs(rows / 2 - columns + 32) < thick, 255, 0).astype(np.uint8)

    art = calligram.render(stroke, columns=20, rows=10)
    shapes = coverage(art.characters.reshape(-1)).reshape(10, 20, 16, 8)
    drawn = shapes.swapaxes(1, 2).reshape(160, 160)

    near = abs(rows / 2 - columns + 32) < 4
    assert drawn[near].mean() > 10 * drawn[~near].mean()


def test_shape_1_draws_an_upright_bar_upright() -> None:
    page = np.zeros((160, 160), np.uint8)
    page[:, 75:77] = 255

    text = calligram.render(page, columns=20, rows=10).text

    assert set(text) - set(" \n") <= set("|I[]l!1")


def test_ramp_1_averages_light_and_not_its_code() -> None:
    # Black and white pixels in turn are as bright as half of white light: sRGB 188, not 128.
    checks = (np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8)
    even = np.full((64, 64), 188, np.uint8)
    options = {"algorithm": "ramp-1", "characters": "0123456789", "columns": 8}

    assert calligram.render(checks, **options).text == calligram.render(even, **options).text


def test_ramp_1_takes_the_characters_in_their_order() -> None:
    ramp = np.arange(256, dtype=np.uint8)[None].repeat(2, axis=0)

    art = calligram.render(ramp, algorithm="ramp-1", characters="abcd", columns=8, rows=1)

    assert art.text == "aabbccdd"


def test_ramp_1_orders_a_set_by_its_ink() -> None:
    ramp = np.arange(256, dtype=np.uint8)[None].repeat(2, axis=0)

    art = calligram.render(ramp, algorithm="ramp-1", characters="ascii", columns=64, rows=1)

    assert (np.diff(inks(art)[0]) >= 0).all()
    assert art.text[0] == " "


def test_light_is_strictly_rising_and_its_borders_lie_between() -> None:
    assert (LINEAR[0], LINEAR[255]) == (0, 65535)
    assert (np.diff(LINEAR.astype(int)) > 0).all()
    assert (LINEAR[:-1] < BORDERS).all()
    assert (LINEAR[1:] >= BORDERS).all()


def test_no_light_is_near_a_tie_in_rounding() -> None:
    # The table comes from a power function; its last bit may differ between machines.
    value = np.arange(256) / 255
    light = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4) * 65535

    assert np.abs(light % 1 - 0.5).min() > 1e-6


def test_bayers_matrix_has_each_number_once() -> None:
    assert sorted(bayer(3).reshape(-1).tolist()) == list(range(64))
    assert bayer(1).tolist() == [[0, 2], [3, 1]]


def test_the_sets_that_options_name_are_the_sets_there_are() -> None:
    assert calligram.OPTIONS["characters"].help.count(", ") >= len(SETS) - 1
    assert len(codes_of("ascii")) == 95
