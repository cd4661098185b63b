"""
`calligram store`: the care of what is kept, one walk at a time.

    arguments, settings -> the two sides -> a walk -> a line a problem, a report at the end

To add a walk, add a row to WALKS: how its parser gets its arguments, and what makes it.
"""

from __future__ import annotations

import argparse
import os
import secrets
import tempfile
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from calligram.cli.messages import Parser, say
from calligram.cli.status import NOT_DONE
from calligram.cli.walking import told

if TYPE_CHECKING:
    from calligram.care import DrillReport, Pace, Progress, Report
    from calligram.settings import Settings

    AnyWalk = Generator[Progress, None, Report | DrillReport]

SHARES_MAX = 256
CONCURRENCY_MAX = 64
SAMPLE_MAX = 10_000
AFTER_KEPT_SECONDS = 3600
"""What was kept so long ago should be in the vault; the mover may have had to wait."""

EPILOG = """\
The store, the vault and their keys are those of `calligram serve`: environment
variables, see docs/settings.md. Problems are said on standard error, a line
each; the report on standard output. With --json both are lines of JSON on
standard output. Walks may be stopped and begun again at any time.

exit status: 0 all is as it should be; 1 something is wrong, or was not done;
2 the command line or a setting is wrong; 3 something was wrong and is mended;
130 interrupted.
"""


