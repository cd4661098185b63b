"""
An object store that speaks S3 over real sockets, and misbehaves to order.

It is what a store looks like on its worst day, not a good S3: signatures aren't checked.
Faults are taken from a list, one for each PUT, GET or DELETE, and the rest goes well.
"""

from __future__ import annotations

import hashlib
import http.server
import socket
import struct
import threading
from typing import Any

FAULTS = ("503", "reset", "silent", "slow", "409", "412", "corrupt")
"""`silent` never answers; `slow` sends half of its answer and then nothing."""


class FaultServer(http.server.ThreadingHTTPServer):
    """Keeps `objects`; `faults` are "KIND before" or "KIND after" (it was done), or ""."""

    daemon_threads = True

    def __init__(self, faults: list[str]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.objects: dict[str, bytes] = {}
        self.faults = list(faults)
        self.requests: list[str] = []
        self.lock = threading.Lock()
        self.closing = threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def config(self) -> dict[str, Any]:
        """What Bucket.at needs to find this one."""
        return {
            "endpoint": f"http://127.0.0.1:{self.server_port}",
            "access_key_id": "key",
            "secret_access_key": "secret",
            "region": "us-east-1",
            "virtual_hosted_style_request": False,
        }

    def stop(self) -> None:
        self.closing.set()
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: FaultServer

    def log_message(self, *_: Any) -> None:
        """Say nothing: the tests look at `requests`."""

    def handle_one(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with self.server.lock:
            self.server.requests.append(f"{self.command} {self.path}")
            fault, _, when = (self.server.faults.pop(0) if self.server.faults else "").partition(
                " "
            )
        if fault == "corrupt" and self.command == "PUT":
            body = b"\0" + body[1:]
        if fault and fault not in ("corrupt", "slow") and when == "before":
            self.misbehave(fault)
            return
        status, content = self.answer(body)
        if fault == "corrupt" and self.command == "GET":
            content = b"\0" + content[1:]
        if fault == "slow":
            self.reply(status, content + b"." * 1000, sent=len(content))
            self.server.closing.wait()
        elif fault and fault != "corrupt":
            self.misbehave(fault)
        else:
            self.reply(status, content)

    def __getattr__(self, name: str) -> Any:
        # http.server asks for do_PUT and the like: all are one here.
        if name.startswith("do_"):
            return self.handle_one
        raise AttributeError(name)

    def answer(self, body: bytes) -> tuple[int, bytes]:
        key = self.path.partition("?")[0]
        with self.server.lock:
            if self.command == "PUT":
                if self.headers.get("If-None-Match") == "*" and key in self.server.objects:
                    return 412, b""
                self.server.objects[key] = body
                return 200, b""
            if self.command == "DELETE":
                self.server.objects.pop(key, None)
                return 204, b""
            content = self.server.objects.get(key)
        return (404, b"") if content is None else (200, content)

    def misbehave(self, fault: str) -> None:
        if fault == "reset":
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.close_connection = True
            self.connection.close()
        elif fault == "silent":
            self.server.closing.wait()
            self.close_connection = True
        else:
            self.reply(int(fault), b"")

    def reply(self, status: int, content: bytes, sent: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", f'"{hashlib.md5(content).hexdigest()}"')
        self.send_header("Last-Modified", "Sun, 01 Mar 2026 12:00:00 GMT")
        self.end_headers()
        self.wfile.write(content[:sent] if self.command != "HEAD" else b"")
        self.wfile.flush()
