"""
Talking to a server as nobody should, and watching what that costs it.

    talk        send bytes as they are and take what comes back, both at once: a server that
                has heard enough answers and hangs up before all is sent
    Memory      resident and peak bytes of the server's processes, as Linux counts them

Nothing is waited for by the clock alone: a talk ends with its answers, or the connection.
"""

from __future__ import annotations

import contextlib
import re
import select
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from web_server import Server

PIECE_BYTES = 1 << 20
STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
RESIDENT, PEAK = "VmRSS", "VmHWM"


@dataclass(frozen=True)
class Told:
    """One answer: its status, its headers by lower-case name, its body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __str__(self) -> str:
        return f"{self.status} {self.headers.get('calligram-error', '')}".strip()


@dataclass(frozen=True)
class Talk:
    """What came back. `ending` is "answered", "closed" (by the server) or "silent"."""

    told: tuple[Told, ...]
    ending: str
    sent_bytes: int
    seconds: float

    def __str__(self) -> str:
        answers = [str(told) for told in self.told]
        return ", ".join(answers if self.ending == "answered" else [*answers, self.ending])


class Line:
    """A connection that is written to and read from at once."""

    def __init__(self, connection: socket.socket, pieces: Iterable[bytes]) -> None:
        self.connection = connection
        self.pieces = iter(pieces)
        self.piece = b""
        self.sent_bytes = 0
        self.is_sent = False
        self.is_closed = False
        self.received = b""

    def step(self, seconds: float) -> None:
        """Read what is there, else send a piece; wait for at most `seconds`."""
        writers = [] if self.is_sent else [self.connection]
        readable, writable, _ = select.select([self.connection], writers, [], seconds)
        try:
            if readable:
                piece = self.connection.recv(PIECE_BYTES)
                self.received += piece
                self.is_closed = not piece
            elif writable:
                self.send()
        except OSError:
            # It hung up on what we send; what it said before that has been read.
            self.is_closed = True

    def send(self) -> None:
        if not self.piece:
            self.piece = next(self.pieces, b"")
            self.is_sent = not self.piece
        count = self.connection.send(self.piece[:PIECE_BYTES])
        self.sent_bytes += count
        self.piece = self.piece[count:]


def talk(
    port: int,
    pieces: Iterable[bytes],
    *,
    answers: int = 1,
    seconds_max: float = 60.0,
    drip_seconds: float = 0.0,
) -> Talk:
    """
    Send `pieces` until `answers` answers have come, or the server hangs up.

    With `drip_seconds` there is that much time between two pieces.
    """
    started = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port), timeout=seconds_max) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line = Line(connection, dripping(connection, pieces, drip_seconds))
        told: list[Told] = []
        ending = "answered"
        while len(told) < answers:
            left = started + seconds_max - time.perf_counter()
            if line.is_closed or left <= 0:
                ending = "closed" if line.is_closed else "silent"
                break
            line.step(left)
            told, line.received = taken(told, line.received)
    return Talk(tuple(told), ending, line.sent_bytes, time.perf_counter() - started)


def dripping(connection: socket.socket, pieces: Iterable[bytes], seconds: float) -> Iterator[bytes]:
    for piece in pieces:
        if seconds:
            select.select([connection], [], [], seconds)
        yield piece


def taken(told: list[Told], received: bytes) -> tuple[list[Told], bytes]:
    """The whole answers at the head of what was received, and the rest."""
    while (found := STATUS.match(received)) and b"\r\n\r\n" in received:
        head, _, rest = received.partition(b"\r\n\r\n")
        lines = [line.partition(": ") for line in head.decode("latin-1").split("\r\n")[1:]]
        headers = {name.lower(): value for name, _, value in lines}
        length = int(headers.get("content-length", "0"))
        if len(rest) < length:
            break
        status, received = int(found[1]), rest[length:]
        if status >= 200:
            told = [*told, Told(status, headers, rest[:length])]
    return told, received


# --- what it costs ---------------------------------------------------------------------------


def server_processes(server: Server) -> list[int]:
    """Granian's main process and its workers, but no render process."""
    renderers = set(server.renderers())
    return [server.process.pid, *(pid for pid in server.descendants() if pid not in renderers)]


def bytes_of(pid: int, field: str) -> int:
    """`field` of a process's status, in bytes; 0 if the process is gone."""
    with contextlib.suppress(OSError):
        found = re.search(rf"^{field}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.M)
        if found:
            return int(found[1]) * 1024
    return 0


class Memory:
    """What some processes' peaks grow by from now on, over what they hold now."""

    def __init__(self, pids: Iterable[int]) -> None:
        self.before = {}
        for pid in pids:
            with contextlib.suppress(OSError):
                Path(f"/proc/{pid}/clear_refs").write_text("5")
                self.before[pid] = bytes_of(pid, RESIDENT)

    def grown_bytes(self) -> int:
        """Of all processes together; one that is gone counts nothing."""
        return sum(max(0, bytes_of(pid, PEAK) - was) for pid, was in self.before.items())


def resident_bytes(pids: Iterable[int]) -> int:
    return sum(bytes_of(pid, RESIDENT) for pid in pids)
