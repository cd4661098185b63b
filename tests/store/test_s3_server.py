"""
Thousands of promised pictures, a real S3 server that is killed in the middle, and an oracle.

The oracle knows what was promised. While the server comes and goes, every promised picture
is in the spool or, with its very bytes, in the store; in the end all are in the store.
"""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor

from calligram.store import Mover, Objects
from kept_pictures import content_of, id_of, is_stored, keep, spool_in
from s3_server import wait_until

PICTURES = int(os.environ.get("CALLIGRAM_TEST_PICTURES", "3000"))
"""More in the long run: CALLIGRAM_TEST_PICTURES=20000."""

KILLS = 3


def test_nothing_promised_is_lost_while_the_store_is_killed(weed, tmp_path):
    spool = spool_in(tmp_path)
    mover = Mover(spool, Objects(weed.bucket(seconds_max=5)), concurrency=8, retry_seconds_max=5)
    stopped = threading.Event()
    moving = threading.Thread(target=mover.run, args=(stopped,))
    moving.start()
    promised: list[int] = []

    def keep_one(number: int) -> None:
        keep(spool, content_of(number, 2_000 + number))
        promised.append(number)

    try:
        for turn in range(KILLS):
            share = range(turn * PICTURES // KILLS, (turn + 1) * PICTURES // KILLS)
            with ThreadPoolExecutor(8) as clients:
                list(clients.map(keep_one, share))
            wait_until(lambda floor=mover.moved + 50: mover.moved >= floor or not spool.names())
            weed.kill()
            early = [number for number in promised if not is_here(spool, number)]
            weed.start()
            objects = Objects(weed.bucket())
            # What had left the spool when the server died must be in it now.
            assert [n for n in early if not is_there(objects, n)] == []
        wait_until(lambda: not spool.names())
    finally:
        stopped.set()
        moving.join()

    objects = Objects(weed.bucket())
    assert len(promised) == PICTURES
    with ThreadPoolExecutor(8) as clients:
        there = list(clients.map(lambda number: is_there(objects, number), promised))
    assert there.count(False) == 0
    assert mover.metrics().quarantined == 0
    assert mover.retries > 0


def is_here(spool, number: int) -> bool:
    return (spool.kept / id_of(content_of(number, 2_000 + number))).exists()


def is_there(objects: Objects, number: int) -> bool:
    return is_stored(objects, content_of(number, 2_000 + number))
