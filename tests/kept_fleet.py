"""
Two servers that are each other's peers, with one S3 store, for tests that kill all of them in turn.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import cycle
from pathlib import Path

from oracle import Oracle
from s3_server import Weed, free_ports, wait_until
from web_server import Server


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

    def kills(self) -> Iterator[Callable[[], None]]:
        """One after the other, for ever."""
        return cycle(
            (
                lambda: self.kill_server(0),
                lambda: self.kill_mover(1),
                self.kill_store,
                lambda: self.kill_server(1),
                lambda: self.kill_mover(0),
            )
        )

    def besiege(self, oracle: Oracle, *, pictures: int, kills: int, seconds_max: float) -> None:
        """Kill `kills` times, at even steps of the way to `pictures` promises."""
        for number, kill in zip(range(1, kills + 1), self.kills(), strict=False):
            goal = pictures * number // (kills + 1)
            wait_until(lambda goal=goal: len(oracle.promised) >= goal, seconds_max=seconds_max)
            kill()
