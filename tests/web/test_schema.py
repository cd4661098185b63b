"""
What /openapi.json says is what the server does: Schemathesis asks it for all that may be asked.

As a program of its own: what it brings along and how it uses threads is no matter of these tests.
The same CALLIGRAM_TEST_SEED asks the same again.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
EXAMPLES_MAX = 15
SECONDS_MAX = 300

# Of bytes that only say that they are a picture most are refused, and so are characters that
# stand twice: no schema can tell those from others.
CHECKS_LEFT_OUT = "positive_data_acceptance"


def test_the_server_keeps_to_its_own_description(server, seed, tmp_path):
    run = subprocess.run(
        [
            *(SCHEMATHESIS, "run", f"http://127.0.0.1:{server.port}/openapi.json"),
            *("--seed", str(seed), "--max-examples", str(EXAMPLES_MAX)),
            *("--exclude-checks", CHECKS_LEFT_OUT, "--request-timeout", "30"),
            *("--continue-on-failure", "--no-color"),
        ],
        cwd=tmp_path,  # it leaves a folder behind
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
    )

    assert run.returncode == 0, run.stdout + run.stderr
    operations = sum(len(path) for path in server.get("/openapi.json").json["paths"].values())
    assert f"Tested: {operations}" in run.stdout, run.stdout
