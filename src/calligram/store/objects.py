"""
Pictures, records and tombstones in the store: what may be believed of them.

    picture    its key is its content's hash, so putting it again is harmless: always over
               what is there, and then read back and hashed
    record     the first one wins: a picture's pin must not change because it came twice.
               Created, then read back; what is there in the end counts, whoever put it
    tombstone  buries records up to its time; a later record lives

A store's own checksums vary from cloud to cloud and its ETag is no hash, so "verified" here
means: we read the bytes back and they are what we put.
"""

from __future__ import annotations

import hashlib
from typing import Protocol

from calligram.errors import Damaged, StoreUnavailable
from calligram.store.keys import picture_key, record_key, tombstone_key
from calligram.store.records import Record, Tombstone, read_record, read_tombstone, write


class Keys(Protocol):
    """What is asked of a store; `bucket.Bucket` is the one, and tests have worse ones."""

    def put(self, key: str, content: bytes | memoryview) -> None: ...
    def create(self, key: str, content: bytes) -> None: ...
    def get(self, key: str) -> bytes | None: ...
    def digest(self, key: str) -> str | None: ...
    def delete(self, key: str) -> None: ...


class Objects:
    """The store, as the rest of the house sees it. All methods raise StoreUnavailable."""

    def __init__(self, bucket: Keys) -> None:
        self.bucket = bucket

    def put_picture(self, id: str, content: bytes | memoryview) -> None:
        """Put a picture. When this returns, its bytes were read back and are right."""
        self.bucket.put(picture_key(id), content)
        found = self.bucket.digest(picture_key(id))
        if found != id:
            raise StoreUnavailable(
                f"the store was given the {len(content)} bytes of {id} and gave back "
                f"{'nothing' if found is None else f'others, of SHA-256 {found}'}"
            )

    def picture(self, id: str) -> bytes | None:
        """A picture's bytes, checked; None where it isn't there. Raises Damaged."""
        content = self.bucket.get(picture_key(id))
        if content is not None and hashlib.sha256(content).hexdigest() != id:
            raise Damaged(f"{picture_key(id)} holds other bytes than its name says")
        return content

    def record(self, id: str) -> Record | None:
        """A picture's record; None where there is none. Raises Damaged."""
        content = self.bucket.get(record_key(id))
        return None if content is None else read_record(content, id)

    def put_record(self, record: Record) -> Record:
        """
        Put a record, unless there is a living one; returns the one that is there now.

        One that is damaged, or that a tombstone buries, is replaced.
        """
        id = record.picture
        self.bucket.create(record_key(id), write(record))
        try:
            found = self.record(id)
        except Damaged:
            found = None
        if found != record and not self.is_alive(found):
            self.bucket.put(record_key(id), write(record))
            found = self.record(id)
        if found is None:
            raise StoreUnavailable(f"the store was given the record of {id} and has none")
        return found

    def replace_record(self, record: Record) -> None:
        """Put a record over whatever is there: for a copy, which is to be like its original."""
        id = record.picture
        self.bucket.put(record_key(id), write(record))
        if self.bucket.get(record_key(id)) != write(record):
            raise StoreUnavailable(f"the store was given the record of {id} and has another")

    def is_alive(self, record: Record | None) -> bool:
        if record is None:
            return False
        tombstone = self.tombstone(record.picture)
        return tombstone is None or not tombstone.buries(record)

    def tombstone(self, id: str) -> Tombstone | None:
        """A picture's tombstone; None where there is none. Raises Damaged."""
        content = self.bucket.get(tombstone_key(id))
        return None if content is None else read_tombstone(content, id)

    def delete(self, tombstone: Tombstone) -> None:
        """
        Delete a picture and its record, and leave the tombstone.

        The tombstone comes first: if this is cut short, whoever looks later knows what was
        meant. When this returns, the store was asked and has neither.
        """
        self.put_tombstone(tombstone)
        self.clear(tombstone)

    def put_tombstone(self, tombstone: Tombstone) -> None:
        """Put a tombstone, over an older one. Nothing is taken away yet."""
        id = tombstone.picture
        self.bucket.put(tombstone_key(id), write(tombstone))
        if self.bucket.get(tombstone_key(id)) != write(tombstone):
            raise StoreUnavailable(f"the store was given the tombstone of {id} and has another")

    def clear(self, tombstone: Tombstone) -> None:
        """Take away what `tombstone` buries; a record that came later lives, and its picture."""
        id = tombstone.picture
        try:
            record = self.record(id)
        except Damaged:
            record = None
        if record is not None and not tombstone.buries(record):
            return
        # The record first: readers look for it first, and answer "not here" at once.
        for key in (record_key(id), picture_key(id)):
            self.bucket.delete(key)
            if self.bucket.get(key) is not None:
                raise StoreUnavailable(f"the store was to delete {key} and still has it")
