//! `open`: tells trouble, can be repeated, and learns the same again.

use enroute_core::outcome::Verdict;
use enroute_core::request::{Method, Request};
use enroute_host::runtime::{Connection, Work};

use crate::answers::{self, Answer};
use crate::bench::Bench;
use crate::catalogue::Check;
use crate::checks::outcomes;
use crate::checks::probe::derived;
use crate::checks::work::{Called, always, call, different, in_turn, is_trouble};
use crate::findings::Failure;
use crate::kit::Kit;
use crate::network::{Play, Reply};
use crate::people::Crowd;

/// Openings of the cases that are tried with answers whose lists are long.
const SWOLLEN_MAX: usize = 3;

/// Words in the path or the keys of a body by which a `POST` asks for something.
const ASKING: [&str; 8] = ["search", "query", "filter", "find", "lookup", "where", "match", "select"];
/// Words in the path by which it reads.
const READING: [&str; 8] = ["get", "list", "read", "fetch", "describe", "info", "graphql", "retrieve"];

/// Opens in every way; returns the requests by which openings may change something.
pub(crate) fn check(kit: &Kit<'_>, benches: &[Bench], all: &[Answer]) -> Vec<Request> {
    let mut changes = Vec::new();
    if !kit.manifest.opens {
        return changes;
    }
    for bench in different(benches) {
        for answer in all {
            open(kit, bench, answer);
        }
        repeated(kit, bench, &mut changes);
    }
    changes
}

fn once(kit: &Kit<'_>, bench: &Bench, connection: &Connection, play: Play, did: &str) -> Option<Called> {
    let called = call(kit, bench, connection, (&Work::Open, &Crowd::default()), play, did)?;
    if called.report.verdict == Verdict::Ok && called.report.remote.is_some() {
        let creates = derived(&called.asked).next().filter(|request| creates(request));
        kit.findings.expect(Check::OpenLooksFirst, creates.is_none(), || {
            let got = creates.map(|request| format!("{} {}", request.method.as_str(), request.target()));
            Failure::new(did, "a first request that looks for what is there", got.unwrap_or_default())
        });
    }
    Some(called)
}

/// Whether a request makes something new each time: a `POST` that does not ask for anything by its path or its body.
fn creates(request: &Request) -> bool {
    let last = request.path.iter().rev().find(|segment| !segment.is_empty()).map_or("", String::as_str);
    let path = last.to_lowercase();
    let mut words = path.split(|c: char| !c.is_alphanumeric());
    let body = serde_json::from_slice::<serde_json::Value>(&request.body).unwrap_or_default();
    let keys = body.as_object().into_iter().flat_map(serde_json::Map::keys);
    let asks_by_key = keys.map(|key| key.to_lowercase()).any(|key| ASKING.iter().any(|word| key.contains(word)));
    let asks_by_path = words.any(|word| ASKING.contains(&word) || READING.contains(&word));
    request.method == Method::Post && !asks_by_path && !asks_by_key
}

fn open(kit: &Kit<'_>, bench: &Bench, answer: &Answer) {
    let did = format!("{}: opened, answered {}", bench.name, answer.name);
    let Some(called) = once(kit, bench, &bench.connection, always(&answer.reply), &did) else { return };
    if called.asked.is_empty() {
        return;
    }
    if is_trouble(answer) {
        kit.findings.expect(Check::OpenTellsTrouble, called.report.verdict != Verdict::Ok, || {
            Failure::new(&did, "any verdict but ok", "ok")
        });
    }
    if answer.meaning.blames_nobody() {
        outcomes::causes(kit, answer, &called.report.verdict, &did);
    }
}

