"""
Hostile requests: what an input is, and those about pictures, bodies and where one ends.

    PICTURES    bombs and nonsense, as whole bodies of POST /v1/art
    BODIES      lengths that lie, codings, chunks
    SMUGGLING   requests that two servers might take for different ones

An answer is written as a status and a code, "413 picture-too-large"; "closed" is a connection
that the server hangs up on. Every input asks its last question with `Connection: close`.
"""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from hostile_pictures import BOMBS, MEBIBYTE, NONSENSE
from web_server import jpeg

Pieces = Callable[[], Iterable[bytes]]

TOO_LARGE = ("413 picture-too-large",)
MALFORMED = ("400 request-malformed",)
UNKNOWN = ("415 picture-unknown",)
OPTIONS_REFUSED = ("400 options-refused",)
DAMAGED = ("422 picture-damaged",)
# Granian's own answer, before any of our code: it has a status and no code.
GARBAGE = ("400",)
HTTP_CLOSE = b"HTTP/1.1\r\nHost: here\r\nConnection: close\r\n"
POST = b"POST /v1/art " + HTTP_CLOSE
ENDLESS_PIECES_MAX = 4_096
CHUNK = b"10000\r\n" + bytes(1 << 16) + b"\r\n"


@dataclass(frozen=True)
class Input:
    """One hostile input: what is sent, in pieces, and which answers will do."""

    name: str
    pieces: Pieces
    wanted: tuple[str, ...]
    answers: int = 1
    is_bomb: bool = False
    is_long: bool = False
    """Takes seconds by its nature."""
    drip_seconds: float = 0.0


def whole(*pieces: bytes) -> Pieces:
    return lambda: pieces


def posted(make: Callable[[], bytes]) -> Pieces:
    """A POST of what `make` makes, when it is asked for."""

    def pieces() -> Iterable[bytes]:
        body = make()
        return (POST + b"Content-Length: %d\r\n\r\n" % len(body), body)

    return pieces


def request(
    line: bytes, headers: bytes = b"", body: bytes = b"", length: bytes | None = None
) -> Pieces:
    """`line` is method and target; `length` is a lie about the body."""
    told = b"%d" % len(body) if length is None else length
    return whole(
        line
        + b" HTTP/1.1\r\nHost: here\r\nConnection: close\r\n"
        + headers
        + b"Content-Length: "
        + told
        + b"\r\n\r\n",
        body,
    )


art = partial(request, b"POST /v1/art")
PHOTO = jpeg()

PICTURES = [
    *(Input(name, posted(make), TOO_LARGE, is_bomb=True) for name, make in BOMBS.items()),
    *(Input(name, posted(make), (wanted,)) for name, (make, wanted) in NONSENSE.items()),
]


# --- lengths and codings ---------------------------------------------------------------------


def endless(head: bytes, piece: bytes) -> Iterable[bytes]:
    """More than any server should read; bounded, should one do it after all."""
    return itertools.chain([head], itertools.repeat(piece, ENDLESS_PIECES_MAX))


BODY_33 = 33 * MEBIBYTE
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
BOTH = b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n"

