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


def document(*, version: str, limits: Limits, tokens: bool) -> dict[str, Any]:
    """The OpenAPI 3.1 document."""
    paths: dict[str, Any] = {
        "/v1/art": {"post": drawing(list(FORMATS), limits, tokens=tokens)},
        **{f"/v1/art.{name}": {"post": drawing([name], limits, tokens=tokens)} for name in FORMATS},
        "/v1/algorithms": {"get": reading("algorithms", "The algorithms, options and formats")},
        "/v1/limits": {"get": reading("limits", "Every limit that a picture must keep to")},
        "/livez": {"get": reading("livez", "Whether the server answers", "text/plain")},
        "/readyz": {"get": reading("readyz", "Whether it takes on work", "text/plain", 503)},
        "/metrics": {"get": reading("metrics", "Numbers for Prometheus", "text/plain")},
    }
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
    name: str, summary: str, media_type: str = "application/json", refusal: int | None = None
) -> dict[str, Any]:
    responses: dict[str, Any] = {
        "200": {"description": summary, "content": {media_type: {"schema": {}}}}
    }
    if refusal is not None:
        responses[str(refusal)] = refusals()[str(refusal)]
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
