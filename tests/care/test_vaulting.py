"""The backup that goes by itself: what is marked is carried at once, everything once a day."""

from __future__ import annotations

import threading

import pytest

from calligram.care import Backup, Side
from calligram.care.vaulting import WALKED_KEY
from calligram.store import Unvaulted
from calligram.store.keys import record_key
from kept_stores import (
    CountingBucket,
    CutBucket,
    delete_in,
    everything,
    id_at,
    keep_in,
    living,
    memory,
    stocked,
)

DAY = 86_400.0
NUMBERS = range(20)
STOPPED = threading.Event()
STOPPED.set()


class Clock:
    """Unix time and ticks alike; it stands until it is set."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def marks(tmp_path) -> Unvaulted:
    unvaulted = Unvaulted(tmp_path / "unvaulted")
    unvaulted.prepare()
    return unvaulted


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make(marks, clock, tmp_path):
    """Makes backups of one server; they are stopped at the end."""
    made = []

    def make(store: Side, vault: Side) -> Backup:
        backup = Backup(marks, store, vault, lock=tmp_path / "lock", clock=clock, ticks=clock)
        made.append(backup)
        return backup

    yield make
    for backup in made:
        backup.stop()


def mark(marks: Unvaulted, side: Side, number: int) -> None:
    """What the mover does."""
    keep_in(side, number)
    marks.add(id_at(number))


def go(backup: Backup) -> float:
    return backup.round_or_pause(threading.Event())


def test_at_the_start_everything_is_backed_up(make):
    store, vault = stocked(memory(), NUMBERS), memory("vault")
    backup = make(store, vault)

    pause = go(backup)

    assert pause == backup.seconds
    assert everything(vault) == everything(store)
    assert vault.bucket.get(WALKED_KEY) is not None


def test_then_only_what_is_marked_is_looked_at(make, marks):
    store, vault = stocked(memory(), NUMBERS), memory("vault")
    counting = Side("vault", CountingBucket(vault.bucket))
    backup = make(store, counting)
    go(backup)
    mark(marks, store, 50)
    counting.bucket.asked.clear()

    go(backup)

    assert living(vault, [50]) == {50}
    assert marks.unvaulted() == []
    assert "entries" not in counting.bucket.asked
    assert counting.bucket.asked.count("put") == 1


def test_a_walk_that_never_ends_is_seen_by_its_age(make, clock):
    away = make(memory(), Side("vault", CutBucket(memory().bucket, 0)))
    go(away)
    away.stop()
    well = make(memory(), memory("vault"))
    go(well)
    clock.now += 500

    assert away.metrics().walked_seconds == 500
    assert well.metrics().walked_seconds == 500
    go(well)
    clock.now += DAY
    go(well)
    assert well.metrics().walked_seconds == 0


def test_after_a_day_everything_is_walked_over_again(make, clock):
    store, vault = memory(), memory("vault")
    backup = make(store, vault)
    go(backup)
    keep_in(store, 1)
    go(backup)
    before = living(vault, [1])

    clock.now += DAY + 1
    go(backup)

    assert (before, living(vault, [1])) == (set(), {1})


def test_a_fleet_walks_once(make, clock):
    store, vault = memory(), memory("vault")
    go(make(store, vault))
    keep_in(store, 1)
    clock.now += 600

    another = make(store, vault)
    another.lock = another.lock.with_name("another server's")
    go(another)

    assert living(vault, [1]) == set()


def test_a_server_that_starts_later_walks_again(make, clock):
    store, vault = memory(), memory("vault")
    go(make(store, vault))
    keep_in(store, 1)
    clock.now += 3601

    another = make(store, vault)
    another.lock = another.lock.with_name("another server's")
    go(another)

    assert living(vault, [1]) == {1}


@pytest.mark.parametrize("content", [b"", b"{", b'{"walked_at":"x"}'])
def test_a_note_that_cannot_be_read_means_a_walk(make, content):
    store, vault = stocked(memory(), [1]), memory("vault")
    vault.bucket.put(WALKED_KEY, content)

    go(make(store, vault))

    assert living(vault, [1]) == {1}


def test_only_one_process_of_a_server_backs_up(make, marks):
    store, vault = memory(), memory("vault")
    first, second = make(store, vault), make(store, vault)
    go(first)
    mark(marks, store, 1)

    go(second)
    meanwhile = living(vault, [1])
    first.stop()
    go(second)

    assert (meanwhile, living(vault, [1])) == (set(), {1})


def test_what_the_vault_refuses_stays_marked_and_is_told(make, marks, clock):
    store, vault = memory(), memory("vault")
    backup = make(store, vault)
    go(backup)
    mark(marks, store, 1)
    backup.vault = Side("vault", CutBucket(vault.bucket, 0))

    go(backup)
    clock.now += 90
    away = backup.metrics()
    backup.vault = vault
    go(backup)
    back = backup.metrics()

    assert (away.items, away.oldest_seconds, away.is_vault_away, away.failed) == (1, 90, True, 1)
    assert (back.items, back.oldest_seconds, back.is_vault_away, back.copied) == (0, 0, False, 1)
    assert marks.unvaulted() == []


def test_a_deletion_is_carried_by_its_mark(make, marks):
    store, vault = stocked(memory(), [1]), memory("vault")
    backup = make(store, vault)
    go(backup)
    delete_in(store, 1)
    marks.add(id_at(1))

    go(backup)

    assert everything(vault) == everything(store)
    assert marks.unvaulted() == []


def test_what_the_store_has_lost_stays_marked(make, marks):
    store, vault = memory(), memory("vault")
    backup = make(store, vault)
    go(backup)
    mark(marks, store, 1)
    store.bucket.delete(record_key(id_at(1)))

    go(backup)

    assert marks.unvaulted() == [id_at(1)]
    assert backup.metrics().failed == 1


def test_where_marks_were_left_out_everything_is_walked_over(make, marks, monkeypatch):
    store, vault = memory(), memory("vault")
    backup = make(store, vault)
    go(backup)
    monkeypatch.setattr("calligram.care.vaulting.MARKERS_MAX", 2)
    for number in (1, 2):
        mark(marks, store, number)
    keep_in(store, 3)

    go(backup)

    assert living(vault, NUMBERS) == {1, 2, 3}


def test_one_bad_picture_holds_up_no_other(make, marks):
    store, vault = memory(), memory("vault")
    backup = make(store, vault)
    go(backup)
    for number in NUMBERS:
        mark(marks, store, number)
    store.bucket.put(record_key(id_at(3)), b"{")

    go(backup)

    assert living(vault, NUMBERS) == set(NUMBERS) - {3}
    assert marks.unvaulted() == [id_at(3)]


def test_what_is_new_does_not_wait_for_the_end_of_a_walk(make, marks, clock):
    store, vault = stocked(memory(), NUMBERS), memory("vault")
    order: list[str] = []

    class Watched(CountingBucket):
        """A vault that takes long for everything, and tells in which order pictures come."""

        def put(self, key, content):
            clock.now += 10
            if not order:
                mark(marks, store, 99)
            order.append(key)
            super().put(key, content)

    go(make(store, Side("vault", Watched(vault.bucket))))

    new = next(i for i, key in enumerate(order) if id_at(99) in key)
    assert new < len(order) - 1
    assert marks.unvaulted() == []


def test_a_stopped_backup_ends_and_lets_another_be_it(make, marks):
    store, vault = stocked(memory(), NUMBERS), memory("vault")
    backup, another = make(store, vault), make(store, vault)

    backup.run(STOPPED)

    assert another.start()


def test_it_runs_until_it_is_stopped(make, marks):
    store, vault = stocked(memory(), NUMBERS), memory("vault")
    arrived, stopped = threading.Event(), threading.Event()

    class Telling(CountingBucket):
        """A vault that tells when the note of the first walk arrives."""

        def put(self, key, content):
            super().put(key, content)
            if key == WALKED_KEY:
                arrived.set()

    backup = make(store, Side("vault", Telling(vault.bucket)))
    running = threading.Thread(target=backup.run, args=(stopped,))
    running.start()
    has_arrived = arrived.wait(60)
    stopped.set()
    running.join(60)

    assert has_arrived
    assert not running.is_alive()
    assert living(vault, NUMBERS) == set(NUMBERS)


def test_a_bug_over_one_round_is_not_the_end(make):
    class Broken(CountingBucket):
        """A vault behind which a bug waits."""

        def get(self, key):
            raise ZeroDivisionError(key)

    backup = make(memory(), Side("vault", Broken(memory().bucket)))

    pause = go(backup)

    assert pause == backup.seconds


def test_away_is_asked_less_and_less(make, marks):
    backup = make(memory(), Side("vault", CutBucket(memory().bucket, 0)))

    pauses = [go(backup) for _ in range(8)]

    assert pauses[0] <= 1
    assert 30 <= pauses[-1] <= 60
