"""
The parts of HTTP that need no server: negotiation, conditions, digests, forms, counting.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calligram import errors
from calligram.art.options import Options
from calligram.errors import (
    Busy,
    DigestMismatch,
    PictureTooLarge,
    RateExceeded,
    RequestMalformed,
    RequestSlow,
    RequestTooLarge,
    TokenRefused,
)
from calligram.service import KEY_BYTES, Cache, Key
from calligram.web import access, digests, forms
from calligram.web.body import BodyRules, Budget, read_body
from calligram.web.codings import CODINGS, chosen
from calligram.web.conditional import coded, etag_of, is_known
from calligram.web.messages import Request
from calligram.web.negotiation import accepted
from calligram.web.problems import STATUSES
from web_server import FORM, form

OFFERS = ("text/plain", "text/html", "image/png")


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        (None, "text/plain"),
        ("", "text/plain"),
        ("*/*", "text/plain"),
        ("image/*", "image/png"),
        ("IMAGE/PNG", "image/png"),
        ("text/html;q=0.5, image/png", "image/png"),
        ("text/html, */*;q=0.8", "text/html"),
        ("text/*;q=0.3, text/html;q=0.7", "text/html"),
        ("text/plain;q=0, */*", "text/html"),
        ("image/gif", None),
        ("*/*;q=0", None),
        ("text/plain;q=nonsense", None),
        ("text/html;level=1;q=0.4, text/plain;q=0.3", "text/html"),
    ],
)
def test_the_offer_with_the_most_weight_is_chosen(header, chosen):
    assert accepted(header, OFFERS) == chosen


@given(st.text())
def test_any_accept_can_be_read(header):
    assert accepted(header, OFFERS) in (*OFFERS, None)


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (None, None),
        ("", None),
        ("gzip", "gzip"),
        ("x-gzip", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, br", "br"),
        ("br;q=0.1, gzip;q=0.2", "gzip"),
        ("BR", "br"),
        ("gzip;q=0", None),
        ("*", "zstd"),
        ("*;q=0.5, zstd;q=0", "br"),
        ("*;q=0, gzip", "gzip"),
        ("*;q=0", None),
        ("identity", None),
        ("identity;q=0.5, br;q=0.4", None),
        ("identity;q=0.5, br", "br"),
        ("identity;q=0", None),
        ("deflate, compress", None),
        ("gzip;q=nonsense", None),
    ],
)
def test_the_coding_with_the_most_weight_is_chosen(header, name):
    coding = chosen(header)

    assert (coding and coding.name) == name


@given(st.text())
def test_any_list_of_codings_can_be_read(header):
    assert chosen(header) in (*CODINGS.values(), None)


@pytest.mark.parametrize(
    ("header", "known"),
    [
        (None, False),
        ('"a"', True),
        ('W/"a"', True),
        ('"b", "a"', True),
        ('"b","c,d",W/"a"', True),
        ('"b"', False),
        ("*", True),
        (" * ", True),
        ("a", False),
        ('"a" "b"', False),
        ('"A"', False),
        ("", False),
    ],
)
def test_a_tag_is_known_where_it_is_listed(header, known):
    assert is_known(header, '"a"') is known


@given(st.text())
def test_any_list_of_tags_can_be_read(header):
    assert is_known(header, '"\xff"') in (True, False)


def test_parts_of_a_tag_can_not_pass_for_each_other():
    assert etag_of("ab", "c") != etag_of("a", "bc")
    assert etag_of("a", b"b") == etag_of("a", "b")
    assert coded('"a"', "gzip") == '"a-gzip"'


@pytest.mark.parametrize("name", digests.ALGORITHMS)
def test_a_right_digest_passes_and_a_wrong_one_is_refused(name):
    right = base64.b64encode(digests.ALGORITHMS[name](b"cat").digest()).decode()

    digests.check(f"unknown=:AA==:, {name}=:{right}:;note=1", b"cat")
    with pytest.raises(DigestMismatch):
        digests.check(f"{name}=:{right}:", b"dog")


@pytest.mark.parametrize("value", ["", ":", "AAAA", ":%%%%:", ":AAA:"])
def test_a_digest_that_can_not_be_read_is_refused(value):
    with pytest.raises(DigestMismatch):
        digests.check(f"sha-256={value}", b"cat")


def test_repr_digest_is_a_byte_sequence():
    expected = base64.b64encode(hashlib.sha256(b"cat").digest())

    assert digests.repr_digest(b"cat") == b"sha-256=:" + expected + b":"


@given(st.binary(max_size=300))
def test_a_form_gives_back_its_picture(picture):
    if b"--edge" not in picture:
        assert forms.picture_of(form(picture), FORM) == picture


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", RequestMalformed),
        (b"nonsense", RequestMalformed),
        (form(b"x", name="other"), RequestMalformed),
        (form(b"x").replace(b"--edge--\r\n", form(b"y")), RequestMalformed),
        (form(b"x").replace(b"--edge--\r\n", form(b"y")) * 3, RequestMalformed),
        (form(b"x", file_name="n" * 2000), RequestTooLarge),
        (form(b"x").replace(b"\r\n\r\n", b"\r\n" + b"A: b\r\n" * 9 + b"\r\n", 1), RequestTooLarge),
    ],
)
def test_a_form_without_exactly_one_picture_is_refused(body, error):
    with pytest.raises(error):
        forms.picture_of(body, FORM)


RULES = BodyRules(bytes_max=10, seconds_max=10.0, bytes_per_second_min=100)


@pytest.mark.parametrize(
    ("received", "deadline"), [(0, 1.0), (100, 2.0), (899, 9.99), (900, 10.0), (10**9, 10.0)]
)
def test_each_byte_earns_time_up_to_the_limit(received, deadline):
    assert RULES.deadline(received) == pytest.approx(deadline)


class Body:
    """A body whose pieces come; after them the rest doesn't, or the client is gone."""

    def __init__(self, pieces, end):
        self.pieces, self.end = pieces, end

    async def __call__(self):
        return b"".join([piece async for piece in self])

    async def __aiter__(self):
        for piece in self.pieces:
            yield piece
        if self.end == "stuck":
            await asyncio.Event().wait()
        if self.end == "gone":
            raise RuntimeError("gone")


