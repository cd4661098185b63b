"""The spool keeps what it promised; the bad days first."""

from __future__ import annotations

import contextlib
import errno
import os
import threading

import pytest

from calligram.errors import (
    OptionsRefused,
    PictureTooLarge,
    RequestMalformed,
    SpoolFailed,
    SpoolFull,
)
from calligram.store import Mover, Spool, Writer
from kept_pictures import (
    BYTES_MAX,
    content_of,
    drain,
    id_of,
    is_stored,
    keep,
    lost,
    objects_in,
    record_for,
    spool_in,
)
from power import Disk, PowerCut

KEEP_CALLS = range(30)
"""More than keeping two pictures takes; a cut after the last call is none."""


@pytest.mark.parametrize("cut_at", KEEP_CALLS)
def test_a_cut_while_keeping_loses_nothing_promised(cut_at, tmp_path):
    disk = Disk(tmp_path / "disk")
    disk.root.mkdir()
    promised = []

    with contextlib.suppress(PowerCut), disk.watched():
        spool = spool_in(disk.root)
        disk.cut_at, disk.calls = cut_at, []
        for number in (1, 2):
            keep(spool, content_of(number))
            promised.append(number)

    assert lost(disk.after_cut(tmp_path / "after"), promised) == []


def test_the_cuts_reach_the_end_of_keeping(tmp_path):
    disk = Disk(tmp_path / "disk")
    disk.root.mkdir()
    spool = spool_in(disk.root)

    with disk.watched():
        keep(spool, content_of(1))
        keep(spool, content_of(2))

    assert len(disk.calls) <= len(KEEP_CALLS)
    assert disk.calls[: len(disk.calls) // 2] == [
        *("open", "write", "open", "write", "fsync"),
        *("link", "open", "fsync", "close", "unlink", "close"),
    ]


@pytest.mark.parametrize("cut_at", range(60))
def test_a_cut_while_moving_loses_nothing_promised(cut_at, tmp_path):
    disk = Disk(tmp_path / "disk")
    disk.root.mkdir()

    with contextlib.suppress(PowerCut), disk.watched():
        spool = spool_in(disk.root)
        keep(spool, content_of(1))
        keep(spool, content_of(2))
        disk.cut_at, disk.calls = cut_at, []
        mover = Mover(spool, objects_in(disk.root), concurrency=1)
        mover.start()
        drain(mover)

    assert lost(disk.after_cut(tmp_path / "after"), [1, 2]) == []


def test_the_second_writer_of_a_picture_promises_nothing_on_the_firsts_behalf(tmp_path):
    disk = Disk(tmp_path / "disk")
    disk.root.mkdir()

    with disk.watched():
        spool = spool_in(disk.root)
        with pytest.MonkeyPatch.context() as patch:
            # The first is slow: its name is there, and not yet safe.
            patch.setattr(spool, "settle", lambda: None)
            keep(spool, content_of(1))
        kept = keep(spool, content_of(1))

    assert kept.is_known
    assert lost(disk.after_cut(tmp_path / "after"), [1]) == []


def test_two_writers_of_one_picture_leave_one(tmp_path):
    spool = spool_in(tmp_path)
    both = threading.Barrier(8)
    kept = []

    def one() -> None:
        with Writer(spool) as writer:
            writer.write(content_of(1))
            both.wait()
            kept.append(writer.keep(record_for))

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert spool.names() == [id_of(content_of(1))]
    assert sorted(each.is_known for each in kept) == [False] + [True] * 7
    assert os.listdir(spool.incoming) == []
    assert spool.reserved == 0


def test_the_first_record_wins(tmp_path):
    spool = spool_in(tmp_path)
    keep(spool, content_of(1), algorithm="ramp-1")

    kept = keep(spool, content_of(1), algorithm="shape-1")

    assert kept.record.algorithm == "ramp-1"


def test_a_damaged_item_is_set_aside_when_its_picture_comes_again(tmp_path):
    spool = spool_in(tmp_path)
    keep(spool, content_of(1))
    damage(spool, 1)

    kept = keep(spool, content_of(1))

    assert not kept.is_known
    assert spool.quarantined_count() == 1
    assert lost_after_moving(spool, tmp_path) == []


def lost_after_moving(spool: Spool, folder) -> list[int]:
    mover = Mover(spool, objects_in(folder), concurrency=1)
    mover.start()
    drain(mover)
    mover.stop()
    return [] if is_stored(objects_in(folder), content_of(1)) else [1]


def damage(spool: Spool, number: int, place: int = 100) -> None:
    with (spool.kept / id_of(content_of(number))).open("r+b") as file:
        file.seek(place)
        byte = file.read(1)
        file.seek(place)
        file.write(bytes([byte[0] ^ 1]))


@pytest.mark.parametrize("place", [0, 19_999, 20_000, 20_100, 20_230, 20_240, -1])
def test_a_damaged_item_is_set_aside_and_never_stored(place, tmp_path):
    spool, objects = spool_in(tmp_path), objects_in(tmp_path)
    keep(spool, content_of(1))
    size = (spool.kept / id_of(content_of(1))).stat().st_size
    damage(spool, 1, place % size)
    mover = Mover(spool, objects, concurrency=1)
    mover.start()
    mover.round()

    assert spool.names() == []
    assert mover.metrics().quarantined == 1
    assert objects.picture(id_of(content_of(1))) is None


