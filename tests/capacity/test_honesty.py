"""Doubts: a good run has none, and each bad run has the one that names what is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from calligram.capacity.honesty import (
    Doubts,
    doubts_about_closed,
    doubts_about_opened,
    without_overrun,
)
from calligram.errors import AnswersWrong, GeneratorBound, LawBroken, TooNoisy, Unsteady
from capacity_points import good_closed, good_opened, good_round

RUNS = 200


def about(*points, cores=2):
    return list(doubts_about_closed(points, cores=cores, doubts=Doubts()))


def kinds(found):
    return {type(error) for error in found}


def with_rates(rates, places=4):
    rounds = [
        good_round(places, requests_per_second=rate, seconds_mean=places / rate) for rate in rates
    ]
    return good_closed(places, rounds)


@pytest.mark.parametrize("places", [1, 2, 4, 16])
def test_a_good_run_has_no_doubts(places):
    assert about(good_closed(places)) == []


def test_a_good_rate_has_no_doubts():
    assert list(doubts_about_opened(good_opened(), cores=2, doubts=Doubts())) == []


@pytest.mark.parametrize(("places", "share"), [(1, 0.81), (1, 1.0), (4, 1.7), (16, 2.0)], ids=str)
def test_a_generator_that_has_no_more_to_give_is_refused(places, share):
    rounds = [good_round(places, generator_share=share)] * 5
    [error] = about(good_closed(places, rounds))

    assert type(error) is GeneratorBound
    assert error.limit == 0.8
    assert error.actual == pytest.approx(share / min(places, 2))


def test_every_seeded_run_that_slows_down_is_unsteady(random_generator):
    slowing = np.linspace(1.0, 0.75, 5) * 400
    runs = [slowing * np.exp(random_generator.normal(0, 0.01, 5)) for _ in range(RUNS)]

    assert [run for run in runs if Unsteady not in kinds(about(with_rates(run)))] == []


def test_every_seeded_run_that_warms_up_is_unsteady(random_generator):
    warming = np.array([0.6, 0.7, 0.8, 0.9, 1.0]) * 400
    runs = [warming * np.exp(random_generator.normal(0, 0.01, 5)) for _ in range(RUNS)]

    assert [run for run in runs if Unsteady not in kinds(about(with_rates(run)))] == []


def test_every_seeded_run_that_jumps_is_too_noisy(random_generator):
    jumping = np.array([1.0, 0.5, 1.3, 0.6, 1.4]) * 400
    runs = [random_generator.permutation(jumping) for _ in range(RUNS)]

    assert [run for run in runs if TooNoisy not in kinds(about(with_rates(run)))] == []


def test_few_seeded_good_runs_are_refused(random_generator):
    runs = [400 * np.exp(random_generator.normal(0, 0.03, 5)) for _ in range(RUNS)]
    refused = [run for run in runs if about(with_rates(run))]

    assert len(refused) <= 0.02 * RUNS


def sweep_with(random_generator, course):
    """Ten concurrencies whose rounds follow `course`, and are off by some 4 % each."""
    return [
        with_rates(100 * places * course * np.exp(random_generator.normal(0, 0.04, len(course))))
        for places in range(1, 11)
    ]


@pytest.mark.parametrize("last", [0.75, 1.33], ids=["slows-down", "warms-up"])
def test_every_seeded_sweep_of_ten_concurrencies_that_drifts_is_unsteady(random_generator, last):
    runs = [sweep_with(random_generator, np.linspace(1.0, last, 5)) for _ in range(RUNS)]

    assert [run for run in runs if Unsteady not in kinds(about(*run))] == []


def test_few_seeded_good_sweeps_of_ten_concurrencies_are_refused(random_generator):
    runs = [sweep_with(random_generator, np.ones(5)) for _ in range(RUNS)]

    assert len([run for run in runs if about(*run)]) <= 0.05 * RUNS


def test_no_concurrency_at_all_is_no_doubt():
    assert about() == []


@pytest.mark.parametrize("factor", [0.5, 0.85, 1.15, 2.0])
def test_what_contradicts_littles_law_is_refused(factor):
    mean = good_round().seconds_mean * factor
    [error] = about(good_closed(4, [good_round(4, seconds_mean=mean)] * 5))

    assert type(error) is LawBroken
    assert f"{factor:.2f} of the requests" in str(error)


def test_answers_that_are_errors_are_refused():
    [error] = about(good_closed(4, [good_round(4, failed=40)] * 5))

    assert type(error) is AnswersWrong
    assert "200 of 4000 answers were errors" in str(error)


def test_too_few_requests_are_refused():
    rounds = [good_round(4, requests=6)] * 5

    assert kinds(about(good_closed(4, rounds))) == {TooNoisy}


@pytest.mark.parametrize("changed", [{"late_p99": 0.05}, {"generator_share": 0.9}], ids=str)
def test_an_open_loop_that_is_late_or_busy_itself_is_refused(changed):
    found = list(doubts_about_opened(good_opened(**changed), cores=2, doubts=Doubts()))

    assert kinds(found) == {GeneratorBound}


LATE = {"late_p99": 0.05}
BUSY = {"generator_share": 0.9}
OVERRUN = {"answered_per_second": 150.0, "turned_away": 400, "failed": 400}


@pytest.mark.parametrize("changed", [LATE, BUSY], ids=str)
def test_an_overrun_at_which_the_generator_is_late_too_is_left_out_and_told(changed):
    below, overrun = good_opened(100.0), good_opened(200.0, **OVERRUN, **changed)

    kept, left_out = without_overrun([below, overrun], cores=2, doubts=Doubts())

    assert kept == (below,)
    assert [why.partition(":")[0] for why in left_out] == ["200 requests a second"]


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [good_opened(100.0), good_opened(200.0)],
        [good_opened(100.0), good_opened(200.0, **OVERRUN)],
        [good_opened(100.0), good_opened(200.0, **LATE)],
        [good_opened(200.0, **OVERRUN, **LATE)],
    ],
    ids=["none", "good", "overrun in time", "late but kept up", "nothing below it"],
)
def test_all_other_rates_stay_with_their_doubts(rows):
    assert without_overrun(rows, cores=2, doubts=Doubts()) == (tuple(rows), ())


def test_requests_that_went_missing_are_refused():
    row = good_opened(in_flight_mean=3.0)

    assert kinds(doubts_about_opened(row, cores=2, doubts=Doubts())) == {LawBroken}


def test_a_rate_beyond_capacity_is_a_finding_and_no_doubt():
    row = good_opened(answered_per_second=150.0, failed=400, turned_away=400)

    assert not row.kept_up
    assert list(doubts_about_opened(row, cores=2, doubts=Doubts())) == []


def test_errors_that_are_no_want_of_room_are_a_doubt_at_any_rate():
    row = good_opened(answered_per_second=150.0, failed=400)

    assert kinds(doubts_about_opened(row, cores=2, doubts=Doubts())) == {AnswersWrong}
