"""
Every error this project raises on purpose.

    CalligramError
      Refused                 the caller's fault: do not retry
        OptionsRefused          an option is unknown or out of range
        PictureRefused          this picture is not drawn
          PictureUnknown          not a format we read
          PictureTooLarge         over a limit: bytes, pixels, sides, frames, metadata, chunks
          PictureDamaged          cut short, or its bytes contradict each other
          RenderStopped           drawing it took too much time or memory
        ArtTooLarge             the answer would be over a limit
        PictureMissing          no picture of this id is kept
        RequestRefused          the HTTP request won't do, whatever picture it brings
          RequestMalformed        it can't be understood
          RequestTooLarge         more bytes or parts than any picture needs
          RequestSlow             its body arrives too slowly
          EncodingRefused         its body is compressed
          DigestMismatch          its body is not what its Content-Digest says
          NotAcceptable           we have nothing that it accepts
          RouteUnknown            there is nothing at its address
          MethodRefused           what is there doesn't take its method
          TokenRefused            it brings no token that we know
          RateExceeded            this client sent too many of them
        PlanRefused             a sweep, a traffic description or a price sheet can't be read
      Unavailable             ours or a neighbour's fault: retry later
        Busy                    running and waiting renders are both full
        Draining                the server is being stopped
        SpoolFull               too little room is left on the server's disk to keep a picture
        SpoolFailed             the server's disk failed: nothing more is kept on it
        StoreUnavailable        the object store did not do what it was asked
        PeerUnavailable         another server that may have the picture did not answer
      Damaged                 kept bytes are not what their name says: page someone
      MeasurementRefused      it was measured, and must not be believed
        GeneratorBound          the load generator was the limit, not the server
        Unsteady                the server was another at the end than at the beginning
        TooNoisy                rounds differ too much from each other
        LawBroken               requests, seconds and concurrency contradict Little's law
        AnswersWrong            too many answers were errors, or came out of a cache
        ExtrapolationRefused    too far beyond what was measured

A caller decides by the branch, an operator by the leaf, a client by `code`.
A bug is not in this tree: it is an AssertionError, and it is left to crash.
"""

from __future__ import annotations


class CalligramError(Exception):
    """
    The root of the tree.

    `code` is stable and the same for library, command and service. Where a limit was
    passed, `limit` is its value and `actual` what was found; elsewhere they are None.
    """

    code = "calligram-error"

    def __init__(
        self, message: str, *, limit: int | float | None = None, actual: int | float | None = None
    ) -> None:
        super().__init__(message)
        self.limit = limit
        self.actual = actual

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword-only arguments are lost by Exception's own pickling, and errors cross processes.
        return _rebuilt, (type(self), str(self), vars(self))


def _rebuilt(kind: type[CalligramError], message: str, told: dict[str, object]) -> CalligramError:
    error = kind(message)
    vars(error).update(told)
    return error


class Refused(CalligramError):
    """The caller's fault: the same request will be refused again."""

    code = "refused"


class OptionsRefused(Refused):
    """An option is unknown or out of range."""

    code = "options-refused"


class PictureRefused(Refused):
    """This picture is not drawn."""

    code = "picture-refused"


class PictureUnknown(PictureRefused):
    """The bytes are not in a format that we read."""

    code = "picture-unknown"


class PictureTooLarge(PictureRefused):
    """The picture is over a limit: bytes, pixels, sides, frames, metadata or chunks."""

    code = "picture-too-large"


class PictureDamaged(PictureRefused):
    """The picture is cut short, or its bytes contradict each other."""

    code = "picture-damaged"


class RenderStopped(PictureRefused):
    """Drawing was stopped: over the time or memory limit, or its process died over it."""

    code = "render-stopped"


class ArtTooLarge(Refused):
    """The art, written down in the asked format, would be over the limit."""

    code = "art-too-large"


