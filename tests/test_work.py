"""
Renders in processes that may be killed: whatever becomes of one, the next render is answered.

The processes are real, and killed in earnest. Nothing sleeps: a picture that is slow to draw
leaves time enough to find out who draws it.
"""

from __future__ import annotations

import asyncio
import io
import os
import select
import signal
import socket
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import calligram
from calligram.art.limits import Limits
from calligram.art.options import Options
from calligram.errors import ArtTooLarge, Busy, Draining, PictureDamaged, RenderStopped, Unavailable
from calligram.work import Job, Workers, child
from calligram.work.waiting import Pace, Render, Waiting

MEBIBYTE = 1024 * 1024


def picture(side: int = 64, format: str = "PNG") -> bytes:
    file = io.BytesIO()
    image = Image.linear_gradient("L").resize((side, side))
    image.save(file, format, **({"compress_level": 1} if format == "PNG" else {}))
    return file.getvalue()


SMALL = picture()
SLOW = picture(6000)
"""About half a second, most of it inside Pillow."""


def job(data: bytes = SMALL, *, cost: int = 64 * 64, format: str = "txt", **options) -> Job:
    return Job(data, Options(columns=options.pop("columns", 40), **options), format, Limits(), cost)


def slow_job(**options) -> Job:
    return job(SLOW, cost=36_000_000, algorithm="ramp-1", **options)


@asynccontextmanager
async def working(**settings):
    plain = {
        "processes": 1,
        "waiting_max": 10,
        "waiting_cost_max": 1_000_000_000,
        "render_seconds_max": 30.0,
        "render_bytes_max": 1024 * MEBIBYTE,
    }
    workers = Workers(**(plain | settings))
    await workers.start()
    try:
        yield workers
    finally:
        await workers.stop(drain_seconds=0.0)


async def begun(workers: Workers, work: Job) -> asyncio.Task:
    """A task whose job has been given to a process, or stands in line."""
    task = asyncio.ensure_future(workers.draw(work))
    # Some stories end before it does; what becomes of it then is not theirs to tell.
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    await asyncio.sleep(0)
    return task


def drawing(workers: Workers) -> int:
    """The pid of the process that draws."""
    return next(process.program.pid for process in workers.children.living if process.render)


# --- What comes back ---


async def drawn_once(work: Job) -> bytes:
    async with working() as workers:
        return (await workers.draw(work)).content


@pytest.mark.parametrize("format", ["txt", "png", "json"])
def test_a_job_gives_the_bytes_that_the_library_gives(format):
    content = asyncio.run(drawn_once(job(format=format, columns=33, colour="full")))

    assert content == calligram.render(SMALL, columns=33, colour="full").to(format)


def test_an_error_of_the_engine_comes_through_whole():
    work = Job(SMALL, Options(), "svg", Limits(art_bytes_max=100), 4096)

    with pytest.raises(ArtTooLarge, match="are over 100 bytes") as caught:
        asyncio.run(drawn_once(work))

    assert caught.value.limit == 100
    assert caught.value.actual > 100


def test_a_damaged_picture_costs_no_process():
    async def story():
        async with working() as workers:
            with pytest.raises(PictureDamaged):
                await workers.draw(job(SMALL[:-30]))
            return workers.restarts, (await workers.draw(job())).seconds

    restarts, seconds = asyncio.run(story())

    assert restarts == 0
    assert seconds > 0


# --- Bad days ---


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGKILL", "SIGABRT"])
def test_a_process_that_dies_costs_one_request(name):
    async def story():
        async with working() as workers:
            task = await begun(workers, slow_job())
            os.kill(drawing(workers), signal.Signals[name])
            with pytest.raises(RenderStopped, match=name):
                await task
            return await workers.draw(job()), workers.restarts

    drawn, restarts = asyncio.run(story())

    assert drawn.content == asyncio.run(drawn_once(job()))
    assert restarts == 1


def test_what_was_sent_ahead_to_a_process_that_dies_is_drawn_by_another():
    async def story():
        async with working() as workers:
            first = await begun(workers, job(SLOW, cost=1))
            second = await begun(workers, job())
            assert any(process.ahead for process in workers.children.living)
            os.kill(drawing(workers), signal.SIGKILL)
            with pytest.raises(RenderStopped):
                await first
            return await second

    assert asyncio.run(story()).content == asyncio.run(drawn_once(job()))


def test_a_process_that_hangs_is_killed_at_its_deadline():
    async def story():
        async with working(render_seconds_max=0.3) as workers:
            task = await begun(workers, slow_job())
            os.kill(drawing(workers), signal.SIGSTOP)
            with pytest.raises(RenderStopped, match=r"longer than 0\.3 seconds") as caught:
                await task
            await workers.draw(job())
            return caught.value

    assert asyncio.run(story()).limit == 0.3


