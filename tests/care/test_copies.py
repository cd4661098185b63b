"""Backup, restore and copy: what is living is carried, what is dead is buried."""

from __future__ import annotations

from collections import Counter

import pytest

from calligram.care import Side, backup, copy, finish, restore
from calligram.errors import StoreUnavailable
from calligram.store.keys import picture_key, record_key, tombstone_key
from kept_pictures import content_of
from kept_stores import (
    BYTES,
    CountingBucket,
    CutBucket,
    delete_in,
    everything,
    folder,
    id_at,
    impatient,
    keep_in,
    living,
    memory,
    moment,
    put_damaged,
    stocked,
)

NUMBERS = range(40)


@pytest.fixture(params=["memory", "folder"])
def sides(request, tmp_path) -> tuple[Side, Side]:
    """A store and a vault, both empty."""
    if request.param == "memory":
        return memory("store"), memory("vault")
    return folder(tmp_path / "store", "store"), folder(tmp_path / "vault", "vault")


@pytest.mark.parametrize("walk", [backup, copy, restore])
def test_an_empty_target_gets_all_there_is(sides, walk):
    source, target = sides
    stocked(source, NUMBERS)
    delete_in(source, 0)

    report = finish(walk(source, target))

    assert everything(target) == everything(source)
    assert (report.copied, report.problems) == (39, 0)
    assert report.bytes == 39 * BYTES


@pytest.mark.parametrize("walk", [backup, copy, restore])
def test_the_source_is_only_read(sides, walk):
    source, target = sides
    stocked(source, NUMBERS)
    delete_in(source, 0)
    stocked(target, range(30, 50))
    before = everything(source)

    finish(walk(source, target))

    assert everything(source) == before


def test_a_second_backup_reads_and_writes_nothing(sides):
    store, vault = sides
    stocked(store, NUMBERS)
    finish(backup(store, vault))
    counting = [Side(side.name, CountingBucket(side.bucket)) for side in sides]

    report = finish(backup(*counting))

    assert [side.bucket.asked for side in counting] == [[], []]
    assert (report.pictures, report.copied) == (40, 0)


def test_what_is_new_is_all_that_is_copied(sides):
    store, vault = sides
    stocked(store, NUMBERS)
    finish(backup(store, vault))
    stocked(store, range(40, 43))

    report = finish(backup(store, vault))

    assert (report.copied, report.bytes) == (3, 3 * BYTES)
    assert living(vault, range(50)) == set(range(43))


@pytest.mark.parametrize("walk", [backup, copy, restore])
def test_a_deletion_is_carried(sides, walk):
    source, target = sides
    stocked(source, NUMBERS)
    finish(walk(source, target))
    delete_in(source, 7)

    report = finish(walk(source, target))

    assert report.deleted == 1
    assert everything(target) == everything(source)
    assert target.bucket.get(picture_key(id_at(7))) is None


@pytest.mark.parametrize("walk", [backup, copy, restore])
@pytest.mark.parametrize("key_of", [picture_key, record_key])
def test_absence_takes_nothing_away(sides, walk, key_of):
    source, target = sides
    stocked(source, [1, 2])
    finish(walk(source, target))
    source.bucket.delete(key_of(id_at(1)))
    before = everything(target)

    finish(walk(source, target))

    assert everything(target) == before


def test_what_was_deleted_at_the_target_is_not_brought_back(sides):
    vault, store = sides
    stocked(vault, [1, 2])
    stocked(store, [1, 2])
    delete_in(store, 1)

    finish(restore(vault, store))

    assert living(store, [1, 2]) == {2}
    assert store.bucket.get(picture_key(id_at(1))) is None


def test_a_picture_that_was_deleted_and_kept_again_is_carried_again(sides):
    store, vault = sides
    keep_in(store, 1, now=0)
    finish(backup(store, vault))
    delete_in(store, 1, now=1)
    keep_in(store, 1, now=2, algorithm="ramp-1")

    finish(backup(store, vault))

    assert everything(vault) == everything(store)
    assert vault.objects.record(id_at(1)).kept_at == moment(2)


def test_of_two_tombstones_the_newer_counts(sides):
    store, vault = sides
    keep_in(store, 1, now=0)
    delete_in(store, 1, now=1)
    finish(backup(store, vault))
    keep_in(store, 1, now=2)
    delete_in(store, 1, now=3)

    finish(backup(store, vault))

    assert vault.objects.tombstone(id_at(1)).deleted_at == moment(3)


def test_the_vaults_record_becomes_the_stores(sides):
    store, vault = sides
    keep_in(store, 1, now=5)
    keep_in(vault, 1, now=5, algorithm="ramp-1")

    finish(backup(store, vault))

    assert everything(vault) == everything(store)


def test_a_record_that_was_put_anew_with_the_same_size_is_copied_again(sides):
    store, vault = sides
    keep_in(store, 1, now=1)
    finish(backup(store, vault))
    # Lost without a tombstone, and kept again: another time, of as many digits.
    store.bucket.delete(record_key(id_at(1)))
    keep_in(store, 1, now=2)

    finish(backup(store, vault))

    assert everything(vault) == everything(store)
    assert vault.objects.record(id_at(1)).kept_at == moment(2)


def test_a_restore_leaves_the_stores_own_record(sides):
    vault, store = sides
    keep_in(vault, 1, now=5, algorithm="ramp-1")
    mine = keep_in(store, 1, now=5)

    finish(restore(vault, store))

    assert store.objects.record(id_at(1)) == mine


