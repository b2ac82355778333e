//! Days and points in time, as Iterable takes them.
//!
//! Page "Field Data Types": `YYYY-MM-DD`, `YYYY-MM-DD HH:MM:SS`, the same with an offset, and with `T`, a fraction and
//! an offset. A fraction without `T` is taken for a text, so what leaves here has none.

use enroute_sdk::Value;
use enroute_sdk::date::{Clock, Moment, Order};

use super::value::TYPE_MISMATCH;

/// A day or a point in time, written as Iterable wants it; the code of a warning where the value is neither.
pub(super) fn written(value: Value<'_>, order: Option<Order>) -> Result<String, &'static str> {
    let moment = value.moment(order).map_err(|why| why.code(TYPE_MISMATCH))?;
    shown(moment).ok_or(TYPE_MISMATCH)
}

/// The same for texts that are a point in time beyond doubt: day, time with seconds, and offset. What merely looks like a
/// number or a day stays as it is.
pub(super) fn instant(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let shape = bytes.get(4) == Some(&b'-') && matches!(bytes.get(10), Some(b'T' | b't' | b' '));
    if !shape || bytes.get(16) != Some(&b':') {
        return None;
    }
    let moment = Moment::read(text, None).ok()?;
    moment.clock?.offset?;
    shown(moment)
}

fn shown(moment: Moment) -> Option<String> {
    let Moment { date, clock } = moment.in_utc()?;
    let Some(Clock { hour, minute, second, offset, .. }) = clock else { return Some(date.to_string()) };
    let zone = if offset.is_some() { " +00:00" } else { "" };
    Some(format!("{date} {hour:02}:{minute:02}:{second:02}{zone}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let written = |text: &str| written(Value::Text(text), None).unwrap_or_else(str::to_owned);
        assert_eq!(written(text), expect, "{text}");
        if expect.starts_with(char::is_numeric) {
            assert_eq!(written(expect), expect, "twice is as once");
        }
    }

    #[test]
    fn the_documented_forms_are_days_and_points_in_time() {
        check("2020-04-13", "2020-04-13");
        check("2020-04-13 14:04:09", "2020-04-13 14:04:09");
        check("2020-04-13 14:04:09 +00:00", "2020-04-13 14:04:09 +00:00");
        check("2020-08-19T20:50:04.000Z", "2020-08-19 20:50:04 +00:00");
        check("2026-03-02T10:15:00.123+01:00", "2026-03-02 09:15:00 +00:00");
        // Refused by Iterable as it stands: without `T`, a fraction makes a text of it.
        check("2020-04-13 14:04:09.000", "2020-04-13 14:04:09");
        check("2020-04-13T14:04:09", "2020-04-13 14:04:09");
    }

    #[test]
    fn what_iterable_does_not_document_is_written_as_it_does() {
        check("2026-03-01 12:00:00+00", "2026-03-01 12:00:00 +00:00");
        check("13.04.2020", "2020-04-13");
        check("20200413", "2020-04-13");
        check("2020-04-13 14:04", "2020-04-13 14:04:00");
        check("2024-02-28T23:30:00-05:00", "2024-02-29 04:30:00 +00:00");
    }

    #[test]
    fn nothing_is_guessed() {
        for text in ["", "2020", "2023-02-29", "2020-04-13T25:00:00Z", "2020-04-13T14:04:09Zulu", "1586786649000"] {
            check(text, TYPE_MISMATCH);
        }
        // The year 0 in UTC.
        check("0001-01-01T00:00:00+01", TYPE_MISMATCH);
        check("05/06/1990", "date_ambiguous");
    }

    #[test]
    fn only_what_is_a_point_in_time_beyond_doubt_is_taken_for_one_unasked() {
        assert_eq!(instant("2020-08-19T20:50:04.000Z").as_deref(), Some("2020-08-19 20:50:04 +00:00"));
        assert_eq!(instant("2020-08-19 20:50:04.5+02").as_deref(), Some("2020-08-19 18:50:04 +00:00"));
        for text in [
            "2020-08-19",
            "2020-08-19T20:50:04",
            "2020-08-19T20:50Z",
            "2020",
            "450.0",
            "19.08.2020 20:50:04 UTC",
            " 2020-08-19T20:50:04Z",
        ] {
            assert_eq!(instant(text), None, "{text}");
        }
    }
}
