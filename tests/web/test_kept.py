"""
Kept pictures over a real socket: what is promised, asked for, pinned and deleted.

tests/web/test_kept_bad_days.py has the days on which something breaks.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

import calligram
from calligram.store import Objects
from kept_pictures import content_of, objects_in, record_for
from web_server import FORM, Server, form, jpeg

TOKEN = "operator's own"
FOR_EVER = "public, max-age=31536000, immutable"
NOWHERE = "0" * 64


@pytest.fixture(scope="module")
def keeping(tmp_path_factory):
    """A server of two processes with a folder as store, another as vault, and an operator."""
    folder = tmp_path_factory.mktemp("keeping")
    tokens = folder / "tokens"
    tokens.write_text(f"me {hashlib.sha256(TOKEN.encode()).hexdigest()}\n")
    server = Server(
        workers=2,
        data_folder=folder,
        vault_url=(folder / "vault").as_uri(),
        operator_tokens_file=tokens,
        picture_bytes_max=1_000_000,
    )
    server.folder = folder
    yield server
    assert server.stop() == 0


@pytest.fixture
def picture(request) -> bytes:
    """A picture of this test's own."""
    return jpeg(seed=int(hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:8], 16))


def id_of(picture: bytes) -> str:
    return hashlib.sha256(picture).hexdigest()


def address(picture: bytes) -> str:
    return f"/v1/pictures/{id_of(picture)}"


def test_a_new_picture_is_kept_and_drawn(keeping, picture):
    reply = keeping.post("/v1/pictures?columns=20", picture)

    assert reply.status == 201
    assert reply.text == calligram.render(picture, columns=20).to("txt").decode()
    assert reply.headers["Location"] == address(picture)
    assert reply.headers["Content-Location"] == f"{address(picture)}/art/shape-1.txt?columns=20"
    assert reply.headers["Calligram-Kept"] == "spooled"


def test_a_known_picture_is_not_kept_twice(keeping, picture):
    first = keeping.post("/v1/pictures", picture)
    second = keeping.post("/v1/pictures", picture)

    assert (first.status, second.status) == (201, 200)
    assert first.body == second.body
    assert second.headers["Location"] == first.headers["Location"]


def test_a_form_keeps_a_picture_too(keeping, picture):
    reply = keeping.post("/v1/pictures", form(picture), Content_Type=FORM)

    assert (reply.status, reply.headers["Location"]) == (201, address(picture))


def test_a_client_can_ask_whether_an_upload_is_needed(keeping, picture):
    before = keeping.ask("HEAD", address(picture))
    keeping.post("/v1/pictures", picture)
    after = keeping.ask("HEAD", address(picture))

    assert (before.status, after.status, after.body) == (404, 200, b"")
    assert int(after.headers["Content-Length"]) > 100


def test_the_record_tells_what_is_known_of_a_picture(keeping, picture):
    keeping.post("/v1/pictures?columns=5&algorithm=ramp-1", picture)

    record = keeping.get(address(picture)).json

    assert {name: record[name] for name in ("picture", "bytes", "format", "width", "height")} == {
        "picture": id_of(picture),
        "bytes": len(picture),
        "format": "jpeg",
        "width": 96,
        "height": 64,
    }
    # An algorithm that is asked for once is not what the picture is pinned to.
    assert record["algorithm"] == "shape-1"


def test_the_mover_brings_it_into_the_store(keeping, picture):
    keeping.post("/v1/pictures", picture)
    while keeping.get(address(picture)).headers["Calligram-Kept"] != "stored":
        pass

    objects = objects_in(keeping.folder)
    assert objects.picture(id_of(picture)) == picture
    assert objects.record(id_of(picture)).bytes == len(picture)


@pytest.mark.parametrize("name", calligram.FORMATS)
def test_permanent_art_is_the_librarys_in_every_format(keeping, picture, name):
    keeping.post("/v1/pictures", picture)

    reply = keeping.get(f"{address(picture)}/art/ramp-1.{name}?colour=full&columns=24")

    drawn = calligram.render(picture, algorithm="ramp-1", colour="full", columns=24)
    assert reply.status == 200
    assert reply.body == drawn.to(name)
    assert reply.headers["Content-Type"] == calligram.FORMATS[name].media_type


def test_permanent_art_may_be_kept_by_caches_for_ever(keeping, picture):
    keeping.post("/v1/pictures", picture)

    reply = keeping.get(f"{address(picture)}/art/shape-1.txt?columns=24")

    assert reply.headers["Cache-Control"] == FOR_EVER
    assert reply.headers["Vary"] == "Accept-Encoding"
    assert reply.headers["Calligram-Algorithm"] == "shape-1"


