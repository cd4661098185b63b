"""
Settings: what an operator may choose, in one frozen class that fits a screen.

    environment -> Settings -> compose.py, which hands plain values to the parts

Read once, at the start, and strict both ways: a value that can't be read stops the start
and names the variable, and so does a variable that we don't know: a misspelt limit is a
limit that isn't there.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from calligram.art.limits import DEFAULT_LIMITS, MEBIBYTE, Limits

PREFIX = "CALLIGRAM_"
OFF = "off"
"""As the store's address: nothing is kept."""


ACKNOWLEDGE = ("disk", "store")
PEER = re.compile(r"http://[A-Za-z0-9.-]+(:[0-9]{1,5})?|http://\[[0-9a-f:]+\](:[0-9]{1,5})?")


class SettingsRefused(Exception):
    """A setting is unknown, unreadable or out of range: the server doesn't start."""


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def data_folder() -> str:
    """Where data of this user's programs lie, by the XDG base directory specification."""
    home = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    return os.path.join(home, "calligram")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Each field is the environment variable CALLIGRAM_<ITS NAME IN CAPITALS>."""

    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = field(default_factory=cores)
    renders: int = 2
    connections_max: int = 1024
    keep_alive_seconds: int = 75
    body_seconds_max: float = 10.0
    body_bytes_per_second_min: int = 16 * 1024
    bodies_bytes_max: int = 512 * MEBIBYTE
    waiting_max: int = 32
    waiting_pixels_max: int = 200_000_000
    render_seconds_max: float = 5.0
    render_bytes_max: int = 1024 * MEBIBYTE
    cache_bytes_max: int = 64 * MEBIBYTE
    drain_notice_seconds: float = 0.0
    drain_seconds_max: int = 30
    picture_bytes_max: int = DEFAULT_LIMITS.picture_bytes_max
    pixels_max: int = DEFAULT_LIMITS.pixels_max
    side_max: int = DEFAULT_LIMITS.side_max
    frames_max: int = DEFAULT_LIMITS.frames_max
    frames_pixels_max: int = DEFAULT_LIMITS.frames_pixels_max
    metadata_bytes_max: int = DEFAULT_LIMITS.metadata_bytes_max
    metadata_parts_max: int = DEFAULT_LIMITS.metadata_parts_max
    png_chunks_max: int = DEFAULT_LIMITS.png_chunks_max
    jpeg_scans_max: int = DEFAULT_LIMITS.jpeg_scans_max
    art_bytes_max: int = DEFAULT_LIMITS.art_bytes_max
    cors_origins: tuple[str, ...] = ()
    tokens_file: str = ""
    requests_per_minute_max: int | None = None
    data_folder: str = field(default_factory=data_folder)
    spool_folder: str = ""
    store_url: str = ""
    store_config_file: str = ""
    vault_url: str = ""
    vault_config_file: str = ""
    vault_seconds: float = 60.0
    vault_walk_seconds: float = 86_400.0
    store_seconds_max: float = 20.0
    acknowledge: str = "disk"
    acknowledge_seconds_max: float = 15.0
    moves: int = 16
    moves_per_second_max: float = 1000.0
    move_retry_seconds_max: float = 30.0
    mover_wedged_seconds: float = 600.0
    peers: tuple[str, ...] = ()
    peer_seconds_max: float = 5.0
    operator_tokens_file: str = ""

    def __post_init__(self) -> None:
        for name, least in LEAST.items():
            value = getattr(self, name)
            if value is not None and value < least:
                raise SettingsRefused(f"{variable(name)} must be at least {least}, not {value}")
        if self.port > 65535:
            raise SettingsRefused(f"{variable('port')} must be 0 to 65535, not {self.port}")
        check_url("vault_url", self.vault_url)
        if self.store_url != OFF:
            check_url("store_url", self.store_url)
        if self.acknowledge not in ACKNOWLEDGE:
            raise SettingsRefused(
                f"{variable('acknowledge')} must be {' or '.join(ACKNOWLEDGE)}, "
                f"not {self.acknowledge!r}"
            )
        for peer in self.peers:
            if not PEER.fullmatch(peer):
                raise SettingsRefused(
                    f"{variable('peers')} must be addresses such as http://10.0.0.2:8080 "
                    f"with commas between them, not {peer!r}"
                )
        for origin in self.cors_origins:
            if origin != "*" and not origin.startswith(("http://", "https://")):
                raise SettingsRefused(
                    f"{variable('cors_origins')} must be *, or origins such as "
                    f"https://example.org with commas between them, not {origin!r}"
                )

    @property
    def limits(self) -> Limits:
        """What one picture may ask for."""
        names = [limit.name for limit in dataclasses.fields(Limits)]
        return Limits(**{name: getattr(self, name) for name in names})

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """
        The settings in `environment`; raises SettingsRefused, naming the variable.

        Variables that don't begin with CALLIGRAM_ are none of our business.
        """
        known = {variable(setting.name): setting for setting in dataclasses.fields(cls)}
        values: dict[str, Any] = {}
        for name, text in environment.items():
            if not name.startswith(PREFIX):
                continue
            if name not in known:
                raise SettingsRefused(f"there is no setting {name}; there are: {', '.join(known)}")
            setting = known[name]
            read, wanted = READERS[str(setting.type)]
            try:
                values[setting.name] = read(text)
            except ValueError:
                raise SettingsRefused(f"{name} must be {wanted}, not {text!r}") from None
        return cls(**values)


# What would make no server, or one that refuses all, is refused itself.
LEAST: Mapping[str, float] = {
    "port": 0,
    "workers": 1,
    "renders": 1,
    "connections_max": 1,
    "keep_alive_seconds": 1,
    "body_seconds_max": 0.1,
    "body_bytes_per_second_min": 0,
    "bodies_bytes_max": 1,
    "waiting_max": 0,
    "waiting_pixels_max": 0,
    "render_seconds_max": 0.1,
    "render_bytes_max": 64 * MEBIBYTE,
    "cache_bytes_max": 0,
    "drain_notice_seconds": 0,
    "drain_seconds_max": 1,
    **{limit.name: 1 for limit in dataclasses.fields(Limits)},
    "requests_per_minute_max": 1,
    "vault_seconds": 1,
    "vault_walk_seconds": 60,
    "store_seconds_max": 0.1,
    "acknowledge_seconds_max": 0.1,
    "moves": 1,
    "moves_per_second_max": 1,
    "move_retry_seconds_max": 1,
    "mover_wedged_seconds": 1,
    "peer_seconds_max": 0.1,
}


STORE_KINDS = ("s3", "az", "gs", "file", "memory")


def check_url(name: str, url: str) -> None:
    """Refuse what is no address of a store. The address itself is not told: it may hold a key."""
    if not url or url.partition("://")[0] in STORE_KINDS:
        return
    raise SettingsRefused(
        f"{variable(name)} must be an address that begins with "
        f"{', '.join(f'{kind}://' for kind in STORE_KINDS)}"
    )


def variable(name: str) -> str:
    """The environment variable of the setting `name`."""
    return PREFIX + name.upper()


def whole(text: str) -> int:
    # int() also reads "1_0", "+1" and Arabic digits, which no one means in a setting.
    if not (text.isascii() and text.isdigit()):
        raise ValueError(text)
    return int(text)


def number(text: str) -> float:
    if not (text.isascii() and text.replace(".", "", 1).isdigit()):
        raise ValueError(text)
    return float(text)


def listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip().rstrip("/") for part in text.split(",") if part.strip())


READERS: Mapping[str, tuple[Callable[[str], Any], str]] = {
    "str": (str, "text"),
    "int": (whole, "a whole number"),
    "int | None": (whole, "a whole number"),
    "float": (number, "a number such as 2.5"),
    "tuple[str, ...]": (listed, "a list with commas"),
}
