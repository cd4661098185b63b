"""
Where the pictures of a collection lie, and where its art goes: a folder, or an object store.

    names   every file that isn't hidden, as a path with / below the place, sorted
    read    the bytes of one, if it begins like a picture and is within the limits
    write   whole or not at all: in a store one put; in a folder

        1. draft    write   .calligram-<random>.part   beside its place
        2. sync     fsync it
        3. finish   rename it

Without the fsync, a power cut could leave an empty file under the final name, and the next
run would take it for finished art. Whoever writes many does each step for all of them: the
file system commits them together, where each for itself would wait for a commit of its own.
A `.part` that a killed run left over is cleared by the next.
"""

from __future__ import annotations

import fcntl
import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from calligram.art.headers import sniff
from calligram.art.limits import Limits
from calligram.errors import StoreUnavailable
from calligram.library import read

if TYPE_CHECKING:
    from calligram.store.bucket import Bucket

MAGIC_BYTES = 16
PART_PREFIX, PART_SUFFIX = ".calligram-", ".part"


class PlaceRefused(Exception):
    """This place won't do, and nothing was done: it says why, and what would do."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A file that is written, but neither on the disk for sure nor in its place."""

    part: Path
    place: Path

    def sync(self) -> None:
        """Bring it to the disk. Raises OSError, and leaves nothing then."""
        with self.gone_if_failed(), self.part.open("rb") as file:
            os.fsync(file.fileno())

    def finish(self) -> None:
        """Bring it into its place. Raises OSError, and leaves nothing then."""
        with self.gone_if_failed():
            self.part.replace(self.place)

    @contextmanager
    def gone_if_failed(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.part.unlink(missing_ok=True)
            raise


class Place(Protocol):
    """Where files with names lie."""

    def names(self) -> list[str]: ...
    def read(self, name: str, limits: Limits) -> bytes: ...
    def read_note(self, name: str) -> bytes | None: ...
    def write(self, name: str, content: bytes) -> None: ...

    def draft(self, name: str, content: bytes) -> Draft | None:
        """Write it as far as it needn't be waited for; None where it is finished already."""


@dataclass(frozen=True, slots=True)
class Address:
    """
    A place as it is told to workers, perhaps on other machines: a folder's absolute path, or
    a store's address with obstore's own `config` for it.
    """

    text: str
    config: Mapping[str, Any] = field(default_factory=dict, repr=False)
    apart: str | None = None
    """A folder inside of it whose files don't belong to it: the one that the art goes to."""

    @classmethod
    def of(cls, text: str, config: Mapping[str, Any], *, apart: str | None = None) -> Address:
        return cls(text if "://" in text else os.path.abspath(text), config, apart)

    @property
    def is_folder(self) -> bool:
        return "://" not in self.text

    def open(self) -> Place:
        """The place itself. Raises StoreUnavailable where a store's address won't do."""
        if self.is_folder:
            return Folder(Path(self.text), apart=Path(self.apart) if self.apart else None)
        # Most collections are folders, and obstore takes a while to load.
        from calligram.store.bucket import Bucket

        return Stored(Bucket.at(self.text, config=self.config))


class Folder:
    """A folder on a disk that all workers see."""

    def __init__(self, path: Path, *, apart: Path | None = None) -> None:
        self.path = path
        self.apart = apart
        self.lock: int | None = None

    def names(self) -> list[str]:
        return sorted(
            os.path.relpath(entry.path, self.path)
            for entry in entries_in(self.path, self.apart)
            if not entry.name.startswith(".")
        )

    def read(self, name: str, limits: Limits) -> bytes:
        """The bytes of a picture. Raises OSError, PictureUnknown and PictureTooLarge."""
        with open(self.path / name, "rb") as file:
            # Before all of it is read: it may be anything, and of any size.
            sniff(file.read(MAGIC_BYTES))
            file.seek(0)
            if os.fstat(file.fileno()).st_size > limits.picture_bytes_max:
                return read(file, limits)  # refuses it
            # At its own size: read maps a buffer for the largest each time.
            return file.read()

    def read_note(self, name: str) -> bytes | None:
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            return None

    def write(self, name: str, content: bytes) -> None:
        draft = self.draft(name, content)
        draft.sync()
        draft.finish()

    def draft(self, name: str, content: bytes) -> Draft:
        place = self.path / name
        part = place.with_name(f"{PART_PREFIX}{os.urandom(8).hex()}{PART_SUFFIX}")
        draft = Draft(part, place)
        with draft.gone_if_failed():
            try:
                file = part.open("xb")
            except FileNotFoundError:
                place.parent.mkdir(parents=True, exist_ok=True)
                file = part.open("xb")
            with file:
                file.write(content)
                file.flush()
                # The disk begins now, while others are drawn, and the fsync has less to wait for.
                if hasattr(os, "posix_fadvise"):
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return draft

    def take(self) -> None:
        """
        Make the folder this run's alone, as long as this process lives, and clear what an
        earlier one left half-written. Raises PlaceRefused where another run has it.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        self.lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            # The folder itself is locked: a file for it would be left lying about.
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self.lock)
            raise PlaceRefused(
                f"another run writes to {self.path}; another folder, or waiting for it, will do"
            ) from None
        for entry in entries_in(self.path, None):
            if entry.name.startswith(PART_PREFIX) and entry.name.endswith(PART_SUFFIX):
                os.unlink(entry.path)

    def free(self) -> None:
        if self.lock is not None:
            os.close(self.lock)
            self.lock = None


def entries_in(folder: Path | str, apart: Path | None) -> Iterator[os.DirEntry[str]]:
    """
    Every file below `folder`, hidden ones too, but none in hidden folders or in `apart`.

    Folders that are links are not followed: they might lead round in a circle.
    """
    folders = [os.fspath(folder)]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    is_apart = apart is not None and Path(entry.path) == apart
                    if not entry.name.startswith(".") and not is_apart:
                        folders.append(entry.path)
                # A pipe or a device could keep us waiting for ever.
                elif entry.is_file():
                    yield entry


class Stored:
    """A prefix of an object store."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket

    def names(self) -> list[str]:
        return sorted(
            key
            for key in self.bucket.keys("")
            if not any(part.startswith(".") for part in key.split("/"))
        )

    def read(self, name: str, limits: Limits) -> bytes:
        """The bytes of a picture. Raises StoreUnavailable, PictureUnknown, PictureTooLarge."""
        # One byte more than allowed is enough to know that there are too many.
        data = self.bucket.start(name, limits.picture_bytes_max + 1)
        if data is None:
            raise StoreUnavailable(f"the store listed {name}, and it is not there any more")
        sniff(data[:MAGIC_BYTES])
        return read(io.BytesIO(data), limits)

    def read_note(self, name: str) -> bytes | None:
        return self.bucket.get(name)

    def write(self, name: str, content: bytes) -> None:
        self.bucket.put(name, content)

    def draft(self, name: str, content: bytes) -> None:
        self.write(name, content)
