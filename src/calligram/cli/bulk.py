"""
`calligram bulk`: a whole collection, drawn into a folder or a store.

    addresses, options -> what is left -> run -> outcomes, as they come -> report

Nothing is asked of the terminal here: without options, every machine draws what the service
would answer. See calligram.bulk for how, and docs/bulk.md for when.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from calligram.art.formats import FORMATS
from calligram.art.options import Options
from calligram.bulk.batch import ALREADY, FAILED, Outcome, Task, versions
from calligram.bulk.crews import Cluster, Crew, Local
from calligram.bulk.drawing import Drawing
from calligram.bulk.places import Address, Folder, PlaceRefused
from calligram.bulk.report import REPORT, Tally, plan, write_report
from calligram.bulk.run import run as run_all
from calligram.cli.arguments import add_options, texts_of
from calligram.cli.messages import Misused, Parser, described, say
from calligram.cli.progress import progress
from calligram.cli.status import DONE, NOT_DONE
from calligram.errors import OptionsRefused, Unavailable
from calligram.settings import Settings, cores

WORKERS_MAX = 1000

USAGE = "calligram bulk SRC DST [options] [--format FORMAT] [--dask ADDRESS]"

DESCRIPTION = """\
Draw a whole collection: every picture in SRC and below it becomes a file of the
same name and the format's suffix in DST: day1/beach.jpg becomes
day1/beach.jpg.txt. Both are folders, or stores such as s3://bucket/prefix. What
is in DST already is not drawn again, so a run that was cut is finished by the
same command. The art is what the service would answer, byte for byte.
"""

EPILOG = """\
examples:
  calligram bulk holiday/ drawn/ --columns 120 --format html
  calligram bulk holiday/ drawn/ --dask tcp://10.0.0.7:8786
  calligram bulk s3://pictures/2024 s3://art/2024 --source-config s3.json \\
      --destination-config s3.json
  calligram bulk compare holiday/ --stable ramp-1 --candidate shape-1

exit status: 0 all drawn; 1 something was not drawn or not written; 2 the
command line is wrong, nothing was done; 130 interrupted.
"""


def add_arguments(parser: Parser) -> None:
    """Give `parser` all that `calligram bulk` takes."""
    parser.usage, parser.description, parser.epilog = USAGE, DESCRIPTION, EPILOG
    parser.add_argument("places", nargs="*", metavar="SRC DST", help=argparse.SUPPRESS)
    files = parser.add_argument_group("where the art goes")
    files.add_argument(
        "--format", metavar="|".join(FORMATS), help="how the art is written down (default: txt)"
    )
    files.add_argument(
        "--destination-config",
        metavar="FILE",
        help="JSON with the store's settings, if DST is one: endpoint, region, keys...",
    )
    add_work(parser)
    add_options(parser, defaults_here={})


def add_work(parser: Parser) -> None:
    """Who does the work: the same for drawing and comparing."""
    defaults = Settings()
    work = parser.add_argument_group("who does it")
    work.add_argument(
        "--source-config",
        metavar="FILE",
        help="JSON with the store's settings, if SRC is one: endpoint, region, keys...",
    )
    work.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="render processes on this machine (default: one for each core)",
    )
    work.add_argument(
        "--dask",
        metavar="ADDRESS",
        help="draw on the workers of the Dask cluster with its scheduler there; "
        "they must see SRC and DST under the same names",
    )
    work.add_argument(
        "--seconds-max",
        type=float,
        default=defaults.render_seconds_max,
        metavar="SECONDS",
        help=f"how long drawing one picture may take (default: {defaults.render_seconds_max:g})",
    )
    work.add_argument("--json", action="store_true", help="tell the result as JSON")


def run(arguments: argparse.Namespace, parser: Parser) -> int:
    """Draw the collection, and tell the exit status."""
    try:
        task = drawing_of(arguments)
        with crew_of(arguments) as crew, taken(task):
            work = plan(task)
            tally = Tally([Outcome(name, ALREADY) for name in work.already])
            started = time.perf_counter()
            is_whole = draw_all(task, work.left, crew, tally)
            seconds = time.perf_counter() - started
            if is_whole:
                write_report(task, tally.outcomes)
    except (Misused, OptionsRefused, PlaceRefused) as error:
        parser.error(described(error))
    except Unavailable as error:
        say(described(error))
        return NOT_DONE
    tell(arguments, task, tally, seconds)
    return DONE if is_whole and not tally.of(FAILED) else NOT_DONE


@contextlib.contextmanager
def taken(task: Drawing) -> Iterator[None]:
    """Hold the destination meanwhile, if it is a folder. Raises PlaceRefused."""
    place = task.arts
    if not isinstance(place, Folder):
        # In a store each art is one put: two runs at once only do some work twice.
        yield
        return
    place.take()
    try:
        yield
    finally:
        place.free()


def draw_all(task: Task, names: list[str], crew: Crew, tally: Tally) -> bool:
    """Have all `names` done, counted and their failures said; False if that was cut short."""
    try:
        with progress(len(names), beside_art=False) as told:
            for outcome in run_all(task, names, crew):
                tally.add(outcome)
                if outcome.kind == FAILED:
                    told.say(outcome.name, f"{outcome.message} [{outcome.code}]")
                told.step()
    except Unavailable as error:
        say(described(error))
        return False
    return True


def drawing_of(arguments: argparse.Namespace) -> Drawing:
    """What the command line asks for. Raises Misused and OptionsRefused."""
    if len(arguments.places) != 2 or "" in arguments.places:
        raise Misused("two places are wanted: the pictures', and the one that their art goes to")
    source, destination = arguments.places
    format = arguments.format or "txt"
    if format not in FORMATS:
        raise Misused(f"there is no format {format}; there are: {', '.join(FORMATS)}")
    into = Address.of(destination, config_of(arguments.destination_config))
    task = Drawing(
        version=versions(),
        source=source_of(source, arguments, apart=into.text),
        destination=into,
        options=Options.read(texts_of(arguments)),
        format=format,
        seconds_max=seconds_of(arguments),
        bytes_max=Settings().render_bytes_max,
    )
    if task.source.text == task.destination.text:
        raise Misused("the art can't go where the pictures are; a folder in there will do")
    return task


def source_of(text: str, arguments: argparse.Namespace, *, apart: str | None = None) -> Address:
    source = Address.of(text, config_of(arguments.source_config), apart=apart)
    if source.is_folder and not os.path.isdir(source.text):
        raise Misused(f"{text} is no folder; a folder or a store's address will do")
    return source


def seconds_of(arguments: argparse.Namespace) -> float:
    seconds: float = arguments.seconds_max
    if not 0.1 <= seconds <= 3600:
        raise Misused(f"--seconds-max must be 0.1 to 3600, not {seconds:g}")
    return seconds


def config_of(path: str | None) -> dict[str, Any]:
    """A store's settings. Raises Misused."""
    if path is None:
        return {}
    try:
        found = json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise Misused(f"{path} can't be read: {described(error)}") from error
    if not isinstance(found, dict):
        raise Misused(f'{path} must hold an object such as {{"region": "eu-west-1"}}')
    return found


