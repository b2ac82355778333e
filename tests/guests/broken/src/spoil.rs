//! What a defect does to a sound result, defect by defect.

mod bodies;
mod crowds;
mod map;
mod network;
mod outcomes;
mod send;
mod verdict;
mod words;

use enroute_sdk::bindings::enroute::destination::http;
use enroute_sdk::bindings::enroute::destination::types::Connection;
use enroute_sdk::{Place, Problem, Request, Severity};

pub(crate) use bodies::bodies;
pub(crate) use crowds::crowds;
pub(crate) use map::{before_map, mapped};
pub(crate) use network::SpoiledHttp;
pub(crate) use send::{report, unasked};

/// A host that nobody asks for.
pub(crate) const ELSEWHERE: &str = "https://elsewhere.example";

/// The defect that the settings name; `careful_alone_X` is the defect `X` with that choice alone.
pub(crate) fn defect(connection: &Connection) -> String {
    let settings: serde_json::Value = serde_json::from_str(&connection.settings).unwrap_or_default();
    let text = |name: &str| settings.get(name).and_then(serde_json::Value::as_str);
    let named = text("defect").unwrap_or("none");
    let shown = match named.strip_prefix("careful_alone_") {
        Some(_) if text("mode") != Some("careful") => "none",
        Some(hidden) => hidden,
        None => named,
    };
    shown.to_owned()
}

/// Fails as code does that did not think of something.
#[expect(clippy::panic, reason = "that is what it is here for")]
pub(crate) fn trap(why: &str) -> ! {
    panic!("{why}")
}

/// The time, which a pure function has no business to know.
#[expect(clippy::disallowed_types, reason = "whether the kit notices is what is tested")]
pub(crate) fn seconds() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A request that follows from nothing.
pub(crate) fn call(kind: &str, origin: &str) {
    let _ = http::send(kind, &Request::get(origin).path(["extra"]));
}

/// `validate`.
pub(crate) fn problems(defect: &str, connection: &Connection, problems: &mut Vec<Problem>) {
    let problem = |severity, place, message: &str, hint: &str| Problem {
        severity,
        place,
        message: message.to_owned(),
        hint: hint.to_owned(),
    };
    match defect {
        "problem_in_no_row" => problems.push(problem(Severity::Warning, Place::Row(99), "it is odd", "change it")),
        "problem_in_no_setting" => {
            let place = Place::Setting("no_such_setting".to_owned());
            problems.push(problem(Severity::Warning, place, "it is odd", "change it"));
        }
        "problem_too_long" => {
            problems.push(problem(Severity::Warning, Place::Audience, &"odd ".repeat(200), "change it"))
        }
        "problem_of_two_lines" => {
            problems.push(problem(Severity::Warning, Place::Audience, "it is odd", "change it\nor not"))
        }
        "problems_without_end" => {
            let one = || problem(Severity::Warning, Place::Audience, "it is odd", "change it");
            problems.extend((0..150).map(|_| one()));
        }
        "problem_without_hint" => problems.push(problem(Severity::Warning, Place::Audience, "it is odd", "")),
        "validate_sees_the_clock" => {
            problems.push(problem(Severity::Warning, Place::Audience, &format!("it is {} now", seconds()), "wait"));
        }
        "validate_reaches_out" => call("probe", "https://api.example.com"),
        "validate_traps" if connection.settings.contains("\\u0000") => trap("a control character in a setting"),
        "nothing_is_right" => problems.push(problem(Severity::Error, Place::Audience, "it will not do", "give up")),
        _ => {}
    }
}
