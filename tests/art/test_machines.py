"""
Promise 1 on other machines: the golden files hold whatever the processor and the threads.

BLAS and numpy choose their code by the processor they find. Both can be told to believe
in another one, so this machine can stand in for several.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

GOLDEN = Path(__file__).with_name("test_golden.py")

# What numpy was built to use beyond its baseline, and this processor has.
OPTIONAL = " ".join(
    name
    for name in np._core._multiarray_umath.__cpu_dispatch__  # type: ignore[attr-defined]  # not typed
    if np._core._multiarray_umath.__cpu_features__.get(name)  # type: ignore[attr-defined]  # not typed
)

MACHINES = {
    "haswell": {"OPENBLAS_CORETYPE": "Haswell"},
    "zen": {"OPENBLAS_CORETYPE": "Zen"},
    "sandybridge": {"OPENBLAS_CORETYPE": "Sandybridge"},
    "one thread": {"OPENBLAS_NUM_THREADS": "1"},
    "two threads": {"OPENBLAS_NUM_THREADS": "2"},
    "plain numpy": {"NPY_DISABLE_CPU_FEATURES": OPTIONAL},
}


@pytest.mark.parametrize("machine", MACHINES)
def test_the_golden_files_hold_on(machine: str) -> None:
    environment = {**os.environ, **MACHINES[machine]}

    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(GOLDEN)],
        env=environment,
        capture_output=True,
        text=True,
    )

    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-1000:]
