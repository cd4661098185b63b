"""
POST /v1/art: a picture in the body, its art in the answer.

    head (type, coding, options, format) -> body -> digest -> service -> coding, headers

All that the head tells is checked before a byte of the body is read: who asks for what can't
be answered needn't send 32 MiB first.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl

from calligram.art.formats import FORMATS
from calligram.art.options import Options, shown
from calligram.errors import EncodingRefused, NotAcceptable, OptionsRefused, RequestMalformed
from calligram.service import Finished, Key, Service
from calligram.web import digests, forms
from calligram.web.body import BodyRules, Budget, read_body
from calligram.web.codings import BYTES_MIN, CODINGS, Coding, chosen
from calligram.web.conditional import coded, etag_of
from calligram.web.messages import Answer, Headers, Request
from calligram.web.negotiation import accepted

MEDIA_TYPES: Mapping[str, str] = {
    format.media_type.partition(";")[0]: name for name, format in FORMATS.items()
}
OFFERS = tuple(MEDIA_TYPES)
PICTURE_TYPES = ("image/", "application/octet-stream", "application/x-www-form-urlencoded")
"""What a body may be called. The last is what `curl --data-binary` says if nobody tells it."""

QUERY_FIELDS_MAX = 32
QUERY_BYTES_MAX = 64 * 1024
PACK_BYTES_BESIDE = 64 * 1024
"""Larger art is packed beside the event loop, so that nobody waits for it."""

# A browser that opens art gets no script, no frame and no address of ours to act from.
ART_POLICY = b"default-src 'none'; style-src 'unsafe-inline'; sandbox"
CACHE_STATUS = {
    "hit": b"calligram; hit",
    "miss": b"calligram; fwd=miss; stored",
    "collapsed": b"calligram; fwd=miss; collapsed",
}


class ArtRoute:
    """Answers POST /v1/art, in the format that Accept likes best, and /v1/art.{format}."""

    def __init__(self, *, service: Service, rules: BodyRules, budget: Budget) -> None:
        self.service = service
        self.budget = budget
        self.raw_rules = rules
        self.form_rules = BodyRules(
            bytes_max=rules.bytes_max + forms.OVERHEAD_BYTES_MAX,
            seconds_max=rules.seconds_max,
            bytes_per_second_min=rules.bytes_per_second_min,
        )

    async def draw(self, request: Request, format: str | None = None) -> Answer:
        """
        The art of the picture in the body, in `format`, or the one that Accept likes best.

        Raises whatever is wrong with head, body or picture.
        """
        format = format or format_for(request.header(b"accept"))
        options = options_of(request.query)
        # Under twice the load half of all requests are refused: that must cost next to nothing,
        # and a body that is not read, hashed and looked at is what it would cost.
        self.service.workers.check_room()
        with self.budget.share() as take:
            data = await self.picture(request, take)
            self.service.telemetry.pictures_bytes.inc(len(data))
            finished = await self.service.draw(data, options, format)
        return await answer_with(finished, request)

    async def picture(self, request: Request, take: Callable[[int], None]) -> bytes:
        media_type = request.header(b"content-type") or "application/octet-stream"
        is_form = forms.is_form(media_type)
        check_head(request, media_type, is_form=is_form)
        body = await read_body(request, self.form_rules if is_form else self.raw_rules, take)
        if not body:
            raise RequestMalformed(
                "the request has no body; curl --data-binary @photo.jpg sends a picture in it"
            )
        digest = request.header(b"content-digest")
        if digest is not None:
            digests.check(digest, body)
        return forms.picture_of(body, media_type) if is_form else body


def check_head(request: Request, media_type: str, *, is_form: bool) -> None:
    coding = request.header(b"content-encoding")
    if coding is not None and coding.strip().lower() != "identity":
        raise EncodingRefused(
            f"a body in {shown(coding)} is not unpacked; pictures are compressed already, "
            "so send the picture's own bytes"
        )
    if not is_form and not media_type.strip().lower().startswith(PICTURE_TYPES):
        raise EncodingRefused(
            f"a body of type {shown(media_type)} holds no picture; image/*, "
            "application/octet-stream or multipart/form-data will do"
        )


def format_for(accept: str | None) -> str:
    media_type = accepted(accept, OFFERS)
    if media_type is None:
        raise NotAcceptable(
            f"Accept allows none of our formats; there are: {', '.join(OFFERS)}, "
            "and an address such as /v1/art.png needs no Accept"
        )
    return MEDIA_TYPES[media_type]


@lru_cache(maxsize=256)
def options_of(query: bytes) -> Options:
    """
    The options in a query string.

    Raises OptionsRefused for one that is unknown, doubled, unreadable or out of range.
    """
    return Options.read(dict(pairs_of(query)))


def names_algorithm(query: bytes) -> bool:
    """Does the query choose the algorithm itself? It must be one that options_of has read."""
    return bool(query) and any(name == "algorithm" for name, _ in pairs_of(query))


def pairs_of(query: bytes) -> list[tuple[str, str]]:
    if len(query) > QUERY_BYTES_MAX:
        raise OptionsRefused(
            f"the query has {len(query)} bytes, and {QUERY_BYTES_MAX} is the limit",
            limit=QUERY_BYTES_MAX,
            actual=len(query),
        )
    try:
        pairs = parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=QUERY_FIELDS_MAX,
        )
    except ValueError:
        raise OptionsRefused(
            f"the query can't be read; at most {QUERY_FIELDS_MAX} options such as columns=80, "
            "with & between them and other characters percent-encoded as UTF-8, will do"
        ) from None
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise OptionsRefused(f"{shown(name)} stands twice in the query; once will do")
        seen.add(name)
    return pairs


@dataclass(frozen=True, slots=True)
class Caching:
    """
    What caches may do with art: Cache-Control, what the art varies with besides the address,
    and its permanent address, if that is another than the asked.
    """

    control: bytes
    vary: bytes = b"Accept, Accept-Encoding"
    address: str | None = None

    def headers(self) -> Headers:
        control = (b"cache-control", self.control), (b"vary", self.vary)
        if self.address is None:
            return control
        return (*control, (b"content-location", self.address.encode()))


# An answer to a POST: a client may keep it, but has nothing to ask for it by.
FORGOTTEN = Caching(b"no-cache")


@lru_cache(maxsize=1024)
def etag_for(key: Key) -> str:
    return etag_of(key.picture, key.options.algorithm, repr(key.options.changed()), key.format)


def tags_of(key: Key) -> tuple[str, ...]:
    """The entity tags of art: as it is, and in each coding."""
    etag = etag_for(key)
    return (etag, *(coded(etag, coding) for coding in CODINGS))


async def answer_with(finished: Finished, request: Request, caching: Caching = FORGOTTEN) -> Answer:
    key = finished.key
    etag = etag_for(key)
    body = finished.content
    coding = chosen(request.header(b"accept-encoding")) if worth_packing(finished) else None
    if coding is not None:
        etag = coded(etag, coding.name)
        body = await packed(body, coding)
    headers: Headers = (
        (b"content-type", FORMATS[key.format].media_type.encode()),
        (b"calligram-algorithm", key.options.algorithm.encode()),
        (b"etag", etag.encode()),
        (b"repr-digest", digests.repr_digest(body)),
        (b"cache-status", CACHE_STATUS[finished.outcome]),
        (b"server-timing", timing(finished, request)),
        (b"content-security-policy", ART_POLICY),
        *caching.headers(),
    )
    if coding is not None:
        headers += ((b"content-encoding", coding.name.encode()),)
    return Answer(200, headers, body)


def worth_packing(finished: Finished) -> bool:
    return finished.key.format != "png" and len(finished.content) >= BYTES_MIN


async def packed(body: bytes, coding: Coding) -> bytes:
    if len(body) < PACK_BYTES_BESIDE:
        return coding.quickly(body)
    return await asyncio.to_thread(coding.quickly, body)


def timing(finished: Finished, request: Request) -> bytes:
    total = time.perf_counter() - request.started
    return b"queue;dur=%.1f, render;dur=%.1f, total;dur=%.1f" % (
        finished.queued_seconds * 1000,
        finished.render_seconds * 1000,
        total * 1000,
    )
