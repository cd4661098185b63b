"""
What the processes of a server use, read from /proc: CPU seconds, children and all.

    port  ->  sockets that listen  (/proc/net/tcp, by inode)
          ->  processes that hold them  (/proc/*/fd)  ->  their descendants

Only for servers on this machine, and only on Linux; elsewhere nothing is known, and nothing is
made up.
"""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Iterable
from pathlib import Path

PROC = Path("/proc")
LISTENS = "0A"


def listeners(port: int) -> list[int]:
    """The processes that listen at `port`; none where that can't be seen."""
    inodes = {f"socket:[{inode}]" for inode in listening_inodes(port)}
    found = []
    for folder in PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(held(entry) in inodes for entry in (folder / "fd").iterdir()):
                found.append(int(folder.name))
    return sorted(found)


def held(entry: Path) -> str:
    try:
        return os.readlink(entry)
    except OSError:
        return ""  # closed meanwhile


def listening_inodes(port: int) -> set[str]:
    found = set()
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in (PROC / "net" / table).read_text().splitlines()[1:]:
                words = line.split()
                if words[3] == LISTENS and int(words[1].rpartition(":")[2], 16) == port:
                    found.add(words[9])
    return found


def children_of(process: int) -> list[int]:
    """The processes that it started and that live; a thread that ends meanwhile hides its own."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in (PROC / str(process) / "task").iterdir():
            with contextlib.suppress(OSError):
                found += map(int, (task / "children").read_text().split())
    return found


def with_descendants(processes: Iterable[int]) -> list[int]:
    """The processes and all below them that live, each once."""
    found = list(dict.fromkeys(processes))
    for parent in found:
        found += [child for child in children_of(parent) if child not in found]
    return found


def cpu_seconds(processes: Iterable[int]) -> float:
    """What they have used until now, and their children that have ended."""
    ticks = 0
    for process in processes:
        with contextlib.suppress(OSError):
            # The command's name may hold spaces and brackets; what follows the last one can't.
            fields = (PROC / str(process) / "stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def own_seconds() -> float:
    """CPU that this process has used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def children_seconds() -> float:
    """CPU that this process's ended children have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Meter:
    """CPU of the server's processes between two looks at it; NaN if there are none to see."""

    def __init__(self, roots: Iterable[int]) -> None:
        self.roots = tuple(roots)

    def seconds(self) -> float:
        if not self.roots:
            return float("nan")
        return cpu_seconds(with_descendants(self.roots))

    def since(self, before: float) -> float:
        """CPU since `before`; NaN where a process has gone meanwhile and took its count along."""
        used = self.seconds() - before
        return used if used >= 0 else float("nan")
