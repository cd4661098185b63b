"""
Any object store, through obstore: S3, Azure Blob, Google Cloud Storage, a folder, memory.

This is the one place where obstore is called and where its errors become ours. What comes
out is bytes, None for "not there", or StoreUnavailable; nobody above knows which cloud it is.

obstore tries nothing again by itself here: when to try again is the mover's to decide, and
its times must outlive this process. A folder is made durable here, as obstore's is not:

    put -> fsync the file -> fsync its folder and those above, up to the store's own
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

import obstore
from obstore import exceptions
from obstore.store import LocalStore, from_url

from calligram.errors import StoreUnavailable
from calligram.store import disk

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import ObjectStore

PIECE_BYTES = 1024 * 1024
MESSAGE_CHARACTERS_MAX = 300
RETRY_SECONDS = 10

MISSING = (exceptions.NotFoundError, FileNotFoundError)
# A raw 409 becomes AlreadyExistsError too, though nothing was stored; so neither means more
# than: look what is there.
TAKEN = (exceptions.AlreadyExistsError, exceptions.PreconditionError, FileExistsError)


class Entry(NamedTuple):
    """One object, as a listing tells of it. `written` is Unix time, by the store's own clock."""

    key: str
    bytes: int
    written: float


class Bucket:
    """
    The objects under one address.

    `folder` is where they lie if the store is a folder, else None.
    """

    def __init__(self, store: ObjectStore, *, folder: Path | None = None) -> None:
        self.store = store
        self.folder = folder

    @classmethod
    def at(
        cls, url: str, *, seconds_max: float = 20.0, config: Mapping[str, Any] | None = None
    ) -> Bucket:
        """
        The store at `url`: s3://bucket/prefix, az://container/prefix, gs://bucket/prefix,
        file:///folder, memory:///.

        No request takes longer than `seconds_max`. `config` is obstore's own for that kind
        of store; keys and regions are otherwise taken from where the provider's own tools
        look for them. Raises StoreUnavailable where the address or the config won't do.
        """
        kind = urlsplit(url).scheme
        with our_errors(f"open {kind}"):
            if kind == "file":
                folder = Path(unquote(urlsplit(url).path))
                disk.make_folder(folder)
                return cls(LocalStore(folder), folder=folder)
            if kind == "memory":
                return cls(from_url(url))
            settings = dict(config or {})
            if kind in ("s3", "s3a"):
                # The store then refuses bytes that changed on their way to it.
                settings.setdefault("checksum_algorithm", "SHA256")
            options: Any = {
                "client_options": {
                    "timeout": f"{int(seconds_max * 1000)}ms",
                    "connect_timeout": f"{int(min(seconds_max, 5) * 1000)}ms",
                    "allow_http": str(settings.get("endpoint", "")).startswith("http://"),
                },
                "retry_config": {"max_retries": 0},
            }
            return cls(from_url(url, **options, **settings))

    def put(self, key: str, content: bytes | memoryview) -> None:
        """Put an object, over whatever is there. Safe to do twice."""
        with our_errors(f"put {key}"):
            obstore.put(self.store, key, content, mode="overwrite", use_multipart=False)
            self.settle(key)

    def create(self, key: str, content: bytes) -> None:
        """
        Put an object where there is none.

        Where there is one, or might be, nothing is said: whose it is can't be told from the
        answer, as it may be our own from a try whose answer was lost. Look what is there.
        """
        with our_errors(f"create {key}"):
            with contextlib.suppress(*TAKEN):
                obstore.put(self.store, key, content, mode="create", use_multipart=False)
            self.settle(key)

    def get(self, key: str) -> bytes | None:
        """The object's bytes, or None where there is none."""
        with our_errors(f"get {key}"):
            try:
                return bytes(obstore.get(self.store, key).bytes())
            except MISSING:
                return None

    def start(self, key: str, bytes_max: int) -> bytes | None:
        """The object's first bytes, at most so many; None where there is none."""
        with our_errors(f"get {key}"):
            try:
                found = obstore.get(self.store, key)
                content = bytearray()
                for piece in found.stream(min_chunk_size=PIECE_BYTES):
                    content += piece
                    if len(content) >= bytes_max:
                        break
                return bytes(content[:bytes_max])
            except MISSING:
                return None

    def digest(self, key: str) -> str | None:
        """The SHA-256 of the object's bytes, in hex; None where there is none."""
        with our_errors(f"read {key}"):
            try:
                found = obstore.get(self.store, key)
                if found.meta["size"] <= PIECE_BYTES:
                    return hashlib.sha256(found.bytes()).hexdigest()
                hashed = hashlib.sha256()
                # Piece by piece: the whole of it is in memory once already, to be put.
                for piece in found.stream(min_chunk_size=PIECE_BYTES):
                    hashed.update(piece)
                return hashed.hexdigest()
            except MISSING:
                return None

    def delete(self, key: str) -> None:
        """Take the object away; one that isn't there is fine."""
        with our_errors(f"delete {key}"):
            with contextlib.suppress(*MISSING):
                obstore.delete(self.store, key)
            if self.folder is not None:
                place = self.folder.joinpath(*key.split("/")[:-1])
                if place.is_dir():
                    disk.sync_folder(place)

    def keys(self, prefix: str) -> Iterator[str]:
        """All keys under `prefix`, some thousand at a time."""
        return (entry.key for entry in self.entries(prefix))

    def entries(self, prefix: str) -> Iterator[Entry]:
        """What there is under `prefix`, some thousand at a time."""
        with our_errors(f"list {prefix}"):
            for objects in obstore.list(self.store, prefix, chunk_size=1000):
                yield from map(entry_of, objects)

    def entry(self, key: str) -> Entry | None:
        """What there is at `key`, without its bytes; None where there is nothing."""
        with our_errors(f"look at {key}"):
            try:
                return entry_of(obstore.head(self.store, key))
            except MISSING:
                return None

    def settle(self, key: str) -> None:
        """Where the store is a folder, make the object survive a power cut."""
        if self.folder is None:
            return
        path = self.folder.joinpath(*key.split("/"))
        # Not there: create() found a name taken and it went meanwhile. The reader will see.
        if not path.exists():
            return
        disk.sync_file(path)
        for folder in path.parents:
            disk.sync_folder(folder)
            if folder == self.folder:
                return


def entry_of(found: ObjectMeta) -> Entry:
    return Entry(found["path"], found["size"], found["last_modified"].timestamp())


@contextlib.contextmanager
def our_errors(deed: str) -> Iterator[None]:
    """The one place where the store's errors become ours."""
    try:
        yield
    except (exceptions.BaseError, OSError, ValueError, TypeError) as error:
        # What follows is the same once more, as a program's innards.
        told = " ".join(str(error).partition("Debug source")[0].split())[:MESSAGE_CHARACTERS_MAX]
        raise StoreUnavailable(
            f"the store did not {deed}: {told}", retry_after_seconds=RETRY_SECONDS
        ) from error
