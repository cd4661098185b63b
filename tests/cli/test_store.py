"""`calligram store`: walks over real folders, in a process of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading

import pytest

from calligram.store.keys import picture_key, record_key
from cli.conftest import COMMAND, in_pipes, surroundings
from kept_stores import BYTES, delete_in, everything, folder, id_at, stocked


class Place:
    """A store, a vault, and the command that cares for them."""

    def __init__(self, path) -> None:
        self.store, self.vault = folder(path / "store"), folder(path / "vault", "vault")
        self.told = {
            "CALLIGRAM_STORE_URL": (path / "store").as_uri(),
            "CALLIGRAM_VAULT_URL": (path / "vault").as_uri(),
        }

    def run(self, *words: str):
        return in_pipes("store", *words, **self.told)


@pytest.fixture
def place(tmp_path) -> Place:
    return Place(tmp_path)


def test_a_backup_tells_what_it_copied(place):
    stocked(place.store, range(12))

    done = place.run("backup")

    assert (done.status, done.err) == (0, "")
    assert re.fullmatch(
        r"12 pictures, 12 copied \(0\.0 MB\), 0 deleted in \d+\.\d s; nothing is wrong\n", done.text
    )
    assert everything(place.vault) == everything(place.store)


def test_verify_says_each_problem_on_a_line_with_its_key(place):
    stocked(place.store, range(12))
    keys = [picture_key(id_at(1)), record_key(id_at(2))]
    for key in keys:
        place.store.bucket.put(key, b"?")

    done = place.run("verify")

    assert done.status == 1
    lines = sorted(done.err.splitlines())
    assert [line.split(": ")[:4] for line in lines] == sorted(
        ["calligram", "store", key, "damaged"] for key in keys
    )
    assert done.text.endswith("; 2 problems left\n")


def test_verify_that_mends_has_a_status_of_its_own(place):
    stocked(place.store, range(12))
    place.run("backup")
    place.store.bucket.put(picture_key(id_at(1)), b"?")

    mended, after = place.run("verify", "--repair"), place.run("verify")

    assert (mended.status, after.status) == (3, 0)
    assert "damaged, and mended" in mended.err
    assert everything(place.vault) == everything(place.store)


def test_verify_of_the_vault(place):
    stocked(place.vault, range(3))
    place.vault.bucket.put(picture_key(id_at(1)), b"?")

    done = place.run("verify", "--of", "vault")

    assert (done.status, done.err.split(": ")[1]) == (1, "vault")


def test_json_is_a_line_a_problem_and_then_the_report(place):
    stocked(place.store, range(12))
    place.store.bucket.put(picture_key(id_at(1)), b"?")

    done = place.run("verify", "--json")

    problem, report = map(json.loads, done.lines)
    assert (done.status, done.err) == (1, "")
    assert {**problem, "told": ""} == {
        "event": "problem",
        "place": "store",
        "key": picture_key(id_at(1)),
        "kind": "damaged",
        "told": "",
        "is_mended": False,
    }
    assert (report["event"], report["pictures"], report["problems"]) == ("report", 12, 1)


def test_shares_read_everything_once(place):
    stocked(place.store, range(60))

    reports = [
        json.loads(place.run("verify", "--json", "--share", f"{n}/4").text) for n in range(1, 5)
    ]

    assert sum(report["pictures"] for report in reports) == 60
    assert sum(report["bytes"] for report in reports) == 60 * BYTES


def test_a_walk_begins_where_it_is_told(place):
    stocked(place.store, range(60))

    report = json.loads(place.run("verify", "--json", "--from", "80").text)

    assert report["pictures"] == sum(id_at(number) >= "80" for number in range(60))


def test_restore_brings_back_a_lost_store(place, tmp_path):
    stocked(place.store, range(12))
    delete_in(place.store, 3)
    place.run("backup")
    whole = everything(place.store)
    (tmp_path / "store").rename(tmp_path / "lost")

    done = place.run("restore")

    assert done.status == 0
    assert everything(folder(tmp_path / "store")) == whole


def test_copy_takes_addresses(place, tmp_path):
    stocked(place.store, range(12))

    done = in_pipes("store", "copy", place.told["CALLIGRAM_STORE_URL"], f"file://{tmp_path}/new")

    assert done.status == 0
    assert everything(folder(tmp_path / "new")) == everything(place.store)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["backup"], "there is no vault; CALLIGRAM_VAULT_URL says where it is"),
        (["verify", "--repair"], "there is no vault"),
        (["verify", "--share", "4/3"], "must be N/T"),
        (["verify", "--share", "1/257"], "must be N/T"),
        (["backup", "--from", "xy"], "two hexadecimal digits"),
        (["backup", "--concurrency", "0"], "must be 1 to 64, not 0"),
        (["copy", "here", "there"], "the source must be an address that begins with s3://"),
        (
            ["copy", "memory:///", "memory:///", "--source-config", "/none"],
            "--source-config can't be read",
        ),
        (["sweep"], "invalid choice"),
        ([], "WALK"),
    ],
)
def test_a_wrong_command_line_does_nothing_and_says_why(words, told, tmp_path):
    done = in_pipes("store", *words, CALLIGRAM_DATA_FOLDER=str(tmp_path))

    assert (done.status, done.text) == (2, "")
    assert told in done.err
    assert len(done.err.splitlines()) == 1


def test_ctrl_c_leaves_what_is_done_and_says_how_to_go_on(place, tmp_path):
    # So slow that it surely is in the middle when its first pictures are there.
    stocked(place.store, range(300))
    process = subprocess.Popen(
        [*COMMAND, "store", "backup", "--rate", "20"],
        env=surroundings(place.told),
        stderr=subprocess.PIPE,
        text=True,
    )
    tick = threading.Event()
    while not list((tmp_path / "vault").glob("records/*/*")):
        assert process.poll() is None
        tick.wait(0.02)

    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    first = re.search(r"--from ([0-9a-f]{2})", said)[1]
    again = place.run("backup", "--from", first)

    assert process.returncode == 130
    assert "interrupted" in said
    assert again.status == 0
    assert everything(place.vault) == everything(place.store)


def test_a_store_that_is_away_is_one_line_and_not_a_million(tmp_path):
    config = tmp_path / "config.json"
    config.write_text(
        json.dumps(
            {
                "endpoint": "http://127.0.0.1:9",
                "access_key_id": "key",
                "secret_access_key": "secret",
                "region": "us-east-1",
            }
        )
    )

    done = in_pipes("store", "copy", "s3://b/p", "memory:///", "--source-config", str(config))

    assert done.status == 1
    assert "[store-unavailable]" in done.err.splitlines()[0]
    assert "goes on where it stopped" in done.err.splitlines()[1]
    assert len(done.err.splitlines()) == 2
    assert os.path.exists(config)
