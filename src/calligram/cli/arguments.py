"""
The flags of `calligram render`, built from the one list of options.

An option of OPTIONS is a flag of the same name, its limits are in the help text, and what
the user typed goes to Options.read as it is: the command knows no limit of its own, so its
answers to wrong values are the library's and the service's.
"""

from __future__ import annotations

import argparse
from collections.abc import Collection, Mapping

from calligram.art.formats import FORMATS
from calligram.art.options import OPTIONS, Option

USAGE = "calligram render PICTURE... [options] [--format FORMAT] [-o FILE]"

DESCRIPTION = """\
Draw pictures as text. A PICTURE is a file, a folder (every picture in it and in
its subfolders is drawn), or - for standard input. JPEG, PNG, GIF, WebP, AVIF,
BMP and TIFF are read, whatever the files are called.
"""

EPILOG = """\
examples:
  calligram render photo.jpg
  calligram render photo.jpg --columns 60 --characters braille
  calligram render photo.jpg --colour full -o photo.html
  calligram render holiday/ --format png -o drawn/
  curl -s https://example.com/photo.jpg | calligram render -

exit status: 0 all drawn; 1 something was not drawn or not written; 2 the
command line is wrong, nothing was done; 130 interrupted; 141 output unread.
"""

METAVARS = {"whole": "N", "number": "NUMBER", "characters": "CHARACTERS"}

DEFAULTS_HERE = {
    "columns": "the terminal's width, 80 elsewhere",
    "colour": "the terminal's own, full for the format ansi, none elsewhere",
    "background": "the terminal's if it tells, else dark",
}
"""Where the command asks the terminal before it takes the default of OPTIONS."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give `parser` all that `calligram render` takes."""
    parser.usage, parser.description, parser.epilog = USAGE, DESCRIPTION, EPILOG
    # Not "+": the message for none should say what a picture may be.
    parser.add_argument("pictures", nargs="*", metavar="PICTURE", help=argparse.SUPPRESS)
    files = parser.add_argument_group("where the art goes")
    # No long name beside it in the help: Python's versions print the two differently.
    files.add_argument(
        "-o",
        dest="output",
        metavar="FILE",
        help="write to this file; to this folder if it ends with / or is one, "
        "under the pictures' names",
    )
    files.add_argument("--output", dest="output", help=argparse.SUPPRESS)
    files.add_argument(
        "--format",
        metavar="|".join(FORMATS),
        help="how the art is written down (default: as FILE ends; else ansi with colour, "
        "txt without)",
    )
    add_options(parser)


def add_options(
    parser: argparse.ArgumentParser,
    *,
    defaults_here: Mapping[str, str] = DEFAULTS_HERE,
    without: Collection[str] = (),
) -> None:
    """Add a flag for each option but those `without`; `defaults_here` are told in the help."""
    shape = parser.add_argument_group("what shapes the art")
    for option in OPTIONS.values():
        if option.name in without:
            continue
        flag = "--" + option.name.replace("_", "-")
        # argparse takes % for the start of a field.
        text = help_of(option, defaults_here).replace("%", "%%")
        if option.kind == "switch":
            shape.add_argument(
                flag, dest=option.name, action="store_const", const="true", help=text
            )
        else:
            metavar = METAVARS.get(option.kind, "|".join(option.choices))
            shape.add_argument(flag, dest=option.name, metavar=metavar, help=text)
    parser.add_argument("--color", dest="colour", help=argparse.SUPPRESS)


def help_of(option: Option, defaults_here: Mapping[str, str]) -> str:
    """What the option does, its limits and its default."""
    notes = []
    if option.least is not None:
        notes.append(f"{option.least} to {option.most}")
    if option.name in defaults_here:
        notes.append(f"default: {defaults_here[option.name]}")
    elif option.default not in (None, False):
        notes.append(f"default: {option.default}")
    return option.help + (f" ({'; '.join(notes)})" if notes else "")


def texts_of(arguments: argparse.Namespace) -> dict[str, str]:
    """The options that the user gave, as typed."""
    given = {name: getattr(arguments, name) for name in OPTIONS}
    return {name: text for name, text in given.items() if text is not None}
