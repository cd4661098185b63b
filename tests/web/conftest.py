"""
One server for all tests that only ask, started once; those that harm it start their own.
"""

from __future__ import annotations

import pytest

from web_server import Server, jpeg


@pytest.fixture(scope="session")
def server():
    """Two server processes with small time limits, so that slow senders are quickly told."""
    server = Server(
        workers=2,
        body_seconds_max=3,
        picture_bytes_max=1_000_000,
        art_bytes_max=1_000_000,
        cors_origins="https://pages.example",
    )
    yield server
    assert server.stop() == 0


@pytest.fixture
def start():
    """Start a server with other settings; it is stopped after the test."""
    servers = []

    def one(**settings):
        servers.append(Server(**settings))
        return servers[-1]

    yield one
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def photo():
    """A small photograph."""
    return jpeg()
