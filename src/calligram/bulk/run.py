"""
The story of a run: what is left to do -> batches -> outcomes, as they come.

A worker has one batch that it does and one that waits, so it is never idle and few are lost with
it. Batches shrink towards the end, else the last ones would be done by one worker alone:

    pictures left / (4 x workers), but 1 to 64

Sixty pictures take a quarter of a second or more: the few milliseconds that Dask needs for a task
are lost in that.
"""

from __future__ import annotations

import concurrent.futures
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future

from calligram.bulk.batch import Outcome, Task
from calligram.bulk.crews import Crew

BATCH_MAX = 64
BATCHES_LEFT_MIN = 4
AHEAD = 2


def run(task: Task, names: Sequence[str], crew: Crew) -> Iterator[Outcome]:
    """
    The outcome of each of `names`, in the order in which they come.

    Raises Unavailable where the crew can't go on; what was done by then is done.
    """
    waiting = deque(names)
    running: set[Future[list[Outcome]]] = set()
    while waiting or running:
        workers = crew.workers()
        while waiting and len(running) < workers * AHEAD:
            size = batch_size(len(waiting), workers)
            batch = tuple(waiting.popleft() for _ in range(size))
            running.add(crew.submit(task, batch))
        done, running = concurrent.futures.wait(
            running, return_when=concurrent.futures.FIRST_COMPLETED
        )
        for future in done:
            yield from future.result()


def batch_size(waiting: int, workers: int) -> int:
    return max(1, min(BATCH_MAX, waiting // (BATCHES_LEFT_MIN * workers)))
