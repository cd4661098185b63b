"""
Kept pictures on bad days: killed servers, a store that is away, peers that are down, no room.

Whoever has a 201 gets his picture: after the kill, from another server, and in the end from
the store.
"""

from __future__ import annotations

import hashlib
import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest

import calligram
from kept_pictures import objects_in
from s3_server import URL, Weed, free_ports, wait_until
from web_server import jpeg

AWAY = {"store_url": URL, "store_seconds_max": 2, "move_retry_seconds_max": 1}


def id_of(picture: bytes) -> str:
    return hashlib.sha256(picture).hexdigest()


def address(picture: bytes) -> str:
    return f"/v1/pictures/{id_of(picture)}"


@pytest.fixture
def weed(tmp_path):
    """An S3 server of this test's own."""
    folder = tmp_path / "weed"
    folder.mkdir()
    server = Weed(folder)
    yield server
    with suppress(ValueError):
        server.kill()


def away_config(folder: Path) -> dict[str, object]:
    """Settings of a store that nobody reaches."""
    file = folder / "away.json"
    port = free_ports(1)[0]
    file.write_text(
        f'{{"endpoint": "http://127.0.0.1:{port}", "access_key_id": "k",'
        ' "secret_access_key": "s", "region": "us-east-1"}'
    )
    return {**AWAY, "store_config_file": file}


def test_a_promised_picture_survives_a_kill(start, tmp_path):
    pictures = [jpeg(seed=seed) for seed in range(20)]
    # With the store away all of them are in the spool when the server dies.
    server = start(data_folder=tmp_path, **away_config(tmp_path))
    promised = [p for p in pictures if server.post("/v1/pictures", p).status == 201]
    server.kill()

    server = start(data_folder=tmp_path)

    assert promised == pictures
    for picture in promised:
        reply = server.get(f"{address(picture)}/art/shape-1.txt?columns=30")
        assert reply.body == calligram.render(picture, columns=30).to("txt")
    wait_until(lambda: not list((tmp_path / "spool" / "kept").iterdir()))
    objects = objects_in(tmp_path)
    assert [objects.picture(id_of(picture)) for picture in promised] == promised


def test_while_the_store_is_away_uploads_are_accepted_and_read(start, tmp_path):
    server = start(data_folder=tmp_path, **away_config(tmp_path))
    picture, other = jpeg(seed=1), jpeg(seed=2)

    kept = server.post("/v1/pictures", picture)
    again = server.post("/v1/pictures", picture)
    art = server.get(f"{address(picture)}/art")
    unknown = server.get(address(other), Accept="application/json")

    assert (kept.status, again.status, art.status) == (201, 200, 200)
    assert kept.headers["Calligram-Kept"] == "spooled"
    # Only the store could tell, so it is not said to be missing.
    assert (unknown.status, unknown.json["code"]) == (503, "store-unavailable")
    assert int(unknown.headers["Retry-After"]) >= 1
    assert server.get("/readyz").status == 200


def test_what_a_client_holds_is_right_while_the_store_is_away(start, tmp_path):
    server = start(data_folder=tmp_path)
    picture = jpeg(seed=3)
    server.post("/v1/pictures", picture)
    tag = server.get(f"{address(picture)}/art/shape-1.txt").headers["ETag"]
    wait_until(lambda: not list((tmp_path / "spool" / "kept").iterdir()))
    server.stop()
    server = start(data_folder=tmp_path, **away_config(tmp_path))

    held = server.get(f"{address(picture)}/art/shape-1.txt", If_None_Match=tag)
    any_tag = server.get(f"{address(picture)}/art/shape-1.txt", If_None_Match="*")

    assert (held.status, any_tag.status) == (304, 503)


def test_another_server_answers_what_was_just_sent_to_its_peer(start, tmp_path):
    away = away_config(tmp_path)
    one = start(data_folder=tmp_path / "one", **away)
    nobody = free_ports(1)[0]
    other = start(
        data_folder=tmp_path / "other",
        peers=f"http://127.0.0.1:{nobody},http://127.0.0.1:{one.port}",
        **away,
    )
    picture = jpeg(seed=4)

    one.post("/v1/pictures", picture)
    record = other.get(address(picture))
    head = other.ask("HEAD", address(picture))
    art = other.get(f"{address(picture)}/art/shape-1.png?columns=20")
    held = other.get(
        f"{address(picture)}/art/shape-1.png?columns=20", If_None_Match=art.headers["ETag"]
    )

    assert record.json["picture"] == id_of(picture)
    assert (head.status, head.headers["Calligram-Kept"]) == (200, "spooled")
    assert art.body == calligram.render(picture, columns=20).to("png")
    assert art.headers["Cache-Control"].endswith("immutable")
    assert held.status == 304


def test_a_picture_is_not_said_to_be_missing_while_a_peer_is_down(start, tmp_path):
    gone = free_ports(1)[0]
    server = start(data_folder=tmp_path, peers=f"http://127.0.0.1:{gone}")

    reply = server.get(address(jpeg(seed=5)), Accept="application/json")

    assert (reply.status, reply.json["code"]) == (503, "peer-unavailable")


def test_a_picture_that_no_peer_has_is_missing(start, tmp_path):
    one = start(data_folder=tmp_path / "one")
    other = start(
        data_folder=tmp_path / "other",
        peers=f"http://127.0.0.1:{one.port}",
    )

    reply = other.get(address(jpeg(seed=6)))

    assert (reply.status, reply.headers["Calligram-Error"]) == (404, "picture-missing")


