"""
`calligram plan`: servers and money for a traffic, from what `calligram load` measured.

    sweep.json, traffic.toml, prices.toml -> make_plan -> tables, JSON, plot [-> a simulated day]
"""

from __future__ import annotations

import argparse
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

from calligram.cli.load import plot_file
from calligram.cli.messages import Parser, described, say
from calligram.cli.status import DONE, NOT_DONE
from calligram.errors import CalligramError, PlanRefused

EXAMPLES = Path(__file__).resolve().parent.parent / "capacity" / "examples"
MONTHS_MAX = 120
EPILOG = """\
examples:
  calligram plan sweep.json
  calligram plan sweep.json --traffic traffic.toml --prices google --months 24
  calligram plan sweep.json --simulate --plot plan.svg --json plan.json
  calligram plan --example traffic > traffic.toml

exit status: 0 planned; 1 not: why is said by name on standard error; 2 the
command line is wrong.
"""


def add_arguments(parser: Parser) -> None:
    """Add what `calligram plan` takes."""
    parser.usage = "calligram plan SWEEP [options]"
    parser.description = (
        "Plan how many servers a traffic needs and what they cost, by part and month,\n"
        "from what `calligram load --json` measured."
    )
    parser.epilog = EPILOG
    parser.add_argument("sweep", nargs="?", metavar="SWEEP", help="the file of load's --json")
    parser.add_argument(
        "--traffic",
        default="traffic",
        metavar="FILE",
        help="what the service is to carry, as TOML (default: the example)",
    )
    parser.add_argument(
        "--prices",
        default="amazon",
        metavar="FILE",
        help="a price sheet as TOML, or one of ours: amazon, google (default: amazon)",
    )
    parser.add_argument("--months", type=int, default=36, help="how far ahead (default: 36)")
    parser.add_argument("--lines", action="store_true", help="the first bill line by line, too")
    parser.add_argument(
        "--simulate",
        action="store_true",
        help="simulate a day of the planned fleet, with a crash and an outage of the store",
    )
    parser.add_argument("--seed", type=int, default=1, help="of intervals and days (default: 1)")
    parser.add_argument("--json", metavar="FILE", help="all of it, with every line of every bill")
    parser.add_argument("--plot", type=plot_file, metavar="FILE", help="a plot: .svg, .png or .pdf")
    parser.add_argument(
        "--example",
        choices=("traffic", "amazon", "google"),
        help="print this example and do nothing else",
    )


def run(arguments: argparse.Namespace, parser: Parser) -> int:
    """Plan, and tell the exit status."""
    if arguments.example:
        print((EXAMPLES / f"{arguments.example}.toml").read_text(), end="")
        return DONE
    if not arguments.sweep:
        parser.error("a SWEEP is missing: the file that `calligram load URL --json` writes")
    if not 1 <= arguments.months <= MONTHS_MAX:
        parser.error(f"--months must be 1 to {MONTHS_MAX}, not {arguments.months}")
    try:
        return plan_and_tell(arguments)
    except ModuleNotFoundError as error:
        say(f"{error.name} is missing; pip install 'calligram[capacity]' brings all that plans")
    except CalligramError as error:
        say(described(error))
    except OSError as error:
        say(str(error.filename or arguments.sweep), described(error))
    return NOT_DONE


def plan_and_tell(arguments: argparse.Namespace) -> int:
    from calligram.capacity.fleet import simulate
    from calligram.capacity.plan_tables import day_lines, plan_json, plan_lines
    from calligram.capacity.planning import make_plan
    from calligram.capacity.plots import plan_plot
    from calligram.capacity.sheets import sheet_from
    from calligram.capacity.sweep import from_json
    from calligram.capacity.traffic import traffic_from

    sweep = from_json(Path(arguments.sweep).read_bytes())
    traffic = traffic_from(toml(arguments.traffic))
    sheet = sheet_from(toml(arguments.prices))
    plan = make_plan(sweep, traffic, sheet, months=arguments.months, seed=arguments.seed)
    day = None
    if arguments.simulate:
        day = simulate(plan.traffic, plan.server, servers=plan.servers, seed=arguments.seed)
    if arguments.json:
        Path(arguments.json).write_text(plan_json(plan, day))
    if arguments.plot:
        plan_plot(plan, day, arguments.plot)
    for line in plan_lines(plan, lines_too=arguments.lines):
        print(line)
    if day:
        for line in day_lines(plan, day):
            print(line)
    return DONE


def toml(name: str) -> dict[str, Any]:
    """A TOML file, or one of our examples by its name; numbers exactly as they are written."""
    example = EXAMPLES / f"{name}.toml"
    path = example if example.is_file() and "." not in name else Path(name)
    try:
        return tomllib.loads(path.read_text(), parse_float=Decimal)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PlanRefused(f"{name} is no TOML: {error}") from error
