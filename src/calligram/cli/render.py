"""
`calligram render`: pictures in, art out.

    look -> pictures -> where their art goes -> each: read, draw, write

What is wrong with the command line ends it before any art is written. What is wrong with
one picture is said, and the others are drawn.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from calligram.art.decode import open_picture
from calligram.art.formats import FORMATS, Format
from calligram.art.options import Options
from calligram.art.render import draw
from calligram.cli.arguments import add_arguments, texts_of
from calligram.cli.messages import Misused, Parser, Undone, described, printable, say
from calligram.cli.output import files_for, is_folder, write_file
from calligram.cli.pictures import STANDARD_INPUT, Source, sources_of
from calligram.cli.progress import progress
from calligram.cli.status import DONE, NOT_DONE
from calligram.cli.streams import silent_decoders, write_standard_output
from calligram.cli.terminal import Terminal, width_of
from calligram.errors import CalligramError, OptionsRefused

__all__ = ["add_arguments", "run"]

HEADED = {"txt", "ansi"}
"""Formats in which a picture's name may stand between two arts."""

ALONE = {"svg", "png"}
"""Formats of which two in one stream make no sense."""

BINARY = {"png"}


def run(arguments: argparse.Namespace, parser: Parser) -> int:
    """Draw what the command line asks for, and tell the exit status."""
    output = None if arguments.output in (None, "-") else arguments.output
    width = width_of(sys.stdout) if output is None else None
    terminal = Terminal.of(os.environ, width)
    try:
        check_pictures(arguments.pictures)
        format, options = look(arguments, output, terminal)
        if terminal.shown and format.name in BINARY:
            raise Misused(f"{format.name} is not for terminals; -o FILE or a pipe will do")
        sources, missing = find(arguments.pictures, output)
        files = places(sources, output, format)
    except (Misused, OptionsRefused) as error:
        parser.error(described(error))
    failed = draw_each(sources, files, format, options, beside_art=terminal.shown)
    return NOT_DONE if missing or failed else DONE


def check_pictures(pictures: Sequence[str]) -> None:
    if not pictures:
        raise Misused("no picture is named; a file, a folder or - for standard input will do")
    if "" in pictures:
        raise Misused("a picture has an empty name; a file, a folder or - will do")
    if pictures.count(STANDARD_INPUT) > 1:
        raise Misused("- stands twice, and standard input can be read once")


def look(
    arguments: argparse.Namespace, output: str | None, terminal: Terminal
) -> tuple[Format, Options]:
    """
    The format and the options: as said, else as the terminal has it, else the defaults.

    Raises OptionsRefused for a value that won't do, and Misused for a format that there is
    none of.
    """
    texts = texts_of(arguments)
    named = arguments.format if arguments.format is not None else format_by_suffix(output)
    if named is None:
        colour = "none" if terminal.muted else terminal.colour
    elif named == "ansi":
        # Who asks for ansi wants colours, NO_COLOR or not, and in a pipe too.
        colour = terminal.colour if terminal.colour != "none" else "full"
    else:
        colour = "none"
    options = Options.read(
        {
            "columns": str(terminal.columns),
            "background": terminal.background,
            "colour": colour,
            **texts,
        }
    )
    if named is None:
        named = "txt" if options.colour == "none" else "ansi"
    if named not in FORMATS:
        raise Misused(f"there is no format {named}; there are: {', '.join(FORMATS)}")
    return FORMATS[named], options


def format_by_suffix(output: str | None) -> str | None:
    """The format that a file's name ends in; None where it has no ending, or is a folder."""
    if output is None or is_folder(output):
        return None
    suffix = Path(output).suffix
    # A device or a pipe has the name that it has.
    if not suffix or (os.path.exists(output) and not os.path.isfile(output)):
        return None
    by_suffix = {format.suffix: name for name, format in FORMATS.items()}
    if suffix.lower() not in by_suffix:
        raise Misused(
            f"no format is written to {suffix} files; {', '.join(by_suffix)} will do, "
            "or --format FORMAT"
        )
    return by_suffix[suffix.lower()]


def find(pictures: Sequence[str], output: str | None) -> tuple[list[Source], int]:
    """All pictures in their order, and how many names led to none; each of those is said."""
    apart = Path(output) if output is not None and is_folder(output) else None
    sources: list[Source] = []
    missing = 0
    for path in pictures:
        try:
            sources += sources_of(path, apart)
        except Undone as error:
            say(error.about, error.found)
            missing += 1
    return sources, missing


def places(sources: Sequence[Source], output: str | None, format: Format) -> Sequence[Path | None]:
    """The file of each picture's art; None means standard output."""
    if output is not None:
        return files_for(sources, output, format.suffix)
    if len(sources) > 1 and format.name in ALONE:
        raise Misused(
            f"{len(sources)} pictures as {format.name} make no one stream; "
            f"-o FOLDER{os.sep} will do"
        )
    return [None] * len(sources)


def draw_each(
    sources: Sequence[Source],
    files: Sequence[Path | None],
    format: Format,
    options: Options,
    *,
    beside_art: bool,
) -> int:
    """Draw all, say of each that failed why, and count those."""
    failed = drawn = 0
    headed = len(sources) > 1 and format.name in HEADED
    with progress(len(sources), beside_art=beside_art) as told:
        for source, file in zip(sources, files, strict=True):
            try:
                data = written(source, format, options)
                if file is not None:
                    write_file(file, data)
                else:
                    write_standard_output(heading(source, drawn) + data if headed else data)
                drawn += 1
            except Undone as error:
                told.say(error.about, error.found)
                failed += 1
            told.step()
    return failed


def written(source: Source, format: Format, options: Options) -> bytes:
    """The art of one picture, written down. Raises Undone."""
    try:
        data = source.read()
        with silent_decoders():
            return format.write(draw(open_picture(data), options))
    except CalligramError as error:
        raise Undone(source.label, described(error)) from error
    except OSError as error:
        raise Undone(source.label, f"can't be read: {described(error)}") from error


def heading(source: Source, drawn: int) -> bytes:
    """A line that tells the arts apart, as `head` and `tail` have it."""
    gap = "\n" if drawn else ""
    return f"{gap}==> {printable(source.label)} <==\n".encode()