@contextlib.contextmanager
def crew_of(arguments: argparse.Namespace) -> Iterator[Crew]:
    """Who does it. Raises Misused, and Unavailable where there is no such cluster."""
    crew = cluster_of(arguments) if arguments.dask else local_of(arguments)
    try:
        yield crew
    finally:
        crew.stop()


def local_of(arguments: argparse.Namespace) -> Local:
    workers = cores() if arguments.workers is None else arguments.workers
    if not 1 <= workers <= WORKERS_MAX:
        raise Misused(f"--workers must be 1 to {WORKERS_MAX}, not {workers}")
    return Local(workers)


def cluster_of(arguments: argparse.Namespace) -> Cluster:
    if arguments.workers is not None:
        raise Misused("--workers is for this machine; with --dask the cluster has its own")
    try:
        return Cluster(arguments.dask)
    except ModuleNotFoundError as error:
        raise Unavailable(
            f"{error.name} is missing; pip install 'calligram[bulk]' brings what --dask needs"
        ) from error


def tell(arguments: argparse.Namespace, task: Drawing, tally: Tally, seconds: float) -> None:
    counts = tally.counts()
    drawn = counts["drawn"]
    rate = drawn / seconds if seconds else 0.0
    if arguments.json:
        result = {
            "source": task.source.text,
            "destination": task.destination.text,
            "format": task.format,
            "options": dataclasses.asdict(task.options),
            **{kind.replace("-", "_"): count for kind, count in counts.items()},
            "seconds": round(seconds, 3),
            "pictures_per_second": round(rate, 2),
            "report": REPORT,
            "failures": tally.failures(),
        }
        print(json.dumps(result, indent=1))
        return
    print(
        f"{drawn} drawn in {seconds:.1f} s ({rate:.1f} a second), "
        f"{counts['already']} were there already, {counts['failed']} failed, "
        f"{counts['passed-over']} files are no pictures; "
        f"{task.destination.text}/{REPORT} tells of each"
    )
