"""
What the command says on standard error: one line for one thing, safe to show.

    calligram: <what it is about>: <what was found, and what would do>

Names of files come from strangers too. Whatever could move a terminal's cursor, recolour
it or start a new line is written as an escape such as `\\x1b`.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any, NoReturn

from calligram.cli.status import MISUSED
from calligram.errors import CalligramError


class Misused(Exception):
    """The command line is wrong; nothing is done."""


class Undone(Exception):
    """One thing can't be done, and the others can: `about` which, and what was `found`."""

    def __init__(self, about: str, found: str) -> None:
        super().__init__(about, found)
        self.about = about
        self.found = found


def printable(text: str) -> str:
    """`text` on one line, every character that isn't plainly visible as an escape."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def say(*parts: str) -> None:
    """One line on standard error: what it is about, then what was found."""
    # Without standard error there is nobody to tell; the exit status tells enough.
    if sys.stderr is not None:
        line = ": ".join(printable(part) for part in ("calligram", *parts))
        # One write, so that lines of two processes don't mix.
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


def described(error: Exception) -> str:
    """What an error says; with its code, which docs/errors.md explains, if it is one of ours."""
    if isinstance(error, CalligramError):
        return f"{error} [{error.code}]"
    if isinstance(error, OSError) and error.strerror:
        # The system's own words, but not the path in them: the line begins with it.
        return error.strerror.lower()
    return str(error)


class Parser(argparse.ArgumentParser):
    """argparse, with errors of one line, and without guessing what `--col` might mean."""

    def __init__(self, **named: Any) -> None:
        super().__init__(allow_abbrev=False, **named)

    def error(self, message: str) -> NoReturn:
        say(f"{message} (see {self.prog} --help)")
        raise SystemExit(MISUSED)


class MixedParser(Parser):
    """
    Takes options before, between and after the pictures: `a.jpg --columns 60 b.jpg`.

    argparse alone wants the pictures side by side. Its own remedy, parse_intermixed_args,
    forgets that names after `--` are no options.
    """

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        if self._subparsers is not None:
            # What comes after a command's name is the business of that command's own parser.
            return super().parse_known_args(args, namespace)
        words = list(args)
        options: list[str] = []
        names: list[str] = []
        while words:
            word = words.pop(0)
            if word == "--":
                names += words
                break
            if word == "-" or not word.startswith("-"):
                names.append(word)
                continue
            options.append(word)
            action = self._option_string_actions.get(word)
            if action is not None and action.nargs is None and words:
                options.append(words.pop(0))
        # A command that takes no names knows no "--" either.
        names = ["--", *names] if names else []
        return super().parse_known_args([*options, *names], namespace)
