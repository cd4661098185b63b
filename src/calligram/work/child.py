"""
The program of a render process: draws pictures one after the other until its socket closes.

    server -> child    Task     lengths | task as JSON | picture
    child -> server    Answer   kind, seconds, length | art, or an error as JSON

It is run by its path and imports the engine and msgspec alone, so that it starts quickly.
The socket is its standard input. It ends when the server closes the socket or dies; if
that happens while it draws, its alarm clock ends it a second after the render's deadline.
"""

from __future__ import annotations

import contextlib
import io
import os
import resource
import signal
import socket
import struct
import sys
import time
import traceback
from typing import Any

import msgspec
from PIL import Image

from calligram.art.decode import open_picture
from calligram.art.formats import write
from calligram.art.limits import DEFAULT_LIMITS, Limits
from calligram.art.options import Options
from calligram.art.render import draw
from calligram.errors import CalligramError, RenderStopped

TASK_HEAD = struct.Struct("!II")
"""Bytes of the task, bytes of the picture."""

ANSWER_HEAD = struct.Struct("!cdI")
"""Kind, seconds of drawing, bytes that follow."""

READY, DRAWN, REFUSED, BROKEN = b"r", b"d", b"e", b"b"
"""Kinds of answers: started, the art, an error of ours, a bug's traceback."""

NOTE_BYTES_MAX = 16_384
"""An answer that is no art is not longer than this."""


class Task(msgspec.Struct, frozen=True):
    """What to do with the picture that follows; `options` are those that aren't default."""

    options: dict[str, Any]
    format: str
    limits: Limits


class Failure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of our errors, on its way to the server."""

    code: str
    message: str
    limit: int | float | None
    actual: int | float | None


def main(render_seconds_max: float, render_bytes_max: int) -> None:
    """Draw what comes in on standard input, a socket, until it closes."""
    # Ctrl-C and a service manager's SIGTERM reach all processes; the server alone decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    go_first()
    channel = socket.socket(fileno=0)
    warm_up()
    fence_in(render_bytes_max)
    channel.sendall(ANSWER_HEAD.pack(READY, 0.0, 0))
    read_task = msgspec.json.Decoder(Task).decode
    while head := receive(channel, TASK_HEAD.size):
        task_bytes, picture_bytes = TASK_HEAD.unpack(head)
        task = read_task(receive(channel, task_bytes))
        picture = receive(channel, picture_bytes)
        # The server's clock decides. This one is for the case that there is no server any more.
        signal.setitimer(signal.ITIMER_REAL, render_seconds_max + 1.0)
        started = time.perf_counter()
        kind, body = answer(task, picture, render_bytes_max)
        seconds = time.perf_counter() - started
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        channel.sendall(ANSWER_HEAD.pack(kind, seconds, len(body)) + body)
        # Not kept until the next one comes: this child may be idle for long.
        del picture, body


def go_first() -> None:
    """Not as the server, which gives way (compose/server.py): a render is not interrupted by it."""
    if hasattr(os, "SCHED_BATCH"):
        with contextlib.suppress(OSError):  # not allowed in every container
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def receive(channel: socket.socket, size: int) -> bytes:
    """Exactly `size` bytes; none if the server has closed the socket or is gone."""
    data = channel.recv(size, socket.MSG_WAITALL)
    while 0 < len(data) < size:
        # Cut short by a signal; seldom enough not to care about copies.
        rest = channel.recv(size - len(data), socket.MSG_WAITALL)
        if not rest:
            return b""
        data += rest
    return data


def answer(task: Task, picture: bytes, render_bytes_max: int) -> tuple[bytes, bytes]:
    """The kind and the bytes of what to tell about a picture."""
    try:
        opened = open_picture(picture, task.limits)
        art = draw(opened, Options.of(task.options))
        return DRAWN, write(art, task.format, task.limits)
    except MemoryError:
        return REFUSED, told(too_much_memory(render_bytes_max))
    except CalligramError as error:
        # The engine can't know that the memory which ran out was a limit of ours.
        if isinstance(error.__cause__, MemoryError):
            return REFUSED, told(too_much_memory(render_bytes_max))
        return REFUSED, told(error)
    except Exception:  # noqa: BLE001 -- a bug is told to the server, which logs it
        return BROKEN, traceback.format_exc()[-NOTE_BYTES_MAX // 4 :].encode()


def told(error: CalligramError) -> bytes:
    message = str(error)[: NOTE_BYTES_MAX // 8]
    return msgspec.json.encode(Failure(error.code, message, error.limit, error.actual))


def too_much_memory(render_bytes_max: int) -> RenderStopped:
    return RenderStopped(
        f"drawing this picture needs more than {render_bytes_max} bytes of memory, "
        "which is the limit; a smaller one will do",
        limit=render_bytes_max,
    )


def warm_up() -> None:
    """Draw a small picture, so that tables are made and plug-ins loaded before the first task."""
    file = io.BytesIO()
    Image.linear_gradient("L").save(file, "JPEG")
    write(draw(open_picture(file.getvalue(), DEFAULT_LIMITS), Options()), "txt")


def fence_in(render_bytes_max: int) -> None:
    """From here on: bounded memory, no files, no voice, and first to go if memory ends."""
    # Native libraries write warnings about a stranger's picture to standard error.
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 2)
    os.close(silence)
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")
        with open("/proc/self/statm") as file:
            here = int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        here = 0  # There is no /proc outside Linux: the bound is then on the whole process.
    limits = {
        resource.RLIMIT_AS: here + render_bytes_max,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
    }
    for kind, most in limits.items():
        resource.setrlimit(kind, (most, most))


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]))
