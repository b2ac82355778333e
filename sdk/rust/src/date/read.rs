//! How a text becomes the parts of a date.

use super::{Clock, Order, days_in};
use crate::text::{digit, trim};

/// Largest offset in hours; PostgreSQL takes no larger one either, and no clock on earth has one.
const OFFSET_HOURS_MAX: u8 = 15;

/// Any leap year: a day and a month without a year may be the 29th of February.
const LEAP_YEAR: u16 = 2000;

/// What is certain of a date, for destinations that take its parts one by one.
///
/// ```
/// use enroute_sdk::date::{Order, Parts};
///
/// // Whichever of the two is the month, the year is certain.
/// let parts = Parts::read("05/06/1990", None).unwrap();
/// assert_eq!((parts.year, parts.month_and_day), (Some(1990), None));
/// let parts = Parts::read("05/06/1990", Some(Order::Dmy)).unwrap();
/// assert_eq!(parts.month_and_day, Some((6, 5)));
/// // A birthday without a year, as vCards write it.
/// let parts = Parts::read("--07-04", None).unwrap();
/// assert_eq!((parts.year, parts.month_and_day), (None, Some((7, 4))));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    /// The year, 1 to 9999; none where the text has none, or only two digits of it.
    pub year: Option<u16>,
    /// Month and day; none where they could be swapped and no [`Order`] says which is which.
    pub month_and_day: Option<(u8, u8)>,
}

impl Parts {
    /// Reads what [`Moment::read`](super::Moment::read) reads, and dates that lack a part: `--07-04`, or `5/6/90` where
    /// `order` says what it means but not the century.
    #[must_use]
    pub fn read(text: &str, order: Option<Order>) -> Option<Self> {
        written(text, order).map(|(parts, _)| parts)
    }

    fn on_calendar(year: Option<u16>, month: u8, day: u8) -> Option<Self> {
        let exists = year != Some(0) && (1..=days_in(year.unwrap_or(LEAP_YEAR), month)).contains(&day);
        exists.then_some(Self { year, month_and_day: Some((month, day)) })
    }
}

/// The parts of a date and the time behind it; none where the text is no date.
pub(super) fn written(text: &str, order: Option<Order>) -> Option<(Parts, Option<Clock>)> {
    let text = digit::fold(trim(text));
    if let Some(rest) = text.strip_prefix("--") {
        let (month, day) = rest.split_once('-')?;
        return Some((Parts::on_calendar(None, number(month)?, number(day)?)?, None));
    }
    let (first, rest) = digits(&text);
    let (parts, rest) = if let ([year, month, day], 8) = (compact(first), first.len()) {
        (Parts::on_calendar(Some(year.parse().ok()?), number(month)?, number(day)?)?, rest)
    } else {
        let separator = rest.trim_start().chars().next().filter(|c| matches!(c, '-' | '/' | '.'))?;
        let (second, rest) = digits(behind(rest, separator)?);
        let (third, rest) = digits(behind(rest, separator)?);
        (parts([first, second, third], order)?, rest)
    };
    if rest.is_empty() {
        return Some((parts, None));
    }
    let rest = rest.strip_prefix(',').unwrap_or(rest);
    let time = rest.strip_prefix(['T', 't']).or_else(|| rest.strip_prefix(char::is_whitespace).map(str::trim_start))?;
    Some((parts, Some(clock(time)?)))
}

/// What follows a separator, without blanks at both sides of it: `5. 6. 1990`.
fn behind(text: &str, separator: char) -> Option<&str> {
    text.trim_start().strip_prefix(separator).map(str::trim_start)
}

/// The digits that a text begins with, and the rest.
fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(u8::is_ascii_digit).count())
}

/// `YYYYMMDD` in three.
fn compact(digits: &str) -> [&str; 3] {
    [0..4, 4..6, 6..8].map(|part| digits.get(part).unwrap_or_default())
}

