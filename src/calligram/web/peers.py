"""
Asking the other servers for a picture that they may still have in their spool.

    upload -> server A: 201, in A's spool
    its art -> server B: not in B's spool, not in the store (or the store is away)
            -> B asks all its peers at once -> A answers, and B passes it on

So whoever has a 201 gets its picture through any server at once, also while the store is
away. A peer looks into its spool first and then into the store, so a picture that is moved
in this very moment is found in one of the two. Only if every peer says that it has not got
it is it missing; where one does not answer, nobody knows, and that is said.

A request that comes from a peer is not passed on again. Peers are other servers of ours in
a private network: what they answer is passed on as it is, but only headers that we know.
"""

from __future__ import annotations

import asyncio
import http.client
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from calligram.errors import PeerUnavailable, PictureMissing, StoreUnavailable
from calligram.web.messages import Answer, Request

ASKED_BY_PEER = b"calligram-peer"
SENT_ON = (b"accept", b"accept-encoding", b"if-none-match", b"x-request-id")
PASSED_ON = frozenset(
    (
        *("cache-control", "calligram-algorithm", "calligram-kept", "content-encoding"),
        *("content-location", "content-security-policy", "content-type", "etag", "repr-digest"),
        *("server-timing", "vary"),
    )
)
THREADS = 32
ANSWER_BYTES_MAX = 64 * 1024 * 1024

Handler = Callable[[Request], Awaitable[Answer]]


class Peers:
    """
    The other servers at `addresses` (http://host:port), each with `seconds_max` to answer.

    A name with several network addresses stands for all of them, as in Kubernetes.
    """

    def __init__(self, addresses: Sequence[str], *, seconds_max: float) -> None:
        self.addresses = tuple(urlsplit(address) for address in addresses)
        self.seconds_max = seconds_max
        self.threads = ThreadPoolExecutor(THREADS, "peers")

    def close(self) -> None:
        self.threads.shutdown(wait=False, cancel_futures=True)

    def asked_after(self, handler: Handler) -> Handler:
        """`handler`, and the peers are asked for what it does not have."""

        async def ask(request: Request) -> Answer:
            try:
                return await handler(request)
            except (PictureMissing, StoreUnavailable):
                if request.header(ASKED_BY_PEER) is not None or not self.addresses:
                    raise
                answer = await self.ask(request)
                if answer is None:
                    raise
                return answer

        return ask

    async def ask(self, request: Request) -> Answer | None:
        """
        The first peer's answer that has it; None if all say that they have not.

        Raises PeerUnavailable where none has it and one or more could not tell.
        """
        loop = asyncio.get_running_loop()
        hosts = await loop.run_in_executor(self.threads, self.hosts)
        asking = [
            loop.run_in_executor(self.threads, self.ask_one, host, port, request)
            for host, port in hosts
        ]
        unsure = 0
        for answered in asyncio.as_completed(asking):
            try:
                answer = await answered
            except (OSError, http.client.HTTPException):
                unsure += 1
                continue
            if answer is not None:
                return answer
        if unsure:
            raise PeerUnavailable(f"{unsure} of {len(hosts)} peers did not answer")
        return None

    def hosts(self) -> list[tuple[str, int]]:
        """All network addresses of all peers; a name that is unknown is a peer that is away."""
        found: dict[tuple[str, int], None] = {}
        for address in self.addresses:
            name, port = address.hostname or "", address.port or 80
            try:
                told = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
            except OSError:
                found[name, port] = None
                continue
            for _, _, _, _, place in told:
                found[str(place[0]), port] = None
        return list(found)

    def ask_one(self, host: str, port: int, request: Request) -> Answer | None:
        """A peer's answer; None if it has not got the picture, OSError if it can't tell."""
        headers = {ASKED_BY_PEER.decode(): "1"}
        for name in SENT_ON:
            value = request.header(name)
            if value is not None:
                headers[name.decode()] = value
        headers["x-request-id"] = request.id
        query = request.query.decode("latin-1")
        target = f"{request.path}?{query}" if query else request.path
        connection = http.client.HTTPConnection(host, port, timeout=self.seconds_max)
        try:
            # For HEAD too: the length of what it stands for is then told rightly.
            connection.request("GET", target, headers=headers)
            response = connection.getresponse()
            if response.status == 404:
                return None
            if response.status not in (200, 304):
                raise OSError(f"the peer answered {response.status}")
            body = response.read(ANSWER_BYTES_MAX)
            told = tuple(
                (name.lower().encode("latin-1"), value.encode("latin-1"))
                for name, value in response.getheaders()
                if name.lower() in PASSED_ON
            )
            return Answer(response.status, told, body)
        finally:
            connection.close()
