"""The queue: what theory knows, it says; where nobody measured, it promises nothing better."""

from __future__ import annotations

import numpy as np
import pytest

from calligram.capacity.laws import Curve
from calligram.capacity.queueing import Server, fleets, servers_for

MU = 100.0
ONE = Server(np.full(400, MU))
"""M/M/1: 100 a second, however many are at work."""

FOUR = Server(MU * np.minimum(np.arange(1, 401), 4.0))
"""M/M/4."""


@pytest.mark.parametrize("use", [0.1, 0.5, 0.8, 0.95])
def test_one_server_waits_as_the_textbook_says(use):
    assert ONE.seconds_mean(use * MU) == pytest.approx(1 / (MU * (1 - use)), rel=1e-6)
    shares = ONE.shares(use * MU)
    assert shares[:5] == pytest.approx((1 - use) * use ** np.arange(5))


def test_four_servers_wait_as_erlang_says():
    # At 3 erlangs on 4 servers an arrival waits with probability 0.5094 (Erlang C).
    rate = 3 * MU
    shares = FOUR.shares(rate)

    assert shares[4:].sum() == pytest.approx(0.5094, abs=2e-4)
    assert FOUR.seconds_mean(rate) == pytest.approx(1 / MU + 0.5094 / (4 * MU - rate), rel=1e-3)


@pytest.mark.parametrize(("use", "others"), [(0.001, 0), (0.5, 6), (0.8, 20)])
def test_who_comes_takes_as_long_as_all_that_are_there(use, others):
    # With one server n others are there with a share of (1 - use) use^n: 99 of 100 find so many.
    assert ONE.seconds_at(use * MU, 0.99) == pytest.approx((others + 1) / MU)


def test_a_rate_for_a_goal_keeps_it_and_a_higher_one_does_not():
    rate = FOUR.rate_for(seconds=0.04, share=0.99, utilisation_max=0.99)

    assert FOUR.seconds_at(rate, 0.99) <= 0.04
    assert FOUR.seconds_at(1.02 * rate, 0.99) > 0.04


def test_no_more_is_used_than_may_be():
    assert FOUR.rate_for(seconds=60, share=0.99, utilisation_max=0.65) == pytest.approx(260)


def test_a_goal_that_one_request_alone_misses_has_no_rate():
    assert ONE.rate_for(seconds=0.009, share=0.99, utilisation_max=0.65) == 0


def test_nothing_is_gained_beyond_what_was_measured():
    rising = Server.of(Curve("linear", (0.01,)), places_max=16)

    assert rising.most == pytest.approx(1600)


def test_a_server_need_not_take_on_more_than_it_is_best_at():
    falling = Server.of(Curve("usl", (0.01, 0.0005, 0.0002)), places_max=16)
    best = max(Curve("usl", (0.01, 0.0005, 0.0002)).throughput(np.arange(1.0, 17)))

    assert falling.most == pytest.approx(best)


@pytest.mark.parametrize(("rate", "count"), [(1, 2), (100, 2), (100.1, 3), (250, 4)])
def test_servers_carry_the_rate_with_one_away(rate, count):
    assert servers_for(rate, 100, spare=1) == count


def test_what_a_fit_doubts_is_doubted_in_servers():
    curves = [Curve("knee", (0.004**6, (1 / most) ** 6), 6.0) for most in (301, 401, 501)]
    told = fleets(curves, 2000, places_max=16, seconds=1, utilisation_max=0.5, spare=0)

    assert told == [14, 10, 8]
