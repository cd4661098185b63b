"""
Multipart forms: one file named `image`, and nothing else. Pure.

Browsers send pictures so; everybody else had better send the bytes alone. The client's name
of the file is never used for anything. All limits are small, and are checked while the form
is read: a form with a hundred thousand parts is refused at its third.
"""

from __future__ import annotations

from multipart import (  # type: ignore[import-untyped] # it carries no types
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
)
from multipart import parse_options_header as parsed

from calligram.art.options import shown
from calligram.errors import CalligramError, RequestMalformed, RequestTooLarge

FIELD = "image"
PARTS_MAX = 2
HEADERS_MAX = 8
HEADER_BYTES_MAX = 1024
OVERHEAD_BYTES_MAX = 16 * 1024
"""How many bytes a form may have besides its picture."""


def is_form(media_type: str) -> bool:
    return media_type.partition(";")[0].strip().lower() == "multipart/form-data"


def picture_of(body: bytes, media_type: str) -> bytes:
    """
    The bytes of the one picture in a form.

    Raises RequestMalformed where there is none, or something else, and RequestTooLarge for
    more parts or longer headers than a form with one picture has.
    """
    _, options = parsed(media_type)
    boundary = options.get("boundary", "")
    if not 1 <= len(boundary) <= 70:
        raise RequestMalformed("a multipart form needs a boundary of 1 to 70 characters")
    try:
        return only_picture(body, boundary)
    # The parser's traceback holds its frame, and that the body: in a circle with the error,
    # which would keep each refused body until the garbage is collected.
    except ParserLimitReached as error:
        raise too_much() from error.with_traceback(None)
    except MultipartError as error:
        raise RequestMalformed(
            "the multipart form breaks its own rules; one file named image will do"
        ) from error.with_traceback(None)


def only_picture(body: bytes, boundary: str) -> bytes:
    pieces: list[bytes] = []
    found = 0
    with PushMultipartParser(
        boundary,
        max_segment_count=PARTS_MAX,
        max_header_count=HEADERS_MAX,
        max_header_size=HEADER_BYTES_MAX,
        strict=True,
    ) as parser:
        for event in parser.parse(body):
            if isinstance(event, MultipartSegment):
                check_field(event)
                found += 1
            elif event:
                pieces.append(bytes(event))
    if found != 1:
        raise RequestMalformed(
            f"the form has {found} fields named {FIELD}, and exactly one is wanted",
            limit=1,
            actual=found,
        )
    return b"".join(pieces)


def check_field(segment: MultipartSegment) -> None:
    if segment.name != FIELD:
        raise RequestMalformed(
            f"there is no field {shown(segment.name)}; a form has one file named {FIELD}, "
            "and options stand in the address"
        )


def too_much() -> CalligramError:
    return RequestTooLarge(
        f"the form has more than {PARTS_MAX} parts, or headers over {HEADER_BYTES_MAX} bytes; "
        f"one file named {FIELD} will do",
        limit=PARTS_MAX,
    )
