"""
The three walks that copy. They differ in whom they believe, and in how much they look.

              source -> target   both have a living record   what the target has already
    backup    store  -> vault    the store's counts          believed, if the sizes are the same
    copy      any    -> any      the source's counts         believed, if the sizes are the same
    restore   vault  -> store    the store's counts          hashed: the store may be damaged

All of them carry deletions too, and take nothing away for being absent at the source. Run
again after a cut they find what is there already and end complete.
"""

from __future__ import annotations

from collections.abc import Sequence

from calligram.care.carrier import Carrier
from calligram.care.pace import Pace
from calligram.care.reports import Walk
from calligram.care.shelves import SHELVES, Side
from calligram.care.walks import walk


def backup(
    store: Side, vault: Side, *, shelves: Sequence[str] = SHELVES, pace: Pace | None = None
) -> Walk:
    """Bring the vault up to what the store has and has deleted."""
    return carrying("backup", store, vault, shelves, pace, replaces=True, rereads=False)


def copy(
    source: Side, target: Side, *, shelves: Sequence[str] = SHELVES, pace: Pace | None = None
) -> Walk:
    """Bring one store up to another: what moving to another provider is made of."""
    return carrying("copy", source, target, shelves, pace, replaces=True, rereads=False)


def restore(
    vault: Side, store: Side, *, shelves: Sequence[str] = SHELVES, pace: Pace | None = None
) -> Walk:
    """Bring back into the store what the vault has; never over an object that is good."""
    return carrying("restore", vault, store, shelves, pace, replaces=False, rereads=True)


def carrying(
    name: str,
    source: Side,
    target: Side,
    shelves: Sequence[str],
    pace: Pace | None,
    *,
    replaces: bool,
    rereads: bool,
) -> Walk:
    pace = pace or Pace()
    carrier = Carrier(source, target, replaces=replaces, rereads=rereads, pace=pace)
    return walk(name, (source, target), shelves, carrier.carry, pace)