class PictureMissing(Refused):
    """No picture of this id is kept, or not any more."""

    code = "picture-missing"


class RequestRefused(Refused):
    """The HTTP request won't do, whatever picture it brings."""

    code = "request-refused"


class RequestMalformed(RequestRefused):
    """The request can't be understood."""

    code = "request-malformed"


class RequestTooLarge(RequestRefused):
    """The request has more bytes or parts than any picture needs."""

    code = "request-too-large"


class RequestSlow(RequestRefused):
    """The request's body arrives too slowly, or not in time."""

    code = "request-slow"


class EncodingRefused(RequestRefused):
    """The request's body is compressed, or of a type that holds no picture."""

    code = "encoding-refused"


class DigestMismatch(RequestRefused):
    """The request's body is not what its Content-Digest says."""

    code = "digest-mismatch"


class NotAcceptable(RequestRefused):
    """None of our formats is among those that the request accepts."""

    code = "not-acceptable"


class RouteUnknown(RequestRefused):
    """There is nothing at this address."""

    code = "route-unknown"


class MethodRefused(RequestRefused):
    """What is at this address doesn't take this method."""

    code = "method-refused"


class TokenRefused(RequestRefused):
    """The request brings no token that is known here."""

    code = "token-refused"


class RateExceeded(RequestRefused):
    """This client sent too many requests; `retry_after_seconds` says when one will do again."""

    code = "rate-exceeded"
    retry_after_seconds = 60


class PlanRefused(Refused):
    """A sweep, a traffic description or a price sheet can't be read, or says what can't be."""

    code = "plan-refused"


class Unavailable(CalligramError):
    """
    Ours or a neighbour's fault: the same request may do later.

    `retry_after_seconds` is when that will be, as far as can be told now: at least 1.
    """

    code = "unavailable"

    def __init__(
        self,
        message: str,
        *,
        limit: int | float | None = None,
        actual: int | float | None = None,
        retry_after_seconds: int = 1,
    ) -> None:
        super().__init__(message, limit=limit, actual=actual)
        self.retry_after_seconds = max(1, retry_after_seconds)


class Busy(Unavailable):
    """As many renders are running and waiting as we take on at once."""

    code = "busy"


class Draining(Unavailable):
    """The server is being stopped, and takes on nothing new."""

    code = "draining"


class SpoolFull(Unavailable):
    """Too little room is left on the server's disk to keep one more picture."""

    code = "spool-full"


class SpoolFailed(Unavailable):
    """The server's disk failed to keep a picture; after a failed fsync it keeps nothing more."""

    code = "spool-failed"


class StoreUnavailable(Unavailable):
    """The object store did not answer, refused, or gave back other bytes than it was given."""

    code = "store-unavailable"


class PeerUnavailable(Unavailable):
    """Another server may have this picture in its spool, and did not answer."""

    code = "peer-unavailable"


class Damaged(CalligramError):
    """Kept bytes are not what their name or their record says."""

    code = "damaged"


class MeasurementRefused(CalligramError):
    """It was measured, and must not be believed."""

    code = "measurement-refused"


class GeneratorBound(MeasurementRefused):
    """The load generator was the limit: the figures are its own and not the server's."""

    code = "generator-bound"


class Unsteady(MeasurementRefused):
    """The last rounds differ from the first: the server was warming up, filling up or slowing."""

    code = "unsteady"


class TooNoisy(MeasurementRefused):
    """The rounds differ too much from each other for their middle to mean anything."""

    code = "too-noisy"


class LawBroken(MeasurementRefused):
    """Concurrency is not throughput times seconds: something was lost or counted twice."""

    code = "law-broken"


class AnswersWrong(MeasurementRefused):
    """Too many answers were errors, or came out of a cache where work was to be measured."""

    code = "answers-wrong"


class ExtrapolationRefused(MeasurementRefused):
    """What is asked is too far beyond what was measured."""

    code = "extrapolation-refused"
