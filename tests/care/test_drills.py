"""The drill: a sample of the vault is restored, served by a real server, and compared."""

from __future__ import annotations

import json

import pytest

from calligram.care import Side, drill, drills, finish
from calligram.errors import StoreUnavailable
from calligram.store.keys import picture_key, record_key
from cli.conftest import in_pipes
from kept_pictures import id_of, record_for
from kept_stores import everything, folder, impatient, memory
from web_server import jpeg

PICTURES = [jpeg(seed=number) for number in range(6)]


def stock(side: Side) -> Side:
    for number, content in enumerate(PICTURES):
        algorithm = ("shape-1", "ramp-1")[number % 2]
        side.objects.put_picture(id_of(content), content)
        side.objects.put_record(record_for(id_of(content), len(content), algorithm=algorithm))
    return side


@pytest.fixture
def sides(tmp_path) -> tuple[Side, Side]:
    """A vault and a store that are alike."""
    return stock(folder(tmp_path / "vault", "vault")), stock(folder(tmp_path / "store"))


def test_a_vault_that_is_whole_passes_and_nothing_is_altered(sides, tmp_path):
    vault, store = sides
    before = everything(vault), everything(store)

    report = finish(drill(vault, store, tmp_path / "drill", size=4, seed=7))

    assert (report.pictures, report.alike, report.problems, report.seed) == (4, 4, 0, 7)
    assert report.is_clean
    assert 0 < report.restore_seconds < report.whole_seconds
    assert report.first_answer_seconds > 0
    assert report.vault_pictures == len(PICTURES)
    assert (everything(vault), everything(store)) == before


def test_what_cannot_be_restored_or_differs_is_a_problem_each(sides, tmp_path):
    vault, store = sides
    damaged, lost, gone = (id_of(content) for content in PICTURES[:3])
    vault.bucket.put(picture_key(damaged), b"?")
    vault.bucket.delete(picture_key(lost))
    store.bucket.delete(picture_key(gone))
    problems = []

    report = finish(
        drill(vault, store, tmp_path / "drill", size=100, seed=7),
        lambda progress: problems.extend(progress.problems),
    )

    told = {(p.place, p.key, p.kind) for p in problems}
    assert told == {
        ("vault", picture_key(damaged), "damaged"),
        ("drill", record_key(damaged), "missing"),
        ("vault", picture_key(lost), "missing"),
        ("drill", record_key(lost), "missing"),
        ("store", picture_key(gone), "missing"),
    }
    assert (report.pictures, report.alike, report.is_clean) == (6, 3, False)


def test_art_that_differs_is_found(sides, tmp_path, monkeypatch):
    monkeypatch.setattr(drills, "expected", lambda *_: b"other art")

    report = finish(drill(*sides, tmp_path / "drill", size=2, seed=7))

    assert (report.alike, report.problems) == (0, 2)


def test_a_picture_that_is_refused_is_refused_alike(sides, tmp_path):
    content = b"no picture at all"
    for side in sides:
        side.objects.put_picture(id_of(content), content)
        side.objects.put_record(record_for(id_of(content), len(content)))

    report = finish(drill(*sides, tmp_path / "drill", size=100, seed=7))

    assert (report.pictures, report.alike) == (7, 7)


def test_an_empty_vault_proves_nothing(tmp_path):
    problems = []

    report = finish(
        drill(memory("vault"), memory(), tmp_path / "drill", size=5, seed=7),
        lambda progress: problems.extend(progress.problems),
    )

    assert [(p.place, p.kind) for p in problems] == [("vault", "missing")]
    assert not report.is_clean


def test_a_server_that_does_not_start_is_told_with_its_own_words(sides, tmp_path, monkeypatch):
    monkeypatch.setattr("calligram.care.served.sys.executable", "/bin/false")

    with pytest.raises(StoreUnavailable, match="did not start"):
        finish(drill(*sides, tmp_path / "drill", size=1, seed=7))


@pytest.mark.parametrize("size", [1, 4])
def test_a_seed_chooses_the_same_sample(sides, size):
    samples = [drills.sample_of(sides[0], size, seed, impatient()).ids for seed in (1, 1, 2)]

    assert samples[0] == samples[1] != samples[2]
    assert len(samples[0]) == size


def test_the_command_tells_what_a_restore_would_take(sides, tmp_path):
    told = {f"CALLIGRAM_{s.name.upper()}_URL": (tmp_path / s.name).as_uri() for s in sides}

    done = in_pipes("store", "drill", "--pictures", "3", "--seed", "7", **told)

    assert (done.status, done.err) == (0, "")
    assert "3 pictures" in done.lines[0]
    assert "all of about 6 would take" in done.lines[0]
    assert done.lines[2] == "3 of 3 answered with the art of the store's own copy"
    assert done.lines[3] == "the same sample again: --pictures 3 --seed 7"


def test_the_command_in_json(sides, tmp_path):
    told = {f"CALLIGRAM_{s.name.upper()}_URL": (tmp_path / s.name).as_uri() for s in sides}

    done = in_pipes("store", "drill", "--pictures", "2", "--json", **told)

    report = json.loads(done.text)
    assert (report["event"], report["pictures"], report["alike"]) == ("report", 2, 2)
