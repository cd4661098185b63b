"""
Standard output, for bytes, and for the day when it can't be written to.

What a failed write leaves in the buffer would be tried again at the interpreter's end, and
fail again, with words of the interpreter's own. So after a failure standard output is led
nowhere.
"""

from __future__ import annotations

import os
import sys

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
