"""
The routes: what is at each address, and which methods it takes.

Most addresses are whole paths in a dict. Those of kept pictures have a part that differs, and
one expression reads them all; a part that it does not allow is at no address.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import msgspec

from calligram.art.algorithms import ALGORITHMS
from calligram.art.formats import FORMATS
from calligram.art.limits import Limits
from calligram.art.options import DEFAULT_ALGORITHM, OPTIONS
from calligram.errors import Busy, Draining
from calligram.telemetry import Telemetry
from calligram.web.art import ArtRoute
from calligram.web.body import BodyRules
from calligram.web.messages import JSON, NO_STORE, TEXT, Answer, Request, answer
from calligram.web.negotiation import accepted
from calligram.web.openapi import document
from calligram.web.peers import Peers
from calligram.web.pictures import PicturesRoute
from calligram.web.reference import page as reference_page
from calligram.web.static import PAGE_FOLDER, STYLED_POLICY, Static, page_files

Handler: TypeAlias = Callable[[Request], Awaitable[Answer]]

SHORTLY = "public, max-age=60"
METRICS = "text/plain; version=1.0.0; charset=utf-8"
HELP = """\
Calligram: pictures in, text out.

  curl --data-binary @photo.jpg {here}/v1/art
  curl --data-binary @photo.jpg '{here}/v1/art?columns=120&colour=full' -H 'Accept: text/x-ansi'
  curl --data-binary @photo.jpg {here}/v1/art.png -o art.png

