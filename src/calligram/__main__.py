"""`python -m calligram` is the `calligram` command."""

from __future__ import annotations

import sys

from calligram.cli import main

if __name__ == "__main__":
    sys.exit(main())
