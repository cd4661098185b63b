"""The grid keeps a picture's shape, and every pixel counts in the cell where it lies."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from calligram import Options, OptionsRefused
from calligram.art.grid import Grid, cells, sampled


@pytest.mark.parametrize(
    ("width", "height", "columns", "rows"),
    [(768, 512, 80, 27), (512, 512, 80, 40), (100, 1, 80, 1), (1, 25, 80, 1000), (3, 1, 3, 1)],
)
def test_rows_keep_the_shape_of_the_picture(
    width: int, height: int, columns: int, rows: int
) -> None:
    assert Grid.of(width, height, Options(columns=columns)) == Grid(columns, rows)


def test_a_wider_cell_takes_more_rows() -> None:
    assert Grid.of(100, 100, Options(columns=50, cell_aspect=1.0)).rows == 50
    assert Grid.of(100, 100, Options(columns=50, cell_aspect=0.4)).rows == 20


def test_rows_that_are_given_stretch_the_picture() -> None:
    assert Grid.of(100, 100, Options(columns=50, rows=3)) == Grid(50, 3)


def test_more_rows_than_allowed_are_refused_and_what_would_do_is_said() -> None:
    with pytest.raises(OptionsRefused, match="would take 1040 rows, and 1000 are allowed") as over:
        Grid.of(1, 26, Options(columns=80))

    assert (over.value.limit, over.value.actual) == (1000, 1040)


@pytest.mark.parametrize("channels", [(), (3,)])
def test_cells_hold_the_samples_of_their_place(channels: tuple[int, ...]) -> None:
    grid = Grid(columns=3, rows=2)
    places = np.arange(6, dtype=np.uint8).reshape(2, 3)
    samples = np.kron(places, np.ones((8, 4), np.uint8))
    samples = np.broadcast_to(samples[(...,) + (None,) * len(channels)], (16, 12, *channels))

    found = cells(samples, grid)

    assert found.shape == (6, 32, *channels)
    assert all((found[place] == place).all() for place in range(6))


def test_samples_keep_their_order_within_a_cell() -> None:
    samples = np.arange(8 * 8, dtype=np.uint8).reshape(8, 8)

    found = cells(samples, Grid(columns=2, rows=1))

    assert found[1].tolist() == samples[:, 4:].reshape(-1).tolist()


def test_a_picture_that_fits_the_grid_is_sampled_as_it_is() -> None:
    pixels = np.arange(16 * 8, dtype=np.uint8).reshape(16, 8)

    assert (sampled(Image.fromarray(pixels), Grid(2, 2), high=8, wide=4) == pixels).all()


def test_an_even_picture_stays_even_when_sampled() -> None:
    even = Image.new("RGB", (53, 37), (77, 77, 77))

    assert (sampled(even, Grid(11, 5), high=8, wide=4) == 77).all()
