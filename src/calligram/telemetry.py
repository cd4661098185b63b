"""
What the server tells about itself: numbers for Prometheus, lines for a log.

The numbers have the names that OpenTelemetry gives them. All server processes write theirs
into files of one private folder (PROMETHEUS_MULTIPROC_DIR, which compose.py makes), and
whichever process is asked adds them up. The log is one JSON object a line on standard
output. Nothing that a client sent gets into either unchecked.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import MutableMapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

if TYPE_CHECKING:
    from calligram.store import Metrics

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
"""OpenTelemetry's buckets for durations of HTTP requests."""


class Telemetry:
    """All metrics of one server process, and its log."""

    def __init__(self, *, version: str) -> None:
        self.registry = CollectorRegistry()
        self.log = logger()
        self.requests = self.histogram(
            "http_server_request_duration_seconds",
            "Time from a request's head to its answer",
            ("http_request_method", "http_route", "http_response_status_code"),
        )
        self.active = self.gauge("http_server_active_requests", "Requests without an answer yet")
        self.render_seconds = self.histogram(
            "calligram_render_duration_seconds", "Time that renders took"
        )
        self.queue_seconds = self.histogram(
            "calligram_queue_duration_seconds", "Time that renders waited before they began"
        )
        self.running = self.gauge("calligram_renders_running", "Renders that are running")
        self.waiting = self.gauge("calligram_renders_waiting", "Renders that are waiting")
        self.cache_bytes = self.gauge("calligram_cache_bytes", "Bytes of art that are kept")
        self.restarts = self.counter(
            "calligram_render_restarts", "Render processes that had to be replaced"
        )
        self.refused = self.counter("calligram_refused", "Requests refused, by code", ("code",))
        self.cached = self.counter("calligram_cache", "Art asked for, by outcome", ("outcome",))
        self.pictures_bytes = self.counter("calligram_pictures_bytes", "Bytes of pictures received")
        self.kept = self.counter(
            "calligram_pictures_kept", "Pictures kept on request, by outcome", ("outcome",)
        )
        info = self.gauge("calligram_build_info", "The version that runs", ("version",), "livemax")
        info.labels(version).set(1)
        self.children: dict[tuple[str, str, int], Histogram] = {}

    def counter(self, name: str, help: str, labels: tuple[str, ...] = ()) -> Counter:
        return Counter(name, help, labels, registry=self.registry)

    def gauge(
        self, name: str, help: str, labels: tuple[str, ...] = (), mode: Any = "livesum"
    ) -> Gauge:
        return Gauge(name, help, labels, registry=self.registry, multiprocess_mode=mode)

    def histogram(self, name: str, help: str, labels: tuple[str, ...] = ()) -> Histogram:
        return Histogram(name, help, labels, registry=self.registry, buckets=SECONDS)

    def answered(
        self, *, method: str, route: str, status: int, size: int, seconds: float, request: str
    ) -> None:
        """Count and log one answered request; `size` is the body's, in bytes."""
        key = (method, route, status)
        child = self.children.get(key)
        if child is None:
            child = self.children[key] = self.requests.labels(method, route, str(status))
        child.observe(seconds)
        self.log.info(
            "request",
            method=method,
            route=route,
            status=status,
            bytes=size,
            ms=round(seconds * 1000, 3),
            request_id=request,
        )

    def metrics(self) -> bytes:
        """All numbers, of all server processes, as Prometheus reads them."""
        folder = os.environ.get(FOLDER_VARIABLE)
        if not folder:
            return generate_latest(self.registry)
        forget_the_dead(Path(folder))
        registry = CollectorRegistry()
        MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call] # it has no types
        return generate_latest(registry)


SPOOL_GAUGES = {
    "items": "Pictures that the store does not have yet",
    "bytes": "Bytes of them",
    "oldest_seconds": "Age of the oldest of them",
    "quarantined": "Damaged items that were set aside",
    "free_bytes": "Bytes that are free on the spool's disk",
    "wedged": "1 where the mover should move and doesn't",
}
SPOOL_COUNTERS = {
    "moved": "Pictures that were moved into the store",
    "retries": "Tries to move one that failed",
}


class SpoolTelemetry:
    """How the spool does, as the one process tells it that has the mover."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self.gauges = {
            name: Gauge(
                f"calligram_spool_{name}", help, registry=registry, multiprocess_mode="livemax"
            )
            for name, help in SPOOL_GAUGES.items()
        }
        self.away = Gauge(
            "calligram_store_away",
            "1 while the store does not answer",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.counters = {
            name: Counter(f"calligram_spool_{name}", help, registry=registry)
            for name, help in SPOOL_COUNTERS.items()
        }
        self.counted = dict.fromkeys(SPOOL_COUNTERS, 0)

    def tell(self, metrics: Metrics, *, free_bytes: int) -> None:
        """Write down what the mover tells of itself."""
        told = {
            "items": metrics.items,
            "bytes": metrics.bytes,
            "oldest_seconds": metrics.oldest_seconds,
            "quarantined": metrics.quarantined,
            "free_bytes": free_bytes,
            "wedged": metrics.is_wedged,
        }
        for name, value in told.items():
            self.gauges[name].set(value)
        self.away.set(metrics.is_store_away)
        for name, count in {"moved": metrics.moved, "retries": metrics.retries}.items():
            self.counters[name].inc(count - self.counted[name])
            self.counted[name] = count


VAULT_GAUGES = {
    "items": "Pictures in the store that the vault does not have yet",
    "oldest_seconds": "How long the oldest of them is known to be so",
    "walked_seconds": "How long ago store and vault were last compared as a whole",
    "problems": "What that walk found wrong",
    "away": "1 while the vault does not answer",
}
VAULT_COUNTERS = {
    "copied": "Pictures that were copied to the vault",
    "failed": "Tries to copy one that failed",
}


class VaultTelemetry:
    """How far the vault is behind, as the one process tells it that backs up."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self.gauges = {
            name: Gauge(
                f"calligram_vault_{name}", help, registry=registry, multiprocess_mode="livemax"
            )
            for name, help in VAULT_GAUGES.items()
        }
        self.counters = {
            name: Counter(f"calligram_vault_{name}", help, registry=registry)
            for name, help in VAULT_COUNTERS.items()
        }
        self.counted = dict.fromkeys(VAULT_COUNTERS, 0.0)

    def tell(self, **told: float) -> None:
        """Write down all of VAULT_GAUGES and VAULT_COUNTERS."""
        for name, gauge in self.gauges.items():
            gauge.set(told[name])
        for name, counter in self.counters.items():
            counter.inc(told[name] - self.counted[name])
            self.counted[name] = told[name]


def forget_the_dead(folder: Path) -> None:
    """Gauges tell what is now: those of a process that died must not be added up any more."""
    for path in folder.glob("gauge_live*_*.db"):
        found = re.search(r"_(\d+)\.db$", path.name)
        if found and not is_alive(int(found[1])):
            path.unlink(missing_ok=True)


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def logger() -> Any:
    """A log of one JSON object a line on standard output."""
    return structlog.wrap_logger(
        structlog.BytesLogger(sys.stdout.buffer),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            stamped,
            structlog.processors.JSONRenderer(serializer=encoded),
        ],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
        cache_logger_on_first_use=True,
    ).bind()


def stamped(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event["time"] = datetime.now(UTC).isoformat(timespec="milliseconds")
    return event


def encoded(event: object, **_: object) -> bytes:
    return msgspec.json.encode(event)
