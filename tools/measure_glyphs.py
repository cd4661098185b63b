"""
Measures what characters look like: the coverage of every glyph on an 8 x 16 grid.

    font file -> outlines (FreeType, no hinting) -> coverage 0..255 -> glyphs.npz

Run by hand when the font or the list of characters changes; the result is committed as
data with the font's licence, so that no font is needed to draw, and so that every machine
draws with the same shapes for ever. A test measures a sample again and compares.

    .venv/bin/python tools/measure_glyphs.py [FONT]

Block elements, sextants and braille are not taken from the font: terminals draw them by
geometry, edge to edge, and so do we.
"""

from __future__ import annotations

import sys
import unicodedata
from pathlib import Path

import freetype
import numpy as np
from numpy.typing import NDArray

FONT = Path("/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf")
TARGET = Path(__file__).parent.parent / "src/calligram/art/glyphs.npz"
WIDTH, HEIGHT = 8, 16


def measured(path: Path) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    """Code points, sorted, and their coverages (n, HEIGHT, WIDTH)."""
    face, baseline = opened(path)
    shapes = {
        code: drawn(face, baseline, code) for code, _ in face.get_chars() if is_cell(face, code)
    }
    shapes |= geometric()
    codes = sorted(shapes)
    return np.array(codes, np.uint32), np.stack([shapes[code] for code in codes])


def opened(path: Path) -> tuple[freetype.Face, int]:
    """The font at the size where one advance is WIDTH pixels, and its baseline's row."""
    face = freetype.Face(str(path))
    face.load_char("M", freetype.FT_LOAD_NO_SCALE)
    size = WIDTH * face.units_per_EM / face.glyph.advance.x
    face.set_char_size(round(size * 64), 0, 72, 72)
    ascent = face.ascender / face.units_per_EM * size
    descent = -face.descender / face.units_per_EM * size
    return face, round((HEIGHT - ascent - descent) / 2 + ascent)


def is_cell(face: freetype.Face, code: int) -> bool:
    """Whether the character fills exactly one cell wherever it is printed."""
    character = chr(code)
    if unicodedata.category(character)[0] in "CMZ" and character != " ":
        return False
    if unicodedata.east_asian_width(character) in "WF":
        return False
    # Letters that join or run from right to left don't stay in the cell where they were put.
    if unicodedata.bidirectional(character) in ("R", "AL", "AN"):
        return False
    face.load_char(character, freetype.FT_LOAD_NO_SCALE)
    advance = face.glyph.advance.x
    face.load_char("M", freetype.FT_LOAD_NO_SCALE)
    return bool(advance == face.glyph.advance.x)


def drawn(face: freetype.Face, baseline: int, code: int) -> NDArray[np.uint8]:
    cell = np.zeros((HEIGHT, WIDTH), np.uint8)
    face.load_char(chr(code), freetype.FT_LOAD_RENDER | freetype.FT_LOAD_NO_HINTING)
    bitmap = face.glyph.bitmap
    if not bitmap.rows or not bitmap.width:
        return cell
    ink = np.array(bitmap.buffer, np.uint8).reshape(bitmap.rows, bitmap.pitch)[:, : bitmap.width]
    top, left = baseline - face.glyph.bitmap_top, face.glyph.bitmap_left
    # Ink outside the cell is cut off, as most terminals do.
    rows = slice(max(top, 0), min(top + bitmap.rows, HEIGHT))
    columns = slice(max(left, 0), min(left + bitmap.width, WIDTH))
    if rows.start < rows.stop and columns.start < columns.stop:
        cell[rows, columns] = ink[
            rows.start - top : rows.stop - top, columns.start - left : columns.stop - left
        ]
    return cell


def geometric() -> dict[int, NDArray[np.uint8]]:
    """Block elements (U+2580), sextants (U+1FB00) and braille (U+2800), drawn by rule."""
    shapes = {0x2580: box(0, 8, 0, 8), 0x2588: box(0, 16, 0, 8), 0x2590: box(0, 16, 4, 8)}
    for eighth in range(1, 8):
        shapes[0x2580 + eighth] = box(16 - 2 * eighth, 16, 0, 8)
        shapes[0x2590 - eighth] = box(0, 16, 0, eighth)
    shapes[0x2594], shapes[0x2595] = box(0, 2, 0, 8), box(0, 16, 7, 8)
    for shade in range(3):
        shapes[0x2591 + shade] = np.full((HEIGHT, WIDTH), (64, 128, 191)[shade], np.uint8)
    # Bits: upper left 1, upper right 2, lower left 4, lower right 8.
    quadrants = (4, 8, 1, 13, 9, 7, 11, 2, 6, 14)
    for position, bits in enumerate(quadrants):
        shapes[0x2596 + position] = parts(bits, rows=(0, 8, 16))
    # The 60 sextants leave out blank, left half, right half and full: those exist already.
    sextants = (bits for bits in range(1, 63) if bits not in (0b010101, 0b101010))
    for position, bits in enumerate(sextants):
        shapes[0x1FB00 + position] = parts(bits, rows=(0, 5, 11, 16))
    for bits in range(256):
        shapes[0x2800 + bits] = dots(bits)
    return shapes


def box(top: int, bottom: int, left: int, right: int) -> NDArray[np.uint8]:
    cell = np.zeros((HEIGHT, WIDTH), np.uint8)
    cell[top:bottom, left:right] = 255
    return cell


def parts(bits: int, *, rows: tuple[int, ...]) -> NDArray[np.uint8]:
    """A cell cut into two columns and len(rows) - 1 rows; bits from the top, left first."""
    cell = np.zeros((HEIGHT, WIDTH), np.uint8)
    for part in range(2 * (len(rows) - 1)):
        if bits >> part & 1:
            row, column = divmod(part, 2)
            cell[rows[row] : rows[row + 1], 4 * column : 4 * column + 4] = 255
    return cell


def dots(bits: int) -> NDArray[np.uint8]:
    """A braille cell: 2 x 4 round dots of radius 1.45 pixels, anti-aliased by 8 x 8 samples."""
    places = ((0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1), (3, 0), (3, 1))
    fine = 8
    rows, columns = np.mgrid[0 : HEIGHT * fine, 0 : WIDTH * fine]
    ink = np.zeros((HEIGHT * fine, WIDTH * fine), bool)
    for bit, (row, column) in enumerate(places):
        if bits >> bit & 1:
            # In half-samples, so that everything stays whole: a dot's centre is at 2 + 4 n pixels.
            high = 2 * rows + 1 - 2 * fine * (2 + 4 * row)
            wide = 2 * columns + 1 - 2 * fine * (2 + 4 * column)
            ink |= 100 * (high * high + wide * wide) <= (145 * 2 * fine) ** 2 // 100
    count = ink.reshape(HEIGHT, fine, WIDTH, fine).sum(axis=(1, 3))
    return ((count * 255 + 32) // 64).astype(np.uint8)


def main() -> None:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else FONT
    codes, shapes = measured(path)
    np.savez_compressed(TARGET, codes=codes, coverage=shapes)
    print(f"{len(codes)} glyphs of {path.name} -> {TARGET.name}, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
