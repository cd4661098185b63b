"""
The door: every request comes in here, and every answer goes out.

    id -> route -> access -> handler -> answer or problem -> headers of all answers -> log

An application for Granian's own interface, RSGI: it hands over a body of known length in one
piece, which costs half of what ASGI's pieces do. Whatever a handler raises becomes an answer
here; nothing that a client sends can end the server. Each request leaves one line in the log.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from calligram.errors import (
    CalligramError,
    Draining,
    MethodRefused,
    RequestMalformed,
    RouteUnknown,
)
from calligram.telemetry import Telemetry
from calligram.web import leaving
from calligram.web.access import Rate, Tokens
from calligram.web.cors import Cors
from calligram.web.leaving import Watch
from calligram.web.messages import Answer, Body, Headers, Request, headers_of
from calligram.web.problems import ACCEPT_POST, code_of, problem, status_of
from calligram.web.routes import Route, Routes

REQUEST_ID = re.compile(r"[A-Za-z0-9._~-]{1,64}")
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
"""Other methods are written down as OTHER: a log and a metric hold no words of clients'."""

POLICY = b"content-security-policy"
CLOSED_POLICY = (POLICY, b"default-src 'none'; frame-ancestors 'none'")
EVERYWHERE: Headers = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)

Lifespan = Callable[[], AbstractAsyncContextManager[None]]


class Incoming(Protocol):
    """How Granian's RSGI lists headers: each as often as it was sent."""

    def items(self) -> list[tuple[str, str]]: ...


class Scope(Protocol):
    """The head of a request, as RSGI has it."""

    http_version: str
    method: str
    path: str
    query_string: str
    client: str

    @property
    def headers(self) -> Incoming: ...


class Exchange(Body, leaving.Connected, Protocol):
    """RSGI's other half: the body to be read, and the answer to be given."""

    def response_empty(self, status: int, headers: list[tuple[str, str]]) -> None: ...

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None: ...


class Application:
    """The service as an RSGI application; `lifespan` starts and stops what it works with."""

    def __init__(
        self,
        *,
        routes: Routes,
        telemetry: Telemetry,
        lifespan: Lifespan,
        draining: Callable[[], bool],
        cors: Cors,
        tokens: Tokens | None = None,
        rate: Rate | None = None,
    ) -> None:
        self.routes = routes
        self.telemetry = telemetry
        self.running = lifespan()
        self.draining = draining
        self.cors = cors
        self.tokens = tokens
        self.rate = rate
        shared = b"cross-origin" if cors.origins else b"same-origin"
        self.everywhere: Headers = (*EVERYWHERE, (b"cross-origin-resource-policy", shared))

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start what the service works with, before the first request."""
        try:
            loop.run_until_complete(self.running.__aenter__())
        except Exception as error:
            self.telemetry.log.error("not started", exc_info=error)
            raise

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Stop it, after the last one."""
        loop.run_until_complete(self.running.__aexit__(None, None, None))

    async def __rsgi__(self, scope: Scope, exchange: Exchange) -> None:
        started = time.perf_counter()
        request = request_of(scope, exchange, started)
        self.telemetry.active.inc()
        watch = Watch(exchange)
        try:
            answer = await self.answer(request)
        except asyncio.CancelledError:
            if not watch.has_left:
                raise
            answer = Answer(leaving.STATUS)
        finally:
            watch.end()
            self.telemetry.active.dec()
        # Before it is sent: while the client reads it, the next request can be taken on.
        self.telemetry.answered(
            method=request.method if request.method in METHODS else "OTHER",
            route=request.route,
            status=answer.status,
            size=len(answer.body),
            seconds=time.perf_counter() - started,
            request=request.id,
        )
        self.send(request, answer, exchange)

    async def answer(self, request: Request) -> Answer:
        """What the route answers, or the problem that it raises."""
        headers: Headers = ()
        try:
            check_host(request)
            found = self.routes.find(request.path)
            if found is None:
                return self.missing(request)
            route, request.parameters = found
            request.route = route.name
            handler = route.methods.get("GET" if request.method == "HEAD" else request.method)
            if request.method == "OPTIONS":
                return self.options(route)
            if handler is None:
                headers = ((b"allow", route.allow),)
                raise MethodRefused(
                    f"{route.name} takes {route.allow.decode()}, and not this method"
                )
            if route.guarded:
                headers = self.guard(request)
            answer = await handler(request)
        except CalligramError as error:
            return self.told(error, request, headers)
        except Exception as error:  # noqa: BLE001 - a bug of ours must not end the server
            return self.told(error, request, headers)
        return Answer(answer.status, answer.headers + headers, answer.body) if headers else answer

    def missing(self, request: Request) -> Answer:
        if request.path == "*" and request.method == "OPTIONS":
            return Answer(204, ((b"allow", b"GET, HEAD, OPTIONS, POST"),))
        return self.told(RouteUnknown("there is nothing here; /docs tells what is"), request, ())

    def told(self, error: Exception, request: Request, headers: Headers) -> Answer:
        if status_of(error) == 500:
            self.telemetry.log.error("bug", request_id=request.id, exc_info=error)
        self.telemetry.refused.labels(code_of(error)).inc()
        return problem(error, request, headers)

    def options(self, route: Route) -> Answer:
        headers: Headers = ((b"allow", route.allow), (b"cache-control", b"no-store"))
        if "POST" in route.methods:
            headers += ((b"accept-post", ACCEPT_POST),)
        return Answer(204, headers + self.cors.preflight(route.allow))

    def guard(self, request: Request) -> Headers:
        """Raise where no work is taken on, or not from this client."""
        if self.draining():
            raise Draining("the server is being stopped")
        if self.tokens is not None:
            self.tokens.check(request.header(b"authorization"))
        return self.rate.take(request.client) if self.rate is not None else ()

    def send(self, request: Request, answer: Answer, exchange: Exchange) -> None:
        headers = [*answer.headers, *self.everywhere, (b"x-request-id", request.id.encode())]
        # Not with a 304: a browser would put it in place of the policy of what it holds.
        if answer.status != 304 and not any(name == POLICY for name, _ in answer.headers):
            headers.append(CLOSED_POLICY)
        if self.cors.origins:
            headers += self.cors.headers(request.header(b"origin"))
        # A 304 has no body, and the length of the one that it stands for is not ours to guess.
        if answer.status not in (204, 304):
            headers.append((b"content-length", b"%d" % len(answer.body)))
        told = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
        if request.method == "HEAD" or not answer.body:
            exchange.response_empty(answer.status, told)
        else:
            exchange.response_bytes(answer.status, told, answer.body)


def request_of(scope: Scope, body: Body, started: float) -> Request:
    headers = headers_of(scope.headers.items())
    told = headers.get(b"x-request-id")
    return Request(
        method=scope.method,
        path=scope.path,
        query=scope.query_string.encode("latin-1", "replace"),
        headers=headers,
        body=body,
        client=scope.client.rpartition(":")[0] or "unknown",
        # A client's own id is echoed only where it can't forge a line of anybody's log.
        id=told if told and REQUEST_ID.fullmatch(told) else os.urandom(8).hex(),
        started=started,
        version=scope.http_version,
    )


def check_host(request: Request) -> None:
    """RFC 9112, 3.2: whatever names no host, or several, may be smuggled, and gets a 400."""
    host = request.header(b"host")
    # Several of one name were put together with a comma and a space, and no host has a space.
    if (host is None and request.version == "1.1") or (host is not None and " " in host):
        raise RequestMalformed("an HTTP/1.1 request needs one Host header, and no more")
