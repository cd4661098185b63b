"""
A real server in processes of its own, for tests that speak HTTP over a socket.

It is waited for by what it says, never by the clock, and ended by its process id.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from calligram.capacity.processes import with_descendants

ROOT = Path(__file__).resolve().parent.parent
SECONDS_MAX = 60
FORM = "multipart/form-data; boundary=edge"


@dataclass(frozen=True)
class Reply:
    """An answer as it came."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Server:
    """
    `calligram serve` with `settings` (without their prefix) and a free port, or a taken one.

    What it keeps goes into a folder of its own, which goes with it unless it was given.
    """

    def __init__(self, *, workers: int = 1, port_taken: int = 0, **settings: object) -> None:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("CALLIGRAM_")}
        self.own_folder = None if "data_folder" in settings else tempfile.mkdtemp()
        settings.setdefault("data_folder", self.own_folder)
        environment |= {f"CALLIGRAM_{k.upper()}": str(v) for k, v in settings.items()}
        environment["PYTHONPATH"] = str(ROOT / "src")
        command = [sys.executable, "-P", "-m", "calligram", "serve", "--port", str(port_taken)]
        self.process = subprocess.Popen(
            [*command, "--workers", str(workers)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self.told = threading.Condition()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        try:
            for number in range(1, workers + 1):
                self.wait_for(f"Started worker-{number}")
        except AssertionError:
            self.stop()
            raise
        found = re.search(r"Listening at: http://127.0.0.1:(\d+)", "\n".join(self.lines))
        self.port = int(found[1])
        # A worker says that it has started a moment before it listens.
        while not self.listens():
            assert self.process.poll() is None, self.lines

    def listens(self) -> bool:
        with socket.socket() as tried:
            return tried.connect_ex(("127.0.0.1", self.port)) == 0

    def read(self) -> None:
        for line in self.process.stdout:
            with self.told:
                self.lines.append(line.rstrip("\n"))
                self.told.notify_all()
        with self.told:
            self.lines.append("ended")
            self.told.notify_all()

    def wait_for(self, text: str) -> str:
        """The first line of the log with `text` in it."""

        def found() -> str | None:
            ended = self.lines and self.lines[-1] == "ended"
            lines = [line for line in self.lines if text in line]
            return lines[0] if lines else "" if ended else None

        with self.told:
            assert self.told.wait_for(lambda: found() is not None, SECONDS_MAX), self.lines
            assert found(), self.lines
            return str(found())

    def requests(self) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in list(self.lines) if line.startswith("{")]
        return [line for line in lines if line["event"] == "request"]

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS_MAX)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            return Reply(response.status, response.headers, response.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Reply:
        return self.ask("GET", path, headers=named(headers))

    def post(self, path: str, body: bytes, **headers: str) -> Reply:
        return self.ask("POST", path, body, named(headers))

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS_MAX)

    def raw(self, *pieces: bytes) -> Reply:
        """What comes back for these bytes, sent as they are."""
        with self.connect() as connection:
            send_all(connection, pieces)
            return reply_from(connection)

    def descendants(self) -> list[int]:
        """All processes below the main one."""
        return with_descendants([self.process.pid])[1:]

    def renderers(self) -> list[int]:
        return [pid for pid in self.descendants() if b"child.py" in command_of(pid)]

    def kill(self) -> None:
        """All its processes at once, as a power cut would; the kernel keeps what was written."""
        for process in with_descendants([self.process.pid]):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.stop()

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(SECONDS_MAX)
        self.reader.join(SECONDS_MAX)
        self.process.stdout.close()
        if self.own_folder is not None:
            shutil.rmtree(self.own_folder, ignore_errors=True)  # stopped twice is fine
        return status


def command_of(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


def named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def send_all(connection: socket.socket, pieces: tuple[bytes, ...]) -> None:
    for piece in pieces:
        try:
            connection.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            return  # refused meanwhile, which is what such tests are about


def reply_from(connection: socket.socket) -> Reply:
    response = http.client.HTTPResponse(connection)
    response.begin()
    return Reply(response.status, response.headers, response.read())


def jpeg(width: int = 96, height: int = 64, seed: int = 1) -> bytes:
    """A JPEG of soft noise, the same for the same seed."""
    noise = np.random.default_rng(seed).integers(0, 256, (8, 12, 3), np.uint8)
    image = Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=85)
    return file.getvalue()


def large_png(side: int = 6000) -> bytes:
    """A picture that takes a good part of a second to draw, in few bytes."""
    file = io.BytesIO()
    Image.linear_gradient("L").resize((side, side)).convert("RGB").save(
        file, "PNG", compress_level=1
    )
    return file.getvalue()


def form(picture: bytes, *, name: str = "image", file_name: str = "../../x.jpg") -> bytes:
    return (
        b'--edge\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\n'
        b"Content-Type: image/jpeg\r\n\r\n%s\r\n--edge--\r\n"
        % (name.encode(), file_name.encode(), picture)
    )
