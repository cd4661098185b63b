"""
Every address, method, status and header, asked of a real server over a real socket.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
import sys

import brotli
import pytest

import calligram
from calligram.web import digests
from calligram.web.problems import STATUSES
from web_server import FORM, form

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

GETS = ["/", "/v1/algorithms", "/v1/limits", "/livez", "/readyz", "/metrics", "/openapi.json"]


@pytest.mark.parametrize("path", [*GETS, "/docs"])
def test_get_answers(server, path):
    reply = server.get(path)

    assert reply.status == 200
    assert reply.body


@pytest.mark.parametrize("path", GETS)
def test_head_says_what_get_would_say_without_a_body(server, path):
    reply = server.ask("HEAD", path)

    assert (reply.status, reply.body) == (200, b"")
    assert reply.headers["Content-Type"] == server.get(path).headers["Content-Type"]
    assert int(reply.headers["Content-Length"]) > 0


@pytest.mark.parametrize(
    ("path", "allow"), [("/v1/art", "OPTIONS, POST"), ("/", "GET, HEAD, OPTIONS")]
)
def test_options_tells_the_methods(server, path, allow):
    reply = server.ask("OPTIONS", path)

    assert (reply.status, reply.headers["Allow"]) == (204, allow)


@pytest.mark.parametrize("name", calligram.FORMATS)
def test_the_art_is_the_librarys_in_every_format(server, photo, name):
    reply = server.post(f"/v1/art.{name}?columns=30&colour=full", photo)

    assert reply.status == 200
    assert reply.body == calligram.render(photo, columns=30, colour="full").to(name)
    assert reply.headers["Content-Type"] == calligram.FORMATS[name].media_type


@pytest.mark.parametrize("name", calligram.FORMATS)
def test_accept_chooses_the_format(server, photo, name):
    media_type = calligram.FORMATS[name].media_type.partition(";")[0]

    reply = server.post("/v1/art?columns=20", photo, Accept=media_type)

    assert reply.body == calligram.render(photo, columns=20).to(name)


def test_curl_gets_text(server, photo):
    reply = server.post("/v1/art", photo, Accept="*/*")

    assert reply.text == calligram.render(photo).text + "\n"


def test_a_form_with_an_image_is_drawn_like_a_raw_body(server, photo):
    reply = server.post("/v1/art?columns=20", form(photo), Content_Type=FORM)

    assert reply.body == server.post("/v1/art?columns=20", photo).body


def test_art_has_its_headers(server, photo):
    reply = server.post("/v1/art?columns=21&algorithm=ramp-1", photo)

    digest = base64.b64encode(hashlib.sha256(reply.body).digest()).decode()
    assert reply.headers["Repr-Digest"] == f"sha-256=:{digest}:"
    assert reply.headers["Calligram-Algorithm"] == "ramp-1"
    assert re.fullmatch(r'"[0-9a-f]{32}"', reply.headers["ETag"])
    assert reply.headers["Vary"] == "Accept, Accept-Encoding"
    assert re.fullmatch(
        r"queue;dur=[\d.]+, render;dur=[\d.]+, total;dur=[\d.]+", reply.headers["Server-Timing"]
    )
    assert "sandbox" in reply.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", [*GETS, "/v1/art", "/nowhere"])
def test_every_answer_is_fenced_in(server, path):
    headers = server.get(path).headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Resource-Policy"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Request-ID"]


UNPACKERS = {"gzip": gzip.decompress, "br": brotli.decompress, "zstd": zstd.decompress}


@pytest.mark.parametrize("coding", UNPACKERS)
def test_art_is_packed_for_whoever_takes_it(server, photo, coding):
    plain = server.post("/v1/art?columns=100", photo)
    packed = server.post("/v1/art?columns=100", photo, Accept_Encoding=f"nonsense, {coding}")

    assert packed.headers["Content-Encoding"] == coding
    assert UNPACKERS[coding](packed.body) == plain.body
    assert len(packed.body) < len(plain.body)
    assert packed.headers["ETag"] == f'{plain.headers["ETag"][:-1]}-{coding}"'
    assert packed.headers["Repr-Digest"] == digests.repr_digest(packed.body).decode()
    assert "Accept-Encoding" in packed.headers["Vary"]


def test_the_client_says_which_coding_it_likes_best(server, photo):
    liked = "zstd;q=0.3, br;q=0.2, gzip;q=0.9"

    reply = server.post("/v1/art?columns=100", photo, Accept_Encoding=liked)

    assert reply.headers["Content-Encoding"] == "gzip"


@pytest.mark.parametrize("path", ["/v1/art?columns=10", "/v1/art.png"])
def test_small_art_and_pictures_are_not_packed(server, photo, path):
    reply = server.post(path, photo, Accept_Encoding="gzip, br, zstd")

    assert reply.headers["Content-Encoding"] is None


@pytest.mark.parametrize("coding", UNPACKERS)
@pytest.mark.parametrize("path", ["/style.css", "/script.js", "/openapi.json", "/docs"])
def test_what_never_changes_is_packed_too_and_each_coding_has_a_tag(server, path, coding):
    plain = server.get(path)
    packed = server.get(path, Accept_Encoding=coding)
    again = server.get(path, Accept_Encoding=coding, If_None_Match=packed.headers["ETag"])

    assert UNPACKERS[coding](packed.body) == plain.body
    assert packed.headers["ETag"] == f'{plain.headers["ETag"][:-1]}-{coding}"'
    assert (again.status, again.body) == (304, b"")
    assert server.get(path, If_None_Match=packed.headers["ETag"]).status == 200


@pytest.mark.parametrize("path", ["/", "/v1/algorithms", "/v1/limits", "/openapi.json", "/docs"])
@pytest.mark.parametrize("shape", ["{}", "W/{}", '"other", {}', "*"])
def test_what_the_client_holds_is_not_sent_again(server, path, shape):
    etag = server.get(path).headers["ETag"]

    reply = server.get(path, If_None_Match=shape.format(etag))

    assert (reply.status, reply.body) == (304, b"")
    assert reply.headers["ETag"] == etag


def test_another_tag_is_answered_in_full(server):
    assert server.get("/v1/limits", If_None_Match='"other"').status == 200


def test_a_request_id_is_echoed(server):
    assert server.get("/livez", X_Request_ID="a-1.B_2").headers["X-Request-ID"] == "a-1.B_2"


@pytest.mark.parametrize("told", ["a b", '{"a":1}', "x" * 65, "é"])
def test_a_strange_request_id_is_replaced(server, told):
    reply = server.get("/livez", X_Request_ID=told)

    assert re.fullmatch("[0-9a-f]{16}", reply.headers["X-Request-ID"])


def test_limits_are_told(server):
    limits = server.get("/v1/limits").json

    assert limits["picture_bytes_max"] == 1_000_000
    assert limits["columns_max"] == 1000


def test_algorithms_options_and_formats_are_told(server):
    told = server.get("/v1/algorithms").json

    assert [one["name"] for one in told["algorithms"]] == list(calligram.ALGORITHMS)
    assert [one["name"] for one in told["options"]] == list(calligram.OPTIONS)
    assert [one["name"] for one in told["formats"]] == list(calligram.FORMATS)


def test_the_description_for_machines_tells_every_status(server):
    told = server.get("/openapi.json").json

    drawing = told["paths"]["/v1/art"]["post"]
    assert {int(status) for status in drawing["responses"]} >= {200, *STATUSES.values(), 500}
    assert [one["name"] for one in drawing["parameters"]] == list(calligram.OPTIONS)


def test_curl_gets_help_at_the_front(server):
    reply = server.get("/", Accept="*/*")

    assert reply.headers["Content-Type"].startswith("text/plain")
    assert "curl" in reply.text


def test_pages_of_a_named_origin_may_ask(server, photo):
    reply = server.post("/v1/art?columns=10", photo, Origin="https://pages.example")

    assert reply.headers["Access-Control-Allow-Origin"] == "https://pages.example"


def test_pages_of_other_origins_may_not(server, photo):
    reply = server.post("/v1/art?columns=10", photo, Origin="https://other.example")

    assert reply.headers["Access-Control-Allow-Origin"] is None


def test_a_preflight_is_answered(server):
    headers = {"Origin": "https://pages.example", "Access-Control-Request-Method": "POST"}

    reply = server.ask("OPTIONS", "/v1/art", headers=headers)

    assert reply.headers["Access-Control-Allow-Methods"] == "OPTIONS, POST"


def test_art_asked_for_again_is_kept(start, photo):
    server = start(workers=1)

    replies = [server.post("/v1/art?columns=33", photo) for _ in range(2)]

    assert [reply.headers["Cache-Status"] for reply in replies] == [
        "calligram; fwd=miss; stored",
        "calligram; hit",
    ]
    assert replies[0].body == replies[1].body


@pytest.mark.parametrize("path", ["/", "/style.css", "/docs"])
def test_what_is_told_to_be_unchanged_keeps_its_policy(server, path):
    first = server.get(path, Accept="text/html")
    again = server.get(path, Accept="text/html", If_None_Match=first.headers["ETag"])

    # A browser puts the headers of a 304 in place of those that it holds.
    assert again.status == 304
    assert again.headers["Content-Security-Policy"] is None
