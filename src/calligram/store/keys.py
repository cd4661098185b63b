"""
Where things are, told from a picture's id alone. Pure.

    pictures/ab/<id>           the picture's bytes; the id is their SHA-256, so this never changes
    records/ab/<id>.json       its record
    deleted/ab/<id>.json       its tombstone: this picture was deleted, and when

`ab` is the id's first two digits: a folder as store then has 256 folders and not one huge
one. Pictures and records are apart, so that walking over all records lists nothing else.
"""

from __future__ import annotations

import re

ID = re.compile(r"[0-9a-f]{64}")
KEY = re.compile(r"(pictures|records|deleted)/([0-9a-f]{2})/(\2[0-9a-f]{62})(\.json)?")


def is_id(text: str) -> bool:
    """Is `text` a picture's id: 64 lower-case hexadecimal digits?"""
    return ID.fullmatch(text) is not None


def picture_key(id: str) -> str:
    """The key of the picture's bytes."""
    return f"pictures/{prefix(id)}/{id}"


def record_key(id: str) -> str:
    """The key of the picture's record."""
    return f"records/{prefix(id)}/{id}.json"


def tombstone_key(id: str) -> str:
    """The key of the picture's tombstone."""
    return f"deleted/{prefix(id)}/{id}.json"


def prefix(id: str) -> str:
    assert is_id(id), f"not a picture's id: {id!r}"
    return id[:2]


def id_of(key: str) -> str | None:
    """The picture's id in a key of ours; None where it is none: a store may hold other things."""
    found = KEY.fullmatch(key)
    if found is None or (found[1] == "pictures") != (found[4] is None):
        return None
    return found[3]
