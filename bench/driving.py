"""
What the benchmarks of the service share: servers to drive, pictures to send, a client.

    Server     a command that serves, what its processes use, and an end for all of them
    marked     the same photograph as a different picture: a comment with a number in it
    exchange   one HTTP request over a connection that is kept, and how long it took

Nothing here is part of the service, and it imports nothing of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parent.parent
CALLIGRAM = str(ROOT / "bin/calligram")
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
START_SECONDS_MAX = 60.0
STOP_SECONDS_MAX = 20.0


# --- pictures ---


def photograph(path: str | None) -> Image.Image:
    """The photograph at `path`; without one, a real one of 741x500 that scikit-image has."""
    if path:
        return Image.open(path).convert("RGB")
    import skimage

    return Image.fromarray(skimage.data.stereo_motorcycle()[0])


def jpeg(photo: Image.Image, size: tuple[int, int], quality: int = 90) -> bytes:
    """`photo` at `size` as a JPEG."""
    file = io.BytesIO()
    photo.resize(size, Image.Resampling.LANCZOS).save(file, "JPEG", quality=quality)
    return file.getvalue()


def mark(number: int) -> bytes:
    """The first bytes of a JPEG with `number` in a comment; its other bytes follow."""
    return b"\xff\xd8\xff\xfe\x00\x12%016d" % number


def marked(data: bytes, number: int) -> bytes:
    """The JPEG `data` as another picture of the same pixels: other bytes, another id."""
    return mark(number) + data[2:]


# --- servers ---


def free_port() -> int:
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        port: int = tried.getsockname()[1]
        return port


def offspring(process: int) -> list[int]:
    """The process and all its descendants that live."""
    found = [process]
    for parent in found:
        for path in Path(f"/proc/{parent}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += [int(child) for child in path.read_text().split()]
    return found


def cpu_seconds(processes: list[int]) -> float:
    """What the processes have used until now, with their children that have ended."""
    total = 0
    for process in processes:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            total += sum(int(field) for field in fields[11:15])
    return total / TICKS


def resident_bytes(process: int) -> int:
    """Resident memory of a process; 0 if it is no more."""
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0


def parent_of(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


class Server:
    """
    A server that runs, from `command`, where {port} stands for its port.

    `cores` are those it is pinned to, all its processes; without, it may use every core.
    Its output goes to a file in `folder`, as an operator's would.
    """

    def __init__(
        self,
        name: str,
        command: list[str],
        folder: Path,
        *,
        settings: dict[str, str] | None = None,
        cores: set[int] | None = None,
    ) -> None:
        self.name = name
        self.port = free_port()
        self.output = folder / f"{name.replace(' ', '-')}.log"
        line = [part.replace("{port}", str(self.port)) for part in command]
        if cores:
            line = ["taskset", "-c", ",".join(map(str, sorted(cores))), *line]
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                line,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(settings or {})},
                start_new_session=True,
            )

    def wait_for(self, path: str) -> None:
        """Return as soon as GET `path` is answered with 200."""
        until = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection,
            ):
                connection.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
                if b" 200 " in connection.recv(100):
                    return
            time.sleep(0.1)
        raise SystemExit(f"{self.name} doesn't serve {path}:\n{self.output.read_text()[-2000:]}")

    @property
    def processes(self) -> list[int]:
        return offspring(self.process.pid)

    def cpu_seconds(self) -> float:
        return cpu_seconds(self.processes)

    def stop(self) -> None:
        """End it as an operator would; what is left after a while is killed."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            print(f"{self.name} didn't stop within {STOP_SECONDS_MAX:g} s, and is killed")
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="calligram-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def calligram(
    folder: Path,
    *,
    workers: int,
    settings: dict[str, str] | None = None,
    cores: set[int] | None = None,
) -> Iterator[Server]:
    """`bin/calligram serve` while the block runs; what it keeps lies in `folder`."""
    settings = {"CALLIGRAM_DATA_FOLDER": str(folder / "data"), **(settings or {})}
    command = [CALLIGRAM, "serve", "--port", "{port}", "--workers", str(workers)]
    server = Server("calligram", command, folder, settings=settings, cores=cores)
    try:
        server.wait_for("/readyz")
        yield server
    finally:
        server.stop()


# --- ab ---


def ab(server: Server, path: str, *arguments: str) -> subprocess.Popen[str]:
    """ApacheBench on its way; `figures` reads what it says."""
    line = ["ab", "-q", "-r", *arguments, f"http://127.0.0.1:{server.port}{path}"]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@dataclass(frozen=True)
class Figures:
    """What ab counted: requests, seconds, failures of the connection, answers not 2xx."""

    requests: int
    seconds: float
    failed: int
    not_2xx: int

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


def figures(running: subprocess.Popen[str]) -> Figures:
    """Wait for ab's end; raises SystemExit with its words where it says no figures."""
    told = running.communicate()[0]

    def number(what: str) -> float | None:
        found = re.search(rf"^\s*{what}:\s+([0-9.]+)", told, re.MULTILINE)
        return float(found[1]) if found else None

    requests, seconds = number("Complete requests"), number("Time taken for tests")
    if not requests or not seconds:
        raise SystemExit(f"ab {' '.join(map(str, running.args))} said:\n{told}")
    # Answers of varying length are no failures: `Length` is what ab counts them under.
    failed = sum(
        int(count)
        for kind in ("Connect", "Receive", "Exceptions")
        for count in re.findall(rf"{kind}: (\d+)", told.partition("Failed requests")[2][:120])
    )
    return Figures(int(requests), seconds, failed, int(number("Non-2xx responses") or 0))


# --- a client ---


@dataclass(frozen=True)
class Reply:
    status: int
    headers: bytes
    body: bytes


class Connection:
    """One kept connection; `exchange` sends a request over it and reads the answer."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def exchange(self, head: bytes, *body: bytes) -> Reply:
        """
        Send `head` (without its length and last empty line) and `body`, and read the answer.

        A connection that the server has closed while it was idle is opened once more.
        """
        length = sum(map(len, body))
        parts = (head, b"Content-Length: %d\r\n\r\n" % length, *body)
        used = self.writer is not None
        try:
            return await self.over(parts)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.close()
            if not used:
                raise
            return await self.over(parts)

    async def over(self, parts: tuple[bytes, ...]) -> Reply:
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        assert self.reader is not None
        self.writer.writelines(parts)
        headers = await self.reader.readuntil(b"\r\n\r\n")
        lower = headers.lower()
        status = int(headers[9:12])
        found = re.search(rb"\r\ncontent-length: *(\d+)", lower)
        is_head = parts[0].startswith(b"HEAD")
        length = 0 if is_head or status in (204, 304) or not found else int(found[1])
        body = await self.reader.readexactly(length)
        if b"\r\nconnection: close" in lower:
            self.close()
        return Reply(status, headers, body)

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None


def quantile(values: list[float], share: float) -> float:
    """The value that `share` of `values` don't pass; NaN of nothing."""
    if not values:
        return float("nan")
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]
