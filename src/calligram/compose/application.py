"""
One server process: settings -> workers -> service -> routes -> application.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from calligram import __version__
from calligram.compose.access import rate_of, tokens_of
from calligram.compose.server import DRAINING_FILE, FOLDER_VARIABLE
from calligram.service import Cache, Service
from calligram.settings import Settings
from calligram.telemetry import Telemetry
from calligram.web.app import Application
from calligram.web.art import ArtRoute
from calligram.web.body import BodyRules, Budget
from calligram.web.cors import Cors
from calligram.web.routes import routes
from calligram.work import Workers

WATCH_SECONDS = 1.0


def application() -> Application:
    """The application of one server process, from its environment."""
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
