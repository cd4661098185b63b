"""What another algorithm would change, counted cell by cell."""

from __future__ import annotations

import pytest

import calligram
from calligram.bulk.comparing import Change, change_between
from picture_collections import contents, fill, names_in, run, told
from web_server import jpeg


def art(*lines: str, pens: list[list[int]] | None = None) -> dict[str, object]:
    return {
        "columns": len(lines[0]),
        "rows": len(lines),
        "characters": list(lines),
        "foreground": pens,
        "background": pens,
    }


def test_equal_arts_have_no_change():
    assert change_between(art("@ .", "..."), art("@ .", "...")) == Change(6, 0, 0.0)


def test_each_other_character_is_a_changed_cell():
    change = change_between(art("@@", "  "), art("@ ", "  "))

    assert (change.cells, change.changed, change.share) == (4, 1, 0.25)
    assert 0 < change.tone < 0.25


def test_another_colour_is_a_change_too_and_has_no_tone():
    change = change_between(art("@@", pens=[[1, 2]]), art("@@", pens=[[1, 3]]))

    assert change == Change(2, 1, None)


def test_another_shape_changes_every_cell():
    assert change_between(art("@@@"), art("@@")) == Change(2, 2, None)


@pytest.mark.parametrize("colour", ["none", "full"])
def test_a_collection_is_compared_as_the_library_draws_it(tmp_path, colour):
    fill(tmp_path, 6)
    arts = {
        name: [
            calligram.render(data, algorithm=algorithm, columns=30, colour=colour)
            for algorithm in ("ramp-1", "shape-1")
        ]
        for name, data in contents(tmp_path).items()
    }

    status, result = told(
        *("compare", tmp_path, "--columns", 30, "--colour", colour),
        *("--stable", "ramp-1", "--candidate", "shape-1"),
    )

    assert (status, result["compared"]) == (0, 6)
    assert [one["picture"] for one in result["pictures"]] == list(arts)
    assert [one["changed"] for one in result["pictures"]] == [
        int(different(*both).sum()) for both in arts.values()
    ]
    assert result["cells_changed"] == sum(one["changed"] for one in result["pictures"])


def different(one, other):
    found = one.characters != other.characters
    if one.foreground is not None:
        found |= (one.foreground != other.foreground) | (one.background != other.background)
    return found


def test_an_algorithm_compared_with_itself_changes_nothing(tmp_path):
    fill(tmp_path, 3)

    _, result = told("compare", tmp_path, "--stable", "ramp-1", "--candidate", "ramp-1")

    assert (result["changed"], result["changed_share"], result["cells_changed"]) == (0, 0.0, 0)
    assert result["most_changed"] == []


def test_what_cant_be_drawn_is_told_and_the_rest_is_compared(tmp_path):
    fill(tmp_path, 3)
    (tmp_path / "bad.jpg").write_bytes(jpeg()[:200])
    before = names_in(tmp_path)

    status, out, err = run("compare", tmp_path, "--stable", "ramp-1", "--candidate", "shape-1")

    assert status == 1
    assert out.startswith("3 of 3 pictures would change")
    assert err.startswith("calligram: bad.jpg: ")
    assert names_in(tmp_path) == before


@pytest.mark.parametrize(
    "words", [["."], [".", "--stable", "ramp-1"], ["--stable", "ramp-1", "--candidate", "shape-1"]]
)
def test_a_comparison_of_less_than_two_algorithms_is_refused(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert run("compare", *words)[0] == 2
