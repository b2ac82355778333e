use proptest::prelude::*;

use super::*;

#[track_caller]
fn at_most(taken: &[u64], allowance: usize, per_ms: u64) {
    for &start in taken {
        let inside = taken.iter().filter(|&&at| at >= start && at < start + per_ms).count();
        assert!(inside <= allowance, "{inside} requests in one window of {taken:?}");
    }
}

/// What happens to a pace.
#[derive(Debug, Clone)]
enum Event {
    Wait(u64),
    Take,
    /// The process ends, and another one begins with what was written.
    Restart,
    Refused,
    Answered,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0_u64..400).prop_map(Event::Wait),
        8 => Just(Event::Take),
        1 => Just(Event::Restart),
        1 => Just(Event::Refused),
        2 => Just(Event::Answered),
    ]
}

proptest! {
    #[test]
    fn no_window_sees_more_than_the_allowance(steps in prop::collection::vec(0_u64..400, 1..200)) {
        let mut pace = Pace::new(5, 1_000);
        let mut now = 0;
        let mut taken: Vec<u64> = Vec::new();
        for step in steps {
            now += step;
            if pace.take(now).is_ok() {
                taken.push(now);
            }
        }
        at_most(&taken, 5, 1_000);
    }

    #[test]
    fn a_restart_makes_no_room(events in prop::collection::vec(event(), 1..200)) {
        let mut pace = Pace::new(5, 1_000);
        let (mut now, mut written, mut records) = (0, None, 0);
        let mut taken: Vec<u64> = Vec::new();
        for event in events {
            match event {
                Event::Wait(ms) => now += ms,
                Event::Take if pace.reserve(now).is_ok() => {
                    if let Some(cover) = pace.uncovered() {
                        written = Some(pace.kept(now, cover.ahead));
                        pace.cover(cover);
                        records += 1;
                    }
                    pace.leave(now);
                    taken.push(now);
                }
                Event::Take => {}
                Event::Restart => {
                    pace = Pace::new(5, 1_000);
                    if let Some(kept) = written.clone() {
                        pace = pace.with_kept(kept, now, 60_000);
                    }
                }
                Event::Refused => {
                    pace.refused(now);
                }
                Event::Answered => pace.answered(),
            }
        }
        at_most(&taken, 5, 1_000);
        prop_assert!(records <= taken.len());
    }

    #[test]
    fn waiting_as_long_as_told_is_enough(now in 0_u64..10_000) {
        let mut pace = Pace::new(3, 700);
        let mut now = now;
        for _ in 0..20 {
            if let Err(wait) = pace.take(now) {
                now += wait;
                prop_assert_eq!(pace.take(now), Ok(()));
            }
        }
    }
}

#[test]
fn an_announced_wait_holds_a_full_bucket() {
    let mut pace = Pace::new(10, 1_000);
    pace.hold(100, 30_000);
    assert_eq!(pace.take(100), Err(30_000));
    assert_eq!(pace.take(30_100), Ok(()));
}

#[test]
fn what_may_leave_at_any_moment_counts_as_of_the_moment_it_leaves() {
    let mut pace = Pace::new(2, 1_000);
    assert_eq!((pace.reserve(0), pace.reserve(0)), (Ok(()), Ok(())));
    assert_eq!(pace.reserve(5_000), Err(Wait::Turn));
    pace.leave(5_000);
    assert_eq!(pace.reserve(5_000), Err(Wait::Ms(1_000)), "one may yet leave beside the one that left");
    pace.release();
    assert_eq!(pace.reserve(5_000), Ok(()));
}

#[test]
fn a_record_pays_for_many_requests_and_a_clean_end_for_none() {
    let mut pace = Pace::new(400, 1_000);
    let mut records = 0;
    for now in 0..400 {
        pace.reserve(now).unwrap();
        if let Some(cover) = pace.uncovered() {
            records += 1;
            pace.cover(cover);
        }
        pace.leave(now);
    }
    assert!((4..=8).contains(&records), "{records} records for 400 requests");
    let mut next = Pace::new(400, 1_000).with_kept(pace.kept(500, 0), 500, 60_000);
    assert!(next.take(500).is_err());
    assert!(next.take(1_500).is_ok(), "the window has passed");
    let mut slow = Pace::new(300, 60_000);
    slow.reserve(0).unwrap();
    assert!(slow.uncovered().is_some_and(|cover| cover.ahead <= 3), "a process that is killed costs little of it");
}

#[test]
fn a_clock_that_was_ahead_makes_nobody_wait() {
    let ahead = 400 * 86_400_000;
    let mut pace = Pace::new(1, 1_000);
    pace.take(ahead).unwrap();
    pace.hold(ahead, 1_000);
    let mut next = Pace::new(1, 1_000).with_kept(pace.kept(ahead, 0), 0, 86_400_000);
    assert_eq!(next.take(0), Err(1_000), "as if it had just left");
    assert_eq!(next.take(1_000), Ok(()));
}

#[test]
fn the_room_in_a_window_grows_back_request_by_request() {
    let day_ms = 86_400_000_u32;
    let mut pace = Pace::new(4, day_ms);
    assert_eq!(pace.room(7), (4, 7));
    let mut at = |now_ms| pace.take(now_ms).map(|()| pace.room(now_ms));
    assert_eq!(at(1_000), Ok((3, 86_401_000)));
    assert_eq!(at(61_000), Ok((2, 86_461_000)));
    assert_eq!(pace.room(86_400_999), (2, 86_461_000));
    assert_eq!(pace.room(86_401_000), (3, 86_461_000));
    assert_eq!(pace.room(86_461_000), (4, 86_461_000));
    // What is written down counts no less.
    let again = Pace::new(4, day_ms).with_kept(pace.kept(61_000, 1), 61_000, u64::from(day_ms));
    assert_eq!(again.room(61_000).0, 1);
    pace.hold(61_000, 600_000);
    pace.refused(61_000);
    assert_eq!(pace.room(61_000).0, 0, "fewer are sent where the destination refused some");
}
