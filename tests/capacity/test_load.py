"""
`load` and `plan` as a user has them: real processes, real sockets, servers that are known.

Short runs: their figures are judged where the server's own behaviour leaves no doubt. The long
ones, with everything within five percent, are bench/prediction.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from decimal import Decimal
from pathlib import Path

import pytest

from calligram.capacity.honesty import Doubts
from calligram.capacity.sheets import ITEMS
from calligram.capacity.sweep import as_json, from_json
from calligram.capacity.traffic import Traffic
from calligram.cli import load as command
from calligram.cli import main
from capacity_points import good_sweep
from web_server import Server, jpeg

PROGRAM = Path(__file__).resolve().parent.parent / "capacity_server.py"
CLOSED = ("--loop", "closed", "--rounds", "2", "--seconds", "1", "--warm-seconds", "0")
OPEN = ("--loop", "open", "--warm-seconds", "0", "--arrivals", "even")
needs_ab = pytest.mark.server("ab")


@contextmanager
def known_server(**behaviour: float) -> Iterator[str]:
    """The address of a server whose capacity is known."""
    words = [f"--{name.replace('_', '-')}={value}" for name, value in behaviour.items()]
    with subprocess.Popen(
        [sys.executable, str(PROGRAM), *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.stdin.close()
            process.wait(30)


@pytest.fixture
def load(tmp_path, capsys):
    """Run `calligram load` on an address: the exit status, the sweep, and what it said."""

    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in (1, 2):
        (pictures / f"{number}.jpg").write_bytes(jpeg(seed=number))

    def run(url, *words):
        file = tmp_path / "sweep.json"
        status = main(["load", url, "--json", str(file), "--corpus", str(pictures), *words])
        said = capsys.readouterr()
        sweep = from_json(file.read_bytes()) if file.exists() else None
        return status, sweep, said.out, said.err

    return run


@needs_ab
def test_a_closed_loop_measures_what_the_server_does(load, tmp_path):
    plot = tmp_path / "sweep.svg"
    with known_server(alone=20, contention=0.3, coherency=0.02) as url:
        _, sweep, out, _ = load(url, *CLOSED, "--places", "1,2,4,8", "--plot", str(plot))

    true = {n: 20 * n / (1 + 0.3 * (n - 1) + 0.02 * n * (n - 1)) for n in (1, 2, 4, 8)}
    told = {point.places: point.requests_per_second for point in sweep.closed}
    assert told == pytest.approx(true, rel=0.25)
    assert "corrected for what ab did not send" in out
    assert plot.read_text().startswith("<?xml")


@needs_ab
def test_the_servers_cpu_is_found_by_its_port(load):
    with known_server(alone=50) as url:
        _, sweep, _, _ = load(url, *CLOSED, "--places", "1")

    [point] = sweep.closed
    assert 0 < point.servers_seconds < 0.02
    assert point.generator_share < 0.8


def test_an_open_loop_tells_the_halt_that_the_server_had(load):
    # 0.5 s of every 2.5 s: a fifth of the requests wait, a hundredth for 0.475 s and more.
    with known_server(alone=50, halt_every=2.5, halt=0.5) as url:
        words = ("--rates", "40", "--rate-seconds", "5")
        _, sweep, _, _ = load(url, *OPEN, *words)

    [row] = sweep.opened
    assert row.requests == 200
    # A busy machine adds to both, and takes away from neither.
    assert row.corrected.p99 >= 0.95 * (0.5 * 0.95 + 0.02)
    assert row.corrected.p50 < row.corrected.p99 / 2


def test_an_open_loop_goes_on_sending_whoever_was_answered(load):
    # Requests take a second each and come every 25 ms: 40 are under way, and none waits.
    with known_server(alone=1) as url:
        _, sweep, _, _ = load(url, *OPEN, "--rates", "40", "--rate-seconds", "3")

    [row] = sweep.opened
    assert row.uncorrected.p50 >= 0.99
    assert row.in_flight_mean > 20


def test_a_rate_that_is_too_much_for_both_is_left_out(load, monkeypatch):
    load_of = command.load_of
    strict = Doubts(late_seconds_max=0.0)  # every rate's generator is late
    monkeypatch.setattr(command, "load_of", lambda told: replace(load_of(told), doubts=strict))
    with known_server(alone=50, contention=1) as url:
        status, sweep, out, err = load(url, *OPEN, "--rates", "10,150", "--rate-seconds", "1")

    assert [row.rate for row in sweep.opened] == [10.0]
    assert "\nleft out: 150 requests a second: one request in a hundred was sent" in out
    # The server kept up with the other, so it is the generator's fault alone.
    assert status == 1
    assert re.findall(r"calligram: (\d+) requests .* \[(.*)\]", err) == [("10", "generator-bound")]


@needs_ab
def test_a_server_that_slows_down_is_refused(load):
    with known_server(alone=40, slowing=0.3) as url:
        status, _, _, err = load(url, *CLOSED, "--rounds", "5", "--places", "1")

    assert status == 1
    # A busy machine may hide the trend behind its noise; the run is refused either way.
    assert "[unsteady]" in err or "[too-noisy]" in err


@needs_ab
def test_a_server_that_answers_with_errors_is_refused(load):
    with known_server(alone=50, failing=0.3) as url:
        status, sweep, out, err = load(url, *CLOSED, "--places", "1,2,3,4")

    assert status == 1
    assert "[answers-wrong]" in err
    # No law is fitted to what must not be believed.
    assert "law:" not in out
    assert "answers-wrong" in dict(sweep.refused)


@needs_ab
@pytest.mark.parametrize("workers", [1, 4])
def test_a_server_that_remembers_its_art_is_refused_before_anything_is_measured(load, workers):
    # Each of its processes has a memory of its own, and the first to be asked again may be another.
    server = Server(workers=workers)
    try:
        status, sweep, _, err = load(f"http://127.0.0.1:{server.port}", *CLOSED, "--places", "1")
    finally:
        server.stop()

    assert (status, sweep) == (1, None)
    assert "CALLIGRAM_CACHE_BYTES_MAX=0" in err


@needs_ab
def test_the_service_itself_can_be_loaded(load):
    server = Server(cache_bytes_max=0)
    try:
        url = f"http://127.0.0.1:{server.port}"
        _, sweep, _, _ = load(url, *CLOSED, "--places", "1,2", "--query", "columns=20")
        _, mixed, _, _ = load(
            url, *OPEN, "--rates", "10", "--rate-seconds", "2", "--mix", "draw=1,keep=1,get=2"
        )
    finally:
        server.stop()

    assert [sum(one.failed for one in point.rounds) for point in sweep.closed] == [0, 0]
    assert [row.failed for row in mixed.opened] == [0]


def test_a_missing_ab_is_said(load, monkeypatch):
    monkeypatch.setenv("PATH", "")
    status, _, _, err = load("http://127.0.0.1:9", *CLOSED)

    assert status == 1
    assert "Debian's package apache2-utils brings it" in err


def test_a_server_that_is_not_there_is_said(load):
    status, _, _, err = load("http://127.0.0.1:9", *OPEN, "--rates", "10")

    assert status == 1
    assert "127.0.0.1:9 gives no answer" in err


@needs_ab
@pytest.mark.parametrize("mix", ["keep", "draw=1,get=1"])
def test_ab_is_not_asked_for_what_it_cannot_do(load, mix):
    status, _, _, err = load("http://127.0.0.1:9", *CLOSED, "--mix", mix)

    assert status == 1
    assert "--loop open" in err


# --- plan ----------------------------------------------------------------------------------


@pytest.fixture
def plan(tmp_path, capsys):
    """Run `calligram plan` on a sweep: the exit status, what --json wrote, and what it said."""

    def run(sweep, *words):
        file, told = tmp_path / "sweep.json", tmp_path / "plan.json"
        file.write_text(as_json(sweep))
        status = main(["plan", str(file), "--json", str(told), *words])
        said = capsys.readouterr()
        return status, json.loads(told.read_text()) if told.exists() else None, said.out, said.err

    return run


@pytest.mark.parametrize("prices", ["amazon", "google"])
def test_a_plan_says_servers_and_money(plan, tmp_path, prices):
    plot = tmp_path / "plan.png"
    status, told, out, err = plan(
        good_sweep(), "--prices", prices, "--months", "12", "--simulate", "--plot", str(plot)
    )

    assert (status, err) == (0, "")
    assert told["servers"] >= 2
    assert len(told["months"]) == 12
    assert "fastest: second region" in out
    assert told["day"]["requests_total"] == pytest.approx(20e6, rel=0.01)
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_every_dollar_of_a_plan_can_be_traced(plan):
    _, told, out, _ = plan(good_sweep(), "--lines", "--months", "3")
    lines = [line for month in told["months"] for line in month["lines"]]
    traced = sum(
        (Decimal(line["quantity"]) / Decimal(line["per"]) * Decimal(line["price"])).quantize(
            Decimal("0.01"), "ROUND_HALF_UP"
        )
        for line in lines
    )

    assert traced == sum(Decimal(month["total"]) for month in told["months"])
    assert [line for line in lines if not line["source"]] == []
    assert "infracost s3_bucket_test.golden" in out


def test_no_plan_is_made_of_what_must_not_be_believed(plan):
    refused = good_sweep(refused=(("too-noisy", "rounds differ"),))
    status, told, _, err = plan(refused)

    assert (status, told) == (1, None)
    assert "the sweep itself must not be believed (too-noisy: rounds differ" in err


def test_a_goal_that_nothing_keeps_is_refused(plan, tmp_path):
    traffic = tmp_path / "traffic.toml"
    traffic.write_text("requests_per_day = 1_000_000\np99_seconds = 0.001\n")
    status, _, _, err = plan(good_sweep(), "--traffic", str(traffic))

    assert status == 1
    assert "not even one at a time" in err


def test_the_open_loop_is_believed_before_the_fit(plan):
    slow = tuple(
        row for row in good_sweep().opened if row.rate <= 200
    )  # what lies beyond 200 a second was not seen
    _, told, _, _ = plan(good_sweep(opened=slow))

    assert told["draws_per_second_each"] == 200
    assert told["draws_per_second_by_fit"] > 200


def test_the_examples_can_be_had_as_files(capsys):
    assert main(["plan", "--example", "traffic"]) == 0
    assert "requests_per_day" in capsys.readouterr().out


# --- the documents -------------------------------------------------------------------------

ROOT = PROGRAM.parent.parent
PAGE = (ROOT / "docs/capacity.md").read_text()
SHOWN = re.findall(r"<!-- calligram (.*?) -->\n```text\n(.*?)```\n", PAGE, re.DOTALL)


@pytest.mark.parametrize(("command", "shown"), SHOWN, ids=[command for command, _ in SHOWN])
def test_the_example_of_the_documents_is_what_the_command_says(command, shown, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)

    assert main(command.split()) == 0
    assert capsys.readouterr().out == shown, "run: .venv/bin/python tools/docs.py"


@pytest.mark.parametrize("name", [field.name for field in fields(Traffic)])
def test_every_number_of_a_traffic_is_documented(name):
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize("item", ITEMS)
def test_every_item_of_a_price_sheet_is_documented(item):
    assert f"`{item}`" in PAGE
