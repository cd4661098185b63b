"""The thin edges: pictures, processes, the client, and what a sweep looks like as a file."""

from __future__ import annotations

import asyncio
import io
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from PIL import Image

from calligram.capacity.client import Client, ConnectionLost
from calligram.capacity.corpus import folder_corpus, marked, seeded_corpus
from calligram.capacity.processes import cpu_seconds, listeners, with_descendants
from calligram.capacity.sweep import as_json, from_json
from calligram.capacity.target import Request, address, mix_of
from calligram.errors import PlanRefused
from capacity_points import good_sweep


def pixels(data):
    with Image.open(io.BytesIO(data)) as picture:
        return picture.convert("RGB").tobytes()


def picture(format):
    file = io.BytesIO()
    Image.linear_gradient("L").resize((40, 30)).save(file, format)
    return file.getvalue()


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_a_marked_picture_is_another_one_of_the_same_pixels(format):
    data = picture(format)
    first, second = marked(data, 1), marked(data, 2)

    assert len({data, first, second}) == 3
    assert pixels(first) == pixels(second) == pixels(data)


def test_the_same_seed_gives_the_same_pictures_and_sizes_differ():
    corpus = seeded_corpus(7, count=6)
    sizes = sorted(map(len, corpus.pictures))

    assert corpus.pictures == seeded_corpus(7, count=6).pictures
    assert sizes[-1] > 3 * sizes[0]
    assert corpus.picture(0) != corpus.picture(6)


def test_a_folder_is_a_corpus_and_what_cannot_be_marked_is_passed_over(tmp_path):
    (tmp_path / "a.jpg").write_bytes(picture("JPEG"))
    (tmp_path / "b.png").write_bytes(picture("PNG"))
    (tmp_path / "c.gif").write_bytes(picture("GIF"))
    corpus = folder_corpus(tmp_path)

    assert len(corpus.pictures) == 2
    assert "1 other files, passed over" in corpus.words


def test_a_folder_without_pictures_is_refused(tmp_path):
    with pytest.raises(PlanRefused, match="holds no JPEG and no PNG"):
        folder_corpus(tmp_path)


def test_who_listens_at_a_port_is_found():
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert listeners(server.getsockname()[1]) == [os.getpid()]


@contextmanager
def running(program: str) -> Iterator[tuple[int, int]]:
    """A program that tells its child's number, and ends when its standard input does: both."""
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        try:
            yield parent.pid, int(parent.stdout.readline())
        finally:
            parent.stdin.close()


def test_the_cpu_of_a_process_includes_its_children():
    program = (
        "import subprocess, sys, time\n"
        "busy = 'import time\\nwhile time.process_time() < 0.3: pass\\nprint(1, flush=True)\\n"
        "input()'\n"
        "child = subprocess.Popen([sys.executable, '-c', busy], stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\n"
        "print(child.pid, flush=True)\n"
        "child.wait()\n"
    )
    with running(program) as (parent, child):
        found = with_descendants([parent])
        used = cpu_seconds(found)

    assert found == [parent, child]
    assert used >= 0.25


def test_children_are_seen_while_threads_come_and_go():
    program = (
        "import subprocess, sys, threading\n"
        "child = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)\n"
        "print(child.pid, flush=True)\n"
        "end = threading.Thread(target=sys.stdin.read)\n"
        "end.start()\n"
        "while end.is_alive():\n"
        "    threading.Thread(target=int).start()\n"
        "child.communicate()\n"
    )
    with running(program) as (parent, child):
        seen = {tuple(with_descendants([parent])) for _ in range(2000)}

    assert seen == {(parent, child)}
    assert with_descendants([parent]) == [parent]  # it is gone: nothing is below it


ANSWERS = {
    "length": (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nart", b"art"),
    "chunks": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nar\r\n1;x=y\r\nt\r\n0\r\n\r\n",
        b"art",
    ),
    "end": (b"HTTP/1.0 200 OK\r\n\r\nart", b"art"),
    "nothing": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", b""),
}


async def exchange(answer, *, times=1, keep_alive=True):
    """What the client makes of a server that says `answer` to each request, then hangs up."""

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = Client("127.0.0.1", port, connections_max=2, keep_alive=keep_alive)
    try:
        request = Request("get", "GET", "/")
        return [await client.exchange(request) for _ in range(times)]
    finally:
        client.close()
        server.close()


@pytest.mark.parametrize("way", ANSWERS)
def test_an_answer_is_read_whole_however_it_ends(way):
    answer, body = ANSWERS[way]
    # Twice: the second time the kept connection has been closed by the server.
    replies = asyncio.run(exchange(answer, times=2))

    assert [reply.body for reply in replies] == [body, body]


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nar", b"SSH-2.0-OpenSSH_9.2\r\n\r\n"],
)
def test_what_is_no_whole_answer_is_a_lost_connection(answer):
    with pytest.raises((ConnectionLost, ConnectionError)):
        asyncio.run(exchange(answer))


def test_a_sweep_comes_back_out_of_its_file():
    sweep = good_sweep(refused=(("unsteady", "why"),), left_out=("500 requests a second: late",))

    assert from_json(as_json(sweep)) == sweep


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"calligram_sweep": 2}', "\x00"])
def test_what_is_no_sweep_is_refused(text):
    with pytest.raises(PlanRefused):
        from_json(text)


@pytest.mark.parametrize(
    "url", ["ftp://x", "http://", "http://x/path", "http://x:99999", "https://x"]
)
def test_what_is_no_base_address_is_refused(url):
    with pytest.raises(PlanRefused):
        address(url)


def test_an_address_needs_no_scheme():
    assert address("127.0.0.1:8080") == address("http://127.0.0.1:8080/") == ("127.0.0.1", 8080)


def test_a_mix_is_shares_of_kinds():
    assert mix_of("draw") == {"draw": 1.0}
    assert mix_of("draw=1, get=3") == {"draw": 0.25, "get": 0.75}


@pytest.mark.parametrize("text", ["", "post", "draw=0", "draw=x", "draw=1,draw=2", "draw=-1"])
def test_what_is_no_mix_is_refused(text):
    with pytest.raises(PlanRefused, match="a mix is KIND=SHARE"):
        mix_of(text)
