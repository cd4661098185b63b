"""
What holds for every test.

    one seed      for all random numbers of a run, printed at its head
    no sleep      a test that waits for the clock is slow today and flaky tomorrow
    no network    only this machine's own addresses
    ctrl-c        ends what tests start, also where tests run in the background
    no silence    with CALLIGRAM_TEST_ALL (bin/test --all) a skipped test is a failure
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = (str(ROOT / "src") + os.sep, str(ROOT / "tests") + os.sep)

ALL = os.environ.get("CALLIGRAM_TEST_ALL") == "1"
SEED = int(os.environ.get("CALLIGRAM_TEST_SEED") or random.SystemRandom().randrange(2**32))

SKIPS_ALLOWED: dict[str, str] = {}
"""Test's id -> why even `bin/test --all` may skip it. A short list, best an empty one."""

skipped: list[str] = []

# A shell starts what is to run in the background with SIGINT ignored, and all that we start
# would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)  # Hypothesis's own plugin reads the seed in the same hook
def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("hypothesis_seed", None) is None:
        config.option.hypothesis_seed = SEED
    hypothesis.settings.register_profile(
        "calligram",
        deadline=None,  # a shared machine's slow moment is no bug
        print_blob=True,
        derandomize=False,
    )
    hypothesis.settings.load_profile("calligram")


def pytest_report_header() -> list[str]:
    return [
        f"seed: CALLIGRAM_TEST_SEED={SEED}",
        f"servers and browsers: {'all' if ALL else 'if here'}",
    ]


def pytest_collection_finish() -> None:
    # Tests have read their own by now, and what is tested refuses settings that it doesn't know.
    for name in [name for name in os.environ if name.startswith("CALLIGRAM_")]:
        del os.environ[name]


@pytest.fixture
def seed() -> int:
    """This run's seed."""
    return SEED


@pytest.fixture
def random_generator(seed: int) -> np.random.Generator:
    """Random numbers that CALLIGRAM_TEST_SEED repeats; the same in whatever order tests run."""
    return np.random.default_rng(seed)


# --- Real servers and browsers -------------------------------------------------------------


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("server"):
        for command in marker.args:
            if shutil.which(command) is None:
                if ALL:
                    pytest.fail(f"needs {command}: it belongs on the list in tools/test-servers")
                pytest.skip(f"needs {command}: bin/test --all installs it")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    note_skip(report)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    note_skip(report)


def note_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    # A test that is expected to fail, and does, is reported as skipped but was run.
    if report.skipped and not hasattr(report, "wasxfail") and report.nodeid not in SKIPS_ALLOWED:
        skipped.append(report.nodeid)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if ALL and skipped and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if ALL and skipped:
        terminalreporter.section("skipped, where no test may be (bin/test --all)", red=True)
        for nodeid in skipped:
            terminalreporter.line(nodeid)


# --- No sleep, no network ------------------------------------------------------------------

real_sleep = time.sleep
real_connect = socket.socket.connect
real_connect_ex = socket.socket.connect_ex
real_getaddrinfo = socket.getaddrinfo


class Forbidden(AssertionError):
    """A test did what no test may."""


def no_sleep(seconds: float) -> None:
    # Libraries may poll (subprocess does, while it waits with a timeout); we may not.
    if sys._getframe(1).f_code.co_filename.startswith(OURS):
        raise Forbidden("a test sleeps: wait for the event, or hand in a clock")
    real_sleep(seconds)


def check_address(address: Any) -> None:
    if isinstance(address, tuple):
        check_host(address[0])


def check_host(host: Any) -> None:
    """Only this machine. Paths of Unix sockets are bytes or str without a tuple, and pass."""
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost"):
        return
    try:
        local = ip_address(name).is_loopback
    except ValueError:
        local = False
    if not local:
        raise Forbidden(f"a test reaches for the network: {name}")


def connect(self: socket.socket, address: Any) -> None:
    check_address(address)
    real_connect(self, address)


def connect_ex(self: socket.socket, address: Any) -> int:
    check_address(address)
    return real_connect_ex(self, address)


def getaddrinfo(host: Any, *arguments: Any, **named: Any) -> Any:
    check_host(host)
    return real_getaddrinfo(host, *arguments, **named)


# At import and not in a fixture: `from time import sleep` in a test module comes later.
time.sleep = no_sleep
socket.socket.connect = connect  # type: ignore[method-assign] # the point of this module
socket.socket.connect_ex = connect_ex  # type: ignore[method-assign] # the same
socket.getaddrinfo = getaddrinfo


@pytest.fixture(scope="module")
def weed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """An S3 server of a module's own; who kills it has one for each test."""
    # Here, as only those who ask for it need what it imports.
    from s3_server import Weed

    server = Weed(tmp_path_factory.mktemp("weed"))
    yield server
    server.kill()
