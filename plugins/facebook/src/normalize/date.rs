//! Full dates as people and programs write them, as far as they have one reading only.
//!
//! Read are `YYYY-MM-DD`, alone or with a time (taken as written, no time zone is applied), `--MM-DD`,
//! and dates with slashes or dots: year first, or year last when the order of month and day is set, is
//! plain from a part above 12, or does not matter because both are equal.

use crate::normalize::BirthdayFormat;

/// A date of which the year or the order of month and day may be unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Date {
    /// Year of four digits, if written.
    pub(crate) year: Option<u16>,
    /// Month and day, unless they could be swapped.
    pub(crate) month_and_day: Option<(u8, u8)>,
}

/// Parses a full date; `None` is text that is no date, or a day that no calendar has.
pub(crate) fn parse(text: &str, format: Option<BirthdayFormat>) -> Option<Date> {
    if let Some(rest) = text.strip_prefix("--") {
        let (month, day) = rest.split_once('-')?;
        return on_calendar(None, number(month)?, number(day)?);
    }
    if text.contains(['/', '.']) && !text.contains(['-', ':']) {
        let separator = if text.contains('/') { '/' } else { '.' };
        return parse_parts(parts(text, separator)?, format);
    }
    let date = match text.split_once(['T', 't', ' ']) {
        Some((date, time)) if looks_like_a_time(time) => date,
        Some(_) => return None,
        None => text,
    };
    let [year, month, day] = parts(date, '-')?;
    on_calendar(Some(year_number(year)?), number(month)?, number(day)?)
}

fn parse_parts([a, b, c]: [&str; 3], format: Option<BirthdayFormat>) -> Option<Date> {
    if let Some(year) = year_number(a) {
        return on_calendar(Some(year), number(b)?, number(c)?);
    }
    let (a, b) = (number(a)?, number(b)?);
    let year = year_number(c);
    if year.is_none() {
        // Two digits say neither which century nor whether the year stands last: a set order decides.
        number(c)?;
        format?;
    }
    match format {
        _ if a > 12 => on_calendar(year, b, a),
        _ if b > 12 || a == b => on_calendar(year, a, b),
        Some(BirthdayFormat::Mdy) => on_calendar(year, a, b),
        Some(BirthdayFormat::Dmy) => on_calendar(year, b, a),
        None => {
            on_calendar(year, a, b)?;
            Some(Date { year, month_and_day: None })
        }
    }
}

fn on_calendar(year: Option<u16>, month: u8, day: u8) -> Option<Date> {
    let leap = year.is_none_or(|y| y % 4 == 0 && (y % 100 != 0 || y % 400 == 0));
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    (1..=days).contains(&day).then_some(Date { year, month_and_day: Some((month, day)) })
}

fn parts(text: &str, separator: char) -> Option<[&str; 3]> {
    let mut parts = text.split(separator).map(str::trim);
    let three = [parts.next()?, parts.next()?, parts.next()?];
    parts.next().is_none().then_some(three)
}

/// Reads a number of one or two digits.
pub(crate) fn number(text: &str) -> Option<u8> {
    let well_formed = matches!(text.len(), 1 | 2) && text.bytes().all(|b| b.is_ascii_digit());
    if well_formed { text.parse().ok() } else { None }
}

/// Reads a number of four digits.
pub(crate) fn year_number(text: &str) -> Option<u16> {
    let well_formed = text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit());
    if well_formed { text.parse().ok() } else { None }
}

fn looks_like_a_time(text: &str) -> bool {
    let clock = |c: char| c.is_ascii_digit() || matches!(c, ':' | '.' | ',' | '+' | '-' | 'Z' | 'z' | ' ');
    let hour = text.split_once(':').and_then(|(hour, _)| number(hour));
    hour.is_some_and(|hour| hour <= 24) && text.chars().all(clock)
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::normalize::BirthdayFormat;

    #[track_caller]
    fn check(text: &str, format: &str, expect: &str) {
        let got = match parse(text, BirthdayFormat::parse(format)) {
            None => "none".to_owned(),
            Some(date) => {
                let year = date.year.map_or("?".to_owned(), |y| y.to_string());
                let rest = date.month_and_day.map_or("?".to_owned(), |(m, d)| format!("{m}-{d}"));
                format!("{year} {rest}")
            }
        };
        assert_eq!(got, expect, "{text:?} as {format:?}");
    }

    #[test]
    fn iso_dates_are_read_as_written_with_or_without_a_time() {
        check("1990-07-04", "", "1990 7-4");
        check("1990-07-04", "dmy", "1990 7-4");
        check("1990-07-04T23:59:59.999-11:00", "", "1990 7-4");
        check("1990-07-04t00:00:00Z", "", "1990 7-4");
        check("1990-07-04 00:00:00 +0200", "", "1990 7-4");
        check("--07-04", "", "? 7-4");
        check("--02-29", "", "? 2-29");
    }

    #[test]
    fn slash_and_dot_dates_are_read_when_one_reading_is_left() {
        check("5/13/1990", "", "1990 5-13");
        check("13.5.1990", "", "1990 5-13");
        check("15. 05. 1990", "", "1990 5-15");
        check("5/5/1990", "", "1990 5-5");
        check("1990/07/04", "", "1990 7-4");
        check("1990.07.04", "dmy", "1990 7-4");
    }

    #[test]
    fn the_set_order_decides_what_could_be_swapped() {
        check("5/6/1990", "", "1990 ?");
        check("5/6/1990", "mdy", "1990 5-6");
        check("5/6/1990", "dmy", "1990 6-5");
        check("5/6/90", "dmy", "? 6-5");
        check("13/5/90", "", "none");
    }

    #[test]
    fn what_no_calendar_has_is_no_date() {
        for text in ["2023-02-29", "1900-02-29", "1990-13-01", "1990-00-10", "1990-04-31", "1990-01-00"] {
            check(text, "", "none");
        }
        check("13/13/1990", "mdy", "none");
        check("0/5/1990", "mdy", "none");
        check("2024-02-29", "", "2024 2-29");
    }

    #[test]
    fn everything_else_is_no_date() {
        for text in ["", "1990", "1990-07", "July 4, 1990", "19900704", "1990-07-04Tnoon", "1990-07-04T", "1/2"] {
            check(text, "mdy", "none");
        }
        for text in ["1/2/3/4", "+1/+2/1990", "1//1990", "-1990-07-04", "15-05-1990", "1/2.1990", "1990-07-04-05"] {
            check(text, "mdy", "none");
        }
    }
}
