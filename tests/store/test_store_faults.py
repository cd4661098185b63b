"""
Every fault of a store, at every request of the drain path, before and after it did its work.

The picture leaves the spool only after the store gave back its very bytes; and it does
leave, as soon as the store behaves.
"""

from __future__ import annotations

import itertools

import pytest

from calligram.store import Bucket, Mover, Objects
from fault_server import FAULTS, FaultServer
from kept_pictures import Ticks, content_of, id_of, keep, record_for, spool_in

REQUESTS = (
    "tombstone looked for",
    "picture put",
    "picture read",
    "record created",
    "record read",
    "tombstone looked for again",
)
SLOW = {"silent", "slow"}


@pytest.fixture
def store():
    """Makes stores with the faults that are asked for."""
    made = []

    def make(faults: list[str]) -> FaultServer:
        made.append(FaultServer(faults))
        return made[-1]

    yield make
    for server in made:
        server.stop()


def mover_to(server: FaultServer, spool, *, seconds_max: float = 5.0, step: float = 60.0) -> Mover:
    bucket = Bucket.at("s3://bucket/here", seconds_max=seconds_max, config=server.config)
    mover = Mover(spool, Objects(bucket), concurrency=1, clock=Ticks(step), ticks=Ticks(step))
    assert mover.start()
    return mover


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("place", range(len(REQUESTS)), ids=REQUESTS)
def test_a_picture_stays_until_the_store_has_its_very_bytes(place, fault, when, store, tmp_path):
    server = store([""] * place + [f"{fault} {when}"])
    spool = spool_in(tmp_path)
    keep(spool, content_of(1))
    mover = mover_to(server, spool, seconds_max=0.3 if fault in SLOW else 5.0)

    rounds = list(itertools.takewhile(lambda _: spool.names(), map(rounds_of(mover), range(9))))
    mover.stop()

    objects = Objects(Bucket.at("s3://bucket/here", config=server.config))
    assert len(rounds) <= 8
    assert spool.names() == []
    assert spool.deferred() == {}
    assert objects.picture(id_of(content_of(1))) == content_of(1)
    assert objects.record(id_of(content_of(1))) == record_for(id_of(content_of(1)), 20_000)


def rounds_of(mover: Mover):
    def one(_: int) -> float:
        return mover.round()

    return one


def test_an_outage_costs_a_few_probes_and_no_storm(store, tmp_path):
    server = store(["503 before"] * 1000)
    spool = spool_in(tmp_path)
    for number in range(50):
        keep(spool, content_of(number, 100))
    mover = mover_to(server, spool, step=0.1)
    began = mover.ticks()

    while mover.ticks() < began + 60:
        mover.round()

    assert 5 <= len(server.requests) <= 20
    assert len(spool.names()) == 50
    assert mover.metrics().is_store_away


def test_retries_survive_a_restart(store, tmp_path):
    server = store(["503 before"] * 10)
    spool = spool_in(tmp_path)
    keep(spool, content_of(1))
    first = mover_to(server, spool)
    first.round()
    first.round()
    first.stop()

    second = mover_to(server, spool)
    second.stop()

    assert second.backlog.retry(id_of(content_of(1))).tries == 2


def test_a_mover_that_hangs_is_wedged(store, tmp_path):
    server = store([])
    mover = mover_to(server, spool_in(tmp_path))
    mover.round()
    fresh = mover.metrics().is_wedged

    # Nothing comes back from the next round for so long.
    mover.ticks.now += mover.wedged_seconds

    assert (fresh, mover.metrics().is_wedged) == (False, True)


def test_a_mover_that_moves_nothing_though_the_store_is_there_is_wedged(store, tmp_path):
    server = store(["503 before"] * 10)
    spool = spool_in(tmp_path)
    keep(spool, content_of(1))
    mover = mover_to(server, spool)
    mover.ticks.now += mover.wedged_seconds
    mover.round()

    metrics = mover.metrics()

    assert (metrics.items, metrics.is_store_away, metrics.is_wedged) == (1, False, True)
    assert metrics.oldest_seconds > 600


def test_while_the_store_is_away_no_mover_is_wedged(store, tmp_path):
    server = store(["503 before"] * 100)
    spool = spool_in(tmp_path)
    keep(spool, content_of(1))
    mover = mover_to(server, spool)
    while not mover.metrics().is_store_away:
        mover.round()

    metrics = mover.metrics()

    # On no server could anything be moved: if all called themselves unfit, nobody would serve.
    assert metrics.oldest_seconds > 600
    assert not metrics.is_wedged
