//! Days of the calendar, as people and headers write them.
//!
//! Pure. There is no clock here: an answer's `date` header and the connection's `today` are the only times known.

/// A day of the Gregorian calendar.
///
/// ```
/// use enroute_sdk::date::Date;
///
/// let day = Date::parse("1988-02-14T23:30:00-05:00").unwrap();
/// assert_eq!((day.year, day.month, day.day), (1988, 2, 14));
/// assert_eq!(Date::parse("02/14/1988"), Some(day));
/// assert_eq!(Date::parse("1988-02-30"), None);
/// assert_eq!(day.to_string(), "1988-02-14");
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

    /// The day that a text begins with: `YYYY-MM-DD`, `YYYY/MM/DD`, `YYYYMMDD` or `MM/DD/YYYY`, with any time behind
    /// it. The day is taken as written: no time zone moves a birthday.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(day) = Self::canonical(text.as_bytes()) {
            return Self::new(day.0, day.1, day.2);
        }
        let text = text.trim();
        let day = text.split(['T', ' ']).next()?;
        let parts: Vec<&str> = day.split(['-', '/']).collect();
        match parts.as_slice() {
            [year, month, date] if year.len() == 4 => Self::of(year, month, date),
            [month, date, year] if year.len() == 4 && day.contains('/') => Self::of(year, month, date),
            [all] if all.len() == 8 && all.is_ascii() => Self::of(all.get(..4)?, all.get(4..6)?, all.get(6..)?),
            _ => None,
        }
    }

    /// The numbers of `YYYY-MM-DD`, which is how most days come.
    fn canonical(text: &[u8]) -> Option<(u16, u8, u8)> {
        let [a, b, c, d, b'-', e, f, b'-', g, h] = text else { return None };
        let all = [a, b, c, d, e, f, g, h];
        if !all.iter().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let two = |tens: &u8, ones: &u8| (tens - b'0') * 10 + (ones - b'0');
        Some((u16::from(two(a, b)) * 100 + u16::from(two(c, d)), two(e, f), two(g, h)))
    }

    fn of(year: &str, month: &str, day: &str) -> Option<Self> {
        let number = |text: &str| {
            let digits = !text.is_empty() && text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| text.parse::<u16>().ok()).flatten()
        };
        Self::new(number(year)?, u8::try_from(number(month)?).ok()?, u8::try_from(number(day)?).ok()?)
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
    let date = Date::of(year, &month.to_string(), day)?;
    let clock: Vec<i64> = time.split(':').map(str::parse).collect::<Result<_, _>>().ok()?;
    let [hours @ 0..=23, minutes @ 0..=59, seconds @ 0..=60] = clock.as_slice() else { return None };
    Some(date.days() * 86_400 + hours * 3_600 + minutes * 60 + seconds)
}
