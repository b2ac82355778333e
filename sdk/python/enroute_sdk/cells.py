"""Values as they cross the border: one text, and where each cell of a table ends in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from .text import trim

# A fraction that is none.
_FRACTION_OF_ZEROS = re.compile(r"\.0+\Z")
_KINDS = ("absent", "null", "bool", "bool", "number", "text", "json")


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a member. Numbers and JSON keep the text they came with, so every digit survives.

    `kind` is one of absent, null, bool, number, text, json. `raw` is the characters of a text, the JSON of a number,
    list or object, and `true` or `false`.
    """

    kind: str
    raw: str = ""

    @property
    def is_absent(self) -> bool:
        """Whether the profile does not have it: leave the field out."""
        return self.kind == "absent"

    @property
    def is_null(self) -> bool:
        """Whether the profile says null: an order to clear the field."""
        return self.kind == "null"

    @property
    def text(self) -> str | None:
        """The text, where it is one."""
        return self.raw if self.kind == "text" else None

    @property
    def scalar(self) -> str | None:
        """Texts, numbers and booleans as text: for what knows only texts."""
        return self.raw if self.kind in ("text", "number", "bool") else None

    @property
    def flag(self) -> bool | None:
        """True or false, where the value is one of them in a spelling of which there is no doubt: a boolean, the number
        1 or 0, or one of the texts `true`, `false`, `1`, `0` in any case and with blanks around.
        """
        if self.kind == "bool":
            return self.raw == "true"
        if self.kind == "number":
            return {"1": True, "0": False}.get(_FRACTION_OF_ZEROS.sub("", self.raw))
        words = {"true": True, "false": False, "1": True, "0": False}
        return words.get(trim(self.raw).lower()) if self.kind == "text" else None


ABSENT = Value("absent")
NULL = Value("null")
_TRUE = Value("bool", "true")
_FALSE = Value("bool", "false")


class Malformed(Exception):
    """The packed values do not add up: the host and this SDK disagree on the form."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the packed values do not add up: {why}")


class Table:
    """A checked view of packed cells."""

    def __init__(self, cells: Any, columns: int, rows: int) -> None:
        count = columns * rows
        if cells.columns != columns:
            raise Malformed("a table has another number of columns than the connection")
        if len(cells.kinds) != count or len(cells.ends) != count:
            raise Malformed("a table has another number of cells than rows times columns")
        if max(cells.kinds, default=0) >= len(_KINDS):
            raise Malformed("a cell is of an unknown kind")
        self._columns = columns
        self._kinds = cells.kinds
        self._ends = cells.ends
        # The ends count bytes of UTF-8, so bytes are what is cut.
        self._text = cells.text.encode("utf-8")
        is_ascii = self._text.isascii()
        size, start = len(self._text), 0
        for end in cells.ends:
            inside = not is_ascii and end < size and self._text[end] & 0xC0 == 0x80
            if end < start or end > size or inside:
                raise Malformed("a cell ends before it starts, behind the text or inside a character")
            start = end

    def value(self, row: int, column: int) -> Value:
        """The value in this place; absent outside of the table."""
        cell = row * self._columns + column
        if not 0 <= column < self._columns or not 0 <= cell < len(self._kinds):
            return ABSENT
        kind = self._kinds[cell]
        if kind < 4:
            return (ABSENT, NULL, _FALSE, _TRUE)[kind]
        start = self._ends[cell - 1] if cell else 0
        return Value(_KINDS[kind], self._text[start : self._ends[cell]].decode("utf-8"))
