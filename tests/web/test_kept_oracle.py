"""
Thousands of promised pictures over HTTP, while servers, mover and store are killed: an oracle
demands every one of them.

Two servers are each other's peers and share a real S3 store. Clients send, and read what they
sent from the other server. Meanwhile, in turn, a whole server, its mover, and the store are
killed and come back.
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from calligram.store import Objects
from oracle import Oracle
from s3_server import Weed, free_ports, wait_until
from web_server import Server

PICTURES = int(os.environ.get("CALLIGRAM_TEST_PROMISES", "20000"))
TURNS = 2
CLIENTS = 8


class Fleet:
    """Two servers that are each other's peers, and their store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "weed").mkdir()
        self.weed = Weed(folder / "weed")
        self.ports = free_ports(2)
        self.servers = [self.started(0), self.started(1)]

    def started(self, number: int) -> Server:
        return Server(
            workers=1,
            port_taken=self.ports[number],
            data_folder=self.folder / f"server-{number}",
            peers=f"http://127.0.0.1:{self.ports[1 - number]}",
            store_seconds_max=5,
            move_retry_seconds_max=3,
            peer_seconds_max=2,
            **self.weed.settings(),
        )

    def spooled(self) -> list[str]:
        return [
            name
            for number in range(2)
            for name in os.listdir(self.folder / f"server-{number}" / "spool" / "kept")
        ]

    def kill_server(self, number: int) -> None:
        """A whole server, all processes at once; and start it again."""
        self.servers[number].kill()
        self.servers[number] = self.started(number)

    def kill_mover(self, number: int) -> None:
        for process in self.servers[number].descendants():
            with suppress(OSError):
                if b"draining" in Path(f"/proc/{process}/cmdline").read_bytes():
                    os.kill(process, signal.SIGKILL)

    def kill_store(self) -> None:
        self.weed.kill()
        self.weed.start()

    def stop(self) -> None:
        for server in self.servers:
            server.stop()
        self.weed.kill()


@pytest.fixture
def fleet(tmp_path):
    fleet = Fleet(tmp_path)
    yield fleet
    fleet.stop()


def test_every_promise_is_kept_while_everything_is_killed(fleet, seed):
    oracle = Oracle(fleet.ports, seed=seed)
    sending = threading.Thread(
        target=oracle.send, args=(range(PICTURES),), kwargs={"clients": CLIENTS}
    )
    sending.start()
    kills = [
        lambda: fleet.kill_server(0),
        lambda: fleet.kill_mover(1),
        fleet.kill_store,
        lambda: fleet.kill_server(1),
        lambda: fleet.kill_mover(0),
    ] * TURNS
    for number, kill in enumerate(kills, 1):
        # At even steps of the way, so that each falls into the midst of it.
        goal = PICTURES * number // (len(kills) + 1)
        wait_until(lambda goal=goal: len(oracle.promised) >= goal, seconds_max=600)
        kill()
    sending.join()
    oracle.close()

    wait_until(lambda: fleet.spooled() == [], seconds_max=60)

    assert len(oracle.promised) == PICTURES
    assert oracle.unread == []
    assert oracle.missing(Objects(fleet.weed.bucket())) == []
    # The kills did hit: otherwise this says nothing.
    assert oracle.seen["POST 0"] > 0
