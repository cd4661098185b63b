"""
A request as the routes see it, and the answer that they give.

Names of headers are lower-case bytes, as ASGI has them; values are text.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]

NO_STORE = (b"cache-control", b"no-store")
TEXT = "text/plain; charset=utf-8"
JSON = "application/json"


@dataclass(slots=True)
class Request:
    """One request. `id` is ours or a checked one; `client` is the address that it came from."""

    method: str
    path: str
    query: bytes
    headers: dict[bytes, str]
    receive: Receive
    client: str
    id: str
    started: float
    route: str = "none"

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


def headers_of(pairs: Iterable[tuple[bytes, bytes]]) -> dict[bytes, str]:
    """Headers by name; several of one name are one list with commas, as RFC 9110 has it."""
    headers: dict[bytes, str] = {}
    for name, value in pairs:
        text = value.decode("latin-1")
        headers[name] = f"{headers[name]}, {text}" if name in headers else text
    return headers
