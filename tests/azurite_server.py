"""
A second provider for tests: Azurite, which speaks Azure Blob Storage's protocol, on this machine
alone. It saves what it was given every few seconds only, so it is no server to kill.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import os
import shutil
import subprocess
from email.utils import formatdate
from pathlib import Path

from calligram.store import Bucket
from s3_server import SECONDS_MAX, free_ports, wait_until

ACCOUNT = "devstoreaccount1"
# Azurite's own, the same for everyone, in its documentation.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
CONTAINER = "pictures"
URL = f"az://{CONTAINER}/here"


class Azurite:
    """Azurite in one process, with an empty container; ended by its process id."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_ports(1)[0]
        self.log = (folder / "log").open("ab")
        command = shutil.which("azurite-blob")
        assert command is not None
        self.process = subprocess.Popen(
            [
                *(command, "--blobHost", "127.0.0.1", "--blobPort", str(self.port)),
                *("--location", str(folder / "data"), "--silent", "--skipApiVersionCheck"),
                "--disableTelemetry",
            ],
            stdout=self.log,
            stderr=self.log,
            cwd=folder,
            env={"PATH": os.environ["PATH"]},
        )
        wait_until(self.has_container)

    def has_container(self) -> bool:
        assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
        try:
            return self.create_container() in (http.client.CREATED, http.client.CONFLICT)
        except OSError:
            return False

    def create_container(self) -> int:
        """One signed request: obstore makes no containers, and Azure's own library is large."""
        path = f"/{ACCOUNT}/{CONTAINER}"
        headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2021-08-06"}
        told = "".join(f"{name}:{value}\n" for name, value in headers.items())
        signed = "PUT" + "\n" * 12 + f"{told}/{ACCOUNT}{path}\nrestype:container"
        mark = hmac.digest(base64.b64decode(KEY), signed.encode(), hashlib.sha256)
        headers["Authorization"] = f"SharedKey {ACCOUNT}:{base64.b64encode(mark).decode()}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("PUT", f"{path}?restype=container", headers=headers)
            return connection.getresponse().status
        finally:
            connection.close()

    @property
    def config(self) -> dict[str, object]:
        """What obstore must know of it, besides the address."""
        return {
            "account_name": ACCOUNT,
            "account_key": KEY,
            "endpoint": f"http://127.0.0.1:{self.port}/{ACCOUNT}",
        }

    def bucket(self) -> Bucket:
        return Bucket.at(URL, config=self.config)

    def config_file(self) -> Path:
        file = self.folder / "config.json"
        file.write_text(json.dumps(self.config))
        return file

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(SECONDS_MAX)
        self.log.close()
