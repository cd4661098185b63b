"""
How a kept picture lies in the spool: one file that holds all of it. Pure.

    +-----------------+----------------+--------------------------------------------+
    | picture         | record (JSON)  | record's bytes (4) | its CRC-32 (4) | END (8) |
    +-----------------+----------------+--------------------------------------------+
                                         both numbers big-endian; END is "CALLEND1"

The picture comes first because it is written while it arrives, before anything is known of
it. Picture and record are one file because then one fsync and one link keep both or neither.
A file without its END was never finished; one whose picture is not what its name says is
damaged. Nothing here trusts a length: each is checked against the file's own.
"""

from __future__ import annotations

import hashlib
import struct
import zlib

from calligram.errors import Damaged
from calligram.store.records import Record, read_record, write

END = b"CALLEND1"
FOOTER = struct.Struct(">II8s")
RECORD_BYTES_MAX = 64 * 1024


def seal(record: Record) -> bytes:
    """What follows the picture's bytes."""
    content = write(record)
    assert len(content) <= RECORD_BYTES_MAX, record
    return content + FOOTER.pack(len(content), zlib.crc32(content), END)


def unseal(content: bytes, id: str) -> tuple[memoryview, Record]:
    """
    The picture's bytes and the record in an item's file, all of it checked.

    Raises Damaged, saying what is wrong; StoreUnavailable for a newer version's record.
    """
    record = unseal_record(content[-(RECORD_BYTES_MAX + FOOTER.size) :], len(content), id)
    picture = memoryview(content)[: record.bytes]
    found = hashlib.sha256(picture).hexdigest()
    if found != id:
        raise Damaged(f"the item {id} holds a picture whose SHA-256 is {found}")
    return picture, record


def unseal_record(tail: bytes, bytes: int, id: str) -> Record:
    """
    The record in an item's file of `bytes` bytes, told from its `tail`.

    Raises as `unseal` does; the picture itself is not looked at.
    """
    if len(tail) < FOOTER.size:
        raise Damaged(f"the item {id} has {bytes} bytes: it was never finished")
    length, checksum, end = FOOTER.unpack(tail[-FOOTER.size :])
    if end != END:
        raise Damaged(f"the item {id} has no end: it was never finished")
    if length > min(RECORD_BYTES_MAX, len(tail) - FOOTER.size):
        raise Damaged(f"the item {id} claims a record of {length} bytes")
    content = tail[len(tail) - FOOTER.size - length : len(tail) - FOOTER.size]
    if zlib.crc32(content) != checksum:
        raise Damaged(f"the record in the item {id} is not what its checksum says")
    record = read_record(content, id)
    if record.bytes != bytes - length - FOOTER.size:
        raise Damaged(f"the item {id} should hold a picture of {record.bytes} bytes")
    return record
