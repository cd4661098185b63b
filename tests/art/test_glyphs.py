"""Glyphs are measured, complete, and still what the font draws."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from calligram import OptionsRefused
from calligram.art.glyphs import SETS, codes_of, coverage

FONT = Path("/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf")
TOOL = Path(__file__).parents[2] / "tools" / "measure_glyphs.py"


def ink(character: str) -> float:
    """The share of its cell that a character covers."""
    return float(coverage(codes_of(character + "\u2588"))[0].mean()) / 255


@pytest.mark.parametrize("name", SETS)
def test_every_character_of_a_set_is_measured_and_stands_once(name: str) -> None:
    codes = codes_of(name)

    assert coverage(codes).shape == (len(codes), 16, 8)
    assert len(set(codes.tolist())) == len(codes)


def test_blank_is_empty_and_the_full_block_is_full() -> None:
    assert ink(" ") == 0
    assert ink("\u2588") == 1
    assert ink("\u2580") == ink("\u258c") == 0.5
    assert ink("\u2800") == 0


def test_letters_have_the_ink_that_readers_know() -> None:
    assert ink(".") < ink("-") < ink("o") < ink("O") < ink("@")


def test_a_block_and_its_complement_fill_the_cell() -> None:
    shapes = coverage(codes_of("▀▄▌▐▚▞▛▗"))

    assert (shapes[0::2].astype(int) + shapes[1::2] == 255).all()


def test_the_sextants_are_all_different_and_none_is_blank_or_full() -> None:
    shapes = coverage(codes_of("sextants")).reshape(-1, 128)

    assert len(np.unique(shapes, axis=0)) == 64


def test_a_character_that_was_not_measured_is_refused_by_its_code() -> None:
    with pytest.raises(OptionsRefused, match=r"U\+6F22"):
        coverage(codes_of("漢 "))


@pytest.mark.server("fc-list")
def test_the_committed_shapes_are_what_the_font_draws() -> None:
    if not FONT.exists():
        pytest.skip("DejaVu Sans Mono is not installed")
    spec = importlib.util.spec_from_file_location("measure_glyphs", TOOL)
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)

    codes, shapes = tool.measured(FONT)

    # FreeType's own rounding may move a grey by a little from release to release.
    assert np.abs(coverage(codes).astype(int) - shapes).max() <= 4
