"""
A server of our own for a drill: `calligram serve`, in a process of its own, on this machine.

It is started as an operator starts it, with no setting but the folder where its data lie and
a port that the system chooses; the port is read from its log. It is ended with the block.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Self

from calligram.errors import StoreUnavailable
from calligram.settings import PREFIX

START_SECONDS_MAX = 60.0
ANSWER_SECONDS_MAX = 60.0
STOP_SECONDS_MAX = 40.0
LISTENING = re.compile(r"Listening at: http://127\.0\.0\.1:(\d+)")
LOG_LINES_MAX = 20


class Served:
    """The server on `folder`/store. Raises StoreUnavailable where it doesn't start or answer."""

    def __init__(self, folder: Path) -> None:
        environment = {k: v for k, v in os.environ.items() if not k.startswith(PREFIX)}
        environment["CALLIGRAM_DATA_FOLDER"] = str(folder)
        environment["CALLIGRAM_STORE_URL"] = (folder / "store").as_uri()
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "calligram", "serve", "--port", "0", "--workers", "1"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.port = 0
        self.lines: list[str] = []
        self.told = threading.Event()
        # It must be read to the end: a full pipe would hold the server up.
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines = [*self.lines[1 - LOG_LINES_MAX :], line]
            found = LISTENING.search(line)
            if found:
                self.port = int(found[1])
                self.told.set()
        self.told.set()

    def __enter__(self) -> Self:
        try:
            self.wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def wait_until_ready(self) -> None:
        self.told.wait(START_SECONDS_MAX)
        tick = threading.Event()
        for _ in range(int(START_SECONDS_MAX * 20)):
            if not self.port or self.process.poll() is not None:
                break
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.get("/readyz")[0] == http.client.OK:
                    return
            tick.wait(0.05)
        told = "".join(self.lines).strip() or "nothing"
        raise StoreUnavailable(f"the drill's server did not start; it said: {told[-1000:]}")

    def art(self, id: str, algorithm: str) -> bytes:
        """The art of a kept picture, as text; the code of the error where it is refused."""
        path = f"/v1/pictures/{id}/art/{algorithm}.txt"
        try:
            status, body = self.get(path)
        except (OSError, http.client.HTTPException) as error:
            raise StoreUnavailable(f"the drill's server did not answer: {error}") from error
        if status == http.client.OK:
            return body
        try:
            return str(json.loads(body)["code"]).encode()
        except (ValueError, KeyError, TypeError):
            return b"status %d" % status

    def get(self, path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_SECONDS_MAX)
        try:
            connection.request("GET", path, headers={"Accept": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def stop(self) -> None:
        """End the server, by its own process."""
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def __exit__(self, *_: object) -> None:
        self.stop()
