"""What is known of a connection, and the members that are mapped for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from .cells import Table, Value


@dataclass(frozen=True, slots=True)
class Limit:
    """The limits in force for an operation: most members in a request, most bytes in its body."""

    members: int
    bytes: int


class Context:
    """Audience, settings, rows, limits. `connection` is what crossed the border."""

    def __init__(self, connection: Any, phone: Callable[[str, str | None], str | None] | None = None) -> None:
        self._connection = connection
        self._phone = phone
        self.settings: dict[str, Any] = json.loads(connection.settings)
        self.audience_key: str = connection.audience.key
        self.audience_name: str = connection.audience.name
        # Pairs of trait and field, in the order of a member's values.
        self.rows: list[tuple[str, str]] = [(row.trait, row.field) for row in connection.rows]
        self.identifier_fields: list[str] = list(connection.identifier_fields)
        self.remote: Any = None if connection.remote is None else json.loads(connection.remote)
        self.today: str = connection.today

    def has_secret(self, name: str) -> bool:
        """Whether a secret is configured. Its value is nobody's business but the host's."""
        return name in self._connection.secrets

    def identifier(self, field: str) -> int:
        """The place of an identifier's field; -1 where there is none."""
        return self.identifier_fields.index(field) if field in self.identifier_fields else -1

    def row(self, field: str) -> int:
        """The place of the row that goes into a field; -1 where there is none."""
        return next((at for at, (_, known) in enumerate(self.rows) if known == field), -1)

    def limit(self, operation: str) -> Limit:
        """The limits of an operation of the manifest, after settings and remote."""
        found = (Limit(one.members, one.bytes) for one in self._connection.limits if one.operation == operation)
        return next(found, Limit(1, 1 << 20))

    def phone(self, text: str, region: str | None = None) -> str | None:
        """The number in E.164; None where the text is none, or a national one without a region."""
        return self._phone(text, region) if self._phone else None


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a batch, known by its position."""

    batch: Batch
    index: int

    @property
    def change(self) -> str:
        """`added`, `updated` or `removed`."""
        return self.batch.changes[self.index]

    @property
    def is_removed(self) -> bool:
        return self.change == "removed"

    def identifier(self, column: int) -> Value:
        """What identifies the member now, in the column of an identifier's field."""
        return self.batch.identifiers.value(self.index, column)

    def value(self, row: int) -> Value:
        """The value for a row of the mapping. Removed members have absent values."""
        return self.batch.values.value(self.index, row)

    def sent(self, column: int) -> list[Value]:
        """What identified the member in deliveries that stand, in this column."""
        return [self.batch.sent.value(row, column) for row in self.batch.sent_rows.get(self.index, [])]


class Batch:
    """Members of one audience, all with the same consent. `packed` may be the work of a delivery, without values."""

    def __init__(self, ctx: Context, packed: Any) -> None:
        count = len(packed.changes)
        columns = len(ctx.identifier_fields)
        self.changes = [change if isinstance(change, str) else change.name.lower() for change in packed.changes]
        consent = getattr(packed, "consent", None)
        self.consent: Any = None if consent is None else json.loads(consent)
        self.identifiers = Table(packed.identifiers, columns, count)
        self.sent = Table(packed.sent, columns, len(packed.sent_members))
        values = getattr(packed, "values", None)
        self.values = Table(_NO_CELLS, 0, 0) if values is None else Table(values, len(ctx.rows), count)
        self.sent_rows: dict[int, list[int]] = {}
        for row, owner in enumerate(packed.sent_members):
            self.sent_rows.setdefault(owner, []).append(row)

    @property
    def members(self) -> Iterator[Member]:
        """The members, in order."""
        return (Member(self, index) for index in range(len(self.changes)))


class _NoCells:
    columns = 0
    kinds = b""
    ends: tuple[int, ...] = ()
    text = ""


_NO_CELLS = _NoCells()
