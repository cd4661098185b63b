"""
The small JSON beside each kept picture, and the one that is left when it is deleted. Pure.

    {"version":1,"picture":"<id>","bytes":148213,"format":"jpeg","width":768,"height":512,
     "kept_at":"2026-03-01T12:00:00.000000Z","algorithm":"shape-1","crc32":"5d1f0c2b"}

A picture's name tells whether its bytes are right; a record's does not, and one flipped bit
can make another good record of it. So the last field is the CRC-32 of what stands before
it, in every version to come.

It is read strictly: a field too many, too few or out of range is damage. `version` is
looked at before the fields: what a newer Calligram wrote is not damage, and must not be
written over.
Times are handed in, in UTC with six decimals, so that they sort as text.
"""

from __future__ import annotations

import re
import zlib
from typing import Annotated, Literal, TypeVar

import msgspec

from calligram.errors import Damaged, StoreUnavailable

VERSION = 1
SEALED = re.compile(rb'(\{.+),"crc32":"([0-9a-f]{8})"\}\n')

Id = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}\\Z")]
Moment = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z\Z",
        max_length=27,
    ),
]
Count = Annotated[int, msgspec.Meta(ge=1)]
Format = Annotated[str, msgspec.Meta(pattern="^[a-z0-9]{1,16}\\Z")]
Algorithm = Annotated[str, msgspec.Meta(pattern="^[a-z]+-[1-9][0-9]*\\Z", max_length=64)]


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    What is known of a kept picture.

    `kept_at` is when it was first kept here, and `algorithm` the one that its default art
    is pinned to. `width` and `height` are pixels.
    """

    version: Literal[1] = 1
    picture: Id
    bytes: Count
    format: Format
    width: Count
    height: Count
    kept_at: Moment
    algorithm: Algorithm


class Tombstone(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    A picture was deleted. It buries what was kept until `deleted_at`, on whatever server it
    still lies; who keeps the picture again after that has a living record.
    """

    version: Literal[1] = 1
    picture: Id
    deleted_at: Moment

    def buries(self, record: Record) -> bool:
        """Is `record` one that was deleted?"""
        assert record.picture == self.picture, (record, self)
        return record.kept_at <= self.deleted_at


class Numbered(msgspec.Struct, frozen=True):
    """All that any version promises."""

    version: int


Kind = TypeVar("Kind", bound=Record | Tombstone)


def write(value: Record | Tombstone) -> bytes:
    """One line of JSON, in UTF-8; the same bytes for the same value."""
    content = sealed(msgspec.json.encode(value, order="deterministic"))
    # What we could not read again must not be written.
    assert read(content, type(value)) == value
    return content


def sealed(body: bytes) -> bytes:
    """The JSON object `body` with its checksum as the last field."""
    return b'%s,"crc32":"%08x"}\n' % (body[:-1], zlib.crc32(body[:-1]))


def read_record(content: bytes, id: str) -> Record:
    """
    The record of the picture `id`.

    Raises Damaged where it is not one, and StoreUnavailable where it is a newer version's.
    """
    record = read(content, Record)
    if record.picture != id:
        raise Damaged(f"the record of {id} is about {record.picture}")
    return record


def read_tombstone(content: bytes, id: str) -> Tombstone:
    """The tombstone of the picture `id`; raises as `read_record` does."""
    tombstone = read(content, Tombstone)
    if tombstone.picture != id:
        raise Damaged(f"the tombstone of {id} is about {tombstone.picture}")
    return tombstone


def read(content: bytes, kind: type[Kind]) -> Kind:
    name = kind.__name__.lower()
    found = SEALED.fullmatch(content)
    if found is None:
        raise Damaged(f"a {name} has no checksum at its end")
    if zlib.crc32(found[1]) != int(found[2], 16):
        raise Damaged(f"a {name} is not what its checksum says")
    body = found[1] + b"}"
    try:
        version = msgspec.json.decode(body, type=Numbered).version
        if version > VERSION:
            raise StoreUnavailable(
                f"a {name} of version {version} was written by a newer Calligram than this one, "
                f"which reads version {VERSION}: upgrade this one"
            )
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Damaged(f"a {name} can't be read: {error}") from error
