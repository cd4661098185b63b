"""
A client that leaves: what it asked for is given up, so that others needn't wait for it.

    request -> 0.1 s without an answer -> its connection is watched -> closed: it is cancelled

Most requests are answered before that, and cost a timer that never fires. What is cancelled
leaves the queue; what is drawn already is left to finish where that is quicker than a new
process, or where others want the same art.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Protocol

WATCH_AFTER_SECONDS = 0.1

STATUS = 499
"""What the log and the metrics say of such a request: nobody is there to be answered."""


class Connected(Protocol):
    """A connection that tells when it is closed."""

    def client_disconnect(self) -> Awaitable[None]: ...


class Watch:
    """Cancels the current task if the client leaves before `end` is called."""

    def __init__(self, connection: Connected) -> None:
        loop = asyncio.get_running_loop()
        self.connection = connection
        self.request = asyncio.current_task()
        self.timer = loop.call_later(WATCH_AFTER_SECONDS, self.begin)
        self.watching: asyncio.Task[None] | None = None
        self.has_left = False

    def begin(self) -> None:
        self.watching = asyncio.ensure_future(self.wait())

    async def wait(self) -> None:
        await self.connection.client_disconnect()
        self.has_left = True
        if self.request is not None:
            self.request.cancel()

    def end(self) -> None:
        """The answer is there, or nobody waits for one."""
        self.timer.cancel()
        if self.watching is not None:
            self.watching.cancel()
