"""
ApacheBench, as many of it as there are places, and what it says.

    ab -c 1 -t SECONDS -g FILE -p PICTURE URL        one process for each place

One process can send one body only, so `ab -c 16` would send the same picture sixteen times at
once, and a server that draws equal requests once would look sixteen times faster than it is.
Here each place is an ab of its own with a picture of its own. It still sends that one picture
again and again: the server's cache of finished art must be off, which `load` makes sure of.

ab writes down each request's time in whole milliseconds (-g), and drops the one that is on its
way when time is up. Of that one, the part that was done is what the others leave of the time.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from calligram.errors import PlanRefused

REQUESTS_MAX = 1_000_000
MISSING = "ab is missing: Debian's package apache2-utils brings it (apt-get install apache2-utils)"
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Told:
    """What one ab said: how many it did in how long, which failed, and each one's seconds."""

    requests: int
    seconds: float
    failed: int
    each: tuple[float, ...]

    @property
    def rate(self) -> float:
        """Requests a second, the part of the last one included."""
        if not self.each:
            return self.requests / self.seconds
        mean = sum(self.each) / len(self.each)
        part = min(1.0, max(0.0, (self.seconds - sum(self.each)) / mean))
        return (self.requests + part) / self.seconds


class Running:
    """One ab at work; its files lie in `folder`."""

    def __init__(
        self, url: str, *, seconds: int, picture: Path | None, times: Path, keep_alive: bool
    ) -> None:
        line = ["ab", "-q", "-r", "-c", "1", "-t", str(seconds), "-n", str(REQUESTS_MAX)]
        line += ["-k"] if keep_alive else []
        line += ["-p", str(picture), "-T", "application/octet-stream"] if picture else []
        line += ["-H", "Accept: text/plain", "-g", str(times)]
        self.times = times
        self.limit = seconds + PATIENCE_SECONDS
        self.process = subprocess.Popen(
            [*line, url], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def told(self) -> Told:
        """Wait for its end; raises PlanRefused with its words where it says no figures."""
        said = self.process.communicate(timeout=self.limit)[0]
        requests, seconds = number(said, "Complete requests"), number(said, "Time taken for tests")
        if self.process.returncode != 0 or requests is None or not seconds:
            last = said.strip().splitlines()[-1:] or ["nothing"]
            raise PlanRefused(f"ab could not load the server; it said: {last[0]}")
        return Told(int(requests), seconds, failures(said), times_of(self.times))

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


def check_ab() -> None:
    """Raise PlanRefused where ab is not installed."""
    if shutil.which("ab") is None:
        raise PlanRefused(MISSING)


def number(said: str, what: str) -> float | None:
    found = re.search(rf"^\s*{what}:\s+([0-9.]+)", said, re.MULTILINE)
    return float(found[1]) if found else None


def failures(said: str) -> int:
    """Connections that failed and answers that were not 2xx."""
    # "Length" counts answers that are longer or shorter than the first one: no failure of art.
    breakdown = said.partition("Failed requests")[2][:200]
    kinds = ("Connect", "Receive", "Exceptions")
    lost = sum(int(n) for kind in kinds for n in re.findall(rf"{kind}: (\d+)", breakdown))
    return lost + int(number(said, "Non-2xx responses") or 0)


def times_of(path: Path) -> tuple[float, ...]:
    """Each request's seconds, out of what -g wrote: a table with `ttime` in milliseconds."""
    if not path.exists():
        return ()
    lines = path.read_text().splitlines()
    column = lines[0].split("\t").index("ttime") if lines else 0
    # Half a millisecond at least: what took "0" took something.
    return tuple(max(float(line.split("\t")[column]), 0.5) / 1000 for line in lines[1:])