Options, formats: /v1/algorithms   limits: /v1/limits   all the rest: /docs
"""


@dataclass(frozen=True, slots=True)
class Route:
    """
    One address. `name` is what logs and metrics call it. A `guarded` one asks for a token
    and counts requests, where the operator wants that.
    """

    name: str
    methods: Mapping[str, Handler]
    guarded: bool = False
    allow: bytes = b""

    def __post_init__(self) -> None:
        known = {*self.methods, "OPTIONS", *(["HEAD"] if "GET" in self.methods else [])}
        object.__setattr__(self, "allow", ", ".join(sorted(known)).encode())


ID = "(?P<id>[0-9a-f]{64})"
FORMAT = f"(?P<format>{'|'.join(FORMATS)})"
KEPT = re.compile(
    rf"/v1/pictures/{ID}(?P<art>/art(?:\.{FORMAT}|/(?P<algorithm>[a-z]+-[0-9]+)\.(?P<as>[a-z]+))?)?"
)


@dataclass(frozen=True, slots=True)
class Routes:
    """All routes: `whole` by path, and those of kept pictures, if they are kept."""

    whole: Mapping[str, Route]
    kept: KeptRoutes | None = None

    def find(self, path: str) -> tuple[Route, Mapping[str, str]] | None:
        """The route at `path`, and what it left open; None where there is nothing."""
        route = self.whole.get(path)
        if route is not None:
            return route, {}
        return self.kept.find(path) if self.kept is not None else None


@dataclass(frozen=True, slots=True)
class KeptRoutes:
    """The routes of kept pictures: `all` takes them in, the others are about one each."""

    all: Route
    record: Route
    default_art: Route
    permanent_art: Route

    @classmethod
    def of(cls, pictures: PicturesRoute, peers: Peers) -> KeptRoutes:
        ask = peers.asked_after
        return cls(
            all=Route("/v1/pictures", {"POST": pictures.keep}, guarded=True),
            record=Route(
                "/v1/pictures/{id}", {"GET": ask(pictures.record), "DELETE": pictures.delete}
            ),
            default_art=get("/v1/pictures/{id}/art", ask(pictures.default_art)),
            permanent_art=get(
                "/v1/pictures/{id}/art/{algorithm}.{format}", ask(pictures.permanent_art)
            ),
        )

    def find(self, path: str) -> tuple[Route, Mapping[str, str]] | None:
        found = KEPT.fullmatch(path)
        if found is None:
            return None
        if found["art"] is None:
            return self.record, {"id": found["id"]}
        if found["algorithm"] is None:
            return self.default_art, {"id": found["id"], "format": found["format"] or ""}
        parameters = {name: found[name] for name in ("id", "algorithm")}
        return self.permanent_art, {**parameters, "format": found["as"]}


def get(name: str, handler: Handler) -> Route:
    return Route(name, {"GET": handler})


def routes(
    *,
    art: ArtRoute,
    kept: KeptRoutes | None,
    limits: Limits,
    rules: BodyRules,
    telemetry: Telemetry,
    refusal: Callable[[], str | None],
    version: str,
    tokens: bool,
) -> Routes:
    """All routes. `refusal` tells why no work is taken on now, or None."""
    described = document(version=version, limits=limits, tokens=tokens, keeps=kept is not None)
    files = page_files()
    table = {
        "/v1/art": Route("/v1/art", {"POST": art.draw}, guarded=True),
        **{
            f"/v1/art.{name}": Route(
                f"/v1/art.{name}", {"POST": partial(art.draw, format=name)}, guarded=True
            )
            for name in FORMATS
        },
        "/v1/algorithms": get("/v1/algorithms", data(algorithms())),
        "/v1/limits": get("/v1/limits", data(limits_told(limits, rules, keeps=kept is not None))),
        "/openapi.json": get("/openapi.json", data(described)),
        "/docs": get(
            "/docs",
            Static(reference_page(described), "text/html; charset=utf-8", SHORTLY, STYLED_POLICY),
        ),
        "/livez": get("/livez", livez),
        "/readyz": get("/readyz", partial(readyz, refusal)),
        "/metrics": get("/metrics", partial(metrics, telemetry)),
        "/": get("/", front(files)),
    }
    for name, file in files.items():
        if name != "index.html":
            table[f"/{name}"] = get(f"/{name}", file)
    if kept is not None:
        table["/v1/pictures"] = kept.all
    return Routes(table, kept)


def data(told: object) -> Static:
    return Static(msgspec.json.format(msgspec.json.encode(told)) + b"\n", JSON, SHORTLY)


def algorithms() -> dict[str, object]:
    return {
        "default": DEFAULT_ALGORITHM,
        "algorithms": [
            {"name": algorithm.name, "summary": algorithm.summary}
            for algorithm in ALGORITHMS.values()
        ],
        "formats": [
            {"name": format.name, "media_type": format.media_type, "help": format.help}
            for format in FORMATS.values()
        ],
        "options": [dataclasses.asdict(option) for option in OPTIONS.values()],
    }


def limits_told(limits: Limits, rules: BodyRules, *, keeps: bool) -> dict[str, object]:
    return {
        "keeps_pictures": keeps,
        **dataclasses.asdict(limits),
        "columns_max": OPTIONS["columns"].most,
        "rows_max": OPTIONS["rows"].most,
        "body_seconds_max": rules.seconds_max,
        "body_bytes_per_second_min": rules.bytes_per_second_min,
    }


async def livez(_request: Request) -> Answer:
    return answer(b"alive\n", TEXT, (NO_STORE,))


async def readyz(refusal: Callable[[], str | None], _request: Request) -> Answer:
    why = refusal()
    if why == "draining":
        raise Draining("draining")
    if why is not None:
        raise Busy(why)
    return answer(b"ready\n", TEXT, (NO_STORE,))


async def metrics(telemetry: Telemetry, _request: Request) -> Answer:
    return answer(telemetry.metrics(), METRICS, (NO_STORE,))


def front(files: Mapping[str, Static]) -> Handler:
    """At `/`, browsers get the page, and curl a help text."""
    text = PAGE_FOLDER / "help.txt"
    told = text.read_text() if text.is_file() else HELP.format(here="http://HOST")
    help = Static(told.encode(), TEXT)
    page = files.get("index.html", help)

    async def choose(request: Request) -> Answer:
        liked = accepted(request.header(b"accept"), ("text/plain", "text/html"))
        return await (page if liked == "text/html" else help)(request)

    return choose
