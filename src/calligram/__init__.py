"""
Calligram: pictures in, text out.

    >>> import calligram
    >>> print(calligram.render("photo.jpg", columns=80))

`render` draws a path, a file, bytes, a PIL image or an array; the Art that it answers
prints itself, and writes itself as txt, ansi, html, svg, png or json with `to`. The names
below are the promised ones: whatever else the package holds may change.

The engine is loaded when one of its names is first used: numpy and Pillow take far longer
to load than `calligram --version` should take to answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from calligram.errors import (
    AnswersWrong,
    ArtTooLarge,
    Busy,
    CalligramError,
    Damaged,
    DigestMismatch,
    Draining,
    EncodingRefused,
    ExtrapolationRefused,
    GeneratorBound,
    LawBroken,
    MeasurementRefused,
    MethodRefused,
    NotAcceptable,
    OptionsRefused,
    PeerUnavailable,
    PictureDamaged,
    PictureMissing,
    PictureRefused,
    PictureTooLarge,
    PictureUnknown,
    PlanRefused,
    RateExceeded,
    Refused,
    RenderStopped,
    RequestMalformed,
    RequestRefused,
    RequestSlow,
    RequestTooLarge,
    RouteUnknown,
    SpoolFailed,
    SpoolFull,
    StoreUnavailable,
    TokenRefused,
    TooNoisy,
    Unavailable,
    Unsteady,
)

if TYPE_CHECKING:
    from calligram.art.algorithms import ALGORITHMS
    from calligram.art.formats import FORMATS
    from calligram.art.limits import Limits
    from calligram.art.model import Art
    from calligram.art.options import OPTIONS, Options
    from calligram.library import render
else:
    # The same names once more. Type checkers don't see this branch, so that to them a
    # misspelt name stays an error.
    HOMES = {
        "ALGORITHMS": "calligram.art.algorithms",
        "FORMATS": "calligram.art.formats",
        "OPTIONS": "calligram.art.options",
        "Art": "calligram.art.model",
        "Limits": "calligram.art.limits",
        "Options": "calligram.art.options",
        "render": "calligram.library",
    }

    def __getattr__(name):
        if name not in HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        # Kept as a plain attribute: the next use doesn't come here.
        value = globals()[name] = getattr(import_module(HOMES[name]), name)
        return value

    def __dir__():
        return sorted({*globals(), *__all__})


__version__ = "0.1.0"

__all__ = [
    "ALGORITHMS",
    "FORMATS",
    "OPTIONS",
    "AnswersWrong",
    "Art",
    "ArtTooLarge",
    "Busy",
    "CalligramError",
    "Damaged",
    "DigestMismatch",
    "Draining",
    "EncodingRefused",
    "ExtrapolationRefused",
    "GeneratorBound",
    "LawBroken",
    "Limits",
    "MeasurementRefused",
    "MethodRefused",
    "NotAcceptable",
    "Options",
    "OptionsRefused",
    "PeerUnavailable",
    "PictureDamaged",
    "PictureMissing",
    "PictureRefused",
    "PictureTooLarge",
    "PictureUnknown",
    "PlanRefused",
    "RateExceeded",
    "Refused",
    "RenderStopped",
    "RequestMalformed",
    "RequestRefused",
    "RequestSlow",
    "RequestTooLarge",
    "RouteUnknown",
    "SpoolFailed",
    "SpoolFull",
    "StoreUnavailable",
    "TokenRefused",
    "TooNoisy",
    "Unavailable",
    "Unsteady",
    "__version__",
    "render",
]
