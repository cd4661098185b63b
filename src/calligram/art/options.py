"""
Options: everything that shapes the art, in one frozen value.

`OPTIONS` is the one list of names, kinds, limits and defaults. The library checks values
against it, the command builds its flags from it, and a service its query parameters, so
the three can't drift apart. Reading is strict: an unknown name or a value out of range is
refused with what was found and what would do, never ignored.
"""

from __future__ import annotations

import dataclasses
import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from calligram.art.glyphs import SETS, codes_of, coverage
from calligram.errors import OptionsRefused

ALGORITHM_NAMES = ("ramp-1", "shape-1")
DEFAULT_ALGORITHM = "shape-1"

CHARACTER_SETS = tuple(SETS)
CHARACTERS_MAX = 4096


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its kind is "whole", "number", "choice", "switch" or "characters"."""

    name: str
    kind: str
    default: Any
    help: str
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()


OPTIONS: Mapping[str, Option] = {
    option.name: option
    for option in (
        Option("columns", "whole", 80, "characters in a line", 1, 1000),
        Option(
            "rows",
            "whole",
            None,
            "lines; without it, as many as keep the picture's shape",
            1,
            1000,
        ),
        Option(
            "algorithm",
            "choice",
            DEFAULT_ALGORITHM,
            "how cells become characters",
            choices=ALGORITHM_NAMES,
        ),
        Option(
            "characters",
            "characters",
            None,
            "a set's name (" + ", ".join(CHARACTER_SETS) + ") or 2 or more characters of your own; "
            "without it, the algorithm's own: ascii for shape-1, ' .oO#' for ramp-1",
        ),
        Option(
            "colour",
            "choice",
            "none",
            "how many colours",
            choices=("none", "16", "256", "full"),
        ),
        Option(
            "background",
            "choice",
            "dark",
            "what the text will be read on",
            choices=("dark", "light"),
        ),
        Option("invert", "switch", default=False, help="draw the negative of the picture"),
        Option(
            "cell_aspect",
            "number",
            0.5,
            "a character cell's width divided by its height",
            0.1,
            2.0,
        ),
        Option(
            "dither",
            "choice",
            "none",
            "spread what the characters or colours can't show over neighbouring cells",
            choices=("none", "ordered"),
        ),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """
    Everything that shapes the art; see `OPTIONS` for meanings, limits and defaults.

    Raises OptionsRefused for a value of the wrong kind or out of range.
    """

    columns: int = 80
    rows: int | None = None
    algorithm: str = DEFAULT_ALGORITHM
    characters: str | None = None
    colour: str = "none"
    background: str = "dark"
    invert: bool = False
    cell_aspect: float = 0.5
    dither: str = "none"

    def __post_init__(self) -> None:
        for option in OPTIONS.values():
            value = getattr(self, option.name)
            if value is None and option.default is None:
                continue
            checked = CHECKS[option.kind](option, value)
            object.__setattr__(self, option.name, checked)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Options:
        """Options from a mapping of values; raises OptionsRefused for a name that is none."""
        check_names(values)
        return cls(**values)

    @classmethod
    def read(cls, texts: Mapping[str, str]) -> Options:
        """
        Options from texts, as a query string or a command line has them.

        Raises OptionsRefused for an unknown name or a text that can't be read.
        """
        check_names(texts)
        values: dict[str, Any] = {}
        for name, text in texts.items():
            option = OPTIONS[name]
            values[name] = READERS[option.kind](option, text)
        return cls(**values)

    def changed(self) -> dict[str, Any]:
        """The options that differ from their defaults: adding an option renames no old art."""
        return {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if getattr(self, field.name) != field.default
        }


def check_names(values: Mapping[str, Any]) -> None:
    for name in values:
        if name not in OPTIONS:
            raise OptionsRefused(
                f"there is no option {shown(name)}; there are: {', '.join(OPTIONS)}"
            )


def shown(value: object) -> str:
    """`value` as it may stand in a message: short, and without control characters."""
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."


def check_whole(option: Option, value: object) -> int:
    # True is an int to Python, but nobody means one column by it.
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise OptionsRefused(f"{option.name} must be a whole number, not {shown(value)}")
    number = value.__index__()
    return int(in_range(option, number))


def check_number(option: Option, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise OptionsRefused(f"{option.name} must be a number, not {shown(value)}")
    return float(in_range(option, float(value)))


def in_range(option: Option, number: float) -> float:
    assert option.least is not None, option
    assert option.most is not None, option
    if not option.least <= number <= option.most:
        raise OptionsRefused(
            f"{option.name} must be {option.least} to {option.most}, not {number}",
            limit=option.most if number > option.most else option.least,
            actual=number,
        )
    return number


def check_choice(option: Option, value: object) -> str:
    if not isinstance(value, str) or value not in option.choices:
        raise OptionsRefused(
            f"{option.name} must be one of {', '.join(option.choices)}, not {shown(value)}"
        )
    return value


def check_switch(option: Option, value: object) -> bool:
    if not isinstance(value, bool):
        raise OptionsRefused(f"{option.name} must be true or false, not {shown(value)}")
    return value


def check_characters(option: Option, value: object) -> str:
    if not isinstance(value, str):
        raise OptionsRefused(f"{option.name} must be text, not {shown(value)}")
    if value in CHARACTER_SETS:
        return value
    if not 2 <= len(value) <= CHARACTERS_MAX:
        raise OptionsRefused(
            f"{option.name} must be one of {', '.join(CHARACTER_SETS)}, "
            f"or 2 to {CHARACTERS_MAX} characters, not {len(value)}",
            limit=CHARACTERS_MAX if len(value) > CHARACTERS_MAX else 2,
            actual=len(value),
        )
    for character in value:
        # Whatever could move the cursor, start an escape or join its neighbour is no cell.
        if unicodedata.category(character)[0] in "CM" or character in "\u2028\u2029":
            raise OptionsRefused(
                f"{option.name} can't hold U+{ord(character):04X}: it is not a visible character"
            )
    if len(set(value)) != len(value):
        twice = next(character for character in value if value.count(character) > 1)
        raise OptionsRefused(
            f"{option.name} holds {shown(twice)} twice; each character may stand once"
        )
    coverage(codes_of(value))
    return value


CHECKS = {
    "whole": check_whole,
    "number": check_number,
    "choice": check_choice,
    "switch": check_switch,
    "characters": check_characters,
}


def read_whole(option: Option, text: str) -> int:
    # int() also reads "1_0" and Arabic digits, which no one means in a query string.
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise OptionsRefused(f"{option.name} must be a whole number, not {shown(text)}")
    return int(text)


def read_number(option: Option, text: str) -> float:
    whole, _, part = text.partition(".")
    if not (text.isascii() and len(text) <= 12 and (whole + part).isdigit()):
        raise OptionsRefused(f"{option.name} must be a number such as 0.5, not {shown(text)}")
    return float(text)


def read_switch(option: Option, text: str) -> bool:
    # bool("false") is True, so switches are read by this table and not by calling bool.
    switches = {
        "true": True,
        "1": True,
        "yes": True,
        "": True,
        "false": False,
        "0": False,
        "no": False,
    }
    if text not in switches:
        raise OptionsRefused(f"{option.name} must be true or false, not {shown(text)}")
    return switches[text]


def read_text(option: Option, text: str) -> str:
    return text


READERS = {
    "whole": read_whole,
    "number": read_number,
    "choice": read_text,
    "switch": read_switch,
    "characters": read_text,
}
