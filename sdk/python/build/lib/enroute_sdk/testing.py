"""Connections and batches for tests that run in plain Python, without a host."""

from __future__ import annotations

import json
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from .cells import ABSENT, NULL, Value
from .context import Context
from .deliver import Plugin, run_map
from .mapping import Mapping

_KINDS = {"absent": 0, "null": 1, "number": 4, "text": 5, "json": 6}


def cell(plain: Any) -> Value:
    """A plain value as the cell that the host would make of it. A `Value` stays as it is; None is null."""
    if isinstance(plain, Value):
        return plain
    if plain is None:
        return NULL
    if isinstance(plain, bool):
        return Value("bool", "true" if plain else "false")
    if isinstance(plain, str):
        return Value("text", plain)
    if isinstance(plain, (int, float)):
        return Value("number", json.dumps(plain))
    return Value("json", json.dumps(plain))


def pack(columns: int, rows: Sequence[Sequence[Any]]) -> Any:
    """Rows of plain values, packed as they cross the border. Short rows are filled up with absent values."""
    kinds, ends, text, size = bytearray(), [], "", 0
    for row in rows:
        for at in range(columns):
            value = cell(row[at]) if at < len(row) else ABSENT
            shown = "" if value.kind == "bool" else value.raw
            kinds.append((3 if value.raw == "true" else 2) if value.kind == "bool" else _KINDS[value.kind])
            text += shown
            size += len(shown.encode())
            ends.append(size)
    return SimpleNamespace(columns=columns, kinds=bytes(kinds), ends=ends, text=text)


def connection(
    settings: dict[str, Any] | None = None,
    rows: Sequence[str] = (),
    identifiers: Sequence[str] = ("id",),
    limits: dict[str, tuple[int, int]] | None = None,
    secrets: Sequence[str] = (),
    remote: Any = None,
    today: str = "2026-01-31",
) -> Any:
    """A connection as the host hands it over. Rows are written `trait` or `trait -> field`."""

    def row(text: str) -> Any:
        trait, _, field = text.partition(" -> ")
        return SimpleNamespace(trait=trait, field=field or trait)

    def limit(operation: str, members: int, size: int) -> Any:
        return SimpleNamespace(operation=operation, members=members, bytes=size)

    return SimpleNamespace(
        audience=SimpleNamespace(key="vip", name="VIP"),
        settings=json.dumps(settings or {}),
        secrets=list(secrets),
        rows=[row(text) for text in rows],
        identifier_fields=list(identifiers),
        limits=[limit(name, *most) for name, most in (limits or {}).items()],
        remote=None if remote is None else json.dumps(remote),
        today=today,
    )


def batch(link: Any, members: Sequence[dict[str, Any]]) -> Any:
    """A batch for a connection. A member has `change`, `identifiers` and `values` in the connection's order, and
    `sent`: rows of identifiers that it was sent with.
    """
    columns = len(link.identifier_fields)
    sent = [(at, row) for at, member in enumerate(members) for row in member.get("sent", [])]
    return SimpleNamespace(
        consent=None,
        changes=[member.get("change", "added") for member in members],
        identifiers=pack(columns, [member.get("identifiers", []) for member in members]),
        sent=pack(columns, [row for _, row in sent]),
        sent_members=[at for at, _ in sent],
        values=pack(len(link.rows), [member.get("values", []) for member in members]),
    )


def mapped(plugin: Plugin, link: Any, members: Sequence[dict[str, Any]]) -> Mapping:
    """What a plugin makes of members."""
    return run_map(plugin, Context(link), batch(link, members))