@pytest.mark.parametrize("content", [b"", b"?" * BYTES, content_of(1, BYTES)[:-1]])
def test_a_restore_mends_a_damaged_picture(sides, content):
    vault, store = sides
    stocked(vault, [1])
    stocked(store, [1])
    put_damaged(store, 1, content)

    report = finish(restore(vault, store))

    assert report.copied == 1
    assert everything(store) == everything(vault)


def test_a_restore_mends_a_damaged_record(sides):
    vault, store = sides
    stocked(vault, [1])
    stocked(store, [1])
    store.bucket.put(record_key(id_at(1)), b"{")

    finish(restore(vault, store))

    assert everything(store) == everything(vault)


def test_a_restore_writes_over_nothing_that_is_good(sides):
    vault, store = sides
    stocked(vault, NUMBERS)
    stocked(store, NUMBERS)
    counting = Side("store", CountingBucket(store.bucket))

    finish(restore(vault, counting))

    assert {"put", "create", "delete"} & set(counting.bucket.asked) == set()


@pytest.mark.parametrize("content", [b"", b"?" * BYTES])
def test_a_damaged_picture_is_a_problem_and_is_not_carried(sides, content):
    store, vault = sides
    stocked(store, [1, 2])
    put_damaged(store, 1, content)
    problems = []

    finish(backup(store, vault), lambda progress: problems.extend(progress.problems))

    assert [(p.place, p.key, p.kind) for p in problems] == [
        ("store", picture_key(id_at(1)), "damaged")
    ]
    assert set(everything(vault)) == {picture_key(id_at(2)), record_key(id_at(2))}


def test_a_record_without_its_picture_is_a_problem_and_is_not_carried(sides):
    store, vault = sides
    stocked(store, [1])
    store.bucket.delete(picture_key(id_at(1)))
    problems = []

    finish(backup(store, vault), lambda progress: problems.extend(progress.problems))

    assert [(p.key, p.kind) for p in problems] == [(picture_key(id_at(1)), "missing")]
    assert everything(vault) == {}


def test_nothing_is_carried_past_a_tombstone_that_cannot_be_read(sides):
    store, vault = sides
    stocked(store, [1])
    store.bucket.put(tombstone_key(id_at(1)), b"{")
    problems = []

    finish(backup(store, vault), lambda progress: problems.extend(progress.problems))

    assert [(p.key, p.kind) for p in problems] == [(tombstone_key(id_at(1)), "damaged")]
    assert everything(vault) == {}


def test_a_damaged_record_in_the_vault_is_not_buried_unread(sides):
    store, vault = sides
    delete_in(store, 1)
    keep_in(vault, 1)
    vault.bucket.put(record_key(id_at(1)), b"{")
    problems = []

    finish(backup(store, vault), lambda progress: problems.extend(progress.problems))

    assert [(p.place, p.kind) for p in problems] == [("vault", "damaged")]
    assert vault.bucket.get(picture_key(id_at(1))) == content_of(1, BYTES)


def test_strange_keys_are_told_and_left_alone(sides):
    store, vault = sides
    store.bucket.put("pictures/ab/holiday.jpg", b"x")
    problems = []

    finish(backup(store, vault), lambda progress: problems.extend(progress.problems))

    assert [(p.key, p.kind) for p in problems] == [("pictures/ab/holiday.jpg", "strange")]
    assert everything(vault) == {}


class DeletingBucket(CountingBucket):
    """A vault during whose first picture's arrival that picture is deleted in the store."""

    def __init__(self, bucket, store: Side) -> None:
        super().__init__(bucket)
        self.store = store

    def put(self, key, content):
        if "put" not in self.asked:
            delete_in(self.store, 1)
        super().put(key, content)


def test_a_deletion_in_the_middle_of_a_copy_wins(sides):
    store, vault = sides
    stocked(store, [1])
    late = Side("vault", DeletingBucket(vault.bucket, store))

    finish(backup(store, late))

    assert everything(vault) == everything(store)
    assert set(everything(vault)) == {tombstone_key(id_at(1))}


class AwayBucket(CutBucket):
    """A store that lists what it has and does nothing else."""

    def entries(self, prefix):
        return self.bucket.entries(prefix)


def test_a_store_that_is_away_ends_the_walk_and_is_not_asked_for_all(sides):
    store, vault = sides
    stocked(store, range(200))
    away = Side("vault", AwayBucket(vault.bucket, 0))

    with pytest.raises(StoreUnavailable, match="20 pictures in a row"):
        finish(backup(store, away, pace=impatient(concurrency=2, tries_max=1)))

    assert -away.bucket.calls <= 20 + 2 * 4


def test_a_request_that_fails_once_is_tried_again(sides):
    store, vault = sides
    stocked(store, NUMBERS)
    flaky = Side("vault", FlakyBucket(vault.bucket))

    report = finish(backup(store, flaky, pace=impatient()))

    assert report.problems == 0
    assert everything(vault) == everything(store)


class FlakyBucket(CountingBucket):
    """A store that is busy when a picture is first put, and loses the answer the second time."""

    def __init__(self, bucket) -> None:
        super().__init__(bucket)
        self.tries: Counter[str] = Counter()

    def put(self, key, content):
        self.tries[key] += 1
        if self.tries[key] == 1:
            raise StoreUnavailable("busy")
        super().put(key, content)
        if self.tries[key] == 2:
            raise StoreUnavailable("busy, but it was done")
