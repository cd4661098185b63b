"""A whole collection on one machine: what is drawn, what is skipped, and what is told."""

from __future__ import annotations

import hashlib
import os
import signal
from pathlib import Path
from urllib.parse import urlencode

import pytest

from art_pictures import png
from calligram import Options
from calligram.art.limits import DEFAULT_LIMITS
from calligram.bulk.batch import (
    DRAWN,
    FAILED,
    Outcome,
    close_renderers,
    do_batch,
    own_renderer,
    versions,
)
from calligram.bulk.drawing import Drawing
from calligram.bulk.places import Address, Folder, PlaceRefused
from calligram.bulk.renderer import Renderer
from calligram.bulk.run import batch_size
from calligram.capacity.processes import children_of
from calligram.errors import PictureTooLarge, RenderStopped, Unavailable
from hostile_pictures import BOMBS
from picture_collections import (
    contents,
    fill,
    finish,
    finished_in,
    names_in,
    report_of,
    run,
    start,
    told,
    wait_until,
)
from web_server import Server, jpeg, large_png


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    fill(folder, 12)
    return folder


@pytest.fixture
def arts(tmp_path):
    return tmp_path / "arts"


@pytest.fixture(autouse=True)
def no_process_is_left():
    yield
    close_renderers()


@pytest.fixture(scope="module")
def server():
    server = Server()
    yield server
    server.stop()


def drawing(source: Path, arts: Path, **changed: object) -> Drawing:
    given = {
        "version": versions(),
        "source": Address.of(str(source), {}),
        "destination": Address.of(str(arts), {}),
        "options": Options(),
        "format": "txt",
        "seconds_max": 5.0,
        "bytes_max": 1 << 30,
    }
    return Drawing(**{**given, **changed})


# --- What is drawn ---


@pytest.mark.parametrize("format", ["txt", "html"])
def test_the_art_is_what_the_service_answers(source, arts, server, format):
    options = {"columns": "60", "colour": "256"}
    flags = [word for name, text in options.items() for word in (f"--{name}", text)]

    status, _, err = run(source, arts, "--format", format, *flags)

    assert (status, err) == (0, "")
    assert contents(arts) == {
        f"{name}.{format}": server.post(f"/v1/art.{format}?{urlencode(options)}", data).body
        for name, data in contents(source).items()
    }


def test_without_options_it_is_what_the_service_answers_without_options(source, arts, server):
    run(source, arts)

    answered = [server.post("/v1/art", data).body for data in contents(source).values()]
    assert list(contents(arts).values()) == answered


def test_pictures_of_one_name_but_for_the_suffix_get_an_art_each(tmp_path, arts):
    source = tmp_path / "source"
    source.mkdir()
    for name in ("cat.jpg", "cat.png", "cat", "cat.jpg.txt"):
        (source / name).write_bytes(jpeg())

    run(source, arts)

    assert names_in(arts) == ["cat.jpg.txt", "cat.jpg.txt.txt", "cat.png.txt", "cat.txt"]


def test_what_is_hidden_or_no_file_is_passed_over(source, arts):
    drawn = [f"{name}.txt" for name in names_in(source)]
    (source / ".hidden").mkdir()
    (source / ".hidden" / "cat.jpg").write_bytes(jpeg())
    (source / ".cat.jpg").write_bytes(jpeg())
    (source / "notes.txt").write_text("no picture")
    (source / "round").symlink_to(source)
    os.mkfifo(source / "pipe")

    status, result = told(source, arts)

    assert (status, result["drawn"], result["passed_over"]) == (0, 12, 1)
    assert names_in(arts) == drawn


def test_art_that_goes_below_its_pictures_is_none_of_them(source):
    run(source, source / "arts", "--format", "png")

    _, result = told(source, source / "arts", "--format", "png")

    assert (result["drawn"], result["already"], result["passed_over"]) == (0, 12, 0)


def test_a_name_that_is_no_text_is_drawn_too(tmp_path, arts):
    source = tmp_path / "source"
    source.mkdir()
    (source / os.fsdecode(b"\xff\x1b[31m.jpg")).write_bytes(jpeg())

    status, result = told(source, arts)

    assert (status, result["drawn"]) == (0, 1)
    assert names_in(arts) == [os.fsdecode(b"\xff\x1b[31m.jpg.txt")]


# --- What is skipped ---


def test_what_is_there_is_not_drawn_again(source, arts):
    run(source, arts)
    first = arts / "day 0" / "0000.jpg.txt"
    first.write_text("as it was")
    (arts / "day 0" / "0003.jpg.txt").unlink()

    status, result = told(source, arts)

    assert (status, result["drawn"], result["already"]) == (0, 1, 11)
    assert first.read_text() == "as it was"


