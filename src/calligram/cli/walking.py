"""
What is said of a walk: a bar meanwhile, a line for each problem, a report at the end.

    calligram: store: pictures/ab/...: damaged: its 2048 bytes have the SHA-256 ...
    150 pictures, 3.1 MB in 0.4 s; 1 problem
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Generator
from typing import TYPE_CHECKING

from calligram.cli.messages import described
from calligram.cli.progress import Parts, parts_progress
from calligram.cli.status import DONE, INTERRUPTED, MENDED, NOT_DONE
from calligram.errors import StoreUnavailable

if TYPE_CHECKING:
    from calligram.care import DrillReport, Problem, Progress, Report


def told(walk: Generator[Progress, None, Report | DrillReport], *, as_json: bool) -> int:
    """Walk to the end, tell all about it, and return the exit status."""
    from calligram.care import finish

    last = "00"
    with parts_progress() as bar:

        def step(progress: Progress) -> None:
            nonlocal last
            last = progress.part
            for problem in progress.problems:
                tell_problem(problem, bar, as_json=as_json)
            bar.show(progress.parts_done, progress.parts, amount(progress.pictures, progress.bytes))

        try:
            report = finish(walk, step)
        except KeyboardInterrupt:
            bar.say("interrupted", going_on(last))
            return INTERRUPTED
        except StoreUnavailable as error:
            bar.say(described(error))
            bar.say("not finished", going_on(last))
            return NOT_DONE
    print(json.dumps(as_event("report", report)) if as_json else "\n".join(lines_of(report)))
    if not report.is_clean:
        return NOT_DONE
    return MENDED if getattr(report, "mended", 0) else DONE


def going_on(part: str) -> str:
    if len(part) != 2:
        return "store and vault are as they were; the same command begins again"
    return (
        f"what was done is done; the same command goes on where it stopped, with --from {part} "
        "without looking at what is behind it"
    )


def tell_problem(problem: Problem, bar: Parts, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(as_event("problem", problem)), flush=True)
        return
    kind = f"{problem.kind}, and mended" if problem.is_mended else problem.kind
    bar.say(problem.place, problem.key, kind, problem.told)


def as_event(event: str, value: Problem | Report | DrillReport) -> dict[str, object]:
    return {"event": event, **dataclasses.asdict(value)}


def lines_of(report: Report | DrillReport) -> list[str]:
    """The report, for people."""
    from calligram.care import DrillReport

    if isinstance(report, DrillReport):
        return [
            f"{amount(report.pictures, report.bytes)} restored in {report.restore_seconds:.1f} s; "
            f"all of about {report.vault_pictures} would take {report.whole_seconds:.0f} s",
            f"the first answer came {report.first_answer_seconds:.1f} s after the server's start",
            f"{report.alike} of {report.pictures} answered with the art of the store's own copy",
            f"the same sample again: --pictures {report.pictures} --seed {report.seed}",
        ]
    done = [amount(report.pictures, report.bytes)]
    if report.walk != "verify":
        done[0] = f"{report.pictures} pictures"
        done += [f"{report.copied} copied ({size(report.bytes)})", f"{report.deleted} deleted"]
    wrong = [f"{report.mended} mended"] if report.mended else []
    wrong += [f"{report.problems} problems left" if report.problems else "nothing is wrong"]
    return [f"{', '.join(done)} in {report.seconds:.1f} s; {', '.join(wrong)}"]


def amount(pictures: int, bytes: int) -> str:
    return f"{pictures} pictures, {size(bytes)}"


def size(bytes: int) -> str:
    return f"{bytes / 1e6:.1f} MB"
