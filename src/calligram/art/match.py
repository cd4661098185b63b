"""
Matching: which glyph shows a cell best, over all glyphs at once.

A cell's samples and a glyph's coverage are vectors of the same kind, so comparing every
cell with every glyph is one matrix product. It runs in float32 for the speed of BLAS, and
is exact all the same: all numbers are whole and every partial sum stays below 2**24, where
float32 still holds each whole number, so the order of adding can't matter. Each table
checks its own bound when it is built.

Two questions are answered here:

    best_inks    one ink on a fixed page: which glyph is nearest, tone and shape together
    best_pairs   two free colours a cell: which glyph and which two colours leave least error
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

EXACT = 1 << 24
"""float32 holds every whole number up to this one."""

CHUNK_PRODUCTS = 1 << 24
"""Multiplications whose results are held at a time: 2 MiB of scores for 32 samples a cell."""

CALL_PRODUCTS = 1 << 18
"""
Multiplications in one call of BLAS. For more, OpenBLAS wakes threads that wait for work in
a busy loop: a whole processor for what one core does in a fraction of a millisecond.
"""


WIDTH = 16
"""Glyphs in a block: as many float32 numbers as a processor's widest registers hold."""


def chunks(count: int, products: int) -> Iterator[slice]:
    """`count` cells in slices, where each cell takes `products` multiplications."""
    step = max(1, CHUNK_PRODUCTS // products)
    for start in range(0, count, step):
        yield slice(start, start + step)


def product(cells: NDArray[np.float32], table: NDArray[np.float32]) -> NDArray[np.float32]:
    """The matrix product of cells (N, P) and a table (P, G), in calls that stay in this thread."""
    step = max(1, CALL_PRODUCTS // table.size)
    whole = len(cells) // step * step
    found = np.empty((len(cells), table.shape[1]), np.float32)
    batches = cells[:whole].reshape(-1, step, table.shape[0])
    np.matmul(batches, table, out=found[:whole].reshape(-1, step, table.shape[1]))
    np.matmul(cells[whole:], table, out=found[whole:])
    return found


# The autocorrelation of the binomial filter 1 4 6 4 1: a blur of one sample's variance, twice.
BLURRED_TWICE = (70, 56, 28, 8, 1)


def samples_of(coverage: NDArray[np.uint8], *, high: int, wide: int) -> NDArray[np.int64]:
    """Coverage (n, 16, 8) summed over the pixels of each sample: (n, high x wide)."""
    count, height, width = coverage.shape
    parts = coverage.reshape(count, high, height // high, wide, width // wide)
    sums: NDArray[np.int64] = parts.sum(axis=(2, 4), dtype=np.int64)
    return sums.reshape(count, high * wide)


def closeness(high: int, wide: int) -> NDArray[np.int64]:
    """
    How much two samples of a cell mean the same to an eye that blurs: (P, P), P = high x wide.

    With B the blur, |B(a - b)|^2 = (a - b)' B'B (a - b), and B'B is this matrix.
    """
    reach = np.array(BLURRED_TWICE + (0,) * max(high, wide))
    down = reach[np.abs(np.subtract.outer(np.arange(high), np.arange(high)))]
    across = reach[np.abs(np.subtract.outer(np.arange(wide), np.arange(wide)))]
    return np.kron(down, across).astype(np.int64)


# Full ink asks for five thirds of what the densest glyph has on average, so that in the
# strongest cells glyphs are still told apart by where their strokes lie.
REACH = (5, 3)


@dataclass(frozen=True, slots=True, eq=False)
class InkTable:
    """
    Glyphs, ready to be compared with inked cells.

    weights (P + 1, at least G) are whole numbers in float32: those of a cell's samples, and,
    for a last sample that is always 1, what is taken off a glyph's score. tones (G,) are the
    inks that the glyphs stand for, 0 to 255; densest is the greatest mean coverage, 0 to 255.
    """

    weights: NDArray[np.float32]
    tones: NDArray[np.int64]
    densest: int


def ink_table(coverage: NDArray[np.uint8], *, high: int, wide: int) -> InkTable:
    """A table of glyphs (G, 16, 8) for cells of high x wide ink samples."""
    glyphs = samples_of(coverage, high=high, wide=wide)
    blurred = glyphs @ closeness(high, wide)
    inks = glyphs.sum(axis=1)
    full = max(1, int(inks.max()) * REACH[0] // REACH[1])
    # An ink u of 0..255 asks for u m in each sample, where m = full / P / 255, and
    # |B(u m - g)|^2 = const - 2 (u m'Kg - g'Kg / 2). All is multiplied by P x 255.
    weights = blurred * full
    half_squares = (glyphs * blurred).sum(axis=1) * (high * wide * 255) // 2
    scale = max(255 * int(weights.sum(axis=1).max()), int(half_squares.max())) // (EXACT - 1) + 1
    weights, half_squares = weights // scale, half_squares // scale
    # A partial sum lies between the least of what is taken off and the most that is added.
    assert 255 * int(weights.sum(axis=1).max()) < EXACT
    assert int(half_squares.max()) < EXACT
    # Of the glyphs that only fill up the width, each loses to all others, or ties and comes later.
    table = np.zeros((high * wide + 1, -(-len(glyphs) // WIDTH) * WIDTH), np.float32)
    table[-1] = 1 - EXACT
    table[:, : len(glyphs)] = np.vstack([weights.T, -half_squares])
    return InkTable(
        table,
        inks * 255 // full,
        int(inks.max()) // coverage[0].size,
    )


def best_inks(ink: NDArray[np.uint8], table: InkTable) -> NDArray[np.intp]:
    """
    The glyph that shows each cell best: cells of ink (N, P), 0 to 255, to indices (N,).

    Ties go to the first glyph.
    """
    best = np.empty(len(ink), np.intp)
    for chunk in chunks(len(ink), table.weights.size):
        cells = np.ones((len(best[chunk]), len(table.weights)), np.float32)
        cells[:, :-1] = ink[chunk]
        product(cells, table.weights).argmax(axis=1, out=best[chunk])
    return best


@dataclass(frozen=True, slots=True, eq=False)
class PairTable:
    """
    Glyphs, ready for two free colours a cell; all numbers are whole.

    coverage (P, G) is 0..255; sums and squares (G,) are its sums over samples. directions
    (P, G) are the same shapes without their means and made equally long, in float32 too.
    """

    coverage: NDArray[np.float32]
    directions: NDArray[np.float32]
    sums: NDArray[np.int64]
    squares: NDArray[np.int64]


def pair_table(coverage: NDArray[np.uint8], *, high: int, wide: int) -> PairTable:
    """A table of glyphs (G, 16, 8) for cells of high x wide samples in colour."""
    samples = high * wide
    pixels = coverage[0].size // samples
    glyphs = (samples_of(coverage, high=high, wide=wide) + pixels // 2) // pixels
    assert 255 * 255 * samples < EXACT
    sums, squares = glyphs.sum(axis=1), (glyphs * glyphs).sum(axis=1)
    return PairTable(
        np.ascontiguousarray(glyphs.T, np.float32),
        np.ascontiguousarray(_directions(glyphs).T, np.float32),
        sums,
        squares,
    )


def _directions(glyphs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Glyphs (G, P) without their means, scaled to one length; a glyph without shape is zero."""
    samples = glyphs.shape[1]
    centred = samples * glyphs - glyphs.sum(axis=1, keepdims=True)
    lengths = [math.isqrt(int(square)) for square in (centred * centred).sum(axis=1)]
    # The greatest length that keeps 255 x the sum of all entries below EXACT.
    length = EXACT // (255 * samples * (math.isqrt(samples) + 1))
    scaled = centred * length // np.maximum(np.array(lengths), 1)[:, None]
    # Rounding left a small mean; taken off exactly, an even cell scores exactly zero.
    directions: NDArray[np.int64] = samples * scaled - scaled.sum(axis=1, keepdims=True)
    assert 255 * int(np.abs(directions).sum(axis=1).max()) < EXACT
    return directions


CHANNEL_WEIGHTS = (2, 4, 1)
"""How much an error in red, green and blue counts: roughly their shares of brightness."""

Settle: TypeAlias = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
"""Colours (n, 3) to the nearest colours (n, 3) that can be shown."""


def best_pairs(
    patches: NDArray[np.uint8], table: PairTable, settle: Settle, *, candidates: int
) -> tuple[NDArray[np.intp], NDArray[np.uint8], NDArray[np.uint8]]:
    """
    Glyph, foreground and background that show each cell with least squared error.

    Patches are (N, P, 3) sRGB; the answers are (N,), (N, 3) and (N, 3). With a glyph's
    coverage a, a cell shows as background + (foreground - background) a / 255: a straight
    line, whose best fit leaves an error of the cell's own spread less the square of its
    product with the glyph's direction. So all glyphs are ranked by that square, and the
    first few `candidates` are judged with the colours as they can be shown.
    """
    index = np.empty(len(patches), np.intp)
    foreground = np.empty((len(patches), 3), np.uint8)
    background = np.empty((len(patches), 3), np.uint8)
    for chunk in chunks(len(patches), 3 * table.coverage.size):
        channels = np.ascontiguousarray(patches[chunk].swapaxes(1, 2), np.float32)
        likely = _likely(channels, table, min(candidates, len(table.sums)))
        fits = _fits(channels, table, likely)
        index[chunk], foreground[chunk], background[chunk] = _judged(fits, settle)
    return index, foreground, background


def _likely(channels: NDArray[np.float32], table: PairTable, candidates: int) -> NDArray[np.intp]:
    """The glyphs (n, candidates) whose free fit to the cells (n, 3, P) is best, by index."""
    count, _, samples = channels.shape
    products = product(channels.reshape(-1, samples), table.directions)
    # Products are below 2**24, so their weighted squares are whole and exact in float64.
    squares = np.square(products.reshape(count, 3, -1), dtype=np.float64)
    red, green, blue = CHANNEL_WEIGHTS
    merits = red * squares[:, 0] + green * squares[:, 1] + blue * squares[:, 2]
    likely = np.empty((count, candidates), np.intp)
    every = np.arange(count)
    for place in range(candidates):
        likely[:, place] = merits.argmax(axis=1)
        merits[every, likely[:, place]] = -1
    likely.sort(axis=1)
    return likely


@dataclass(frozen=True, slots=True, eq=False)
class _Fits:
    """k candidate glyphs for n cells, with all sums that their errors need."""

    samples: int
    index: NDArray[np.intp]  # (n, k)
    totals: NDArray[np.int64]  # (n, 3, 1): sums of the cell's samples
    products: NDArray[np.int64]  # (n, 3, k): sums of sample x coverage
    sums: NDArray[np.int64]  # (n, 1, k): of coverage
    squares: NDArray[np.int64]  # (n, 1, k)


def _fits(channels: NDArray[np.float32], table: PairTable, index: NDArray[np.intp]) -> _Fits:
    count, _, samples = channels.shape
    products = product(channels.reshape(-1, samples), table.coverage).reshape(count, 3, -1)
    pick = index[:, None, :]
    return _Fits(
        samples,
        index,
        channels.sum(axis=2).astype(np.int64)[:, :, None],
        np.take_along_axis(products, pick, axis=2).astype(np.int64),
        table.sums[pick],
        table.squares[pick],
    )


def _judged(
    fits: _Fits, settle: Settle
) -> tuple[NDArray[np.intp], NDArray[np.uint8], NDArray[np.uint8]]:
    """Of each cell's candidates the one with least error, colours settled: (n,), (n, 3), (n, 3)."""
    gains = fits.samples * fits.products - fits.totals * fits.sums
    # A glyph without shape has no spread and no gain either: its background is the mean.
    shapes: NDArray[np.int64] = fits.samples * fits.squares - fits.sums * fits.sums
    spread = shapes.clip(1)
    below = _rounded(fits.totals * spread - gains * fits.sums, fits.samples * spread)
    background = _settled(below, settle)
    # The foreground is fitted to the background as it will be shown, not as it was wished.
    excess = fits.products - background * fits.sums
    above = background + _rounded(255 * excess, fits.squares.clip(1))
    foreground = _settled(above, settle)
    step = foreground - background
    errors = (
        step * step * fits.squares
        - 510 * step * excess
        + 65025 * background * (fits.samples * background - 2 * fits.totals)
    )
    weighted = sum(weight * errors[:, channel] for channel, weight in enumerate(CHANNEL_WEIGHTS))
    best = np.asarray(weighted).argmin(axis=1)[:, None]
    pick = best[:, None, :]
    return (
        np.take_along_axis(fits.index, best, axis=1)[:, 0],
        np.take_along_axis(foreground, pick, axis=2)[:, :, 0].astype(np.uint8),
        np.take_along_axis(background, pick, axis=2)[:, :, 0].astype(np.uint8),
    )


def _rounded(numerator: NDArray[np.int64], denominator: NDArray[np.int64]) -> NDArray[np.int64]:
    return (2 * numerator + denominator) // (2 * denominator)


def _settled(colours: NDArray[np.int64], settle: Settle) -> NDArray[np.int64]:
    """Colours (n, 3, k) clipped to 0..255 and settled."""
    count, _, candidates = colours.shape
    flat = colours.clip(0, 255).astype(np.uint8).swapaxes(1, 2).reshape(-1, 3)
    return settle(flat).reshape(count, candidates, 3).swapaxes(1, 2).astype(np.int64)
