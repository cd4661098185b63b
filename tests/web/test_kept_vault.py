"""A server with a vault: what it keeps is in the vault soon, and what it deletes is not."""

from __future__ import annotations

import hashlib

import pytest

from calligram.care import Side
from calligram.store import Bucket
from calligram.store.keys import picture_key, record_key
from kept_stores import everything
from s3_server import wait_until
from web_server import Server, jpeg

TOKEN = "operator's own"


@pytest.fixture
def place(tmp_path):
    """A server with folders as store and vault, which backs up every second."""
    tokens = tmp_path / "tokens"
    tokens.write_text(f"me {hashlib.sha256(TOKEN.encode()).hexdigest()}\n")
    server = Server(
        data_folder=tmp_path,
        vault_url=(tmp_path / "vault").as_uri(),
        vault_seconds=1,
        operator_tokens_file=tokens,
    )
    server.sides = [
        Side(name, Bucket.at((tmp_path / name).as_uri())) for name in ("store", "vault")
    ]
    yield server
    assert server.stop() == 0


def test_what_is_kept_is_in_the_vault_soon_and_what_is_deleted_is_not(place):
    store, vault = place.sides
    pictures = [jpeg(seed=number) for number in range(5)]
    ids = [hashlib.sha256(picture).hexdigest() for picture in pictures]
    for picture in pictures:
        assert place.post("/v1/pictures", picture).status == 201

    wait_until(lambda: all(vault.bucket.get(record_key(id)) for id in ids))
    copied = everything(vault) == everything(store)
    gone = place.ask(
        "DELETE", f"/v1/pictures/{ids[0]}", headers={"Authorization": f"Bearer {TOKEN}"}
    )

    assert copied
    assert gone.status == 204
    assert vault.bucket.get(picture_key(ids[0])) is None
    assert everything(vault) == everything(store)


def test_a_deletion_that_the_vault_did_not_hear_of_is_carried_soon(place, tmp_path):
    store, vault = place.sides
    picture = jpeg(seed=1)
    id = hashlib.sha256(picture).hexdigest()
    place.post("/v1/pictures", picture)
    wait_until(lambda: vault.bucket.get(record_key(id)))
    # No tombstone can be put where a file is in the way.
    in_the_way = tmp_path / "vault" / "deleted"
    in_the_way.write_bytes(b"")

    gone = place.ask("DELETE", f"/v1/pictures/{id}", headers={"Authorization": f"Bearer {TOKEN}"})
    in_the_way.unlink()

    assert gone.status == 202
    wait_until(lambda: vault.bucket.get(picture_key(id)) is None)
    wait_until(lambda: everything(vault) == everything(store))


def test_metrics_tell_of_the_vault(place):
    place.post("/v1/pictures", jpeg(seed=1))

    def is_copied() -> bool:
        return "calligram_vault_copied_total 1.0" in place.get("/metrics").text

    wait_until(is_copied)
    metrics = place.get("/metrics").text
    assert "calligram_vault_items 0.0" in metrics
    assert "calligram_vault_away 0.0" in metrics
    assert "calligram_vault_oldest_seconds 0.0" in metrics
