"""
What isn't a request's own line in the log: a record of Python's logging as one JSON object.
"""

from __future__ import annotations

import json
import logging
from typing import Any


class Line(logging.Formatter):
    """A record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        told = {"event": "server", "level": record.levelname.lower(), "told": record.getMessage()}
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told)


def log_settings() -> dict[str, Any]:
    """Granian's own few words, and what libraries have to say, as JSON lines like ours."""
    return {
        "formatters": {"line": {"()": Line}},
        "handlers": {
            "console": {
                "formatter": "line",
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stdout",
            }
        },
        "loggers": {
            name: {"handlers": ["console"], "level": "INFO", "propagate": False}
            for name in ("_granian", "calligram")
        },
    }
