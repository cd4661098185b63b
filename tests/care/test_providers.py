"""
Two real providers, S3 and Azure: a store is copied from one to the other and back, whole.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from azurite_server import Azurite
from calligram.care import Side, backup, copy, finish, restore, verify
from calligram.store import Bucket
from calligram.store.keys import picture_key, record_key
from cli.conftest import in_pipes
from kept_stores import delete_in, everything, id_at, impatient, stocked
from s3_server import URL, Weed

NUMBERS = range(60)


@pytest.fixture(scope="module")
def azurite(tmp_path_factory) -> Iterator[Azurite]:
    server = Azurite(tmp_path_factory.mktemp("azurite"))
    yield server
    server.stop()


def s3_side(weed: Weed, name: str, place: str) -> Side:
    return Side(name, Bucket.at(f"{URL}/{place}", config=weed.config))


def azure_side(azurite: Azurite, name: str, place: str) -> Side:
    return Side(name, Bucket.at(f"az://pictures/{place}", config=azurite.config))


def test_an_s3_store_is_kept_in_an_s3_vault(weed):
    store, vault = s3_side(weed, "store", "a/store"), s3_side(weed, "vault", "a/vault")
    stocked(store, NUMBERS)
    delete_in(store, 5)

    first, second = finish(backup(store, vault)), finish(backup(store, vault))

    assert everything(vault) == everything(store)
    assert (first.copied, first.problems) == (59, 0)
    assert second.copied == 0


@pytest.mark.server("azurite-blob")
def test_a_store_moves_to_another_provider_and_back(weed, azurite):
    here = s3_side(weed, "source", "b/here")
    there = azure_side(azurite, "target", "b/there")
    back = s3_side(weed, "target", "b/back")
    stocked(here, NUMBERS)
    delete_in(here, 5)

    reports = [finish(copy(here, there)), finish(copy(there, back))]

    assert [report.problems for report in reports] == [0, 0]
    assert everything(there) == everything(here)
    assert everything(back) == everything(here)


@pytest.mark.server("azurite-blob")
def test_an_s3_store_is_mended_and_restored_from_azure(weed, azurite, seed):
    chance = random.Random(seed)
    store, vault = s3_side(weed, "store", "c/store"), azure_side(azurite, "vault", "c/vault")
    stocked(store, NUMBERS)
    finish(backup(store, vault))
    whole = everything(store)
    for number in chance.sample(NUMBERS, 20):
        key = chance.choice([picture_key, record_key])(id_at(number))
        chance.choice([store.bucket.delete, lambda key: store.bucket.put(key, b"?")])(key)

    mended = finish(verify(store, vault, repair=True, again_seconds=0, pace=impatient()))
    after = finish(verify(store, vault))
    empty = s3_side(weed, "store", "c/empty")
    finish(restore(vault, empty))

    assert (mended.mended, mended.problems, after.problems) == (20, 0, 0)
    assert everything(store) == whole
    assert everything(empty) == whole


@pytest.mark.server("azurite-blob")
def test_the_command_copies_between_providers(weed, azurite):
    here, there = s3_side(weed, "source", "d"), azure_side(azurite, "target", "d")
    stocked(here, NUMBERS)

    done = in_pipes(
        *("store", "copy", f"{URL}/d", "az://pictures/d"),
        *("--source-config", weed.settings()["store_config_file"]),
        *("--target-config", str(azurite.config_file())),
    )

    assert (done.status, done.err) == (0, "")
    assert everything(there) == everything(here)
