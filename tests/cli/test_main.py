"""The command without its commands: help, versions, and what it says to nonsense."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import PIL
import pytest

import calligram
from calligram.cli import COMMANDS
from cli.conftest import COMMAND, surroundings


def test_the_version_is_one_line_with_those_of_numpy_and_pillow(run):
    done = run("--version")

    python = sys.version.split()[0]
    assert done.text == (
        f"calligram {calligram.__version__} "
        f"(Python {python}, numpy {np.__version__}, Pillow {PIL.__version__})\n"
    )
    assert (done.status, done.err) == (0, "")


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["render", "--help"]])
def test_help_shows_examples(run, words):
    done = run(*words)

    assert "examples:\n  calligram render photo.jpg\n" in done.text
    assert (done.status, done.err) == (0, "")


def test_help_lists_every_command(run):
    done = run("--help")

    listed = [line.strip() for line in done.text.splitlines() if line.startswith("    ")]
    # A long name has what it is for on the next line.
    assert [
        name for name in COMMANDS if not any(f"{line} ".startswith(f"{name} ") for line in listed)
    ] == []


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ([], "a command is missing; there are: render"),
        (["draw"], "there is no command draw; there are: render"),
        (["\x1b[31m\n"], "there is no command \\x1b[31m\\n; there are: render"),
        (["--nonsense"], "the following arguments are required: COMMAND"),
        (["render", "--colum", "4", "x"], "unrecognized arguments: --colum"),
    ],
)
def test_nonsense_is_answered_with_one_line(run, words, found):
    done = run(*words)

    assert done.err.startswith(f"calligram: {found}")
    assert done.err.count("\n") == 1
    assert (done.status, done.text) == (2, "")


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["nonsense"]])
def test_the_engine_is_not_loaded_where_nothing_is_drawn(words):
    code = (
        "import sys, calligram.cli\n"
        "try: calligram.cli.main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "print({'numpy', 'PIL', 'tqdm'} & set(sys.modules))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        env=surroundings({}),
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.splitlines()[-1] == "set()"


def test_drawing_one_picture_loads_no_progress_bar(picture):
    code = (
        "import sys, calligram.cli\n"
        "calligram.cli.main(['render', 'picture.png'])\n"
        "print({'tqdm', 'importlib.metadata'} & set(sys.modules))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        env=surroundings({}),
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.splitlines()[-1] == "set()"


def test_the_promised_names_are_there_before_they_are_loaded():
    code = (
        "import calligram\n"
        "print(sorted(set(calligram.__all__) - set(dir(calligram))))\n"
        "from calligram import *\n"
        "print(render.__module__, Art.__module__, hasattr(calligram, 'nonsense'))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        env=surroundings({}),
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "[]\ncalligram.library calligram.art.model False\n"


@pytest.mark.parametrize("words", [["render", "picture.png"], ["--version"]])
def test_a_reader_that_has_gone_ends_the_command_quietly(picture, words):
    read_end, write_end = os.pipe()
    os.close(read_end)

    with open(write_end, "wb") as nobody:
        done = subprocess.run(
            [*COMMAND, *words],
            stdout=nobody,
            stderr=subprocess.PIPE,
            env=surroundings({}),
            check=False,
        )

    assert (done.returncode, done.stderr) == (141, b"")


def test_an_interrupt_ends_the_command_without_a_traceback(folder):
    # The command waits for a picture that never comes; the signal finds it reading.
    code = (
        "import os, signal, sys, calligram.cli, calligram.cli.pictures as pictures\n"
        "def read(*_): os.kill(os.getpid(), signal.SIGINT)\n"
        "pictures.read = read\n"
        "sys.exit(calligram.cli.main(['render', '-']))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        env=surroundings({}),
        capture_output=False,
        stderr=subprocess.PIPE,
        check=False,
    )

    assert (done.returncode, done.stderr) == (130, b"")


def test_a_full_disk_is_said_in_one_line(run, picture):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*COMMAND, "render", "picture.png"],
            stdout=full,
            stderr=subprocess.PIPE,
            env=surroundings({}),
            check=False,
        )

    said = "calligram: standard output: can't be written: no space left on device\n"
    assert (done.returncode, done.stderr.decode()) == (1, said)


def test_a_closed_standard_output_is_said_in_one_line(picture):
    shell = '"$@" >&-'

    done = subprocess.run(
        ["sh", "-c", shell, "sh", *COMMAND, "render", "picture.png"],
        stderr=subprocess.PIPE,
        env=surroundings({}),
        check=False,
    )

    said = "calligram: standard output: can't be written: it is closed\n"
    assert (done.returncode, done.stderr.decode()) == (1, said)
