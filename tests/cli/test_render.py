"""Pictures on the command line: which are drawn, and what is said of those that aren't."""

from __future__ import annotations

import io
import json
import os
import struct

import numpy as np
import pytest
from PIL import Image

import calligram


def test_art_is_what_the_library_draws(run, picture):
    done = run("render", "picture.png", "--columns", "30")

    assert done.text == calligram.render(picture, columns=30).text + "\n"
    assert (done.status, done.err) == (0, "")


def test_every_option_reaches_the_art(run, picture):
    words = (
        "--columns=9 --rows=5 --algorithm=ramp-1 --characters=.x# --colour=16 --background=light "
        "--invert --cell-aspect=0.6 --dither=ordered --format=json"
    )

    done = run("render", "picture.png", *words.split())

    assert json.loads(done.text)["options"] == {
        "columns": 9,
        "rows": 5,
        "algorithm": "ramp-1",
        "characters": ".x#",
        "colour": "16",
        "background": "light",
        "invert": True,
        "cell_aspect": 0.6,
        "dither": "ordered",
    }
    assert set(json.loads(done.text)["options"]) == set(calligram.OPTIONS)


@pytest.mark.parametrize("columns", ["1", "1000"])
def test_columns_up_to_the_limits_are_taken(run, picture, columns):
    done = run("render", "picture.png", "--rows", "2", "--columns", columns)

    assert {len(line) for line in done.lines} == {int(columns)}


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["--columns", "0"], "columns must be 1 to 1000, not 0 [options-refused]"),
        (["--columns", "1001"], "columns must be 1 to 1000, not 1001 [options-refused]"),
        (["--columns", "ten"], "columns must be a whole number, not 'ten' [options-refused]"),
        (["--colour", "pink"], "colour must be one of none, 16, 256, full, not 'pink'"),
        (["--format", "gif"], "there is no format gif; there are: txt, ansi, html, svg, png, json"),
        (["-o", "art.jpg"], "no format is written to .jpg files; .txt, .ansi, .html, .svg, .png"),
        (["--columns"], "argument --columns: expected one argument"),
        (["-", "-"], "- stands twice, and standard input can be read once"),
        ([""], "a picture has an empty name"),
        (["picture.png", "--format", "svg"], "2 pictures as svg make no one stream; -o FOLDER/"),
        (["picture.png", "-o", "art.txt"], "-o art.txt is one file, and there are 2 pictures;"),
    ],
)
def test_a_wrong_command_line_is_answered_with_one_line(run, picture, words, found):
    done = run("render", "picture.png", *words, stdin=picture.read_bytes())

    assert done.err.startswith(f"calligram: {found}")
    assert done.err.endswith("(see calligram render --help)\n")
    assert done.err.count("\n") == 1
    assert (done.status, done.text) == (2, "")


def test_no_picture_is_a_wrong_command_line(run):
    done = run("render", "--columns", "10")

    assert done.err.startswith("calligram: no picture is named; a file, a folder or - for")
    assert done.status == 2


def test_options_may_stand_anywhere(run, picture):
    before = run("render", "--columns", "10", "picture.png", "picture.png")
    between = run("render", "picture.png", "--columns", "10", "picture.png")

    assert before.out == between.out != b""
    assert before.status == between.status == 0


def test_a_name_that_begins_with_a_dash_follows_two(run, picture):
    os.rename(picture, "-x.png")

    assert run("render", "--columns", "10", "--", "-x.png").status == 0


