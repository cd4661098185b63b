"""
What happens to a render process in the middle of a picture, done on purpose.

    strike       send a picture that takes long, and do something to the process that draws it
    STRIKES      the signals, and what the client of that one request is told
    crowd        many connections at once that say nothing, or half of something
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator, Mapping

from hostile_pictures import solid_png
from hostile_requests import posted
from hostile_talk import RESIDENT, Talk, bytes_of, talk
from web_server import Server

STOPPED = ("422 render-stopped",)
STRIKES: Mapping[str, signal.Signals] = {
    "killed (SIGKILL, as when memory ends)": signal.SIGKILL,
    "crashed (SIGSEGV)": signal.SIGSEGV,
    "aborted (SIGABRT)": signal.SIGABRT,
    "frozen (SIGSTOP) until the deadline": signal.SIGSTOP,
}
AT_WORK_BYTES = 40 << 20
"""By how much a render process grows, at least, while it unpacks the large picture."""


def large_picture() -> bytes:
    """49 megapixels of 16-bit RGBA: within all limits, and the most that they let through."""
    return solid_png(7_000, depth=16, colours=6)


def strike(server: Server, picture: bytes, number: signal.Signals) -> Talk:
    """The answer to `picture` if the process that draws it gets the signal meanwhile."""
    idle = {pid: bytes_of(pid, RESIDENT) for pid in server.renderers()}
    said: list[Talk] = []
    asking = threading.Thread(
        target=lambda: said.append(talk(server.port, posted(lambda: picture)()))
    )
    asking.start()
    struck = False
    while asking.is_alive():
        at_work = [
            pid for pid, was in idle.items() if bytes_of(pid, RESIDENT) > was + AT_WORK_BYTES
        ]
        if at_work and not struck:
            os.kill(at_work[0], number)
            struck = True
        asking.join(0.005)
    assert struck, "the picture was drawn before its process could be struck"
    return said[0]


@contextlib.contextmanager
def crowd(server: Server, count: int, said: bytes) -> Iterator[list[socket.socket]]:
    """`count` open connections, each of which has said `said` and nothing more."""
    with contextlib.ExitStack() as stack:
        connections = []
        for _ in range(count):
            connections.append(stack.enter_context(server.connect()))
            connections[-1].sendall(said)
        yield connections
