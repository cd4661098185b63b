"""
Algorithm shape-1: each cell gets the glyph that looks most like it, tone and shape together.

    without colour:  luma -> ink -> stretched -> cells of 8 x 4 samples -> nearest glyph
    with colour:     sRGB -> cells of 8 x 4 samples -> best glyph and its two colours

Glyphs are what a font really draws, as coverage, and all of them are tried. Without colour
the nearness is judged through a slight blur, as from a reading distance: a glyph may then
stand for a tone without repeating its dots, and a stroke still counts where it lies.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from calligram.art import colour, dither, glyphs, levels, match
from calligram.art.grid import Grid, cells, sampled
from calligram.art.model import Art
from calligram.art.options import Options

CHARACTERS = "ascii"
HIGH, WIDE = 8, 4
CANDIDATES = 4

COLOUR_STEPS = {"16": 96, "256": 40, "full": 0}
"""How far apart neighbouring colours of a palette stand in a channel, roughly."""


def draw(image: Image.Image, grid: Grid, options: Options) -> Art:
    """Draw luma, or sRGB where options have colour. Pure: same input, same art."""
    if options.colour == "none":
        return draw_inked(image, grid, options)
    return draw_coloured(image, grid, options)


def draw_inked(luma: Image.Image, grid: Grid, options: Options) -> Art:
    codes, table = inks(options.characters or CHARACTERS)
    samples = sampled(luma, grid, high=HIGH, wide=WIDE)
    ink = levels.inked(samples, background=options.background, invert=options.invert)
    patches = cells(levels.stretched(ink, blank_share=blank_share(table)), grid)
    if options.dither == "ordered":
        patches = dither.ordered(patches, grid, span=dither.widest_step(table.tones))
    return Art(
        codes[match.best_inks(patches, table)].reshape(grid.rows, grid.columns), None, None, options
    )


def blank_share(table: match.InkTable) -> int:
    """Percent of a picture left blank: more where even the densest glyph is mostly gaps."""
    return 33 if table.densest < 255 // 3 else 15


def draw_coloured(image: Image.Image, grid: Grid, options: Options) -> Art:
    codes, table = pairs(options.characters or CHARACTERS)
    samples = sampled(image, grid, high=HIGH, wide=WIDE)
    patches = cells(255 - samples if options.invert else samples, grid)
    if options.dither == "ordered":
        patches = dither.ordered(patches, grid, span=COLOUR_STEPS[options.colour])
    index, foreground, background = match.best_pairs(
        patches, table, settler(options.colour), candidates=CANDIDATES
    )
    shape = (grid.rows, grid.columns)
    return Art(
        codes[index].reshape(shape),
        colour.nearest(foreground, options.colour).reshape(shape),
        colour.nearest(background, options.colour).reshape(shape),
        options,
    )


def settler(pens: str) -> match.Settle:
    """Colours to what the terminal will make of them."""
    if pens == "full":
        return lambda colours: colours
    return lambda colours: colour.rgb_of(colour.nearest(colours, pens), pens, 0)


@lru_cache(maxsize=32)
def inks(characters: str) -> tuple[NDArray[np.uint32], match.InkTable]:
    codes = glyphs.codes_of(characters)
    return codes, match.ink_table(glyphs.coverage(codes), high=HIGH, wide=WIDE)


@lru_cache(maxsize=32)
def pairs(characters: str) -> tuple[NDArray[np.uint32], match.PairTable]:
    codes = glyphs.codes_of(characters)
    return codes, match.pair_table(glyphs.coverage(codes), high=HIGH, wide=WIDE)