BODIES = [
    Input("no body", art(), MALFORMED),
    Input(
        "body of 33 MiB, announced",
        lambda: endless(POST + b"Content-Length: %d\r\n\r\n" % BODY_33, bytes(1 << 16)),
        TOO_LARGE,
    ),
    Input("body of 33 MiB, chunked", lambda: [CHUNKED, *[CHUNK] * 528, b"0\r\n\r\n"], TOO_LARGE),
    Input("chunked body without an end", lambda: endless(CHUNKED, CHUNK), TOO_LARGE),
    Input(
        "chunks of one byte each, a million",
        lambda: [CHUNKED, *[b"1\r\nx\r\n" * 10_000] * 100, b"0\r\n\r\n"],
        ("408 request-slow", "415 picture-unknown"),
        is_long=True,
    ),
    Input("chunk size of 17 digits", whole(CHUNKED, b"fffffffffffffffff\r\nx"), MALFORMED),
    Input("chunk size that is none", whole(CHUNKED, b"-1\r\nx\r\n0\r\n\r\n"), MALFORMED),
    Input("chunk extension of 1 MiB", whole(CHUNKED, b"1;" + b"x" * MEBIBYTE), MALFORMED),
    # The last chunk was whole: trailers are not read, and what came before them is judged.
    Input("trailers of 1 MiB", whole(CHUNKED, b"1\r\nx\r\n0\r\nX: " + b"x" * MEBIBYTE), UNKNOWN),
    Input("length too short", art(body=PHOTO, length=b"%d" % (len(PHOTO) // 2)), DAMAGED),
    Input("length negative", art(body=PHOTO, length=b"-1"), GARBAGE),
    Input("length of 20 digits", art(body=PHOTO, length=b"9" * 20), GARBAGE),
    Input("length of 19 digits", art(body=PHOTO, length=b"9" * 19), TOO_LARGE),
    Input("length in hex", art(body=PHOTO, length=b"0x10"), GARBAGE),
    Input("length with a plus", art(body=PHOTO, length=b"+16"), GARBAGE),
    Input("two lengths", art(b"Content-Length: 4\r\n", PHOTO), GARBAGE),
    Input(
        "gzip body",
        art(b"Content-Encoding: gzip\r\n", gzip.compress(bytes(MEBIBYTE))),
        ("415 encoding-refused",),
    ),
    Input(
        "six codings",
        art(b"Content-Encoding: gzip, br, gzip, br, zstd, x\r\n", PHOTO),
        ("415 encoding-refused",),
    ),
]

GET = b"GET /livez HTTP/1.1\r\nHost: here\r\n\r\n"
LAST = b"GET /livez " + HTTP_CLOSE + b"\r\n"
SMUGGLED = b"0\r\n\r\n" + LAST
KEPT = b"POST /v1/art HTTP/1.1\r\nHost: here\r\n"

ONE_EMPTY = ("400 request-malformed, closed",)
ONE_GARBAGE = ("400, closed",)

# A second answer to one of these is a request that a proxy in front might not have seen.
SMUGGLING = [
    Input("length and chunked", whole(KEPT + BOTH % len(SMUGGLED) + SMUGGLED), ONE_EMPTY, 2),
    Input(
        "chunked, then length",
        whole(KEPT + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n" + SMUGGLED),
        ONE_EMPTY,
        2,
    ),
    Input("length twice in one", art(body=b"hello" + LAST, length=b"5, 5"), GARBAGE),
    Input(
        "chunked twice",
        whole(
            KEPT + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + SMUGGLED
        ),
        ONE_GARBAGE,
        2,
    ),
    Input(
        "coding that is none",
        whole(KEPT + b"Transfer-Encoding: xchunked\r\n\r\n" + SMUGGLED),
        ONE_GARBAGE,
        2,
    ),
    Input(
        "space before the colon",
        whole(KEPT + b"Transfer-Encoding : chunked\r\n\r\n" + SMUGGLED),
        ONE_GARBAGE,
        2,
    ),
    Input(
        "folded header",
        whole(KEPT + b"Transfer-Encoding:\r\n chunked\r\n\r\n" + SMUGGLED),
        ONE_GARBAGE,
        2,
    ),
    Input(
        "line feeds alone",
        whole(b"GET /livez HTTP/1.1\nHost: here\nConnection: close\n\n"),
        ("200",),
    ),
    Input(
        "body on a GET",
        whole(
            b"GET /livez HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n" % len(LAST)
            + LAST * 2
        ),
        ("200, 200",),
        2,
    ),
    Input("100 requests at once", whole(GET * 99 + LAST), (", ".join(["200"] * 100),), 100),
    Input(
        "100 pictures at once",
        whole(*[KEPT + b"Content-Length: %d\r\n\r\n" % len(PHOTO) + PHOTO] * 99, LAST),
        (", ".join(["200"] * 100),),
        100,
    ),
]
