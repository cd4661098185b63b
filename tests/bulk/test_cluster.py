"""The same on a Dask cluster of real processes, which are killed in the middle."""

from __future__ import annotations

import os
import signal

import pytest

from picture_collections import (
    Cluster,
    contents,
    fill,
    finish,
    finished_in,
    run,
    start,
    told,
    wait_until,
)


@pytest.fixture
def cluster(tmp_path):
    folder = tmp_path / "cluster"
    folder.mkdir()
    cluster = Cluster(folder)
    yield cluster
    cluster.stop()


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("collection") / "source"
    fill(folder, 600)
    return folder


@pytest.fixture(scope="module")
def expected(source):
    """The art as this machine alone draws it."""
    arts = source.with_name("expected")
    assert run(source, arts)[0] == 0
    return contents(arts)


def test_a_cluster_draws_the_same_bytes(source, expected, cluster, tmp_path):
    status, result = told(source, tmp_path / "arts", "--dask", cluster.address)

    assert (status, result["drawn"]) == (0, 600)
    assert contents(tmp_path / "arts") == expected


def test_a_worker_killed_in_mid_run_costs_nothing(source, expected, cluster, tmp_path):
    process = start(source, tmp_path / "arts", "--dask", cluster.address)
    wait_until(lambda: len(finished_in(tmp_path / "arts")) > 40)
    cluster.workers[0].send_signal(signal.SIGKILL)

    status, _, err = finish(process)

    assert (status, err) == (0, "")
    assert whole(contents(tmp_path / "arts")) == expected


def test_a_driver_killed_in_mid_run_is_followed_by_the_same_command(
    source, expected, cluster, tmp_path
):
    cut = start(source, tmp_path / "arts", "--dask", cluster.address)
    wait_until(lambda: len(finished_in(tmp_path / "arts")) > 40)
    os.kill(cut.pid, signal.SIGKILL)
    finish(cut)
    cluster.workers[1].send_signal(signal.SIGKILL)
    cluster.workers.append(cluster.add_worker())

    status, result = told(source, tmp_path / "arts", "--dask", cluster.address)

    assert status == 0
    assert result["already"] > 0
    assert result["drawn"] + result["already"] == 600
    assert contents(tmp_path / "arts") == expected


def test_a_cluster_that_isnt_there_is_told(source, tmp_path):
    status, out, err = run(source, tmp_path / "arts", "--dask", "tcp://127.0.0.1:1")

    assert (status, out) == (1, "")
    assert "no Dask scheduler answers" in err
    assert err.count("\n") == 1


def whole(arts: dict[str, bytes]) -> dict[str, bytes]:
    """Without what a killed worker left half-written: the next run clears it."""
    return {name: art for name, art in arts.items() if "/.calligram-" not in name}
