"""
Running and waiting renders, both bounded, in processes that may be killed.

    draw -> waits for its turn -> a process draws it -> its bytes, or an error
             | no room: Busy        | crash, deadline, memory: RenderStopped
             | too long: Busy       | and another process takes the place

`processes` renders run at once, and a spare child is kept warm besides: when one is lost,
the next render finds the spare, and doesn't wait until Python and numpy are loaded. All of
it runs in one event loop and never blocks it.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time

from calligram.errors import Busy, CalligramError, Draining, RenderStopped
from calligram.work import child
from calligram.work.children import Children
from calligram.work.process import Garbage, RenderProcess, failure_of
from calligram.work.waiting import PATIENCE, Drawn, Job, Pace, Render, Waiting, is_small

LOG = logging.getLogger(__name__)

ABANDONED_SECONDS_MAX = 0.25
"""How long a render may go on for nobody: about what replacing its process costs."""


class Workers:
    """
    Draws jobs in child processes.

    At most `processes` renders run, and `waiting_max` of `waiting_cost_max` pixels together
    wait for up to `waiting_seconds_max`; give a cost of at least one picture's limit, else
    the largest can never wait. One render may take `render_seconds_max` and use
    `render_bytes_max` more memory than an idle child. Jobs from `large_cost` pixels on never
    hold all processes, if there are two or more. A child is replaced after `renders_max`
    renders, or when it keeps more than `resident_bytes_max` of memory.

    `start` first; it needs a running event loop, and all calls belong into that loop.
    """

    def __init__(
        self,
        *,
        processes: int,
        waiting_max: int,
        waiting_cost_max: int,
        render_seconds_max: float,
        render_bytes_max: int,
        waiting_seconds_max: float = 10.0,
        large_cost: int = 16_000_000,
        spares: int = 1,
        renders_max: int = 10_000,
        resident_bytes_max: int = 512 * 1024 * 1024,
    ) -> None:
        assert processes >= 1, processes
        assert spares >= 0, spares
        self.processes_max = processes
        self.render_seconds_max = render_seconds_max
        self.waiting_seconds_max = waiting_seconds_max
        self.line = Waiting(
            renders_max=waiting_max, cost_max=waiting_cost_max, large_cost=large_cost
        )
        self.pace = Pace()
        self.children = Children(
            count=processes + spares,
            render_seconds_max=render_seconds_max,
            render_bytes_max=render_bytes_max,
            renders_max=renders_max,
            resident_bytes_max=resident_bytes_max,
            answered=self.answered,
            ended=self.end_render,
            freed=self.dispatch,
        )
        self.running = 0
        self.running_large = 0
        self.running_cost = 0
        self.is_draining = False

    @property
    def restarts(self) -> int:
        """Children lost or killed, and replaced."""
        return self.children.restarts

    @property
    def recycled(self) -> int:
        """Children replaced for their age or size."""
        return self.children.recycled

    @property
    def waiting(self) -> int:
        return len(self.line)

    @property
    def is_full(self) -> bool:
        """Whether a render that can't run at once would be refused."""
        return not self.line.has_room(1)

    def check_room(self) -> None:
        """Raise Busy where any render would be refused: before its picture is even received."""
        if self.is_full:
            raise self.busy("as many renders wait as may")

    async def start(self) -> None:
        """Start all children and wait until they can draw; Unavailable if they can't."""
        self.loop = asyncio.get_running_loop()
        self.quiet = asyncio.Event()
        self.quiet.set()
        try:
            await self.children.start()
        except BaseException:
            await self.stop(drain_seconds=0.0)
            raise

    async def stop(self, *, drain_seconds: float) -> None:
        """Refuse new jobs, finish the others for `drain_seconds`, then kill; leaves no child."""
        self.is_draining = True
        try:
            async with asyncio.timeout(drain_seconds):
                await self.quiet.wait()
        except TimeoutError:
            pass
        while render := self.line.take(large=True):
            render.fail(stopping())
        await self.children.stop(stopping())

    async def draw(self, job: Job) -> Drawn:
        """
        The art of `job`, when its turn has come.

        Raises what the engine raises, RenderStopped where drawing it took too much time or
        memory or killed its process, Busy where there is no room to wait, and Draining.
        A cancelled call gives its place back. What waits is not drawn then, unless it is small and
        lies ready in a process already.
        """
        if self.is_draining:
            raise stopping()
        came = time.perf_counter()
        place = came + PATIENCE * self.pace.predict(job.cost)
        render = Render(job, self.loop.create_future(), place, came)
        has_room = self.line.has_room(job.cost)
        self.line.add(render)
        self.dispatch()
        if not render.began:
            if not has_room:
                self.line.remove(render)
                raise self.busy("all places to draw and to wait are taken")
            render.timer = self.loop.call_later(self.waiting_seconds_max, self.waited, render)
        try:
            return await render.future
        except asyncio.CancelledError:
            self.abandon(render)
            raise

    # --- the line ---

    def dispatch(self) -> None:
        """Give what waits to whoever is idle, as far as that is allowed."""
        while self.children.idle and self.running < self.processes_max:
            others = self.processes_max - 1
            render = self.line.take(large=others == 0 or self.running_large < others)
            if render is None:
                break
            # Cancelled a moment ago: its caller has not come round to taking it away.
            if render.future.done():
                continue
            process = self.children.idle.pop()
            self.begin_render(process, render)
            process.draw(render)
        if self.line.renders:
            self.send_ahead()
        if self.running or self.line.renders:
            self.quiet.clear()
        else:
            self.quiet.set()

    def send_ahead(self) -> None:
        """Where a small picture is drawn, let another one lie ready: the child needn't wait."""
        for process in self.children.living:
            if process.render is None or process.ahead or not is_small(process.render):
                continue
            render = self.line.next_small()
            if render is None:
                break
            process.draw_next(render)

    def begin_render(self, process: RenderProcess, render: Render) -> None:
        self.running += 1
        self.running_large += self.line.is_large(render)
        self.running_cost += render.job.cost
        render.stop_timer()
        render.began = time.perf_counter()
        render.timer = self.loop.call_later(self.render_seconds_max, self.overdue, process)

    def begin_next(self, process: RenderProcess) -> None:
        """The child goes on with what was sent ahead, if anything was."""
        render, process.ahead = process.ahead, None
        if render is None:
            # The last is taken first, so that its memory is in the processor's caches.
            self.children.idle.append(process)
            return
        process.render = render
        if render in self.line.renders:
            self.line.remove(render)
        self.begin_render(process, render)

    def end_render(self, process: RenderProcess) -> Render | None:
        render, process.render = process.render, None
        if render is not None:
            self.running -= 1
            self.running_large -= self.line.is_large(render)
            self.running_cost -= render.job.cost
            render.stop_timer()
        return render

    def waited(self, render: Render) -> None:
        self.line.remove(render)
        render.fail(self.busy(f"after {self.waiting_seconds_max} seconds it was not yet its turn"))

    def abandon(self, render: Render) -> None:
        """Nobody waits for it any more."""
        render.stop_timer()
        if render in self.line.renders:
            self.line.remove(render)
            self.dispatch()
        for process in self.children.living:
            if process.render is render:
                render.timer = self.loop.call_later(ABANDONED_SECONDS_MAX, self.overdue, process)

    def busy(self, reason: str) -> Busy:
        seconds = self.pace.predict(
            self.line.cost + self.running_cost, renders=self.waiting + self.running
        )
        after = max(1, math.ceil(seconds / self.processes_max))
        return Busy(
            f"this server is busy: {reason}; try again in {after} s",
            limit=self.line.renders_max,
            actual=self.waiting,
            retry_after_seconds=after,
        )

    # --- the answers ---

    def answered(self, process: RenderProcess, kind: bytes, seconds: float, body: bytes) -> None:
        """A child is done with its render."""
        render = process.render
        assert render is not None, process
        queued_seconds = render.began - render.came
        # It can't have drawn for longer than it had; this refuses NaN, too.
        if not 0.0 <= seconds <= time.perf_counter() - render.sent:
            raise Garbage
        outcome: Drawn | CalligramError
        if kind == child.DRAWN:
            outcome = Drawn(body, seconds, queued_seconds)
            self.pace.learn(render.job.cost, seconds)
        elif kind == child.REFUSED:
            outcome = failure_of(body)
        else:
            LOG.error("drawing failed: %s", body.decode(errors="replace"))
            outcome = RenderStopped("drawing this picture failed; another one will do")
        self.end_render(process)
        if self.children.is_kept(process):
            self.begin_next(process)
        # Before the answer is passed on: the child works meanwhile.
        self.dispatch()
        if isinstance(outcome, CalligramError):
            render.fail(outcome)
        elif not render.future.done():
            render.future.set_result(outcome)

    def overdue(self, process: RenderProcess) -> None:
        """Its time is over, or nobody waits for it."""
        most = self.render_seconds_max
        error = RenderStopped(
            f"drawing took longer than {most:g} seconds, which is the limit; "
            "a smaller picture will do",
            limit=most,
        )
        self.children.stop_render(process, error)


def stopping() -> Draining:
    return Draining("this server is being stopped; try again in 1 s")