/// The same answers again: those of the plugin's own cases, and answers that find nothing.
fn repeated(kit: &Kit<'_>, bench: &Bench, changes: &mut Vec<Request>) {
    let openings = kit.givens.iter().filter(|given| given.opens);
    let openings: Vec<Vec<Reply>> =
        openings.map(|given| given.answers.iter().cloned().map(crate::convert::reply).collect()).collect();
    let made_up = ["{}", "[]", "{\"id\":\"7\",\"name\":\"Gold\"}", "{\"result\":[],\"lists\":[]}"]
        .map(|body| vec![answers::json(200, body); 3]);
    for replies in openings.iter().cloned().chain(made_up) {
        let did = format!("{}: opened twice with the same answers", bench.name);
        let Some(first) = once(kit, bench, &bench.connection, in_turn(&replies), &did) else { continue };
        let Some(second) = once(kit, bench, &bench.connection, in_turn(&replies), &did) else { continue };
        let asked = |called: &Called| called.asked.iter().map(|asked| asked.what.clone()).collect::<Vec<_>>();
        let same = asked(&first) == asked(&second);
        kit.findings.expect(Check::OpenCanBeRepeated, same && first.report == second.report, || {
            let got = if same {
                format!("{}, then {}", told(&first), told(&second))
            } else {
                format!("{} requests, then {} of which some differ", first.asked.len(), second.asked.len())
            };
            Failure::new(did, "the same requests, and the same report", got)
        });
        // What comes first looks for the list, and so do its further pages.
        let looking = derived(&first.asked).next().map(|request| (request.method, request.path.clone()));
        let is_change = |request: &&Request| {
            request.method != Method::Get && looking != Some((request.method, request.path.clone()))
        };
        changes.extend(derived(&first.asked).filter(is_change).cloned());
        if first.report == second.report {
            settles(kit, bench, &replies, &first);
        }
    }
    for replies in openings.iter().take(SWOLLEN_MAX) {
        let long: Option<Vec<Reply>> = replies.iter().map(answers::swollen).collect();
        if let Some(long) = long {
            let did = format!("{}: opened with answers whose lists are long", bench.name);
            once(kit, bench, &bench.connection, in_turn(&long), &did);
        }
    }
}

/// Opening again with what was learned leaves it as it is.
fn settles(kit: &Kit<'_>, bench: &Bench, replies: &[Reply], first: &Called) {
    let again = |remote: &Option<String>| {
        let did = format!("{}: opened again with what was learned, and the same answers", bench.name);
        let connection = Connection { remote: remote.clone(), ..bench.connection.clone() };
        once(kit, bench, &connection, in_turn(replies), &did)?.report.remote
    };
    // What was learned before may be kept beside what is learned now, but not ever more of it.
    let Some(second) = first.report.remote.as_ref().and_then(|_| again(&first.report.remote)) else { return };
    let second = Some(second);
    let Some(third) = again(&second) else { return };
    kit.findings.expect(Check::RemoteStaysAsItIs, second.as_deref() == Some(third.as_str()), || {
        let did = format!("{}: opened three times with the same answers, each time with what was learned", bench.name);
        let got = format!("{} bytes, then {} and different", second.as_ref().map_or(0, String::len), third.len());
        Failure::new(did, "the same remote the third time as the second", got)
    });
}

fn told(called: &Called) -> String {
    let remote: String = called.report.remote.as_deref().unwrap_or("no remote").chars().take(60).collect();
    format!("{:?} with {remote}", called.report.verdict)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(path: &[&str], body: &str) -> Request {
        Request {
            method: Method::Post,
            origin: "https://api.example.com".to_owned(),
            path: path.iter().map(|segment| (*segment).to_owned()).collect(),
            query: Vec::new(),
            headers: Vec::new(),
            body: body.as_bytes().to_vec(),
            slots: Vec::new(),
        }
    }

    #[test]
    fn a_post_that_asks_for_something_creates_nothing() {
        for (path, body) in [
            (&["customers", "7", "googleAds:search"][..], "{}"),
            (&["api", "conversations.list"], ""),
            (&["graphql"], "{}"),
            (&["lists"], "{\"searchTerm\":\"gold\"}"),
        ] {
            assert!(!creates(&post(path, body)), "{path:?} {body}");
        }
        assert!(creates(&post(&["lists"], "{\"name\":\"gold\"}")));
        assert!(creates(&post(&["lists", ""], "name=gold")));
    }
}