def test_default_art_names_its_permanent_address_and_is_asked_for_again(keeping, picture):
    keeping.post("/v1/pictures", picture)

    default = keeping.get(f"{address(picture)}/art?invert=true&columns=24", Accept="image/png")
    permanent = keeping.get(default.headers["Content-Location"])

    assert default.headers["Cache-Control"] == "no-cache"
    assert (default.body, default.headers["ETag"]) == (permanent.body, permanent.headers["ETag"])
    assert permanent.headers["Cache-Control"] == FOR_EVER
    assert permanent.headers["Content-Type"] == "image/png"


def test_a_suffix_chooses_the_format_of_default_art(keeping, picture):
    keeping.post("/v1/pictures", picture)

    reply = keeping.get(f"{address(picture)}/art.html", Accept="text/plain")

    assert reply.headers["Content-Type"].startswith("text/html")


def test_default_art_is_drawn_by_the_algorithm_that_the_record_names(keeping, picture):
    pinned = record_for(id_of(picture), len(picture), algorithm="ramp-1")
    objects = objects_in(keeping.folder)
    objects.put_picture(id_of(picture), picture)
    objects.put_record(pinned)

    art = keeping.get(f"{address(picture)}/art?columns=24")
    again = keeping.post("/v1/pictures?columns=24", picture)
    chosen = keeping.post("/v1/pictures?columns=24&algorithm=shape-1", picture)

    by_ramp = calligram.render(picture, algorithm="ramp-1", columns=24).to("txt")
    assert (art.body, art.headers["Calligram-Algorithm"]) == (by_ramp, "ramp-1")
    assert (again.status, again.body) == (200, by_ramp)
    assert chosen.headers["Calligram-Algorithm"] == "shape-1"


@pytest.mark.parametrize(
    "query",
    [
        "columns=24&invert=true",
        "invert=true&columns=24",
        "invert=1&columns=24&colour=none",
        "columns=24&invert=yes&background=dark&cell_aspect=0.5",
    ],
)
def test_options_in_any_order_and_spelling_are_the_same_art(keeping, picture, query):
    keeping.post("/v1/pictures", picture)
    wanted = keeping.get(f"{address(picture)}/art/shape-1.txt?columns=24&invert=true")

    reply = keeping.get(f"{address(picture)}/art/shape-1.txt?{query}")

    assert (reply.body, reply.headers["ETag"]) == (wanted.body, wanted.headers["ETag"])


@pytest.mark.parametrize("held", ["{0}", "W/{0}", '"other", {0}', "*", '"other",W/{0}'])
@pytest.mark.parametrize("path", ["/art/shape-1.txt", "/art", ""])
def test_what_the_client_holds_is_not_sent_again(keeping, picture, path, held):
    keeping.post("/v1/pictures", picture)
    first = keeping.get(address(picture) + path)

    reply = keeping.get(address(picture) + path, If_None_Match=held.format(first.headers["ETag"]))

    assert (reply.status, reply.body) == (304, b"")
    assert reply.headers["ETag"] == first.headers["ETag"]
    assert reply.headers["Cache-Control"] == first.headers["Cache-Control"]


def test_the_packed_form_has_a_tag_of_its_own(keeping, picture):
    keeping.post("/v1/pictures", picture)
    path = f"{address(picture)}/art/shape-1.html?colour=full"

    plain = keeping.get(path)
    packed = keeping.get(path, Accept_Encoding="gzip")
    held = keeping.get(path, Accept_Encoding="gzip", If_None_Match=packed.headers["ETag"])

    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["ETag"] != plain.headers["ETag"]
    assert held.status == 304


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"/v1/pictures/{NOWHERE}", 404, "picture-missing"),
        (f"/v1/pictures/{NOWHERE}/art", 404, "picture-missing"),
        (f"/v1/pictures/{NOWHERE}/art/shape-1.txt", 404, "picture-missing"),
        (f"/v1/pictures/{'A' * 64}", 404, "route-unknown"),
        (f"/v1/pictures/{'0' * 63}", 404, "route-unknown"),
        (f"/v1/pictures/{NOWHERE}/", 404, "route-unknown"),
        (f"/v1/pictures/{NOWHERE}/art/shape-9.txt", 404, "route-unknown"),
        (f"/v1/pictures/{NOWHERE}/art/shape-1.gif", 404, "route-unknown"),
        (f"/v1/pictures/{NOWHERE}/art/../../limits", 404, "route-unknown"),
        (f"/v1/pictures/{NOWHERE}/art/shape-1.txt%0a", 404, "route-unknown"),
        (f"/v1/pictures/{NOWHERE}/art/shape-1.txt?colums=3", 400, "options-refused"),
        (f"/v1/pictures/{NOWHERE}/art/shape-1.txt?algorithm=ramp-1", 400, "options-refused"),
        (f"/v1/pictures/{NOWHERE}/art/shape-1.txt?algor%69thm=ramp-1", 400, "options-refused"),
    ],
)
def test_one_failure_has_one_status(keeping, path, status, code):
    reply = keeping.get(path, Accept="application/json")

    assert (reply.status, reply.json["code"]) == (status, code)
    assert reply.headers["Cache-Control"] == "no-store"


