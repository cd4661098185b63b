"""
The routes of kept pictures: POST, and everything below /v1/pictures/{id}.

    POST   /v1/pictures                    keep and draw: 201, or 200 if it is known
    GET    /v1/pictures/{id}               the record
    GET    /v1/pictures/{id}/art[.format]  default art, by the pinned algorithm: may change its
                                           address, so caches ask again each time
    GET    /v1/pictures/{id}/art/{algorithm}.{format}    never changes: kept by caches for a year
    DELETE /v1/pictures/{id}               with the operator's token

A client that holds the art already gets a 304 before anything is drawn, and even while the
store is away.
"""

from __future__ import annotations

from urllib.parse import urlencode

from calligram.art.algorithms import ALGORITHMS
from calligram.art.formats import FORMATS
from calligram.art.options import Options
from calligram.errors import OptionsRefused, RouteUnknown, StoreUnavailable, TokenRefused
from calligram.kept import KeptPictures, pinned
from calligram.service import Key
from calligram.store import Kept
from calligram.store.records import write
from calligram.web.access import Tokens
from calligram.web.art import (
    ArtRoute,
    Caching,
    answer_with,
    format_for,
    names_algorithm,
    options_of,
    tags_of,
)
from calligram.web.conditional import etag_of, held
from calligram.web.messages import JSON, NO_STORE, Answer, Headers, Request, answer

# Its address names the format: Accept has no say, and must not split what a cache keeps.
FOR_EVER = Caching(b"public, max-age=31536000, immutable", b"Accept-Encoding")
ASK_AGAIN = b"no-cache"


class PicturesRoute:
    """Answers what is asked of kept pictures; `operator` are the tokens that may delete."""

    def __init__(self, *, art: ArtRoute, kept: KeptPictures, operator: Tokens | None) -> None:
        self.reader = art
        self.kept = kept
        self.operator = operator

    async def keep(self, request: Request) -> Answer:
        """Keep the picture in the body; its art is the answer."""
        format = format_for(request.header(b"accept"))
        options = options_of(request.query)
        self.kept.check_room()
        with self.reader.budget.share() as take:
            data = await self.reader.picture(request, take)
            kept, finished = await self.kept.keep(
                data, options, format, is_pinned=not names_algorithm(request.query)
            )
        self.reader.service.telemetry.kept.labels("known" if kept.is_known else "new").inc()
        key = finished.key
        drawn = await answer_with(finished, request, Caching(ASK_AGAIN, address=address(key)))
        headers: Headers = (
            (b"location", f"/v1/pictures/{key.picture}".encode()),
            (b"calligram-kept", kept.state.encode()),
        )
        return Answer(200 if kept.is_known else 201, drawn.headers + headers, drawn.body)

    async def record(self, request: Request) -> Answer:
        """The record, as it lies beside the picture."""
        kept = await self.kept.find(request.parameters["id"])
        body = write(kept.record)
        etag = etag_of("record", body).encode()
        headers: Headers = (
            (b"cache-control", ASK_AGAIN),
            (b"etag", etag),
            (b"calligram-kept", kept.state.encode()),
        )
        if held(request.header(b"if-none-match"), (etag.decode(),)):
            return Answer(304, headers)
        return answer(body, JSON, headers)

    async def default_art(self, request: Request) -> Answer:
        """The art by the algorithm that the picture is pinned to."""
        format = request.parameters.get("format") or format_for(request.header(b"accept"))
        options = options_of(request.query)
        kept = await self.kept.find(request.parameters["id"])
        if not names_algorithm(request.query):
            options = pinned(options, kept.record.algorithm)
        key = Key(kept.record.picture, options, format)
        return await self.drawn(key, kept, request, Caching(ASK_AGAIN, address=address(key)))

    async def permanent_art(self, request: Request) -> Answer:
        """The art by the algorithm in the address: the same bytes for ever."""
        told = request.parameters
        if told["algorithm"] not in ALGORITHMS or told["format"] not in FORMATS:
            raise RouteUnknown(
                f"there is no such art; algorithms are {', '.join(ALGORITHMS)}, "
                f"and formats {', '.join(FORMATS)}"
            )
        options = options_of(request.query)
        if names_algorithm(request.query):
            raise OptionsRefused("the address names the algorithm already; without the option")
        key = Key(told["id"], pinned(options, told["algorithm"]), told["format"])
        try:
            kept = await self.kept.find(key.picture)
        except StoreUnavailable:
            # What the client holds is right for ever; only whether it was deleted is unknown.
            if held(request.header(b"if-none-match"), tags_of(key), any_tag=False) is None:
                raise
            kept = None
        return await self.drawn(key, kept, request, FOR_EVER)

    async def drawn(
        self, key: Key, kept: Kept | None, request: Request, caching: Caching
    ) -> Answer:
        etag = held(request.header(b"if-none-match"), tags_of(key))
        if etag is not None:
            return Answer(304, ((b"etag", etag.encode()), *caching.headers()))
        assert kept is not None, key
        # What is ready is answered however full the line is.
        ready = self.kept.service.ready(key)
        if ready is not None:
            return await answer_with(ready, request, caching)
        with self.reader.budget.share() as take:
            take(kept.record.bytes)
            return await answer_with(await self.kept.art(key), request, caching)

    async def delete(self, request: Request) -> Answer:
        """Delete the picture everywhere: 204, or 202 where the vault is yet to follow."""
        if self.operator is None:
            raise TokenRefused(
                "nobody may delete here: the operator has set no CALLIGRAM_OPERATOR_TOKENS_FILE"
            )
        self.operator.check(request.header(b"authorization"))
        is_whole = await self.kept.delete(request.parameters["id"])
        return Answer(204 if is_whole else 202, (NO_STORE,))


def address(key: Key) -> str:
    """The permanent address of art."""
    path = f"/v1/pictures/{key.picture}/art/{key.options.algorithm}.{key.format}"
    query = query_of(key.options)
    return f"{path}?{query}" if query else path


def query_of(options: Options) -> str:
    """The options besides the algorithm, in their one order, if they differ from the defaults."""
    changed = {name: told(value) for name, value in options.changed().items()}
    changed.pop("algorithm", None)
    return urlencode(changed)


def told(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
