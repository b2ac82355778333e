//! Days and points in time, as Iterable takes them.
//!
//! Page "Field Data Types": `YYYY-MM-DD`, `YYYY-MM-DD HH:MM:SS`, the same with an offset, and with `T`, a fraction and
//! an offset. A fraction without `T` is taken for a text, so what leaves here has none.

use enroute_sdk::date::Date;

/// A day or a point in time, written as Iterable wants it; none where the text is neither.
pub(super) fn written(text: &str) -> Option<String> {
    read(text.trim()).map(|moment| moment.to_string())
}

/// The same for texts that are a point in time beyond doubt: day, `T`, time and offset. What merely looks like a
/// number or a day stays as it is.
pub(super) fn instant(text: &str) -> Option<String> {
    if text.as_bytes().get(10) != Some(&b'T') {
        return None;
    }
    let moment = read(text)?;
    moment.clock?.offset?;
    Some(moment.to_string())
}

#[derive(Debug, Clone, Copy)]
struct Moment {
    day: Date,
    clock: Option<Clock>,
}

#[derive(Debug, Clone, Copy)]
struct Clock {
    seconds: i32,
    /// Seconds east of Greenwich.
    offset: Option<i32>,
}

fn read(text: &str) -> Option<Moment> {
    let (day, rest) = (text.get(..10)?, text.get(10..)?);
    let bytes = day.as_bytes();
    if bytes.get(4) != Some(&b'-') || bytes.get(7) != Some(&b'-') {
        return None;
    }
    let day = Date::parse(day)?;
    if rest.is_empty() {
        return Some(Moment { day, clock: None });
    }
    let rest = rest.strip_prefix(['T', ' '])?;
    let (hours, minutes, seconds) = (two(rest, 0)?, two(rest, 3)?, two(rest, 6)?);
    let colons = rest.as_bytes().get(2) == Some(&b':') && rest.as_bytes().get(5) == Some(&b':');
    if !colons || hours > 23 || minutes > 59 || seconds > 59 {
        return None;
    }
    let mut rest = rest.get(8..)?;
    if let Some(fraction) = rest.strip_prefix('.') {
        let behind = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
        if behind.len() == fraction.len() {
            return None;
        }
        rest = behind;
    }
    let offset = offset(rest)?;
    Some(Moment { day, clock: Some(Clock { seconds: hours * 3_600 + minutes * 60 + seconds, offset }) })
}

/// The offset at the end; `Some(None)` where there is none.
fn offset(text: &str) -> Option<Option<i32>> {
    let text = text.strip_prefix(' ').unwrap_or(text);
    let sign = match text.as_bytes().first() {
        None => return Some(None),
        Some(b'Z') if text.len() == 1 => return Some(Some(0)),
        Some(b'+') => 1,
        Some(b'-') => -1,
        Some(_) => return None,
    };
    let (hours, minutes) = (two(text, 1)?, two(text, 4)?);
    let sound = text.len() == 6 && text.as_bytes().get(3) == Some(&b':') && hours <= 18 && minutes <= 59;
    sound.then_some(Some(sign * (hours * 3_600 + minutes * 60)))
}

fn two(text: &str, at: usize) -> Option<i32> {
    let digits = text.get(at..at + 2)?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const DAY: i32 = 86_400;
        let Some(clock) = self.clock else { return self.day.fmt(f) };
        let utc = clock.seconds - clock.offset.unwrap_or(0);
        let (day, zone) = match utc.div_euclid(DAY) {
            0 => (Some(self.day), " +00:00"),
            1 => (following(self.day), " +00:00"),
            _ => (preceding(self.day), " +00:00"),
        };
        let zone = if clock.offset.is_some() { zone } else { "" };
        let seconds = utc.rem_euclid(DAY);
        let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        write!(f, "{} {hours:02}:{minutes:02}:{seconds:02}{zone}", day.unwrap_or(self.day))
    }
}

fn following(day: Date) -> Option<Date> {
    let Date { year, month, day } = day;
    Date::new(year, month, day + 1).or_else(|| Date::new(year, month + 1, 1)).or_else(|| Date::new(year + 1, 1, 1))
}

fn preceding(day: Date) -> Option<Date> {
    let Date { year, month, day } = day;
    let last = |year, month| (28..=31).rev().find_map(|day| Date::new(year, month, day));
    Date::new(year, month, day.saturating_sub(1))
        .or_else(|| last(year, month.saturating_sub(1)))
        .or_else(|| Date::new(year.saturating_sub(1), 12, 31))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Option<&str>) {
        assert_eq!(written(text).as_deref(), expect, "{text}");
        if let Some(text) = expect {
            assert_eq!(written(text).as_deref(), Some(text), "twice is as once");
        }
    }

    #[test]
    fn the_documented_forms_are_days_and_points_in_time() {
        check("2020-04-13", Some("2020-04-13"));
        check("2020-04-13 14:04:09", Some("2020-04-13 14:04:09"));
        check("2020-04-13 14:04:09 +00:00", Some("2020-04-13 14:04:09 +00:00"));
        check("2020-08-19T20:50:04.000Z", Some("2020-08-19 20:50:04 +00:00"));
        check("2026-03-02T09:15:00Z", Some("2026-03-02 09:15:00 +00:00"));
        check("2026-03-02T10:15:00.123+01:00", Some("2026-03-02 09:15:00 +00:00"));
        // Refused by Iterable as it stands: without `T`, a fraction makes a text of it.
        check("2020-04-13 14:04:09.000", Some("2020-04-13 14:04:09"));
        check("2020-04-13T14:04:09", Some("2020-04-13 14:04:09"));
    }

    #[test]
    fn an_offset_may_move_the_day() {
        check("2024-02-28T23:30:00-05:00", Some("2024-02-29 04:30:00 +00:00"));
        check("2023-12-31 23:30:00 -01:00", Some("2024-01-01 00:30:00 +00:00"));
        check("2024-03-01T01:00:00+02:00", Some("2024-02-29 23:00:00 +00:00"));
        check("2024-01-01T00:00:00+00:30", Some("2023-12-31 23:30:00 +00:00"));
    }

    #[test]
    fn nothing_is_guessed() {
        for text in ["", "2020", "20200413", "04/13/2020", "2023-02-29", "2020-04-13T25:00:00Z", "2020-04-13 14:04"] {
            check(text, None);
        }
        for text in ["2020-04-13 14:04:09.", "2020-04-13T14:04:09+1:00", "2020-04-13T14:04:09Zulu", "1586786649000"] {
            check(text, None);
        }
    }

    #[test]
    fn only_what_is_a_point_in_time_beyond_doubt_is_taken_for_one_unasked() {
        assert_eq!(instant("2020-08-19T20:50:04.000Z").as_deref(), Some("2020-08-19 20:50:04 +00:00"));
        for text in [
            "2020-08-19",
            "2020-08-19 20:50:04 +00:00",
            "2020-08-19T20:50:04",
            "2020",
            "450.0",
            " 2020-08-19T20:50:04Z",
        ] {
            assert_eq!(instant(text), None, "{text}");
        }
    }
}
