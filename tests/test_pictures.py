"""The README shows what the code draws: run tools/pictures where this is red."""

from __future__ import annotations

import io
import runpy
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
PICTURES = runpy.run_path(str(ROOT / "tools" / "pictures.py"))


def test_the_art_in_the_readme_is_what_is_drawn():
    shown = PICTURES["BLOCK"].search(PICTURES["README"].read_text())

    assert shown[2] == PICTURES["text"]()


def test_the_coloured_art_in_the_readme_is_what_is_drawn():
    # The pixels and not the bytes: how well they are packed is no promise.
    shown = np.asarray(Image.open(PICTURES["ART"]))
    drawn = np.asarray(Image.open(io.BytesIO(PICTURES["png"]())))

    assert (shown == drawn).all()
