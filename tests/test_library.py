"""The library's door: any picture a program may hold, the same art from each."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import calligram
from calligram import Limits


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (48, 64, 3)).astype(np.uint8)


@pytest.fixture
def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_picture_gives_the_same_art_from_every_source(
    pixels: np.ndarray, png: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(png)
    sources = [
        path,
        str(path),
        png,
        bytearray(png),
        memoryview(png),
        io.BytesIO(png),
        Image.open(path),
        pixels,
    ]

    texts = {calligram.render(source, columns=20).text for source in sources}

    assert len(texts) == 1


def test_print_shows_text_and_ansi_where_there_is_colour(png: bytes) -> None:
    plain = calligram.render(png, columns=10)
    coloured = calligram.render(png, columns=10, colour="full")

    assert str(plain) == plain.text
    assert "\x1b[" in str(coloured)
    assert not str(coloured).endswith("\n")
    assert repr(plain) == f"<Art 10x{plain.rows} shape-1>"
    assert plain._repr_html_().startswith("<pre")


def test_cells_are_arrays(png: bytes) -> None:
    art = calligram.render(png, columns=10, rows=5, colour="full")

    assert art.characters.shape == (5, 10)
    assert art.characters.dtype == np.uint32
    assert art.text == "\n".join("".join(map(chr, row)) for row in art.characters)


def test_an_unknown_option_and_an_unknown_format_are_refused(png: bytes) -> None:
    with pytest.raises(calligram.OptionsRefused, match="no option 'width'"):
        calligram.render(png, width=80)
    with pytest.raises(calligram.OptionsRefused, match="txt, ansi, html, svg, png, json"):
        calligram.render(png).to("gif")


def test_bytes_up_to_the_limit_are_read_and_one_more_is_refused(png: bytes) -> None:
    enough = Limits(picture_bytes_max=len(png))
    short = Limits(picture_bytes_max=len(png) - 1)

    assert calligram.render(io.BytesIO(png), limits=enough, columns=4).columns == 4
    assert calligram.render(png, limits=enough, columns=4).columns == 4
    for source in (png, io.BytesIO(png)):
        with pytest.raises(calligram.PictureTooLarge) as refused:
            calligram.render(source, limits=short)
        assert refused.value.limit == len(png) - 1


@pytest.mark.parametrize(
    "source",
    [
        io.StringIO("text"),
        17,
        None,
        np.zeros((4, 4), np.float64),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((0, 4), np.uint8),
        np.zeros(4, np.uint8),
        b"",
        b"not a picture",
    ],
)
def test_what_is_no_picture_is_refused(source: object) -> None:
    with pytest.raises(calligram.PictureUnknown):
        calligram.render(source)  # type: ignore[arg-type]  # that is the point


def test_a_missing_file_is_pythons_own_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        calligram.render(tmp_path / "nothing.png")


def test_the_picture_is_not_changed(pixels: np.ndarray) -> None:
    before = pixels.copy()

    calligram.render(pixels, invert=True, background="light")

    assert (pixels == before).all()


def test_errors_survive_the_way_between_processes() -> None:
    program = (
        "import pickle, calligram\n"
        "error = calligram.PictureTooLarge('too large', limit=5, actual=7)\n"
        "again = pickle.loads(pickle.dumps(error))\n"
        "print(type(again).__name__, again, again.limit, again.actual, again.code)\n"
    )

    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert run.stdout == "PictureTooLarge too large 5 7 picture-too-large\n"
