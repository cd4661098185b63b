"""
Pillow's errors and warnings, kept from everyone else.

A Pillow plug-in meets hostile bytes with whatever exception its code happens to raise, and
with warnings. Here the first become ours, and the second nothing.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, UnidentifiedImageError

from calligram.errors import PictureDamaged, PictureRefused, PictureTooLarge


@contextmanager
def our_errors(format: str) -> Iterator[None]:
    """
    The one place where Pillow's errors become ours, and its warnings nothing.

    Its plug-ins raise whatever hostile bytes lead them to, assertions of their own included,
    so every Exception is caught: inside stands no code but calls to Pillow and their order.
    """
    silence_pillow()
    before, QUIET.here = QUIET.here, True
    try:
        yield
    except PictureRefused:
        raise
    except (MemoryError, Image.DecompressionBombError) as error:
        raise PictureTooLarge(f"this {format} picture needs more memory than there is") from error
    except UnidentifiedImageError as error:
        raise PictureDamaged(f"this {format} picture's header contradicts itself") from error
    except Exception as error:
        reason = ascii(str(error))[1:-1][:120] or type(error).__name__
        raise PictureDamaged(f"this {format} picture is cut short or damaged: {reason}") from error
    finally:
        QUIET.here = before


class Quiet(threading.local):
    """
    A warning filter's pattern that matches everything in a thread that is decoding.

    Pillow warns of what we refuse or pass over anyway, and what a caller does about warnings
    may not change a picture. `warnings.catch_warnings` swaps a list that all threads share,
    so two decodes could undo each other's, and a caller's; this one rule stays in the list
    and asks who is warning.
    """

    here = False

    def match(self, _text: str) -> bool:
        return self.here


QUIET = Quiet()
RULE = ("ignore", QUIET, Warning, None, 0)
RULES_CHANGE = threading.Lock()


def silence_pillow() -> None:
    """Put the rule first, wherever a caller put his own before it or took it away."""
    rules: list[object] = warnings.filters  # type: ignore[assignment]  # a list, typed as less
    if not rules or rules[0] is not RULE:
        with RULES_CHANGE:
            rules.insert(0, RULE)
            while rules.count(RULE) > 1:
                del rules[rules.index(RULE, 1)]
