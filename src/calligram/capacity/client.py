"""
A small HTTP client for one purpose: to cost the load generator as little as can be.

Connections are kept and used again, newest first. An answer is read whole, by its length, in
chunks, or to the connection's end. What is no answer at all is an error of the connection.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

from calligram.capacity.target import Request

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)")
HEAD_BYTES_MAX = 64 * 1024


class ConnectionLost(Exception):
    """The connection ended, or said what is no HTTP, before the answer was whole."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its status, its head in lower case, and its body."""

    status: int
    head: bytes
    body: bytes

    def header(self, name: str) -> str:
        found = re.search(rb"\r\n%s: *([^\r]*)" % re.escape(name.lower().encode()), self.head)
        return found[1].decode("latin-1") if found else ""


class Client:
    """
    Connections to one server. `connections_max` of them at most; who comes later waits.

    Without `keep_alive` each request has a connection of its own, as with ab: server processes
    that share a port then get their requests by chance, and not by where a connection once went.
    """

    def __init__(self, host: str, port: int, *, connections_max: int, keep_alive: bool) -> None:
        self.host = host
        self.port = port
        self.keep_alive = keep_alive
        self.idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self.room = asyncio.Semaphore(connections_max)

    async def exchange(self, request: Request) -> Reply:
        """Send one request and read its answer. Raises ConnectionLost, OSError."""
        while self.idle:
            reader, writer = self.idle.pop()
            try:
                return await self.over(reader, writer, request)
            except (ConnectionLost, OSError):
                # Closed by the server while it was idle, most likely: once more, on another.
                writer.close()
        reader, writer = await asyncio.open_connection(self.host, self.port, limit=HEAD_BYTES_MAX)
        try:
            return await self.over(reader, writer, request)
        except BaseException:
            writer.close()
            raise

    async def over(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Request
    ) -> Reply:
        head = request.head(f"{self.host}:{self.port}", keep_alive=self.keep_alive)
        writer.writelines((head, request.body))
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            if not head.startswith(b"http/1."):
                raise ConnectionLost(f"no HTTP: {head[:40]!r}")
            body, whole = await read_body(reader, head)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
            raise ConnectionLost(str(error)) from error
        if self.keep_alive and whole and b"\r\nconnection: close" not in head:
            self.idle.append((reader, writer))
        else:
            writer.close()
        return Reply(int(head[9:12]), head, body)

    def close(self) -> None:
        for _, writer in self.idle:
            writer.close()
        self.idle.clear()


async def read_body(reader: asyncio.StreamReader, head: bytes) -> tuple[bytes, bool]:
    """The body, and whether the connection can go on after it."""
    if head[9:12] in (b"204", b"304"):
        return b"", True
    if b"\r\ntransfer-encoding: chunked" in head:
        return await read_chunks(reader), True
    length = LENGTH.search(head)
    if length:
        return await reader.readexactly(int(length[1])), True
    return await reader.read(), False


async def read_chunks(reader: asyncio.StreamReader) -> bytes:
    parts = []
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        parts.append(await reader.readexactly(size))
        await reader.readexactly(2)
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass  # trailers
    return b"".join(parts)
