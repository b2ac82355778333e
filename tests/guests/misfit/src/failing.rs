//! Failing and lying in `validate`, `open` and `send`.

use enroute_sdk::{
    Batch, Delivery, Fate, Outcome, Place, Problem, Report, Resume, Severity, Ticket, Unattributed, Value, Verdict,
    Warning,
};

use crate::mapping::{allocate, spin, trap};
use crate::mode::Mode;

/// Warnings, and refusals, that a flood has.
const FLOOD: u32 = 150_000;

/// What `validate` finds, if it comes back.
pub(crate) fn problems(mode: Mode) -> Vec<Problem> {
    match mode {
        Mode::TrapValidate => trap("`validate` was called"),
        Mode::LoopValidate => spin(),
        Mode::AllocateValidate => allocate(),
        Mode::Object => vec![Problem {
            severity: Severity::Error,
            place: Place::Setting("mode".to_owned()),
            message: "this mode is not liked".to_owned(),
            hint: "choose another".to_owned(),
        }],
        _ => Vec::new(),
    }
}

/// Fails in `open` and `probe`.
pub(crate) fn opening(mode: Mode) {
    if mode == Mode::TrapOpen {
        trap("`open` was called");
    }
}

/// A report about requests that were never made, in modes that write one.
pub(crate) fn lie(mode: Mode, delivery: &Delivery<'_>) -> Option<Report> {
    let outcome = match mode {
        Mode::LieDelivered => Outcome::Delivered,
        Mode::LieUnchanged => Outcome::Unchanged("there_already".to_owned()),
        Mode::LieAccepted => Outcome::Accepted(Ticket { token: "j0".to_owned(), ask_after_ms: 0 }),
        _ => return None,
    };
    let members = (0..).take(delivery.members().len()).collect();
    Some(Report { fates: vec![Fate { members, outcome }], ..nothing() })
}

fn nothing() -> Report {
    let (fates, unattributed, warnings) = (Vec::new(), Vec::new(), Vec::new());
    Report { verdict: Verdict::Ok, fates, unattributed, remote: None, account: None, warnings }
}

/// Fails before anything is sent.
pub(crate) fn before(mode: Mode, members: &Batch<'_>) {
    match mode {
        Mode::LoopSend => spin(),
        Mode::TrapSend => trap("`send` was called"),
        Mode::StumbleSend if has_u7(members) => trap("u7 is in it"),
        _ => {}
    }
}

/// Fails after everything was sent.
pub(crate) fn after(mode: Mode, members: &Batch<'_>) {
    match mode {
        Mode::TrapAfter => trap("everything was sent"),
        Mode::LoopAfter => spin(),
        Mode::AllocateAfter => allocate(),
        Mode::StumbleAfter if has_u7(members) => trap("u7 is in it"),
        _ => {}
    }
}

/// Says more than anybody reads.
pub(crate) fn flood(mode: Mode, report: &mut Report) {
    if mode != Mode::FloodWarnings {
        return;
    }
    for number in 0..FLOOD {
        report.warnings.push(Warning { code: format!("warning_{number}"), field: None, count: 1 });
        report.unattributed.push(Unattributed { reason: format!("reason {number}"), count: 1 });
    }
}

fn has_u7(members: &Batch<'_>) -> bool {
    members.members().any(|member| member.identifier(0) == Value::Text("u7"))
}

/// Fails or lies where jobs are asked about.
pub(crate) fn resuming(mode: Mode, work: &Resume) -> Option<Report> {
    match mode {
        Mode::TrapResume => trap("`resume` was called"),
        Mode::LieResume => Some(work.all(Outcome::Delivered)),
        _ => None,
    }
}
