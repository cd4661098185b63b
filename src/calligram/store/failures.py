"""
The one place where the disk's errors become ours, and where a failed fsync is remembered.

    no room left           SpoolFull, for this upload
    any other failure      SpoolFailed, for this upload
    fsync failed           SpoolFailed, and from now on for every upload: see spool.py
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from calligram.errors import SpoolFailed, SpoolFull

LOG = logging.getLogger(__name__)

NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
RETRY_SECONDS = 30


class SpoolDisk:
    """
    What is known of the spool's disk; `marker` is the file that says it failed.

    The file is what other processes, and those after the next start, learn it from. Where
    even that can't be written, this process remembers.
    """

    def __init__(self, marker: Path) -> None:
        self.marker = marker
        self.has_failed = False

    @property
    def is_failed(self) -> bool:
        """Did an fsync fail, in this or another process?"""
        return self.has_failed or self.marker.exists()

    def check(self) -> None:
        """Raise SpoolFailed if nothing may be kept any more."""
        if self.is_failed:
            raise SpoolFailed(
                "an fsync failed on the spool's disk, so nothing more is kept on it; "
                "replace the disk, or remove the spool's file 'failed' and start again",
                retry_after_seconds=RETRY_SECONDS,
            )

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """The disk's errors become ours."""
        try:
            yield
        except OSError as error:
            told = f"the spool's disk failed: {error.strerror or error}"
            kind = SpoolFull if error.errno in NO_ROOM else SpoolFailed
            raise kind(told, retry_after_seconds=RETRY_SECONDS) from error

    def sync_bytes(self, file: int) -> None:
        """Make an open file's bytes survive a power cut; raises OSError."""
        try:
            os.fsync(file)
        except OSError as error:
            # Without room this one file is thrown away, and no other is concerned.
            if error.errno not in NO_ROOM:
                self.fail(error)
            raise

    def sync_names(self, folder: Path) -> None:
        """Make the names in `folder` survive a power cut; raises OSError."""
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(opened)
        except OSError as error:
            # Names are shared: who finds one later could not tell whether it is safe.
            self.fail(error)
            raise
        finally:
            os.close(opened)

    def fail(self, error: OSError) -> None:
        self.has_failed = True
        LOG.critical("fsync failed on the spool's disk, nothing more is kept on it: %s", error)
        with contextlib.suppress(OSError):
            self.marker.write_text(f"{error}\n")
