//! `probe`: tells trouble, and changes nothing.

use enroute_core::outcome::Verdict;
use enroute_core::request::{Method, Request};
use enroute_host::runtime::Work;
use serde_json::Value;

use crate::answers::Answer;
use crate::bench::Bench;
use crate::catalogue::Check;
use crate::checks::outcomes;
use crate::checks::work::{always, call, different, is_prepared, is_trouble};
use crate::findings::Failure;
use crate::kit::Kit;
use crate::network::{Asked, What};
use crate::people::Crowd;

/// Words in the name of a flag that makes a change a trial.
const TRIAL_WORDS: [&str; 6] = ["valid", "dry", "test", "trial", "preview", "check"];

/// `changes` are the requests by which openings and deliveries change something.
pub(crate) fn check(kit: &Kit<'_>, benches: &[Bench], all: &[Answer], changes: &[Request]) {
    for bench in different(benches) {
        for answer in all {
            probe(kit, bench, answer, changes);
        }
    }
}

fn probe(kit: &Kit<'_>, bench: &Bench, answer: &Answer, changes: &[Request]) {
    let did = format!("{}: probed, answered {}", bench.name, answer.name);
    let nobody = Crowd::default();
    let called = call(kit, bench, &bench.connection, (&Work::Probe, &nobody), always(&answer.reply), &did);
    let Some(called) = called else { return };
    for request in derived(&called.asked) {
        let wrong = change(request, changes);
        kit.findings.expect(Check::ProbeChangesNothing, wrong.is_none(), || {
            let got = format!("{} {}: {}", request.method.as_str(), request.target(), wrong.unwrap_or_default());
            Failure::new(&did, "requests that only read, or are a trial and say so", got)
        });
    }
    // A plugin that asks nothing has nothing to learn from an answer.
    if called.asked.is_empty() || called.asked.iter().any(is_prepared) {
        return;
    }
    if is_trouble(answer) {
        kit.findings.expect(Check::ProbeTellsTrouble, called.report.verdict != Verdict::Ok, || {
            Failure::new(&did, "any verdict but ok", "ok")
        });
    }
    if answer.meaning.blames_nobody() {
        outcomes::causes(kit, answer, &called.report.verdict, &did);
    }
}

pub(crate) fn derived(asked: &[Asked]) -> impl Iterator<Item = &Request> {
    asked.iter().filter_map(|asked| match &asked.what {
        What::Derived(_, request) => Some(request.as_ref()),
        What::Prepared(_) => None,
    })
}

/// Why a request changes something, if it does.
fn change(request: &Request, changes: &[Request]) -> Option<&'static str> {
    match request.method {
        Method::Get => None,
        Method::Put | Method::Patch | Method::Delete => Some("this method changes something"),
        Method::Post => (changes.iter().any(|change| is_alike(request, change)) && !is_trial(&request.body))
            .then_some("an opening or a delivery changes something so, and the body does not say that it is a trial"),
    }
}

/// Whether two requests go to the same place; what fills a slot of the second may be anything.
fn is_alike(request: &Request, change: &Request) -> bool {
    let fits = |(own, known): (&String, &String)| known.is_empty() || own == known;
    request.method == change.method
        && request.path.len() == change.path.len()
        && request.path.iter().zip(&change.path).all(fits)
}

/// Whether a body has nothing in it, or a flag that says that nothing is to be done.
fn is_trial(body: &[u8]) -> bool {
    fn has_value(value: &Value) -> bool {
        match value {
            Value::Null => false,
            Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
            Value::Array(items) => items.iter().any(has_value),
            Value::Object(members) => members.values().any(has_value),
        }
    }
    fn has_flag(value: &Value) -> bool {
        match value {
            Value::Array(items) => items.iter().any(has_flag),
            Value::Object(members) => members.iter().any(|(name, value)| {
                let name = name.to_lowercase();
                *value == Value::Bool(true) && TRIAL_WORDS.iter().any(|word| name.contains(word)) || has_flag(value)
            }),
            _ => false,
        }
    }
    match serde_json::from_slice::<Value>(body) {
        Ok(json) => !has_value(&json) || has_flag(&json),
        Err(_) => body.trim_ascii().is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_has_no_content_or_says_so() {
        for trial in
            ["", "{}", "{\"attributes\":[]}", "{\"a\":[{\"b\":1}],\"validateOnly\":true}", "{\"dry_run\":true}"]
        {
            assert!(is_trial(trial.as_bytes()), "{trial}");
        }
        for real in ["x=1", "{\"name\":\"Gold\"}", "{\"contacts\":[{\"id\":\"kit\"}]}", "{\"validateOnly\":false}"] {
            assert!(!is_trial(real.as_bytes()), "{real}");
        }
    }
}
