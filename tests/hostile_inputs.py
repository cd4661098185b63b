"""
Everything hostile that is sent to the server, in one list; and what a folder of pictures adds.

    INPUTS    one connection each: an answer, soon
    SLOW      senders that take their time, until the server takes no more of it
    folder    each file of a folder as the body of POST /v1/art
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable
from pathlib import Path

from hostile_heads import FORMS, HEADS, OPTIONS
from hostile_requests import BODIES, PICTURES, POST, SMUGGLING, Input, posted, whole


def to_keep(hostile: Input) -> Input:
    """The same, sent to be kept."""

    def pieces() -> Iterable[bytes]:
        for piece in hostile.pieces():
            yield piece.replace(b"POST /v1/art ", b"POST /v1/pictures ", 1)

    return dataclasses.replace(hostile, name=f"to be kept: {hostile.name}", pieces=pieces)


KEEPING = [to_keep(hostile) for hostile in [*PICTURES, *BODIES] if "200" not in hostile.wanted]
"""What is refused must be refused to be kept as well, and nothing of it be left."""

INPUTS = [*PICTURES, *BODIES, *KEEPING, *SMUGGLING, *HEADS, *OPTIONS, *FORMS]

TOO_SLOW = ("408 request-slow",)
HUNG_UP = ("closed", "408, closed", "408")
WAITING = POST + b"Content-Length: 1000000\r\n\r\n"

STOPPING = [
    Input("body that stops after a byte", whole(WAITING + b"x"), TOO_SLOW, is_long=True),
    Input("body that never begins", whole(WAITING), TOO_SLOW, is_long=True),
    Input(
        "chunk that never ends",
        whole(POST + b"Transfer-Encoding: chunked\r\n\r\nfffff\r\nx"),
        TOO_SLOW,
        is_long=True,
    ),
]
"""Senders that say a little, and then nothing."""

DRIPPING = [
    Input(
        "body of 10 bytes a second",
        lambda: itertools.chain([WAITING], itertools.repeat(b"x", 10_000)),
        TOO_SLOW,
        is_long=True,
        drip_seconds=0.1,
    ),
    Input(
        "body of 15 KiB a second",
        lambda: itertools.chain([WAITING], itertools.repeat(bytes(1536), 10_000)),
        TOO_SLOW,
        is_long=True,
        drip_seconds=0.1,
    ),
    Input(
        "body of 20 KiB a second",
        lambda: itertools.chain([WAITING], itertools.repeat(bytes(2048), 10_000)),
        TOO_SLOW,
        is_long=True,
        drip_seconds=0.1,
    ),
]
"""Senders that say a little again and again: below the least rate, and for too long above it."""

HEAD_DRIPPING = Input(
    "head of one byte a second",
    lambda: (bytes([byte]) for byte in b"GET /livez HTTP/1.1\r\nHost: here\r\nX: " + b"y" * 10_000),
    HUNG_UP,
    is_long=True,
    drip_seconds=1.0,
)

PICTURE_ANSWERS = (
    "200",
    "413 picture-too-large",
    "415 picture-unknown",
    "422 picture-damaged",
    "422 render-stopped",
)


def folder(path: Path) -> list[Input]:
    """Each file of `path` as an input; whatever it holds, these answers and no others will do."""
    files = sorted(file for file in path.iterdir() if file.is_file())
    return [Input(file.name, posted(file.read_bytes), PICTURE_ANSWERS) for file in files]
