"""What an account has of its own, beside what the manifest names: fields, lists, objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

VALUE_TYPES = ("any", "text", "number", "boolean", "date", "moment", "list", "object")
"""What a field takes."""


@dataclass(frozen=True, slots=True)
class AccountItem:
    """An item for `account` of a finding. `label` is what people at the destination call it, empty where it has no
    other name; `choices` is what it may be, where nothing else is taken.
    """

    kind: str
    name: str
    label: str = ""
    takes: str = "any"
    required: bool = False
    choices: tuple[str, ...] = ()

    @classmethod
    def field(
        cls, name: str, takes: str = "any", label: str = "", required: bool = False, choices: Sequence[str] = ()
    ) -> AccountItem:
        """A field of the account's own, as rows name it."""
        if takes not in VALUE_TYPES:
            raise ValueError(f"`{takes}` is none of {', '.join(VALUE_TYPES)}")
        return cls("field", name, label, takes, required, tuple(choices))

    @classmethod
    def list(cls, name: str, label: str = "") -> AccountItem:
        """A place that people can be put, as settings name it."""
        return cls("list", name, label)

    @classmethod
    def object(cls, name: str, label: str = "") -> AccountItem:
        """A table or object that records belong to, as settings name it."""
        return cls("object", name, label)
