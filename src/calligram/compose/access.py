"""
Who may ask, and how often: settings -> tokens and rate.
"""

from __future__ import annotations

import time
from pathlib import Path

from calligram.settings import Settings, SettingsRefused, variable
from calligram.web.access import Rate, Tokens


def tokens_of(settings: Settings) -> Tokens | None:
    """The tokens that are known; None where none are asked for."""
    from calligram.web.access import Tokens

    if not settings.tokens_file:
        return None
    try:
        return Tokens.read(Path(settings.tokens_file).read_text())
    except (OSError, ValueError) as error:
        raise SettingsRefused(f"{variable('tokens_file')} can't be read: {error}") from error


def rate_of(settings: Settings) -> Rate | None:
    from calligram.web.access import Rate

    if settings.requests_per_minute_max is None:
        return None
    return Rate(requests_per_minute_max=settings.requests_per_minute_max, clock=time.monotonic)
