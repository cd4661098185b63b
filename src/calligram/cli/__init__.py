"""
The command line, and only the command line.

    main -> parser -> COMMANDS -> one module a command, loaded when its command is called

A command reads its arguments, calls the room that does the work, writes the answer, and
returns an exit status (see `status`). To add a command, add a row to COMMANDS.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import NoReturn

from calligram.cli.messages import MixedParser, Parser
from calligram.cli.status import DONE, INTERRUPTED, NOT_READ
from calligram.cli.streams import forget_output


@dataclass(frozen=True, slots=True)
class Command:
    """
    One command: what it is for, and the module of this room that has its `add_arguments` and
    `run`. It is loaded when it is called: the engine takes longer than `--version` should.
    """

    summary: str
    module: str

    def add_arguments(self, parser: Parser) -> None:
        """Give `parser` the command's arguments."""
        self.load().add_arguments(parser)

    def run(self, arguments: argparse.Namespace, parser: Parser) -> int:
        """Do what `arguments` say; returns the exit status."""
        status: int = self.load().run(arguments, parser)
        return status

    def load(self) -> ModuleType:
        return import_module(f"calligram.cli.{self.module}")


COMMANDS: Mapping[str, Command] = {
    "render": Command("draw pictures as text", "render"),
    "serve": Command("serve pictures as text over HTTP", "serve"),
    "store": Command("verify, back up and restore what is kept", "store"),
    "bulk": Command("draw whole collections, on one machine or many", "bulk"),
    "bulk compare": Command("tell what another algorithm would change", "bulk_compare"),
    "load": Command("measure how fast a server is", "load"),
    "plan": Command("plan servers and their cost from a measurement", "plan"),
}

EXAMPLES = """\
examples:
  calligram render photo.jpg
  calligram render photo.jpg --columns 60 --characters braille
  calligram render --help
"""


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run the command line `argv`, by default the process's own, and tell the exit status.

    Raises SystemExit after --help, --version and a usage error, as argparse does.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        try:
            return run(words)
        finally:
            # Here and not at the interpreter's end, where an error could no longer be told.
            if sys.stdout is not None:
                sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        forget_output()
        return NOT_READ


def run(words: Sequence[str]) -> int:
    words = commanded(words)
    name = words[0] if words else ""
    if name not in COMMANDS and not name.startswith("-"):
        found = f"there is no command {name}" if name else "a command is missing"
        parser(only="").error(f"{found}; there are: {', '.join(COMMANDS)}")
    arguments = parser(only=name).parse_args(words)
    # What the command has to say about its arguments, its own parser says.
    return COMMANDS[arguments.command].run(arguments, arguments.parser)


def commanded(words: Sequence[str]) -> list[str]:
    """`words` with the command as one word, as argparse wants it: some have two."""
    two = " ".join(words[:2])
    return [two, *words[2:]] if len(words) > 1 and two in COMMANDS else list(words)


def parser(*, only: str | None = None) -> Parser:
    """
    The parser of the whole command line.

    With `only`, the other commands are listed but can't be parsed, and needn't be loaded.
    """
    whole = Parser(
        prog="calligram",
        usage="calligram COMMAND ...",
        description="Pictures in, text out.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whole.add_argument("--version", action=Version, nargs=0, help="show the versions and exit")
    table = whole.add_subparsers(
        title="commands",
        dest="command",
        metavar="COMMAND",
        required=True,
        parser_class=MixedParser,
    )
    for name, command in COMMANDS.items():
        one = table.add_parser(
            name,
            prog=f"calligram {name}",
            help=command.summary,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        one.set_defaults(parser=one)
        if only in (None, name):
            command.add_arguments(one)
    return whole


class Version(argparse.Action):
    """--version. argparse's own action wants the text beforehand, and looking it up takes time."""

    def __call__(self, *_: object, **__: object) -> NoReturn:
        print(versions())
        raise SystemExit(DONE)


def versions() -> str:
    """Our version, and those of what has a say in the pixels."""
    from importlib.metadata import version

    from calligram import __version__

    python = ".".join(map(str, sys.version_info[:3]))
    numpy, pillow = version("numpy"), version("Pillow")
    return f"calligram {__version__} (Python {python}, numpy {numpy}, Pillow {pillow})"
