"""
The one place where everything is built.

    serve         the main process: chooses the port, keeps the folder of metrics, runs Granian
    application   in each server process: settings -> workers -> service -> routes -> application

Server processes share nothing but the port, the folder of metrics, and one file in it that
appears when the server is to stop. Parts take plain values; only this module knows settings.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calligram.settings import Settings, SettingsRefused, variable

if TYPE_CHECKING:
    from calligram.service import Cache
    from calligram.telemetry import Telemetry
    from calligram.web.access import Rate, Tokens
    from calligram.web.app import Application
    from calligram.work import Workers

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
DRAINING_FILE = "draining"
WATCH_SECONDS = 1.0


def serve(settings: Settings) -> None:
    """
    Serve until SIGTERM or SIGINT, then finish what is running and return.

    Raises SettingsRefused where the address can't be had, or the tokens can't be read.
    """
    # Read here too: a mistake is told once, and not by every server process.
    tokens_of(settings)
    held = hold(settings.host, settings.port)
    address, port = held.getsockname()[:2]
    folder = Path(tempfile.mkdtemp(prefix="calligram-"))
    # Server processes read their settings from the environment, as this one did. Threads of
    # BLAS would fight the render processes for the cores, and gain nothing on such small
    # matrices. The folder must be known before prometheus_client is loaded.
    os.environ[FOLDER_VARIABLE] = str(folder)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        granian(settings, address, port, folder).serve()
    finally:
        held.close()
        shutil.rmtree(folder, ignore_errors=True)


def hold(host: str, port: int) -> socket.socket:
    """
    A bound socket that listens to nothing: it holds the port, chosen where `port` is 0.

    Each server process listens on a socket of its own with SO_REUSEPORT, which without
    this one would give each another free port.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    held = socket.socket(family, socket.SOCK_STREAM)
    try:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # First without sharing: another server's port must not be taken by accident.
        if port != 0:
            check_free(family, host, port)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind((host, port))
    except OSError as error:
        held.close()
        reason = (error.strerror or str(error)).lower()
        raise SettingsRefused(
            f"{host} port {port} can't be served: {reason}; "
            f"another {variable('host')} or {variable('port')} will do"
        ) from error
    return held


def check_free(family: int, host: str, port: int) -> None:
    with socket.socket(family, socket.SOCK_STREAM) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        tried.bind((host, port))


def granian(settings: Settings, address: str, port: int, folder: Path) -> Any:
    """The HTTP server, not yet started."""
    from granian.constants import HTTPModes, Interfaces, Loops
    from granian.http import HTTP1Settings
    from granian.server import MPServer

    class Server(MPServer):
        """Granian's server, which tells load balancers before it stops."""

        def signal_handler_interrupt(self, *_: Any, **__: Any) -> None:
            (folder / DRAINING_FILE).touch()
            # A second signal must not wait once more.
            timer = threading.Timer(settings.drain_notice_seconds, super().signal_handler_interrupt)
            timer.daemon = True
            timer.start()

    return Server(
        "calligram.compose:application",
        address=address,
        port=port,
        interface=Interfaces.RSGI,
        factory=True,
        workers=settings.workers,
        loop=Loops.auto,
        http=HTTPModes.http1,
        websockets=False,
        backpressure=settings.connections_max,
        http1_settings=HTTP1Settings(header_read_timeout=settings.keep_alive_seconds * 1000),
        log_dictconfig=log_settings(),
        respawn_failed_workers=True,
        workers_kill_timeout=settings.drain_seconds_max + 5,
    )


class Line(logging.Formatter):
    """A record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        told = {"event": "server", "level": record.levelname.lower(), "told": record.getMessage()}
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told)


def log_settings() -> dict[str, Any]:
    """Granian's own few words, and what libraries have to say, as JSON lines like ours."""
    return {
        "formatters": {"line": {"()": Line}},
        "handlers": {
            "console": {
                "formatter": "line",
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stdout",
            }
        },
        "loggers": {
            name: {"handlers": ["console"], "level": "INFO", "propagate": False}
            for name in ("_granian", "calligram")
        },
    }


