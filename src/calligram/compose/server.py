"""
The main process: it chooses the port, keeps the folder of metrics, and runs Granian.

It draws nothing and needs no numpy: what it holds is there once for all server processes.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import tempfile
import threading
from pathlib import Path
from typing import Any

from calligram.compose.access import operator_of, tokens_of
from calligram.compose.draining import draining
from calligram.compose.lines import log_settings
from calligram.settings import Settings, SettingsRefused, variable

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
DRAINING_FILE = "draining"


def serve(settings: Settings) -> None:
    """
    Serve until SIGTERM or SIGINT, then finish what is running and return.

    Raises SettingsRefused where the address can't be had, or the tokens can't be read.
    """
    # Read here too: a mistake is told once, and not by every server process.
    tokens_of(settings), operator_of(settings)
    held = hold(settings.host, settings.port)
    address, port = held.getsockname()[:2]
    folder = Path(tempfile.mkdtemp(prefix="calligram-"))
    # Server processes read their settings from the environment, as this one did. Threads of
    # BLAS would fight the render processes for the cores, and gain nothing on such small
    # matrices. The folder must be known before prometheus_client is loaded.
    give_way()
    os.environ[FOLDER_VARIABLE] = str(folder)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        with draining(settings, folder):
            granian(settings, address, port, folder).serve()
    finally:
        held.close()
        shutil.rmtree(folder, ignore_errors=True)


def give_way() -> None:
    """
    Let renders finish their slice of a core that they share with the server's processes.

    Under twice the load a server refuses hundreds of requests a second. If each refusal
    interrupts a render, a tenth of the core goes into changing places; a few milliseconds
    later they are done together. Processes started from this one inherit it.
    """
    if hasattr(os, "SCHED_BATCH"):
        with contextlib.suppress(OSError):  # not allowed in every container
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


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
        "calligram.compose.application:application",
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
