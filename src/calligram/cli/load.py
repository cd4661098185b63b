"""
`calligram load`: how fast a server is, at many concurrencies and at many rates.

    arguments -> Load -> measure (ab, open loop, doubts) -> fit -> table, JSON, plot

What must not be believed is told on standard error, one line each, and the exit status is 1.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from calligram.cli.messages import Parser, described, say
from calligram.cli.progress import progress
from calligram.cli.status import DONE, NOT_DONE
from calligram.errors import CalligramError

if TYPE_CHECKING:
    from calligram.capacity.fits import Fit
    from calligram.capacity.measure import Load
    from calligram.capacity.sweep import Sweep

PLOT_SUFFIXES = (".svg", ".png", ".pdf")
EPILOG = """\
examples:
  CALLIGRAM_CACHE_BYTES_MAX=0 calligram serve
  calligram load http://127.0.0.1:8080
  calligram load http://127.0.0.1:8080 --json sweep.json --plot sweep.svg
  calligram load --from sweep.json --plot sweep.png
  calligram load http://127.0.0.1:8080 --mix get
  calligram load http://127.0.0.1:8080 --loop open --rates 50,100,200 \\
      --mix draw=0.1,get=0.9

exit status: 0 measured; 1 not measured, or not to be believed (why is said by
name on standard error); 2 the command line is wrong.
"""


def numbers(text: str) -> list[float]:
    """Numbers with commas between them."""
    found = [float(part) for part in text.split(",")]
    if not all(0 < one < float("inf") for one in found):
        raise ValueError(text)
    return found


def whole_numbers(text: str) -> list[int]:
    found = [int(part) for part in text.split(",")]
    if not all(1 <= one <= 1000 for one in found) or len(set(found)) < len(found):
        raise ValueError(text)
    return sorted(found)


def plot_file(text: str) -> Path:
    if not text.endswith(PLOT_SUFFIXES):
        raise ValueError(text)
    return Path(text)


# What argparse calls a value that can't be read.
numbers.__name__ = "list of numbers"
whole_numbers.__name__ = "list of whole numbers"
plot_file.__name__ = "file of a plot (.svg, .png, .pdf)"


def add_arguments(parser: Parser) -> None:
    """Add what `calligram load` takes."""
    parser.usage = "calligram load URL [options]"
    parser.description = (
        "Measure how fast the server at URL is: in a closed loop by ab, at several\n"
        "concurrencies, and in an open loop, at rising rates."
    )
    parser.add_argument("url", nargs="?", metavar="URL", help="the server's base address")
    parser.epilog = EPILOG
    what = parser.add_argument_group("what is asked for")
    what.add_argument(
        "--mix",
        default="draw",
        help="draw (POST /v1/art, the default), keep (POST /v1/pictures), get (permanent addresses "
        "by their popularity), or several with shares: draw=0.1,get=0.9",
    )
    what.add_argument("--query", default="", help="options of the art, as columns=120&colour=full")
    what.add_argument("--algorithm", default="shape-1", help="of permanent addresses")
    what.add_argument("--format", default="txt", help="of permanent addresses (default: txt)")
    what.add_argument("--corpus", type=Path, metavar="FOLDER", help="pictures to send (default: "
        "24 seeded JPEGs with sizes as pictures on the net have them)")  # fmt: skip
    what.add_argument("--seed", type=int, default=1, help="of pictures and arrivals (default: 1)")
    what.add_argument(
        "--cached", action="store_true", help="answers out of the server's memory are wanted"
    )
    add_how(parser)
    where = parser.add_argument_group("where it goes")
    where.add_argument(
        "--from", dest="measured", metavar="FILE", help="show what --json wrote before, instead"
    )
    where.add_argument("--json", metavar="FILE", help="all figures, for `calligram plan`")
    where.add_argument("--plot", type=plot_file, metavar="FILE", help="a plot: .svg, .png or .pdf")


def add_how(parser: Parser) -> None:
    how = parser.add_argument_group("how it is measured")
    how.add_argument("--loop", choices=("both", "closed", "open"), default="both")
    how.add_argument(
        "--places",
        type=whole_numbers,
        default=[1, 2, 3, 4, 6, 8, 12, 16],
        metavar="N,N,...",
        help="concurrencies of the closed loop (default: 1,2,3,4,6,8,12,16)",
    )
    how.add_argument("--rounds", type=int, default=5, help="of each (default: 5)")
    how.add_argument("--seconds", type=int, default=2, help="of each round (default: 2)")
    how.add_argument(
        "--rates",
        type=numbers,
        metavar="R,R,...",
        help="requests a second of the open loop (default: 0.3 to 1.15 of what the closed one "
        "reached)",
    )
    how.add_argument("--rate-seconds", type=float, default=8, help="of each rate (default: 8)")
    how.add_argument(
        "--arrivals",
        choices=("poisson", "even"),
        default="poisson",
        help="how requests of the open loop come: by chance (the default), or evenly",
    )
    how.add_argument("--keep-alive", action="store_true", help="use connections again")
    how.add_argument(
        "--warm-seconds", type=float, default=3, help="before anything is measured (default: 3)"
    )
    how.add_argument(
        "--server-pid",
        type=int,
        action="append",
        default=[],
        metavar="PID",
        help="a process whose CPU, with its children's, is the server's; may be said again "
        "(default: those that listen at URL's port, if it is on this machine)",
    )


def run(arguments: argparse.Namespace, parser: Parser) -> int:
    """Measure, and tell the exit status."""
    if (arguments.url is None) == (arguments.measured is None):
        parser.error("either a URL is to be measured, or a file to be shown (--from)")
    if arguments.rounds < 1 or arguments.seconds < 1 or arguments.rate_seconds <= 0:
        parser.error("--rounds, --seconds and --rate-seconds must be at least 1")
    try:
        from calligram.capacity.plots import sweep_plot
        from calligram.capacity.sweep import as_json
        from calligram.capacity.tables import sweep_lines
    except ModuleNotFoundError as error:
        say(f"{error.name} is missing; pip install 'calligram[capacity]' brings all that measures")
        return NOT_DONE
    about = arguments.url or arguments.measured
    try:
        sweep = measured_sweep(arguments)
        fit = fit_of(sweep)
        if arguments.json:
            Path(arguments.json).write_text(as_json(sweep))
        if arguments.plot:
            sweep_plot(sweep, fit, arguments.plot)
    except CalligramError as error:
        say(about, described(error))
        return NOT_DONE
    except OSError as error:
        say(str(error.filename or about), described(error))
        return NOT_DONE
    for line in sweep_lines(sweep, fit):
        print(line)
    for code, why in sweep.refused:
        say(f"{why} [{code}]")
    return NOT_DONE if sweep.refused else DONE


def measured_sweep(arguments: argparse.Namespace) -> Sweep:
    """What is measured now, or was before."""
    from calligram.capacity.measure import measure
    from calligram.capacity.sweep import from_json

    if arguments.measured:
        return from_json(Path(arguments.measured).read_bytes())
    load = load_of(arguments)
    with progress(load.steps, beside_art=False, unit="measurements") as told:
        return measure(load, step=told.step)


def load_of(arguments: argparse.Namespace) -> Load:
    from calligram.capacity import closed, opened
    from calligram.capacity.corpus import folder_corpus, seeded_corpus
    from calligram.capacity.measure import Load
    from calligram.capacity.target import Target, address, mix_of

    host, port = address(arguments.url)
    folder = arguments.corpus
    target = Target(
        host=host,
        port=port,
        corpus=folder_corpus(folder) if folder else seeded_corpus(arguments.seed),
        query=arguments.query,
        algorithm=arguments.algorithm,
        format=arguments.format,
    )
    return Load(
        target=target,
        mix=mix_of(arguments.mix),
        closed=None
        if arguments.loop == "open"
        else closed.Plan(
            arguments.places, arguments.rounds, arguments.seconds, arguments.keep_alive
        ),
        rates=arguments.rates,
        opened=None
        if arguments.loop == "closed"
        else opened.Plan(
            rates=(),
            seconds=arguments.rate_seconds,
            arrivals=arguments.arrivals,
            keep_alive=arguments.keep_alive,
            seed=arguments.seed,
        ),
        warm_seconds=arguments.warm_seconds,
        cached=arguments.cached,
        server_pids=arguments.server_pid,
    )


def fit_of(sweep: Sweep) -> Fit | None:
    """The fit of a sweep that may be believed and has enough concurrencies."""
    from calligram.capacity.fits import fit_laws, rounds_of

    if sweep.refused or len(sweep.closed) < 4:
        return None
    places: Sequence[int] = [point.places for point in sweep.closed]
    return fit_laws(places, rounds_of(sweep), seed=sweep.seed)
