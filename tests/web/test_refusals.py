"""
What a real server says to requests that won't do, however they are sent.
"""

from __future__ import annotations

import base64
import hashlib

import pytest

import calligram
from web_server import FORM, form, jpeg, large_png, reply_from, send_all

HEAD = b"POST /v1/art HTTP/1.1\r\nHost: here\r\nAccept: application/json\r\n"
JSON = {"Accept": "application/json"}


def check(reply, status, code):
    assert (reply.status, reply.json["code"], reply.json["status"]) == (status, code, status)
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.json["request_id"] == reply.headers["X-Request-ID"]


def damaged():
    whole = jpeg()
    return whole[: len(whole) // 2]


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "code"),
    [
        ("/v1/art?colums=4", jpeg(), {}, 400, "options-refused"),
        ("/v1/art?columns=0", jpeg(), {}, 400, "options-refused"),
        ("/v1/art?columns=4&columns=5", jpeg(), {}, 400, "options-refused"),
        ("/v1/art?columns=%ff", jpeg(), {}, 400, "options-refused"),
        ("/v1/art?" + "&".join(f"a{i}=1" for i in range(33)), jpeg(), {}, 400, "options-refused"),
        ("/v1/art", b"no picture", {}, 415, "picture-unknown"),
        ("/v1/art", damaged(), {}, 422, "picture-damaged"),
        ("/v1/art", b"", {}, 400, "request-malformed"),
        ("/v1/art", jpeg(), {"Content-Encoding": "gzip"}, 415, "encoding-refused"),
        ("/v1/art", jpeg(), {"Content-Type": "text/plain"}, 415, "encoding-refused"),
        ("/v1/art", jpeg(), {"Content-Digest": "sha-256=:AAAA:"}, 400, "digest-mismatch"),
        ("/v1/art", jpeg(), {"Content-Digest": "sha-256=what"}, 400, "digest-mismatch"),
        (
            "/v1/art",
            jpeg(),
            {"Accept": "image/gif, application/problem+json"},
            406,
            "not-acceptable",
        ),
        ("/v1/art", bytes(1_000_001), {}, 413, "picture-too-large"),
        ("/v1/art.gif", jpeg(), {}, 404, "route-unknown"),
        ("/v1/art/", jpeg(), {}, 404, "route-unknown"),
        ("/v1/pictures/", jpeg(), {}, 404, "route-unknown"),
        ("/v1/pictures", b"no picture", {}, 415, "picture-unknown"),
        ("/v1/limits", b"", {}, 405, "method-refused"),
        ("/v1/art.svg?columns=300&colour=full", jpeg(), {}, 400, "art-too-large"),
        ("/v1/art", form(jpeg(), name="other"), {"Content-Type": FORM}, 400, "request-malformed"),
        ("/v1/art", form(jpeg())[:-20], {"Content-Type": FORM}, 400, "request-malformed"),
        ("/v1/art", b"--edge--\r\n", {"Content-Type": FORM}, 400, "request-malformed"),
        ("/v1/art", jpeg(), {"Content-Type": "multipart/form-data"}, 400, "request-malformed"),
    ],
)
def test_one_failure_has_one_status(server, path, body, headers, status, code):
    reply = server.ask("POST", path, body, {**JSON, **headers})

    check(reply, status, code)


def test_a_form_with_many_parts_is_refused(server):
    body = form(jpeg()).removesuffix(b"--edge--\r\n") * 20_000

    reply = server.ask("POST", "/v1/art", body[:900_000], {**JSON, "Content-Type": FORM})

    check(reply, 413, "request-too-large")


def test_a_problem_tells_the_limit_and_what_was_found(server):
    reply = server.ask("POST", "/v1/art?columns=1001", jpeg(), JSON)

    assert (reply.json["limit"], reply.json["actual"]) == (1000, 1001)
    assert reply.json["type"] == "/docs#options-refused"


def test_curl_is_told_in_one_line_of_text(server):
    reply = server.post("/v1/art?colums=4", jpeg(), Accept="*/*")

    assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert reply.text.startswith("there is no option 'colums'")
    assert reply.text.count("\n") == 1


def test_a_refused_method_is_told_the_others(server):
    assert server.get("/v1/art").headers["Allow"] == "OPTIONS, POST"


def test_an_unknown_method_is_refused(server):
    assert server.ask("BREW", "/v1/art").status == 405


@pytest.mark.parametrize("name", ["sha-256", "sha-512"])
def test_a_right_digest_is_accepted(server, photo, name):
    digest = base64.b64encode(hashlib.new(name.replace("-", ""), photo).digest()).decode()

    reply = server.post("/v1/art?columns=9", photo, Content_Digest=f"md5=:AAAA:, {name}=:{digest}:")

    assert reply.status == 200


