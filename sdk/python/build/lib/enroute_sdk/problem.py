"""What is wrong with a connection."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """Names its place, what is wrong with the value (lower case, no full stop), and what to do.

    `place` is ("row", 0), ("setting", "name"), "audience" or "remote".
    """

    place: tuple[str, int | str] | str
    message: str
    hint: str
    is_warning: bool = False
