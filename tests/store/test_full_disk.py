"""
A disk that fills up under the spool: uploads are refused, nothing promised is lost, and when the
store has taken what is there, uploads go on.
"""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from calligram.errors import SpoolFull
from calligram.store import Mover, Spool, Writer
from kept_pictures import Ticks, content_of, drain, id_of, is_stored, keep, objects_in, record_for

DISK_BYTES = 4 * 1024 * 1024
SIZE = 100_000


@pytest.fixture
def disk(tmp_path) -> Iterator[Path]:
    """A file system of DISK_BYTES in memory, with few files."""
    place = tmp_path / "disk"
    place.mkdir()
    size = f"size={DISK_BYTES},nr_inodes=1000"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", size, "tmpfs", place], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("mounting is not allowed here")
    yield place
    subprocess.run(["umount", place], check=True, capture_output=True)


def filled(spool: Spool) -> list[int]:
    """Keep until the spool refuses; what was promised."""
    for number in itertools.count():
        try:
            keep(spool, content_of(number, SIZE))
        except SpoolFull:
            return list(range(number))
    raise AssertionError("a full disk took everything")


def test_a_full_disk_refuses_and_loses_nothing(disk, tmp_path):
    spool = Spool(disk / "spool", picture_bytes_max=SIZE)
    spool.prepare()
    objects = objects_in(tmp_path)

    promised = filled(spool)
    mover = Mover(spool, objects, concurrency=1, clock=Ticks(), ticks=Ticks())
    assert mover.start()
    drain(mover)
    again = filled(spool)

    assert len(promised) > 20
    assert all(is_stored(objects, content_of(number, SIZE)) for number in promised)
    assert len(again) == len(promised)
    mover.stop()


def keep_while_another_fills(spool: Spool, file: Path) -> None:
    with Writer(spool, SIZE) as writer:
        file.write_bytes(bytes(150_000))
        for start in range(0, SIZE, 10_000):
            writer.write(content_of(1, SIZE)[start : start + 10_000])
        writer.keep(record_for)


def test_uploads_that_fill_the_disk_together_leave_no_half_item(disk):
    # Each was promised room, and another program takes it away.
    spool = Spool(disk / "spool", picture_bytes_max=SIZE)
    spool.prepare()
    keep(spool, content_of(0, SIZE))
    (disk / "other").write_bytes(bytes(DISK_BYTES - 350_000))

    with pytest.raises(SpoolFull):
        keep_while_another_fills(spool, disk / "more")

    assert spool.names() == [id_of(content_of(0, SIZE))]
    assert list(spool.incoming.iterdir()) == []
    assert spool.reserved == 0
    assert not spool.disk.is_failed