def test_a_body_of_exactly_the_limit_is_read(server, photo):
    reply = server.ask("POST", "/v1/art", photo + bytes(1_000_000 - len(photo)), JSON)

    assert reply.status == 200


def test_a_long_body_is_refused_before_it_is_sent(server):
    reply = server.raw(HEAD + b"Content-Length: 1000001\r\n\r\n")

    check(reply, 413, "picture-too-large")


def test_an_endless_body_is_refused_while_it_comes(server):
    chunk = b"10000\r\n" + bytes(65536) + b"\r\n"

    reply = server.raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 100)

    check(reply, 413, "picture-too-large")


def test_a_chunked_picture_is_drawn(server, photo):
    pieces = [b"%x\r\n%s\r\n" % (len(photo), photo), b"0\r\n\r\n"]

    reply = server.raw(
        b"POST /v1/art.txt HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n", *pieces
    )

    assert reply.body == calligram.render(photo).to("txt")


@pytest.mark.parametrize(("length", "limit"), [(20_000, 16_384), (100_000, 3)])
def test_a_body_that_stops_coming_is_refused(server, length, limit):
    reply = server.raw(HEAD + b"Content-Length: %d\r\n\r\n" % length, b"some")

    check(reply, 408, "request-slow")
    assert reply.json["limit"] == limit


def test_a_sender_that_goes_away_harms_nobody(server, photo):
    with server.connect() as connection:
        send_all(connection, (HEAD + b"Content-Length: 100000\r\n\r\n", b"some"))

    assert server.post("/v1/art?columns=8", photo).status == 200


def test_a_length_that_is_too_short_ends_the_picture_there(server, photo):
    reply = server.raw(HEAD + b"Content-Length: %d\r\n\r\n" % (len(photo) // 2), photo)

    check(reply, 422, "picture-damaged")


def test_two_lengths_are_refused(server):
    reply = server.raw(HEAD + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde")

    assert reply.status == 400


@pytest.mark.parametrize(
    ("line", "hosts", "status"),
    [
        (b"GET /livez HTTP/1.1", b"", 400),
        (b"GET /nowhere HTTP/1.1", b"", 400),
        (b"GET /livez HTTP/1.1", b"Host: one\r\nHost: other\r\n", 400),
        (b"GET /livez HTTP/1.1", b"Host:\r\n", 200),
        (b"GET /livez HTTP/1.0", b"", 200),
    ],
)
def test_a_request_names_one_host(server, line, hosts, status):
    reply = server.raw(line + b"\r\nConnection: close\r\n" + hosts + b"\r\n")

    assert reply.status == status
    if status == 400:
        assert reply.headers["Calligram-Error"] == "request-malformed"


def test_a_second_request_on_the_same_connection_is_answered(server, photo):
    request = b"POST /v1/art.txt?columns=8 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"
    with server.connect() as connection:
        replies = []
        for _ in range(2):
            connection.sendall(request % (len(photo), photo))
            replies.append(reply_from(connection))

    assert [reply.status for reply in replies] == [200, 200]


def test_a_bomb_is_refused_by_its_header(start):
    server = start(pixels_max=1_000_000)

    reply = server.ask("POST", "/v1/art", large_png(2000), JSON)

    check(reply, 413, "picture-too-large")
    assert (reply.json["limit"], reply.json["actual"]) == (1_000_000, 4_000_000)


def test_a_token_is_asked_for_where_the_operator_wants_it(start, tmp_path, photo):
    file = tmp_path / "tokens"
    file.write_text(f"# who\nlaptop {hashlib.sha256(b'secret').hexdigest()}\n")
    server = start(tokens_file=file)

    check(server.ask("POST", "/v1/art", photo, JSON), 401, "token-refused")
    assert server.post("/v1/art", photo, Authorization="Bearer wrong").status == 401
    assert server.post("/v1/art", photo, Authorization="Bearer secret").status == 200
    assert server.get("/v1/limits").status == 200


def test_a_rate_is_kept_where_the_operator_wants_it(start, photo):
    server = start(requests_per_minute_max=2)

    replies = [server.ask("POST", "/v1/art", photo, JSON) for _ in range(3)]

    assert [reply.status for reply in replies] == [200, 200, 429]
    assert replies[0].headers["RateLimit-Policy"] == '"client";q=2;w=60'
    assert replies[0].headers["RateLimit"].startswith('"client";r=1;t=')
    assert 1 <= int(replies[2].headers["Retry-After"]) <= 30
