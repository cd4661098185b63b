"""Caches and whole days, simulated: against exact answers, and against what must always hold."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from calligram.capacity.fleet import DAY_SECONDS, Faults, curve, simulate
from calligram.capacity.popularity import Catalogue, lru_hit_share, zipf_shares
from calligram.capacity.queueing import Server
from calligram.capacity.traffic import Traffic

NO_FAULTS = Faults(crash_seconds=0, outage_seconds=0)
SERVER = Server(np.minimum(np.arange(1, 401) * 230.0, 450.0))
TRAFFIC = Traffic(requests_per_day=Decimal(20_000_000), vcpus_per_server=Decimal(2))


@pytest.mark.parametrize("exponent", [0.7, 0.9, 1.1])
@pytest.mark.parametrize("room", [20, 100, 400])
def test_the_approximated_cache_hits_as_often_as_an_exact_one(exponent, room, random_generator):
    shares = zipf_shares(1000, exponent)
    wanted = random_generator.choice(1000, 60_000, p=shares).tolist()
    catalogue = Catalogue.zipf(1000, exponent)

    exact = lru_hit_share(wanted, room, skipped=10_000)
    assert catalogue.hit_share(catalogue.window(room)) == pytest.approx(exact, abs=0.015)


@pytest.mark.parametrize("exponent", [0.8, 1.0, 1.2])
def test_things_counted_in_groups_hit_as_things_counted_one_by_one(exponent):
    count, room = 200_000, 5_000
    grouped = Catalogue.zipf(count, exponent)
    single = Catalogue(np.ones(count), zipf_shares(count, exponent))

    assert grouped.sizes.sum() == count
    assert (grouped.sizes * grouped.shares).sum() == pytest.approx(1)
    assert grouped.shares[0] == pytest.approx(single.shares[0], rel=1e-4)
    assert grouped.hit_share(grouped.window(room)) == pytest.approx(
        single.hit_share(single.window(room)), abs=0.002
    )


def test_a_cache_with_room_for_all_hits_whatever_was_wanted_before():
    catalogue = Catalogue.zipf(100, 0.9)

    assert catalogue.hit_share(catalogue.window(100)) == pytest.approx(1)


def test_the_day_has_the_peak_that_was_asked_for():
    day = curve(3.0)

    assert day.mean() == pytest.approx(1)
    assert day.max() == pytest.approx(3, rel=1e-3)
    assert np.argmax(day) * 10 == pytest.approx(20 * 3600, abs=60)


def test_the_same_seed_gives_the_same_day(seed):
    first = simulate(TRAFFIC, SERVER, servers=3, seed=seed)
    again = simulate(TRAFFIC, SERVER, servers=3, seed=seed)

    assert first.reached.tolist() == again.reached.tolist()
    assert first.p99_seconds_day == again.p99_seconds_day


def test_a_quiet_day_of_enough_servers_loses_nothing(seed):
    day = simulate(TRAFFIC, SERVER, servers=3, seed=seed, faults=NO_FAULTS)

    assert (day.refused, day.unanswered, day.lost_in_flight) == (0, 0, 0)
    assert day.requests_total == pytest.approx(20e6, rel=0.001)
    assert day.spooled_bytes_max == 0


def test_too_few_servers_refuse_at_the_peak_and_not_at_night(seed):
    many = Traffic(requests_per_day=Decimal(200_000_000))
    day = simulate(many, SERVER, servers=1, seed=seed, faults=NO_FAULTS)
    night = slice(7 * 360, 9 * 360)

    assert day.refused > 0
    assert day.use.max() == 1
    assert day.use[night].max() < 1


def test_a_crash_leaves_the_others_more_to_do(seed):
    quiet = simulate(TRAFFIC, SERVER, servers=3, seed=seed, faults=NO_FAULTS)
    crash = Faults(crash_at=72_000, crash_seconds=300, outage_seconds=0)
    day = simulate(TRAFFIC, SERVER, servers=3, seed=seed, faults=crash)
    during = slice(7200, 7230)

    assert day.use[during].mean() == pytest.approx(1.5 * quiet.use[during].mean(), rel=0.05)
    assert day.lost_in_flight > 0
    assert day.use[7240:].tolist() == quiet.use[7240:].tolist()


def test_an_outage_fills_the_spools_which_then_drain(seed):
    outage = Faults(crash_seconds=0, outage_at=36_000, outage_seconds=1800)
    day = simulate(TRAFFIC, SERVER, servers=3, seed=seed, faults=outage)
    uploads = day.requests[3600:3780].sum() * 10 * float(TRAFFIC.upload_share)

    assert day.spooled_bytes_max == pytest.approx(uploads * 300_000, rel=0.001)
    assert 0 < day.drained_seconds < 1800
    assert day.spooled_bytes[-1] == 0
    assert day.unanswered > 0


def test_a_spool_that_is_too_small_refuses_uploads(seed):
    small = Traffic(
        requests_per_day=Decimal(20_000_000), spool_bytes_per_server=Decimal(1_000_000_000)
    )
    day = simulate(small, SERVER, servers=3, seed=seed)

    assert day.spool_full
    assert day.refused > 0
    assert day.spooled_bytes_max <= 3e9


def test_a_billion_requests_a_day_are_no_more_work(seed):
    huge = Traffic(requests_per_day=Decimal(1_000_000_000), pictures=Decimal(1_000_000_000))
    day = simulate(huge, SERVER, servers=120, seed=seed)

    assert day.requests_total == pytest.approx(1e9, rel=0.001)
    assert len(day.use) == DAY_SECONDS // 10
    assert 0 < day.cdn_hit_share < 1
