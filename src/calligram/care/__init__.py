"""
Care of what is kept: whether it is whole, and where else it is.

    checks     verify: is everything what its name says? and mend it from the other side
    copies     backup (store -> vault), restore (vault -> store), copy (any -> any)
    vaulting   the backup that goes by itself, beside the mover
    drills     drill: restore a sample, serve it, and compare: can the vault be relied on?

    walks      what all of them are: every shelf, every picture, one deed each
    carrier    one picture from one side to the other, deletions included
    shelves    what a store has, listed; pace: how hard to work; reports: what is told

    report = finish(verify(Side("store", bucket), Side("vault", other), repair=True), print)
"""

from __future__ import annotations

from calligram.care.checks import verify
from calligram.care.copies import backup, copy, restore
from calligram.care.drills import DrillReport, drill
from calligram.care.pace import Pace
from calligram.care.reports import Problem, Progress, Report, finish
from calligram.care.shelves import SHELVES, Side, share_of
from calligram.care.vaulting import Backup, BackupMetrics

__all__ = [
    "SHELVES",
    "Backup",
    "BackupMetrics",
    "DrillReport",
    "Pace",
    "Problem",
    "Progress",
    "Report",
    "Side",
    "backup",
    "copy",
    "drill",
    "finish",
    "restore",
    "share_of",
    "verify",
]
