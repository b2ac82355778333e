use super::super::{Moment, Unread};
use super::*;

#[track_caller]
fn check(text: &str, order: &str, expect: &str) {
    let got = match Moment::read(text, Order::parse(order)) {
        Ok(moment) => moment.to_string(),
        Err(Unread::Ambiguous) => "ambiguous".to_owned(),
        Err(Unread::NoDate) => "none".to_owned(),
    };
    assert_eq!(got, expect, "{text:?} as {order:?}");
}

#[test]
fn a_day_is_read_with_every_separator_and_the_year_at_either_end() {
    for text in
        ["1990-07-14", "1990/07/14", "1990.7.14", "19900714", "14/07/1990", "7/14/1990", "14.7.1990", "14-07-1990"]
    {
        check(text, "", "1990-07-14");
        check(text, "mdy", "1990-07-14");
        check(text, "dmy", "1990-07-14");
    }
    for text in [" 1990-07-14\u{a0}", "14. 7. 1990", "\u{FF11}９９０-０７-１４", "١٩٩٠-٠٧-١٤"] {
        check(text, "", "1990-07-14");
    }
    check("0001-01-01", "", "0001-01-01");
    check("9999-12-31", "", "9999-12-31");
}

#[test]
fn what_has_two_readings_is_decided_by_the_operator_alone() {
    for text in ["05/06/1990", "5/6/1990", "5.6.1990", "05-06-1990", "5/6/1990 10:00"] {
        check(text, "", "ambiguous");
    }
    for text in ["05/06/1990", "5.6.1990", "05-06-1990"] {
        check(text, "dmy", "1990-06-05");
        check(text, "mdy", "1990-05-06");
    }
    check("5/5/1990", "", "1990-05-05");
    check("1990-05-06", "dmy", "1990-05-06");
    check("5/6/90", "", "none");
    check("5/6/90", "dmy", "none");
}

#[test]
fn what_no_calendar_has_is_no_date() {
    check("2024-02-29", "", "2024-02-29");
    check("2000-02-29", "", "2000-02-29");
    for text in ["2023-02-29", "1900-02-29", "1990-13-01", "1990-00-10", "1990-04-31", "1990-01-00", "0000-01-01"] {
        check(text, "", "none");
    }
    for text in ["13/13/1990", "0/5/1990", "5/0/1990", "31/04/1990", "29/02/1990", "01/01/0000"] {
        check(text, "mdy", "none");
    }
}

#[test]
fn a_time_has_hours_and_minutes_and_maybe_more() {
    for (time, expect) in [
        ("T12:30", "T12:30:00"),
        (" 12:30:15", "T12:30:15"),
        ("t12:30:15z", "T12:30:15Z"),
        ("T12:30:15.5", "T12:30:15.500"),
        ("T12:30:15,25Z", "T12:30:15.250Z"),
        ("T12:30:15.1234567Z", "T12:30:15.123Z"),
        ("T12:30:15:250Z", "T12:30:15.250Z"),
        ("T123015Z", "T12:30:15Z"),
        ("T1230", "T12:30:00"),
        (" 9:05", "T09:05:00"),
        (" 5:00 PM", "T17:00:00"),
        (", 12:00:00\u{202f}am", "T00:00:00"),
        ("  00:00:00", "T00:00:00"),
    ] {
        check(&format!("2026-03-01{time}"), "", &format!("2026-03-01{expect}"));
    }
    for time in [
        "T",
        " ",
        "T12",
        "T24:00:00",
        "T25:00",
        "T12:60",
        "T12:30:60",
        "T12:3",
        "T12:30:",
        "T12:30:15.",
        "Tnoon",
        " 13:00 PM",
        " 0:30 am",
        "12:30",
        "-05",
        "T12:30 CET",
        "T12:30:15:25",
        "T123",
        " 12:30 junk",
    ] {
        let text = format!("2026-03-01{time}");
        check(&text, "", if time == " " { "2026-03-01" } else { "none" });
    }
}

#[test]
fn an_offset_has_hours_and_maybe_minutes() {
    for (offset, expect) in [
        ("Z", "Z"),
        (" UTC", "Z"),
        (" gmt", "Z"),
        ("+00", "Z"),
        ("-00:00", "Z"),
        ("+01", "+01:00"),
        ("+0100", "+01:00"),
        ("+01:00", "+01:00"),
        (" +01:00", "+01:00"),
        ("-03", "-03:00"),
        ("+05:30", "+05:30"),
        ("-0930", "-09:30"),
        ("+14", "+14:00"),
    ] {
        check(&format!("2026-03-01 12:00:00{offset}"), "", &format!("2026-03-01T12:00:00{expect}"));
    }
    for offset in ["+", "+1", "+1:00", "+001", "+01:0", "+16", "+01:60", "+01:00:00:00", "+01:", "+aa", "UTC+1", "+é1"]
    {
        check(&format!("2026-03-01 12:00:00{offset}"), "", "none");
    }
}

#[test]
fn everything_else_is_no_date() {
    for text in [
        "",
        "1990",
        "1990-07",
        "July 4, 1990",
        "4 Jul 1990",
        "infinity",
        "-infinity",
        "today",
        "1586786649",
        "1586786649000",
        "1/2",
        "1/2/3/4",
        "+1/+2/1990",
        "1//1990",
        "-1990-07-04",
        "1/2.1990",
        "1990-07-04-05",
        "199-07-04",
        "01990-07-04",
        "0044-03-15 BC",
        "1990\u{2013}07\u{2013}04",
        "--",
        "--13-01",
        "---",
        "é",
    ] {
        check(text, "mdy", "none");
    }
}

#[test]
fn parts_of_a_date_are_read_though_others_lack() {
    let parts = |text: &str, order: &str| {
        let Parts { year, month_and_day } = Parts::read(text, Order::parse(order))?;
        Some((year, month_and_day))
    };
    assert_eq!(parts("--07-04", ""), Some((None, Some((7, 4)))));
    assert_eq!(parts("--02-29", ""), Some((None, Some((2, 29)))));
    assert_eq!(parts("5/6/90", "dmy"), Some((None, Some((6, 5)))));
    assert_eq!(parts("5/6/90", ""), None);
    assert_eq!(parts("5/6/1990", ""), Some((Some(1990), None)));
    assert_eq!(parts("1990-07-04 00:00:00 +0200", ""), Some((Some(1990), Some((7, 4)))));
    assert_eq!(parts("--02-30", ""), None);
}
