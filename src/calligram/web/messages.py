"""
A request as the routes see it, and the answer that they give.

Names of headers are lower-case bytes; values are text in a request, bytes in an answer.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]

NO_STORE = (b"cache-control", b"no-store")
TEXT = "text/plain; charset=utf-8"
JSON = "application/json"


class Body(Protocol):
    """
    A request's body, still in the socket: all of it at once, or piece by piece as it comes.

    Either raises a RuntimeError of the server's where the client breaks off.
    """

    def __call__(self) -> Awaitable[bytes]: ...

    def __aiter__(self) -> AsyncIterator[bytes]: ...


@dataclass(slots=True)
class Request:
    """
    One request. `id` is ours or a checked one, `client` the address that it came from, `version`
    is HTTP's, "1.1" or "1" for 1.0, and `parameters` are the parts of its path that the route
    left open, checked by it.
    """

    method: str
    path: str
    query: bytes
    headers: dict[bytes, str]
    body: Body
    client: str
    id: str
    started: float
    version: str = "1.1"
    route: str = "none"
    parameters: Mapping[str, str] = field(default_factory=dict)

    def header(self, name: bytes) -> str | None:
        return self.headers.get(name)


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, headers and a body. Content-Length and the headers of all answers come later."""

    status: int
    headers: Headers = ()
    body: bytes = field(default=b"", repr=False)


def answer(
    body: bytes, media_type: str, headers: Iterable[tuple[bytes, bytes]] = (), status: int = 200
) -> Answer:
    """An answer with a body of `media_type`."""
    return Answer(status, ((b"content-type", media_type.encode()), *headers), body)


def headers_of(pairs: Iterable[tuple[str, str]]) -> dict[bytes, str]:
    """Headers by name; several of one name are one list with commas, as RFC 9110 has it."""
    headers: dict[bytes, str] = {}
    for told, text in pairs:
        name = told.encode("latin-1")
        headers[name] = f"{headers[name]}, {text}" if name in headers else text
    return headers
