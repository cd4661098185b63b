"""
The service described for machines: /openapi.json.

Made from the same tables that the service runs on (options, formats, statuses), so that it
can't say anything else than what is done.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from calligram.art.formats import FORMATS
from calligram.art.limits import Limits
from calligram.art.options import CHARACTERS_MAX, OPTIONS, Option
from calligram.web.problems import PROBLEM, STATUSES

BINARY = {"schema": {"type": "string", "format": "binary"}}


def document(*, version: str, limits: Limits, tokens: bool, keeps: bool) -> dict[str, Any]:
    """The OpenAPI 3.1 document; `keeps` where pictures are kept."""
    paths: dict[str, Any] = {
        "/v1/art": {"post": drawing(list(FORMATS), limits, tokens=tokens)},
        **{f"/v1/art.{name}": {"post": drawing([name], limits, tokens=tokens)} for name in FORMATS},
        "/v1/algorithms": {"get": reading("algorithms", "The algorithms, options and formats")},
        "/v1/limits": {"get": reading("limits", "Every limit that a picture must keep to")},
        "/livez": {"get": reading("livez", "Whether the server answers", "text/plain")},
        "/readyz": {"get": reading("readyz", "Whether it takes on work", "text/plain", 503)},
        "/metrics": {"get": reading("metrics", "Numbers for Prometheus", "text/plain")},
    }
    if keeps:
        paths |= kept_paths(limits, tokens=tokens)
    components: dict[str, Any] = {"schemas": {"Problem": problem_schema()}}
    if tokens:
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Calligram",
            "version": version,
            "summary": "Pictures in, text out",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": paths,
        "components": components,
    }


def drawing(formats: list[str], limits: Limits, *, tokens: bool) -> dict[str, Any]:
    one = len(formats) == 1
    form = {
        "type": "object",
        "required": ["image"],
        "additionalProperties": False,
        "properties": {"image": {"type": "string", "format": "binary"}},
    }
    operation: dict[str, Any] = {
        "operationId": f"draw_{formats[0]}" if one else "draw",
        "summary": f"Draw a picture as {formats[0] if one else 'what Accept likes best'}",
        "description": f"The body is a picture of at most {limits.picture_bytes_max} bytes.",
        "parameters": [parameter(option) for option in OPTIONS.values()],
        "requestBody": {
            "required": True,
            "content": {
                "image/*": BINARY,
                "application/octet-stream": BINARY,
                "multipart/form-data": {"schema": form},
            },
        },
        "responses": {
            "200": {
                "description": "The art",
                "headers": {
                    name: {"schema": {"type": "string"}, "required": True}
                    for name in ("Calligram-Algorithm", "ETag", "Repr-Digest", "Cache-Status")
                },
                "content": {
                    FORMATS[name].media_type.partition(";")[0]: {"schema": {}} for name in formats
                },
            },
            **refusals(),
        },
    }
    if tokens:
        operation["security"] = [{"token": []}]
    return operation


PICTURE_ID = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "The SHA-256 of the picture's bytes",
    "schema": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
}
ART_TYPES: dict[str, Any] = {
    format.media_type.partition(";")[0]: {"schema": {}} for format in FORMATS.values()
}


def kept_paths(limits: Limits, *, tokens: bool) -> dict[str, Any]:
    """What there is where pictures are kept."""
    keeping = drawing(list(FORMATS), limits, tokens=tokens)
    drawn = keeping["responses"].pop("200")
    drawn["headers"] |= {
        name: {"schema": {"type": "string"}, "required": True}
        for name in ("Location", "Content-Location", "Calligram-Kept")
    }
    keeping |= {
        "operationId": "keep",
        "summary": "Keep a picture, and draw it",
        "responses": {
            "200": {**drawn, "description": "It was kept before; its art"},
            "201": {**drawn, "description": "It is kept; its art"},
            **keeping["responses"],
        },
    }
    record = reading("record", "The record of a kept picture", missing=True)
    deletion = {
        "operationId": "delete",
        "summary": "Delete a picture everywhere; with the operator's token",
        "parameters": [PICTURE_ID],
        "responses": {
            "204": {"description": "It is deleted"},
            "202": {"description": "It is deleted, and will be in the vault"},
            **refusals(),
        },
    }
    art, one = "/v1/pictures/{id}/art", "/v1/pictures/{id}"
    return {
        "/v1/pictures": {"post": keeping},
        one: {"get": record | {"parameters": [PICTURE_ID]}, "delete": deletion},
        art: kept_art("art", "Its art, by the algorithm that it is pinned to", ()),
        f"{art}.{{format}}": kept_art("art_as", "The same in a format", ("format",)),
        f"{art}/{{algorithm}}.{{format}}": kept_art(
            "permanent_art", "Its art by an algorithm: never changes", ("algorithm", "format")
        ),
    }


def kept_art(name: str, summary: str, parts: tuple[str, ...]) -> dict[str, Any]:
    choices = {"format": list(FORMATS), "algorithm": list(OPTIONS["algorithm"].choices)}
    path = [
        {
            "name": part,
            "in": "path",
            "required": True,
            "description": f"The {part} of the art",
            "schema": {"type": "string", "enum": choices[part]},
        }
        for part in parts
    ]
    query = [parameter(option) for option in OPTIONS.values() if option.name not in parts]
    answer = {"description": "The art", "content": ART_TYPES}
    return {
        "get": {
            "operationId": name,
            "summary": summary,
            "parameters": [PICTURE_ID, *path, *query],
            "responses": {
                "200": answer,
                "304": {"description": "The client has it"},
                **refusals(),
            },
        },
    }


def parameter(option: Option) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    if option.kind in ("whole", "number"):
        schema = {
            "type": "integer" if option.kind == "whole" else "number",
            "minimum": option.least,
            "maximum": option.most,
        }
    elif option.kind == "switch":
        schema = {"type": "boolean"}
    elif option.kind == "choice":
        schema["enum"] = list(option.choices)
    else:
        schema |= {"minLength": 2, "maxLength": CHARACTERS_MAX}
    if option.default is not None:
        schema["default"] = option.default
    return {"name": option.name, "in": "query", "description": option.help, "schema": schema}


def refusals() -> dict[str, Any]:
    by_status: dict[int, list[str]] = {}
    for error, status in STATUSES.items():
        by_status.setdefault(status, []).append(error.code)
    by_status.setdefault(500, []).append("internal-error")
    return {
        str(status): {
            "description": f"{HTTPStatus(status).phrase}: {', '.join(codes)}",
            "content": {
                PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}},
                "text/plain": {"schema": {"type": "string"}},
            },
        }
        for status, codes in sorted(by_status.items())
    }


def reading(
    name: str,
    summary: str,
    media_type: str = "application/json",
    refusal: int | None = None,
    *,
    missing: bool = False,
) -> dict[str, Any]:
    responses: dict[str, Any] = {
        "200": {"description": summary, "content": {media_type: {"schema": {}}}}
    }
    if refusal is not None:
        responses[str(refusal)] = refusals()[str(refusal)]
    if missing:
        responses |= {"304": {"description": "The client has it"}, **refusals()}
    return {"operationId": name, "summary": summary, "responses": responses}


def problem_schema() -> dict[str, Any]:
    text, number = {"type": "string"}, {"type": "number"}
    return {
        "type": "object",
        "required": ["type", "title", "status", "detail", "code", "request_id"],
        "properties": {
            **dict.fromkeys(("type", "title", "detail", "code", "request_id"), text),
            "status": {"type": "integer"},
            "limit": number,
            "actual": number,
        },
    }
