"""Hashes as destinations want them."""

from __future__ import annotations

import hashlib


def sha256_hex(value: str | bytes) -> str:
    """The SHA-256 of a text (in UTF-8) or of bytes, in lower-case hexadecimal."""
    return hashlib.sha256(value.encode("utf-8") if isinstance(value, str) else value).hexdigest()
