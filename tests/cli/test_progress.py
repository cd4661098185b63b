"""The progress bar: only where someone waits for it, and out of the art's way."""

from __future__ import annotations

import io

import pytest

from calligram.cli import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def waiting(monkeypatch, seconds=0):
    """Standard error, now a terminal, where someone has the patience of some seconds."""
    terminal = Terminal()
    # In the test and not in a fixture: pytest itself puts another one there in between.
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setattr(progress, "PATIENCE_SECONDS", seconds)
    return terminal


def test_a_terminal_sees_how_many_are_done(monkeypatch):
    errors = waiting(monkeypatch)

    with progress.progress(3, beside_art=False) as told:
        told.step()

    assert "0/3" in errors.getvalue()
    assert errors.getvalue().endswith("\r")


def test_a_message_stands_on_a_line_of_its_own(monkeypatch):
    errors = waiting(monkeypatch)

    with progress.progress(3, beside_art=False) as told:
        told.say("photo.jpg", "no picture")

    assert "\rcalligram: photo.jpg: no picture\n" in errors.getvalue()


def test_quick_work_shows_no_bar(monkeypatch):
    errors = waiting(monkeypatch, seconds=1)

    with progress.progress(3, beside_art=False) as told:
        told.step()

    assert "/3" not in errors.getvalue()


@pytest.mark.parametrize(("total", "beside_art"), [(1, False), (3, True)])
def test_one_picture_or_art_in_the_terminal_has_no_bar(monkeypatch, total, beside_art):
    errors = waiting(monkeypatch)

    with progress.progress(total, beside_art=beside_art) as told:
        told.step()

    assert errors.getvalue() == ""


def test_a_file_of_messages_has_no_bar(monkeypatch):
    messages = io.StringIO()
    monkeypatch.setattr("sys.stderr", messages)

    with progress.progress(3, beside_art=False) as told:
        told.step()

    assert messages.getvalue() == ""


def test_a_walk_tells_its_parts_and_what_they_held(monkeypatch):
    errors = waiting(monkeypatch)
    monkeypatch.setattr(progress, "MOVING_SECONDS", 0)

    with progress.parts_progress() as told:
        told.show(3, 256, "40 pictures, 1.2 MB")

    assert "3/256" in errors.getvalue()
    assert "40 pictures, 1.2 MB" in errors.getvalue()
    assert errors.getvalue().endswith("\r")


def test_a_walks_problem_stands_on_a_line_of_its_own(monkeypatch):
    errors = waiting(monkeypatch)

    with progress.parts_progress() as told:
        told.show(3, 256, "")
        told.say("store", "pictures/ab", "damaged")

    assert "\rcalligram: store: pictures/ab: damaged\n" in errors.getvalue()


def test_a_quick_walk_shows_no_bar(monkeypatch):
    errors = waiting(monkeypatch, seconds=1)

    with progress.parts_progress() as told:
        told.show(3, 256, "")

    assert "/256" not in errors.getvalue()
