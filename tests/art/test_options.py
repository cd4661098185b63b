"""Options are strict: what can't be meant is refused, and says what would do."""

from __future__ import annotations

from typing import Any

import pytest

from calligram import ALGORITHMS, OPTIONS, Options, OptionsRefused
from calligram.art.glyphs import SETS
from calligram.art.options import CHARACTERS_MAX


def test_every_option_is_a_field_with_the_listed_default() -> None:
    options = Options()

    assert {name: getattr(options, name) for name in OPTIONS} == {
        option.name: option.default for option in OPTIONS.values()
    }
    assert tuple(Options.__slots__) == tuple(OPTIONS)


def test_the_algorithms_of_the_list_are_those_that_there_are() -> None:
    assert OPTIONS["algorithm"].choices == tuple(ALGORITHMS)


@pytest.mark.parametrize(("name", "least", "most"), [("columns", 1, 1000), ("rows", 1, 1000)])
def test_a_count_is_taken_up_to_its_limits_and_refused_beyond(
    name: str, least: int, most: int
) -> None:
    assert getattr(Options(**{name: least}), name) == least
    assert getattr(Options(**{name: most}), name) == most

    with pytest.raises(OptionsRefused, match=f"{name} must be 1 to 1000, not 0") as below:
        Options(**{name: least - 1})
    with pytest.raises(OptionsRefused, match=f"{name} must be 1 to 1000, not 1001") as above:
        Options(**{name: most + 1})

    assert (below.value.limit, below.value.actual) == (1, 0)
    assert (above.value.limit, above.value.actual) == (1000, 1001)


def test_an_aspect_is_taken_up_to_its_limits_and_refused_beyond() -> None:
    assert Options(cell_aspect=0.1).cell_aspect == 0.1
    assert Options(cell_aspect=2).cell_aspect == 2.0

    for value in (0.099, 2.001, float("nan"), float("inf")):
        with pytest.raises(OptionsRefused, match="cell_aspect"):
            Options(cell_aspect=value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("columns", True),
        ("columns", "80"),
        ("columns", 80.0),
        ("columns", None),
        ("cell_aspect", "0.5"),
        ("cell_aspect", True),
        ("algorithm", "shape-99"),
        ("algorithm", None),
        ("colour", 16),
        ("background", "Dark"),
        ("invert", 1),
        ("invert", "false"),
        ("dither", True),
        ("characters", 7),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(OptionsRefused, match=name):
        Options(**{name: value})


def test_an_unknown_option_is_refused_and_the_known_ones_are_told() -> None:
    with pytest.raises(OptionsRefused, match="no option 'colums'; there are: columns, rows"):
        Options.of({"colums": 4})


def test_characters_may_be_2_to_the_limit_and_no_more() -> None:
    with pytest.raises(OptionsRefused, match="not 1") as one:
        Options(characters="#")
    with pytest.raises(OptionsRefused) as many:
        Options(characters="#" * (CHARACTERS_MAX + 1))

    assert Options(characters=" #").characters == " #"
    assert (one.value.limit, one.value.actual) == (2, 1)
    assert (many.value.limit, many.value.actual) == (CHARACTERS_MAX, CHARACTERS_MAX + 1)


@pytest.mark.parametrize(
    "character", ["\x1b", "\n", "\0", "\x9b", "\u202e", "\u200d", "\u0301", "\ud800", "\u2028"]
)
def test_a_character_that_could_act_on_a_terminal_is_refused(character: str) -> None:
    with pytest.raises(OptionsRefused, match=rf"U\+{ord(character):04X}"):
        Options(characters=" #" + character)


@pytest.mark.parametrize("character", ["漢", "😀", "א"])
def test_a_character_without_a_measured_cell_is_refused(character: str) -> None:
    with pytest.raises(OptionsRefused, match="measured"):
        Options(characters=" #" + character)


def test_a_character_may_stand_only_once() -> None:
    with pytest.raises(OptionsRefused, match="'#' twice"):
        Options(characters=" ##")


@pytest.mark.parametrize("name", SETS)
def test_a_set_of_characters_is_taken_by_its_name(name: str) -> None:
    assert Options(characters=name).characters == name


def test_texts_are_read_as_they_stand_in_a_query() -> None:
    texts = {"columns": "40", "cell_aspect": "0.45", "invert": "true", "characters": " .#"}

    assert Options.read(texts) == Options(
        columns=40, cell_aspect=0.45, invert=True, characters=" .#"
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("columns", ""),
        ("columns", "-4"),
        ("columns", "4.0"),
        ("columns", "1_0"),
        ("columns", "٤"),
        ("columns", " 4"),
        ("columns", "9" * 5000),
        ("cell_aspect", "1e-1"),
        ("cell_aspect", "nan"),
        ("cell_aspect", "."),
        ("cell_aspect", "0.5.0"),
        ("invert", "maybe"),
        ("invert", "True "),
        ("colour", "FULL"),
    ],
)
def test_a_text_that_cannot_be_read_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(OptionsRefused, match=name):
        Options.read({name: text})


def test_only_what_differs_from_the_defaults_counts_as_changed() -> None:
    assert Options().changed() == {}
    assert Options(columns=80, colour="full").changed() == {"colour": "full"}


def test_a_refusal_shows_no_control_characters_and_stays_short() -> None:
    with pytest.raises(OptionsRefused) as refused:
        Options(colour="\x1b]0;title\x07" + "x" * 1000)

    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 200
