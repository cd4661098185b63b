"""
Deflate (RFC 1951) whose bytes are ours for ever, for the png format.

zlib promises that what it packs can be unpacked, not that two of its versions pack alike,
and they don't. So this packs with a method that has no freedom left in it:

    the caller says    for each byte how far back the same byte stands (0: nowhere)
    tokens             bytes of one distance are one match, 3 to 258 long; all else is literal
    codes              the fixed Huffman codes of the RFC, no tables to choose
    blocks             one a call, ended on a whole byte (an empty stored block: a "sync flush")

Finding the matches is the caller's part, and easy for him: he drew the picture out of
cells and knows what he repeated.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ZLIB_HEADER = b"\x78\x01"
LAST_BLOCK = b"\x03\x00"
"""A last block without anything in it."""

MATCH_LEAST, MATCH_MOST = 3, 258
DISTANCE_MOST = 32_768

SYNC = b"\x00\x00\xff\xff"
"""Length 0 and its complement: what an empty stored block holds after its header."""


def block(data: NDArray[np.uint8], distances: NDArray[np.int32]) -> bytes:
    """
    `data` (n,) as one block that is not the last, in whole bytes.

    `distances` (n,): data[i] == data[i - distances[i]] where it isn't 0; the byte referred
    to is in `data` or in the blocks before, at most DISTANCE_MOST back.
    """
    assert data.shape == distances.shape, (data.shape, distances.shape)
    assert not len(distances) or 0 <= distances.min() <= distances.max() <= DISTANCE_MOST
    places, lengths = tokens(distances)
    match = lengths > 1

    codes, widths = LITERAL_CODES[data[places]], LITERAL_WIDTHS[data[places]]
    codes[match], widths[match] = match_codes(lengths[match], distances[places[match]])

    # Block header: not the last (0), fixed codes (01); at the end, end of block (0000000)
    # and the header of the empty stored block (000).
    codes = np.concatenate([[0b010], codes, [0, 0]])
    widths = np.concatenate([[3], widths, [7, 3]])
    return bits(codes, widths) + SYNC


def tokens(distances: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each token begins and how many bytes it stands for: 1 is a literal."""
    index = np.arange(len(distances), dtype=np.int64)
    changed = np.ones(len(distances), np.bool_)
    changed[1:] = distances[1:] != distances[:-1]
    since = index - np.maximum.accumulate(np.where(changed, index, 0))
    begins = np.flatnonzero(changed | (since % MATCH_MOST == 0))
    lengths = np.diff(begins, append=len(distances))

    is_match = (distances[begins] > 0) & (lengths >= MATCH_LEAST)
    literal = np.repeat(~is_match, lengths)
    literal[begins[is_match]] = True
    places = np.flatnonzero(literal)
    length_at = np.ones(len(distances), np.int64)
    length_at[begins[is_match]] = lengths[is_match]
    return places, length_at[places]


def match_codes(
    lengths: NDArray[np.int64], distances: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The bits of matches, and how many: length symbol, its extra bits, distance, its extra."""
    symbols = np.searchsorted(LENGTH_FIRST, lengths, side="right") - 1
    codes, widths = LENGTH_CODES[symbols], LENGTH_WIDTHS[symbols]
    codes = codes | (lengths - LENGTH_FIRST[symbols]) << widths
    widths = widths + LENGTH_EXTRA[symbols]
    symbols = np.searchsorted(DISTANCE_FIRST, distances, side="right") - 1
    codes = codes | DISTANCE_CODES[symbols] << widths
    widths = widths + 5
    codes = codes | (distances - DISTANCE_FIRST[symbols]) << widths
    return codes, widths + DISTANCE_EXTRA[symbols]


def bits(codes: NDArray[np.int64], widths: NDArray[np.int64]) -> bytes:
    """All codes one after another, lowest bit first, filled up to whole bytes with 0."""
    after = np.cumsum(widths)
    before = after - widths
    shifted = codes << (before & 31)
    words = int(after[-1]) // 32 + 2
    # Codes share no bits, so adding is or-ing, and the sums stay below 2^32: exact in the
    # floats that bincount adds in.
    low = np.bincount(before >> 5, weights=shifted & 0xFFFFFFFF, minlength=words)
    high = np.bincount((before >> 5) + 1, weights=shifted >> 32, minlength=words)
    packed = (low + high).astype("<u4").tobytes()
    return packed[: (int(after[-1]) + 7) // 8]


def reversed_bits(code: int, width: int) -> int:
    """Huffman codes go out highest bit first, unlike everything else in deflate."""
    return int(f"{code:0{width}b}"[::-1], 2)


def fixed_code(symbol: int) -> tuple[int, int]:
    """The code of a literal or length symbol and its width (RFC 1951, 3.2.6)."""
    if symbol < 144:
        return reversed_bits(0b00110000 + symbol, 8), 8
    if symbol < 256:
        return reversed_bits(0b110010000 + symbol - 144, 9), 9
    if symbol < 280:
        return reversed_bits(symbol - 256, 7), 7
    return reversed_bits(0b11000000 + symbol - 280, 8), 8


def table(values: list[int]) -> NDArray[np.int64]:
    return np.array(values, np.int64)


def first_of(extra: NDArray[np.int64], first: int) -> NDArray[np.int64]:
    """The first value of each symbol, from how many extra bits the symbols before it have."""
    return first + np.concatenate([[0], np.cumsum(1 << extra)[:-1]])


LITERAL_CODES = table([fixed_code(symbol)[0] for symbol in range(256)])
LITERAL_WIDTHS = table([fixed_code(symbol)[1] for symbol in range(256)])
LENGTH_EXTRA = table([0] * 8 + [bits for bits in range(1, 6) for _ in range(4)] + [0])
LENGTH_FIRST = first_of(LENGTH_EXTRA, MATCH_LEAST)
# The last symbol is 258 alone, although the one before could say it as well.
LENGTH_FIRST[-1] = MATCH_MOST
LENGTH_CODES = table([fixed_code(symbol)[0] for symbol in range(257, 286)])
LENGTH_WIDTHS = table([fixed_code(symbol)[1] for symbol in range(257, 286)])
DISTANCE_EXTRA = table([0, 0] + [bits for bits in range(14) for _ in range(2)])
DISTANCE_FIRST = first_of(DISTANCE_EXTRA, 1)
DISTANCE_CODES = table([reversed_bits(symbol, 5) for symbol in range(30)])
