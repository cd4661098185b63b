"""
One render process, as a thread sees it: asked for one picture after the other.

    draw -> its art, or the picture's error
             | over its time   killed, RenderStopped
             | died            once more in a fresh process, as something else may have
                               killed it: the system, short of memory. Then RenderStopped

It is the service's own render process (work/child.py), asked in the same way. So what comes
out is what the service would answer, byte for byte, and a hostile picture harms nobody else.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time

import msgspec

from calligram.art.limits import Limits
from calligram.art.options import Options
from calligram.errors import CalligramError, RenderStopped, Unavailable
from calligram.work import child
from calligram.work.children import died
from calligram.work.process import PROGRAM, SOCKET_BYTES, Garbage, environment, failure_of

START_SECONDS_MAX = 30.0
RENDERS_MAX = 10_000
"""Then the process is replaced, as the service does it: what leaks in it is given back."""

TRIES = 2


class Died(Exception):
    """The process is gone, or said what no process of ours says."""


class Renderer:
    """Draws in a process that may be killed; one picture at a time, so it is for one thread."""

    def __init__(self, *, seconds_max: float, bytes_max: int) -> None:
        self.seconds_max = seconds_max
        self.bytes_max = bytes_max
        self.renders = 0
        self.program: subprocess.Popen[bytes] | None = None
        self.channel: socket.socket

    def draw(self, data: bytes, options: Options, format: str, limits: Limits) -> bytes:
        """
        The art of a picture, written down.

        Raises what the engine raises, RenderStopped where drawing took too much time or
        memory or killed its process, and Unavailable where no process starts.
        """
        task = msgspec.json.encode(child.Task(options.changed(), format, limits))
        for _ in range(TRIES):
            if self.program is None:
                self.start()
            try:
                return self.ask(task, data, limits)
            except Died:
                self.close()
            except TimeoutError:
                self.close()
                raise RenderStopped(
                    f"drawing took longer than {self.seconds_max:g} seconds, which is the limit; "
                    "a smaller picture or a higher limit will do",
                    limit=self.seconds_max,
                ) from None
        raise died(f"died of it, {TRIES} times")

    def start(self) -> None:
        self.channel, theirs = socket.socketpair()
        with theirs:
            # As much of a picture as possible in one go; the system may allow less.
            self.channel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BYTES)
            self.program = subprocess.Popen(
                [sys.executable, "-P", PROGRAM, str(self.seconds_max), str(self.bytes_max)],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                cwd="/",
                env=environment(),
                process_group=0,
            )
        self.renders = 0
        self.channel.settimeout(START_SECONDS_MAX)
        try:
            if self.receive(child.ANSWER_HEAD.size)[:1] != child.READY:
                raise Died
        except (Died, TimeoutError):
            self.close()
            raise Unavailable("render processes don't start; see what stands above") from None

    def ask(self, task: bytes, data: bytes, limits: Limits) -> bytes:
        """Send a task and read its answer: the art, or the error that it tells, raised."""
        until = time.monotonic() + self.seconds_max
        self.channel.settimeout(self.seconds_max)
        head = child.TASK_HEAD.pack(len(task), len(data))
        try:
            # In one call: a head alone would wake the process, which then waits for the rest.
            sent = self.channel.sendmsg([head, task, data]) - len(head) - len(task)
            self.channel.sendall(memoryview(data)[sent:])
        except (BrokenPipeError, ConnectionResetError):
            raise Died from None
        kind, _seconds, length = child.ANSWER_HEAD.unpack(
            self.receive(child.ANSWER_HEAD.size, until)
        )
        # Checked before the rest has come: a liar may not fill our memory.
        most = limits.art_bytes_max if kind == child.DRAWN else child.NOTE_BYTES_MAX
        if kind not in (child.DRAWN, child.REFUSED, child.BROKEN) or length > most:
            raise Died
        body = self.receive(length, until)
        self.renders += 1
        if self.renders >= RENDERS_MAX:
            self.close()
        if kind == child.DRAWN:
            return body
        raise error_of(kind, body)

    def receive(self, size: int, until: float | None = None) -> bytes:
        """Exactly `size` bytes. Raises Died at the socket's end, TimeoutError at `until`."""
        received = bytearray()
        while len(received) < size:
            if until is not None:
                # 0 would mean not to wait at all, which raises another error.
                self.channel.settimeout(max(0.001, until - time.monotonic()))
            try:
                piece = self.channel.recv(size - len(received))
            except ConnectionResetError:
                raise Died from None
            if not piece:
                raise Died
            received += piece
        return bytes(received)

    def close(self) -> None:
        """End the process, whatever it does; the next picture gets another."""
        if self.program is not None:
            self.channel.close()
            self.program.kill()
            self.program.wait()
            self.program = None


def error_of(kind: bytes, body: bytes) -> CalligramError:
    if kind == child.BROKEN:
        return RenderStopped(
            "drawing this picture failed; another one will do "
            f"({body.decode(errors='replace').strip().rpartition(chr(10))[2]})"
        )
    try:
        return failure_of(body)
    except (Garbage, msgspec.DecodeError, UnicodeDecodeError):
        raise Died from None
