"""
What is told of a run: while it is under way a mark in its folder, in the end a report there.

    .calligram-bulk.json    which collection, options and format this art is of. A run with
                            others is refused: it would take this one's art for its own
    calligram-bulk.jsonl    one line a picture, of all runs so far: what became of it, its id,
                            its art's name, size and SHA-256

Neither name can be that of an art: one is hidden, as no picture of a collection is, and no
format ends in .jsonl.
"""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from calligram.bulk.batch import ALREADY, DRAWN, FAILED, PASSED_OVER, Outcome
from calligram.bulk.comparing import Change
from calligram.bulk.drawing import Drawing
from calligram.bulk.places import Place, PlaceRefused

MARK = ".calligram-bulk.json"
REPORT = "calligram-bulk.jsonl"
CHANGES_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run has to do: of all pictures' names, those without art, and those with."""

    left: list[str]
    already: list[str]


def plan(task: Drawing) -> Plan:
    """
    Look what there is and what is done. Raises PlaceRefused where the destination holds
    the art of another run.
    """
    arts = task.destination.open()
    check_mark(task, arts)
    finished = set(arts.names())
    left: list[str] = []
    already: list[str] = []
    for name in task.source.open().names():
        (already if task.art_name(name) in finished else left).append(name)
    return Plan(left, already)


def check_mark(task: Drawing, arts: Place) -> None:
    mark = {
        "source": task.source.text,
        "format": task.format,
        "options": dataclasses.asdict(task.options),
    }
    # Escapes and not UTF-8: names of files may be no text at all.
    written = json.dumps(mark, indent=1).encode()
    found = arts.read_note(MARK)
    if found is None:
        arts.write(MARK, written)
    elif found != written:
        raise PlaceRefused(
            f"{task.destination.text} holds art of other pictures, options or format "
            f"({MARK} in it tells which); another folder will do"
        )


@dataclass
class Tally:
    """Counts outcomes as they come, and keeps what the report tells."""

    outcomes: list[Outcome] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)

    def of(self, kind: str) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.kind == kind]

    def counts(self) -> dict[str, int]:
        counted = Counter(outcome.kind for outcome in self.outcomes)
        return {kind: counted[kind] for kind in (DRAWN, ALREADY, PASSED_OVER, FAILED)}

    def failures(self) -> list[dict[str, str | None]]:
        return [
            {"picture": outcome.name, "code": outcome.code, "message": outcome.message}
            for outcome in sorted(self.of(FAILED), key=lambda outcome: outcome.name)
        ]


def write_report(task: Drawing, outcomes: Iterable[Outcome]) -> None:
    """Write the report of this run, with what earlier ones told of art that was there."""
    arts = task.destination.open()
    before = dict(lines_of(arts.read_note(REPORT)))
    lines = []
    for outcome in sorted(outcomes, key=lambda outcome: outcome.name):
        line: dict[str, Any] = {"picture": outcome.name, "outcome": outcome.kind}
        if outcome.kind == DRAWN:
            line |= {
                "id": outcome.found.picture,
                "art": task.art_name(outcome.name),
                "bytes": outcome.found.bytes,
                "sha256": outcome.found.art,
            }
        elif outcome.kind == ALREADY:
            # A run that was killed drew it and told nobody; its name is all that we know.
            line = before.get(outcome.name, line | {"art": task.art_name(outcome.name)})
        else:
            line |= {"code": outcome.code, "message": outcome.message}
        lines.append(json.dumps(line))
    arts.write(REPORT, "".join(f"{line}\n" for line in lines).encode())


def lines_of(report: bytes | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """The lines of an earlier report that tell of finished art, by the picture's name."""
    for text in (report or b"").splitlines():
        line = json.loads(text)
        if "sha256" in line:
            yield line["picture"], line


def summary_of_changes(tally: Tally) -> dict[str, Any]:
    """How many pictures would change, how much, and which of them most."""
    found: list[tuple[str, Change]] = [(one.name, one.found) for one in tally.of(DRAWN)]
    changed = [(name, change) for name, change in found if change.changed]
    most = sorted(changed, key=lambda pair: (-pair[1].share, pair[0]))
    cells = sum(change.cells for _, change in found)
    return {
        "compared": len(found),
        "changed": len(changed),
        "changed_share": round(len(changed) / len(found), 4) if found else None,
        "cells": cells,
        "cells_changed": sum(change.changed for _, change in found),
        "cells_changed_share": (
            round(sum(change.changed for _, change in found) / cells, 4) if cells else None
        ),
        "most_changed": [told(name, change) for name, change in most[:CHANGES_SHOWN]],
    }


def told(name: str, change: Change) -> dict[str, Any]:
    """One picture's change, for JSON."""
    return {
        "picture": name,
        "cells": change.cells,
        "changed": change.changed,
        "share": round(change.share, 4),
        "tone": change.tone,
    }