def test_an_item_cut_short_is_set_aside(tmp_path):
    spool = spool_in(tmp_path)
    keep(spool, content_of(1))
    os.truncate(spool.kept / id_of(content_of(1)), 0)

    known = spool.known(id_of(content_of(1)))

    assert known is None
    assert spool.quarantined_count() == 1


def test_what_is_refused_leaves_nothing(tmp_path):
    spool = spool_in(tmp_path)

    def refuse(id: str, size: int):
        raise OptionsRefused("no")

    with Writer(spool) as writer:
        writer.write(b"x")
        with pytest.raises(OptionsRefused):
            writer.keep(refuse)

    assert os.listdir(spool.incoming) == os.listdir(spool.kept) == []
    assert spool.reserved == 0


def test_nothing_is_no_picture(tmp_path):
    with pytest.raises(RequestMalformed), Writer(spool_in(tmp_path)) as writer:
        writer.keep(record_for)


def test_the_largest_picture_is_kept(tmp_path):
    kept = keep(spool_in(tmp_path), b"x" * BYTES_MAX)

    assert kept.record.bytes == BYTES_MAX


def test_a_larger_picture_is_refused_with_both_numbers(tmp_path):
    spool = spool_in(tmp_path)

    with Writer(spool) as writer:
        writer.write(b"x" * BYTES_MAX)
        with pytest.raises(PictureTooLarge) as caught:
            writer.write(b"x")

    assert (caught.value.limit, caught.value.actual) == (BYTES_MAX, BYTES_MAX + 1)
    assert os.listdir(spool.incoming) == []


class Room:
    """A disk with so many bytes left."""

    def __init__(self, bytes: int) -> None:
        self.f_bavail, self.f_frsize, self.f_files, self.f_favail = bytes, 1, 0, 0


@pytest.mark.parametrize(("missing", "is_refused"), [(0, False), (1, True)])
def test_an_upload_begins_only_with_room_for_one_and_a_half(
    missing, is_refused, tmp_path, monkeypatch
):
    spool = spool_in(tmp_path)
    room = Room(BYTES_MAX * 3 // 2 - missing)
    monkeypatch.setattr(os, "statvfs", lambda _: room)

    with pytest.raises(SpoolFull) if is_refused else contextlib.nullcontext(), Writer(spool):
        pass


def test_room_that_is_spoken_for_is_not_given_twice(tmp_path, monkeypatch):
    spool = spool_in(tmp_path)
    room = Room(BYTES_MAX * 5 // 2 - 1)
    monkeypatch.setattr(os, "statvfs", lambda _: room)

    with Writer(spool), pytest.raises(SpoolFull) as caught:
        Writer(spool)

    assert caught.value.actual == BYTES_MAX * 3 // 2 - 1


def test_after_a_failed_fsync_nothing_more_is_kept(tmp_path, monkeypatch):
    spool = spool_in(tmp_path)
    keep(spool, content_of(1))
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", failing(errno.EIO))
        with pytest.raises(SpoolFailed):
            keep(spool, content_of(2))

    with pytest.raises(SpoolFailed, match="replace the disk"):
        keep(spool, content_of(2))
    # Another process, and the next start, know it too; what was promised is still moved.
    with pytest.raises(SpoolFailed, match="replace the disk"):
        keep(spool_in(tmp_path), content_of(2))
    assert lost(tmp_path, [1]) == []


def failing(number: int):
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("call", ["write", "fsync"])
def test_a_full_disk_refuses_one_upload_and_no_more(call, tmp_path, monkeypatch):
    spool = spool_in(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, call, failing(errno.ENOSPC))
        with pytest.raises(SpoolFull):
            keep(spool, content_of(1))

    kept = keep(spool, content_of(1))

    assert not kept.is_known
    assert os.listdir(spool.incoming) == []


def test_rubbish_of_dead_writers_is_cleaned_and_living_ones_are_not(tmp_path):
    spool = spool_in(tmp_path)
    (spool.incoming / "dead").write_bytes(b"half")

    with Writer(spool) as living:
        cleaned = spool.clean()

        assert cleaned == 1
        assert living.path.exists()


def test_a_picture_deleted_and_kept_again_is_not_taken_for_the_first(tmp_path):
    spool = spool_in(tmp_path)
    keep(spool, content_of(1))
    first = spool.open(id_of(content_of(1)))
    spool.delete(first.id)
    keep(spool, content_of(1))

    with first:
        spool.remove(first)

    assert spool.names() == [first.id]


def test_one_mover_at_a_time_and_the_next_after_it(tmp_path):
    first, second = (
        Mover(spool_in(tmp_path), objects_in(tmp_path), concurrency=1) for _ in range(2)
    )

    turns = [first.start(), second.start()]
    first.stop()
    turns.append(second.start())

    assert turns == [True, False, True]