def read(pieces, rules=RULES, *, end="whole", **headers):
    named = {name.encode().replace(b"_", b"-"): value for name, value in headers.items()}
    request = Request("POST", "/", b"", named, Body(pieces, end), "client", "id", 0.0)
    return asyncio.run(read_body(request, rules, lambda _: None))


def test_a_body_of_exactly_the_limit_is_read_whole():
    assert read([b"12345", b"67890"]) == b"1234567890"
    assert read([b"12345", b"67890"], content_length="10") == b"1234567890"


def test_one_byte_more_is_refused():
    with pytest.raises(PictureTooLarge):
        read([b"12345", b"678901"])
    with pytest.raises(PictureTooLarge):
        read([b"12345", b"678901"], content_length="1", transfer_encoding="chunked")


def test_a_length_over_the_limit_is_refused_before_anything_is_read():
    with pytest.raises(PictureTooLarge):
        read([], end="stuck", content_length="11")


@pytest.mark.parametrize("headers", [{}, {"content_length": "9"}])
def test_a_body_that_breaks_off_is_refused(headers):
    with pytest.raises(RequestMalformed):
        read([b"1"], end="gone", **headers)


def test_bodies_share_a_budget_and_give_it_back():
    budget = Budget(bytes_max=10)

    with budget.share() as take, budget.share() as another:
        take(4)
        another(6)
        with pytest.raises(Busy):
            take(1)

    assert budget.held == 0


@pytest.mark.parametrize("headers", [{}, {"content_length": "9"}])
@pytest.mark.parametrize("least", [0, 10**9])
def test_a_body_that_does_not_come_is_refused(least, headers):
    rules = BodyRules(bytes_max=10, seconds_max=0.01, bytes_per_second_min=least)

    with pytest.raises(RequestSlow):
        read([b"1"], rules, end="stuck", **headers)


def test_a_bucket_fills_up_evenly():
    times = iter([0.0, 0.0, 0.0, 29.0, 30.0])
    rate = access.Rate(requests_per_minute_max=2, clock=lambda: next(times))

    rate.take("a")
    rate.take("a")
    with pytest.raises(RateExceeded) as refused:
        rate.take("a")

    assert refused.value.retry_after_seconds == 30
    with pytest.raises(RateExceeded):
        rate.take("a")
    assert rate.take("a")


def test_clients_have_buckets_of_their_own():
    rate = access.Rate(requests_per_minute_max=1, clock=lambda: 0.0)

    rate.take("a")

    assert rate.take("b")


def test_only_known_tokens_pass():
    tokens = access.Tokens.read(f"one {hashlib.sha256(b'a').hexdigest()}\n")

    tokens.check("Bearer a")
    for header in (None, "", "Bearer b", "Basic a", "Bearer"):
        with pytest.raises(TokenRefused):
            tokens.check(header)


@pytest.mark.parametrize("line", ["one", "one abc", "one two three", "one " + "A" * 64])
def test_a_file_of_tokens_is_read_strictly(line):
    with pytest.raises(ValueError, match="line 1"):
        access.Tokens.read(line)


def key(name):
    return Key(name, Options(), "txt")


def test_the_cache_keeps_what_fits_and_throws_away_the_least_lately_used():
    cache = Cache(bytes_max=2 * (KEY_BYTES + 1))
    cache.put(key("a"), b"1")
    cache.put(key("b"), b"2")
    cache.get(key("a"))

    cache.put(key("c"), b"3")

    assert [cache.get(key(name)) for name in "abc"] == [b"1", None, b"3"]
    assert cache.bytes == 2 * (KEY_BYTES + 1)


def test_the_cache_does_not_take_what_is_larger_than_itself():
    cache = Cache(bytes_max=KEY_BYTES)

    cache.put(key("a"), b"1")

    assert (cache.get(key("a")), cache.bytes) == (None, 0)


def leaves(kind):
    return [leaf for child in kind.__subclasses__() for leaf in leaves(child)] or [kind]


# What only commands say, and no server answers.
UNANSWERED = {errors.PlanRefused, *leaves(errors.MeasurementRefused)}


def test_every_leaf_of_the_tree_has_a_status():
    answered = [leaf for leaf in leaves(errors.CalligramError) if leaf not in UNANSWERED]

    assert [leaf for leaf in answered if leaf not in STATUSES] == []
