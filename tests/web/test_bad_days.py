"""
The server on its bad days: overload, lost processes, and being told to stop.
"""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

from web_server import jpeg, large_png, reply_from

EXPECTING = (
    b"POST /v1/art.txt HTTP/1.1\r\nHost: here\r\nExpect: 100-continue\r\n"
    b"Content-Length: %d\r\nConnection: close\r\n\r\n"
)


def begin(server, picture):
    """Send a request's head, and wait until the server asks for its body."""
    connection = server.connect()
    connection.sendall(EXPECTING % len(picture))
    assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
    return connection


def test_overload_is_refused_with_an_honest_wait_and_then_forgotten(start, photo):
    server = start(renders=1, waiting_max=2, cache_bytes_max=0)
    pictures = [jpeg(1200, 800, seed) for seed in range(16)]

    with ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(lambda picture: server.post("/v1/art", picture), pictures))

    refused = [reply for reply in replies if reply.status == 503]
    assert {reply.status for reply in replies} == {200, 503}
    assert [reply for reply in refused if not 1 <= int(reply.headers["Retry-After"]) <= 60] == []
    assert {reply.headers["Calligram-Error"] for reply in refused} == {"busy"}
    assert "request" in refused[0].text
    assert server.post("/v1/art", photo).status == 200


def test_a_render_process_that_dies_costs_one_request(start, photo):
    server = start(renders=1)
    picture = large_png()
    answers = []
    asked = threading.Thread(target=lambda: answers.append(server.post("/v1/art", picture)))
    asked.start()

    while not answers:
        for renderer in server.renderers():
            if is_at_work(renderer):
                os.kill(renderer, signal.SIGKILL)
        asked.join(0.01)

    assert answers[0].status == 422
    assert answers[0].headers["Calligram-Error"] == "render-stopped"
    assert server.post("/v1/art", photo).status == 200


def is_at_work(process: int) -> bool:
    """Whether it holds a large picture's pixels."""
    try:
        with open(f"/proc/{process}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") > 120_000_000
    except OSError:
        return False


def test_a_render_over_its_time_is_stopped(start, photo):
    server = start(renders=1, render_seconds_max=0.1)

    reply = server.post("/v1/art", large_png())

    assert (reply.status, reply.headers["Calligram-Error"]) == (422, "render-stopped")
    assert server.post("/v1/art", photo).status == 200


def test_equal_requests_at_once_are_drawn_once(start):
    server = start(renders=1)
    picture = large_png(3000)

    with ThreadPoolExecutor(6) as pool:
        replies = list(pool.map(lambda _: server.post("/v1/art", picture), range(6)))

    how = [reply.headers["Cache-Status"] for reply in replies]
    assert len({reply.body for reply in replies}) == 1
    assert how.count("calligram; fwd=miss; stored") == 1


def test_a_client_that_leaves_gives_its_place_back(start, photo):
    server = start(renders=1)
    large = large_png()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(server.post, "/v1/art", large)
        while not any(is_at_work(pid) for pid in server.renderers()):
            pass
        # It comes second, waits, and leaves.
        with server.connect() as connection:
            other = large_png(5999)
            connection.sendall(
                b"POST /v1/art HTTP/1.1\r\nHost: h\r\nX-Request-ID: leaver\r\n"
                b"Content-Length: %d\r\n\r\n" % len(other)
            )
            connection.sendall(other)
        line = server.wait_for("leaver")
        first = running.result()

    assert first.status == 200
    assert json.loads(line)["status"] == 499
    assert server.post("/v1/art", photo).status == 200


def test_what_others_want_too_is_drawn_though_one_of_them_leaves(start):
    server = start(renders=1)
    picture = large_png(5000)
    head = (
        b"POST /v1/art HTTP/1.1\r\nHost: h\r\nX-Request-ID: leaver\r\n"
        b"Content-Length: %d\r\n\r\n" % len(picture)
    )

    with ThreadPoolExecutor(1) as pool, server.connect() as connection:
        connection.sendall(head + picture)
        while not any(is_at_work(pid) for pid in server.renderers()):
            pass
        staying = pool.submit(server.post, "/v1/art", picture)
        while "http_server_active_requests 3" not in server.get("/metrics").text:
            if staying.done():
                break
        connection.close()
        reply = staying.result()

    assert reply.status == 200


def test_what_is_running_when_the_server_is_stopped_is_finished(start, photo):
    server = start()
    with begin(server, photo) as connection:
        server.process.send_signal(signal.SIGTERM)
        server.wait_for("Shutting down")
        connection.sendall(photo)
        reply = reply_from(connection)

    assert reply.status == 200
    assert server.stop() == 0
    assert server.descendants() == []


def test_readiness_turns_red_before_the_server_stops(start, photo):
    server = start(drain_notice_seconds=3)
    before = server.get("/readyz").status

    server.process.send_signal(signal.SIGTERM)
    while server.get("/readyz").status == 200:
        pass
    told = server.get("/readyz")

    assert before == 200
    assert (told.status, told.headers["Calligram-Error"]) == (503, "draining")
    assert server.post("/v1/art", photo).headers["Calligram-Error"] == "draining"
    assert server.get("/livez").status == 200


def test_a_stopped_server_leaves_no_process(start, photo):
    server = start(workers=2)
    server.post("/v1/art", photo)
    below = server.descendants()

    status = server.stop()

    assert status == 0
    assert [process for process in below if os.path.exists(f"/proc/{process}")] == []


def test_metrics_of_all_server_processes_are_added_up(start):
    server = start(workers=2)

    asked = [server.get("/v1/limits").status for _ in range(40)]

    metrics = server.get("/metrics").text
    count = re.search(
        r"http_server_request_duration_seconds_count\{http_request_method=\"GET\","
        r"http_response_status_code=\"200\",http_route=\"/v1/limits\"\} (\S+)",
        metrics,
    )
    assert asked == [200] * 40
    assert float(count[1]) == 40
    assert "calligram_renders_running" in metrics


def test_each_request_leaves_one_line_in_the_log(start, photo):
    server = start()

    server.post("/v1/art?columns=12", photo, X_Request_ID="mine-1")
    server.get("/nowhere/%0aforged", X_Request_ID="mine-2")
    server.wait_for("mine-2")

    lines = {line["request_id"]: line for line in server.requests()}
    assert {line: lines["mine-1"][line] for line in ("method", "route", "status")} == {
        "method": "POST",
        "route": "/v1/art",
        "status": 200,
    }
    assert lines["mine-2"]["route"] == "none"
    assert lines["mine-1"]["ms"] > 0


def test_nothing_but_json_is_in_the_log(start, photo):
    server = start(workers=2)
    server.post("/v1/pictures", photo)

    server.stop()

    *lines, ended = server.lines
    assert [line for line in lines if not is_object(line)] == []
    assert ended == "ended"


def is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def test_an_unknown_setting_stops_the_start(start):
    message = ""

    try:
        start(colums=4)
    except AssertionError as error:
        message = str(error)

    assert "there is no setting CALLIGRAM_COLUMS" in message


def test_a_port_that_is_taken_stops_the_start(start):
    port = start().port
    message = ""

    try:
        start(port_taken=port)
    except AssertionError as error:
        message = str(error)

    assert f"port {port} can't be served" in message


def test_a_silent_connection_is_closed_after_its_time(start, photo):
    server = start(keep_alive_seconds=1)

    with server.connect() as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: here\r\n")
        rest = connection.recv(1000)

    assert rest == b"" or b" 408 " in rest
