"""
Whatever is sent, the answer is a documented one, and the server is afterwards as it was.

`bench/hostile` sends the same inputs, and measures what each of them costs.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

import calligram
from hostile_bad_days import STOPPED, STRIKES, crowd, large_picture, strike
from hostile_inputs import INPUTS, KEEPING, STOPPING
from hostile_pictures import solid_png
from hostile_talk import resident_bytes, server_processes, talk
from web_server import Server, jpeg

PHOTO = jpeg()
QUICK = [hostile for hostile in INPUTS if not hostile.is_long]
columns = itertools.count(10)


@pytest.fixture(scope="module")
def besieged():
    server = Server(workers=1, render_seconds_max=5, keep_alive_seconds=3)
    yield server
    assert server.stop() == 0


@pytest.fixture(autouse=True)
def unharmed(besieged):
    """After each test the same processes serve, and draw as before."""
    before = server_processes(besieged)

    yield

    width = next(columns)
    reply = besieged.post(f"/v1/art.txt?columns={width}", PHOTO)
    assert reply.body == calligram.render(PHOTO, columns=width).to("txt")
    # A render process that is just being started looks like one more of them.
    assert set(before) - set(server_processes(besieged)) == set()
    assert [line for line in besieged.lines if '"bug"' in line] == []


@pytest.fixture(scope="module")
def large():
    return large_picture()


@pytest.mark.parametrize("hostile", QUICK, ids=lambda hostile: hostile.name)
def test_every_hostile_input_gets_a_documented_answer(besieged, hostile):
    said = talk(besieged.port, hostile.pieces(), answers=hostile.answers)

    assert str(said) in hostile.wanted


def test_of_what_is_refused_nothing_is_kept(besieged):
    for hostile in KEEPING:
        if not hostile.is_long:
            talk(besieged.port, hostile.pieces(), answers=hostile.answers)

    files = [path for path in Path(besieged.own_folder).rglob("*") if path.is_file()]
    assert {path.name for path in files} <= {"mover", "removing"}


@pytest.mark.parametrize("hostile", STOPPING, ids=lambda hostile: hostile.name)
def test_a_sender_that_stops_is_told_so(besieged, hostile):
    said = talk(besieged.port, hostile.pieces())

    assert str(said) in hostile.wanted


def test_a_head_that_never_ends_is_hung_up_on(besieged):
    said = talk(besieged.port, [b"GET /livez HTTP/1.1\r\nX: y"])

    assert said.ending == "closed"
    assert said.seconds < 10


def test_500_silent_connections_keep_nobody_out(besieged):
    with crowd(besieged, 500, b"POST /v1/art HTTP/1.1\r\n"):
        reply = besieged.post("/v1/art?columns=5", PHOTO)

    assert reply.status == 200


@pytest.mark.parametrize("number", STRIKES.values(), ids=STRIKES.keys())
def test_a_render_process_that_is_struck_costs_one_request(besieged, large, number):
    said = strike(besieged, large, number)

    assert str(said) in STOPPED


def test_the_largest_picture_within_the_limits_is_drawn_or_stopped(besieged, large):
    reply = besieged.post("/v1/art", large)

    assert (reply.status, reply.headers["Calligram-Error"]) in [
        (200, None),
        (422, "render-stopped"),
    ]


def test_a_render_over_its_memory_is_stopped(start):
    server = start(render_bytes_max=64 << 20)

    reply = server.post("/v1/art?colour=full", solid_png(6_000))

    assert (reply.status, reply.headers["Calligram-Error"]) == (422, "render-stopped")
    assert server.post("/v1/art", PHOTO).status == 200


def test_refused_forms_leave_nothing_in_memory(start):
    server = start(workers=1)
    [many_parts] = [hostile for hostile in INPUTS if hostile.name == "form: 100,000 parts"]
    length = len(b"".join(many_parts.pieces()))
    said = [str(talk(server.port, many_parts.pieces())) for _ in range(4)]
    before = resident_bytes(server_processes(server))

    said += [str(talk(server.port, many_parts.pieces())) for _ in range(8)]

    assert set(said) == set(many_parts.wanted)
    assert resident_bytes(server_processes(server)) - before < 3 * length
