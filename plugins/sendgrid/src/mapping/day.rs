//! Days as SendGrid's date fields take them.
//!
//! A day without a time is that day, wherever this runs. A point in time is the day it falls on in UTC.

use enroute_sdk::date::Date;

/// Minutes of a day.
const DAY_MINUTES: i64 = 24 * 60;

/// The text as `MM/DD/YYYY`; none where it is no day.
pub(super) fn written(text: &str) -> Option<String> {
    let Date { year, month, day } = in_utc(text.trim())?;
    Some(format!("{month:02}/{day:02}/{year:04}"))
}

fn in_utc(text: &str) -> Option<Date> {
    let date = Date::parse(text)?;
    let Some((_, time)) = text.split_once(['T', ' ']) else { return Some(date) };
    let minutes = minutes(time.trim())?;
    from_days(date.days() + minutes.div_euclid(DAY_MINUTES))
}

/// Minutes from the beginning of the day in UTC, for a time such as `23:30`, `23:30:15.250Z` or `23:30:15-05:00`.
fn minutes(time: &str) -> Option<i64> {
    let zone_at = time.find(['Z', 'z', '+', '-']).unwrap_or(time.len());
    let (clock, zone) = time.split_at_checked(zone_at)?;
    let mut parts = clock.trim_end().splitn(3, ':');
    let (hours, minutes) = (number(parts.next()?, 23)?, number(parts.next()?, 59)?);
    if let Some(seconds) = parts.next() {
        let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
        number(whole, 60)?;
        if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
    }
    Some(hours * 60 + minutes - offset(zone)?)
}

/// Minutes that a zone is ahead of UTC.
fn offset(zone: &str) -> Option<i64> {
    let sign = match zone.bytes().next() {
        None => return Some(0),
        Some(b'Z' | b'z') => return (zone.len() == 1).then_some(0),
        Some(b'-') => -1,
        Some(_) => 1,
    };
    let digits = zone.get(1..)?;
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() == 4 => digits.split_at_checked(2)?,
        None => (digits, "00"),
    };
    Some(sign * (number(hours, 14)? * 60 + number(minutes, 59)?))
}

/// Two digits that are at most this.
fn number(text: &str, most: i64) -> Option<i64> {
    let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().filter(|number| *number <= most)
}

/// The day with this number of days since 1970-01-01.
fn from_days(days: i64) -> Option<Date> {
    // Years that begin in March, so that the leap day is the last of its year.
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    Date::new(u16::try_from(year).ok()?, u8::try_from(month).ok()?, u8::try_from(day).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Option<&str>) {
        assert_eq!(written(text).as_deref(), expect, "{text}");
    }

    #[test]
    fn a_day_stays_that_day() {
        check("2024-01-01", Some("01/01/2024"));
        check("05/01/2021", Some("05/01/2021"));
        check("5/1/2021", Some("05/01/2021"));
        check("2021/05/01", Some("05/01/2021"));
        check("20210501", Some("05/01/2021"));
        check(" 2024-02-29 ", Some("02/29/2024"));
    }

    #[test]
    fn a_point_in_time_is_its_day_in_utc() {
        check("2024-01-01T00:00:00Z", Some("01/01/2024"));
        check("2024-01-01T23:30:00-05:00", Some("01/02/2024"));
        check("2024-03-01T00:30:00+01:00", Some("02/29/2024"));
        check("2023-12-31T23:59:59.999+0000", Some("12/31/2023"));
        check("2024-01-01 10:00", Some("01/01/2024"));
        check("2024-01-01T00:15+05", Some("12/31/2023"));
    }

    #[test]
    fn what_is_no_day_is_none() {
        for text in [
            "",
            "soon",
            "1700000000",
            "1700000000000",
            "2024-02-30",
            "31/12/2024",
            "2024-01-01T25:00",
            "2024-01-01 junk",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn days_count_both_ways() {
        for day in [Date::new(1, 1, 1), Date::new(1970, 1, 1), Date::new(2000, 2, 29), Date::new(9999, 12, 31)] {
            assert_eq!(from_days(day.expect("it exists").days()), day);
        }
    }
}
