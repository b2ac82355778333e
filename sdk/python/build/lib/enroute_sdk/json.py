"""JSON texts put together from parts, so that numbers keep their digits."""

from __future__ import annotations

import json as _json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .cells import Value


@dataclass(frozen=True, slots=True)
class Raw:
    """A text that is JSON already and is written as it stands."""

    text: str


def write(value: Any) -> str:
    """Anything as JSON text: cells as they came, texts, booleans, None, whole numbers, lists.

    A float is a mistake of the plugin: numbers with fractions come as cells and go as cells.
    """
    if isinstance(value, Value):
        if value.kind == "text":
            return _text(value.raw)
        return "null" if value.kind in ("absent", "null") else value.raw
    if isinstance(value, Raw):
        return value.text
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, (list, tuple)):
        return f"[{','.join(map(write, value))}]"
    raise TypeError(f"{type(value).__name__} cannot be written as JSON; use a cell, a text, json.object or json.Raw")


def _text(text: str) -> str:
    return _json.dumps(text, ensure_ascii=False)


def object(members: Iterable[tuple[str, Any]]) -> Raw:
    """An object, its members in this order. A name that comes twice is a mistake."""
    seen: set[str] = set()
    parts = []
    for name, value in members:
        if name in seen:
            raise ValueError(f"a JSON object has {_text(name)} twice")
        seen.add(name)
        parts.append(f"{_text(name)}:{write(value)}")
    return Raw("{" + ",".join(parts) + "}")
