"""
Hostile heads, options and forms: floods of headers, long addresses, other protocols.

    HEADS      methods, targets, versions, headers by the thousand, bytes that are no HTTP
    OPTIONS    queries that would reach a terminal, a page or a log, if anything let them
    FORMS      multipart bodies that break their own rules, or have no end of parts
"""

from __future__ import annotations

import random
from functools import partial

from hostile_requests import (
    GARBAGE,
    HTTP_CLOSE,
    MALFORMED,
    MEBIBYTE,
    OPTIONS_REFUSED,
    PHOTO,
    UNKNOWN,
    Input,
    art,
    request,
    whole,
)

# Granian's own answers, before any of our code: they have a status and no code.
HEADERS_TOO_LARGE = ("431",)
UNKNOWN_ROUTE = ("404 route-unknown",)
WRONG_METHOD = ("405 method-refused",)
DIGEST = ("400 digest-mismatch",)

get = partial(request, b"GET /livez")
NOISE = random.Random(4).randbytes(4_096)
TLS_HELLO = bytes.fromhex("16030100c8010000c40303") + NOISE[:193]

HEADS = [
    Input(
        "10,000 headers",
        get(b"".join(b"X-%d: y\r\n" % i for i in range(10_000))),
        HEADERS_TOO_LARGE,
    ),
    Input(
        "1,000 headers", get(b"".join(b"X-%d: y\r\n" % i for i in range(1_000))), HEADERS_TOO_LARGE
    ),
    Input(
        "90 headers of 4 KB",
        get(b"".join(b"X-%d: %s\r\n" % (i, b"y" * 4_000) for i in range(90))),
        ("200",),
    ),
    Input("one header of 1 MiB", get(b"X: " + b"y" * MEBIBYTE + b"\r\n"), HEADERS_TOO_LARGE),
    Input(
        "header without an end",
        whole(b"GET / HTTP/1.1\r\nX: ", b"y" * (8 * MEBIBYTE)),
        HEADERS_TOO_LARGE,
    ),
    Input("header with a NUL", get(b"X: a\0b\r\n"), GARBAGE),
    Input("header name with a space", get(b"X y: a\r\n"), GARBAGE),
    Input(
        "no Host",
        whole(b"GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n"),
        ("400 request-malformed",),
    ),
    Input("two Hosts", get(b"Host: there\r\n"), ("400 request-malformed",)),
    Input(
        "1,000 names in X-Request-ID", get(b"X-Request-ID: " + b"a," * 1_000 + b"\r\n"), ("200",)
    ),
    Input("request id that forges a log line", get(b'X-Request-ID: a"}{"event":"x\r\n'), ("200",)),
    Input(
        "Accept of 60 KB",
        art(b"Accept: " + b"a/b;q=0.1," * 6_000 + b"\r\n", PHOTO),
        ("406 not-acceptable",),
    ),
    Input(
        "digest of 60 KB",
        art(b"Content-Digest: " + b"sha-256=:AAAA:," * 4_000 + b"\r\n", PHOTO),
        DIGEST,
    ),
    Input("30,000 ranges", get(b"Range: bytes=" + b"0-1," * 15_000 + b"\r\n"), ("200",)),
    Input(
        "If-None-Match of 60 KB",
        request(b"GET /v1/limits", b"If-None-Match: " + b'"a",' * 15_000 + b"\r\n"),
        ("200",),
    ),
    Input(
        "upgrade to h2c",
        get(
            b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
            b"HTTP2-Settings: AAMAAABkAAQAAP__\r\n"
        ),
        ("200",),
    ),
    Input(
        "upgrade to a websocket",
        get(
            b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        ),
        ("200",),
    ),
    Input("expectation that is none", art(b"Expect: 500-internal\r\n", PHOTO), ("200",)),
    Input("address of 100 KB", request(b"GET /" + b"a" * 100_000), ("414",)),
    Input("address of 60 KB", request(b"GET /" + b"a" * 60_000), UNKNOWN_ROUTE),
    Input("path that climbs", request(b"GET /../../../../etc/passwd"), UNKNOWN_ROUTE),
    Input(
        "path that climbs, encoded", request(b"GET /%2e%2e%2f%2e%2e%2fetc%2fpasswd"), UNKNOWN_ROUTE
    ),
    Input("path with NUL and line ends", request(b"GET /%00%0d%0aX:%20y"), UNKNOWN_ROUTE),
    Input("path that is no UTF-8", request(b"GET /%ff%fe"), UNKNOWN_ROUTE),
    Input(
        "address of another host",
        request(b"GET http://169.254.169.254/latest/meta-data/"),
        UNKNOWN_ROUTE,
    ),
    Input("TRACE", request(b"TRACE /livez"), WRONG_METHOD),
    Input("CONNECT", request(b"CONNECT example.org:443"), UNKNOWN_ROUTE),
    Input("method of 10 KB", request(b"A" * 10_000 + b" /livez"), WRONG_METHOD),
    Input("PUT", request(b"PUT /v1/art", body=PHOTO), WRONG_METHOD),
    Input("DELETE", request(b"DELETE /v1/algorithms"), WRONG_METHOD),
    Input("HTTP/0.9", whole(b"GET /livez\r\n\r\n"), GARBAGE),
    Input("HTTP/9.9", whole(b"GET /livez HTTP/9.9\r\nHost: here\r\n\r\n"), GARBAGE),
    Input(
        "HTTP/2 preface", whole(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9)), ("closed", "400")
    ),
    Input("TLS hello", whole(TLS_HELLO), GARBAGE),
    Input("noise", whole(NOISE), GARBAGE),
    Input("NULs", whole(bytes(4_096)), GARBAGE),
    Input(
        "line ends, then a request",
        whole(b"\r\n" * 100 + b"GET /livez " + HTTP_CLOSE + b"\r\n"),
        ("200",),
    ),
]


