"""What a user installs: the wheel, bare, without a word of the service's dependencies."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Refuses what only the extras bring, then does the library's work.
ENGINE_ALONE = """
import sys

REFUSED = {
    "dask", "granian", "litestar", "msgspec", "obstore", "prometheus_client", "stamina", "structlog"
}

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in REFUSED:
            raise ImportError(f"the engine imports {name}")

sys.meta_path.insert(0, Refuse())

import numpy as np
import calligram
import calligram.cli

art = calligram.render(np.zeros((8, 8), np.uint8), columns=4)
print(art.columns)
"""


def python(*arguments: str, cwd: Path, path: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        # -P and a PYTHONPATH in front of everything: the checkout must not stand in for the wheel.
        [sys.executable, "-P", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """The wheel, built from the checkout without the network, and unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    built = python("-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), cwd=ROOT)
    assert built.returncode == 0, built.stderr
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        file.extractall(folder / "site")
    return folder / "site"


def test_the_engine_needs_nothing_of_the_service(tmp_path):
    done = python("-c", ENGINE_ALONE, cwd=tmp_path)

    assert (done.stdout, done.stderr) == ("4\n", "")


def test_the_command_of_the_wheel_helps(unpacked, tmp_path):
    done = python("-m", "calligram", "--help", cwd=tmp_path, path=str(unpacked))

    assert (done.returncode, done.stderr) == (0, "")
    assert "render" in done.stdout


def test_it_is_the_wheel_that_was_asked(unpacked, tmp_path):
    done = python(
        "-c", "import calligram; print(calligram.__file__)", cwd=tmp_path, path=str(unpacked)
    )

    assert done.stdout.startswith(str(unpacked))


def test_the_wheel_carries_what_the_sources_carry(unpacked):
    carried = {path.relative_to(unpacked) for path in unpacked.rglob("*") if path.is_file()}
    sources = {
        path.relative_to(ROOT / "src")
        for path in (ROOT / "src" / "calligram").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }

    assert sources - carried == set()
    assert Path("calligram/py.typed") in carried


def test_the_wheel_carries_the_licence(unpacked):
    licences = [path.name for path in unpacked.rglob("licenses/**/*") if path.is_file()]

    assert "LICENSE" in licences
