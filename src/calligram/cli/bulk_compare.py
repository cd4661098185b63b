"""
`calligram bulk compare`: what would change if a collection were drawn by another algorithm.

Nothing is written: each picture is drawn by both, compared cell by cell, and forgotten.
"""

from __future__ import annotations

import argparse
import json
import time

from calligram.art.options import ALGORITHM_NAMES, Options
from calligram.bulk.batch import DRAWN, FAILED, versions
from calligram.bulk.comparing import Comparing
from calligram.bulk.report import Tally, summary_of_changes, told
from calligram.cli.arguments import add_options, texts_of
from calligram.cli.bulk import add_work, crew_of, draw_all, seconds_of, source_of
from calligram.cli.messages import Misused, Parser, described, printable, say
from calligram.cli.status import DONE, NOT_DONE
from calligram.errors import OptionsRefused, Unavailable
from calligram.settings import Settings

USAGE = "calligram bulk compare SRC --stable ALGORITHM --candidate ALGORITHM [options]"

DESCRIPTION = """\
Draw a whole collection with two algorithms, and tell what would change: how many
pictures, how many of their cells hold another character or colour, and by how
much ink a cell differs (tone, 0 to 1). Nothing is written anywhere.
"""

EPILOG = """\
examples:
  calligram bulk compare holiday/ --stable ramp-1 --candidate shape-1
  calligram bulk compare holiday/ --stable ramp-1 --candidate shape-1 --json

exit status: 0 all compared; 1 some pictures can't be drawn; 2 the command line
is wrong; 130 interrupted. Changes are no error.
"""


def add_arguments(parser: Parser) -> None:
    """Give `parser` all that `calligram bulk compare` takes."""
    parser.usage, parser.description, parser.epilog = USAGE, DESCRIPTION, EPILOG
    parser.add_argument("places", nargs="*", metavar="SRC", help=argparse.SUPPRESS)
    both = parser.add_argument_group("what is compared")
    for name, help in (
        ("stable", "the algorithm that draws now"),
        ("candidate", "the one that might follow it"),
    ):
        both.add_argument(f"--{name}", metavar="|".join(ALGORITHM_NAMES), help=help)
    add_work(parser)
    add_options(parser, defaults_here={}, without={"algorithm"})


def run(arguments: argparse.Namespace, parser: Parser) -> int:
    """Compare, tell what was found, and tell the exit status."""
    tally = Tally()
    started = time.perf_counter()
    try:
        task = comparing_of(arguments)
        with crew_of(arguments) as crew:
            is_whole = draw_all(task, task.pictures.names(), crew, tally)
    except (Misused, OptionsRefused) as error:
        parser.error(described(error))
    except Unavailable as error:
        say(described(error))
        return NOT_DONE
    tell(arguments, task, tally, time.perf_counter() - started)
    return DONE if is_whole and not tally.of(FAILED) else NOT_DONE


def comparing_of(arguments: argparse.Namespace) -> Comparing:
    """What the command line asks for. Raises Misused and OptionsRefused."""
    if len(arguments.places) != 1:
        raise Misused("one place is wanted: the pictures'")
    for name in ("stable", "candidate"):
        if getattr(arguments, name) not in ALGORITHM_NAMES:
            raise Misused(f"--{name} must be one of {', '.join(ALGORITHM_NAMES)}")
    arguments.algorithm = None
    return Comparing(
        version=versions(),
        source=source_of(arguments.places[0], arguments),
        options=Options.read(texts_of(arguments)),
        stable=arguments.stable,
        candidate=arguments.candidate,
        seconds_max=seconds_of(arguments),
        bytes_max=Settings().render_bytes_max,
    )


def tell(arguments: argparse.Namespace, task: Comparing, tally: Tally, seconds: float) -> None:
    summary = summary_of_changes(tally)
    if arguments.json:
        compared = sorted(tally.of(DRAWN), key=lambda outcome: outcome.name)
        result = {
            "source": task.source.text,
            "stable": task.stable,
            "candidate": task.candidate,
            "options": task.options.changed(),
            **summary,
            "passed_over": tally.counts()["passed-over"],
            "seconds": round(seconds, 3),
            "failures": tally.failures(),
            "pictures": [told(outcome.name, outcome.found) for outcome in compared],
        }
        print(json.dumps(result, indent=1))
        return
    print(
        f"{summary['changed']} of {summary['compared']} pictures would change, "
        f"and {summary['cells_changed']} of their {summary['cells']} cells; "
        f"{len(tally.of(FAILED))} pictures failed"
    )
    for one in summary["most_changed"]:
        tone = "" if one["tone"] is None else f"  tone {one['tone']:.4f}"
        print(f"  {one['share']:.4f} of {one['cells']} cells{tone}  {printable(one['picture'])}")
