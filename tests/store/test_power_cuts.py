"""
Real power cuts: a file system on a file, copied while pictures are kept on it.

The copy is what a disk would hold at that moment. It is mounted, which replays its journal,
and the oracle demands all that had been promised by then. Needs root; where
mounting is not allowed, the cuts of test_spool.py and the crashes of test_crashes.py remain.
"""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from calligram.store import Spool
from kept_pictures import BYTES_MAX, content_of, id_of, keep

CUTS = int(os.environ.get("CALLIGRAM_TEST_POWER_CUTS", "100"))
"""More in the long run: CALLIGRAM_TEST_POWER_CUTS=1000."""

FILE_SYSTEMS = {
    "ext4": ("48M", "loop"),
    # The copy has the identity of what is still mounted.
    "xfs": ("320M", "loop,nouuid"),
    "btrfs": ("128M", "loop"),
}
"""Name -> least size that mkfs takes, and how to mount it."""

SIZE = 5_000
STRIDE = 5
"""No multiple or part of the calls that keeping takes: cuts fall between all of them."""


def mount(*words: str | Path) -> bool:
    return subprocess.run(["mount", *words], capture_output=True, check=False).returncode == 0


def unmount(place: Path) -> None:
    subprocess.run(["umount", str(place)], check=True, capture_output=True)


@pytest.fixture
def image(request, tmp_path) -> Iterator[Path]:
    """A mounted file system of the kind that is asked for; its image is named `image`."""
    size, how = FILE_SYSTEMS[request.param]
    (tmp_path / "disk").mkdir()
    subprocess.run(["truncate", "-s", size, tmp_path / "image"], check=True)
    make = [f"mkfs.{request.param}", "-q", tmp_path / "image"]
    subprocess.run(make, check=True, capture_output=True)
    if not mount("-t", request.param, "-o", how, tmp_path / "image", tmp_path / "disk"):
        pytest.skip("mounting is not allowed here")
    yield tmp_path / "image"
    unmount(tmp_path / "disk")


class Cuts:
    """Copies the image before every `STRIDE`th call to the disk, and asks the oracle."""

    def __init__(self, image: Path, how: str) -> None:
        self.image = image
        self.how = how
        self.promised: list[int] = []
        self.calls = 0
        self.is_cut = False
        self.cuts = 0
        self.losses: list[int] = []

    def wrapped(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def cutting(*arguments: Any, **named: Any) -> Any:
            if not self.is_cut:  # the oracle's own calls don't count
                self.calls += 1
                self.is_cut = self.calls % STRIDE == 0
                if self.is_cut:
                    self.cut()
                    self.is_cut = False
            return call(*arguments, **named)

        return cutting

    def cut(self) -> None:
        copy = self.image.with_name("copy")
        # Nobody writes meanwhile: a copy of a moving image would show what no disk ever held.
        subprocess.run(["cp", "--sparse=always", self.image, copy], check=True)
        self.cuts += 1
        self.losses += lost_in(copy, self.image.with_name("after"), self.promised, self.how)


@pytest.mark.server("mkfs.ext4", "mkfs.xfs", "mkfs.btrfs")
@pytest.mark.parametrize(
    ("image", "how"),
    [(name, how) for name, (_, how) in FILE_SYSTEMS.items()],
    ids=list(FILE_SYSTEMS),
    indirect=["image"],
)
def test_nothing_promised_is_lost_in_real_power_cuts(image, how, tmp_path, monkeypatch):
    spool = Spool(tmp_path / "disk" / "spool", picture_bytes_max=BYTES_MAX)
    spool.prepare()
    cuts = Cuts(image, how)
    for name in ("open", "write", "fsync", "link", "unlink", "close"):
        monkeypatch.setattr(os, name, cuts.wrapped(getattr(os, name)))

    for number in itertools.count():
        keep(spool, content_of(number, SIZE))
        cuts.promised.append(number)
        if len(cuts.promised) > 50:
            # As if it had been moved to the store: its room is used again.
            spool.delete(id_of(content_of(cuts.promised.pop(0), SIZE)))
        if cuts.cuts >= CUTS:
            break

    assert cuts.losses == []


def lost_in(copy: Path, place: Path, numbers: list[int], how: str) -> list[int]:
    place.mkdir(exist_ok=True)
    assert mount("-o", how, copy, place)
    try:
        spool = Spool(place / "spool", picture_bytes_max=BYTES_MAX)
        return [number for number in numbers if not is_whole(spool, number)]
    finally:
        unmount(place)


def is_whole(spool: Spool, number: int) -> bool:
    item = spool.open(id_of(content_of(number, SIZE)))
    if item is None:
        return False
    with item:
        return bytes(item.read()[0]) == content_of(number, SIZE)
