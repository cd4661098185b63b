"""Latencies: a halt of a second is told as long as it was, by whoever asks."""

from __future__ import annotations

import pytest

from calligram.capacity.latencies import corrected_latencies, latencies

PACE = 0.01
HALT = 1.0
EVERY = 10.0


def seen_by_a_closed_loop(places: int) -> list[float]:
    """What `places` clients see in 100 s of a server that halts for 1 s in every 10."""
    usual = round((EVERY - HALT) / PACE) - 1
    return [*[PACE] * usual, HALT + PACE] * (places * 10)


def true_share(share: float) -> float:
    """Of requests that come evenly: a tenth come in a halt, and wait for what is left of it."""
    # One in a thousand more is under way when the halt begins, and waits for all of it.
    halted = (HALT + PACE) / EVERY
    return PACE + HALT * (1 - (1 - share) / halted) if 1 - share < halted else PACE


def test_a_closed_loop_hardly_sees_a_halt():
    seen = latencies(seen_by_a_closed_loop(4))

    # 90 times too little: that is why the correction exists.
    assert seen.p99 == pytest.approx(PACE, rel=0.01)
    assert true_share(0.99) / seen.p99 > 80


@pytest.mark.parametrize("places", [1, 4, 16])
def test_the_corrected_shares_are_the_true_ones(places):
    told = corrected_latencies(seen_by_a_closed_loop(places))

    assert told.p99 == pytest.approx(true_share(0.99), rel=0.05)
    assert told.p999 == pytest.approx(true_share(0.999), rel=0.05)
    assert told.p50 == pytest.approx(PACE, rel=0.01)


def test_the_usual_scatter_is_not_corrected(random_generator):
    seconds = list(random_generator.lognormal(-5, 0.3, 5000))

    assert corrected_latencies(seconds) == latencies(seconds)


def test_nothing_is_cut_off():
    told = latencies([0.001] * 999 + [3000.0])

    assert told.most == pytest.approx(3000, rel=0.001)
    assert told.count == 1000
