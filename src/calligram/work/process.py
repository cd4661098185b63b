"""
One render process, as the server sees it.

    started -> ready -> drawing -> ready -> ... -> lost

It is lost when its socket closes, when it says anything that it may not say at that time,
or when it is killed. What it says is data: a length within the limit, a known code, a text.
Nothing of it is unpickled, so a child that a picture has taken over gains no hold on the server.
"""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import msgspec

from calligram import errors
from calligram.work import child
from calligram.work.waiting import Render

PROGRAM = str(Path(child.__file__).resolve())

ERRORS = {
    kind.code: kind
    for kind in (
        errors.OptionsRefused,
        errors.PictureRefused,
        errors.PictureUnknown,
        errors.PictureTooLarge,
        errors.PictureDamaged,
        errors.ArtTooLarge,
        errors.RenderStopped,
    )
}
"""What a child may say of a picture."""

SOCKET_BYTES = 1024 * 1024


class Garbage(Exception):
    """The child said what no child of ours says."""


read_failure = msgspec.json.Decoder(child.Failure).decode


class RenderProcess(asyncio.Protocol):
    """
    A child and the socket to it.

    `answered(process, kind, seconds, body)` is called for each answer, `lost(process,
    reason)` once when it is at its end, unless it was we who killed it; without a reason, it died.
    """

    def __init__(
        self,
        answered: Callable[[RenderProcess, bytes, float, bytes], None],
        lost: Callable[[RenderProcess, str | None], None],
    ) -> None:
        self.answered = answered
        self.lost = lost
        self.render: Render | None = None
        self.ahead: Render | None = None
        self.renders = 0
        self.is_ready = False
        self.is_over = False
        self.timer: asyncio.TimerHandle | None = None
        self.received = bytearray()
        self.transport: asyncio.WriteTransport | None = None
        self.program: subprocess.Popen[bytes]

    def start(self, render_seconds_max: float, render_bytes_max: int) -> socket.socket:
        """Start the program; returns our end of its socket, to be connected to the loop."""
        ours, theirs = socket.socketpair()
        with theirs:
            # As much of a picture as possible in one go; the system may allow less.
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BYTES)
            ours.settimeout(0.0)
            self.program = subprocess.Popen(
                [sys.executable, "-P", PROGRAM, str(render_seconds_max), str(render_bytes_max)],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                cwd="/",
                env=environment(),
                process_group=0,
            )
        return ours

    def draw(self, render: Render) -> None:
        """Send a job; its answer comes to `answered`."""
        assert self.is_ready, self
        assert self.render is None, self
        self.render = render
        self.send(render)

    def draw_next(self, render: Render) -> None:
        """
        Send a job that will be drawn after the present one, so that the child needn't wait.

        Until its turn comes it also stays in line: if this child is lost, another draws it.
        """
        assert self.render is not None, self
        assert self.ahead is None, self
        self.ahead = render
        self.send(render)

    def send(self, render: Render) -> None:
        assert self.transport is not None, self
        render.sent = time.perf_counter()
        job = render.job
        task = msgspec.json.encode(child.Task(job.options.changed(), job.format, job.limits))
        head = child.TASK_HEAD.pack(len(task), len(job.data))
        # In one call: a head alone would wake the child, which then waits for the rest.
        self.transport.writelines((head, task, job.data))

    def kill(self) -> None:
        """End it now, whatever it does."""
        self.is_over = True
        if self.ahead is not None:
            self.ahead.sent = 0.0
            self.ahead = None
        if self.timer is not None:
            self.timer.cancel()
        if self.transport is not None:
            self.transport.abort()
        self.program.kill()

    def resident_bytes(self) -> int:
        """What it holds in memory, by the system's account; 0 where there is no /proc."""
        try:
            with open(f"/proc/{self.program.pid}/statm") as file:
                return int(file.read().split()[1]) * resource.getpagesize()
        except OSError:
            return 0

    # --- what asyncio calls ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not asserted: uvloop's transports don't inherit from asyncio's.
        self.transport = cast(asyncio.WriteTransport, transport)
        if self.is_over:
            self.transport.abort()

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.is_over:
            self.lost(self, None)

    def data_received(self, data: bytes) -> None:
        if self.is_over:
            return
        self.received += data
        try:
            self.read()
        except (Garbage, msgspec.DecodeError, UnicodeDecodeError):
            self.lost(self, "answered nonsense")

    def read(self) -> None:
        while len(self.received) >= child.ANSWER_HEAD.size and not self.is_over:
            kind, seconds, length = child.ANSWER_HEAD.unpack_from(self.received)
            whole = child.ANSWER_HEAD.size + length
            # Checked before the rest has come: a liar may not fill our memory.
            if length > self.length_max(kind):
                raise Garbage
            if len(self.received) < whole:
                return
            body = bytes(memoryview(self.received)[child.ANSWER_HEAD.size : whole])
            del self.received[:whole]
            self.answered(self, kind, seconds, body)

    def length_max(self, kind: bytes) -> int:
        """How long an answer of this kind may be now; raises Garbage where it may not come."""
        if self.render is None:
            if kind == child.READY and not self.is_ready:
                return 0
        elif kind == child.DRAWN:
            return self.render.job.limits.art_bytes_max
        elif kind in (child.REFUSED, child.BROKEN):
            return child.NOTE_BYTES_MAX
        raise Garbage


def environment() -> dict[str, str]:
    """A child's whole environment: it finds the same modules as we do, and knows no secret."""
    path = [os.path.abspath(folder) for folder in sys.path if folder]
    return {
        "PYTHONPATH": os.pathsep.join(path),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LC_ALL": "C.UTF-8",
        # The processes are the parallelism; threads within would only fight for the same cores.
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "1",
    }


def failure_of(body: bytes) -> errors.CalligramError:
    """The error that a child tells of; raises Garbage if it is none that it may tell."""
    told: Any = read_failure(body)
    if told.code not in ERRORS:
        raise Garbage
    return ERRORS[told.code](told.message, limit=told.limit, actual=told.actual)
