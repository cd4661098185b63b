"""
A real fleet: Varnish, HAProxy, two servers and an S3 store, parts of which are killed.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import calligram
from calligram.store import Bucket, Objects
from local_fleet import Fleet, ask, free_port, reading, requests_of, stored, zipf
from oracle import Oracle, id_of, picture
from s3_server import wait_until

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = pytest.mark.server("haproxy", "varnishd")

REQUESTS = int(os.environ.get("CALLIGRAM_TEST_REQUESTS", "4000"))
"""More in the long run: bench/fleet."""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    fleet = Fleet(tmp_path_factory.mktemp("fleet"), free_port(), 2)
    up(fleet.folder, "--port", str(fleet.port))
    yield fleet
    down(fleet)


def up(folder: Path, *words: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    """`deploy/local/up`, which must end with `status`; what it said."""
    command = [sys.executable, ROOT / "deploy/local/up", "--folder", folder, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == status, done.stderr
    return done


def down(fleet: Fleet) -> None:
    command = [sys.executable, ROOT / "deploy/local/down", "--folder", fleet.folder]
    subprocess.run(command, check=True, timeout=300)


@pytest.fixture(scope="module")
def ids(fleet):
    """Pictures that the store has."""
    return stored(fleet.cache_address, 20)


@pytest.fixture
def whole(fleet):
    """All parts run, before the test and after it."""
    fleet.up()
    yield fleet
    fleet.up()


def test_a_second_start_tells_the_same_and_how_to_measure_it(fleet):
    told = up(fleet.folder, "--port", str(fleet.port)).stdout

    assert told.startswith(f"cache      {fleet.cache_address} ")
    a, b = (fleet.process_of(name) for name in ("server-a", "server-b"))
    sweep = f"bin/calligram load {fleet.balancer_address} --server-pid {a} --server-pid {b}\n"
    assert told.endswith(sweep)
    assert None not in (a, b)


# --- The cache ---


def test_permanent_art_comes_from_the_cache_under_a_zipf_load(fleet, ids, seed):
    paths = [f"/v1/pictures/{id}/art/shape-1.txt?columns=8&rows=4" for id in ids]
    replies = [ask(fleet.cache_address, "GET", path) for path in zipf(paths, REQUESTS, seed=seed)]
    hits = sum(reply.is_hit for reply in replies)

    assert {reply.status for reply in replies} == {200}
    assert hits / REQUESTS >= 0.99


def test_what_the_cache_gives_is_what_the_library_draws(fleet, ids):
    path = f"/v1/pictures/{ids[0]}/art/ramp-1.txt?columns=6"
    first = ask(fleet.cache_address, "GET", path)
    second = ask(fleet.cache_address, "GET", path)

    drawn = calligram.render(picture(0), algorithm="ramp-1", columns=6)
    assert first.body == second.body == drawn.to("txt")
    assert (first.is_hit, second.is_hit) == (False, True)
    assert second.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("query", ["?rows=5&columns=9", "?columns=9&rows=5&", "?columns=9&&rows=5"])
def test_the_order_of_options_makes_no_other_art(fleet, ids, query):
    path = f"/v1/pictures/{ids[1]}/art/shape-1.txt"
    ask(fleet.cache_address, "GET", f"{path}?columns=9&rows=5")

    assert ask(fleet.cache_address, "GET", path + query).is_hit


@pytest.mark.parametrize(
    "headers",
    [
        {"Accept": "application/json"},
        {"Authorization": "Bearer mine"},
        {"Cookie": "a=b"},
        {"Host": "another.example"},
        {"Accept_Encoding": "identity;q=1, br"},
    ],
)
def test_what_has_no_say_in_the_art_makes_no_other_entry(fleet, ids, headers):
    path = f"/v1/pictures/{ids[2]}/art/shape-1.txt?columns=10"
    plain = ask(fleet.cache_address, "GET", path)

    again = ask(fleet.cache_address, "GET", path, **headers)

    assert again.is_hit
    assert again.body == plain.body


def test_packed_and_plain_art_are_two_entries_with_tags_of_their_own(fleet, ids):
    path = f"/v1/pictures/{ids[3]}/art/shape-1.html?columns=200"
    for coding in ("gzip", "identity"):
        ask(fleet.cache_address, "GET", path, Accept_Encoding=coding)

    packed = ask(fleet.cache_address, "GET", path, Accept_Encoding="br, gzip;q=0.5")
    plain = ask(fleet.cache_address, "GET", path, Accept_Encoding="gzip;q=0")

    assert packed.is_hit
    assert plain.is_hit
    assert (packed.headers["content-encoding"], "content-encoding" in plain.headers) == (
        "gzip",
        False,
    )
    assert packed.headers["etag"] != plain.headers["etag"]
    assert packed.headers["repr-digest"] != plain.headers["repr-digest"]


def test_who_has_the_art_is_answered_by_the_cache_alone(fleet, ids):
    path = f"/v1/pictures/{ids[4]}/art/shape-1.txt?columns=11"
    etag = ask(fleet.cache_address, "GET", path).headers["etag"]

    assert ask(fleet.cache_address, "GET", path, If_None_Match=etag).status == 304


def test_no_error_is_kept(fleet):
    content = picture(900_001)
    path = f"/v1/pictures/{id_of(content)}/art/shape-1.txt?columns=4"
    before = [ask(fleet.cache_address, "GET", path) for _ in range(3)]
    ask(fleet.cache_address, "POST", "/v1/pictures", content)

    after = ask(fleet.cache_address, "GET", path)

    assert [reply.status for reply in before] == [404] * 3
    assert {reply.headers["cache-control"] for reply in before} == {"no-store"}
    assert not any(reply.is_hit for reply in before)
    assert after.status == 200


def test_a_refused_option_is_refused_each_time_by_a_server(fleet, ids):
    path = f"/v1/pictures/{ids[5]}/art/shape-1.txt?columns=0"
    replies = [ask(fleet.cache_address, "GET", path) for _ in range(3)]

    assert {(reply.status, reply.is_hit) for reply in replies} == {(400, False)}
    assert len({reply.headers["x-request-id"] for reply in replies}) == 3


def test_default_art_is_asked_of_a_server_each_time(fleet, ids):
    asked = len(default_reads(fleet, ids[6]))
    path = f"/v1/pictures/{ids[6]}/art?columns=7"
    first = ask(fleet.cache_address, "GET", path)
    second = ask(fleet.cache_address, "GET", path)
    third = ask(fleet.cache_address, "GET", path, If_None_Match=first.headers["etag"])

    assert [first.status, second.status, third.status] == [200, 200, 304]
    assert {reply.headers["cache-control"] for reply in (first, second, third)} == {"no-cache"}
    wait_until(lambda: len(default_reads(fleet, ids[6])) == asked + 3)


def default_reads(fleet, id):
    # Routes and not addresses are in the log; only this test reads this route.
    lines = [line for name in fleet.names for line in requests_of(fleet, name)]
    return [line for line in lines if line["route"].endswith("/art") and line["method"] == "GET"]


def test_an_upload_passes_whole(fleet):
    content = picture(900_002, width=1500, height=1500)
    reply = ask(fleet.cache_address, "POST", "/v1/pictures?columns=4", content)

    assert len(content) > 6_000_000
    assert reply.status == 201
    assert reply.headers["location"] == f"/v1/pictures/{id_of(content)}"


def test_a_deleted_picture_leaves_the_cache(fleet):
    (id,) = stored(fleet.cache_address, 1, first=900_003)
    path = f"/v1/pictures/{id}/art/shape-1.txt?columns=4"
    ask(fleet.cache_address, "GET", path)
    before = ask(fleet.cache_address, "GET", path)
    token = (fleet.settings / "token").read_text()

    refused = ask(fleet.cache_address, "DELETE", f"/v1/pictures/{id}", Authorization="Bearer x")
    still = ask(fleet.cache_address, "GET", path)
    deleted = ask(
        fleet.cache_address, "DELETE", f"/v1/pictures/{id}", Authorization=f"Bearer {token}"
    )

    assert (before.is_hit, refused.status, still.is_hit) == (True, 401, True)
    assert deleted.status == 204
    assert not ask(fleet.cache_address, "GET", path).is_hit


def test_numbers_for_the_operator_are_not_for_clients(fleet):
    assert ask(fleet.cache_address, "GET", "/metrics").status == 404
    assert ask(fleet.server_address("a"), "GET", "/metrics").status == 200


# --- Bad days ---


def test_cached_art_is_served_while_every_server_is_away(whole, ids):
    cached = f"/v1/pictures/{ids[7]}/art/shape-1.txt?columns=12"
    ask(whole.cache_address, "GET", cached)
    whole.end("haproxy")
    for name in whole.names:
        whole.kill(f"server-{name}")

    kept = ask(whole.cache_address, "GET", cached)
    others = [
        ask(whole.cache_address, "GET", f"/v1/pictures/{ids[7]}/art{rest}")
        for rest in ("/shape-1.txt?columns=13", "?columns=12")
    ]

    assert (kept.status, kept.is_hit) == (200, True)
    for reply in others:
        assert reply.status == 503
        assert reply.headers["cache-control"] == "no-store"
        assert json.loads(reply.body)["code"] == "unavailable"


def refuses(address: str) -> bool:
    """Does the balancer know by now? What was on its way to a server that died gets no answer."""
    try:
        return ask(address, "GET", "/livez").status == 503
    except (OSError, http.client.HTTPException):
        return False


def test_without_servers_the_balancer_refuses_with_a_code(whole):
    for name in whole.names:
        whole.kill(f"server-{name}")
    wait_until(lambda: refuses(whole.balancer_address))

    reply = ask(whole.balancer_address, "POST", "/v1/art", picture(1))

    assert (reply.status, reply.headers["cache-control"]) == (503, "no-store")
    assert json.loads(reply.body)["code"] == "unavailable"
    assert reply.headers["retry-after"] == "5"


def besieged_paths(ids):
    """Default art, which no cache answers, and so many permanent ones that it seldom does."""
    default = [f"/v1/pictures/{id}/art?columns=5" for id in ids]
    return [
        *default,
        *(f"/v1/pictures/{id}/art/shape-1.txt?columns={n}" for id in ids for n in range(20, 60)),
    ]


def test_the_servers_of_a_fleet_have_the_settings_that_up_was_given(tmp_path):
    port = free_port()
    up(tmp_path, "--port", str(port), "--servers", "1", "--set", "CACHE_BYTES_MAX=0")
    fleet = Fleet(tmp_path, port, 1)
    try:
        twice = [ask(fleet.balancer_address, "POST", "/v1/art", picture(1)) for _ in range(2)]
    finally:
        down(fleet)

    assert [reply.status for reply in twice] == [200, 200]
    # One server with a memory would have it the second time.
    assert "hit" not in twice[1].headers["cache-status"]


def test_a_setting_without_a_value_is_refused(tmp_path):
    done = up(tmp_path, "--set", "HOST", status=2)

    assert done.returncode == 2
    assert "NAME=VALUE" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_up_returns_when_the_balancer_sends_to_all_servers(whole):
    whole.kill("server-a")
    wait_until(lambda: whole.servers_of_balancer() == {"b"})

    whole.up()

    assert whole.servers_of_balancer() == {"a", "b"}


def test_a_server_killed_under_load_costs_no_reader_and_no_promise(whole, ids, seed):
    oracle = Oracle([whole.port], read_share=0, seed=seed)
    goals = iter((40, 80, 120, 160))
    with reading(whole.cache_address, besieged_paths(ids)) as readers:
        for name in whole.names:
            oracle_sends(oracle, next(goals))
            whole.kill(f"server-{name}")
            oracle_sends(oracle, next(goals))
            whole.up()
    oracle.close()

    assert readers.failed == []
    assert readers.seen[200] > 100
    assert len(oracle.promised) == 160
    # Nobody hung up on an uploader: each was kept, or refused so that it could try again.
    assert set(oracle.seen) <= {"POST 200", "POST 201", "POST 502", "POST 503"}
    wait_until(lambda: spooled(whole) == 0)
    assert oracle.missing(objects_of(whole)) == []


def oracle_sends(oracle: Oracle, goal: int) -> None:
    oracle.send(range(goal - 40, goal), clients=3)


def test_a_server_that_is_stopped_under_load_costs_nobody_anything(whole, ids, seed):
    oracle = Oracle([whole.port], read_share=0, seed=seed + 1)
    with reading(whole.cache_address, besieged_paths(ids)) as readers:
        oracle_sends(oracle, 40)
        whole.end("server-a")
        oracle_sends(oracle, 80)
    oracle.close()

    assert readers.failed == []
    assert set(oracle.seen) <= {"POST 200", "POST 201", "POST 503"}


def spooled(fleet: Fleet) -> int:
    return sum(
        len(os.listdir(fleet.folder / f"server-{name}" / "spool" / "kept")) for name in fleet.names
    )


def objects_of(fleet: Fleet) -> Objects:
    config = json.loads((fleet.settings / "store.json").read_text())
    return Objects(Bucket.at("s3://calligram/fleet", config=config))


# --- Up and down ---


def test_up_once_more_starts_nothing(whole):
    before = {name: whole.process_of(name) for name in whole.started()}
    whole.up()

    assert {name: whole.process_of(name) for name in whole.started()} == before
    assert len(before) == 5


def test_all_listen_on_this_machine_alone(whole):
    ours = range(whole.port, whole.port + 30)
    listening = [
        line.split()[1].split(":")
        for file in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{file}").read_text().splitlines()[1:]
        if line.split()[3] == "0A"
    ]
    found = {int(port, 16): address for address, port in listening if int(port, 16) in ours}

    assert set(found.values()) == {"0100007F"}
    assert len(found) == 8


def test_down_ends_what_was_started_and_nothing_else(fleet):
    # The last test: who comes after it starts a fleet of his own.
    fleet.up()
    bystander = subprocess.Popen(["sleep", "600"])
    processes = [fleet.process_of(name) for name in fleet.started()]
    # As if the system had given an ended program's number to somebody else.
    (fleet.folder / "pids" / "server-z").write_text(f"{bystander.pid} 1\n")

    down(fleet)

    assert not any(Path(f"/proc/{process}/exe").exists() for process in processes)
    assert bystander.poll() is None
    assert list((fleet.folder / "pids").iterdir()) == []
    bystander.kill()
    bystander.wait()
