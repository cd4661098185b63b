"""
The oracle: sends pictures, remembers every promise, and demands each of them in the end.

    upload   POST until it is promised (201 or 200); what fails or is refused is tried again
    read     whoever was promised something gets its art at once, from any server
    demand   each promised picture is in the store, byte for byte, with a record that fits;
             by several processes where there are so many that one would take an hour

Pictures are made from their numbers, so that only numbers need be remembered, and whoever
checks after a crash speaks of the same. All of it is bounded: tries, time and count.
"""

from __future__ import annotations

import hashlib
import http.client
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import Any

from calligram.errors import CalligramError
from calligram.store import Bucket, Objects

SIDE = 8
TRIES_MAX = 1000
SECONDS_MAX = 30.0
AGAIN_SECONDS = 0.1
QUERY = "columns=4&rows=2"


def picture(number: int, width: int = SIDE, height: int = SIDE) -> bytes:
    """Picture `number`: a BMP of pixels that no other number has."""
    stride = (width * 3 + 3) // 4 * 4
    pixels = hashlib.shake_128(str(number).encode()).digest(stride * height)
    head = struct.pack("<2sIHHI", b"BM", 54 + len(pixels), 0, 0, 54)
    return head + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0) + pixels


def id_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Oracle:
    """
    Sends to the servers at `ports` in turn, and reads `read_share` of what it sent from
    another one. Several threads may use it.
    """

    def __init__(
        self, ports: Sequence[int], *, side: int = SIDE, read_share: float = 0.1, seed: int = 0
    ) -> None:
        self.ports = tuple(ports)
        self.side = side
        self.read_every = round(1 / read_share) if read_share else 0
        self.first = seed * 1_000_000_000
        self.promised: set[int] = set()
        self.unread: list[str] = []
        self.seen: Counter[str] = Counter()
        self.own = threading.local()
        self.connections: list[http.client.HTTPConnection] = []
        self.pause = threading.Event()

    # --- Sending -------------------------------------------------------------------------

    def content(self, number: int) -> bytes:
        return picture(self.first + number, self.side, self.side)

    def upload(self, number: int) -> None:
        """Send picture `number` until it is promised, and read it if it is its turn."""
        content = self.content(number)
        for tries in range(TRIES_MAX):
            status = self.ask("POST", number + tries, f"/v1/pictures?{QUERY}", content)
            if status in (200, 201):
                self.promised.add(number)
                if self.read_every and number % self.read_every == 0:
                    self.read(number)
                return
            self.pause.wait(AGAIN_SECONDS)
        raise AssertionError(f"picture {number} was not taken in {TRIES_MAX} tries: {self.seen}")

    def read(self, number: int) -> None:
        """Its art, from the server after the one that it was sent to; told if it is missing."""
        path = f"/v1/pictures/{id_of(self.content(number))}/art/shape-1.txt?{QUERY}"
        for tries in range(TRIES_MAX):
            status = self.ask("GET", number + 1 + tries, path, None)
            if status == 200:
                return
            if status == 404:
                self.unread.append(f"{number}: 404")
                return
            self.pause.wait(AGAIN_SECONDS)
        self.unread.append(f"{number}: not answered")

    def ask(self, method: str, turn: int, path: str, body: bytes | None) -> int:
        """The status; 0 where there was none."""
        port = self.ports[turn % len(self.ports)]
        connections = self.own.__dict__
        try:
            connection = connections.get(str(port))
            if connection is None:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS_MAX)
                connections[str(port)] = connection
                self.connections.append(connection)
            connection.request(method, path, body)
            response = connection.getresponse()
            response.read()
            status = response.status
        except (OSError, http.client.HTTPException):
            connection.close()
            connections.pop(str(port), None)
            status = 0
        self.seen[f"{method} {status}"] += 1
        return status

    def send(self, numbers: Iterable[int], *, clients: int = 8) -> None:
        """Upload all `numbers`, `clients` at a time."""
        left = iter(numbers)
        self.run(lambda: next(left, None), clients)

    def send_for(self, seconds: float, rate: float, *, first: int = 0, clients: int = 8) -> None:
        """Upload `rate` a second for so long, from number `first` on."""
        began = time.monotonic()
        left = iter(range(round(seconds * rate)))

        def due() -> int | None:
            number = next(left, None)
            if number is None:
                return None
            self.pause.wait(max(0.0, began + number / rate - time.monotonic()))
            return first + number

        self.run(due, clients)

    def run(self, next_number: Callable[[], int | None], clients: int) -> None:
        """Upload what `next_number` says until it says None."""

        def one_client() -> None:
            while (number := next_number()) is not None:
                self.upload(number)

        with ThreadPoolExecutor(clients) as pool:
            for running in [pool.submit(one_client) for _ in range(clients)]:
                running.result()

    def close(self) -> None:
        """Hang up on all servers."""
        for connection in self.connections:
            connection.close()

    # --- Demanding -----------------------------------------------------------------------

    def missing(self, objects: Objects, *, threads: int = 8) -> list[str]:
        """Every promise that the store does not keep, told by its number and what is wrong."""
        with ThreadPoolExecutor(threads) as pool:
            told = pool.map(lambda number: self.wrong(objects, number), sorted(self.promised))
            return [line for line in told if line]

    def missing_by(self, processes: int, url: str, config: dict[str, Any]) -> list[str]:
        """The same, of the store at `url` with obstore's `config`, by so many processes."""
        numbers = sorted(self.promised)
        # obstore has threads, which don't survive a fork.
        with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
            shares = [
                pool.submit(missing_of, self.first, self.side, numbers[n::processes], url, config)
                for n in range(processes)
            ]
            return [line for share in shares for line in share.result()]

    def wrong(self, objects: Objects, number: int) -> str:
        content = self.content(number)
        try:
            stored, record = objects.picture(id_of(content)), objects.record(id_of(content))
        except CalligramError as error:
            return f"{number}: {error}"
        if stored != content:
            return f"{number}: lost" if stored is None else f"{number}: altered"
        if record is None or record.bytes != len(content):
            return f"{number}: its record is {record}"
        return ""


def missing_of(
    first: int, side: int, numbers: list[int], url: str, config: dict[str, Any]
) -> list[str]:
    """One process's share of the promises, which count from `first`."""
    share = Oracle((), side=side)
    share.first = first
    share.promised = set(numbers)
    return share.missing(Objects(Bucket.at(url, config=config)))
