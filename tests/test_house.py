"""
The rules of the house, held by reading the code and not by reviewers.

Where the arrows between rooms, the pure parts, sizes, names and reasons are as
docs/architecture.md says, all of this is green. A rule that is in the way is changed here,
in the open, with its reason.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

import calligram
from calligram import errors

ROOT = Path(__file__).resolve().parent.parent
SRC = ROOT / "src"

# What a measurement means and what a fleet costs is reckoned from values alone.
CAPACITY_PURE = [
    *("sweep", "laws", "fits", "latencies", "honesty", "queueing", "popularity", "sheets"),
    *("traffic", "cost", "levers", "planning", "fleet", "tables", "plan_tables"),
]

# Top to bottom. A module may import from its own layer and from the layers below.
# `calligram` is the package's face, __init__.py: it shows the library and nothing above it.
LAYERS = [
    ["calligram.__main__"],
    ["calligram.cli"],
    ["calligram.compose"],
    ["calligram.web", "calligram.shadow", "calligram.care", "calligram.capacity", "calligram.bulk"],
    ["calligram.service", "calligram.kept"],
    ["calligram.work"],
    ["calligram.store", "calligram.rollout", "calligram.settings", "calligram.telemetry"],
    [
        "calligram.store.keys",
        "calligram.store.records",
        "calligram.store.items",
        "calligram.store.schedule",
        "calligram.rollout.policy",
        "calligram.shadow.compare",
        *(f"calligram.capacity.{name}" for name in CAPACITY_PURE),
    ],
    ["calligram", "calligram.library"],
    ["calligram.art"],
    ["calligram.errors"],
]
PURE_ROOMS = [*LAYERS[-4], *LAYERS[-2], *LAYERS[-1]]

# The world: clocks, files, processes, sockets, logs, the environment, chance.
WORLD = {
    *("asyncio", "datetime", "glob", "http", "io", "logging", "multiprocessing", "os", "pathlib"),
    *("random", "secrets", "select", "shutil", "signal", "socket", "sqlite3", "ssl", "subprocess"),
    *("sys", "tempfile", "time", "urllib", "uuid"),
}
# module -> what it may import of the world after all, and why
WORLD_ALLOWED = {
    "calligram.art.decode": {"io"},  # BytesIO, which is a file only to Pillow
}
WORLDLY_CALLS = {"open", "print", "input", "breakpoint", "exec", "eval", "__import__"}

LINES_MAX = 300
# module -> what it may have instead, and why
LINES_ALLOWED = {
    "calligram.errors": 400,  # a list, which is only of use whole: seven lines for each error
}
FUNCTION_LINES_MAX = 60
# Names that gather whatever has no home.
ATTICS = {"utils", "util", "helpers", "helper", "common", "core", "manager", "misc", "base"}

PUBLIC = (
    "ALGORITHMS",
    "Art",
    "FORMATS",
    "Limits",
    "OPTIONS",
    "Options",
    "__version__",
    "render",
)

MODULES = sorted(SRC.rglob("*.py"))
OWN_FILES = sorted(
    path
    for folder in ("src", "tests", "tools", "bench")
    for path in (ROOT / folder).rglob("*.py")
    if "__pycache__" not in path.parts
)


def name_of(path: Path) -> str:
    parts = path.relative_to(SRC).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(path: Path) -> str:
    return name_of(path).split(".")[1]


def is_in(module: str, room: str) -> bool:
    return module == room or (module.startswith(f"{room}.") and room != "calligram")


def layer_of(module: str) -> int:
    """The layer of the longest room that `module` is in; there is one for every module."""
    rooms = [
        (len(room), i) for i, layer in enumerate(LAYERS) for room in layer if is_in(module, room)
    ]
    assert rooms, f"{module} is in no room: put it into LAYERS, and into docs/architecture.md"
    return max(rooms)[1]


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def imports_of(path: Path) -> Iterator[str]:
    """Every module that `path` imports, anywhere in it: lazily is still an arrow."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            for alias in node.names:
                # `from package import module` is an import of package.module.
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in NAMES else str(node.module)


NAMES = {name_of(path) for path in MODULES}
PURE = [path for path in MODULES if any(is_in(name_of(path), room) for room in PURE_ROOMS)]
for_every_module = pytest.mark.parametrize("path", MODULES, ids=name_of)
for_every_pure_module = pytest.mark.parametrize("path", PURE, ids=name_of)
for_every_own_file = pytest.mark.parametrize(
    "path", OWN_FILES, ids=lambda path: str(path.relative_to(ROOT))
)


@for_every_module
def test_imports_point_down(path):
    ours = [name for name in imports_of(path) if name.split(".")[0] == "calligram"]
    up = [name for name in ours if layer_of(name) < layer_of(name_of(path))]

    assert up == []


