"""
Which pages of other origins may use this service (CORS). None, unless the operator says so.
Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

from calligram.web.messages import Headers

TAKEN = b"Authorization, Content-Digest, Content-Type, X-Request-ID"
TOLD = (
    b"Calligram-Algorithm, Calligram-Error, Cache-Status, ETag, RateLimit, RateLimit-Policy, "
    b"Repr-Digest, Retry-After, Server-Timing, X-Request-ID"
)


ALL = (b"access-control-allow-origin", b"*")


@dataclass(frozen=True, slots=True)
class Cors:
    """The origins that may; `*` means all."""

    origins: frozenset[str]

    def headers(self, origin: str | None) -> Headers:
        """For every answer: whether a page of `origin` may read it."""
        if not self.origins:
            return ()
        if "*" in self.origins:
            return (ALL, (b"access-control-expose-headers", TOLD))
        varies = (b"vary", b"Origin")
        if origin not in self.origins or origin is None:
            return (varies,)
        return (
            (b"access-control-allow-origin", origin.encode("latin-1")),
            (b"access-control-expose-headers", TOLD),
            varies,
        )

    def preflight(self, methods: bytes) -> Headers:
        """Besides `headers`, for OPTIONS: what such a page may send."""
        if not self.origins:
            return ()
        return (
            (b"access-control-allow-methods", methods),
            (b"access-control-allow-headers", TAKEN),
            (b"access-control-max-age", b"600"),
        )
