"""
The mover's process, beside the server processes: moving holds up no request.

    main process   starts it, starts another if it dies, and tells it when to stop
    its process    mover -> spool.json in the run's folder, once a second -> /readyz; and metrics
    stop           what is left is moved while there is time: this server may not come back

Server processes know of the mover only what the file says. If that is old, the mover hangs or
is gone, and the server says that it is not ready. It is a process and not a thread of the
main one, which makes server processes by fork: the store's own threads would not survive that.
"""

from __future__ import annotations

import contextlib
import logging
import logging.config
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from calligram.compose.keeping import spool_of, store_of, unvaulted_of
from calligram.compose.lines import log_settings
from calligram.errors import CalligramError
from calligram.settings import OFF, Settings, SettingsRefused, variable
from calligram.store import Metrics, Mover, Objects

if TYPE_CHECKING:
    from calligram.telemetry import SpoolTelemetry

LOG = logging.getLogger(__name__)

FILE = "spool.json"
READY = "ready"
TELL_SECONDS = 1.0
OLD_SECONDS = 30.0
"""The mover's word is that old only if its process hangs or is gone."""

AGAIN_SECONDS = 1.0


class Told(msgspec.Struct, frozen=True):
    """What server processes are told of the mover; `at` is Unix time."""

    at: float
    wedged: bool


@contextmanager
def draining(settings: Settings, folder: Path) -> Iterator[None]:
    """
    Drain the spool meanwhile; `folder` is the run's. Raises SettingsRefused.

    The mover's process reads the same settings again, as server processes do.
    """
    if settings.store_url == OFF:
        yield
        return
    living = [started(folder)]
    stopping = threading.Event()
    watching = threading.Thread(target=watch, args=(folder, living, stopping), name="mover's watch")
    watching.start()
    try:
        yield
    finally:
        stopping.set()
        process = living[0]
        assert process.stdin is not None
        process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(settings.drain_seconds_max + 5)
        process.kill()
        watching.join()


def started(folder: Path) -> subprocess.Popen[bytes]:
    """A mover's process that is at work; SettingsRefused where it can't be."""
    told, telling = os.pipe()
    command = [sys.executable, "-P", "-m", "calligram.compose.draining", str(folder), str(telling)]
    try:
        # What it says beside its log is that of a program that broke.
        process = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[telling])
    finally:
        os.close(telling)
    with open(told) as file:
        why = file.read()
    if why != READY:
        process.wait()
        raise SettingsRefused(why or f"the mover's process ended with {process.returncode}")
    return process


def watch(folder: Path, living: list[subprocess.Popen[bytes]], stopping: threading.Event) -> None:
    """Start another mover where one dies."""
    while True:
        living[0].wait()
        if stopping.wait(AGAIN_SECONDS):
            return
        LOG.error("the mover's process ended with %s", living[0].returncode)
        with contextlib.suppress(SettingsRefused):
            living[0] = started(folder)


def main(folder: Path, telling: int) -> None:
    """The mover's process, until its standard input closes or the main process is gone."""
    # Imported here, as below: the main process needs none of it.
    from calligram.compose.vaulting import backing_up, backup_of

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the main process decides
    logging.config.dictConfig({"version": 1, **log_settings()})
    main_process = os.getppid()
    with open(telling, "w") as file:
        try:
            settings = Settings.from_environment(os.environ)
            mover = mover_of(settings)
            backup = backup_of(settings)
            tell(mover, folder, None)
        except (SettingsRefused, CalligramError, OSError) as error:
            file.write(str(error))
            return
        file.write(READY)
    stopped = threading.Event()
    moving = threading.Thread(target=move, args=(mover, stopped), name="mover")
    moving.start()
    # Imported here: in the main process prometheus_client must not be loaded before its folder
    # is known.
    from calligram.telemetry import SpoolTelemetry

    telemetry = SpoolTelemetry()
    with backing_up(backup) as tell_backup:
        while not is_over() and os.getppid() == main_process:
            try:
                tell(mover, folder, telemetry)
                tell_backup()
            except (CalligramError, OSError) as error:
                LOG.error("the spool can't be told of: %s", error)
        finish(mover, settings.drain_seconds_max)
        stopped.set()
        moving.join()


def is_over() -> bool:
    """Wait a moment; has the main process closed its end?"""
    return bool(select.select([sys.stdin], [], [], TELL_SECONDS)[0])


def mover_of(settings: Settings) -> Mover:
    """The mover, and its spool prepared; raises SettingsRefused, SpoolFailed, OSError."""
    bucket = store_of(settings)
    assert bucket is not None, settings
    spool = spool_of(settings)
    unvaulted = unvaulted_of(settings) if settings.vault_url else None
    try:
        spool.prepare()
        if unvaulted is not None:
            unvaulted.prepare()
    except (CalligramError, OSError) as error:
        raise SettingsRefused(
            f"{variable('spool_folder')} {str(spool.folder)!r} can't be used: {error}"
        ) from error
    return Mover(
        spool,
        Objects(bucket),
        unvaulted=unvaulted,
        concurrency=settings.moves,
        items_per_second_max=settings.moves_per_second_max,
        retry_seconds_max=settings.move_retry_seconds_max,
        wedged_seconds=settings.mover_wedged_seconds,
    )


def move(mover: Mover, stopped: threading.Event) -> None:
    """Move until `stopped`, whatever happens: a bug over one round must not end it for good."""
    while not stopped.is_set():
        try:
            mover.run(stopped)
        except Exception:
            LOG.exception("the mover fell, and begins anew")
            stopped.wait(AGAIN_SECONDS)


def finish(mover: Mover, seconds_max: float) -> None:
    """Wait until the spool is empty, the store is away, or time is up."""
    until = time.monotonic() + seconds_max
    while time.monotonic() < until and mover.lock is not None:
        # Those that are late are stored, and wait for a deletion to be over.
        left = set(mover.spool.names()) - mover.late
        if not left or mover.metrics().is_store_away:
            return
        time.sleep(0.05)


def tell(mover: Mover, folder: Path, telemetry: SpoolTelemetry | None) -> None:
    metrics: Metrics = mover.metrics()
    if telemetry is not None:
        telemetry.tell(metrics, free_bytes=mover.spool.room()[0])
    new = folder / f"{FILE}.new"
    new.write_bytes(msgspec.json.encode(Told(time.time(), metrics.is_wedged)))
    os.replace(new, folder / FILE)


def refusal(folder: Path) -> str | None:
    """Why a server process is not ready, as far as the mover in the main process tells."""
    try:
        told = msgspec.json.decode((folder / FILE).read_bytes(), type=Told)
    except (OSError, msgspec.MsgspecError):
        return "nothing is heard of the mover"
    if told.wedged:
        return "the mover is wedged: kept pictures don't reach the store"
    if time.time() - told.at > OLD_SECONDS:
        return "nothing was heard of the mover for long"
    return None


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
