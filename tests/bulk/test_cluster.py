"""The same on a Dask cluster of real processes, which are killed in the middle."""

from __future__ import annotations

import json
import os
import signal

import pytest

from calligram.store import Bucket
from picture_collections import (
    Cluster,
    contents,
    fill,
    finish,
    finished_in,
    names_in,
    run,
    start,
    told,
    wait_until,
)
from s3_server import URL


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


def test_a_cluster_draws_out_of_a_real_store_and_into_it(source, expected, cluster, tmp_path, weed):
    names = names_in(source)[:60]
    photos = Bucket.at(f"{URL}/photos", config=weed.config)
    for name in names:
        photos.put(name, (source / name).read_bytes())
    config = tmp_path / "s3.json"
    config.write_text(json.dumps(weed.config))
    flags = ("--source-config", config, "--destination-config", config)
    places = (f"{URL}/photos", f"{URL}/arts", *flags)

    status, result = told(*places, "--dask", cluster.address)
    again = told(*places)[1]

    assert (status, result["drawn"], again["already"]) == (0, 60, 60)
    arts = Bucket.at(f"{URL}/arts", config=weed.config)
    found = {key: arts.get(key) for key in arts.keys("") if key.endswith(".txt")}
    assert found == {f"{name}.txt": expected[f"{name}.txt"] for name in names}


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
