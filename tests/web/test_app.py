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
from calligram.web.routes import Route


@pytest.fixture
def ask(capfd):
    """Ask an application whose route raises `error`; tells status, headers, body and log."""

    def asked(error, accept="application/json"):
        async def broken(_request):
            raise error

        application = Application(
            routes={"/": Route("/", {"GET": broken})},
            telemetry=Telemetry(version="test"),
            lifespan=nullcontext,
            draining=lambda: False,
            cors=Cors(frozenset()),
        )
        sent = []

        async def send(message):
            sent.append(message)

        scope = {
            "type": "http",
            "method": "GET",
            "path": "/",
            "query_string": b"",
            "headers": [(b"accept", accept.encode()), (b"x-request-id", b"mine")],
        }
        asyncio.run(application(scope, None, send))
        log = capfd.readouterr().out
        return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"], log

    return asked


def test_a_bug_says_nothing_to_the_client_and_all_to_the_log(ask):
    status, headers, body, log = ask(ZeroDivisionError("secret"))

    assert status == 500
    assert json.loads(body)["code"] == "internal-error"
    assert b"secret" not in body
    assert b"mine" in body
    assert headers[b"cache-control"] == b"no-store"
    assert "ZeroDivisionError: secret" in log


def test_a_busy_server_says_when_to_come_back(ask):
    status, headers, body, _ = ask(Busy("secret", retry_after_seconds=7), accept="*/*")

    assert (status, headers[b"retry-after"]) == (503, b"7")
    assert b"secret" not in body
    assert body.endswith(b"(request mine) [busy]\n")
