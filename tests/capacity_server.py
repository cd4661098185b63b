"""
A server whose capacity is known: it answers with N at work as the law says, and halts on demand.

    python tests/capacity_server.py --alone 50 --contention 0.05 --coherency 0.002
                                    [--halt-every 10 --halt 1] [--warming 3]

Real sockets, real HTTP, one process. A request that finds n-1 others takes
R(n) = (1 + contention (n-1) + coherency n (n-1)) / alone seconds, so in a closed loop of N places
throughput is N / R(N): the universal scalability law with these numbers. With `--halt` nothing
moves for that many seconds of every `--halt-every`: what is under way takes that much longer, and
what comes in meanwhile begins afterwards.

It prints its port, and ends when its standard input does.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import selectors
import sys
from dataclasses import dataclass

WAY_SECONDS = 0.0005
"""What the way to a server on this machine and back takes; a part of R(n), not an addition."""

LENGTH = re.compile(rb"content-length: *(\d+)")
BODY = b"art\n"


@dataclass
class Behaviour:
    """The law's numbers, and what may go wrong."""

    alone: float
    contention: float = 0.0
    coherency: float = 0.0
    halt_every: float = 0.0
    halt: float = 0.0
    slowing: float = 0.0
    failing: float = 0.0
    at_work: int = 0
    answered: int = 0
    began: float = 0.0

    def seconds(self) -> float:
        n = self.at_work
        work = (1 + self.contention * (n - 1) + self.coherency * n * (n - 1)) / self.alone
        return work - WAY_SECONDS

    def end(self, now: float) -> float:
        """When a request that comes in now is answered: its work, and the halts in between."""
        slower = 1 + self.slowing * (now - self.began)
        left, at = self.seconds() * slower, now
        if not self.halt:
            return at + left
        while True:
            into = (at - self.began) % self.halt_every
            if into < self.halt:
                at += self.halt - into
                continue
            until_halt = self.halt_every - into
            if left <= until_halt:
                return at + left
            left -= until_halt
            at += until_halt


async def answer(
    behaviour: Behaviour, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    loop = asyncio.get_running_loop()
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            # From here on, and not from when its body is read: the body is part of the request.
            behaviour.at_work += 1
            try:
                end = behaviour.end(loop.time())
                length = LENGTH.search(head)
                await reader.readexactly(int(length[1]) if length else 0)
                await asyncio.sleep(end - loop.time())
            finally:
                behaviour.at_work -= 1
            behaviour.answered += 1
            # Never two in a row, up to a third of all: a look at the server may be lucky.
            wrong = behaviour.answered * 3 % 10 < 10 * behaviour.failing
            status = b"503 Busy" if wrong else b"200 OK"
            keep = b"keep-alive" if is_kept(head) else b"close"
            writer.write(
                b"HTTP/1.1 %s\r\nContent-Length: %d\r\nConnection: %s\r\n\r\n%s"
                % (status, len(BODY), keep, BODY)
            )
            if keep == b"close":
                break
    except (asyncio.IncompleteReadError, ConnectionError):
        pass  # whoever asked has gone
    finally:
        writer.close()


def is_kept(head: bytes) -> bool:
    if b"\r\nconnection: close" in head:
        return False
    return b"http/1.1" in head or b"\r\nconnection: keep-alive" in head


async def serve(behaviour: Behaviour) -> None:
    loop = asyncio.get_running_loop()
    behaviour.began = loop.time()
    server = await asyncio.start_server(
        lambda reader, writer: answer(behaviour, reader, writer), "127.0.0.1", 0, backlog=512
    )
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("alone", "contention", "coherency", "halt-every", "halt", "slowing", "failing"):
        parser.add_argument(f"--{name}", type=float, default=50.0 if name == "alone" else 0.0)
    behaviour = Behaviour(**vars(parser.parse_args()))
    # select() takes microseconds where epoll takes whole milliseconds.
    loop = asyncio.SelectorEventLoop(selectors.SelectSelector())
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(serve(behaviour))


if __name__ == "__main__":
    main()
