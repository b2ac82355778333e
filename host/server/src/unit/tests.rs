use enroute_config::schedule::Schedule;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Ended, Unit, Why};

const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60 * MINUTE;

fn at(text: &str) -> u64 {
    text.parse::<Timestamp>().unwrap().as_millisecond().try_into().unwrap()
}

fn daily() -> Schedule {
    let zone = TimeZone::get("Europe/Oslo").unwrap();
    Schedule::daily(2, 30, zone, "at 02:30".to_owned()).unwrap()
}

/// Lives through a time on a clock of our own, and returns when it had its turn for its schedule.
fn live(unit: &mut Unit, from: u64, to: u64) -> Vec<u64> {
    let mut slots = Vec::new();
    for now in (from..to).step_by(usize::try_from(MINUTE).unwrap()) {
        if unit.turn(now) == Some(Why::Slot) {
            unit.begin(now);
            unit.end(Ended::Well, None, now);
            slots.push(now);
        }
    }
    slots
}

#[test]
fn a_daily_schedule_runs_once_a_day_over_both_changes_of_the_clock() {
    for (from, days) in [("2026-03-27T12:00:00Z", 5), ("2026-10-23T12:00:00Z", 5)] {
        let from = at(from);
        let mut unit = Unit::scheduled(daily(), Some(from), from);
        let slots = live(&mut unit, from, from + days * DAY);
        let zone = TimeZone::get("Europe/Oslo").unwrap();
        let date = |ms: &u64| zone.to_datetime(Timestamp::from_millisecond((*ms).try_into().unwrap()).unwrap()).date();
        let dates: std::collections::BTreeSet<_> = slots.iter().map(date).collect();
        assert_eq!((slots.len(), dates.len()), (5, 5), "{slots:?}");
    }
}

#[test]
fn slots_that_were_missed_are_one_run_at_start() {
    let now = at("2026-06-01T12:00:00Z");
    let mut unit = Unit::scheduled(daily(), Some(now - 30 * DAY), now);
    assert_eq!(live(&mut unit, now, now + 60 * MINUTE), [now]);
    let every = Schedule::every(MINUTE, "every 1m".to_owned(), "a");
    let mut unit = Unit::scheduled(every, Some(now - 720 * MINUTE), now);
    assert_eq!(unit.turn(now), Some(Why::Slot));
    unit.begin(now);
    unit.end(Ended::Well, None, now);
    assert_eq!(unit.turn(now), None);
}

#[test]
fn a_schedule_that_never_ran_waits_for_its_first_slot_unless_it_comes_every_so_often() {
    let now = at("2026-06-01T12:00:00Z");
    assert_eq!(Unit::scheduled(daily(), None, now).turn(now), None);
    let every = Schedule::every(15 * MINUTE, "every 15m".to_owned(), "a");
    assert_eq!(Unit::scheduled(every, None, now).turn(now), Some(Why::Slot));
}

#[test]
fn a_clock_that_is_set_back_or_forward_gives_each_slot_once() {
    let now = at("2026-06-01T00:31:00Z");
    let mut unit = Unit::scheduled(daily(), Some(now - DAY), now);
    assert_eq!(live(&mut unit, now, now + MINUTE), [now], "the slot of 00:30 UTC");
    assert_eq!(live(&mut unit, now - 120 * MINUTE, now + 60 * MINUTE), [] as [u64; 0], "two hours back");
    let later = now + 10 * DAY;
    assert_eq!(live(&mut unit, later, later + 60 * MINUTE), [later], "ten days forward: one run");
}

#[test]
fn changes_are_gathered_for_a_second_and_what_comes_meanwhile_is_a_turn_of_its_own() {
    let mut unit = Unit::following();
    assert_eq!(unit.turn(5_000), Some(Why::Asked), "it begins with a run");
    unit.begin(5_000);
    unit.changed(5_100);
    assert_eq!(unit.turn(9_000), None, "one turn at a time");
    unit.end(Ended::Well, None, 9_000);
    assert_eq!(unit.turn(9_000), Some(Why::Data));
    unit.begin(9_000);
    unit.end(Ended::Well, None, 9_100);
    assert_eq!(unit.turn(20_000), None);
    unit.changed(20_000);
    unit.changed(20_900);
    assert_eq!((unit.turn(20_999), unit.next_ms()), (None, Some(21_000)));
    assert_eq!(unit.turn(21_000), Some(Why::Data));
    let mut unit = Unit::scheduled(daily(), Some(at("2026-06-01T12:00:00Z")), at("2026-06-01T12:00:00Z"));
    unit.changed(at("2026-06-01T12:00:00Z"));
    assert_eq!(unit.turn(at("2026-06-01T13:00:00Z")), None, "one with a schedule waits for its slot");
}

#[test]
fn what_waits_is_taken_up_when_it_is_due_and_never_in_a_hurry() {
    let mut unit = Unit::following();
    unit.begin(0);
    unit.end(Ended::Again, Some(60_000), 0);
    assert_eq!((unit.turn(1_999), unit.turn(2_000)), (None, Some(Why::Due)), "others may not even have been tried");
    unit.begin(2_000);
    unit.end(Ended::Again, Some(1_000), 2_000);
    assert_eq!((unit.turn(5_999), unit.turn(6_000)), (None, Some(Why::Due)), "twice as long");
    let mut now = 6_000;
    for _ in 0..20 {
        unit.begin(now);
        unit.end(Ended::Again, Some(now), now);
        now = unit.next_ms().unwrap();
    }
    unit.begin(now);
    unit.end(Ended::Again, None, now);
    assert_eq!(unit.next_ms(), Some(now + 300_000), "five minutes at most");
    unit.want();
    assert_eq!(unit.turn(now), Some(Why::Asked), "a person does not wait");
    unit.begin(now);
    unit.end(Ended::Well, Some(now + 50), now);
    assert_eq!(unit.next_ms(), Some(now + 50), "what got through is not held up");
}

#[test]
fn what_needs_a_person_waits_for_a_change() {
    let mut unit = Unit::following();
    unit.begin(0);
    unit.end(Ended::Person, None, 0);
    assert_eq!((unit.turn(10_000_000), unit.next_ms()), (None, None));
    unit.changed(10_000_000);
    assert_eq!(unit.turn(10_001_000), Some(Why::Data));
    unit.begin(10_001_000);
    unit.end(Ended::Interrupted, None, 10_002_000);
    assert_eq!(unit.turn(10_002_000), Some(Why::Asked), "what was interrupted goes on");
}
