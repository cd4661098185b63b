"""Files that art is written to: whole or not at all, and never in a picture's place."""

from __future__ import annotations

import os
import stat

import pytest

from calligram import FORMATS
from calligram.cli import output


@pytest.mark.parametrize("name", FORMATS)
def test_a_files_ending_names_the_format(run, picture, folder, name):
    done = run("render", "picture.png", "-o", f"art{FORMATS[name].suffix.upper()}")

    asked = run("render", "picture.png", "--format", name)
    assert (folder / f"art{FORMATS[name].suffix.upper()}").read_bytes() == asked.out
    assert (done.status, done.out, done.err) == (0, b"", "")


def test_a_format_that_is_said_goes_before_the_ending(run, picture, folder):
    run("render", "picture.png", "-o", "art.html", "--format", "txt")

    assert (folder / "art.html").read_bytes() == run("render", "picture.png").out


def test_a_file_without_ending_is_text_or_ansi_with_colour(run, picture, folder):
    run("render", "picture.png", "-o", "plain")
    run("render", "picture.png", "-o", "coloured", "--colour", "16")

    assert b"\x1b" not in (folder / "plain").read_bytes()
    assert b"\x1b" in (folder / "coloured").read_bytes()


def test_a_dash_is_standard_output(run, picture):
    assert run("render", "picture.png", "-o", "-").out == run("render", "picture.png").out


def test_a_folder_gets_a_file_for_each_picture(run, save_picture, folder):
    save_picture(folder / "one.png")
    save_picture(folder / "all" / "two.png")
    save_picture(folder / "all" / "deep" / "three.png")

    done = run("render", "one.png", "all", "-", "-o", "drawn/", stdin=b"notes")

    written = sorted(str(path.relative_to(folder)) for path in (folder / "drawn").rglob("*.*"))
    assert written == ["drawn/deep/three.txt", "drawn/one.txt", "drawn/two.txt"]
    assert done.err.startswith("calligram: standard input: ")
    assert (done.status, done.out) == (1, b"")


def test_a_second_run_does_not_draw_the_first_ones_art(run, save_picture, folder):
    save_picture(folder / "all" / "one.png")

    run("render", "all", "--format", "png", "-o", "all/drawn/")
    again = run("render", "all", "--format", "png", "-o", "all/drawn/")

    assert [path.name for path in (folder / "all" / "drawn").rglob("*")] == ["one.png"]
    assert again.status == 0


def test_two_pictures_for_one_file_are_refused_before_anything_is_written(
    run, save_picture, folder
):
    save_picture(folder / "a" / "one.png")
    save_picture(folder / "b" / "one.png")

    done = run("render", "a", "b", "-o", "drawn/")

    assert done.err.startswith(
        "calligram: a/one.png and b/one.png would both be written to drawn/one.txt; "
    )
    assert done.status == 2
    assert not (folder / "drawn").exists()


@pytest.mark.parametrize("name", ["picture.png", "./picture.png", "link.png", "hard.png"])
def test_a_picture_is_never_replaced_by_its_art(run, picture, folder, name):
    before = picture.read_bytes()
    os.symlink("picture.png", "link.png")
    os.link("picture.png", "hard.png")

    done = run("render", "picture.png", "-o", name)

    assert "would replace the picture" in done.err
    assert (done.status, picture.read_bytes()) == (2, before)


def test_a_picture_is_not_replaced_in_its_own_folder_either(run, picture, folder):
    before = picture.read_bytes()

    done = run("render", "picture.png", "--format", "png", "-o", ".")

    assert (done.status, picture.read_bytes()) == (2, before)


def test_an_old_file_is_replaced_and_keeps_its_mode(run, picture, folder):
    old = folder / "art.txt"
    old.write_text("old")
    old.chmod(0o640)

    run("render", "picture.png", "-o", "art.txt")

    assert old.read_bytes() == run("render", "picture.png").out
    assert stat.S_IMODE(old.stat().st_mode) == 0o640


def test_what_a_link_leads_to_is_replaced(run, picture, folder):
    (folder / "real.txt").write_text("old")
    os.symlink("real.txt", "link.txt")

    run("render", "picture.png", "-o", "link.txt")

    assert (folder / "link.txt").is_symlink()
    assert (folder / "real.txt").read_bytes() == run("render", "picture.png").out


def test_a_pipe_is_written_to_and_not_replaced(run, picture, folder):
    os.mkfifo("pipe.txt")
    reader = os.open("pipe.txt", os.O_RDONLY | os.O_NONBLOCK)

    done = run("render", "picture.png", "-o", "pipe.txt", "--columns", "8")

    assert os.read(reader, 65536) == run("render", "picture.png", "--columns", "8").out
    assert stat.S_ISFIFO((folder / "pipe.txt").stat().st_mode)
    assert (done.status, done.err) == (0, "")
    os.close(reader)


def test_a_place_that_can_not_be_written_is_said(run, picture, folder):
    (folder / "file").write_text("in the way")

    done = run("render", "picture.png", "-o", "file/art.txt")

    assert done.err == "calligram: file/art.txt: can't be written: file is no folder\n"
    assert (done.status, done.out) == (1, b"")


def test_a_write_that_is_cut_leaves_the_old_file_and_nothing_else(folder, monkeypatch):
    (folder / "art.txt").write_text("old")

    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(type(folder), "replace", cut)
    with pytest.raises(KeyboardInterrupt):
        output.write_file(folder / "art.txt", b"new")

    assert [path.name for path in folder.iterdir()] == ["art.txt"]
    assert (folder / "art.txt").read_text() == "old"