def kept_ids(folder: Path) -> set[str]:
    """All that is kept; the spool first, as the mover takes out of it what the store has."""
    spooled = {path.name for path in (folder / "spool" / "kept").iterdir()}
    stored = {path.name for path in (folder / "store" / "pictures").rglob("*") if path.is_file()}
    return spooled | {name for name in stored if len(name) == 64}


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"no picture", 415), (jpeg()[:900], 422), (b"x" * 1_000_001, 413)],
)
def test_what_can_not_be_drawn_is_not_kept(keeping, body, status):
    before = kept_ids(keeping.folder)

    reply = keeping.post("/v1/pictures", body)

    assert reply.status == status
    assert keeping.get(f"/v1/pictures/{id_of(body)}").status == 404
    assert list((keeping.folder / "spool" / "incoming").iterdir()) == []
    assert kept_ids(keeping.folder) == before


def authorized(token: str = TOKEN) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_deleted_picture_is_gone_from_store_and_vault(keeping, picture):
    keeping.post("/v1/pictures", picture)
    vault = Objects(objects_in(keeping.folder).bucket.at((keeping.folder / "vault").as_uri()))
    vault.put_picture(id_of(picture), picture)
    vault.put_record(record_for(id_of(picture), len(picture)))

    reply = keeping.ask("DELETE", address(picture), headers=authorized())

    objects = objects_in(keeping.folder)
    assert (reply.status, reply.body) == (204, b"")
    assert [side.picture(id_of(picture)) for side in (objects, vault)] == [None, None]
    assert [side.record(id_of(picture)) for side in (objects, vault)] == [None, None]
    assert objects.tombstone(id_of(picture)) is not None
    assert objects.tombstone(id_of(picture)) == vault.tombstone(id_of(picture))


def test_a_deleted_picture_may_be_kept_again(keeping, picture):
    keeping.post("/v1/pictures", picture)
    keeping.ask("DELETE", address(picture), headers=authorized())

    again = keeping.post("/v1/pictures", picture)
    objects = objects_in(keeping.folder)
    while objects.picture(id_of(picture)) != picture or objects.record(id_of(picture)) is None:
        pass

    assert again.status == 201
    # It stays spooled while the deletion might still be under way on another server.
    assert keeping.get(address(picture)).headers["Calligram-Kept"] == "spooled"


@pytest.mark.parametrize("headers", [{}, authorized("guessed"), {"Authorization": "Basic x"}])
def test_only_the_operator_deletes(keeping, picture, headers):
    keeping.post("/v1/pictures", picture)

    reply = keeping.ask("DELETE", address(picture), headers=headers)

    assert (reply.status, reply.headers["Calligram-Error"]) == (401, "token-refused")
    assert keeping.get(address(picture)).status == 200


def test_without_an_operator_nobody_deletes(server):
    reply = server.ask("DELETE", f"/v1/pictures/{NOWHERE}", headers=authorized())

    assert reply.status == 401
    assert "CALLIGRAM_OPERATOR_TOKENS_FILE" in reply.text


def test_a_token_guards_keeping_and_not_reading(start, tmp_path, picture):
    tokens = tmp_path / "tokens"
    tokens.write_text(f"me {hashlib.sha256(b'mine').hexdigest()}\n")
    server = start(tokens_file=tokens)

    refused = server.post("/v1/pictures", picture)
    kept = server.ask("POST", "/v1/pictures", picture, authorized("mine"))

    assert (refused.status, kept.status) == (401, 201)
    assert server.get(f"{address(picture)}/art").status == 200


def test_where_nothing_is_kept_there_are_no_such_routes(start, picture, tmp_path):
    server = start(store_url="off", data_folder=tmp_path / "none")

    kept = server.post("/v1/pictures", picture)

    assert (kept.status, server.get(f"/v1/pictures/{NOWHERE}").status) == (404, 404)
    assert server.get("/readyz").status == 200
    assert "/v1/pictures" not in json.loads(server.get("/openapi.json").body)["paths"]
    assert not (tmp_path / "none").exists()


def test_metrics_tell_of_the_spool(keeping):
    metrics = keeping.get("/metrics").text

    assert "calligram_spool_items " in metrics
    assert "calligram_spool_moved_total " in metrics
    assert 'calligram_pictures_kept_total{outcome="new"}' in metrics


def test_strange_bytes_as_a_picture_of_the_store_are_an_error_of_ours(keeping, picture):
    keeping.post("/v1/pictures", picture)
    while keeping.get(address(picture)).headers["Calligram-Kept"] != "stored":
        pass
    path = Path(keeping.folder, "store", "pictures", id_of(picture)[:2], id_of(picture))
    path.write_bytes(content_of(1))

    reply = keeping.get(f"{address(picture)}/art/shape-1.txt?columns=33", Accept="application/json")

    assert (reply.status, reply.json["code"]) == (500, "damaged")
