"""
The door itself, called as a server would call it: what a bug of ours looks like from outside.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import nullcontext

import pytest

from calligram.errors import Busy
from calligram.telemetry import Telemetry
from calligram.web.app import Application
from calligram.web.cors import Cors
from calligram.web.routes import Route, Routes


class Scope:
    """The head of a request, as Granian tells it."""

    http_version, method, path, query_string, client = "1.1", "GET", "/", "", "127.0.0.1:1"

    def __init__(self, accept):
        self.headers = {"host": "here", "accept": accept, "x-request-id": "mine"}


class Exchange:
    """Keeps the answer that it is given, and stays connected."""

    async def client_disconnect(self):
        await asyncio.Event().wait()

    def response_bytes(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body


@pytest.fixture
def ask(capfd):
    """Ask an application whose route raises `error`; tells status, headers, body and log."""

    def asked(error, accept="application/json"):
        async def broken(_request):
            raise error

        application = Application(
            routes=Routes({"/": Route("/", {"GET": broken})}),
            telemetry=Telemetry(version="test"),
            lifespan=nullcontext,
            draining=lambda: False,
            cors=Cors(frozenset()),
        )
        exchange = Exchange()
        asyncio.run(application.__rsgi__(Scope(accept), exchange))
        log = capfd.readouterr().out
        return exchange.status, dict(exchange.headers), exchange.body, log

    return asked


def test_a_bug_says_nothing_to_the_client_and_all_to_the_log(ask):
    status, headers, body, log = ask(ZeroDivisionError("secret"))

    assert status == 500
    assert json.loads(body)["code"] == "internal-error"
    assert b"secret" not in body
    assert b"mine" in body
    assert headers["cache-control"] == "no-store"
    assert "ZeroDivisionError: secret" in log


def test_a_busy_server_says_when_to_come_back(ask):
    status, headers, body, _ = ask(Busy("secret", retry_after_seconds=7), accept="*/*")

    assert (status, headers["retry-after"]) == (503, "7")
    assert b"secret" not in body
    assert body.endswith(b"(request mine) [busy]\n")
