"""
A real S3 server for tests: SeaweedFS, on this machine alone, which may be killed and come back.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

from calligram.errors import StoreUnavailable
from calligram.store import Bucket, Objects

WEED = str(Path(sys.executable).with_name("weed"))
SECONDS_MAX = 120
URL = "s3://pictures/here"


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
        return Bucket.at(URL, seconds_max=seconds_max, config=self.config)

    @property
    def config(self) -> dict[str, object]:
        """What obstore must know of it, besides the address."""
        return {
            "endpoint": f"http://127.0.0.1:{self.ports[0]}",
            "access_key_id": "key",
            "secret_access_key": "secret",
            "region": "us-east-1",
            "virtual_hosted_style_request": False,
        }

    def settings(self) -> dict[str, str]:
        """The service's settings that make it the store."""
        file = self.folder / "config.json"
        file.write_text(json.dumps(self.config))
        return {"store_url": URL, "store_config_file": str(file)}

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(SECONDS_MAX)
        self.log.close()


def free_ports(count: int) -> list[int]:
    """
    Ports that are free, and so are those 10,000 above, which the server takes too.

    All are below 32,768, where the system gives ports to outgoing connections: one of
    those could have a server's port while it is killed and started again.
    """
    with contextlib.ExitStack() as held:
        found = []
        for port in range(11_000 + os.getpid() % 10_000, 22_700):
            with contextlib.suppress(OSError):
                for one in (port, port + 10_000):
                    held.enter_context(socket.socket()).bind(("127.0.0.1", one))
                found.append(port)
            if len(found) == count:
                return found
    raise AssertionError("no free ports")


def wait_until(is_so, *, seconds_max: float = SECONDS_MAX) -> None:
    """Ask again and again. A server that starts in other processes sends no event to wait for."""
    tick = threading.Event()
    for _ in range(round(seconds_max * 10)):
        if is_so():
            return
        tick.wait(0.1)
    raise AssertionError(f"not within {seconds_max} s: {is_so}")
