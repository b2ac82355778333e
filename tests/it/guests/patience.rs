//! Plugins that fail again and again: they are left alone soon, and nobody is refused for it.

use std::time::Duration;

use enroute_host::runtime::Limits;
use enroute_host::sync::{self, Detail, LinkState};
use serde_json::json;

use super::{Beside, people};
use crate::support::{gold, link, with};

/// Failed calls that are allowed for lots of a hundred: those that halve one down to one member, and three.
const CALLS_MAX: u64 = 10;
/// Deliveries that may be in flight when the last of them comes back.
const IN_FLIGHT_MAX: u64 = 4;

fn quick() -> Limits {
    Limits { cpu_map: Duration::from_millis(100), cpu_send: Duration::from_millis(100), ..Limits::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_always_loops_is_left_alone_after_a_few_calls() {
    for (mode, calls_max) in [("loop_map", CALLS_MAX), ("loop_send", CALLS_MAX + IN_FLIGHT_MAX)] {
        let beside = Beside::new(mode).await;
        let beside = Beside { limits: quick(), ..beside };
        let report = beside.sync(&people(3_000)).await;
        let misfit = link(&report, "misfit");
        let calls: u64 = misfit.faults.iter().map(|fault| fault.times).sum();
        assert!(calls <= calls_max, "{mode}: {calls} calls: {misfit:#?}");
        assert_eq!((misfit.outcomes.rejected, misfit.outcomes.deferred), (0, 3_000), "{mode}: {misfit:#?}");
        assert_eq!((misfit.state, report.exit_code()), (LinkState::Paused, 5), "{mode}: {misfit:#?}");
        let reason = misfit.reason.as_deref().unwrap_or_default();
        assert!(reason.contains("is left alone") && reason.contains("CPU time"), "{mode}: {reason}");
        // A plugin that is well again gets everybody, without a change of theirs.
        let beside = Beside { limits: Limits::default(), ..beside };
        beside.set("mode = \"ok\"");
        let report = beside.sync(&people(3_000)).await;
        assert_eq!((link(&report, "misfit").outcomes.delivered, report.exit_code()), (3_000, 0), "{mode}");
        assert_eq!(beside.ids().len(), 3_000, "{mode}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_leaves_a_plugin_that_always_loops_alone_too() {
    let beside = Beside { limits: quick(), ..Beside::new("loop_map").await };
    beside.world.people(&people(1_000));
    let store = beside.world.store();
    beside.world.import(&store);
    let plans = sync::plan(&store, &beside.setup().await, &beside.world.clock, Detail::default()).await.unwrap();
    let [braze, facebook, misfit] = plans.as_slice() else { panic!("{} plans", plans.len()) };
    assert_eq!((braze.sendable, facebook.sendable, misfit.sendable), (1_000, 1_000, 0));
    assert!(misfit.stopped.as_ref().is_some_and(|reason| reason.contains("is left alone")), "{:?}", misfit.stopped);
    assert!(misfit.faults.iter().map(|fault| fault.times).sum::<u64>() <= CALLS_MAX, "{:?}", misfit.faults);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_traps_on_everybody_refuses_nobody() {
    for mode in ["trap_map", "trap_send", "allocate"] {
        let beside = Beside::new(mode).await;
        let report = beside.sync(&people(300)).await;
        let misfit = link(&report, "misfit");
        assert_eq!((misfit.outcomes.rejected, misfit.outcomes.deferred), (0, 300), "{mode}: {misfit:#?}");
        assert_eq!((misfit.state, report.exit_code()), (LinkState::Paused, 5), "{mode}: {misfit:#?}");
        assert!(misfit.faults.iter().map(|fault| fault.times).sum::<u64>() <= 40, "{mode}: {misfit:#?}");
    }
}

/// The first in a batch is the one that is found after most failures in a row.
#[tokio::test(flavor = "multi_thread")]
async fn a_bad_member_in_front_of_every_batch_costs_only_itself() {
    let mut people = people(300);
    for number in [0, 100, 200] {
        people[number] = with(gold(&format!("u{number}")), "notes", json!("trap"));
    }
    let beside = Beside::new("trap").await;
    let report = beside.sync(&people).await;
    let misfit = link(&report, "misfit");
    assert_eq!((misfit.outcomes.delivered, misfit.outcomes.rejected), (297, 3), "{misfit:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_only_member_of_a_run_is_refused_where_others_are_held() {
    let beside = Beside::new("trap").await;
    beside.sync(&people(10)).await;
    let mut later = people(10);
    later[4] = with(gold("u4"), "notes", json!("trap"));
    let report = beside.sync(&later).await;
    let misfit = link(&report, "misfit");
    assert_eq!((misfit.outcomes.rejected, misfit.held, report.exit_code()), (1, 10, 4), "{misfit:#?}");
}
