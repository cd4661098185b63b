"""
Standard output, for bytes, and for the day when it can't be written to.

What a failed write leaves in the buffer would be tried again at the interpreter's end, and
fail again, with words of the interpreter's own. So after a failure standard output is led
nowhere.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from calligram.cli.messages import Undone, described


def write_standard_output(data: bytes) -> None:
    """Write and flush `data`. Raises Undone, and BrokenPipeError if nobody reads on."""
    if sys.stdout is None:
        raise Undone("standard output", "can't be written: it is closed")
    try:
        # Bytes, because art is UTF-8 whatever the terminal's language is.
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        forget_output()
        raise Undone("standard output", f"can't be written: {described(error)}") from error


def forget_output() -> None:
    """Let standard output lead nowhere from now on."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


@contextmanager
def silent_decoders() -> Iterator[None]:
    """
    Standard error led nowhere meanwhile: libtiff writes its own lines there.

    What they mean comes back as our one line. File descriptors are all that C code knows,
    so this is no matter of sys.stderr.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
