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
from calligram.compose import draining
from calligram.compose.access import operator_of, rate_of, tokens_of
from calligram.compose.keeping import spool_of, store_of, unvaulted_of, vault_of
from calligram.compose.server import DRAINING_FILE, FOLDER_VARIABLE
from calligram.kept import KeptPictures
from calligram.service import Cache, Service
from calligram.settings import Settings
from calligram.store import Objects, Pictures
from calligram.telemetry import Telemetry
from calligram.web.app import Application
from calligram.web.art import ArtRoute
from calligram.web.body import BodyRules, Budget
from calligram.web.cors import Cors
from calligram.web.peers import Peers
from calligram.web.pictures import PicturesRoute
from calligram.web.routes import KeptRoutes, routes
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
    art = ArtRoute(service=service, rules=rules, budget=Budget(bytes_max=settings.bodies_bytes_max))
    kept = kept_of(settings, service)
    peers = Peers(settings.peers, seconds_max=settings.peer_seconds_max)
    folder = Path(os.environ.get(FOLDER_VARIABLE, os.devnull))
    is_draining = (folder / DRAINING_FILE).exists
    return Application(
        routes=routes(
            art=art,
            kept=KeptRoutes.of(
                PicturesRoute(art=art, kept=kept, operator=operator_of(settings)), peers
            )
            if kept
            else None,
            limits=settings.limits,
            rules=rules,
            telemetry=telemetry,
            refusal=lambda: refusal(workers, kept, folder),
            version=__version__,
            tokens=bool(settings.tokens_file),
        ),
        telemetry=telemetry,
        lifespan=lambda: running(settings, telemetry, workers, cache, kept, peers),
        draining=is_draining,
        cors=Cors(frozenset(settings.cors_origins)),
        tokens=tokens_of(settings),
        rate=rate_of(settings),
    )


def kept_of(settings: Settings, service: Service) -> KeptPictures | None:
    """What keeps pictures; None where nothing is kept."""
    store, vault = store_of(settings), vault_of(settings)
    if store is None:
        return None
    waits = settings.acknowledge == "store"
    return KeptPictures(
        service=service,
        pictures=Pictures(spool_of(settings), Objects(store)),
        vault=Objects(vault) if vault else None,
        unvaulted=unvaulted_of(settings) if vault else None,
        confirm_seconds_max=settings.acknowledge_seconds_max if waits else None,
    )


def refusal(workers: Workers, kept: KeptPictures | None, folder: Path) -> str | None:
    """Why this server takes on no work now; None if it does."""
    if (folder / DRAINING_FILE).exists():
        return "draining"
    if workers.is_full:
        return "as many renders wait as may"
    if kept is None:
        return None
    if kept.pictures.spool.disk.is_failed:
        return "an fsync failed on the spool's disk"
    return draining.refusal(folder)


@asynccontextmanager
async def running(
    settings: Settings,
    telemetry: Telemetry,
    workers: Workers,
    cache: Cache,
    kept: KeptPictures | None,
    peers: Peers,
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
    peers.close()
    if kept is not None:
        kept.pictures.close()


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
