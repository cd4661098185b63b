"""
The documents are under test: what exists is named in them, and what they show is so.

A new option, error, format, algorithm or command is red here until a reader can find it.
"""

from __future__ import annotations

import dataclasses
import re
import shlex
from pathlib import Path

import pytest
from PIL import Image

import calligram
from calligram import ALGORITHMS, FORMATS, OPTIONS, Limits, errors
from calligram.cli import COMMANDS, commanded, main, parser

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/**/*.md")])

ERRORS = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, errors.CalligramError)
]

HELP = re.compile(r"<!-- calligram (.*?)--help -->\n```text\n(.*?)```\n", re.DOTALL)
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")


def text_of(name: str) -> str:
    path = ROOT / name
    return path.read_text() if path.exists() else ""


def fences(name: str, language: str) -> list[str]:
    return [body for kind, body in FENCE.findall(text_of(name)) if kind == language]


@pytest.mark.parametrize("cls", ERRORS, ids=lambda cls: cls.__name__)
def test_every_error_is_documented(cls):
    page = text_of("docs/errors.md")

    assert f"`{cls.code}`" in page
    assert f"`{cls.__name__}`" in page


@pytest.mark.parametrize("limit", dataclasses.fields(Limits), ids=lambda field: field.name)
def test_every_limit_is_documented(limit):
    assert f"`{limit.name}`" in text_of("docs/errors.md")


def test_no_error_is_documented_that_is_none():
    rows = re.findall(r"^## `([a-z-]+)`", text_of("docs/errors.md"), re.MULTILINE)

    assert rows == [cls.code for cls in ERRORS]


@pytest.mark.parametrize("option", OPTIONS.values(), ids=lambda option: option.name)
def test_every_option_is_documented(option):
    page = text_of("docs/cli.md")

    assert re.search(rf"`(--)?{option.name}`|--{option.name.replace('_', '-')}\b", page)


@pytest.mark.parametrize("option", OPTIONS.values(), ids=lambda option: option.name)
def test_every_choice_is_documented(option):
    page = text_of("docs/cli.md")

    assert [choice for choice in option.choices if choice not in page] == []


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_documented(name):
    assert re.search(rf"^#+ .*\b{name}\b", text_of("docs/formats.md"), re.MULTILINE)


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize("page", ["README.md", "docs/cli.md", "CHANGELOG.md"])
def test_every_algorithm_is_documented(name, page):
    assert name in text_of(page)


@pytest.mark.parametrize("word", ["picture", "art", "options", "algorithm", "format"])
def test_the_words_are_defined(word):
    assert f"| **{word}** |" in text_of("docs/words.md")


def test_every_command_is_documented():
    page = text_of("docs/cli.md")

    assert [name for name in COMMANDS if f"calligram {name}" not in page] == []


def test_the_help_of_every_command_is_shown():
    shown = {command.strip() for command, _ in HELP.findall(text_of("docs/cli.md"))}

    assert set(COMMANDS) <= shown


def test_the_help_that_is_shown_is_what_the_command_says(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    shown = {command.strip(): words(text) for command, text in HELP.findall(text_of("docs/cli.md"))}
    said = {}
    for command in shown:
        with pytest.raises(SystemExit):
            main([*command.split(), "--help"])
        said[command] = words(capsys.readouterr().out)

    assert shown == said, "run: .venv/bin/python tools/docs.py"


def words(text: str) -> list[str]:
    # Since Python 3.13, "-o FILE, --output FILE" reads "-o, --output FILE"; lines break elsewhere.
    return re.sub(r"(-\w) [A-Z]+, (--\S+)", r"\1, \2", text).split()


@pytest.fixture
def folder_with_pictures(tmp_path, monkeypatch):
    """A folder with the pictures that the README speaks of."""
    monkeypatch.chdir(tmp_path)
    for name in {*re.findall(r"[\w./-]+\.(?:jpe?g|png|gif|webp)\b", text_of("README.md"))}:
        path = Path(name)
        if not path.is_absolute() and ".." not in path.parts:
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.linear_gradient("L").save(path)
    return tmp_path


def test_the_python_of_the_readme_runs(folder_with_pictures, capsys):
    examples = fences("README.md", "python")
    # One after the other in one program, as a reader would try them.
    exec(compile("\n".join(examples), "README.md", "exec"), {"__name__": "readme"})

    assert examples != []
    assert capsys.readouterr().err == ""


def shell_lines(name: str) -> list[list[str]]:
    """The lines of shell examples that call calligram, as words, without pipes and redirections."""
    lines = [
        line
        for kind in ("sh", "console", "shell", "bash")
        for body in fences(name, kind)
        for line in body.splitlines()
    ]
    found = []
    for line in lines:
        for part in re.split(r"\||&&|;", line.removeprefix("$ ")):
            parts = shlex.split(part, comments=True)
            if parts and parts[0].removeprefix("bin/") == "calligram":
                end = next((i for i, word in enumerate(parts) if word[0] in "<>"), len(parts))
                found.append(parts[1:end])
    return found


@pytest.mark.parametrize("page", ["README.md", "docs/cli.md", "docs/bulk.md"])
def test_the_commands_that_are_shown_can_be_read(page, capsys):
    # argparse would end the test with SystemExit at the first that it can't read.
    read = [parser().parse_args(commanded(line)) for line in shell_lines(page) if not asks(line)]

    assert len(read) > 0


def asks(line: list[str]) -> bool:
    """Does this line only ask for help or the version, and leave?"""
    return bool({"--help", "-h", "--version"} & set(line))


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)

    assert [link for link in LINK.findall(text) if not (page.parent / link).exists()] == []


def test_the_version_is_said_once():
    said = re.search(r'^version = "(.+)"$', text_of("pyproject.toml"), re.MULTILINE)

    assert said[1] == calligram.__version__
    assert calligram.__version__ in text_of("CHANGELOG.md")


@pytest.mark.parametrize("lock", ["run", "all", "test"])
def test_the_locks_name_all_that_is_required(lock):
    required = re.search(
        r"^dependencies = \[(.*?)^\]", text_of("pyproject.toml"), re.DOTALL | re.MULTILINE
    )
    names = re.findall(r'^ +"([\w-]+)', required[1], re.MULTILINE)

    assert {name.lower() for name in names} <= {name for name, _ in locked(lock)}


def test_the_lock_of_all_commands_names_what_every_extra_brings():
    extras = re.search(
        r"^\[project.optional-dependencies\]\n(.*?)^\[", text_of("pyproject.toml"), re.S | re.M
    )
    names = re.findall(r'^ +"([\w-]+)', extras[1], re.MULTILINE)

    assert {name.lower() for name in names} <= {name for name, _ in locked("all")}


@pytest.mark.parametrize(("smaller", "larger"), [("run", "all"), ("all", "test")])
def test_each_lock_holds_the_one_before_it(smaller, larger):
    assert locked(smaller) - locked(larger) == set()


def locked(name: str) -> set[tuple[str, str]]:
    """
    Name, and line with version and hashes, of what a lock file holds.

    Without markers: what only an older Python needs to run may be needed by every test.
    """
    text = re.sub(r" ; .*(?= \\$)", "", text_of(f"locks/{name}.txt"), flags=re.MULTILINE)
    entries = re.findall(r"^\S+==.*?(?=\n    #)", text, re.DOTALL | re.MULTILINE)
    return {(entry.partition("==")[0], entry) for entry in entries}
