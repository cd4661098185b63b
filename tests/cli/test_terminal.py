"""What the terminal tells is a default: its width, its colours, its background."""

from __future__ import annotations

import pytest

from calligram import OPTIONS
from calligram.cli.terminal import WIDTH_ELSEWHERE, WIDTH_MAX, Terminal

ESCAPE = b"\x1b["


def test_the_width_is_as_large_as_the_option_allows():
    assert OPTIONS["columns"].most == WIDTH_MAX
    assert OPTIONS["columns"].default == WIDTH_ELSEWHERE


@pytest.mark.parametrize(
    ("said", "width", "columns"),
    [
        ({}, 100, 100),
        ({}, 1000, 1000),
        ({}, 1001, 1000),
        ({}, 0, 80),
        ({}, None, 80),
        ({"COLUMNS": "30"}, 100, 30),
        ({"COLUMNS": "30"}, None, 30),
        ({"COLUMNS": "1"}, 100, 1),
        ({"COLUMNS": "0"}, 100, 100),
        ({"COLUMNS": "2000"}, 100, 1000),
        ({"COLUMNS": "-5"}, 100, 100),
        ({"COLUMNS": "wide"}, 100, 100),
        ({"COLUMNS": "9" * 5000}, 100, 100),
    ],
)
def test_columns_come_from_the_environment_then_the_terminal(said, width, columns):
    assert Terminal.of(said, width).columns == columns


@pytest.mark.parametrize(
    ("said", "colour"),
    [
        ({}, "none"),
        ({"TERM": "dumb"}, "none"),
        ({"TERM": "dumb", "COLORTERM": "truecolor"}, "none"),
        ({"TERM": "linux"}, "16"),
        ({"TERM": "xterm"}, "16"),
        ({"TERM": "xterm-256color"}, "256"),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "full"),
        ({"TERM": "xterm", "COLORTERM": "24bit"}, "full"),
        ({"TERM": "xterm-direct"}, "full"),
    ],
)
def test_colours_come_from_the_kind_of_terminal(said, colour):
    assert Terminal.of(said, 80).colour == colour
    assert Terminal.of(said, None).colour == "none"


@pytest.mark.parametrize(
    ("said", "background"),
    [
        ({}, "dark"),
        ({"COLORFGBG": "15;0"}, "dark"),
        ({"COLORFGBG": "0;15"}, "light"),
        ({"COLORFGBG": "0;default;15"}, "light"),
        ({"COLORFGBG": "0;7"}, "light"),
        ({"COLORFGBG": "7;8"}, "dark"),
        ({"COLORFGBG": "0;default"}, "dark"),
    ],
)
def test_the_background_comes_from_the_terminals_own_colours(said, background):
    assert Terminal.of(said, 80).background == background
    assert Terminal.of(said, None).background == "dark"


def test_art_fills_the_terminal(run_in_terminal, picture):
    done = run_in_terminal("render", "picture.png", width=33, TERM="dumb")

    assert {len(line) for line in done.lines} == {33}
    assert (done.status, done.err) == (0, "")


def test_art_in_a_pipe_has_80_columns_and_no_colour(run, picture):
    done = run("render", "picture.png", TERM="xterm-256color", COLORTERM="truecolor")

    assert {len(line) for line in done.lines} == {80}
    assert ESCAPE not in done.out


def test_columns_in_the_environment_are_heeded(run, run_in_terminal, picture):
    pipe = run("render", "picture.png", COLUMNS="17")
    terminal = run_in_terminal("render", "picture.png", TERM="dumb", COLUMNS="17")

    assert {len(line) for line in pipe.lines} == {17}
    assert terminal.out == pipe.out


@pytest.mark.parametrize(
    ("said", "sign"),
    [
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, b"8;2;"),
        ({"TERM": "xterm-256color"}, b"8;5;"),
        ({"TERM": "xterm"}, ESCAPE),
        ({"TERM": "xterm", "NO_COLOR": ""}, ESCAPE),
    ],
)
def test_a_terminal_with_colours_gets_colours(run_in_terminal, picture, said, sign):
    assert sign in run_in_terminal("render", "picture.png", **said).out


@pytest.mark.parametrize(
    "said",
    [{"TERM": "dumb"}, {"TERM": ""}, {"TERM": "xterm", "NO_COLOR": "1"}],
)
def test_a_terminal_without_colours_gets_none(run_in_terminal, picture, said):
    assert ESCAPE not in run_in_terminal("render", "picture.png", **said).out


@pytest.mark.parametrize(
    "words", [["--colour", "256"], ["--color", "256"], ["--colour=256", "--format=ansi"]]
)
def test_what_is_said_goes_before_what_the_terminal_tells(run, run_in_terminal, picture, words):
    pipe = run("render", "picture.png", *words, NO_COLOR="1")
    dumb = run_in_terminal("render", "picture.png", *words, TERM="dumb", NO_COLOR="1", width=80)

    assert b"8;5;" in pipe.out
    assert dumb.out == pipe.out


def test_ansi_that_is_asked_for_has_colours_in_a_pipe_too(run, picture):
    assert b"8;2;" in run("render", "picture.png", "--format", "ansi", NO_COLOR="1").out


def test_text_that_is_asked_for_has_none_in_a_terminal_either(run_in_terminal, picture):
    assert ESCAPE not in run_in_terminal("render", "picture.png", "--format", "txt").out


def test_html_has_no_colour_unless_it_is_asked_for(run, run_in_terminal, picture):
    plain = run_in_terminal("render", "picture.png", "--format", "html", TERM="xterm")
    coloured = run("render", "picture.png", "--format", "html", "--colour", "full")

    assert "<span" not in plain.text
    assert "<span" in coloured.text


def test_a_light_terminal_gets_art_for_a_light_background(run, run_in_terminal, picture):
    shown = run_in_terminal("render", "picture.png", TERM="dumb", COLORFGBG="0;15", width=80)
    light = run("render", "picture.png", "--background", "light")
    dark = run("render", "picture.png")

    assert shown.out == light.out != dark.out


def test_a_png_is_not_written_to_a_terminal(run, run_in_terminal, picture):
    shown = run_in_terminal("render", "picture.png", "--format", "png")
    piped = run("render", "picture.png", "--format", "png")

    assert (shown.status, shown.out) == (2, b"")
    assert shown.err.startswith("calligram: png is not for terminals; -o FILE or a pipe will do")
    assert piped.out.startswith(b"\x89PNG")


def test_a_file_gets_what_a_pipe_gets(run, run_in_terminal, picture, folder):
    run_in_terminal("render", "picture.png", "-o", "art.txt", COLORTERM="truecolor")

    assert (folder / "art.txt").read_bytes() == run("render", "picture.png").out
