"""Matching is exact: float32 products of whole numbers are what integers would give."""

from __future__ import annotations

import numpy as np
import pytest

from calligram.art import glyphs, match

HIGH, WIDE = 8, 4


def shapes(characters: str) -> np.ndarray:
    return glyphs.coverage(glyphs.codes_of(characters))


@pytest.mark.parametrize("name", glyphs.SETS)
def test_the_best_ink_is_that_of_whole_number_arithmetic(
    name: str, random_generator: np.random.Generator
) -> None:
    table = match.ink_table(shapes(name), high=HIGH, wide=WIDE)
    cells = random_generator.integers(0, 256, (500, HIGH * WIDE)).astype(np.uint8)

    weights = table.weights[:, : len(shapes(name))].astype(np.int64).astype(object)
    scores = cells.astype(object) @ weights[:-1] + weights[-1]

    assert (match.best_inks(cells, table) == scores.argmax(axis=1)).all()


@pytest.mark.parametrize("name", glyphs.SETS)
def test_no_partial_sum_can_leave_the_exact_numbers(name: str) -> None:
    inks = match.ink_table(shapes(name), high=HIGH, wide=WIDE)
    pairs = match.pair_table(shapes(name), high=HIGH, wide=WIDE)

    for whole in (inks.weights, pairs.coverage, pairs.directions):
        assert (whole == np.round(whole)).all()
    assert inks.weights[:-1].min() >= 0
    assert 255 * inks.weights[:-1].sum(axis=0).max() < match.EXACT
    assert -match.EXACT < inks.weights[-1].min() <= inks.weights[-1].max() <= 0
    assert 255 * np.abs(pairs.directions).sum(axis=0).max() < match.EXACT
    assert 255 * pairs.coverage.sum(axis=0).max() < match.EXACT


def test_the_closeness_of_samples_is_symmetric_and_positive() -> None:
    closeness = match.closeness(HIGH, WIDE)

    assert (closeness == closeness.T).all()
    assert np.linalg.eigvalsh(closeness.astype(float)).min() > 0


def test_a_blank_cell_gets_the_blank_and_a_tie_the_first_glyph() -> None:
    table = match.ink_table(shapes(" .#"), high=HIGH, wide=WIDE)
    blank = np.zeros((1, HIGH * WIDE), np.uint8)
    twice = match.ink_table(np.repeat(shapes(" #"), 2, axis=0), high=HIGH, wide=WIDE)

    assert match.best_inks(blank, table).tolist() == [0]
    assert match.best_inks(blank + 255, twice).tolist() == [2]


def test_a_cell_that_looks_like_a_glyph_in_two_colours_gets_both_back() -> None:
    characters = "▀▌▚🬀🬅"[:3] + "\U0001fb00\U0001fb04"
    table = match.pair_table(shapes(characters), high=HIGH, wide=WIDE)
    blocks = shapes(characters)[:, 1::2, 1::2].reshape(len(characters), -1, 1) > 127
    front, behind = np.array([250, 40, 90]), np.array([10, 200, 30])
    cells = np.where(blocks, front, behind).astype(np.uint8)

    index, foreground, background = match.best_pairs(cells, table, lambda c: c, candidates=4)

    assert index.tolist()[:3] == [0, 1, 2]
    assert (foreground[:3] == front).all()
    assert (background[:3] == behind).all()


def test_an_even_cell_keeps_its_colour(random_generator: np.random.Generator) -> None:
    table = match.pair_table(shapes("ascii"), high=HIGH, wide=WIDE)
    colours = random_generator.integers(0, 256, (200, 1, 3)).astype(np.uint8)
    cells = np.broadcast_to(colours, (200, HIGH * WIDE, 3))

    index, _, background = match.best_pairs(cells, table, lambda c: c, candidates=4)

    assert (index == 0).all()
    assert (background == colours[:, 0]).all()


def test_more_candidates_than_glyphs_are_no_trouble() -> None:
    table = match.pair_table(shapes(" █"), high=HIGH, wide=WIDE)
    cells = np.zeros((3, HIGH * WIDE, 3), np.uint8)

    assert len(match.best_pairs(cells, table, lambda c: c, candidates=9)[0]) == 3


def test_cells_are_matched_alike_in_one_chunk_and_in_many(
    random_generator: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = match.ink_table(shapes("ascii"), high=HIGH, wide=WIDE)
    cells = random_generator.integers(0, 256, (300, HIGH * WIDE)).astype(np.uint8)
    whole = match.best_inks(cells, table)

    monkeypatch.setattr(match, "CHUNK_PRODUCTS", 7 * table.weights.size)

    assert (match.best_inks(cells, table) == whole).all()
