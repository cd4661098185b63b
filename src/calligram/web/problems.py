"""
Errors as answers. The only module that knows both our errors and HTTP.

One failure has one status, by the table. Under 500 the client reads the error's own message;
from 500 up it reads a fixed sentence with the request's id, and we read the log. Whoever
asks for JSON gets a problem (RFC 9457) with the error's stable code; others, such as curl,
get one line of text. No error may ever be kept by a cache.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec

from calligram import errors
from calligram.errors import CalligramError
from calligram.web.messages import NO_STORE, TEXT, Answer, Headers, Request, answer
from calligram.web.negotiation import accepted

PROBLEM = "application/problem+json"
KINDS = ("text/plain", PROBLEM, "application/json")

STATUSES: Mapping[type[CalligramError], int] = {
    errors.OptionsRefused: 400,
    errors.PictureUnknown: 415,
    errors.PictureTooLarge: 413,
    errors.PictureDamaged: 422,
    errors.RenderStopped: 422,
    errors.ArtTooLarge: 400,
    errors.PictureMissing: 404,
    errors.RequestMalformed: 400,
    errors.RequestTooLarge: 413,
    errors.RequestSlow: 408,
    errors.EncodingRefused: 415,
    errors.DigestMismatch: 400,
    errors.NotAcceptable: 406,
    errors.RouteUnknown: 404,
    errors.MethodRefused: 405,
    errors.TokenRefused: 401,
    errors.RateExceeded: 429,
    errors.Unavailable: 503,
    errors.Busy: 503,
    errors.Draining: 503,
    errors.SpoolFull: 507,
    errors.SpoolFailed: 503,
    errors.StoreUnavailable: 503,
    errors.PeerUnavailable: 503,
    errors.Damaged: 500,
}
"""A leaf's status. An error without one is a bug of ours, and 500."""

FIXED = {
    "unavailable": "The server can't draw just now; try again later",
    "busy": "The server has as much to draw as it takes on at once; try again later",
    "draining": "This server is being stopped; try again",
    "spool-full": "The server has no room to keep one more picture; try again later",
    "spool-failed": "The server can't keep pictures just now; try again later",
    "store-unavailable": "The store does not answer; try again later",
    "peer-unavailable": "The server that may have this picture does not answer; try again later",
}
OURS = "Something is wrong with the server, and not with the request"
NOT_READ = (errors.PictureTooLarge, errors.RequestSlow, errors.RequestTooLarge)
"""After these the rest of the body may still be on its way, and is not waited for."""


def status_of(error: Exception) -> int:
    """The one status of a failure."""
    return STATUSES.get(type(error), 500) if isinstance(error, CalligramError) else 500


def code_of(error: Exception) -> str:
    """The error's stable code; an error that isn't in our tree is a bug, and says nothing."""
    known = isinstance(error, CalligramError) and type(error) in STATUSES
    return error.code if known and isinstance(error, CalligramError) else "internal-error"


def problem(error: Exception, request: Request, headers: Headers = ()) -> Answer:
    """The answer that tells of `error`, with `headers` besides its own."""
    status, code = status_of(error), code_of(error)
    told = f"{FIXED.get(code, OURS)} (request {request.id})" if status >= 500 else str(error)
    kind = accepted(request.header(b"accept"), KINDS)
    common = (
        NO_STORE,
        (b"vary", b"Accept"),
        (b"calligram-error", code.encode()),
        *wait(error),
        *closing(error),
        *headers,
    )
    if kind == "text/plain":
        return answer(f"{told} [{code}]\n".encode(), TEXT, common, status)
    # Who accepts neither text nor JSON, asking for a PNG perhaps, is a program.
    members: dict[str, Any] = {
        "type": f"/docs#{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": told,
        "code": code,
        "request_id": request.id,
    }
    if isinstance(error, CalligramError) and status < 500:
        for name in ("limit", "actual"):
            if getattr(error, name) is not None:
                members[name] = getattr(error, name)
    return answer(msgspec.json.encode(members) + b"\n", PROBLEM, common, status)


def wait(error: Exception) -> Headers:
    if isinstance(error, errors.Unavailable | errors.RateExceeded):
        return ((b"retry-after", b"%d" % error.retry_after_seconds),)
    if isinstance(error, errors.TokenRefused):
        return ((b"www-authenticate", b'Bearer realm="calligram"'),)
    if isinstance(error, errors.EncodingRefused):
        return ((b"accept-encoding", b"identity"), (b"accept-post", ACCEPT_POST))
    if isinstance(error, errors.PictureUnknown):
        return ((b"accept-post", ACCEPT_POST),)
    return ()


ACCEPT_POST = b"image/*, application/octet-stream, multipart/form-data"


def closing(error: Exception) -> Headers:
    return ((b"connection", b"close"),) if isinstance(error, NOT_READ) else ()