def test_a_picture_over_the_memory_limit_is_stopped_and_the_next_is_drawn():
    async def story():
        async with working(render_bytes_max=16 * MEBIBYTE) as workers:
            with pytest.raises(RenderStopped) as caught:
                await workers.draw(slow_job())
            await workers.draw(job())
            return caught.value, workers.restarts

    error, restarts = asyncio.run(story())

    assert error.limit == 16 * MEBIBYTE
    assert restarts == 0


def test_a_picture_under_the_memory_limit_is_drawn():
    async def story():
        async with working(render_bytes_max=512 * MEBIBYTE) as workers:
            return await workers.draw(slow_job())

    assert asyncio.run(story()).content


@pytest.mark.parametrize(
    "lie",
    [
        child.ANSWER_HEAD.pack(b"?", 0.0, 0),
        child.ANSWER_HEAD.pack(child.READY, 0.0, 0),
        child.ANSWER_HEAD.pack(child.DRAWN, 0.0, 2**32 - 1),
        child.ANSWER_HEAD.pack(child.DRAWN, float("nan"), 0),
        child.ANSWER_HEAD.pack(child.DRAWN, 1e9, 0),
        child.ANSWER_HEAD.pack(child.REFUSED, 0.0, 3) + b"{}}",
        child.ANSWER_HEAD.pack(child.REFUSED, 0.0, 2) + b"\xff\xff",
        child.ANSWER_HEAD.pack(child.REFUSED, 0.0, 57)
        + b'{"code":"busy","message":"no","limit":null,"actual":null}',
        child.ANSWER_HEAD.pack(child.DRAWN, 0.0, 0) + b"more than was asked for",
    ],
    ids=["kind", "ready twice", "length", "nan", "time", "json", "utf-8", "code", "excess"],
)
def test_a_process_that_answers_garbage_is_lost(lie):
    async def story():
        async with working() as workers:
            task = await begun(workers, slow_job())
            process = next(p for p in workers.children.living if p.render)
            process.data_received(lie)
            await asyncio.wait([task])
            await workers.draw(job())
            return workers.restarts, process.is_over

    assert asyncio.run(story()) == (1, True)


def test_processes_that_cannot_start_are_told_at_the_start(monkeypatch):
    monkeypatch.setattr("calligram.work.process.PROGRAM", os.devnull + "/none")

    with pytest.raises(Unavailable, match="don't start"):
        asyncio.run(drawn_once(job()))


# --- Bounds ---


@pytest.mark.parametrize("waiting", [0, 1, 3])
def test_as_many_wait_as_may_and_the_next_is_refused(waiting):
    async def story():
        async with working(waiting_max=waiting) as workers:
            tasks = [await begun(workers, slow_job()) for _ in range(1 + waiting)]
            assert [task.done() for task in tasks] == [False] * (1 + waiting)
            full = workers.is_full
            with pytest.raises(Busy) as caught:
                await workers.draw(job())
            return full, caught.value

    full, error = asyncio.run(story())

    assert full
    assert (error.limit, error.actual) == (waiting, waiting)
    assert error.retry_after_seconds >= 1


@pytest.mark.parametrize(("cost", "refused"), [(1000, False), (1001, True)])
def test_as_much_waits_as_may(cost, refused):
    async def story():
        async with working(waiting_cost_max=1500) as workers:
            await begun(workers, slow_job())
            await begun(workers, job(SLOW, cost=500))
            task = await begun(workers, job(cost=cost))
            return task.done() and isinstance(task.exception(), Busy)

    assert asyncio.run(story()) == refused


def test_a_busy_server_says_when_it_will_have_time():
    async def story():
        async with working() as workers:
            for _ in range(3):
                workers.pace.learn(1_000_000, 4.0)
            await begun(workers, slow_job())
            return workers.busy("").retry_after_seconds

    assert 30 <= asyncio.run(story()) <= 200


def test_who_waits_too_long_is_told_so():
    async def story():
        async with working(waiting_seconds_max=0.05) as workers:
            await begun(workers, slow_job())
            with pytest.raises(Busy, match="not yet its turn"):
                await workers.draw(slow_job())
            return workers.waiting

    assert asyncio.run(story()) == 0


def test_a_small_picture_passes_while_large_ones_draw_and_wait():
    async def story():
        async with working(processes=2) as workers:
            large = [await begun(workers, slow_job()) for _ in range(2)]
            await workers.draw(job())
            return [task.done() for task in large], workers.running, workers.waiting

    assert asyncio.run(story()) == ([False, False], 1, 1)


def render(place: float, cost: int = 1) -> Render:
    return Render(job(cost=cost), None, place, 0.0)


def test_the_line_is_in_order_of_places_and_passes_over_large_ones():
    line = Waiting(renders_max=9, cost_max=99, large_cost=10)
    first, second, third = render(1.0, 10), render(2.0, 9), render(3.0)
    for one in (third, first, second):
        line.add(one)

    assert line.take(large=False) is second
    assert line.take(large=True) is first
    assert line.take(large=False) is third
    assert (line.take(large=True), line.cost) == (None, 0)


