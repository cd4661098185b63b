"""
Conditional requests: what a client has already is not sent again (RFC 9110, 13). Pure.

If-None-Match holds a list of entity tags, or `*` for any. It compares weakly: `W/"a"` is as
good as `"a"`, for a 304 only says that what the client holds will do.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

TAG = re.compile(r'\s*(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")\s*(?:,|$)')


def is_known(if_none_match: str | None, etag: str) -> bool:
    """
    Whether the client holds what `etag`, a strong tag with its quotes, names.

    A header that can't be read is as if it were not there: sending twice harms nobody.
    """
    if if_none_match is None:
        return False
    if if_none_match == etag or if_none_match.strip() == "*":
        return True
    place, found = 0, False
    while place < len(if_none_match):
        tag = TAG.match(if_none_match, place)
        if tag is None:
            return False
        found = found or tag[1] == etag
        place = tag.end()
    return found


def held(if_none_match: str | None, etags: Iterable[str], *, any_tag: bool = True) -> str | None:
    """
    The first of `etags` that the client holds; they name one answer in its codings.

    `*` holds the first one where `any_tag`.
    """
    if if_none_match is None or (not any_tag and if_none_match.strip() == "*"):
        return None
    return next((etag for etag in etags if is_known(if_none_match, etag)), None)


def etag_of(*parts: str | bytes) -> str:
    """A strong entity tag of all that makes an answer what it is."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        # With its length before it, no part can pass for the end of another.
        digest.update(b"%d:" % len(data) + data)
    return f'"{digest.hexdigest()[:32]}"'


def coded(etag: str, coding: str) -> str:
    """The tag of the same answer in a content coding: other bytes, so another strong tag."""
    return f'{etag[:-1]}-{coding}"'