def whole(least: int, most: int) -> Callable[[str], int]:
    """Reads a whole number from `least` to `most`."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"must be {least} to {most}, not {text}")
        return int(text)

    return read


def share(text: str) -> tuple[int, int]:
    number, _, count = text.partition("/")
    if not (number.isdigit() and count.isdigit() and 1 <= int(number) <= int(count) <= SHARES_MAX):
        raise argparse.ArgumentTypeError(f"must be N/T, 1 <= N <= T <= {SHARES_MAX}, not {text}")
    return int(number), int(count)


def shelf(text: str) -> str:
    if len(text) != 2 or set(text) - set("0123456789abcdef"):
        raise argparse.ArgumentTypeError(f"must be two hexadecimal digits, 00 to ff, not {text}")
    return text


# --- Arguments ---------------------------------------------------------------------------


def add_arguments(parser: Parser) -> None:
    """Add what `calligram store` takes."""
    parser.epilog = EPILOG
    table = parser.add_subparsers(title="walks", dest="walk", metavar="WALK", required=True)
    for name, one in WALKS.items():
        walk = table.add_parser(
            name, prog=f"calligram store {name}", help=one.summary, description=one.description
        )
        walk.set_defaults(parser=walk)
        one.add_arguments(walk)
        walk.add_argument(
            "--concurrency",
            type=whole(1, CONCURRENCY_MAX),
            default=8,
            metavar="N",
            help=f"pictures at once (1 to {CONCURRENCY_MAX}; default: 8)",
        )
        walk.add_argument(
            "--rate",
            type=whole(1, 1_000_000),
            metavar="N",
            help="pictures read or copied in a second, at most (default: as fast as it goes)",
        )
        walk.add_argument("--json", action="store_true", help="lines of JSON for programs")


def from_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from",
        dest="first",
        type=shelf,
        default="00",
        metavar="AB",
        help="begin with the pictures whose id begins with AB (default: 00), to go on "
        "where a walk was stopped",
    )


def verify_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--of", choices=("store", "vault"), default="store", help="which one (default: store)"
    )
    parser.add_argument(
        "--share",
        type=share,
        default=(1, 1),
        metavar="N/T",
        help="only the Nth of T shares, such as 3/30 on the third of thirty nights",
    )
    parser.add_argument(
        "--repair",
        action="store_true",
        help="bring what is damaged or missing from the other of the two",
    )
    from_arguments(parser)


def copy_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="SOURCE", help="an address such as s3://bucket/prefix")
    parser.add_argument("target", metavar="TARGET", help="likewise")
    for name in ("source", "target"):
        parser.add_argument(
            f"--{name}-config",
            default="",
            metavar="FILE",
            help=f"JSON with the {name}'s endpoint, region, keys and so on",
        )
    from_arguments(parser)


def drill_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--pictures",
        type=whole(1, SAMPLE_MAX),
        default=20,
        metavar="N",
        help=f"how many are restored (1 to {SAMPLE_MAX}; default: 20)",
    )
    parser.add_argument(
        "--seed",
        type=whole(0, 2**32 - 1),
        metavar="N",
        help="choose the same ones again (default: by chance, and the report tells)",
    )


# --- Walks -------------------------------------------------------------------------------


def verify(arguments: argparse.Namespace, settings: Settings, pace: Pace) -> AnyWalk:
    from datetime import UTC, datetime, timedelta

    from calligram import care
    from calligram.compose.caring import store_side, vault_side

    store = store_side(settings)
    vault = vault_side(settings) if settings.vault_url or arguments.repair else None
    kept_before = "9999"
    side, other = store, vault
    if arguments.of == "vault":
        side, other = vault or vault_side(settings), store
        ago = datetime.now(UTC) - timedelta(seconds=AFTER_KEPT_SECONDS)
        kept_before = ago.isoformat()
    shelves = rest_of(care.share_of(*arguments.share), arguments.first)
    return care.verify(
        side, other, repair=arguments.repair, shelves=shelves, pace=pace, kept_before=kept_before
    )


def backup(arguments: argparse.Namespace, settings: Settings, pace: Pace) -> AnyWalk:
    from calligram import care
    from calligram.compose.caring import store_side, vault_side

    shelves = rest_of(care.SHELVES, arguments.first)
    return care.backup(store_side(settings), vault_side(settings), shelves=shelves, pace=pace)


def restore(arguments: argparse.Namespace, settings: Settings, pace: Pace) -> AnyWalk:
    from calligram import care
    from calligram.compose.caring import store_side, vault_side

    shelves = rest_of(care.SHELVES, arguments.first)
    return care.restore(vault_side(settings), store_side(settings), shelves=shelves, pace=pace)


def copy(arguments: argparse.Namespace, settings: Settings, pace: Pace) -> AnyWalk:
    from calligram import care
    from calligram.compose.caring import address_of

    seconds_max = settings.store_seconds_max
    source = address_of("source", arguments.source, arguments.source_config, seconds_max)
    target = address_of("target", arguments.target, arguments.target_config, seconds_max)
    return care.copy(source, target, shelves=rest_of(care.SHELVES, arguments.first), pace=pace)


def drill(arguments: argparse.Namespace, settings: Settings, pace: Pace) -> AnyWalk:
    from calligram import care
    from calligram.compose.caring import store_side, vault_side

    seed = secrets.randbelow(2**32) if arguments.seed is None else arguments.seed
    vault, store = vault_side(settings), store_side(settings)
    with tempfile.TemporaryDirectory(prefix="calligram-drill-") as folder:
        size = arguments.pictures
        return (yield from care.drill(vault, store, Path(folder), size=size, seed=seed, pace=pace))


def rest_of(shelves: Sequence[str], first: str) -> Sequence[str]:
    return [digits for digits in shelves if digits >= first]


@dataclass(frozen=True, slots=True)
class Walk:
    """One walk: what it is for, how its parser gets its arguments, and what makes it."""

    summary: str
    description: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    make: Callable[[argparse.Namespace, Settings, Pace], AnyWalk]


WALKS: Mapping[str, Walk] = {
    "verify": Walk(
        "read everything again, and tell what is wrong",
        "Read and hash every picture, read every record, check that they fit, and that "
        "nothing is missing that the other side has.",
        verify_arguments,
        verify,
    ),
    "backup": Walk(
        "bring the vault up to the store",
        "Copy to the vault what is new in the store, and delete there what was deleted.",
        from_arguments,
        backup,
    ),
    "restore": Walk(
        "bring the store back from the vault",
        "Copy to the store what it has lost or what is damaged in it. What is good there "
        "is left as it is.",
        from_arguments,
        restore,
    ),
    "copy": Walk(
        "copy a store to another",
        "Copy what is new in the SOURCE to the TARGET, and delete there what was deleted.",
        copy_arguments,
        copy,
    ),
    "drill": Walk(
        "restore a few pictures somewhere else, and compare",
        "Restore a random sample of the vault into an empty folder, serve it, and compare "
        "each picture's art with that of the store's own copy, byte for byte.",
        drill_arguments,
        drill,
    ),
}


def run(arguments: argparse.Namespace, parser: Parser) -> int:
    """Walk as the command line asks, and tell the exit status."""
    try:
        from calligram.care import Pace
        from calligram.settings import Settings, SettingsRefused
    except ModuleNotFoundError as error:
        say(f"{error.name} is missing; pip install 'calligram[serve]' brings all that serves")
        return NOT_DONE
    pace = Pace(concurrency=arguments.concurrency, per_second_max=arguments.rate)
    try:
        settings = Settings.from_environment(os.environ)
        walk = WALKS[arguments.walk].make(arguments, settings, pace)
        return told(walk, as_json=arguments.json)
    except SettingsRefused as error:
        parser.error(str(error))
