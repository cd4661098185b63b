"""
Write what the commands say into the documents, where they ask for it, and draw their plots.

    <!-- calligram render --help -->          or another command that says the same each time
    ```text
    ... what stands here is replaced ...
    ```

    .venv/bin/python tools/docs.py      tests/test_documents.py fails where it should have been run
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"(<!-- calligram (.*?) -->\n```text\n)(.*?)(```\n)", re.DOTALL)
SWEEP = "docs/capacity/sweep.json"
PLOTS = {
    "docs/capacity/sweep.svg": ["load", "--from", SWEEP],
    "docs/capacity/plan.svg": ["plan", SWEEP, "--simulate"],
}


def main() -> None:
    for path in sorted(ROOT.glob("docs/**/*.md")):
        text = path.read_text()
        fresh = BLOCK.sub(lambda match: match[1] + said(match[2].split()) + match[4], text)
        if fresh != text:
            path.write_text(fresh)
            print(f"wrote {path.relative_to(ROOT)}")
    for name, command in PLOTS.items():
        said([*command, "--plot", name])


def said(command: list[str]) -> str:
    """What `calligram COMMAND` prints in a window of 80 columns, without colours."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "calligram", *command],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "80", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.rstrip() + "\n"


if __name__ == "__main__":
    main()
