//! How states and reports look: the words of the pages and their signs.

use enroute_api::desk::overview::Connection;
use serde_json::Value as Json;

use crate::parts::{Tag, tag};
use crate::words::number;

/// A connection's state.
#[must_use]
pub(crate) fn connection(one: &Connection) -> Tag {
    let because = |word: &str| match &one.reason {
        Some(reason) if !reason.is_empty() => format!("{word}: {}", cut(reason, 48)),
        _ => word.to_owned(),
    };
    match one.state.as_str() {
        "never_synced" => tag("idle", "Not started"),
        "running" => tag("info", "Running"),
        "waiting" => tag("wait", format!("Waiting ({})", number(one.waiting))),
        "paused" => tag("bad", because("Paused")),
        "guarded" => tag("warn", "Stopped by its guard"),
        "failed" => tag("bad", because("Failed")),
        "turned_off" => tag("idle", "Turned off"),
        "disabled" => tag("idle", "Destination is off"),
        _ if one.refused > 0 => tag("warn", format!("Connected, {} refused", number(one.refused))),
        _ => tag("ok", "Connected"),
    }
}

/// A destination's state.
#[must_use]
pub(crate) fn destination(state: &str) -> Tag {
    match state {
        "connected" => tag("ok", "Connected"),
        "disabled" => tag("idle", "Disabled"),
        _ => tag("idle", "Disconnected"),
    }
}

/// How a connection's part of a run ended; done with rejections is never well.
#[must_use]
pub(crate) fn ended(report: &Json) -> Tag {
    let rejected = count(report, "/outcomes/rejected");
    match report.get("state").and_then(Json::as_str).unwrap_or("running") {
        "done" if rejected > 0 => tag("warn", format!("Done, {} rejected", number(rejected))),
        "done" => tag("ok", "Done"),
        "waiting" => tag("wait", "Some wait"),
        "paused" => tag("bad", "Paused"),
        "guarded" => tag("warn", "Stopped by its guard"),
        "failed" => tag("bad", "Failed"),
        "interrupted" => tag("warn", "Interrupted"),
        _ => tag("info", "Running"),
    }
}

/// A plugin's file.
#[must_use]
pub(crate) fn plugin(state: &str) -> Tag {
    match state {
        "locked" => tag("ok", "Locked"),
        "not_locked" => tag("warn", "Not locked"),
        "differs" => tag("bad", "Changed on disk"),
        "found" => tag("idle", "Found, not used"),
        "missing" => tag("bad", "File is missing"),
        _ => tag("bad", "Cannot be read"),
    }
}

/// A source.
#[must_use]
pub(crate) fn source(state: &str) -> Tag {
    match state {
        "running" => tag("info", "Reading"),
        "person" => tag("bad", "Stopped"),
        "waiting" => tag("wait", "Waits for its turn"),
        _ => tag("ok", "Read"),
    }
}

/// Where a person is at a destination.
#[must_use]
pub(crate) fn member(state: &str) -> Tag {
    match state {
        "held" => tag("ok", "There"),
        "in doubt" => tag("warn", "Not sure yet"),
        "refused" => tag("bad", "Refused"),
        "left out by the mapping" => tag("idle", "No mapping matches"),
        "carried by another profile" => tag("idle", "Same person as another"),
        "not there" => tag("idle", "Not there"),
        state if state.starts_with("waiting") => tag("wait", "Waiting"),
        _ => tag("idle", state.to_owned()),
    }
}

/// A number in a report.
#[must_use]
pub(crate) fn count(report: &Json, pointer: &str) -> u64 {
    report.pointer(pointer).and_then(Json::as_u64).unwrap_or_default()
}

/// A text in a report.
#[must_use]
pub(crate) fn text(report: &Json, name: &str) -> String {
    report.get(name).and_then(Json::as_str).unwrap_or_default().to_owned()
}

/// A text of at most so many characters.
#[must_use]
pub(crate) fn cut(text: &str, most: usize) -> String {
    let kept: String = text.chars().take(most).collect();
    if kept.len() < text.len() { format!("{kept}…") } else { kept }
}