def test_peers_that_ask_each_other_come_to_an_end(start, tmp_path):
    # Each is the other's peer: the answer of the second must not go round.
    first, second = free_ports(2)
    one = start(data_folder=tmp_path / "one", port_taken=first, peers=f"http://127.0.0.1:{second}")
    start(data_folder=tmp_path / "two", port_taken=second, peers=f"http://127.0.0.1:{first}")

    assert one.get(address(jpeg(seed=7))).status == 404


def test_with_acknowledge_store_a_201_means_stored(start, tmp_path, weed):
    server = start(data_folder=tmp_path, acknowledge="store", **weed.settings())
    picture = jpeg(seed=8)

    reply = server.post("/v1/pictures", picture)

    from calligram.store import Objects

    assert (reply.status, reply.headers["Calligram-Kept"]) == (201, "stored")
    assert Objects(weed.bucket()).picture(id_of(picture)) == picture


def test_with_acknowledge_store_an_upload_that_can_not_be_confirmed_is_told_so(start, tmp_path):
    server = start(
        data_folder=tmp_path,
        acknowledge="store",
        acknowledge_seconds_max=1,
        **away_config(tmp_path),
    )
    picture = jpeg(seed=9)

    reply = server.post("/v1/pictures", picture, Accept="application/json")

    assert (reply.status, reply.json["code"]) == (503, "store-unavailable")
    assert server.get(f"{address(picture)}/art").status == 200


def test_what_was_spooled_while_the_store_was_away_is_stored_when_it_is_back(start, tmp_path, weed):
    weed.kill()
    server = start(
        data_folder=tmp_path, store_seconds_max=2, move_retry_seconds_max=2, **weed.settings()
    )
    pictures = [jpeg(seed=seed) for seed in range(100, 130)]
    statuses = [server.post("/v1/pictures", picture).status for picture in pictures]

    weed.start()
    wait_until(lambda: not list((tmp_path / "spool" / "kept").iterdir()))

    from calligram.store import Objects

    objects = Objects(weed.bucket())
    assert statuses == [201] * 30
    assert [objects.picture(id_of(picture)) for picture in pictures] == pictures


def test_without_room_an_upload_is_refused_before_its_body_is_read(start, tmp_path):
    server = start(data_folder=tmp_path, picture_bytes_max=10**15)

    with server.connect() as connection:
        connection.sendall(
            b"POST /v1/pictures HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n"
            b"Accept: application/json\r\n\r\n"
        )
        answer = connection.recv(4096)

    assert answer.startswith(b"HTTP/1.1 507 ")
    assert b'"code":"spool-full"' in answer or b'"code":"spool-full"' in connection_rest(answer)
    assert server.post("/v1/art", jpeg()).status == 200


def connection_rest(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


def test_a_failed_disk_turns_readiness_red_and_still_reads(start, tmp_path):
    server = start(data_folder=tmp_path)
    picture = jpeg(seed=10)
    server.post("/v1/pictures", picture)

    (tmp_path / "spool" / "failed").write_text("fsync failed")
    refused = server.post("/v1/pictures", jpeg(seed=11))

    assert (refused.status, refused.headers["Calligram-Error"]) == (503, "spool-failed")
    assert server.get("/readyz").status == 503
    assert server.get(f"{address(picture)}/art").status == 200


def test_a_mover_that_dies_is_replaced(start, tmp_path):
    server = start(data_folder=tmp_path)
    mover = next(p for p in server.descendants() if b"draining" in command_of(p))

    os.kill(mover, signal.SIGKILL)
    server.wait_for("the mover's process ended with -9")
    picture = jpeg(seed=12)
    server.post("/v1/pictures", picture)

    wait_until(lambda: objects_in(tmp_path).picture(id_of(picture)) == picture)


def command_of(process: int) -> bytes:
    return Path(f"/proc/{process}/cmdline").read_bytes()


def test_a_server_that_is_stopped_empties_its_spool_first(start, tmp_path):
    server = start(data_folder=tmp_path)
    pictures = [jpeg(seed=seed) for seed in range(200, 240)]
    statuses = [server.post("/v1/pictures", picture).status for picture in pictures]

    assert server.stop() == 0

    objects = objects_in(tmp_path)
    assert statuses == [201] * 40
    assert list((tmp_path / "spool" / "kept").iterdir()) == []
    assert [objects.picture(id_of(picture)) for picture in pictures] == pictures


def test_two_servers_may_share_a_spool(start, tmp_path):
    one, other = start(data_folder=tmp_path), start(data_folder=tmp_path)
    picture = jpeg(seed=13)

    one.post("/v1/pictures", picture)

    assert other.get(f"{address(picture)}/art").status == 200
    assert other.post("/v1/pictures", picture).status == 200


@pytest.mark.parametrize(
    "settings",
    [
        {"store_url": "file:///proc/nowhere"},
        {"spool_folder": "/proc/nowhere"},
        {"store_url": URL, "store_config_file": "/nowhere/config.json"},
    ],
    ids=["store", "spool", "config"],
)
def test_a_place_that_can_not_be_had_stops_the_start(start, tmp_path, settings):
    message = ""

    try:
        start(data_folder=tmp_path, **settings)
    except AssertionError as error:
        message = str(error)

    assert "can't be" in message
    assert "CALLIGRAM_" in message
