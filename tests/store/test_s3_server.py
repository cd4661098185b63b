"""
Thousands of promised pictures, a real S3 server that is killed in the middle, and an oracle.

The oracle knows what was promised. While the server comes and goes, every promised picture
is in the spool or, with its very bytes, in the store; in the end all are in the store.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from calligram.errors import StoreUnavailable
from calligram.store import Bucket, Mover, Objects
from kept_pictures import content_of, id_of, is_stored, keep, spool_in

PICTURES = int(os.environ.get("CALLIGRAM_TEST_PICTURES", "3000"))
"""More in the long run: CALLIGRAM_TEST_PICTURES=20000."""

WEED = str(Path(sys.executable).with_name("weed"))
KILLS = 3
SECONDS_MAX = 120


class Weed:
    """SeaweedFS in one process, on this machine alone; ended by its process id."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = free_ports(4)
        self.start()

    def start(self) -> None:
        s3, master, volume, filer = self.ports
        self.log = (self.folder / "log").open("ab")
        (self.folder / "data").mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            [
                *(WEED, "mini", f"-dir={self.folder}/data"),
                *("-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-s3.port={s3}"),
                *(f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}"),
                *("-s3.port.iceberg=0", "-webdav=false", "-admin.ui=false"),
                *("-master.telemetry=false", "-bucket=pictures"),
            ],
            env={**os.environ, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"},
            stdout=self.log,
            stderr=self.log,
            cwd=self.folder,
        )
        wait_until(self.is_ready)

    def is_ready(self) -> bool:
        assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
        try:
            objects = Objects(self.bucket(seconds_max=2))
            objects.bucket.put("ready", b"yes")
        except StoreUnavailable:
            return False
        return True

    def bucket(self, seconds_max: float = 20.0) -> Bucket:
        config = {
            "endpoint": f"http://127.0.0.1:{self.ports[0]}",
            "access_key_id": "key",
            "secret_access_key": "secret",
            "region": "us-east-1",
            "virtual_hosted_style_request": False,
        }
        return Bucket.at("s3://pictures/here", seconds_max=seconds_max, config=config)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(SECONDS_MAX)
        self.log.close()


def free_ports(count: int) -> list[int]:
    """Ports that are free, and so are those 10,000 above, which the server takes too."""
    with contextlib.ExitStack() as held:
        found = []
        for port in range(20_000 + os.getpid() % 10_000, 50_000):
            with contextlib.suppress(OSError):
                for one in (port, port + 10_000):
                    held.enter_context(socket.socket()).bind(("127.0.0.1", one))
                found.append(port)
            if len(found) == count:
                return found
    raise AssertionError("no free ports")


def wait_until(is_so) -> None:
    """Ask again and again. A server that starts in other processes sends no event to wait for."""
    tick = threading.Event()
    for _ in range(SECONDS_MAX * 10):
        if is_so():
            return
        tick.wait(0.1)
    raise AssertionError(f"not within {SECONDS_MAX} s: {is_so}")


@pytest.fixture(scope="module")
def weed(tmp_path_factory) -> Iterator[Weed]:
    server = Weed(tmp_path_factory.mktemp("weed"))
    yield server
    server.kill()


def test_nothing_promised_is_lost_while_the_store_is_killed(weed, tmp_path):
    spool = spool_in(tmp_path)
    mover = Mover(spool, Objects(weed.bucket(seconds_max=5)), concurrency=8, retry_seconds_max=5)
    stopped = threading.Event()
    moving = threading.Thread(target=mover.run, args=(stopped,))
    moving.start()
    promised: list[int] = []

    def keep_one(number: int) -> None:
        keep(spool, content_of(number, 2_000 + number))
        promised.append(number)

    try:
        for turn in range(KILLS):
            share = range(turn * PICTURES // KILLS, (turn + 1) * PICTURES // KILLS)
            with ThreadPoolExecutor(8) as clients:
                list(clients.map(keep_one, share))
            wait_until(lambda floor=mover.moved + 50: mover.moved >= floor or not spool.names())
            weed.kill()
            early = [number for number in promised if not is_here(spool, number)]
            weed.start()
            objects = Objects(weed.bucket())
            # What had left the spool when the server died must be in it now.
            assert [n for n in early if not is_there(objects, n)] == []
        wait_until(lambda: not spool.names())
    finally:
        stopped.set()
        moving.join()

    objects = Objects(weed.bucket())
    assert len(promised) == PICTURES
    with ThreadPoolExecutor(8) as clients:
        there = list(clients.map(lambda number: is_there(objects, number), promised))
    assert there.count(False) == 0
    assert mover.metrics().quarantined == 0
    assert mover.retries > 0


def is_here(spool, number: int) -> bool:
    return (spool.kept / id_of(content_of(number, 2_000 + number))).exists()


def is_there(objects: Objects, number: int) -> bool:
    return is_stored(objects, content_of(number, 2_000 + number))
