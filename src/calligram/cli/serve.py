"""
`calligram serve`: the HTTP service, until it is told to stop.

All settings are environment variables (docs/settings.md); the three that are wanted on the
command line most often have flags, which win over their variables.
"""

from __future__ import annotations

import argparse
import os

from calligram.cli.messages import Parser, say
from calligram.cli.status import DONE, NOT_DONE
from calligram.settings import Settings, SettingsRefused, variable

FLAGS = ("host", "port", "workers")


def add_arguments(parser: Parser) -> None:
    """Add what `calligram serve` takes."""
    parser.add_argument("--host", help="address to serve at (default 127.0.0.1: this machine only)")
    parser.add_argument("--port", type=int, help="port; 0 takes any free one (default 8080)")
    parser.add_argument(
        "--workers", type=int, metavar="N", help="server processes (default: one for each core)"
    )
    parser.epilog = "All other settings are environment variables: see docs/settings.md."


def run(arguments: argparse.Namespace, parser: Parser) -> int:
    """Serve until SIGTERM or Ctrl-C, and tell the exit status."""
    for name in FLAGS:
        value = getattr(arguments, name)
        if value is not None:
            # Server processes read the same variables.
            os.environ[variable(name)] = str(value)
    try:
        settings = Settings.from_environment(os.environ)
    except SettingsRefused as error:
        parser.error(str(error))
    try:
        from calligram.compose.server import serve
    except ModuleNotFoundError as error:
        say(f"{error.name} is missing; pip install 'calligram[serve]' brings all that serves")
        return NOT_DONE
    try:
        serve(settings)
    except SettingsRefused as error:
        parser.error(str(error))
    return DONE
