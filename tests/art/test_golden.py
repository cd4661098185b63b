"""
Promise 1, same answer: what a released algorithm draws never changes.

A golden file that goes red means that the change belongs into a new algorithm, not that
the file should be made anew. `tools/golden` writes only files that are missing.
"""

from __future__ import annotations

import hashlib
import json
from itertools import product
from pathlib import Path

import pytest

import calligram
from golden_pictures import PICTURES

GOLDEN = Path(__file__).parent / "golden"
CASES = list(product(calligram.ALGORITHMS, PICTURES, calligram.FORMATS))
SETS = ("ascii", "blocks", "braille", " .:*@")
COMBINATIONS = list(product(calligram.ALGORITHMS, ("astronaut", "rings")))


def written(algorithm: str, picture: str, format: str) -> bytes:
    """The golden case's art: formats that show colour are drawn in full colour."""
    colour = "none" if format == "txt" else "full"
    art = calligram.render(PICTURES[picture](), algorithm=algorithm, columns=24, colour=colour)
    return art.to(format)


def digests(algorithm: str, picture: str) -> dict[str, str]:
    """The SHA-256 of the JSON of every combination of the other options."""
    pixels = PICTURES[picture]()
    found = {}
    for characters, colour, background, invert, dither in product(
        SETS, ("none", "16", "256", "full"), ("dark", "light"), (False, True), ("none", "ordered")
    ):
        art = calligram.render(
            pixels,
            algorithm=algorithm,
            columns=33,
            characters=characters,
            colour=colour,
            background=background,
            invert=invert,
            dither=dither,
        )
        name = f"{characters} {colour} {background} {invert} {dither}"
        found[name] = hashlib.sha256(art.to("json")).hexdigest()
    return found


@pytest.mark.parametrize(("algorithm", "picture", "format"), CASES)
def test_a_released_algorithm_never_changes(algorithm: str, picture: str, format: str) -> None:
    golden = GOLDEN / algorithm / f"{picture}.{format}"

    assert written(algorithm, picture, format) == golden.read_bytes()


@pytest.mark.parametrize(("algorithm", "picture"), COMBINATIONS)
def test_no_combination_of_options_ever_changes(algorithm: str, picture: str) -> None:
    golden = GOLDEN / algorithm / f"{picture}.digests.json"

    assert digests(algorithm, picture) == json.loads(golden.read_text())


def test_no_golden_file_is_without_its_case() -> None:
    cases = {f"{algorithm}/{picture}.{format}" for algorithm, picture, format in CASES}
    cases |= {f"{algorithm}/{picture}.digests.json" for algorithm, picture in COMBINATIONS}

    files = {path.relative_to(GOLDEN).as_posix() for path in GOLDEN.rglob("*.*")}

    assert files == cases
