"""Verify: what is wrong is found, what can be mended is, and nothing else is touched."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from calligram.care import SHELVES, Problem, Side, finish, share_of, verify
from calligram.store import Tombstone
from calligram.store.keys import picture_key, record_key, tombstone_key
from calligram.store.records import sealed, write
from kept_pictures import record_for
from kept_stores import (
    BYTES,
    CountingBucket,
    delete_in,
    everything,
    folder,
    id_at,
    impatient,
    keep_in,
    memory,
    moment,
    stocked,
)

NUMBERS = range(150)
CORRUPTIONS = 100


def problems_of(side: Side, other: Side | None = None, **named: object) -> list[Problem]:
    found: list[Problem] = []
    walk = verify(side, other, again_seconds=0, pace=impatient(), **named)
    finish(walk, lambda progress: found.extend(progress.problems))
    return found


def flip(content: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(content))
    return (
        content[:place] + bytes([content[place] ^ 1 << chance.randrange(8)]) + content[place + 1 :]
    )


def swap(bucket, keys: list[str]) -> None:
    one, two = (bucket.get(key) for key in keys)
    bucket.put(keys[0], two)
    bucket.put(keys[1], one)


def corrupt(side: Side, numbers: list[int], chance: random.Random) -> dict[str, str]:
    """Do something bad to one picture after the other; returns what was done, by key."""
    bucket, done = side.bucket, {}
    for turn, number in enumerate(numbers):
        key = (picture_key, record_key)[turn // 5 % 2](id_at(number))
        content = bucket.get(key)
        deed = ("flipped", "cut", "empty", "missing", "longer")[turn % 5]
        changed = {
            "flipped": flip(content, chance),
            "cut": content[: chance.randrange(1, len(content))],
            "empty": b"",
            "longer": content + b"\n",
        }
        bucket.delete(key) if deed == "missing" else bucket.put(key, changed[deed])
        done[key] = deed
    return done


def test_each_of_a_hundred_corruptions_is_found_and_mended(seed, tmp_path):
    chance = random.Random(seed)
    store = stocked(folder(tmp_path / "store"), NUMBERS)
    vault = stocked(folder(tmp_path / "vault", "vault"), NUMBERS)
    whole = everything(store)
    numbers = chance.sample(NUMBERS, CORRUPTIONS)
    done = corrupt(store, numbers[:-8], chance)
    for start in range(CORRUPTIONS - 8, CORRUPTIONS, 4):
        for key_of, at in ((picture_key, start), (record_key, start + 2)):
            keys = [key_of(id_at(number)) for number in numbers[at : at + 2]]
            swap(store.bucket, keys)
            done |= dict.fromkeys(keys, "swapped")

    alone = problems_of(store)
    mended = problems_of(store, vault, repair=True)

    assert len(done) == CORRUPTIONS
    assert sorted(problem.key for problem in alone) == sorted(done)
    assert sorted(problem.key for problem in mended) == sorted(done)
    assert all(problem.is_mended for problem in mended)
    assert everything(store) == whole
    assert problems_of(store, vault) == []
    assert everything(vault) == whole


def test_a_vault_is_mended_from_the_store(tmp_path):
    store = stocked(memory("store"), [1, 2])
    vault = stocked(memory("vault"), [1, 2])
    vault.bucket.put(picture_key(id_at(1)), b"")

    found = problems_of(vault, store, repair=True)

    assert [(p.place, p.key, p.is_mended) for p in found] == [
        ("vault", picture_key(id_at(1)), True)
    ]
    assert everything(vault) == everything(store)


def test_without_a_good_copy_it_is_told_and_left_alone():
    store, vault = stocked(memory(), [1]), stocked(memory("vault"), [1])
    for side, content in ((store, b"store's"), (vault, b"vault's")):
        side.bucket.put(picture_key(id_at(1)), content)

    found = problems_of(store, vault, repair=True)

    assert [(p.key, p.kind, p.is_mended) for p in found] == [
        (picture_key(id_at(1)), "damaged", False)
    ]
    assert store.bucket.get(picture_key(id_at(1))) == b"store's"


def test_only_looking_changes_nothing():
    store, vault = stocked(memory(), NUMBERS), stocked(memory("vault"), NUMBERS)
    corrupt(store, list(range(20)), random.Random(1))
    before = everything(store)

    found = problems_of(store, vault)

    assert len(found) == 20
    assert everything(store) == before


def test_what_only_the_vault_has_is_missing():
    store, vault = stocked(memory(), [1]), stocked(memory("vault"), [1, 2])

    found = problems_of(store, vault, repair=True)

    assert [(p.key, p.kind, p.is_mended) for p in found] == [
        (picture_key(id_at(2)), "missing", True)
    ]
    assert everything(store) == everything(vault)


def test_what_only_the_store_has_is_missed_in_the_vault_after_a_while():
    store, vault = memory(), memory("vault")
    keep_in(store, 1, now=1)
    keep_in(store, 2, now=3)

    found = problems_of(vault, store, kept_before=moment(2))

    assert [(p.place, p.key, p.kind) for p in found] == [
        ("vault", picture_key(id_at(1)), "missing")
    ]


def test_what_was_deleted_is_not_missing_and_does_not_come_back():
    store, vault = stocked(memory(), [1, 2]), stocked(memory("vault"), [1, 2])
    delete_in(store, 1)

    found = problems_of(store, vault, repair=True)

    assert found == []
    assert store.bucket.get(picture_key(id_at(1))) is None


@pytest.mark.parametrize("where", ["here", "there"])
def test_a_deletion_that_was_cut_short_is_told_and_finished(where):
    store, vault = stocked(memory(), [1, 2]), stocked(memory("vault"), [1, 2])
    tombstone = Tombstone(picture=id_at(1), deleted_at=moment(9))
    (store if where == "here" else vault).objects.put_tombstone(tombstone)

    found = problems_of(store, vault, repair=True)

    assert [(p.key, p.kind, p.is_mended) for p in found] == [
        (record_key(id_at(1)), "undeleted", True)
    ]
    assert store.bucket.get(picture_key(id_at(1))) is None
    assert store.objects.tombstone(id_at(1)) == tombstone


@pytest.mark.parametrize(
    ("deleted_at", "kind", "is_mended"),
    [
        ("2099-01-01T00:00:00.000000Z", "undeleted", True),
        ("2026-01-01T00:00:00.000000Z", "missing", False),
    ],
)
def test_without_a_record_the_pictures_time_tells_whether_it_was_deleted(
    deleted_at, kind, is_mended
):
    store, vault = stocked(memory(), [1]), memory("vault")
    store.bucket.delete(record_key(id_at(1)))
    store.objects.put_tombstone(Tombstone(picture=id_at(1), deleted_at=deleted_at))

    found = problems_of(store, vault, repair=True)

    assert [(p.kind, p.is_mended) for p in found] == [(kind, is_mended)]
    assert (store.bucket.get(picture_key(id_at(1))) is None) is is_mended


def test_a_record_lost_after_the_picture_was_kept_again_is_brought_back():
    store, vault = memory(), memory("vault")
    keep_in(store, 1, now=0)
    delete_in(store, 1, now=1)
    keep_in(store, 1, now=2)
    keep_in(vault, 1, now=2)
    whole = everything(store)
    store.bucket.delete(record_key(id_at(1)))

    found = problems_of(store, vault, repair=True)

    assert [(p.key, p.kind, p.is_mended) for p in found] == [
        (record_key(id_at(1)), "missing", True)
    ]
    assert everything(store) == whole


def test_a_picture_that_was_kept_again_is_not_undeleted():
    store = memory()
    keep_in(store, 1, now=0)
    delete_in(store, 1, now=1)
    keep_in(store, 1, now=2)

    assert problems_of(store) == []


def test_a_tombstone_that_cannot_be_read_might_bury_what_the_vault_has():
    store, vault = stocked(memory(), [1]), stocked(memory("vault"), [1])
    delete_in(store, 1)
    store.bucket.put(tombstone_key(id_at(1)), b"{")

    found = problems_of(store, vault, repair=True)

    assert [(p.key, p.is_mended) for p in found] == [(tombstone_key(id_at(1)), False)]
    assert store.bucket.get(picture_key(id_at(1))) is None


def test_what_the_vaults_unreadable_tombstone_might_bury_is_not_brought_back():
    store, vault = memory(), stocked(memory("vault"), [1])
    vault.bucket.put(tombstone_key(id_at(1)), b"{")

    found = problems_of(store, vault, repair=True)

    assert found == []
    assert everything(store) == {}


def test_a_damaged_tombstone_is_mended_from_the_vaults():
    store, vault = stocked(memory(), [1]), stocked(memory("vault"), [1])
    for side in (store, vault):
        delete_in(side, 1)
    store.bucket.put(tombstone_key(id_at(1)), b"{")

    found = problems_of(store, vault, repair=True)

    assert [(p.key, p.is_mended) for p in found] == [(tombstone_key(id_at(1)), True)]
    assert everything(store) == everything(vault)


def test_a_record_that_tells_other_bytes_is_damaged():
    store, vault = stocked(memory(), [1]), stocked(memory("vault"), [1])
    store.bucket.put(record_key(id_at(1)), write(record_for(id_at(1), BYTES + 1)))

    found = problems_of(store, vault, repair=True)

    assert [(p.key, p.kind, p.is_mended) for p in found] == [
        (record_key(id_at(1)), "damaged", True)
    ]
    assert everything(store) == everything(vault)


def test_a_newer_versions_record_is_no_damage_and_is_left_alone():
    store, vault = stocked(memory(), [1]), stocked(memory("vault"), [1])
    newer = sealed(b'{"version":2,"picture":"%s"}' % id_at(1).encode())
    store.bucket.put(record_key(id_at(1)), newer)

    found = problems_of(store, vault, repair=True)

    assert [(p.kind, "upgrade" in p.told) for p in found] == [("unanswered", True)]
    assert store.bucket.get(record_key(id_at(1))) == newer


class PassingBucket(CountingBucket):
    """A store into which a picture is just being moved: its record comes a moment later."""

    def entry(self, key):
        if key == record_key(id_at(1)):
            keep_in(Side("store", self.bucket), 1)
        return super().entry(key)


def test_a_picture_on_its_way_in_is_no_problem():
    store = stocked(memory(), [1, 2])
    store.bucket.delete(record_key(id_at(1)))

    assert problems_of(Side("store", PassingBucket(store.bucket))) == []


@pytest.mark.parametrize("count", [1, 3, 30, 256])
def test_shares_cover_everything_once(count):
    shares = [share_of(number, count) for number in range(1, count + 1)]

    assert Counter(digits for share in shares for digits in share) == Counter(SHELVES)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_a_share_reads_its_shelves_alone():
    store = stocked(memory(), NUMBERS)
    reports = [
        finish(verify(store, shelves=share_of(number, 3), pace=impatient())) for number in (1, 2, 3)
    ]

    assert sum(report.pictures for report in reports) == len(NUMBERS)
    assert sum(report.bytes for report in reports) == len(NUMBERS) * BYTES
    assert all(report.pictures for report in reports)