def test_the_report_tells_of_each_picture_of_all_runs(source, arts):
    run(source, arts)
    (arts / "day 0" / "0003.jpg.txt").unlink()
    (source / "bad.jpg").write_bytes(jpeg()[:200])

    run(source, arts)

    report = {line["picture"]: line for line in report_of(arts)}
    assert list(report) == names_in(source)
    assert report.pop("bad.jpg")["code"] == "picture-damaged"
    for name, line in report.items():
        art = (arts / line["art"]).read_bytes()
        assert line["id"] == hashlib.sha256((source / name).read_bytes()).hexdigest()
        assert (line["bytes"], line["sha256"]) == (len(art), hashlib.sha256(art).hexdigest())


@pytest.mark.parametrize("words", [["--columns", "40"], ["--format", "html"]])
def test_art_of_other_options_is_not_taken_for_this_ones(source, arts, words):
    run(source, arts)

    status, _, err = run(source, arts, *words)

    assert status == 2
    assert "another folder will do" in err


def test_art_of_another_collection_is_not_taken_for_this_ones(source, arts, tmp_path):
    run(source, arts)
    fill(tmp_path / "other", 1)

    assert run(tmp_path / "other", arts)[0] == 2


def test_two_runs_into_one_folder_are_one_too_many(arts):
    first, second = Folder(arts), Folder(arts)
    first.take()

    with pytest.raises(PlaceRefused, match="another run"):
        second.take()

    first.free()
    second.take()
    second.free()


# --- Bad pictures ---


def test_hostile_pictures_cost_a_line_each_and_nothing_else(source, arts):
    good = names_in(source)
    for number, make in enumerate(BOMBS.values()):
        (source / f"bomb {number}").write_bytes(make())

    status, _, err = run(source, arts)

    assert status == 1
    assert names_in(arts) == [f"{name}.txt" for name in good]
    assert sorted(line.split(": ")[1] for line in err.splitlines()) == sorted(
        f"bomb {number}" for number in range(len(BOMBS))
    )


def test_a_picture_over_its_time_is_stopped_and_the_next_is_drawn(source, arts):
    (source / "a slow one").write_bytes(large_png(6500))

    status, result = told(source, arts, "--seconds-max", "0.1", "--workers", "1")

    assert status == 1
    assert [one["picture"] for one in result["failures"]] == ["a slow one"]
    assert result["failures"][0]["code"] == "render-stopped"
    assert result["drawn"] == 12


def test_a_picture_over_the_limit_of_bytes_is_not_read_whole(tmp_path):
    file = tmp_path / "huge.png"
    file.write_bytes(png())
    os.truncate(file, 1 << 40)

    with pytest.raises(PictureTooLarge):
        Folder(tmp_path).read("huge.png", DEFAULT_LIMITS)


class Mortal(Renderer):
    """A renderer whose process is killed `deaths` times, each time before it is asked."""

    def __init__(self, deaths: int) -> None:
        super().__init__(seconds_max=5.0, bytes_max=1 << 30)
        self.deaths = deaths

    def ask(self, *arguments):
        if self.deaths:
            self.deaths -= 1
            self.program.send_signal(signal.SIGKILL)
            self.program.wait()
        return super().ask(*arguments)


def test_a_killed_render_process_costs_its_picture_nothing():
    renderer = Mortal(deaths=1)

    art = renderer.draw(jpeg(), Options(), "txt", DEFAULT_LIMITS)

    assert art.count(b"\n") > 10
    renderer.close()


def test_a_picture_that_kills_its_process_twice_is_given_up_and_the_next_is_drawn():
    renderer = Mortal(deaths=2)

    with pytest.raises(RenderStopped):
        renderer.draw(jpeg(), Options(), "txt", DEFAULT_LIMITS)

    assert renderer.draw(jpeg(), Options(), "txt", DEFAULT_LIMITS)
    renderer.close()


def test_a_file_that_cant_be_written_costs_only_itself(source, arts):
    arts.mkdir()
    # In the way of a folder: not even root can write below a file.
    (arts / "day 1").write_text("")

    status, result = told(source, arts)

    assert status == 1
    assert (result["drawn"], result["failed"]) == (8, 4)
    assert {one["code"] for one in result["failures"]} == {"file-failed"}


# --- Kills ---


def test_a_killed_run_is_finished_by_the_same_command(source, arts):
    names = fill(source, 400)
    cut = start(source, arts, "--workers", "2")
    wait_until(lambda: len(finished_in(arts)) > 40)
    os.kill(cut.pid, signal.SIGKILL)
    finish(cut)
    assert len(names_in(arts)) < len(names)
    (arts / "day 0" / ".calligram-0123456789abcdef.part").write_bytes(b"half an a")

    status, result = told(source, arts)

    assert status == 0
    assert result["drawn"] + result["already"] == len(names)
    assert result["already"] > 0
    assert names_in(arts) == [f"{name}.txt" for name in names]
    fresh = arts.with_name("fresh")
    run(source, fresh)
    assert contents(fresh) == contents(arts)