fn parts([a, b, c]: [&str; 3], order: Option<Order>) -> Option<Parts> {
    if a.len() == 4 {
        return Parts::on_calendar(Some(a.parse().ok()?), number(b)?, number(c)?);
    }
    let (a, b) = (number(a)?, number(b)?);
    let year = match c.len() {
        4 => Some(c.parse().ok()?),
        // Two digits say neither which century nor whether the year stands last: a set order decides.
        2 if order.is_some() => None,
        _ => return None,
    };
    match order {
        _ if a > 12 => Parts::on_calendar(year, b, a),
        _ if b > 12 || a == b => Parts::on_calendar(year, a, b),
        Some(Order::Mdy) => Parts::on_calendar(year, a, b),
        Some(Order::Dmy) => Parts::on_calendar(year, b, a),
        None => {
            Parts::on_calendar(year, a, b).and(Parts::on_calendar(year, b, a))?;
            Some(Parts { year, month_and_day: None })
        }
    }
}

/// A number of one or two digits.
fn number(text: &str) -> Option<u8> {
    let fits = matches!(text.len(), 1 | 2) && text.bytes().all(|byte| byte.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

/// A number of two digits that is at most this.
fn two(text: &str, most: u8) -> Option<u8> {
    number(text).filter(|number| text.len() == 2 && *number <= most)
}

fn clock(text: &str) -> Option<Clock> {
    let (hour, minute, second, rest) = hands(text)?;
    let (millis, rest) = fraction(rest)?;
    let rest = rest.trim_start();
    let (hour, rest) = match half_of_day(rest) {
        Some((hours, rest)) if (1..=12).contains(&hour) => (hour % 12 + hours, rest.trim_start()),
        Some(_) => return None,
        None => (hour, rest),
    };
    Some(Clock { hour, minute, second, millis, offset: offset(rest)? })
}

/// Hour, minute and second, with colons or without; seconds may be missing.
fn hands(text: &str) -> Option<(u8, u8, u8, &str)> {
    let (first, rest) = digits(text);
    let Some(rest) = rest.strip_prefix(':') else {
        let part = |at: usize| first.get(at..at + 2).unwrap_or("00");
        let whole = matches!(first.len(), 4 | 6);
        return whole.then(|| Some((two(part(0), 23)?, two(part(2), 59)?, two(part(4), 59)?, rest))).flatten();
    };
    let hour = number(first).filter(|hour| *hour <= 23)?;
    let (minute, rest) = digits(rest);
    let minute = two(minute, 59)?;
    let Some(behind) = rest.strip_prefix(':') else { return Some((hour, minute, 0, rest)) };
    let (second, rest) = digits(behind);
    Some((hour, minute, two(second, 59)?, rest))
}

/// Thousandths, behind a point or a comma, or as Braze's own pages have them: `12:00:00:250`.
fn fraction(text: &str) -> Option<(u16, &str)> {
    let Some(behind) = text.strip_prefix(['.', ',', ':']) else { return Some((0, text)) };
    let (digits, rest) = digits(behind);
    if digits.is_empty() || text.starts_with(':') && digits.len() != 3 {
        return None;
    }
    let millis: String = digits.chars().chain("000".chars()).take(3).collect();
    Some((millis.parse().ok()?, rest))
}

/// Hours that `AM` or `PM` adds to twelve, and the rest.
fn half_of_day(text: &str) -> Option<(u8, &str)> {
    let (half, rest) = text.split_at_checked(2)?;
    match () {
        () if half.eq_ignore_ascii_case("am") => Some((0, rest)),
        () if half.eq_ignore_ascii_case("pm") => Some((12, rest)),
        () => None,
    }
}

/// Seconds east of Greenwich; `Some(None)` where nothing is said.
fn offset(text: &str) -> Option<Option<i32>> {
    if text.is_empty() {
        return Some(None);
    }
    if ["z", "utc", "gmt"].iter().any(|name| name.eq_ignore_ascii_case(text)) {
        return Some(Some(0));
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits = text.strip_prefix(['+', '-'])?;
    let mut parts = [0; 3];
    let written: Vec<&str> = if digits.contains(':') {
        digits.split(':').collect()
    } else if matches!(digits.len(), 2 | 4 | 6) && digits.is_ascii() {
        (0..digits.len()).step_by(2).filter_map(|at| digits.get(at..at + 2)).collect()
    } else {
        return None;
    };
    if written.len() > parts.len() {
        return None;
    }
    for ((part, written), most) in parts.iter_mut().zip(written).zip([OFFSET_HOURS_MAX, 59, 59]) {
        *part = i32::from(two(written, most)?);
    }
    let [hours, minutes, seconds] = parts;
    Some(Some(sign * (hours * 3_600 + minutes * 60 + seconds)))
}

#[cfg(test)]
mod tests;
