//! Days as SendGrid's date fields take them.
//!
//! A day without a time is that day, wherever this runs. A point in time is the day it falls on in UTC.

use enroute_sdk::Value;
use enroute_sdk::date::{Date, Order, Unread};

/// The value as `MM/DD/YYYY`.
///
/// # Errors
/// Where it is no day, or has two readings and `order` does not decide.
pub(super) fn written(value: Value<'_>, order: Option<Order>) -> Result<String, Unread> {
    let Date { year, month, day } = value.moment(order)?.in_utc().ok_or(Unread::NoDate)?.date;
    Ok(format!("{month:02}/{day:02}/{year:04}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let got = written(Value::Text(text), None).unwrap_or_else(|why| why.code("none").to_owned());
        assert_eq!(got, expect, "{text}");
    }

    #[test]
    fn a_day_stays_that_day() {
        check("2024-01-01", "01/01/2024");
        check("5/13/2021", "05/13/2021");
        check("13.5.2021", "05/13/2021");
        check("2021/05/01", "05/01/2021");
        check("20210501", "05/01/2021");
        check(" 2024-02-29 ", "02/29/2024");
    }

    #[test]
    fn a_point_in_time_is_its_day_in_utc() {
        check("2024-01-01T00:00:00Z", "01/01/2024");
        check("2024-01-01T23:30:00-05:00", "01/02/2024");
        check("2024-03-01T00:30:00+01:00", "02/29/2024");
        check("2023-12-31T23:59:59.999+0000", "12/31/2023");
        check("2024-01-01 10:00", "01/01/2024");
        check("2024-01-01T00:15+05", "12/31/2023");
        check("2026-03-01 12:00:00+00", "03/01/2026");
    }

    #[test]
    fn what_is_no_day_is_none() {
        for text in ["", "soon", "1700000000", "1700000000000", "2024-02-30", "2024-01-01T25:00", "2024-01-01 junk"] {
            check(text, "none");
        }
        check("0001-01-01T00:00:00+01", "none");
        check("05/01/2021", "date_ambiguous");
        assert_eq!(written(Value::Text("05/01/2021"), Some(Order::Mdy)).as_deref(), Ok("05/01/2021"));
    }
}
