"""
What is done with a picture: its art is written down, as the service would answer it.

    holiday/day 1/beach.jpg  ->  day 1/beach.jpg.txt

The art's name is the picture's whole name and the format's suffix, so no two pictures share
one: not beach.jpg and beach.png either.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

from calligram.art.formats import FORMATS
from calligram.art.limits import DEFAULT_LIMITS, Limits
from calligram.art.options import Options
from calligram.bulk.places import Address, Draft, Place
from calligram.bulk.renderer import Renderer


@dataclass(frozen=True)
class Drawn:
    """What was found out: the picture's id, and its art's size and SHA-256."""

    picture: str
    art: str
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """Draw each picture of `source` into `destination`."""

    version: str
    source: Address
    destination: Address
    options: Options
    format: str
    seconds_max: float
    bytes_max: int
    limits: Limits = DEFAULT_LIMITS

    def art_name(self, name: str) -> str:
        return name + FORMATS[self.format].suffix

    def do(self, name: str, renderer: Renderer) -> tuple[Drawn, Draft | None]:
        data = self.pictures.read(name, self.limits)
        art = renderer.draw(data, self.options, self.format, self.limits)
        draft = self.arts.draft(self.art_name(name), art)
        drawn = Drawn(hashlib.sha256(data).hexdigest(), hashlib.sha256(art).hexdigest(), len(art))
        return drawn, draft

    @cached_property
    def pictures(self) -> Place:
        return self.source.open()

    @cached_property
    def arts(self) -> Place:
        return self.destination.open()

    def __getstate__(self) -> dict[str, object]:
        # Opened places stay here: a worker opens its own.
        return {k: v for k, v in vars(self).items() if k not in ("pictures", "arts")}
