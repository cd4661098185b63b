"""The pure parts: keys, records, items, schedule."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calligram.errors import Damaged, StoreUnavailable
from calligram.store.items import seal, unseal
from calligram.store.keys import id_of as id_of_key
from calligram.store.keys import picture_key, record_key, tombstone_key
from calligram.store.records import (
    Tombstone,
    read_record,
    read_tombstone,
    sealed,
    write,
)
from calligram.store.schedule import FAILURES_MAX, Circuit, Rate, wait_seconds
from kept_pictures import content_of, id_of, record_for

ID = id_of(content_of(1))
RECORD = record_for(ID, 20_000)


@pytest.mark.parametrize("key_of", [picture_key, record_key, tombstone_key])
def test_a_key_tells_its_id(key_of):
    assert id_of_key(key_of(ID)) == ID


@pytest.mark.parametrize(
    "key",
    [
        "",
        f"pictures/{ID}",
        f"pictures/00/{ID}",
        f"pictures/{ID[:2]}/{ID}.json",
        f"records/{ID[:2]}/{ID}",
        f"records/{ID[:2]}/{ID}.json#1",
        f"pictures/{ID[:2]}/{ID.upper()}",
    ],
)
def test_a_strange_key_tells_none(key):
    assert id_of_key(key) is None


def test_a_record_is_read_as_it_was_written():
    assert read_record(write(RECORD), ID) == RECORD


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"version":1', '"version":0'),
        ('"version":1', '"version":"1"'),
        ('"bytes":20000', '"bytes":0'),
        ('"bytes":20000', '"bytes":20000.5'),
        ('"width":768,', ""),
        ('"width":768', '"width":768,"colour":1'),
        ("2026-03-01T12:00:00.000000Z", "2026-03-01T12:00:00Z"),
        ("shape-1", "shape-0"),
        ("jpeg", "../etc"),
        (ID, ID[:-1] + "g"),
        ("}", ""),
    ],
)
def test_a_record_that_is_not_quite_one_is_damaged(old, new):
    body = msgspec.json.encode(RECORD).decode()
    assert read_record(sealed(body.encode()), ID) == RECORD

    with pytest.raises(Damaged):
        read_record(sealed(body.replace(old, new, 1).encode()), ID)


@given(st.data())
def test_a_record_with_any_byte_changed_or_missing_is_damaged(data):
    whole = write(RECORD)
    place = data.draw(st.integers(0, len(whole) - 1))
    changed = bytes([whole[place] ^ data.draw(st.integers(1, 255))])
    middle = data.draw(st.sampled_from([b"", changed]))

    with pytest.raises(Damaged):
        read_record(whole[:place] + middle + whole[place + 1 :], ID)


def test_a_record_of_another_picture_is_damaged():
    with pytest.raises(Damaged, match="is about"):
        read_record(write(RECORD), id_of(b"another"))


def test_a_newer_record_is_not_damaged_but_asks_for_a_newer_program():
    body = msgspec.json.encode(RECORD).replace(b'"version":1', b'"version":2,"more":[]')
    content = sealed(body)

    with pytest.raises(StoreUnavailable, match="upgrade"):
        read_record(content, ID)


@pytest.mark.parametrize(
    ("moment", "is_buried"),
    [("12:00:00.000000", True), ("12:00:00.000001", True), ("12:00:00.000002", False)],
)
def test_a_tombstone_buries_what_was_kept_until_then(moment, is_buried):
    tombstone = Tombstone(picture=ID, deleted_at="2026-03-01T12:00:00.000001Z")
    record = record_for(ID, 20_000, kept_at=f"2026-03-01T{moment}Z")

    assert tombstone.buries(record) is is_buried
    assert read_tombstone(write(tombstone), ID) == tombstone


@given(st.binary(min_size=1, max_size=2_000))
def test_an_item_gives_back_picture_and_record(content):
    record = record_for(id_of(content), len(content))

    assert unseal(content + seal(record), id_of(content)) == (memoryview(content), record)


@given(st.data())
def test_an_item_with_any_byte_changed_or_missing_is_damaged(data):
    content = content_of(1, 300)
    whole = content + seal(record_for(id_of(content), 300))
    place = data.draw(st.integers(0, len(whole) - 1))
    cut = data.draw(st.booleans())
    bad = whole[:place]
    bad += b"" if cut else bytes([whole[place] ^ data.draw(st.integers(1, 255))])
    bad += b"" if cut else whole[place + 1 :]

    with pytest.raises(Damaged):
        unseal(bad, id_of(content))


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_a_wait_is_within_its_bounds(tries, chance):
    assert 0.5 <= wait_seconds(tries, chance, 30.0) <= 30.0


def test_waits_double():
    assert [wait_seconds(tries, 0.0, 30.0) for tries in range(1, 8)] == [1, 2, 4, 8, 16, 30, 30]


def test_a_circuit_opens_after_failures_in_a_row_and_asks_with_one():
    circuit = Circuit(batch_max=32, wait_seconds_max=15.0)

    circuit.note(successes=0, failures=FAILURES_MAX - 1, now=0.0, chance=0.0)
    still_closed = circuit.is_closed
    circuit.note(successes=0, failures=1, now=0.0, chance=0.0)

    assert still_closed
    assert [circuit.allowed(now) for now in (0.0, 0.99, 1.0)] == [0, 0, 1]


def test_after_an_outage_the_batches_grow_slowly():
    circuit = Circuit(batch_max=8, wait_seconds_max=15.0)
    circuit.note(successes=0, failures=9, now=0.0, chance=0.0)

    batches = []
    for _ in range(5):
        circuit.note(successes=1, failures=0, now=20.0, chance=0.0)
        batches.append(circuit.allowed(20.0))

    assert batches == [2, 4, 8, 8, 8]


def test_a_rate_gives_a_seconds_worth_and_no_more():
    rate = Rate(10.0)

    assert [rate.take(8, 0.0), rate.take(8, 0.0), rate.take(8, 0.5), rate.take(99, 60.0)] == [
        *(8, 2, 5, 10)
    ]
