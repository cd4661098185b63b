"""
The fleet of deploy/local, as tests and benchmarks use it: started, asked, and besieged.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import socket
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from oracle import id_of, picture

ROOT = Path(__file__).resolve().parent.parent
SECONDS_MAX = 60
PORTS = (0, 1, *range(11, 20), *range(21, 25), *range(10_021, 10_025))
HIT = "varnish; hit"

sys.path.append(str(ROOT / "deploy/local"))
from fleet import Fleet  # noqa: E402 - it is a program's part, in no package

__all__ = ["HIT", "Fleet", "Readers", "Reply", "ask", "free_port", "stored", "zipf"]


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_hit(self) -> bool:
        return self.headers.get("cache-status", "") == HIT


def free_port() -> int:
    """A port from which on all are free that a fleet takes, none of those for outgoing ones."""
    for port in range(11_000 + random.SystemRandom().randrange(100) * 100, 22_700, 30):
        with contextlib.suppress(OSError), contextlib.ExitStack() as held:
            for step in PORTS:
                held.enter_context(socket.socket()).bind(("127.0.0.1", port + step))
            return port
    raise AssertionError("no free ports")


def ask(address: str, method: str, path: str, body: bytes | None = None, **headers: str) -> Reply:
    """One request on a connection of its own. Raises OSError where nobody answers."""
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=SECONDS_MAX)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, named)
        response = connection.getresponse()
        told = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, told, response.read())
    finally:
        connection.close()


def stored(address: str, count: int, *, first: int = 0) -> list[str]:
    """Upload `count` pictures and wait until the store has all: their ids."""
    ids = []
    for number in range(first, first + count):
        content = picture(number)
        assert ask(address, "POST", "/v1/pictures?columns=4", content).status in (200, 201)
        ids.append(id_of(content))
    tick = threading.Event()
    for id in ids:
        while ask(address, "GET", f"/v1/pictures/{id}").headers["calligram-kept"] != "stored":
            tick.wait(0.1)
    return ids


def zipf(addresses: Sequence[str], count: int, *, seed: int, exponent: float = 1.0) -> list[str]:
    """`count` of the addresses, the n-th of them as often as 1 / n^exponent."""
    weights = list(accumulate(1 / rank**exponent for rank in range(1, len(addresses) + 1)))
    return random.Random(seed).choices(addresses, cum_weights=weights, k=count)


class Readers:
    """
    Clients that read the same paths, one after the other, until told to stop.

    `failed` are the answers that are no 200, and connections that broke: there may be none.
    """

    def __init__(self, address: str, paths: Sequence[str], *, clients: int = 4) -> None:
        self.address = address
        self.paths = paths
        self.seen: Counter[int] = Counter()
        self.failed: list[str] = []
        self.stopped = threading.Event()
        self.pool = ThreadPoolExecutor(clients)
        self.running = [self.pool.submit(self.read, number) for number in range(clients)]

    def read(self, number: int) -> None:
        connection = http.client.HTTPConnection(
            self.address.removeprefix("http://"), timeout=SECONDS_MAX
        )
        with contextlib.closing(connection):
            while not self.stopped.is_set():
                number += 1
                self.read_one(connection, self.paths[number % len(self.paths)])

    def read_one(self, connection: http.client.HTTPConnection, path: str) -> None:
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.failed.append(f"{path}: {error!r}")
            connection.close()
            return
        self.seen[response.status] += 1
        if response.status != 200:
            self.failed.append(f"{path}: {response.status} {body[:300]!r}")

    def stop(self) -> None:
        self.stopped.set()
        self.pool.shutdown()
        for one in self.running:
            one.result()


@contextlib.contextmanager
def reading(address: str, paths: Sequence[str], *, clients: int = 4) -> Iterator[Readers]:
    """Readers while the block runs."""
    readers = Readers(address, paths, clients=clients)
    try:
        yield readers
    finally:
        readers.stop()


def requests_of(fleet: Fleet, name: str) -> list[dict[str, object]]:
    """The lines of a server's log that tell of requests."""
    log = (fleet.folder / "logs" / f"server-{name}.log").read_text()
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == "request"]
