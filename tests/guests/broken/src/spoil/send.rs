//! Defects of `send`: which kind of work has which.

use std::hash::{BuildHasher as _, RandomState};

use enroute_sdk::bindings::enroute::destination::types::{Connection, Work};
use enroute_sdk::{Fate, Outcome, Report, Ticket, Verdict};

use super::network::{SpoiledHttp, beside_a_delivery, beside_a_probe};
use super::{outcomes, verdict, words};

/// Wait before a job that nobody began is asked about.
const ASK_AFTER_MS: u64 = 1_000;

/// The report of who asks for nothing at all, on the way to delivering.
pub(crate) fn unasked(defect: &str, work: &Work) -> Option<Report> {
    let Work::Deliver(work) = work else { return None };
    let outcome = match defect {
        "delivers_without_asking" => Outcome::Delivered,
        "is_unchanged_without_asking" => Outcome::Unchanged("there_already".to_owned()),
        "accepts_without_asking" => Outcome::Accepted(Ticket { token: "j0".to_owned(), ask_after_ms: ASK_AFTER_MS }),
        _ => return None,
    };
    let members = (0..).zip(&work.changes).map(|(member, _)| member).collect();
    Some(Report {
        fates: vec![Fate { members, outcome }],
        verdict: Verdict::Ok,
        unattributed: Vec::new(),
        remote: None,
        account: None,
        warnings: Vec::new(),
    })
}

/// What goes wrong with a sound report.
pub(crate) fn report(http: &SpoiledHttp<'_>, connection: &Connection, work: &Work, report: &mut Report) {
    match work {
        Work::Probe => probe(http, report),
        Work::Open => open(http, connection, report),
        Work::Resume(_) => outcomes::of_a_job(http, report),
        Work::Deliver(work) => {
            outcomes::of_a_delivery(http, work, report);
            verdict::of_a_delivery(http, report);
            words::of_a_delivery(http, work, report);
            beside_a_delivery(http.defect);
        }
    }
}

fn probe(http: &SpoiledHttp<'_>, report: &mut Report) {
    match http.defect {
        "probe_is_always_well" => report.verdict = Verdict::Ok,
        "probe_is_well_without_an_account" if http.answered(404) => report.verdict = Verdict::Ok,
        "probe_is_well_with_an_error" if http.success_says(|text| text.contains("\"error\"")) => {
            report.verdict = Verdict::Ok;
        }
        "probe_blames_the_key" if http.answered(500) => {
            report.verdict = Verdict::CredentialInvalid("the key is not accepted".to_owned());
        }
        defect => beside_a_probe(defect),
    }
}

fn open(http: &SpoiledHttp<'_>, connection: &Connection, report: &mut Report) {
    let well = report.verdict == Verdict::Ok;
    match http.defect {
        "open_is_always_well" => report.verdict = Verdict::Ok,
        "open_is_well_without_a_list" if http.answered(404) => report.verdict = Verdict::Ok,
        "remote_is_no_json" if well => report.remote = Some("list 7".to_owned()),
        "remote_is_never_the_same" if well => {
            report.remote = Some(format!("{{\"list\":\"7\",\"nonce\":{}}}", RandomState::new().hash_one(0)));
        }
        "remote_grows" if well => {
            let before = connection.remote.as_deref().unwrap_or("null");
            report.remote = Some(format!("{{\"list\":\"7\",\"before\":{before}}}"));
        }
        "remote_keeps_the_answer" if well => {
            let texts: Vec<_> = http.answers.iter().flatten().map(|answer| answer.text()).collect();
            report.remote = Some(serde_json::json!({ "list": "7", "answers": texts, "again": texts }).to_string());
        }
        _ => {}
    }
}
