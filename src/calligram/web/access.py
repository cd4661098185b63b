"""
Who may ask, and how often. Both are off unless the operator sets them.

Tokens stand in a file, one a line: a name and the SHA-256 of the token in hex. Whoever reads
the file learns no token.

    laptop 5994471abb01112afcc18159f6cc74b4f511b99806da59b3caf5a9c173cacfc5

The rate is a bucket for each client address: it holds as many requests as a minute allows,
and fills up evenly. It is kept by each server process on its own.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import OrderedDict
from collections.abc import Callable

from calligram.errors import RateExceeded, TokenRefused
from calligram.web.messages import Headers

CLIENTS_MAX = 10_000
"""More clients than this, and those that were silent longest are forgotten."""

WINDOW_SECONDS = 60


class Tokens:
    """The tokens that are known, by their hashes."""

    def __init__(self, hashes: frozenset[str]) -> None:
        self.hashes = hashes

    @classmethod
    def read(cls, text: str) -> Tokens:
        """Tokens from a file's text; raises ValueError for a line that can't be read."""
        hashes = set()
        for number, line in enumerate(text.splitlines(), 1):
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            if len(words) != 2 or not re.fullmatch("[0-9a-f]{64}", words[1]):
                raise ValueError(f"line {number} is no name and SHA-256 in lower-case hex")
            hashes.add(words[1])
        return cls(frozenset(hashes))

    def check(self, authorization: str | None) -> None:
        """Raise TokenRefused where `authorization` holds no known token."""
        scheme, _, token = (authorization or "").partition(" ")
        # What is compared is a hash, so how long it takes tells nothing about a token.
        known = hashlib.sha256(token.strip().encode()).hexdigest() in self.hashes
        if scheme.lower() != "bearer" or not known:
            raise TokenRefused(
                "a token is needed, as in Authorization: Bearer TOKEN; whoever runs this "
                "service gives them out"
            )


class Rate:
    """How many requests a client may send; `clock` tells seconds."""

    def __init__(self, *, requests_per_minute_max: int, clock: Callable[[], float]) -> None:
        self.quota = requests_per_minute_max
        self.clock = clock
        self.buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str) -> Headers:
        """Count one request of `client`; the headers that tell him what is left."""
        now = self.clock()
        left, since = self.buckets.pop(client, (float(self.quota), now))
        left = min(self.quota, left + (now - since) * self.quota / WINDOW_SECONDS)
        taken = left >= 1
        self.buckets[client] = (left - 1 if taken else left, now)
        while len(self.buckets) > CLIENTS_MAX:
            self.buckets.popitem(last=False)
        if not taken:
            raise self.exceeded(left)
        return self.headers(left - 1)

    def exceeded(self, left: float) -> RateExceeded:
        error = RateExceeded(
            f"more than {self.quota} requests in {WINDOW_SECONDS} s; Retry-After says when "
            "the next will do",
            limit=self.quota,
        )
        error.retry_after_seconds = max(1, math.ceil((1 - left) * WINDOW_SECONDS / self.quota))
        return error

    def headers(self, left: float) -> Headers:
        """RateLimit and RateLimit-Policy, as the IETF's draft has them."""
        full = math.ceil((self.quota - left) * WINDOW_SECONDS / self.quota)
        return (
            (b"ratelimit-policy", b'"client";q=%d;w=%d' % (self.quota, WINDOW_SECONDS)),
            (b"ratelimit", b'"client";r=%d;t=%d' % (int(left), full)),
        )