def asked(query: bytes) -> Input:
    shown = query if len(query) < 40 else query[:37] + b"..."
    return Input(
        f"?{shown.decode('latin-1')}",
        request(b"POST /v1/art?" + query, body=PHOTO),
        OPTIONS_REFUSED,
    )


OPTIONS = [
    Input(
        "query of 10,000 options",
        request(b"POST /v1/art?" + b"&".join(b"a%d=1" % i for i in range(9_999)), body=PHOTO),
        ("400 options-refused", "414"),
    ),
    asked(b"characters=%3Cscript%3Ealert(1)%3C/script%3E"),
    asked(b"characters=%1b[2Jab"),
    asked(b"characters=%e2%80%aeab"),
    asked(b"characters=a%00b"),
    asked(b"characters=a%0d%0aX-Forged:%20y"),
    asked(b"characters=a%cc%81b"),
    asked(b"characters=%ed%a0%80ab"),
    asked(b"characters=" + b"a" * 5_000),
    asked(b"columns=999999999999999999999999"),
    asked(b"columns=-1"),
    asked(b"columns=1e3"),
    asked(b"columns=%d9%a3"),
    asked(b"cell_aspect=nan"),
    asked(b"cell_aspect=1e-300"),
    asked(b"columns=80&columns=81"),
    asked(b"__class__=x"),
    asked(b"algorithm=../../etc/passwd"),
    Input(
        "1,000 x 1,000 cells as html",
        request(b"POST /v1/art.html?columns=1000&rows=1000&colour=full", body=PHOTO),
        ("400 art-too-large", "422 render-stopped"),
        is_long=True,
    ),
    Input(
        "1,000 x 1,000 cells as txt",
        request(b"POST /v1/art.txt?columns=1000&rows=1000", body=PHOTO),
        ("200",),
    ),
    Input("format from a path", request(b"POST /v1/art.../../x", body=PHOTO), UNKNOWN_ROUTE),
]


# --- forms -----------------------------------------------------------------------------------

DISPOSITION = b'Content-Disposition: form-data; name="image"'
TOO_MANY = ("413 request-too-large",)


def part(headers: bytes = DISPOSITION, content: bytes = PHOTO) -> bytes:
    return b"--edge\r\n" + headers + b"\r\n\r\n" + content + b"\r\n"


def form(name: str, body: bytes, wanted: tuple[str, ...], boundary: bytes = b"edge") -> Input:
    head = b"Content-Type: multipart/form-data; boundary=" + boundary + b"\r\n"
    return Input(f"form: {name}", art(head, body), wanted)


END = b"--edge--\r\n"
FILE_NAME = DISPOSITION + b'; filename="%s"'

FORMS = [
    form("100,000 parts", part(content=b"x") * 100_000 + END, TOO_MANY),
    form(
        "100,000 parts of other names",
        part(b'Content-Disposition: form-data; name="a"', b"x") * 100_000 + END,
        MALFORMED,
    ),
    form("part header of 1 MiB", part(DISPOSITION + b"\r\nX: " + b"y" * MEBIBYTE) + END, TOO_MANY),
    form("part of 10,000 headers", part(DISPOSITION + b"\r\nX: y" * 10_000) + END, TOO_MANY),
    form("no end", part(), MALFORMED),
    form("no parts", END, MALFORMED),
    form("nothing but the edge's first half", b"\r\n--edg" * 100_000, MALFORMED),
    form("nothing but line ends", b"\r\n" * 500_000, MALFORMED),
    form("boundary of 10 KB", part() + END, MALFORMED, b"e" * 10_000),
    form("empty boundary", part() + END, MALFORMED, b'""'),
    form("boundary with line ends", part() + END, MALFORMED, b'"ed%0d%0age"'),
    # A header that is no ASCII counts as none, and so this body as a picture.
    form("boundary that is no ASCII", part() + END, UNKNOWN, b"\xff\xfe"),
    form("boundary twice", part() + END, ("200", *MALFORMED), b"edge; boundary=other"),
    form(
        "form in a form",
        part(
            DISPOSITION + b"\r\nContent-Type: multipart/mixed; boundary=in",
            b"--in\r\n\r\nx\r\n--in--",
        )
        + END,
        ("415 picture-unknown",),
    ),
    form(
        "picture of base64",
        part(DISPOSITION + b"\r\nContent-Transfer-Encoding: base64", b"iVBORw0KGgo=") + END,
        ("415 picture-unknown", *MALFORMED),
    ),
    form("file name with CR LF", part(FILE_NAME % b"a\r\nX-Forged: y") + END, ("200",)),
    form("file name that climbs", part(FILE_NAME % b"../../../etc/cron.d/x") + END, ("200",)),
    form(
        "file name of escapes and a NUL",
        part(FILE_NAME % b"\x1b[2J\0<script>") + END,
        ("200", *MALFORMED),
    ),
    form("file name of 10 KB", part(FILE_NAME % (b"a" * 10_000)) + END, TOO_MANY),
    form(
        "charset that is none",
        part(DISPOSITION + b"; filename*=utf-99''%ff") + END,
        ("200", *MALFORMED),
    ),
]
