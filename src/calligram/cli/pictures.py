"""
Which pictures the command line means.

    a file      itself, whatever it is called and holds: if it is no picture, we say so
    a folder    every picture in it and in its subfolders, in the order of their names
    -           standard input

In a folder the first bytes decide, not the name: `IMG_1` is drawn and `notes.png` without
a picture in it is passed over. Hidden files and folders are passed over too, and so is the
folder that the art goes to: else a second run would draw the first one's art.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from calligram.art.headers import FORMATS_READ, sniff
from calligram.art.limits import DEFAULT_LIMITS
from calligram.cli.messages import Undone
from calligram.errors import PictureUnknown
from calligram.library import read

STANDARD_INPUT = "-"
MAGIC_BYTES = 16


@dataclass(frozen=True, slots=True)
class Source:
    """
    One picture to draw.

    `path` is where it lies, "-" for standard input. `stem` is the path of its art inside an
    output folder, without suffix: `cat`, or `2024/cat` for one out of a folder.
    """

    path: str
    stem: str

    @property
    def label(self) -> str:
        """What to call it."""
        return "standard input" if self.path == STANDARD_INPUT else self.path

    def read(self) -> bytes:
        """Its bytes. Raises OSError, Undone, and PictureTooLarge without reading all of it."""
        if self.path != STANDARD_INPUT:
            return read(self.path, DEFAULT_LIMITS)
        if sys.stdin is None or sys.stdin.isatty():
            raise Undone(
                self.label, "no picture comes in; `calligram render - < photo.jpg` will do"
            )
        return read(sys.stdin.buffer, DEFAULT_LIMITS)


def sources_of(path: str, apart: Path | None) -> list[Source]:
    """
    The pictures that `path` means; `apart` is a folder whose files are none of them.

    Raises Undone for a folder without pictures. Whether a file can be read is seen
    when it is.
    """
    if path == STANDARD_INPUT:
        return [Source(path, "picture")]
    if not os.path.isdir(path):
        return [Source(path, Path(path).stem)]
    found = [
        Source(str(file), str(file.relative_to(path).with_suffix("")))
        for file in files_in(Path(path), apart)
        if is_picture(file)
    ]
    if not found:
        raise Undone(path, f"no picture is in this folder; {FORMATS_READ} are read")
    return found


def files_in(folder: Path, apart: Path | None) -> Iterator[Path]:
    """Every file that isn't hidden, sorted; a folder's own files before its subfolders'."""
    for place, folders, names in os.walk(folder):
        here = Path(place)
        # os.walk goes where this list says: it is changed in place, on purpose.
        folders[:] = sorted(
            name for name in folders if name[0] != "." and not is_same(here / name, apart)
        )
        yield from (here / name for name in sorted(names) if name[0] != ".")


def is_same(one: Path, other: Path | None) -> bool:
    return other is not None and other.exists() and one.exists() and one.samefile(other)


def is_picture(file: Path) -> bool:
    # A pipe or a device in a folder could keep us waiting for ever.
    if not file.is_file():
        return False
    try:
        with file.open("rb") as opened:
            sniff(opened.read(MAGIC_BYTES))
    except PictureUnknown:
        return False
    except OSError:
        # It may be a picture; reading it again will say what is the matter.
        return True
    return True
