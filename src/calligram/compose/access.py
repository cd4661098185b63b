"""
Who may ask, and how often: settings -> tokens and rate.
"""

from __future__ import annotations

import time
from pathlib import Path

from calligram.settings import Settings, SettingsRefused, variable
from calligram.web.access import Rate, Tokens


def tokens_of(settings: Settings) -> Tokens | None:
    """The tokens that may draw; None where none are asked for. Raises SettingsRefused."""
    return tokens_in("tokens_file", settings.tokens_file)


def operator_of(settings: Settings) -> Tokens | None:
    """The tokens that may delete; None where nobody may. Raises SettingsRefused."""
    return tokens_in("operator_tokens_file", settings.operator_tokens_file)


def tokens_in(name: str, path: str) -> Tokens | None:
    if not path:
        return None
    try:
        return Tokens.read(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise SettingsRefused(f"{variable(name)} can't be read: {error}") from error


def rate_of(settings: Settings) -> Rate | None:
    from calligram.web.access import Rate

    if settings.requests_per_minute_max is None:
        return None
    return Rate(requests_per_minute_max=settings.requests_per_minute_max, clock=time.monotonic)
