"""
Where pictures are kept: settings -> spool, store and vault.

    store    CALLIGRAM_STORE_URL, by default a folder below CALLIGRAM_DATA_FOLDER
    vault    CALLIGRAM_VAULT_URL, by default none
    spool    CALLIGRAM_SPOOL_FOLDER, by default below CALLIGRAM_DATA_FOLDER

Keys and endpoints of a store are in the JSON file that its _CONFIG_FILE names, or where the
provider's own tools look for them; they are never logged.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from calligram.errors import StoreUnavailable
from calligram.settings import OFF, Settings, SettingsRefused, variable
from calligram.store import Bucket, Spool, Unvaulted


def store_of(settings: Settings) -> Bucket | None:
    """The store; None where the operator wants nothing kept. Raises SettingsRefused."""
    if settings.store_url == OFF:
        return None
    url = settings.store_url or (Path(settings.data_folder).absolute() / "store").as_uri()
    return bucket_of("store", url, settings.store_config_file, settings.store_seconds_max)


def vault_of(settings: Settings) -> Bucket | None:
    """The vault, if there is one. Raises SettingsRefused."""
    if not settings.vault_url:
        return None
    return bucket_of(
        "vault", settings.vault_url, settings.vault_config_file, settings.store_seconds_max
    )


def bucket_of(name: str, url: str, config_file: str, seconds_max: float) -> Bucket:
    config = config_of(f"{variable(name)}_CONFIG_FILE", config_file)
    try:
        return Bucket.at(url, seconds_max=seconds_max, config=config)
    except StoreUnavailable as error:
        raise SettingsRefused(f"{variable(name)}_URL can't be used: {error}") from error


def config_of(name: str, path: str) -> Mapping[str, Any]:
    """What the JSON file at `path` says of a store; `name` is what the operator calls it."""
    if not path:
        return {}
    try:
        config = json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise SettingsRefused(f"{name} can't be read: {error}") from error
    if not isinstance(config, dict):
        raise SettingsRefused(f"{name} must hold a JSON object")
    return config


def spool_of(settings: Settings) -> Spool:
    """The spool, not yet prepared."""
    folder = Path(settings.spool_folder or Path(settings.data_folder) / "spool")
    return Spool(folder.absolute(), picture_bytes_max=settings.picture_bytes_max)


def unvaulted_of(settings: Settings) -> Unvaulted:
    """What the vault is behind by; its folder is not yet made."""
    return Unvaulted(spool_of(settings).folder / "unvaulted")
