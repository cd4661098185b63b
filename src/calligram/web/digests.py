"""
Digests of content, as headers (RFC 9530). Pure.

    Content-Digest: sha-256=:BASE64:, sha-512=:BASE64:     on a request: checked
    Repr-Digest: sha-256=:BASE64:                          on our answers

Algorithms that we don't know are ignored, as the RFC has it. Those that we know must be
right: a digest that can't be read protects nothing, and its sender believes that it does.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from calligram.art.options import shown
from calligram.errors import DigestMismatch

ALGORITHMS: Mapping[str, Callable[[bytes], Any]] = {
    "sha-256": hashlib.sha256,
    "sha-512": hashlib.sha512,
}


def check(header: str, content: bytes) -> None:
    """Raise DigestMismatch where `header`, a Content-Digest, doesn't fit `content`."""
    for member in header.split(","):
        name, _, value = (part.strip() for part in member.partition("="))
        if name not in ALGORITHMS:
            continue
        if not told(name, value) == ALGORITHMS[name](content).digest():
            raise DigestMismatch(
                f"the body's {name} is not what Content-Digest says; "
                "was it changed on its way? Sending it again may do"
            )


def told(name: str, value: str) -> bytes:
    text, _, _ = value.partition(";")
    text = text.strip()
    if len(text) < 2 or text[0] != ":" or text[-1] != ":":
        raise DigestMismatch(
            f"Content-Digest must be such as {name}=:BASE64:, not {shown(f'{name}={value}')}"
        )
    try:
        return base64.b64decode(text[1:-1], validate=True)
    except binascii.Error:
        raise DigestMismatch(f"Content-Digest's {name} is not in base64") from None


def repr_digest(content: bytes) -> bytes:
    """The value of Repr-Digest for `content`."""
    return b"sha-256=:" + base64.b64encode(hashlib.sha256(content).digest()) + b":"
