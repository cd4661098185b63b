"""
The render processes: always as many as asked for, whatever becomes of one.

    start -> ready -> idle <-> drawing -> old or lost -> killed, and another is started

A child that dies while it starts is replaced, too, but after a pause that doubles: where the
installation is broken, it is not the load that should tell.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable

from calligram.errors import CalligramError, RenderStopped, Unavailable
from calligram.work import child
from calligram.work.process import RenderProcess
from calligram.work.waiting import Render

LOG = logging.getLogger(__name__)

START_SECONDS_MAX = 30.0
START_TRIES_MAX = 3
RESTART_WAIT_SECONDS_MAX = 5.0

RESIDENT_CHECK_RENDERS = 32


class Children:
    """
    `count` render processes; those in `idle` are ready for a render.

    `answered(process, kind, seconds, body)` gets what a child says of its render,
    `ended(process)` gives back the render of a child that is no more, and `freed()` tells
    that one is ready for the first time.
    """

    def __init__(
        self,
        *,
        count: int,
        render_seconds_max: float,
        render_bytes_max: int,
        renders_max: int,
        resident_bytes_max: int,
        answered: Callable[[RenderProcess, bytes, float, bytes], None],
        ended: Callable[[RenderProcess], Render | None],
        freed: Callable[[], None],
    ) -> None:
        self.count = count
        self.render_seconds_max = render_seconds_max
        self.render_bytes_max = render_bytes_max
        self.renders_max = renders_max
        self.resident_bytes_max = resident_bytes_max
        self.answered = answered
        self.ended = ended
        self.freed = freed
        self.living: set[RenderProcess] = set()
        self.idle: list[RenderProcess] = []
        self.restarts = 0
        self.recycled = 0
        self.starts_failed = 0
        self.is_stopped = False
        self.starting: set[asyncio.Task[None]] = set()
        self.burials: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Start all, and wait until all can draw; Unavailable if they can't."""
        self.loop = asyncio.get_running_loop()
        self.started: asyncio.Future[None] = self.loop.create_future()
        for _ in range(self.count):
            self.begin()
        await self.started

    async def stop(self, error: CalligramError) -> None:
        """Kill all, with `error` for those who wait for their renders; leaves none."""
        self.is_stopped = True
        for task in self.starting:
            task.cancel()
        for process in list(self.living):
            self.replace(process, error)
        await asyncio.gather(*self.starting, *self.burials, return_exceptions=True)

    def begin(self) -> None:
        if self.is_stopped:
            return
        tries = self.starts_failed
        pause = min(RESTART_WAIT_SECONDS_MAX, 0.1 * 2**tries) if tries else 0.0
        keep(self.starting, self.loop.create_task(self.start_one(pause)))

    async def start_one(self, pause: float) -> None:
        if pause:
            await asyncio.sleep(pause)
        process = RenderProcess(self.heard, self.lost)
        try:
            ours = process.start(self.render_seconds_max, self.render_bytes_max)
        except OSError as error:
            LOG.error("a render process can't be started: %s", error)
            self.start_failed()
            self.begin()
            return
        self.living.add(process)
        process.timer = self.loop.call_later(START_SECONDS_MAX, self.lost, process, "hung")
        await self.loop.create_unix_connection(lambda: process, sock=ours)

    def start_failed(self) -> None:
        self.starts_failed += 1
        if self.starts_failed >= START_TRIES_MAX and not self.started.done():
            self.started.set_exception(
                Unavailable(f"render processes don't start: {self.starts_failed} tries failed")
            )

    def heard(self, process: RenderProcess, kind: bytes, seconds: float, body: bytes) -> None:
        if kind != child.READY:
            self.answered(process, kind, seconds, body)
            return
        process.is_ready = True
        if process.timer is not None:
            process.timer.cancel()
        self.starts_failed = 0
        self.idle.append(process)
        if len(self.idle) == self.count and not self.started.done():
            self.started.set_result(None)
        self.freed()

    def is_kept(self, process: RenderProcess) -> bool:
        """After a render: may it draw on? If it is too old or too large, it is replaced."""
        process.renders += 1
        is_old = process.renders >= self.renders_max
        if not is_old and process.renders % RESIDENT_CHECK_RENDERS == 0:
            is_old = process.resident_bytes() > self.resident_bytes_max
        if is_old:
            self.recycled += 1
            self.replace(process, None)
        return not is_old

    def lost(self, process: RenderProcess, reason: str | None) -> None:
        """A child has died, or must: `reason` is what it did, if it may still live."""
        if not process.is_ready:
            self.start_failed()
        self.restarts += 1
        self.replace(process, died(reason) if reason else None)

    def stop_render(self, process: RenderProcess, error: CalligramError) -> None:
        """Kill a child for what it draws."""
        self.restarts += 1
        self.replace(process, error)

    def replace(self, process: RenderProcess, error: CalligramError | None) -> None:
        """Kill a child and start another; without an `error`, its exit code will tell."""
        process.kill()
        self.living.discard(process)
        if process in self.idle:
            self.idle.remove(process)
        render = self.ended(process)
        if render is not None and error is not None:
            render.fail(error)
        keep(self.burials, self.loop.create_task(self.bury(process, render)))
        self.begin()
        self.freed()

    async def bury(self, process: RenderProcess, render: Render | None) -> None:
        """Wait for a killed child's end: in a thread, as loops differ in how they do it."""
        code = await self.loop.run_in_executor(None, process.program.wait)
        if render is not None:
            how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            render.fail(died(f"died of {how}"))


def died(what: str) -> RenderStopped:
    return RenderStopped(f"the process that drew this picture {what}; another picture will do")


def keep(tasks: set[asyncio.Task[None]], task: asyncio.Task[None]) -> None:
    """The loop holds tasks only weakly."""
    tasks.add(task)
    task.add_done_callback(tasks.discard)
