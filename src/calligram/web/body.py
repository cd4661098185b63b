"""
Reading a request's body, and counting while it comes.

A body is refused as soon as it is known to be too much: before its first byte where
Content-Length says so, else at the first byte over. It must be here in time: all of it
within `seconds_max`, and never fewer than `bytes_per_second_min` on average, after a second
of grace. So a sender can hold a place for seconds, but not for minutes by a byte now and then.

All bodies that are held at once, by requests that are read, wait or are drawn, share a budget
of bytes: many large ones together are refused as busy, before the memory is gone.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from calligram.errors import (
    Busy,
    CalligramError,
    PictureTooLarge,
    RequestMalformed,
    RequestSlow,
)
from calligram.web.messages import Request

GRACE_SECONDS = 1.0
RESCHEDULE_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyRules:
    """What a body may be: how large, and how slow."""

    bytes_max: int
    seconds_max: float
    bytes_per_second_min: int

    def deadline(self, received: int) -> float:
        """Seconds after the start by which another byte must come, if `received` have come."""
        if self.bytes_per_second_min == 0:
            return self.seconds_max
        return min(self.seconds_max, GRACE_SECONDS + received / self.bytes_per_second_min)

    def too_large(self, found: int) -> PictureTooLarge:
        return PictureTooLarge(
            f"the body has {found} bytes or more, and {self.bytes_max} is the limit; "
            "a smaller or more strongly compressed picture will do",
            limit=self.bytes_max,
            actual=found,
        )

    def too_slow(self, what: str, seconds: float, received: int | None = None) -> RequestSlow:
        """`what` is the state of the body after `seconds`; `received` its bytes, if known."""
        by_rate = seconds < self.seconds_max
        least = f" at {self.bytes_per_second_min} bytes a second" if by_rate else ""
        rate = None if received is None else round(received / seconds)
        return RequestSlow(
            f"{what} after {seconds:.3g} s, which is the limit{least}; "
            "a smaller picture or a faster connection will do",
            limit=self.bytes_per_second_min if by_rate else self.seconds_max,
            actual=rate if by_rate else round(seconds, 3),
        )


class Budget:
    """How many bytes of bodies one server process holds at once, at most `bytes_max`."""

    def __init__(self, *, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self.held = 0

    @contextmanager
    def share(self) -> Iterator[Callable[[int], None]]:
        """What one request calls for each piece that it holds until the end; it raises Busy."""
        taken = 0

        def take(count: int) -> None:
            nonlocal taken
            if self.held + count > self.bytes_max:
                raise Busy(
                    f"{self.held} bytes of pictures are held already, and {self.bytes_max} may be",
                    limit=self.bytes_max,
                    actual=self.held + count,
                )
            self.held += count
            taken += count

        try:
            yield take
        finally:
            self.held -= taken


async def read_body(request: Request, rules: BodyRules, take: Callable[[int], None]) -> bytes:
    """
    The whole body of `request`; `take` is told of every piece before it is kept.

    Raises PictureTooLarge, RequestSlow, RequestMalformed where it breaks off, and Busy.
    """
    declared = request.header(b"content-length")
    chunked = request.header(b"transfer-encoding") is not None
    if declared is None or chunked or not declared.isdigit():
        return await read_pieces(request, rules, take)
    length = int(declared)
    if length > rules.bytes_max:
        raise rules.too_large(length)
    take(length)
    # Known to be small enough, it is fetched in one go: each piece would cost a change of
    # threads. It has the time that its last byte would have had.
    seconds = rules.deadline(length)
    try:
        async with asyncio.timeout(seconds):
            body = await request.body()
    except TimeoutError:
        raise rules.too_slow(f"the body's {length} bytes are not here", seconds) from None
    except RuntimeError:
        raise cut(f"which should have {length} bytes") from None
    if len(body) != length:
        raise cut(f"which should have {length} bytes, after {len(body)}")
    return body


async def read_pieces(request: Request, rules: BodyRules, take: Callable[[int], None]) -> bytes:
    """A body of unknown length, counted as it comes."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    # Pieces may be single bytes: they are put together at once, and the clock is set anew
    # only where it is due, not for each of them.
    whole = io.BytesIO()
    received = 0
    due = started + rules.deadline(0)
    try:
        async with asyncio.timeout_at(due) as timer:
            async for piece in request.body:
                received += len(piece)
                if received > rules.bytes_max:
                    raise rules.too_large(received)
                take(len(piece))
                whole.write(piece)
                earned = started + rules.deadline(received)
                if earned - due > RESCHEDULE_SECONDS:
                    due = earned
                    timer.reschedule(due)
    except TimeoutError:
        what = f"the body has {received} bytes and no end"
        raise rules.too_slow(what, loop.time() - started, received) from None
    except RuntimeError:
        raise cut(f"after {received} bytes") from None
    return whole.getvalue()


def cut(where: str) -> CalligramError:
    return RequestMalformed(f"the body breaks off, {where}")
