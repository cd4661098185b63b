"""The guards of conftest.py guard."""

from __future__ import annotations

import socket
import time

import numpy as np
import pytest


def test_sleeping_is_refused():
    with pytest.raises(AssertionError, match="sleeps"):
        time.sleep(0)


def test_another_machine_is_refused():
    with socket.socket() as one, pytest.raises(AssertionError, match="network"):
        one.connect(("192.0.2.1", 9))


def test_a_name_to_look_up_is_refused():
    with pytest.raises(AssertionError, match="network"):
        socket.create_connection(("example.com", 80))


def test_this_machine_is_reached():
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        reached = client.getpeername()
        client.close()

    assert reached == ("127.0.0.1", reached[1])


def test_the_seed_repeats_the_random_numbers(seed, random_generator):
    again = np.random.default_rng(seed)

    assert again.integers(1000) == random_generator.integers(1000)
