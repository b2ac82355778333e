//! A day with or without a time.

use super::{Date, Order, Unread, read};

/// Seconds of a day.
const DAY: i64 = 86_400;

/// A day, or a point in time.
///
/// ```
/// use enroute_sdk::date::{Moment, Unread};
///
/// // As PostgreSQL writes it: hours alone are an offset.
/// let moment = Moment::read("2026-03-01 12:00:00+00", None).unwrap();
/// assert_eq!(moment.to_string(), "2026-03-01T12:00:00Z");
/// assert_eq!(format!("{moment:.3}"), "2026-03-01T12:00:00.000Z");
///
/// let moment = Moment::read("2026-03-01T00:30:00.250+05:30", None).unwrap();
/// assert_eq!(moment.to_string(), "2026-03-01T00:30:00.250+05:30");
/// assert_eq!(moment.in_utc().unwrap().to_string(), "2026-02-28T19:00:00.250Z");
/// assert_eq!(Moment::read("2026-03-01", None).unwrap().clock, None);
/// assert_eq!(Moment::read("infinity", None), Err(Unread::NoDate));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The day, as written.
    pub date: Date,
    /// The time of that day; none where a day is all that is written.
    pub clock: Option<Clock>,
}

/// A time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// The hour, 0 to 23.
    pub hour: u8,
    /// The minute, 0 to 59.
    pub minute: u8,
    /// The second, 0 to 59.
    pub second: u8,
    /// Thousandths of a second; further digits are cut off.
    pub millis: u16,
    /// Seconds east of Greenwich; none where the text says nothing of it.
    pub offset: Option<i32>,
}

impl Moment {
    /// Reads a day or a point in time.
    ///
    /// - Days are `YYYY-MM-DD`, `YYYYMMDD`, or have the year last (`25/06/1990`). Between numbers stands `-`, `/` or `.`;
    ///   months and days may have one digit, years have four: 0001 to 9999.
    /// - A time may follow, after `T` or a blank: `12:00`, `12:00:00`, `12:00:00.250`, `120000`, `5:00 PM`.
    /// - An offset may follow that: `Z`, `UTC`, `GMT`, `+01`, `+0100`, `+01:00`, `-03`, `+05:30`.
    ///
    /// White space around it and the script of its digits do not matter. Words (`4 July 1990`), numbers of seconds and
    /// `infinity` are no dates.
    ///
    /// # Errors
    /// Where the text is no date, or has two readings and `order` does not decide.
    pub fn read(text: &str, order: Option<Order>) -> Result<Self, Unread> {
        let (parts, clock) = read::written(text, order).ok_or(Unread::NoDate)?;
        let year = parts.year.ok_or(Unread::NoDate)?;
        let (month, day) = parts.month_and_day.ok_or(Unread::Ambiguous)?;
        let date = Date::new(year, month, day).ok_or(Unread::NoDate)?;
        Ok(Self { date, clock })
    }

    /// The same point in time at Greenwich; what says nothing of an offset, or is a day alone, stays as it is. None where
    /// that is before the year 1 or after 9999.
    #[must_use]
    pub fn in_utc(self) -> Option<Self> {
        let Some(clock @ Clock { offset: Some(offset), .. }) = self.clock else { return Some(self) };
        let second = i64::from(clock.hour) * 3_600 + i64::from(clock.minute) * 60 + i64::from(clock.second);
        let second = second - i64::from(offset);
        let date = Date::from_days(self.date.days() + second.div_euclid(DAY))?;
        let second = second.rem_euclid(DAY);
        let part = |number: i64| u8::try_from(number).ok();
        let (hour, minute, second) = (part(second / 3_600)?, part(second / 60 % 60)?, part(second % 60)?);
        Some(Self { date, clock: Some(Clock { hour, minute, second, offset: Some(0), ..clock }) })
    }
}

/// As RFC 3339 writes it: `2026-03-01T12:00:00Z`, thousandths only where there are any, or always with `{:.3}`. A day
/// alone is a day, and a time of unknown offset has none.
impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // RFC 3339 has no seconds in an offset, which clocks before 1972 had.
        let odd = self.clock.and_then(|clock| clock.offset).is_some_and(|offset| offset % 60 != 0);
        let Self { date, clock } = if odd { self.in_utc().unwrap_or(*self) } else { *self };
        write!(f, "{date}")?;
        let Some(Clock { hour, minute, second, millis, offset }) = clock else { return Ok(()) };
        write!(f, "T{hour:02}:{minute:02}:{second:02}")?;
        if millis > 0 || f.precision().is_some() {
            write!(f, ".{millis:03}")?;
        }
        match offset {
            None => Ok(()),
            Some(0) => f.write_str("Z"),
            Some(offset) => {
                let (sign, minutes) = (if offset < 0 { '-' } else { '+' }, offset.unsigned_abs() / 60);
                write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, shown: &str, utc: &str) {
        let moment = Moment::read(text, None).unwrap_or_else(|why| panic!("{text}: {why:?}"));
        assert_eq!(moment.to_string(), shown, "{text}");
        assert_eq!(moment.in_utc().map_or("none".to_owned(), |moment| moment.to_string()), utc, "{text}");
        assert_eq!(Moment::read(shown, None).map(|again| again.to_string()).as_deref(), Ok(shown), "twice is as once");
    }

    #[test]
    fn an_offset_may_move_the_day_but_only_in_utc() {
        check("2024-02-28T23:30:00-05:00", "2024-02-28T23:30:00-05:00", "2024-02-29T04:30:00Z");
        check("2023-12-31 23:30:00-01", "2023-12-31T23:30:00-01:00", "2024-01-01T00:30:00Z");
        check("2024-03-01T01:00:00+0200", "2024-03-01T01:00:00+02:00", "2024-02-29T23:00:00Z");
        check("2024-01-01T00:00:00+00:30", "2024-01-01T00:00:00+00:30", "2023-12-31T23:30:00Z");
        check("2024-01-01", "2024-01-01", "2024-01-01");
        check("2024-01-01 10:00", "2024-01-01T10:00:00", "2024-01-01T10:00:00");
    }

    #[test]
    fn the_calendar_ends_where_years_have_four_digits() {
        check("0001-01-01T00:00:00+01", "0001-01-01T00:00:00+01:00", "none");
        check("9999-12-31T23:30:00-01", "9999-12-31T23:30:00-01:00", "none");
        check("9999-12-31T23:30:00Z", "9999-12-31T23:30:00Z", "9999-12-31T23:30:00Z");
    }

    #[test]
    fn offsets_of_old_clocks_have_seconds_and_are_shown_in_utc() {
        check("1930-05-01 00:00:00+00:19:32", "1930-04-30T23:40:28Z", "1930-04-30T23:40:28Z");
    }
}
