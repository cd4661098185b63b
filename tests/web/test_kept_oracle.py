"""
Thousands of promised pictures over HTTP, while servers, movers and store are killed: an oracle
demands every one of them.

Clients send, and read a part of what they sent from the other server. Meanwhile, in turn, a
whole server, a mover, and the store are killed and come back. bench/promises is the same for
a million.
"""

from __future__ import annotations

import os
import threading

import pytest

from kept_fleet import Fleet
from oracle import Oracle
from s3_server import URL, wait_until

PICTURES = int(os.environ.get("CALLIGRAM_TEST_PROMISES", "20000"))
KILLS = 10
CLIENTS = 8
SECONDS_MAX = 600


@pytest.fixture
def fleet(tmp_path):
    fleet = Fleet(tmp_path)
    yield fleet
    fleet.stop()


def test_every_promise_is_kept_while_everything_is_killed(fleet, seed):
    oracle = Oracle(fleet.ports, seed=seed)
    sending = threading.Thread(
        target=oracle.send, args=(range(PICTURES),), kwargs={"clients": CLIENTS}
    )
    sending.start()

    fleet.besiege(oracle, pictures=PICTURES, kills=KILLS, seconds_max=SECONDS_MAX)
    sending.join()
    oracle.close()
    wait_until(lambda: fleet.spooled() == [], seconds_max=60)

    assert len(oracle.promised) == PICTURES
    assert oracle.unread == []
    # One that was never sent, so that it is seen that what is missing is told.
    oracle.promised.add(PICTURES)
    missing = oracle.missing_by(os.cpu_count() or 1, URL, fleet.weed.config)
    assert missing == [f"{PICTURES}: lost"]
    # The kills did hit: otherwise this says nothing.
    assert oracle.seen["POST 0"] > 0
