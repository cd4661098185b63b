"""
The two sides of a walk: settings, or addresses on the command line -> store, vault, any other.
"""

from __future__ import annotations

from calligram.care import Side
from calligram.compose.keeping import config_of, store_of, vault_of
from calligram.errors import StoreUnavailable
from calligram.settings import STORE_KINDS, Settings, SettingsRefused
from calligram.store import Bucket


def store_side(settings: Settings) -> Side:
    """The store. Raises SettingsRefused where nothing is kept."""
    bucket = store_of(settings)
    if bucket is None:
        raise SettingsRefused("CALLIGRAM_STORE_URL is off: there is no store")
    return Side("store", bucket)


def vault_side(settings: Settings) -> Side:
    """The vault. Raises SettingsRefused where there is none."""
    bucket = vault_of(settings)
    if bucket is None:
        raise SettingsRefused("there is no vault; CALLIGRAM_VAULT_URL says where it is")
    return Side("vault", bucket)


def address_of(name: str, url: str, config_file: str, seconds_max: float) -> Side:
    """The store at `url`, called `name`. Raises SettingsRefused."""
    if url.partition("://")[0] not in STORE_KINDS:
        kinds = ", ".join(f"{kind}://" for kind in STORE_KINDS)
        raise SettingsRefused(f"the {name} must be an address that begins with {kinds}")
    config = config_of(f"--{name}-config", config_file)
    try:
        return Side(name, Bucket.at(url, seconds_max=seconds_max, config=config))
    except StoreUnavailable as error:
        raise SettingsRefused(f"the {name} can't be used: {error}") from error