def test_render_processes_killed_in_mid_run_cost_nothing(source, arts):
    names = fill(source, 400)
    process = start(source, arts, "--workers", "2")
    wait_until(lambda: len(finished_in(arts)) > 40)
    victims = children_of(process.pid)
    for victim in victims:
        os.kill(victim, signal.SIGKILL)

    status, _, err = finish(process)

    assert len(victims) == 2
    assert (status, err) == (0, "")
    assert names_in(arts) == [f"{name}.txt" for name in names]


def test_a_killed_run_leaves_no_process(source, arts):
    fill(source, 400)
    process = start(source, arts, "--workers", "2")
    wait_until(lambda: len(finished_in(arts)) > 10)
    renderers = children_of(process.pid)
    os.kill(process.pid, signal.SIGKILL)
    finish(process)

    wait_until(lambda: not any(Path(f"/proc/{pid}/exe").exists() for pid in renderers))


def test_ctrl_c_ends_a_run_at_once(source, arts):
    fill(source, 400)
    process = start(source, arts)
    wait_until(lambda: len(finished_in(arts)) > 10)
    os.kill(process.pid, signal.SIGINT)

    assert finish(process) == (130, "", "")


# --- Parts ---


def test_a_worker_of_another_version_draws_nothing(source, arts):
    with pytest.raises(Unavailable, match="the same versions"):
        do_batch(drawing(source, arts, version="calligram 0.0.1"), ["day 0/0000.jpg"])


def test_a_render_process_that_was_ended_and_started_again_is_ended_again(source, arts):
    task = drawing(source, arts)
    names = names_in(source)
    for name in names[:2]:
        do_batch(task, [name])
        assert own_renderer(task.seconds_max, task.bytes_max).program
        close_renderers()

    assert own_renderer(task.seconds_max, task.bytes_max).program is None


def test_a_picture_that_went_meanwhile_has_failed(source, arts):
    outcomes = do_batch(drawing(source, arts), ["gone.jpg"])

    assert outcomes == [Outcome("gone.jpg", FAILED, "file-failed", "no such file or directory")]


def test_art_whose_place_is_taken_has_failed_and_leaves_nothing(source, arts):
    names = names_in(source)[:3]
    # A folder under the art's name: the draft can be written, and not be renamed.
    (arts / f"{names[1]}.txt" / "in the way").mkdir(parents=True)

    outcomes = do_batch(drawing(source, arts), names)

    assert [one.kind for one in outcomes] == [DRAWN, FAILED, DRAWN]
    assert outcomes[1].message == "is a directory"
    assert names_in(arts) == [f"{names[0]}.txt", f"{names[2]}.txt"]


def test_a_draft_is_not_finished_art(tmp_path):
    draft = Folder(tmp_path).draft("day 0/cat.jpg.txt", b"art")

    assert not (tmp_path / "day 0/cat.jpg.txt").exists()
    assert draft.part.name.startswith(".")

    draft.sync()
    draft.finish()

    assert contents(tmp_path) == {"day 0/cat.jpg.txt": b"art"}


def test_what_was_drawn_before_no_more_could_be_is_kept(source, arts):
    class Ending(Drawing):
        def do(self, name, renderer):
            if name == names[1]:
                raise Unavailable("no more")
            return super().do(name, renderer)

    names = names_in(source)[:2]
    with pytest.raises(Unavailable, match="no more"):
        do_batch(Ending(**vars(drawing(source, arts))), names)

    assert names_in(arts) == [f"{names[0]}.txt"]


@pytest.mark.parametrize(
    ("waiting", "workers", "size"), [(5000, 2, 64), (100, 2, 12), (3, 2, 1), (1, 8, 1)]
)
def test_batches_shrink_towards_the_end(waiting, workers, size):
    assert batch_size(waiting, workers) == size


def test_a_store_is_a_place_too(source, tmp_path):
    names = names_in(source)
    status, result = told(f"file://{source}", f"file://{tmp_path}/arts", "--columns", "30")

    again = told(f"file://{source}", f"file://{tmp_path}/arts", "--columns", "30")[1]

    assert (status, result["drawn"], again["already"]) == (0, 12, 12)
    run(source, tmp_path / "plain", "--columns", "30")
    assert contents(tmp_path / "arts") == contents(tmp_path / "plain")
    assert names_in(tmp_path / "arts") == [f"{name}.txt" for name in names]


@pytest.mark.parametrize(
    "words",
    [
        ["."],
        ["here", "there"],
        [".", "."],
        [".", "arts", "--columns", "0"],
        [".", "arts", "--format", "bmp"],
        [".", "arts", "--workers", "0"],
        [".", "arts", "--seconds-max", "0"],
        [".", "arts", "--dask", "tcp://127.0.0.1:1", "--workers", "2"],
        [".", "s3://bucket/arts", "--destination-config", "missing.json"],
    ],
)
def test_a_wrong_command_line_is_told_and_does_nothing(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    status, out, err = run(*words)

    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert names_in(tmp_path) == []
