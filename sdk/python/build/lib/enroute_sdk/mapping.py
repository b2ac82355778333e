"""What members became: deliveries, rejections and warnings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .json import Raw
from .request import Request


class Reject(Exception):
    """Raised for a member that cannot be delivered as it stands. Give `[codes]` of the manifest a sentence for the code.

    `code` is snake_case, at most 64 bytes and stable; `reason` one sentence without personal data.
    """

    def __init__(self, code: str, reason: str, field: str | None = None) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.field = field


class Mapping:
    """The result of `map`. Every member must end in exactly one delivery or one rejection."""

    def __init__(self) -> None:
        # Each: an operation, and requests with the positions of their members.
        self.deliveries: list[tuple[str, list[tuple[list[int], Request]]]] = []
        self.rejections: list[tuple[int, Reject]] = []
        self.warnings: dict[tuple[str, str | None], int] = {}

    def reject(self, member: Any, reject: Reject) -> None:
        """Rejects a member."""
        self.rejections.append((member.index, reject))

    def warn(self, code: str, field: str | None = None, count: int = 1) -> None:
        """Tells something of members who are delivered all the same; counts add up by code and field."""
        self.warnings[code, field] = self.warnings.get((code, field), 0) + count

    def deliver(self, operation: str, requests: list[tuple[list[int], Request]]) -> None:
        """Adds a delivery of requests, in order, that together bring the same members about."""
        self.deliveries.append((operation, requests))


@dataclass(slots=True)
class _Round:
    """One request in the making."""

    pieces: list[bytes] = field(default_factory=list)
    bytes: int = 0
    members: list[int] = field(default_factory=list)


class Packer:
    """Packs members into deliveries: no body above the limit, no request with more members.

    `frame` stands before, between and behind the records: `('{"users":[', ",", "]}")`. `build` makes the request.

    A member has one record, or several, such as one for every identity it was known by. A delivery has as many requests
    as its members have records: the first record of each member stands in the first request, the second in the second.
    So a request lists a member once, and positions in an answer stay plain.
    """

    def __init__(
        self,
        out: Mapping,
        operation: str,
        limit: Any,
        frame: tuple[str, str, str],
        build: Callable[[bytes], Request],
        record_bytes_max: int | None = None,
    ) -> None:
        self._out = out
        self._operation = operation
        self._limit = limit
        self._before, self._between, self._behind = (part.encode("utf-8") for part in frame)
        self._build = build
        room = limit.bytes - len(self._before) - len(self._behind)
        self._record_bytes_max = room if record_bytes_max is None else min(room, record_bytes_max)
        self._rounds: list[_Round] = []

    def push(self, member: Any, write: Callable[[], Raw | str | list[Raw | str]]) -> None:
        """Adds a member. `write` returns its record as JSON (or any text), or a list of records, or raises a `Reject`.

        A record too large for any request is rejected as `record_too_large`.
        """
        try:
            written = write()
            records = [self._encoded(one) for one in (written if isinstance(written, list) else [written])]
        except Reject as reject:
            self._out.reject(member, reject)
            return
        if not all(map(self._has_room, self._rounds, records)):
            self.finish()
        self._rounds += [_Round() for _ in range(len(self._rounds), len(records))]
        for one, record in zip(self._rounds, records):
            first = self._between if one.members else self._before
            one.pieces += (first, record)
            one.bytes += len(first) + len(record)
            one.members.append(member.index)

    def finish(self) -> None:
        """Ends the last delivery."""
        rounds, self._rounds = self._rounds, []
        if rounds:
            made = [(one.members, self._build(b"".join([*one.pieces, self._behind]))) for one in rounds]
            self._out.deliver(self._operation, made)

    def _encoded(self, written: Raw | str) -> bytes:
        record = (written.text if isinstance(written, Raw) else written).encode("utf-8")
        if len(record) > self._record_bytes_max:
            reason = f"the record has {len(record)} bytes, more than the {self._record_bytes_max} that fit"
            raise Reject("record_too_large", reason)
        return record

    def _has_room(self, one: _Round, record: bytes) -> bool:
        longer = one.bytes + len(self._between) + len(record) + len(self._behind)
        return len(one.members) < max(self._limit.members, 1) and longer <= self._limit.bytes