def test_standard_input_is_read(run, picture):
    piped = run("render", "-", stdin=picture.read_bytes())

    assert piped.out == run("render", "picture.png").out
    assert piped.status == 0


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("missing.png", None, "can't be read: no such file or directory"),
        ("empty.png", b"", "not a picture that is read here"),
        ("notes.png", b"notes", "[picture-unknown]"),
        ("cut.png", b"\x89PNG\r\n\x1a\n\0\0", "[picture-damaged]"),
        ("large.png", b"\x89PNG" + bytes(32 * 1024 * 1024), "[picture-too-large]"),
    ],
)
def test_a_picture_that_is_not_drawn_is_said_and_the_others_are_drawn(
    run, picture, folder, name, content, found
):
    if content is not None:
        (folder / name).write_bytes(content)

    done = run("render", name, "picture.png")

    assert done.err.startswith(f"calligram: {name}: ")
    assert found in done.err
    assert done.err.count("\n") == 1
    assert done.lines[0] == "==> picture.png <=="
    assert done.status == 1


def test_a_bad_standard_input_is_called_by_its_name(run):
    done = run("render", "-", stdin=b"notes")

    assert done.err.startswith("calligram: standard input: not a picture")
    assert done.status == 1


def test_a_name_can_not_reach_the_terminal(run, picture, save_picture, folder):
    wicked = "\x1b]0;title\x07\n\u202e"
    save_picture(folder / f"{wicked}.png")
    (folder / f"{wicked}.txt").write_text("no picture")

    done = run("render", "picture.png", f"{wicked}.png", f"{wicked}.txt", "--colour", "none")

    assert "==> \\x1b]0;title\\x07\\n\\u202e.png <==" in done.lines
    assert done.err.startswith("calligram: \\x1b]0;title\\x07\\n\\u202e.txt: ")
    assert b"\x1b" not in done.out + done.err.encode()


def test_a_name_that_is_no_text_is_drawn(run, picture):
    os.rename(picture, b"\xff.png")

    done = run("render", os.fsdecode(b"\xff.png"), "missing")

    assert done.lines[0] != ""
    assert done.status == 1


def test_several_pictures_follow_one_another_under_their_names(run, picture, save_picture, folder):
    save_picture(folder / "other.png")
    art = run("render", "picture.png", "--columns", "8").text

    done = run("render", "picture.png", "other.png", "--columns", "8")

    assert done.text == f"==> picture.png <==\n{art}\n==> other.png <==\n{art}"


def test_one_picture_stands_under_no_name(run, picture):
    assert "==>" not in run("render", "picture.png").text


def test_a_folder_is_every_picture_in_it_by_its_first_bytes(run, save_picture, folder):
    save_picture(folder / "all" / "b.png")
    save_picture(folder / "all" / "a" / "deep.png")
    save_picture(folder / "all" / "no_suffix")
    save_picture(folder / "all" / ".hidden.png")
    save_picture(folder / "all" / ".hidden" / "c.png")
    (folder / "all" / "notes.png").write_text("notes")
    os.mkfifo(folder / "all" / "pipe")

    done = run("render", "all", "--columns", "8")

    named = [line for line in done.lines if line.startswith("==>")]
    assert named == ["==> all/b.png <==", "==> all/no_suffix <==", "==> all/a/deep.png <=="]
    assert (done.status, done.err) == (0, "")


def test_a_folder_without_pictures_is_said(run, folder):
    (folder / "empty").mkdir()

    done = run("render", "empty")

    assert done.err.startswith("calligram: empty: no picture is in this folder; JPEG, PNG")
    assert (done.status, done.err.count("\n")) == (1, 1)


def test_a_decoder_that_writes_to_standard_error_itself_is_not_heard(run, folder):
    buffer = io.BytesIO()
    noise = np.random.default_rng(3).integers(0, 256, (64, 64)).astype(np.uint8)
    Image.fromarray(noise).save(buffer, "TIFF", compression="tiff_lzw")
    where = struct.pack("<HHII", 273, 4, 1, 8)
    # libtiff finds its strip behind the file's end, and says so in its own words.
    cut = buffer.getvalue().replace(where, struct.pack("<HHII", 273, 4, 1, 5000))
    (folder / "cut.tif").write_bytes(cut)

    done = run("render", "cut.tif")

    assert done.err.startswith("calligram: cut.tif: ")
    assert done.err.count("\n") == 1
    assert done.status == 1
