"""Days and points in time, as people and programs write them, read as all of Enroute's own plugins do.

Nothing is guessed: `05/06/1990` is the fifth of June or the sixth of May, and only the operator knows which. Give the
plugin the setting `date_order`, `dmy` or `mdy`, and hand it on.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone

from .cells import Value
from .text import trim

_DAY = re.compile(
    r"(?:([0-9]{4})([0-9]{2})([0-9]{2})(?![0-9])"
    r"|([0-9]{1,4})\s*([-/.])\s*([0-9]{1,2})\s*\5\s*([0-9]{1,4})(?![0-9]))(.*)",
    re.DOTALL,
)
_CLOCK = re.compile(
    r",?(?:[Tt]|\s+)(?:([0-9]{1,2}):([0-9]{2})(?![0-9])(?::([0-9]{2})(?![0-9]))?|([0-9]{2})([0-9]{2})([0-9]{2})?(?![0-9]))"
    r"(?:[.,]([0-9]+)|:([0-9]{3})(?![0-9]))?\s*(?:([AaPp])[Mm])?\s*(.*)",
    re.DOTALL,
)
_OFFSET = re.compile(r"([-+])([0-9]{2})(?::([0-9]{2})(?::([0-9]{2}))?|([0-9]{2})([0-9]{2})?)?")
# Largest offset in hours; no clock on earth has a larger one.
_OFFSET_HOURS_MAX = 15


class Unread(ValueError):
    """A value is no date."""

    def __init__(self, is_ambiguous: bool) -> None:
        super().__init__("month and day could be swapped" if is_ambiguous else "it is no date")
        self.is_ambiguous = is_ambiguous

    def code(self, malformed: str) -> str:
        """The code of the warning with which the value is left out: `date_ambiguous`, or the plugin's own."""
        return "date_ambiguous" if self.is_ambiguous else malformed


@dataclass(frozen=True, slots=True)
class Moment:
    """A day, or a point in time: `clock` is None where a day is all that is written, and has a zone where an offset is
    said. The day is as written: no time zone moves a birthday.
    """

    date: date
    clock: time | None = None

    @property
    def text(self) -> str:
        """As RFC 3339 writes it: a day alone is a day, and a time of unknown offset has none."""
        day, clock = self.date, self.clock
        if clock is None:
            return day.isoformat()
        offset = clock.utcoffset()
        if offset is not None and offset.seconds % 60:
            # RFC 3339 has no seconds in an offset, which clocks before 1972 had.
            utc = self.in_utc()
            return utc.text if utc else day.isoformat()
        precision = "milliseconds" if clock.microsecond else "seconds"
        shown = clock.replace(tzinfo=None).isoformat(precision)
        if offset is None:
            return f"{day.isoformat()}T{shown}"
        minutes = int(offset.total_seconds()) // 60
        sign, (hour, minute) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
        return f"{day.isoformat()}T{shown}" + (f"{sign}{hour:02}:{minute:02}" if minutes else "Z")

    @property
    def epoch_ms(self) -> int | None:
        """Milliseconds since 1970; None where nothing is said of an offset. A day alone begins at midnight in UTC."""
        clock = time(tzinfo=timezone.utc) if self.clock is None else self.clock
        offset = clock.utcoffset()
        if offset is None:
            return None
        since = datetime.combine(self.date, clock.replace(tzinfo=None)) - datetime(1970, 1, 1) - offset
        return since // timedelta(milliseconds=1)

    def in_utc(self) -> Moment | None:
        """The same at Greenwich, where an offset is known; None where that is before the year 1 or after 9999."""
        offset = None if self.clock is None else self.clock.utcoffset()
        if self.clock is None or offset is None:
            return self
        try:
            utc = datetime.combine(self.date, self.clock.replace(tzinfo=None)) - offset
        except OverflowError:
            return None
        return Moment(utc.date(), utc.time().replace(tzinfo=timezone.utc))


def read(given: str | Value, order: str | None = None) -> Moment:
    """Reads a day or a point in time: of a text, or of a value that is one or a number of eight digits.

    Days are `YYYY-MM-DD`, `YYYYMMDD`, or have the year last (`25/06/1990`); between numbers stands `-`, `/` or `.`. A time
    may follow, after `T` or a blank, and an offset that. Words, numbers of seconds and `infinity` are no dates. `order` is
    `dmy` or `mdy`: which of day and month comes first where both readings are possible.

    Raises `Unread` where it is no date, or has two readings and no order decides.
    """
    parts = _DAY.fullmatch(_ascii_digits(trim(_text_of(given))))
    if parts is None:
        raise Unread(False)
    clock = _time_of(parts[8]) if parts[8] else None
    if parts[1]:
        day = _day(int(parts[1]), int(parts[2]), int(parts[3]))
    else:
        day = _ordered(parts[4], parts[6], parts[7], order)
    if day is None:
        raise Unread(False)
    return Moment(day, clock)


def _text_of(given: str | Value) -> str:
    if isinstance(given, str):
        return given
    digits = re.sub(r"\.0+\Z", "", given.raw)
    if given.kind == "text":
        return given.raw
    if given.kind == "number" and len(digits) == 8:
        return digits
    raise Unread(False)


def _ascii_digits(text: str) -> str:
    if text.isascii():
        return text
    values = ((c, unicodedata.decimal(c, None)) for c in text)
    return "".join(c if value is None else str(value) for c, value in values)


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _ordered(first: str, second: str, third: str, order: str | None) -> date | None:
    a, b, c = int(first), int(second), int(third)
    if len(first) == 4 and len(third) <= 2:
        return _day(a, b, c)
    if len(first) > 2 or len(third) != 4:
        return None
    # What stands first is a day where it is no month; a set order decides nothing else.
    if a > 12:
        return _day(c, b, a)
    if b > 12 or a == b or order == "mdy":
        return _day(c, a, b)
    if order == "dmy":
        return _day(c, b, a)
    if _day(c, a, b) and _day(c, b, a):
        raise Unread(True)
    return None


def _time_of(text: str) -> time:
    parts = _CLOCK.fullmatch(text)
    # Three digits behind a colon are thousandths, where seconds are there.
    if parts is None or (parts[8] and parts[1] and not parts[3]):
        raise Unread(False)
    hour, minute, second = int(parts[1] or parts[4]), int(parts[2] or parts[5]), int(parts[3] or parts[6] or 0)
    if parts[9]:
        if not 1 <= hour <= 12:
            raise Unread(False)
        hour = hour % 12 + (12 if parts[9] in "Pp" else 0)
    millis = int((parts[7] or parts[8] or "")[:3].ljust(3, "0"))
    if hour > 23 or minute > 59 or second > 59:
        raise Unread(False)
    return time(hour, minute, second, millis * 1000, tzinfo=_zone(parts[10]))


def _zone(text: str) -> timezone | None:
    if not text:
        return None
    if text.lower() in ("z", "utc", "gmt"):
        return timezone.utc
    parts = _OFFSET.fullmatch(text)
    if parts is None:
        raise Unread(False)
    hours, minutes, seconds = int(parts[2]), int(parts[3] or parts[5] or 0), int(parts[4] or parts[6] or 0)
    if hours > _OFFSET_HOURS_MAX or minutes > 59 or seconds > 59:
        raise Unread(False)
    offset = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return timezone(-offset if parts[1] == "-" else offset)