@for_every_pure_module
def test_a_pure_part_knows_no_world(path):
    imported = {name.split(".")[0] for name in imports_of(path)}
    called = {
        node.func.id
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }

    assert imported & WORLD <= WORLD_ALLOWED.get(name_of(path), set())
    assert called & WORLDLY_CALLS == set()


@for_every_pure_module
def test_a_pure_part_needs_only_numpy_and_pillow(path):
    imported = {name.split(".")[0] for name in imports_of(path)}

    # The library must do without these; pure parts of what an extra brings may use the extra's.
    strict = {"store": {"msgspec"}, "capacity": {"scipy", "hdrh"}}.get(room_of(path), set())
    assert imported - sys.stdlib_module_names <= {"numpy", "PIL", "calligram"} | strict


def test_data_is_read_in_one_place_of_the_engine():
    readers = [name_of(path) for path in PURE if "importlib" in path.read_text()]

    # The glyphs are data of the engine itself: read once, the same on every machine.
    assert readers == ["calligram.art.glyphs"]


@for_every_module
def test_a_module_is_not_too_long(path):
    limit = LINES_ALLOWED.get(name_of(path), LINES_MAX)

    assert len(path.read_text().splitlines()) <= limit


@for_every_own_file
def test_a_function_fits_a_screen(path):
    long = {
        node.name: length
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := node.end_lineno - node.lineno + 1) > FUNCTION_LINES_MAX
    }

    assert long == {}


@for_every_own_file
def test_a_module_opens_by_teaching(path):
    assert ast.get_docstring(tree_of(path))


@for_every_own_file
def test_a_module_is_named_for_what_it_is(path):
    words = {
        word for part in path.relative_to(ROOT).with_suffix("").parts for word in part.split("_")
    }

    assert words & ATTICS == set()


@for_every_own_file
def test_an_exception_to_a_rule_carries_its_reason(path):
    with path.open("rb") as file:
        comments = [
            token.string
            for token in tokenize.tokenize(file.readline)
            if token.type == tokenize.COMMENT
        ]
    exceptions = [
        line for line in comments if re.search(r"\bnoqa\b|type: ignore|pragma: no cover", line)
    ]

    # A reason may follow another "#" or a dash.
    assert [line for line in exceptions if not re.search(r"\w\]?\s+(#|-|--)\s+\w+", line)] == []


def test_the_public_names_are_the_promised_ones():
    promised = {*PUBLIC, *(cls.__name__ for cls in error_classes())}

    assert set(calligram.__all__) == promised
    assert [name for name in promised if not hasattr(calligram, name)] == []


def error_classes() -> list[type[errors.CalligramError]]:
    classes = [value for value in vars(errors).values() if isinstance(value, type)]
    return [cls for cls in classes if issubclass(cls, errors.CalligramError)]


def test_the_tree_of_errors_is_the_one_that_is_drawn():
    drawn = re.findall(r"^( {4,})([A-Z]\w+)(?:  .*)?$", errors.__doc__, re.MULTILINE)
    in_code = list(branches(errors.CalligramError, 4))

    assert [(len(indent), name) for indent, name in drawn] == in_code


def branches(cls: type, indent: int) -> Iterator[tuple[int, str]]:
    yield indent, cls.__name__
    for child in cls.__subclasses__():
        yield from branches(child, indent + 2)


def test_every_error_has_a_code_of_its_own():
    codes = [cls.code for cls in error_classes()]

    assert len(set(codes)) == len(codes)
    assert [code for code in codes if not re.fullmatch(r"[a-z]+(-[a-z]+)*", code)] == []


# Each would tie the project to the machine that it was written on, or to a mirror.
STRANGE_WORDS = re.compile(
    r"(?<![\w.<$}])/(?:work|root|home|Users|tmp|opt)/[a-z]"
    r"|\bindex-url\s*=|\bfind-links\s*=|--(?:extra-)?index-url https?:"
    r"|\b(?:localhost|127\.0\.0\.1):\d+/simple\b"
)
# Files that are about paths of other machines.
STRANGE_WORDS_ALLOWED = ("deploy/", "docs/operating.md", "tests/test_house.py")


def test_no_file_names_the_machine_that_it_was_written_on():
    found = [
        f"{path}: {match.group()}"
        for path in files_of_the_project()
        if not path.startswith(STRANGE_WORDS_ALLOWED)
        for match in STRANGE_WORDS.finditer((ROOT / path).read_bytes().decode("utf-8", "ignore"))
    ]

    assert found == []


def files_of_the_project() -> list[str]:
    """What git tracks, or would; out of a checkout, whatever lies in the project's folders."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    names = listed.stdout.splitlines() if listed.returncode == 0 else []
    if not names:
        found = [*OWN_FILES, *ROOT.glob("*"), *ROOT.glob("docs/**/*"), *ROOT.glob("bin/*")]
        names = [str(path.relative_to(ROOT)) for path in found]
    return [name for name in names if (ROOT / name).is_file()]
