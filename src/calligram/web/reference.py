"""
The service described for people: /docs, made from what /openapi.json says.

One plain page without a script, so that it needs nothing from elsewhere.
"""

from __future__ import annotations

from html import escape
from typing import Any

from calligram.web.problems import STATUSES

STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
    "color-scheme:light dark}table{border-collapse:collapse}"
    "td,th{border:1px solid;padding:.2rem .6rem;text-align:left;vertical-align:top}"
)


def page(document: dict[str, Any]) -> bytes:
    """The whole page, in UTF-8."""
    info = document["info"]
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        "<meta name=viewport content='width=device-width'>",
        f"<title>{info['title']} {info['version']}</title><style>{STYLE}</style>",
        f"<h1>{info['title']} {info['version']}</h1><p>{info['summary']}. For machines: ",
        "<a href=/openapi.json>/openapi.json</a></p>",
        "<pre>curl --data-binary @photo.jpg 'http://HOST/v1/art?columns=100'</pre>",
    ]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            parts += section(f"{method.upper()} {path}", operation)
    parts += ["<h2>Errors</h2><table><tr><th>code<th>status<th>meaning"]
    for error, status in STATUSES.items():
        meaning = " ".join((error.__doc__ or "").split())
        parts.append(f"<tr id={error.code}><td>{error.code}<td>{status}<td>{escape(meaning)}")
    parts.append("<tr id=internal-error><td>internal-error<td>500<td>A bug of ours.</table></html>")
    return "\n".join(parts).encode()


def section(title: str, operation: dict[str, Any]) -> list[str]:
    parts = [f"<h2>{escape(title)}</h2><p>{escape(operation['summary'])}.</p>"]
    if "parameters" in operation:
        parts.append("<table><tr><th>option<th>values<th>meaning")
        parts += [
            f"<tr><td>{escape(one['name'])}<td>{escape(values(one['schema']))}"
            f"<td>{escape(one['description'])}"
            for one in operation["parameters"]
        ]
        parts.append("</table>")
    answers = ", ".join(
        f"{status} {one['description']}" for status, one in operation["responses"].items()
    )
    return [*parts, f"<p>Answers: {escape(answers)}.</p>"]


def values(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        allowed = ", ".join(schema["enum"])
    elif "minimum" in schema:
        allowed = f"{schema['minimum']} to {schema['maximum']}"
    else:
        allowed = "true or false" if schema["type"] == "boolean" else "text"
    default = schema.get("default")
    return allowed if default is None else f"{allowed} (default {str(default).lower()})"
