"""
Reads everything again: is each picture what its name says, and does its record fit?

    picture      hashed, every byte of it
    record       its checksum, its fields, its picture's size
    the pair     a record has a picture; a picture has a record, unless it was deleted
    tombstone    can be read, and what it buries is gone
    the other    what the other side has living is here too

What looks wrong is looked at a second time: a picture that is on its way in, or out, has no
record for a moment, and that is nobody's fault. What is still wrong is a problem; `repair`
then brings what is damaged or missing from the other side, read and hashed before and
after, and finishes deletions. What has no good copy is told and left alone: a damaged
picture may still be worth something to whoever looks at it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from calligram.care.carrier import Found, is_older, missing, readable, tombstone_at, wrong_size
from calligram.care.pace import Pace
from calligram.care.reports import Outcome, Problem, Walk
from calligram.care.shelves import SHELVES, Side, Sight, glance
from calligram.care.walks import walk
from calligram.errors import Damaged
from calligram.store.keys import picture_key, record_key, tombstone_key
from calligram.store.records import Record, Tombstone

AGAIN_SECONDS = 1.0
PASSING = {"missing", "undeleted"}
"""Problems that a picture may have for a moment, while it is moved or deleted."""


def verify(
    side: Side,
    other: Side | None = None,
    *,
    repair: bool = False,
    shelves: Sequence[str] = SHELVES,
    pace: Pace | None = None,
    kept_before: str = "9999",
    again_seconds: float = AGAIN_SECONDS,
) -> Walk:
    """
    Verify `side`; with `other`, also that nothing is missing, and `repair` from there.

    Only what the other side had `kept_before` (a record's moment) is missed here: a vault is
    always a little behind.
    """
    assert other is not None or not repair, "there is nothing to repair from"
    pace = pace or Pace()
    sides = (side,) if other is None else (side, other)
    verifier = Verifier(side, other, repair, kept_before, again_seconds, pace)
    return walk("verify", sides, shelves, verifier.verify, pace)


@dataclass(frozen=True, slots=True)
class Findings:
    """What reading found of one picture on one side. What is damaged is None here."""

    problems: tuple[Problem, ...] = ()
    record: Record | None = None
    tombstone: Tombstone | None = None
    has_picture: bool = False
    bytes: int = 0

    @property
    def kinds(self) -> set[str]:
        return {problem.kind for problem in self.problems}


@dataclass(frozen=True, slots=True)
class Verifier:
    """Verifies one picture after the other; see `verify`."""

    side: Side
    other: Side | None
    repair: bool
    kept_before: str
    again_seconds: float
    pace: Pace

    def verify(self, id: str, here: Sight, there: Sight) -> Outcome:
        """Verify one picture, seen `here`, and `there` on the other side."""
        self.pace.take_turn()
        found = self.examine(id, here, there)
        if found.problems:
            if found.kinds & PASSING:
                self.pace.stopped.wait(self.again_seconds)
            found = self.examine(id, glance(self.side, id), there)
        if not found.problems or not self.repair:
            return outcome(found, found.problems)
        self.mend(id, found, there)
        after = self.examine(id, glance(self.side, id), there)
        left = {problem.key for problem in after.problems}
        mended = [replace(p, is_mended=True) for p in found.problems if p.key not in left]
        copied = 1 if mended else 0
        return replace(outcome(found, (*mended, *after.problems)), copied=copied)

    # --- Looking -------------------------------------------------------------------------

    def examine(self, id: str, here: Sight, there: Sight) -> Findings:
        """Read all that is here of one picture."""
        problems: list[Problem] = []
        record = tombstone = None
        try:
            tombstone = tombstone_at(self.side, id) if here.tombstone is not None else None
        except Found as found:
            problems.append(found.problem)
        try:
            record = self.record_at(id) if here.record is not None else None
        except Found as found:
            problems.append(found.problem)
        is_good = self.check_picture(id, here, problems)
        findings = Findings(record=record, tombstone=tombstone, has_picture=is_good)
        if not problems:
            problems += self.pair_problems(id, findings, here, there)
        return replace(findings, problems=tuple(problems), bytes=here.picture or 0)

    def record_at(self, id: str) -> Record | None:
        return readable(self.side, record_key(id), lambda: self.side.objects.record(id))

    def check_picture(self, id: str, here: Sight, problems: list[Problem]) -> bool:
        """Is there a picture, and is it good? One that is damaged is a problem."""
        if here.picture is None:
            return False
        digest = self.side.bucket.digest(picture_key(id))
        if digest is not None and digest != id:
            told = f"its {here.picture} bytes have the SHA-256 {digest}"
            problems.append(Problem(self.side.name, picture_key(id), "damaged", told))
        return digest == id

    def pair_problems(self, id: str, found: Findings, here: Sight, there: Sight) -> list[Problem]:
        """What is wrong between a picture, its record and its tombstone, each good by itself."""
        record, tombstone = found.record, found.tombstone
        if there.tombstone is not None:
            tombstone = newer(tombstone, self.other_tombstone(id))
        if record is None and not found.has_picture:
            if self.is_missed(id, there, tombstone):
                assert self.other is not None
                told = f"the {self.other.name} has picture and record, and here is neither"
                return [missing(self.side, picture_key(id), told)]
            return []
        if tombstone is not None and self.is_undeleted(id, found, tombstone, here, there):
            told = f"it was deleted at {tombstone.deleted_at} and is still here"
            key = picture_key(id) if record is None else record_key(id)
            return [Problem(self.side.name, key, "undeleted", told)]
        if record is None:
            return [missing(self.side, record_key(id), "its picture is here, the record not")]
        if not found.has_picture:
            told = "its record is here, the picture not"
            return [missing(self.side, picture_key(id), told)]
        if here.picture is not None and record.bytes != here.picture:
            return [wrong_size(self.side, record, here.picture)]
        return []

    def is_undeleted(
        self, id: str, found: Findings, tombstone: Tombstone, here: Sight, there: Sight
    ) -> bool:
        """
        Is this what `tombstone` buries, or was it kept again after it?

        Without its record only the picture's own time can tell. In doubt it was kept again:
        what is told in vain does no harm.
        """
        if found.record is not None:
            return tombstone.buries(found.record)
        if self.living_there(id, there, tombstone) is not None:
            return False
        return is_older(here, tombstone)

    def is_missed(self, id: str, there: Sight, tombstone: Tombstone | None) -> bool:
        living = self.living_there(id, there, tombstone)
        return living is not None and living.kept_at < self.kept_before

    # --- The other side ------------------------------------------------------------------

    def other_tombstone(self, id: str) -> Tombstone | None:
        """The other side's tombstone, if it can be read; else that is the other side's problem."""
        assert self.other is not None
        try:
            return self.other.objects.tombstone(id)
        except Damaged:
            return None

    def living_there(self, id: str, there: Sight, tombstone: Tombstone | None) -> Record | None:
        """The other side's record, if it is good and alive."""
        if self.other is None or there.record is None:
            return None
        # A tombstone that can't be read might bury anything.
        if there.tombstone is not None and self.other_tombstone(id) is None:
            return None
        try:
            record = self.other.objects.record(id)
        except Damaged:
            return None
        if record is None or (tombstone is not None and tombstone.buries(record)):
            return None
        return record

    # --- Mending -------------------------------------------------------------------------

    def mend(self, id: str, found: Findings, there: Sight) -> None:
        """Do what can be done from the other side; what can't is left as it is."""
        assert self.other is not None
        tombstone = found.tombstone
        if there.tombstone is not None:
            tombstone = newer(tombstone, self.other_tombstone(id))
        if tombstone is not None and tombstone != found.tombstone:
            self.side.objects.put_tombstone(tombstone)
        elif tombstone_key(id) in {problem.key for problem in found.problems}:
            return
        if "undeleted" in found.kinds:
            assert tombstone is not None
            self.side.objects.clear(tombstone)
            return
        record = found.record or self.living_there(id, there, tombstone)
        if record is None or (tombstone is not None and tombstone.buries(record)):
            return
        if not found.has_picture and not self.bring_picture(id):
            return
        if record != found.record or self.is_misfit(id, record):
            self.bring_record(id, there, tombstone)
        # Deleted meanwhile? Who deletes puts the tombstone first.
        late = self.side.objects.tombstone(id)
        if late is not None and late.buries(record):
            self.side.objects.clear(late)

    def bring_picture(self, id: str) -> bool:
        assert self.other is not None
        try:
            content = self.other.objects.picture(id)
        except Damaged:
            return False
        if content is not None:
            self.side.objects.put_picture(id, content)
        return content is not None

    def is_misfit(self, id: str, record: Record) -> bool:
        picture = self.side.bucket.entry(picture_key(id))
        return picture is None or picture.bytes != record.bytes

    def bring_record(self, id: str, there: Sight, tombstone: Tombstone | None) -> None:
        record = self.living_there(id, there, tombstone)
        if record is not None and not self.is_misfit(id, record):
            self.side.objects.replace_record(record)


def newer(one: Tombstone | None, two: Tombstone | None) -> Tombstone | None:
    found = [tombstone for tombstone in (one, two) if tombstone is not None]
    return max(found, key=lambda tombstone: tombstone.deleted_at, default=None)


def outcome(found: Findings, problems: tuple[Problem, ...]) -> Outcome:
    return Outcome(bytes=found.bytes, problems=problems)
