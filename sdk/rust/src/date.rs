//! Days of the calendar and points in time, as people, programs and headers write them.
//!
//! One reader for all plugins: what one destination reads as a day, every other reads as the same day. Nothing is
//! guessed: `05/06/1990` is the fifth of June or the sixth of May, and only the operator knows which ([`Order`]).
//!
//! Pure. There is no clock here: an answer's `date` header and the connection's `today` are the only times known.

mod moment;
mod read;

use serde::Deserialize;

pub use moment::{Clock, Moment};
pub use read::Parts;

/// A day of the Gregorian calendar.
///
/// ```
/// use enroute_sdk::date::{Date, Order, Unread};
///
/// let day = Date::read("1988-02-14T23:30:00-05:00", None).unwrap();
/// assert_eq!((day.year, day.month, day.day), (1988, 2, 14));
/// assert_eq!(Date::read("14/02/1988", None), Ok(day));
/// assert_eq!(Date::read("1988-02-30", None), Err(Unread::NoDate));
/// assert_eq!(Date::read("05/06/1990", None), Err(Unread::Ambiguous));
/// assert_eq!(Date::read("05/06/1990", Some(Order::Dmy)).unwrap().to_string(), "1990-06-05");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// The year, 1 to 9999.
    pub year: u16,
    /// The month, 1 to 12.
    pub month: u8,
    /// The day of the month, from 1.
    pub day: u8,
}

/// Which of day and month comes first where a date has its year last: `dmy` or `mdy` in the setting `date_order`, by
/// which plugins let the operator say it.
///
/// It decides nothing else: `25/06/1990` and `1990/06/05` have one reading only.
///
/// ```
/// # use enroute_sdk::date::Order;
/// assert_eq!(Order::parse("dmy"), Some(Order::Dmy));
/// assert_eq!(Order::parse("ymd"), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// Day, month, year.
    Dmy,
    /// Month, day, year.
    Mdy,
}

impl Order {
    /// The order, as the setting says it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "dmy" => Some(Self::Dmy),
            "mdy" => Some(Self::Mdy),
            _ => None,
        }
    }
}

/// Why a value is no date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// It is nothing that is read as a date, or a day that no calendar has.
    NoDate,
    /// Month and day could be swapped, and no [`Order`] says which is which.
    Ambiguous,
}

impl Unread {
    /// The code of the warning with which such a value is left out: `date_ambiguous`, or the plugin's own for what its
    /// field cannot take.
    ///
    /// ```
    /// # use enroute_sdk::date::Unread;
    /// assert_eq!(Unread::Ambiguous.code("value_malformed"), "date_ambiguous");
    /// assert_eq!(Unread::NoDate.code("value_malformed"), "value_malformed");
    /// ```
    #[must_use]
    pub const fn code(self, malformed: &'static str) -> &'static str {
        match self {
            Self::NoDate => malformed,
            Self::Ambiguous => "date_ambiguous",
        }
    }
}

impl Date {
    /// The day, where it exists.
    ///
    /// ```
    /// assert!(enroute_sdk::date::Date::new(2000, 2, 29).is_some());
    /// assert!(enroute_sdk::date::Date::new(1900, 2, 29).is_none());
    /// ```
    #[must_use]
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let exists = (1..=9999).contains(&year) && (1..=days_in(year, month)).contains(&day);
        exists.then_some(Self { year, month, day })
    }

    /// The day that a text names, alone or as part of a point in time (see [`Moment::read`] for what is understood). The
    /// day is taken as written: no time zone moves a birthday.
    ///
    /// # Errors
    /// Where the text is no date, or has two readings and `order` does not decide.
    pub fn read(text: &str, order: Option<Order>) -> Result<Self, Unread> {
        Moment::read(text, order).map(|moment| moment.date)
    }

    /// Days since 1970-01-01.
    ///
    /// ```
    /// assert_eq!(enroute_sdk::date::Date::new(1970, 1, 2).unwrap().days(), 1);
    /// assert_eq!(enroute_sdk::date::Date::new(2000, 3, 1).unwrap().days(), 11_017);
    /// ```
    #[must_use]
    pub fn days(self) -> i64 {
        let (year, month, day) = (i64::from(self.year), i64::from(self.month), i64::from(self.day));
        // Years that begin in March, so that the leap day is the last of its year.
        let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
        let day_of_year = (153 * month + 2) / 5 + day - 1;
        365 * year + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
    }

    /// The day with this number of days since 1970-01-01, within the years 1 to 9999.
    ///
    /// ```
    /// use enroute_sdk::date::Date;
    ///
    /// assert_eq!(Date::from_days(11_017), Date::new(2000, 3, 1));
    /// assert_eq!(Date::from_days(-719_163), None);
    /// ```
    #[must_use]
    pub fn from_days(days: i64) -> Option<Self> {
        // Years that begin in March, as in `days`; an era has 400 of them.
        let days = days.checked_add(719_468)?;
        let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * march_month + 2) / 5 + 1;
        let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Self::new(u16::try_from(year).ok()?, u8::try_from(month).ok()?, u8::try_from(day).ok()?)
    }
}

impl std::fmt::Display for Date {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

const fn days_in(year: u16, month: u8) -> u8 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 0,
    }
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Seconds since 1970 of a date as HTTP headers write it: `Sun, 06 Nov 1994 08:49:37 GMT`.
///
/// ```
/// use enroute_sdk::date::http_seconds;
///
/// assert_eq!(http_seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
/// assert_eq!(http_seconds("soon"), None);
/// ```
#[must_use]
pub fn http_seconds(text: &str) -> Option<i64> {
    let (_, rest) = text.split_once(", ")?;
    let parts: Vec<&str> = rest.split(' ').collect();
    let [day, month, year, time, "GMT"] = parts.as_slice() else { return None };
    let month = MONTHS.iter().position(|name| name == month)? + 1;
    let date = Date::new(year.parse().ok()?, u8::try_from(month).ok()?, day.parse().ok()?)?;
    let clock: Vec<i64> = time.split(':').map(str::parse).collect::<Result<_, _>>().ok()?;
    let [hours @ 0..=23, minutes @ 0..=59, seconds @ 0..=60] = clock.as_slice() else { return None };
    Some(date.days() * 86_400 + hours * 3_600 + minutes * 60 + seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_count_both_ways() {
        for day in [Date::new(1, 1, 1), Date::new(1970, 1, 1), Date::new(2000, 2, 29), Date::new(9999, 12, 31)] {
            assert_eq!(Date::from_days(day.expect("it exists").days()), day);
        }
        assert_eq!(Date::from_days(i64::MAX), None);
        assert_eq!(Date::from_days(Date::new(9999, 12, 31).expect("it exists").days() + 1), None);
    }
}
