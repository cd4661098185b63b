"""
What a load run asks for: one kind of request each, in the words of the service.

    draw   POST /v1/art         a picture that nobody sent before: drawn, and forgotten
    keep   POST /v1/pictures    a picture that nobody sent before: kept, and drawn
    get    GET  /v1/pictures/{id}/art/{algorithm}.{format}     a permanent address, by popularity

Popularity is Zipf's: the n-th most wanted of the kept pictures is asked for n^-s as often as
the first. A mix names kinds and their shares, as `draw=0.1,get=0.9`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import numpy as np

from calligram.capacity.corpus import Corpus
from calligram.capacity.popularity import zipf_shares
from calligram.errors import PlanRefused

KINDS = ("draw", "keep", "get")
PATHS: Mapping[str, str] = {
    "draw": "/v1/art",
    "keep": "/v1/pictures",
    "get": "/v1/pictures/{id}/art/{algorithm}.{format}",
}
ZIPF_EXPONENT = 0.9
KEPT = 200
"""Pictures that are kept beforehand, where permanent addresses are asked for."""


@dataclass(frozen=True)
class Request:
    """One request, ready to be sent: all but its connection."""

    kind: str
    method: str
    path: str
    body: bytes = b""

    def head(self, host: str, *, keep_alive: bool) -> bytes:
        told = f"{self.method} {self.path} HTTP/1.1\r\nHost: {host}\r\nAccept: text/plain\r\n"
        if not keep_alive:
            told += "Connection: close\r\n"
        if self.method == "POST":
            told += (
                f"Content-Type: application/octet-stream\r\nContent-Length: {len(self.body)}\r\n"
            )
        return f"{told}\r\n".encode()


@dataclass(frozen=True)
class Target:
    """A server's address, and how requests to it are made."""

    host: str
    port: int
    corpus: Corpus
    query: str = ""
    algorithm: str = "shape-1"
    format: str = "txt"
    kept: Sequence[str] = field(default=(), repr=False)
    """Ids of pictures that it keeps already, the most wanted first."""

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"

    def request(self, kind: str, number: int) -> Request:
        """Request `number` of a kind; for `get` the number is the place in `kept`."""
        query = f"?{self.query}" if self.query else ""
        if kind == "get":
            path = PATHS["get"].format(
                id=self.kept[number], algorithm=self.algorithm, format=self.format
            )
            return Request(kind, "GET", path + query)
        return Request(kind, "POST", PATHS[kind] + query, self.corpus.picture(number))

    def requests(self, mix: Mapping[str, float], *, seed: int, first: int) -> Iterator[Request]:
        """Requests without end, mixed by chance. Pictures are numbered from `first` on."""
        random = np.random.default_rng([seed, first])
        kinds, shares = list(mix), np.array(list(mix.values()))
        wanted = zipf_shares(max(1, len(self.kept)), ZIPF_EXPONENT)
        number = first
        while True:
            drawn = random.choice(len(kinds), 256, p=shares / shares.sum())
            places = random.choice(len(wanted), 256, p=wanted)
            for kind, place in zip(drawn, places, strict=True):
                if kinds[kind] == "get":
                    yield self.request("get", int(place))
                else:
                    yield self.request(kinds[kind], number)
                    number += 1


def picture_id(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def address(url: str) -> tuple[str, int]:
    """Host and port of a base URL such as http://127.0.0.1:8080; raises PlanRefused."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        port = parts.port or 80
    except ValueError as error:
        raise PlanRefused(f"{url} is no address: {error}") from error
    if parts.scheme != "http" or not parts.hostname or parts.path.strip("/") or parts.query:
        raise PlanRefused(f"{url} must be a server's base address, as http://HOST:PORT")
    return parts.hostname, port


def mix_of(text: str) -> dict[str, float]:
    """A mix out of words such as `draw=0.1,get=0.9`, or one kind alone; raises PlanRefused."""
    mix = {}
    for part in text.split(","):
        kind, _, share = part.strip().partition("=")
        try:
            value = float(share or 1)
        except ValueError:
            value = -1.0
        if kind not in KINDS or kind in mix or not 0 < value < float("inf"):
            raise PlanRefused(
                f"a mix is KIND=SHARE, ... of {', '.join(KINDS)}, each once, not {text!r}"
            )
        mix[kind] = value
    total = sum(mix.values())
    return {kind: value / total for kind, value in mix.items()}
