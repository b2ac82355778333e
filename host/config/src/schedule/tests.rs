use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Schedule, ScheduleError};

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn at(text: &str) -> u64 {
    text.parse::<Timestamp>().unwrap().as_millisecond().try_into().unwrap()
}

fn text(ms: u64) -> String {
    Timestamp::from_millisecond(ms.try_into().unwrap()).unwrap().to_string()
}

/// The slots after a moment, one after the other.
#[track_caller]
fn check(name: &str, line: &str, after: &str, expect: &[&str]) {
    let schedule = Schedule::cron(line, zone(name), line.to_owned()).unwrap();
    let mut from = at(after);
    for expect in expect {
        from = schedule.next_after(from).unwrap();
        assert_eq!(text(from), *expect, "{name} {line} after {after}");
    }
}

#[test]
fn a_fixed_line_runs_once_a_local_day_and_one_with_a_star_goes_by_real_time() {
    let oslo = "Europe/Oslo";
    check(oslo, "30 2 * * *", "2026-03-28T12:00:00Z", &["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]);
    check(oslo, "30 2 * * *", "2026-10-24T12:00:00Z", &["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
    check(oslo, "30 2 * * *", "2026-10-25T00:45:00Z", &["2026-10-26T01:30:00Z"]);
    check(oslo, "30 2 * * *", "2026-10-25T01:15:00Z", &["2026-10-26T01:30:00Z"]);
    let autumn = [
        "2026-10-25T00:00:00Z",
        "2026-10-25T00:30:00Z",
        "2026-10-25T01:00:00Z",
        "2026-10-25T01:30:00Z",
        "2026-10-25T02:00:00Z",
    ];
    check(oslo, "*/30 * * * *", "2026-10-24T23:30:00Z", &autumn);
    check(oslo, "*/30 * * * *", "2026-03-29T00:15:00Z", &["2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z"]);
    check(oslo, "15,45 2 * * *", "2026-03-28T12:00:00Z", &["2026-03-29T01:00:00Z", "2026-03-30T00:15:00Z"]);
    let half = ["2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"];
    check("Australia/Lord_Howe", "15 2 * * *", "2026-10-03T00:00:00Z", &half);
    check("Africa/Cairo", "0 0 * * *", "2026-04-23T00:00:00Z", &["2026-04-23T22:00:00Z", "2026-04-24T21:00:00Z"]);
    check("Pacific/Apia", "0 12 * * *", "2011-12-29T23:00:00Z", &["2011-12-30T22:00:00Z"]);
    let york = ["2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"];
    check("America/New_York", "30 2 * * *", "2026-03-07T12:00:00Z", &york);
    check(oslo, "0 12 29 2 *", "2026-01-01T00:00:00Z", &["2028-02-29T11:00:00Z"]);
    let fridays = ["2026-02-06T11:00:00Z", "2026-02-13T11:00:00Z", "2026-02-20T11:00:00Z"];
    check(oslo, "0 12 13 * 5", "2026-02-01T00:00:00Z", &fridays);
    check(oslo, "@daily", "2026-02-01T00:00:00Z", &["2026-02-01T23:00:00Z"]);
    check(oslo, "0-30/15 2 * * MON-FRI", "2026-02-02T01:16:00Z", &["2026-02-02T01:30:00Z", "2026-02-03T01:00:00Z"]);
}

#[test]
fn a_daily_schedule_has_one_slot_on_each_day_of_a_year() {
    for (name, hour) in [("Europe/Oslo", 2), ("America/New_York", 2), ("Africa/Cairo", 0), ("UTC", 23)] {
        let zone = zone(name);
        let schedule = Schedule::daily(hour, 30, zone.clone(), "daily".to_owned()).unwrap();
        let (mut from, mut days) = (at("2026-01-02T00:00:00Z"), Vec::new());
        while from < at("2027-01-02T00:00:00Z") {
            from = schedule.next_after(from).unwrap();
            days.push(zone.to_datetime(Timestamp::from_millisecond(from.try_into().unwrap()).unwrap()).date());
        }
        let once: std::collections::BTreeSet<_> = days.iter().collect();
        assert_eq!((days.len(), once.len()), (366, 366), "{name}");
    }
}

#[test]
fn what_comes_every_so_often_counts_elapsed_time_and_is_spread_by_its_name() {
    let every = |name: &str| Schedule::every(900_000, "every 15m".to_owned(), name);
    let first = every("a").next_after(1_000_000_000).unwrap();
    assert!(first > 1_000_000_000 && first <= 1_000_900_000, "{first}");
    assert_eq!(every("a").next_after(first), Some(first + 900_000));
    assert_eq!(every("a").next_after(first - 1), Some(first));
    let moments: std::collections::BTreeSet<u64> =
        (0..50).map(|number| every(&number.to_string()).next_after(1_000_000_000).unwrap() % 900_000).collect();
    assert!(moments.len() > 40, "{moments:?}");
    assert!(moments.iter().all(|moment| *moment < 60_000), "{moments:?}");
}

#[test]
fn what_is_no_line_or_never_comes_is_refused() {
    let refused = |line: &str| Schedule::cron(line, TimeZone::UTC, line.to_owned()).map(drop);
    assert_eq!(refused("0 12 30 2 *"), Err(ScheduleError::Never));
    for line in
        ["", "* * * *", "*/10 * * * * *", "0 0 1 1 * 2026", "61 * * * *", "0,, 2 * * *", "@reboot", "TZ=UTC 0 2 * * *"]
    {
        assert!(matches!(refused(line), Err(ScheduleError::Line(_))), "{line}");
    }
}
