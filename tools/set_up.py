"""
Make `.venv` hold what a lock file says. Only the standard library, Python >= 3.11.

    python3 tools/set_up.py run     what the command and the service need
    python3 tools/set_up.py all     that, and what measuring and planning need
    python3 tools/set_up.py test    all that, and what the tests need

    1. lock      .venv.lock            two at once: the second waits, and finds the work done
    2. make      .venv                 anew, unless only a larger level's packages are missing
    3. install   by the lock           every file is checked against its hash
    4. stamp     .venv/locks/*.txt     copies of what is now installed, put in place last

bin/calligram and bin/test compare the stamp with the lock, and come here if they differ. A
set-up that is cut in the middle has no stamp, so nobody takes its .venv for a whole one,
and the next one starts anew. Nothing but the .venv's own `python` is used of it, and the
path to the sources is relative, so a checkout that is moved goes on working.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "locks"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMPS = VENV / "locks"
LEVELS = {
    "run": ["run.txt"],
    "all": ["all.txt", "run.txt"],
    "test": ["test.txt", "all.txt", "run.txt"],
}
"""What each level may be stamped with: each lock holds all that those before it do."""
PURPOSES = {"run": "the command", "all": "all commands", "test": "the tests"}

COMMAND = """\
#!{python}
import sys

from calligram.cli import main

if __name__ == "__main__":
    sys.exit(main())
"""


def main() -> int:
    level = sys.argv[1] if len(sys.argv) == 2 else ""
    if level not in LEVELS:
        return fail(f"usage: set_up.py {'|'.join(LEVELS)}")
    try:
        with locked() as lock:
            if not fits(level):
                set_up(level, lock)
    except subprocess.CalledProcessError as error:
        return fail(f"setting up .venv failed ({Path(error.cmd[0]).name}, see above); try again")
    except OSError as error:
        return fail(f"setting up .venv failed: {error}")
    except KeyboardInterrupt:
        return fail("setting up .venv was interrupted; the next start begins it anew")
    return 0


def fits(level: str) -> bool:
    """Is all of `level` installed, by the lock files as they are now?"""
    name = f"{level}.txt"
    return PYTHON.exists() and same(LOCKS / name, STAMPS / name)


def same(one: Path, other: Path) -> bool:
    return one.is_file() and other.is_file() and one.read_bytes() == other.read_bytes()


def set_up(level: str, lock: int) -> None:
    say(f"setting up .venv for {PURPOSES[level]} (once)...")
    uv = shutil.which("uv")
    if fits("run"):
        # Adding to a whole .venv; what fits now must not be believed of what fits half-way.
        shutil.rmtree(STAMPS)
    else:
        make_venv(uv, lock)
    install(uv, LOCKS / f"{level}.txt", lock)
    add_project()
    stamp(LEVELS[level])


def make_venv(uv: str | None, lock: int) -> None:
    if VENV.exists():
        # The stamp first: a removal that is cut in the middle must not leave it behind.
        shutil.rmtree(STAMPS, ignore_errors=True)
        shutil.rmtree(VENV)
    if uv:
        # UV_PYTHON or a .python-version might name another; take the one that was checked.
        run([uv, "venv", "--quiet", "--no-project", "--python", sys.executable, VENV], lock)
    else:
        run([sys.executable, "-m", "venv", VENV], lock)


def install(uv: str | None, file: Path, lock: int) -> None:
    # --no-deps: the lock is complete, and nothing beside it may come along.
    what = ["--quiet", "--require-hashes", "--no-deps", "--requirement", file]
    if uv:
        run([uv, "pip", "install", "--python", PYTHON, "--compile-bytecode", *what], lock)
    else:
        pip = [PYTHON, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]
        run([*pip, "install", "--progress-bar=off", *what], lock)


def add_project() -> None:
    """Make `import calligram` and .venv/bin/calligram work, from the sources as they are."""
    site = next((VENV / "lib").glob("python3*/site-packages"))
    # site.py reads a path here as seen from this folder.
    (site / "calligram.pth").write_text(os.path.relpath(ROOT / "src", site) + "\n")
    command = VENV / "bin" / "calligram"
    command.write_text(COMMAND.format(python=PYTHON))
    command.chmod(0o755)


def stamp(names: list[str]) -> None:
    STAMPS.mkdir()
    for name in names:
        shutil.copyfile(LOCKS / name, STAMPS / f"{name}.new")
        os.replace(STAMPS / f"{name}.new", STAMPS / name)


@contextmanager
def locked() -> Iterator[int]:
    """One set-up at a time. The system drops the lock with the last process that holds it."""
    with (ROOT / ".venv.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another set-up of .venv is under way; waiting for it...")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def run(command: list[str | Path], lock: int) -> None:
    # The installer holds the lock too: if this process is killed and the installer lives
    # on, the next set-up waits for it instead of clearing the .venv under its hands.
    # Standard output belongs to the command that the user asked for.
    subprocess.run(
        command, check=True, pass_fds=[lock], stdin=subprocess.DEVNULL, stdout=sys.stderr
    )


def say(message: str) -> None:
    print(f"calligram: {message}", file=sys.stderr, flush=True)


def fail(message: str) -> int:
    say(message)
    return 1


if __name__ == "__main__":
    sys.exit(main())
