"""
Settings: strict both ways, and each one documented with its default.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from calligram import Limits
from calligram.settings import LEAST, Settings, SettingsRefused, variable

PAGE = Path(__file__).resolve().parent.parent / "docs" / "settings.md"
FIELDS = dataclasses.fields(Settings)


def test_without_variables_the_defaults_hold():
    settings = Settings.from_environment({"PATH": "/bin", "HOME": "/"})

    assert settings == Settings()


def test_this_machine_alone_is_served_by_default():
    assert Settings().host == "127.0.0.1"


def test_values_are_read_by_their_kinds():
    settings = Settings.from_environment(
        {
            "CALLIGRAM_PORT": "99",
            "CALLIGRAM_RENDER_SECONDS_MAX": "2.5",
            "CALLIGRAM_CORS_ORIGINS": "https://a.example/, https://b.example",
            "CALLIGRAM_REQUESTS_PER_MINUTE_MAX": "5",
        }
    )

    assert (settings.port, settings.render_seconds_max) == (99, 2.5)
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert settings.requests_per_minute_max == 5


def test_limits_are_handed_on():
    settings = Settings.from_environment({"CALLIGRAM_SIDE_MAX": "77"})

    assert settings.limits == dataclasses.replace(Limits(), side_max=77)


def test_the_limits_of_the_engine_are_the_defaults():
    assert Settings().limits == Limits()


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("CALLIGRAM_COLUMS", "4", "there is no setting CALLIGRAM_COLUMS"),
        ("CALLIGRAM_PORT", "http", "CALLIGRAM_PORT must be a whole number, not 'http'"),
        ("CALLIGRAM_STORE_URL", "bucket", "CALLIGRAM_STORE_URL must be an address that begins"),
        ("CALLIGRAM_VAULT_URL", "off", "CALLIGRAM_VAULT_URL must be an address that begins"),
        ("CALLIGRAM_PORT", "1_0", "CALLIGRAM_PORT must be a whole number"),
        ("CALLIGRAM_PORT", "", "CALLIGRAM_PORT must be a whole number"),
        ("CALLIGRAM_PORT", "65536", "CALLIGRAM_PORT must be 0 to 65535, not 65536"),
        ("CALLIGRAM_PORT", "-1", "CALLIGRAM_PORT must be a whole number"),
        ("CALLIGRAM_RENDER_SECONDS_MAX", "nan", "CALLIGRAM_RENDER_SECONDS_MAX must be a number"),
        ("CALLIGRAM_WORKERS", "0", "CALLIGRAM_WORKERS must be at least 1, not 0"),
        ("CALLIGRAM_CORS_ORIGINS", "pages.example", "CALLIGRAM_CORS_ORIGINS must be"),
    ],
)
def test_what_can_not_be_read_is_refused_by_name(name, text, told):
    with pytest.raises(SettingsRefused, match=re.escape(told)):
        Settings.from_environment({name: text})


@pytest.mark.parametrize("name", LEAST)
def test_the_least_value_is_taken_and_less_is_refused(name):
    Settings(**{name: LEAST[name]})

    with pytest.raises(SettingsRefused, match=variable(name)):
        Settings(**{name: LEAST[name] - 1})


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_every_setting_is_documented_with_its_default(field):
    row = re.search(rf"^\| `{variable(field.name)}` \| (.*?) \|", PAGE.read_text(), re.MULTILINE)

    assert row
    assert row[1] == default_of(field)


TOLD_IN_WORDS = {
    "workers": "one for each core",
    "data_folder": "`~/.local/share/calligram`",
    "spool_folder": "`spool` in the data folder",
    "store_url": "`store` in the data folder",
}


def default_of(field: dataclasses.Field[object]) -> str:
    value = field.default
    if field.name in TOLD_IN_WORDS:
        return TOLD_IN_WORDS[field.name]
    if value in ("", (), None):
        return "none"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def test_no_setting_is_documented_that_is_none():
    rows = re.findall(r"^\| `(CALLIGRAM_\w+)`", PAGE.read_text(), re.MULTILINE)

    assert rows == [variable(field.name) for field in FIELDS]
