"""
The README's picture and its art.

    scikit-image's astronaut -> docs/picture.png -> the text in README.md
                                                 -> docs/art.png

The picture is the portrait of Eileen Collins by NASA, which is in the public domain. Run
with tools/pictures; tests/test_pictures.py compares what lies there with what is drawn.
"""

from __future__ import annotations

import re
from pathlib import Path

import calligram

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
PICTURE = ROOT / "docs" / "picture.png"
ART = ROOT / "docs" / "art.png"

BLOCK = re.compile(r"(<!-- art -->\n```text\n)(.*?)(```\n)", re.DOTALL)
"""Where the text stands in the README."""


def text() -> str:
    """Drawn for a light page, as most pages are that show a README."""
    return calligram.render(PICTURE, columns=60, background="light").text + "\n"


def png() -> bytes:
    return calligram.render(PICTURE, columns=60, colour="full").to("png")


def main() -> None:
    if not PICTURE.exists():
        make_picture()
    ART.write_bytes(png())
    README.write_text(BLOCK.sub(lambda match: match[1] + text() + match[3], README.read_text()))


def make_picture() -> None:
    from PIL import Image
    from skimage import data

    Image.fromarray(data.astronaut()).reduce(2).save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
