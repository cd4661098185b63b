"""
Where things are kept: first on this server's own disk, then in a store that all share.

    keys       where things are, from a picture's id alone (pure)
    records    the JSON beside a picture, and the one after it is deleted (pure)
    items      how a picture and its record lie in one file of the spool (pure)
    schedule   when to try again (pure)
    disk       fsync, folders and locks; failures: where the disk's errors become ours
    spool      the durable queue; writer: one upload on its way into it
    bucket     any object store; objects: pictures, records and tombstones in it
    mover      drains the spool into the store; backlog: who is next
    unvaulted  what is in the store and not yet in the vault
    pictures   all of it, as the service sees it

    spool = Spool(folder, picture_bytes_max=...); spool.prepare()
    objects = Objects(Bucket.at("s3://bucket/prefix"))
    pictures = Pictures(spool, objects)          in every server process
    Mover(spool, objects).run(stopped)           in one process: who has the lock is the mover
"""

from __future__ import annotations

from calligram.store.bucket import Bucket
from calligram.store.mover import Metrics, Mover
from calligram.store.objects import Objects
from calligram.store.pictures import Pictures
from calligram.store.records import Record, Tombstone
from calligram.store.spool import Spool
from calligram.store.unvaulted import Unvaulted
from calligram.store.writer import Kept, Writer

__all__ = [
    "Bucket",
    "Kept",
    "Metrics",
    "Mover",
    "Objects",
    "Pictures",
    "Record",
    "Spool",
    "Tombstone",
    "Unvaulted",
    "Writer",
]
