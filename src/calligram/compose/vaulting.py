"""
The backup that goes by itself: a thread beside the mover, in the mover's process.

    settings -> Backup -> its thread, until it is stopped; and its numbers, for /metrics
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from calligram.care import Backup
from calligram.compose.caring import store_side, vault_side
from calligram.compose.keeping import spool_of, unvaulted_of
from calligram.settings import Settings

LOG = logging.getLogger(__name__)

STOP_SECONDS_MAX = 3.0
"""What is on its way to the vault then is left: its mark stays, and the next start goes on."""


def backup_of(settings: Settings) -> Backup | None:
    """The backup; None where there is no vault. Raises SettingsRefused."""
    if not settings.vault_url:
        return None
    return Backup(
        unvaulted_of(settings),
        store_side(settings),
        vault_side(settings),
        lock=spool_of(settings).folder / "vaulting",
        seconds=settings.vault_seconds,
        full_seconds=settings.vault_walk_seconds,
    )


@contextmanager
def backing_up(backup: Backup | None) -> Iterator[Callable[[], None]]:
    """Back up meanwhile; what is yielded writes down how it does."""
    if backup is None:
        yield lambda: None
        return
    # Only now, in the process that has the folder of metrics: see draining.main.
    from calligram.telemetry import VaultTelemetry

    telemetry = VaultTelemetry()
    stopped = threading.Event()
    # A daemon: a vault that hangs must not keep the process from ending.
    running = threading.Thread(target=backup.run, args=(stopped,), name="backup", daemon=True)
    running.start()
    try:
        yield lambda: tell(backup, telemetry.tell)
    finally:
        stopped.set()
        running.join(STOP_SECONDS_MAX)


def tell(backup: Backup, write: Callable[..., None]) -> None:
    metrics = backup.metrics()
    write(
        items=metrics.items,
        oldest_seconds=metrics.oldest_seconds,
        walked_seconds=metrics.walked_seconds,
        problems=metrics.problems,
        away=metrics.is_vault_away,
        copied=metrics.copied,
        failed=metrics.failed,
    )
