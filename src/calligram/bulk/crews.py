"""
Who does batches: threads of this process, or the workers of a Dask cluster.

    Local      as many threads as asked for, each with a render process of its own
    Cluster    each thread of each Dask worker, also with one. Whatever a Dask worker was
               at when it died, the scheduler gives to another

Drawing happens in render processes, so threads that wait for them are enough here, and a
run on one machine needs no Dask and starts at once. Both run the same `do_batch`.
"""

from __future__ import annotations

import concurrent.futures
import logging
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from calligram.bulk.batch import Outcome, Task, close_renderers, do_batch
from calligram.errors import Unavailable

if TYPE_CHECKING:
    from concurrent.futures import Future

CONNECT_SECONDS_MAX = 20
ASK_AGAIN_SECONDS = 1.0


class Crew(Protocol):
    """Whoever does batches."""

    def workers(self) -> int:
        """How many batches can be done at once, now."""

    def submit(self, task: Task, names: Sequence[str]) -> Future[list[Outcome]]: ...

    def stop(self) -> None:
        """Let go of what is not done yet, and end; also after all is done."""


class Local:
    """Threads of this process, each with its render process."""

    def __init__(self, workers: int) -> None:
        self.count = workers
        self.threads = concurrent.futures.ThreadPoolExecutor(workers)
        self.stopped = threading.Event()

    def workers(self) -> int:
        return self.count

    def submit(self, task: Task, names: Sequence[str]) -> Future[list[Outcome]]:
        return self.threads.submit(do_batch, task, names, self.stopped)

    def stop(self) -> None:
        self.stopped.set()
        self.threads.shutdown(wait=True, cancel_futures=True)
        close_renderers()


class Cluster:
    """The workers of the Dask cluster at an address."""

    def __init__(self, address: str) -> None:
        """Raises Unavailable where no scheduler answers, or it has no workers."""
        # Only those who ask for a cluster wait until it is loaded.
        import distributed

        # It warns of each batch of a worker that died, and gives it to another: no news.
        logging.getLogger("distributed.client").setLevel(logging.ERROR)
        connect: Any = distributed.Client  # untyped, and so is all that it gives
        try:
            self.client = connect(address, timeout=CONNECT_SECONDS_MAX, set_as_default=False)
        except (OSError, ValueError) as error:
            raise Unavailable(f"no Dask scheduler answers at {address}: {error}") from error
        try:
            self.client.wait_for_workers(1, timeout=CONNECT_SECONDS_MAX)
        except TimeoutError as error:
            self.client.close()
            raise Unavailable(f"the Dask cluster at {address} has no workers") from error
        self.executor = self.client.get_executor(pure=False)
        self.count, self.ask_again_at = 1, 0.0

    def workers(self) -> int:
        # They come and go, but each question costs the scheduler and us a millisecond.
        now = time.monotonic()
        if now >= self.ask_again_at:
            threads: dict[str, int] = self.client.nthreads()
            self.count = max(1, sum(threads.values()))
            self.ask_again_at = now + ASK_AGAIN_SECONDS
        return self.count

    def submit(self, task: Task, names: Sequence[str]) -> Future[list[Outcome]]:
        future: Future[list[Outcome]] = self.executor.submit(do_batch, task, names)
        return future

    def stop(self) -> None:
        self.executor.shutdown(wait=False)
        self.client.run(close_renderers)
        self.client.close()
