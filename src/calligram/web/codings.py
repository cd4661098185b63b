"""
Content codings: text answers are packed as the client likes it (RFC 9110, 12.5.3).

    Accept-Encoding: gzip, br;q=0.5    the heaviest coding that we have; of equals the one that
                                       we name first; none where the plain bytes are heavier

Each coding has two levels: a quick one for what is drawn while somebody waits, and a thorough
one for what is packed once, at the start.
"""

from __future__ import annotations

import gzip
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import brotli  # type: ignore[import-untyped] # it carries no types

from calligram.web.negotiation import weighted

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

BYTES_MIN = 1024
"""Less isn't worth packing."""


@dataclass(frozen=True, slots=True)
class Coding:
    """One coding by its registered name, and how bytes are packed in it."""

    name: str
    quickly: Callable[[bytes], bytes]
    thoroughly: Callable[[bytes], bytes]


CODINGS: Mapping[str, Coding] = {
    coding.name: coding
    for coding in (
        Coding("zstd", lambda body: zstd.compress(body, 1), lambda body: zstd.compress(body, 19)),
        Coding(
            "br",
            lambda body: brotli.compress(body, quality=2),
            lambda body: brotli.compress(body, quality=11),
        ),
        # mtime: the same bytes at every time, on every server.
        Coding(
            "gzip",
            lambda body: gzip.compress(body, 1, mtime=0),
            lambda body: gzip.compress(body, 9, mtime=0),
        ),
    )
}
"""All that we have; of those that a client likes equally, the first is chosen."""


@lru_cache(maxsize=256)
def chosen(header: str | None) -> Coding | None:
    """
    The coding that `header`, an Accept-Encoding, likes best; None for the plain bytes.

    Who says nothing gets the plain bytes, and so does who refuses all that there is: a 406
    would help nobody.
    """
    if not header:
        return None
    weights = dict(reversed(weighted(header)))
    if "x-gzip" in weights:
        weights.setdefault("gzip", weights["x-gzip"])
    others = weights.get("*", 0.0)
    best = max(CODINGS.values(), key=lambda coding: weights.get(coding.name, others))
    weight = weights.get(best.name, others)
    # Plain bytes that nobody mentions are what is left when nothing else will do.
    return best if weight > 0 and weight >= weights.get("identity", 0.0) else None
