"""What a destination answered, and the readings that most destinations share."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any

from .reading import Reading, Verdict

HOUR_MS = 3_600_000
"""Longest wait that an answer may ask for: a header gone wrong must not stop a destination for a day."""

_MINUTE_MS = 60_000
# Numbers above this are points in time (2001 and later), below it spans of seconds.
_EPOCH_SECONDS_MIN = 1_000_000_000
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HTTP_DATE = re.compile(r"[A-Za-z]+, ([0-9]{2}) ([A-Z][a-z]{2}) ([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT")
# Deepest nesting of an answer that is read. The sandbox's stack is small, and running out of it is no exception.
_DEPTH_MAX = 64
_NESTING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)
_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]*)?([eE][+-]?[0-9]{1,3})?")


def http_seconds(text: str) -> int | None:
    """Seconds since 1970 of a date as HTTP headers write it; None where it is none."""
    parts = _HTTP_DATE.fullmatch(text)
    if parts is None or parts[2] not in _MONTHS:
        return None
    day, year, hours, minutes, seconds = (int(parts[number]) for number in (1, 3, 4, 5, 6))
    if seconds > 60:
        return None
    try:
        clock = datetime(year, _MONTHS.index(parts[2]) + 1, day, hours, minutes, min(seconds, 59), tzinfo=timezone.utc)
    except ValueError:
        return None
    return int(clock.timestamp()) + (seconds == 60)


class Answer:
    """An answer. `headers` are pairs of name and value, or a dict."""

    def __init__(
        self, status: int, body: str | bytes = b"", headers: dict[str, str] | Iterable[tuple[str, str]] = ()
    ) -> None:
        self.status = status
        self.body = body.encode("utf-8") if isinstance(body, str) else bytes(body)
        pairs = headers.items() if isinstance(headers, dict) else headers
        self.headers = [(name.lower(), value) for name, value in pairs]

    @property
    def is_success(self) -> bool:
        """Whether the status is one of 200 to 299."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body as text, with replacement characters where it is none."""
        return self.body.decode("utf-8", "replace")

    @property
    def is_html(self) -> bool:
        """Whether the body is a web page: something between us and the destination answered."""
        typed = "text/html" in (self.header("content-type") or "").lower()
        return typed or self.text.lstrip().startswith("<")

    @property
    def names_an_error(self) -> bool:
        """Whether the body is a JSON object that calls itself an error, whatever the status says.

        That is one with an `error` or `errors` that is not empty, a `success` or `ok` that is false, or a list all of
        whose entries are such objects.
        """
        body = self.json()
        if not isinstance(body, dict):
            return False
        lists = [value for value in body.values() if isinstance(value, list) and value]
        return _is_error(body) or any(all(map(_is_error, entries)) for entries in lists)

    def header(self, name: str) -> str | None:
        """The first header with this name, in any case."""
        return next((value for known, value in self.headers if known == name.lower()), None)

    def number(self, header: str) -> int | None:
        """The whole number in a header, such as what is left of a rate limit; None where it is none."""
        text = (self.header(header) or "").strip()
        return int(text) if re.fullmatch("[0-9]{1,19}", text) else None

    def json(self) -> Any:
        """What the body's JSON says; None where it is no JSON, or is nested deeper than the sandbox's stack takes.

        Fractions are Python's floats here.
        """
        try:
            text = self.body.decode("utf-8")
            return None if _is_deep(text) else json.loads(text, parse_constant=_no_number)
        except ValueError:
            return None

    def retry_after_ms(self) -> int | None:
        """How long `retry-after` asks to wait, in milliseconds: seconds, or a date seen from the answer's own `date`."""
        return self.wait_ms("retry-after")

    def wait_ms(self, header: str) -> int | None:
        """How long any header asks to wait, at most an hour; None where it says nothing that can be understood."""
        text = (self.header(header) or "").strip()
        if _NUMBER.fullmatch(text):
            seconds = float(text)
            if seconds < _EPOCH_SECONDS_MIN or not text.isdigit():
                return int(min(max(seconds, 0.0), HOUR_MS / 1000) * 1000)
            then: int | None = int(text)
        else:
            then = http_seconds(text)
        now = http_seconds((self.header("date") or "").strip())
        return None if then is None or now is None else min(max(then - now, 0) * 1000, HOUR_MS)

    def classify(self, bucket: str) -> Reading | None:
        """The reading of answers that mean the same at most destinations; None where the plugin has to look closer.

        | Answer | Members | Verdict |
        |---|---|---|
        | 200–202 with a web page or nothing | unknown | unavailable |
        | 3xx | deferred | misconfigured |
        | 401 / 403 | deferred | credential invalid / permission missing |
        | 408, 425, 5xx | deferred, as `retry-after` says | unavailable |
        | 413 | deferred | too large |
        | 429 | deferred, as `retry-after` says | throttled, for this bucket of the manifest |
        """
        status = self.status
        if 200 <= status <= 202 and (self.is_html or not self.body.strip()):
            what = "a web page instead of JSON" if self.is_html else "nothing"
            return Reading.unknown().saying(Verdict.unavailable(f"answered {status} with {what}"))
        if status == 429:
            return self.throttled(bucket, self.retry_after_ms())
        said = _said(status)
        return said and Reading.deferred(self.retry_after_ms() or 0).saying(said)

    def throttled(self, bucket: str, wait_ms: int | None = None) -> Reading:
        """Everybody deferred and the bucket closed: for this long, or a minute where no time is given; at most an
        hour.
        """
        wait = min(_MINUTE_MS if wait_ms is None else wait_ms, HOUR_MS)
        return Reading.deferred(wait).saying(Verdict.throttled(bucket, wait))


def _is_error(value: Any) -> bool:
    """Whether a value is an object that calls itself an error."""
    if not isinstance(value, dict):
        return False
    is_there = any(value.get(name) not in (None, False, "", [], {}) for name in ("error", "errors"))
    return is_there or value.get("success") is False or value.get("ok") is False


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no JSON")


def _is_deep(text: str) -> bool:
    depth = 0
    for token in _NESTING.finditer(text):
        first = token[0][0]
        if first in "[{":
            depth += 1
            if depth > _DEPTH_MAX:
                return True
        elif first in "]}":
            depth -= 1
    return False


def _said(status: int) -> Verdict | None:
    if 300 <= status < 400:
        return Verdict.misconfigured(f"answered {status}: the address has moved")
    if status in (408, 425) or status >= 500:
        return Verdict.unavailable(f"answered {status}")
    return {
        401: Verdict.credential_invalid("answered 401: the credential is not accepted"),
        403: Verdict.permission_missing("answered 403: the credential lacks a permission"),
        413: Verdict.too_large(),
    }.get(status)