def test_the_pace_is_learnt():
    pace = Pace()
    for _ in range(500):
        pace.learn(1_000_000, 0.5)

    assert pace.predict(1_000_000) == pytest.approx(0.5, rel=0.05)


# --- Leaving ---


def test_a_job_that_is_cancelled_while_it_waits_is_never_drawn():
    async def story():
        async with working() as workers:
            first = await begun(workers, slow_job())
            second = await begun(workers, slow_job())
            second.cancel()
            await asyncio.wait([second])
            waiting = workers.waiting
            await first
            return waiting, workers.running, workers.line.cost

    assert asyncio.run(story()) == (0, 0, 0)


def test_a_job_that_is_cancelled_while_it_is_drawn_frees_its_place():
    async def story():
        async with working() as workers:
            first = await begun(workers, slow_job())
            os.kill(drawing(workers), signal.SIGSTOP)
            first.cancel()
            drawn = await workers.draw(job())
            return first.cancelled(), drawn.queued_seconds < 5, workers.restarts

    assert asyncio.run(story()) == (True, True, 1)


def test_stopping_finishes_what_runs_and_waits():
    async def story():
        async with working() as workers:
            tasks = [await begun(workers, slow_job()) for _ in range(2)]
            stop = asyncio.ensure_future(workers.stop(drain_seconds=30.0))
            await asyncio.sleep(0)
            with pytest.raises(Draining):
                await workers.draw(job())
            await stop
            return [bool(task.result().content) for task in tasks], len(workers.children.living)

    assert asyncio.run(story()) == ([True, True], 0)


def test_stopping_kills_what_is_not_done_in_time():
    async def story():
        async with working() as workers:
            tasks = [await begun(workers, slow_job()) for _ in range(2)]
            os.kill(drawing(workers), signal.SIGSTOP)
            await workers.stop(drain_seconds=0.1)
            return [type(task.exception()) for task in tasks]

    assert asyncio.run(story()) == [Draining, Draining]


def test_a_child_is_replaced_when_it_has_drawn_enough():
    async def story():
        async with working(renders_max=2) as workers:
            drawn = await asyncio.gather(*(workers.draw(job()) for _ in range(6)))
            return len(drawn), workers.recycled, workers.restarts

    assert asyncio.run(story()) == (6, 3, 0)


def test_a_child_that_has_grown_is_replaced():
    async def story():
        async with working(resident_bytes_max=1, spares=0) as workers:
            for _ in range(32):
                await workers.draw(job())
            return workers.recycled

    assert asyncio.run(story()) == 1


PARENT = """
import asyncio
from calligram.work import Workers

async def main():
    workers = Workers(processes=1, waiting_max=1, waiting_cost_max=1,
                      render_seconds_max=5.0, render_bytes_max=1 << 30)
    await workers.start()
    print(*(process.program.pid for process in workers.children.living), flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="pidfd is Linux's")
def test_the_children_end_with_a_server_that_is_killed():
    path = os.pathsep.join(sys.path)
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, env={"PYTHONPATH": path}
    )
    with parent:
        children = [os.pidfd_open(int(pid)) for pid in parent.stdout.readline().split()]
        parent.kill()
    ended = [bool(select.select([pidfd], [], [], 20)[0]) for pidfd in children]
    for pidfd in children:
        os.close(pidfd)

    assert ended == [True, True]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_a_child_inherits_nothing_but_its_socket(monkeypatch):
    monkeypatch.setenv("CALLIGRAM_TOKEN", "a secret")

    async def story():
        with socket.create_server(("127.0.0.1", 0)) as listener:
            os.set_inheritable(listener.fileno(), True)  # noqa: FBT003 -- its only signature
            async with working(spares=0) as workers:
                (process,) = workers.children.living
                folder = Path(f"/proc/{process.program.pid}")
                links = [os.readlink(link) for link in (folder / "fd").iterdir()]
                environment = (folder / "environ").read_bytes()
                return sorted(link.split(":")[0] for link in links), environment

    files, environment = asyncio.run(story())

    assert files == ["/dev/null", "/dev/null", "socket"]
    assert b"secret" not in environment


def test_random_pictures_come_back_to_whom_they_belong(random_generator):
    arrays = [random_generator.integers(0, 256, (20, 30), dtype=np.uint8) for _ in range(12)]
    files = [io.BytesIO() for _ in arrays]
    for array, file in zip(arrays, files, strict=True):
        Image.fromarray(array).save(file, "PNG")

    async def story():
        async with working(processes=2, waiting_max=12) as workers:
            return await asyncio.gather(*(workers.draw(job(file.getvalue())) for file in files))

    drawn = [one.content for one in asyncio.run(story())]

    assert drawn == [calligram.render(array, columns=40).to("txt") for array in arrays]