def application() -> Application:
    """The application of one server process, from its environment."""
    # Imported here, so that the main process stays small: it needs no numpy.
    from calligram import __version__
    from calligram.service import Cache, Service
    from calligram.telemetry import Telemetry
    from calligram.web.app import Application
    from calligram.web.art import ArtRoute
    from calligram.web.body import BodyRules, Budget
    from calligram.web.cors import Cors
    from calligram.web.routes import routes
    from calligram.work import Workers

    settings = Settings.from_environment(os.environ)
    telemetry = Telemetry(version=__version__)
    workers = Workers(
        processes=settings.renders,
        waiting_max=settings.waiting_max,
        waiting_cost_max=settings.waiting_pixels_max,
        render_seconds_max=settings.render_seconds_max,
        render_bytes_max=settings.render_bytes_max,
    )
    cache = Cache(bytes_max=settings.cache_bytes_max)
    service = Service(workers=workers, cache=cache, limits=settings.limits, telemetry=telemetry)
    rules = BodyRules(
        bytes_max=settings.picture_bytes_max,
        seconds_max=settings.body_seconds_max,
        bytes_per_second_min=settings.body_bytes_per_second_min,
    )
    budget = Budget(bytes_max=settings.bodies_bytes_max)
    draining = Path(os.environ.get(FOLDER_VARIABLE, os.devnull)) / DRAINING_FILE

    def refusal() -> str | None:
        if draining.exists():
            return "draining"
        return "as many renders wait as may" if workers.is_full else None

    return Application(
        routes=routes(
            art=ArtRoute(service=service, rules=rules, budget=budget),
            limits=settings.limits,
            rules=rules,
            telemetry=telemetry,
            refusal=refusal,
            version=__version__,
            tokens=bool(settings.tokens_file),
        ),
        telemetry=telemetry,
        lifespan=lambda: running(settings, telemetry, workers, cache),
        draining=draining.exists,
        cors=Cors(frozenset(settings.cors_origins)),
        tokens=tokens_of(settings),
        rate=rate_of(settings),
    )


@asynccontextmanager
async def running(
    settings: Settings, telemetry: Telemetry, workers: Workers, cache: Cache
) -> AsyncIterator[None]:
    """From before the first request to after the last one."""
    from PIL import Image

    # Pillow loads its plug-ins when a picture first needs one, and holds up the loop meanwhile.
    Image.init()
    await workers.start()
    watching = asyncio.create_task(watch(telemetry, workers, cache))
    telemetry.log.info("ready", process=os.getpid())
    yield
    await workers.stop(drain_seconds=settings.drain_seconds_max)
    watching.cancel()


def tokens_of(settings: Settings) -> Tokens | None:
    """The tokens that are known; None where none are asked for."""
    from calligram.web.access import Tokens

    if not settings.tokens_file:
        return None
    try:
        return Tokens.read(Path(settings.tokens_file).read_text())
    except (OSError, ValueError) as error:
        raise SettingsRefused(f"{variable('tokens_file')} can't be read: {error}") from error


def rate_of(settings: Settings) -> Rate | None:
    from calligram.web.access import Rate

    if settings.requests_per_minute_max is None:
        return None
    return Rate(requests_per_minute_max=settings.requests_per_minute_max, clock=time.monotonic)


async def watch(telemetry: Telemetry, workers: Workers, cache: Cache) -> None:
    """Write down, every second, what only this process knows: another may be asked for it."""
    restarts = 0
    while True:
        telemetry.running.set(workers.running)
        telemetry.waiting.set(workers.waiting)
        telemetry.cache_bytes.set(cache.bytes)
        telemetry.restarts.inc(workers.restarts - restarts)
        restarts = workers.restarts
        await asyncio.sleep(WATCH_SECONDS)
