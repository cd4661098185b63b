"""
Which of our answers a client likes best (RFC 9110, 12.5). Pure.

    Accept: text/html, image/*;q=0.5      each offer gets the weight of the most exact range
                                          that it is in; the heaviest offer wins, and of
                                          equals the one that we name first

What can't be read in a header is ignored, as it would be by whoever stands between.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

RANGES_MAX = 64
"""More than this many ranges in one header are ignored: no browser has a tenth of them."""


@lru_cache(maxsize=256)
def accepted(header: str | None, offers: Sequence[str]) -> str | None:
    """
    The offer that `header`, an Accept, likes best; None where it likes none.

    `offers` are media types without parameters, the one that we prefer first.
    """
    if header is None or not header.strip():
        return offers[0]
    ranges = weighted(header)
    best, best_weight = None, 0.0
    for offer in offers:
        weight = weight_of(offer, ranges)
        if weight > best_weight:
            best, best_weight = offer, weight
    return best


def weighted(header: str) -> list[tuple[str, float]]:
    """Each value of a list such as Accept, with its weight from 0 to 1."""
    found = []
    for part in header.split(",")[:RANGES_MAX]:
        value, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            name, _, text = parameter.partition("=")
            if name.strip() == "q":
                weight = weight_from(text.strip())
        if value:
            found.append((value, weight))
    return found


def weight_from(text: str) -> float:
    if not (text.isascii() and text.replace(".", "", 1).isdigit() and len(text) <= 5):
        return 0.0
    return min(1.0, float(text))


def weight_of(offer: str, ranges: list[tuple[str, float]]) -> float:
    exact = dict(reversed(ranges))
    for value in (offer, offer.partition("/")[0] + "/*", "*/*"):
        if value in exact:
            return exact[value]
    return 0.0
