"""
The one story: a picture comes in, its art goes out.

    bytes -> id -> kept already? -> drawn just now? -> header, limits -> render -> kept

Equal requests that come together are drawn once: the first draws, the others wait for it.
Finished art is kept in memory, the least lately used thrown away first; what is kept is
never more than `bytes_max`. Art never changes for a key, so nothing here can be stale.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from calligram.art.decode import open_picture
from calligram.art.limits import Limits
from calligram.art.options import Options
from calligram.telemetry import Telemetry
from calligram.work import Drawn, Job, Workers

HASH_BYTES_MAX = 256 * 1024
"""Larger pictures are hashed beside the event loop, so that nobody waits for it."""

KEY_BYTES = 1024
"""About what an entry of the cache takes besides its art."""


@dataclass(frozen=True, slots=True)
class Key:
    """What art depends on, and nothing else. `picture` is the SHA-256 in hex."""

    picture: str
    options: Options
    format: str


@dataclass(frozen=True, slots=True)
class Finished:
    """
    Finished art, and how it came about.

    `outcome` is "hit" (kept already), "collapsed" (drawn for another request meanwhile) or
    "miss" (drawn for this one). The times are of this request, in seconds.
    """

    key: Key
    content: bytes
    outcome: str
    queued_seconds: float
    render_seconds: float


class Cache:
    """Finished art, at most `bytes_max` of it; the least lately used goes first."""

    def __init__(self, *, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self.bytes = 0
        self.arts: OrderedDict[Key, bytes] = OrderedDict()

    def get(self, key: Key) -> bytes | None:
        content = self.arts.get(key)
        if content is not None:
            self.arts.move_to_end(key)
        return content

    def put(self, key: Key, content: bytes) -> None:
        if key in self.arts or len(content) + KEY_BYTES > self.bytes_max:
            return
        self.arts[key] = content
        self.bytes += len(content) + KEY_BYTES
        while self.bytes > self.bytes_max:
            _, oldest = self.arts.popitem(last=False)
            self.bytes -= len(oldest) + KEY_BYTES


@dataclass(slots=True, eq=False)
class Drawing:
    """One drawing that is under way, and how many requests wait for it."""

    task: asyncio.Task[Drawn]
    waiting: int = 0


class Service:
    """Draws pictures, each combination of picture, options and format once."""

    def __init__(
        self, *, workers: Workers, cache: Cache, limits: Limits, telemetry: Telemetry
    ) -> None:
        self.workers = workers
        self.cache = cache
        self.limits = limits
        self.telemetry = telemetry
        self.drawing: dict[Key, Drawing] = {}

    async def draw(self, data: bytes, options: Options, format: str) -> Finished:
        """
        The art of the picture in `data`, written in `format`.

        Raises PictureRefused, OptionsRefused, ArtTooLarge, and Unavailable where too much
        is being drawn already.
        """
        key = Key(await picture_id(data), options, format)
        return await self.art(key, lambda: self.drawn(key, data))

    async def art(self, key: Key, drawn: Callable[[], Coroutine[None, None, Drawn]]) -> Finished:
        """
        The art of `key`: kept, or being drawn, or drawn by `drawn`, which is called for the
        first of equal requests only. Raises as `draw` does, and what `drawn` raises.
        """
        ready = self.ready(key)
        if ready is not None:
            return ready
        drawing = self.drawing.get(key)
        if drawing is not None:
            return self.finished(key, (await self.wait(key, drawing)).content, "collapsed")
        drawing = self.drawing[key] = Drawing(asyncio.create_task(drawn()))
        drawing.task.add_done_callback(lambda _: self.done(key, drawing))
        result = await self.wait(key, drawing)
        return self.finished(key, result.content, "miss", result)

    async def wait(self, key: Key, drawing: Drawing) -> Drawn:
        """What is drawn. A request that is given up takes it along only if no other waits."""
        drawing.waiting += 1
        try:
            return await asyncio.shield(drawing.task)
        except asyncio.CancelledError:
            if drawing.waiting == 1:
                self.forget(key, drawing)  # whoever comes now begins anew
                drawing.task.cancel()
            raise
        finally:
            drawing.waiting -= 1

    def ready(self, key: Key) -> Finished | None:
        """The art of `key` if it is kept in memory."""
        content = self.cache.get(key)
        return None if content is None else self.finished(key, content, "hit")

    async def drawn(self, key: Key, data: bytes) -> Drawn:
        """The picture in `data`, drawn now."""
        # The header is enough to refuse a bomb, and to tell what the render may cost.
        cost = open_picture(data, self.limits).frames_pixels
        return await self.workers.draw(Job(data, key.options, key.format, self.limits, cost))

    def done(self, key: Key, drawing: Drawing) -> None:
        self.forget(key, drawing)
        task = drawing.task
        if not task.cancelled() and task.exception() is None:
            self.cache.put(key, task.result().content)

    def forget(self, key: Key, drawing: Drawing) -> None:
        if self.drawing.get(key) is drawing:
            del self.drawing[key]

    def finished(
        self, key: Key, content: bytes, outcome: str, drawn: Drawn | None = None
    ) -> Finished:
        self.telemetry.cached.labels(outcome).inc()
        if drawn is None:
            return Finished(key, content, outcome, 0.0, 0.0)
        self.telemetry.render_seconds.observe(drawn.seconds)
        self.telemetry.queue_seconds.observe(drawn.queued_seconds)
        return Finished(key, content, outcome, drawn.queued_seconds, drawn.seconds)


async def picture_id(data: bytes) -> str:
    """The picture's id: its SHA-256 in lower-case hex."""
    if len(data) <= HASH_BYTES_MAX:
        return hashlib.sha256(data).hexdigest()
    return await asyncio.to_thread(lambda: hashlib.sha256(data).hexdigest())
