"""
The pictures that a load run sends: a folder's, or ones drawn from a seed.

The built-in ones are JPEGs of soft noise with grain, sized as pictures on the net are: most of
them half a megapixel, few of many megapixels (log-normal, cut at both ends). One small picture
sent again and again would measure a cache, a branch predictor and a lucky size.

Any picture can be made another one of the same pixels by a number in a comment (`marked`): other
bytes, another id, the same work. So no cache answers, and no two equal requests are drawn as one.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from calligram.errors import PlanRefused

COUNT = 24
MEGAPIXELS_MIDDLE = 0.5
MEGAPIXELS_SPREAD = 1.0
MEGAPIXELS_LIMITS = (0.05, 12.0)
SHAPES = (4 / 3, 3 / 2, 16 / 9, 1.0, 3 / 4, 2 / 3)
QUALITY = 85

JPEG_START = b"\xff\xd8"
PNG_START = b"\x89PNG\r\n\x1a\n"
PNG_HEADER_BYTES = 8 + 25
PICTURES_MAX = 1000
BYTES_MAX = 32 * 1024 * 1024


@dataclass(frozen=True)
class Corpus:
    """Pictures and what they are, in words."""

    pictures: tuple[bytes, ...]
    words: str
    typical: int = 0
    """The picture that takes about as long as all do on average."""

    @property
    def bytes_mean(self) -> float:
        return sum(map(len, self.pictures)) / len(self.pictures)

    def picture(self, number: int) -> bytes:
        """Picture `number`, as no other number has it."""
        return marked(self.pictures[number % len(self.pictures)], number)

    def typical_picture(self, number: int) -> bytes:
        """The typical picture, as no other number has it."""
        return marked(self.pictures[self.typical], number)


def marked(data: bytes, number: int) -> bytes:
    """The JPEG or PNG `data` as another picture of the same pixels."""
    text = b"%016d" % number
    if data.startswith(JPEG_START):
        return JPEG_START + b"\xff\xfe\x00\x12" + text + data[2:]
    assert data.startswith(PNG_START), data[:8]
    chunk = b"tEXt" + b"Number\x00" + text
    length, check = len(chunk) - 4, zlib.crc32(chunk)
    marker = length.to_bytes(4, "big") + chunk + check.to_bytes(4, "big")
    return data[:PNG_HEADER_BYTES] + marker + data[PNG_HEADER_BYTES:]


def folder_corpus(folder: Path) -> Corpus:
    """The JPEGs and PNGs in `folder` and below; raises PlanRefused where there are none."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    pictures, others = [], 0
    for path in paths:
        data = path.read_bytes() if path.stat().st_size <= BYTES_MAX else b""
        if data.startswith((JPEG_START, PNG_START)):
            pictures.append(data)
        else:
            others += 1
        if len(pictures) == PICTURES_MAX:
            break
    if not pictures:
        raise PlanRefused(
            f"{folder} holds no JPEG and no PNG of at most {BYTES_MAX // 2**20} MiB; others can't "
            f"be sent as ever new pictures"
        )
    words = f"{len(pictures)} pictures of {folder.name}"
    if others:
        words += f" (and {others} other files, passed over)"
    return Corpus(tuple(pictures), words)


def seeded_corpus(seed: int, count: int = COUNT) -> Corpus:
    """`count` JPEGs with sizes as pictures on the net have them, the same for the same seed."""
    random = np.random.default_rng(seed)
    # Quantiles in a random order and not free draws: a small corpus has the whole range, too.
    places = (random.permutation(count) + random.uniform(0, 1, count)) / count
    megapixels = np.exp(np.log(MEGAPIXELS_MIDDLE) + MEGAPIXELS_SPREAD * normal_quantile(places))
    pictures = [jpeg(float(one), random) for one in np.clip(megapixels, *MEGAPIXELS_LIMITS)]
    pixels = f"{megapixels_words(pictures)}"
    return Corpus(tuple(pictures), f"{count} seeded JPEGs (seed {seed}), {pixels}")


def normal_quantile(shares: np.ndarray) -> np.ndarray:
    from scipy.special import ndtri

    return np.asarray(ndtri(shares))


def jpeg(megapixels: float, random: np.random.Generator) -> bytes:
    shape = float(random.choice(SHAPES))
    height = max(16, round((megapixels * 1e6 / shape) ** 0.5))
    width = max(16, round(height * shape))
    soft = Image.fromarray(random.integers(0, 256, (9, 13, 3), np.uint8))
    large = np.asarray(soft.resize((width, height), Image.Resampling.BICUBIC)).astype(np.int16)
    # Grain costs bytes and decoding time, as in photographs: soft noise alone would be too small.
    grain = random.integers(-14, 15, (height, width, 1), np.int16)
    file = io.BytesIO()
    Image.fromarray(np.clip(large + grain, 0, 255).astype(np.uint8)).save(
        file, "JPEG", quality=QUALITY
    )
    return file.getvalue()


def megapixels_words(pictures: Sequence[bytes]) -> str:
    sizes = []
    for data in pictures:
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as picture:
            sizes.append(picture.width * picture.height / 1e6)
    kilobytes = sum(map(len, pictures)) / len(pictures) / 1000
    return f"{min(sizes):.2f} to {max(sizes):.1f} megapixels, {kilobytes:.0f} kB on average"
