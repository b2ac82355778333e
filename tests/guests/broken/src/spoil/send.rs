//! Defects of `send`.

use std::hash::{BuildHasher as _, RandomState};

use enroute_sdk::bindings::enroute::destination::http;
use enroute_sdk::bindings::enroute::destination::types::{Cells, Work};
use enroute_sdk::{Answer, Failure, Fate, Http, Item, Outcome, Report, Request, Throttle, Ticket, Verdict};

use super::{ELSEWHERE, call, trap};

/// Bytes of a ticket over the limit.
const OVER_TICKET_BYTES: usize = 5_000;

/// The host's network, with the defects that concern requests, and a record of what was answered.
pub(crate) struct SpoiledHttp<'d> {
    defect: &'d str,
    answers: Vec<Result<Answer, Failure>>,
}

impl<'d> SpoiledHttp<'d> {
    pub(crate) const fn new(defect: &'d str) -> Self {
        Self { defect, answers: Vec::new() }
    }

    /// Whether some answer has this status.
    fn answered(&self, status: u16) -> bool {
        self.answers.iter().flatten().any(|answer| answer.status == status)
    }

    /// Whether some answer of success says this.
    fn success_says(&self, fits: impl Fn(&str) -> bool) -> bool {
        self.answers.iter().flatten().any(|answer| answer.is_success() && fits(&answer.text()))
    }

    fn failed(&self, fits: impl Fn(&Failure) -> bool) -> bool {
        self.answers.iter().any(|answer| answer.as_ref().err().is_some_and(&fits))
    }

    fn note(&mut self, answer: Result<Answer, Failure>) -> Result<Answer, Failure> {
        self.answers.push(answer.clone());
        answer
    }
}

impl Http for SpoiledHttp<'_> {
    fn send_prepared(&mut self, index: u32, learned: &[Item]) -> Result<Answer, Failure> {
        let mut answer = http::send_prepared(index, learned);
        if self.defect == "sends_again" && answer.as_ref().is_ok_and(|answer| answer.status == 503) {
            answer = http::send_prepared(index, learned);
        }
        self.note(answer)
    }

    fn send(&mut self, kind: &str, request: &Request) -> Result<Answer, Failure> {
        let mut request = request.clone();
        if self.defect == "a_type_without_a_body" {
            request.headers.push(Item { name: "content-type".to_owned(), value: "application/json".to_owned() });
        }
        if self.defect == "opens_differently_each_time" && kind == "list" {
            request.path.push(RandomState::new().hash_one(0).to_string());
        }
        let answer = http::send(kind, &request);
        self.note(answer)
    }

    fn send_all(&mut self, kind: &str, requests: &[Request]) -> Vec<Result<Answer, Failure>> {
        requests.iter().map(|request| self.send(kind, request)).collect()
    }
}

/// What goes wrong with a sound report.
pub(crate) fn report(http: &SpoiledHttp<'_>, work: &Work, report: &mut Report) {
    match work {
        Work::Probe => probe(http, report),
        Work::Open => open(http, report),
        Work::Resume(_) if http.defect == "resumes_with_success" => all(report, &Outcome::Delivered),
        Work::Resume(_) => {}
        Work::Deliver(work) => {
            outcomes(http, &work.identifiers, report);
            verdict(http, report);
            requests(http);
        }
    }
}

fn probe(http: &SpoiledHttp<'_>, report: &mut Report) {
    match http.defect {
        "probe_is_always_well" => report.verdict = Verdict::Ok,
        "probe_sends_a_delivery" => {
            let _ = enroute_sdk::bindings::enroute::destination::http::send_prepared(0, &[]);
        }
        _ => {}
    }
}

fn open(http: &SpoiledHttp<'_>, report: &mut Report) {
    match http.defect {
        "open_is_always_well" => report.verdict = Verdict::Ok,
        "remote_is_no_json" if report.verdict == Verdict::Ok => report.remote = Some("list 7".to_owned()),
        _ => {}
    }
}

/// One fate for everybody.
fn all(report: &mut Report, outcome: &Outcome) {
    let members: Vec<u32> = report.fates.iter().flat_map(|fate| fate.members.iter().copied()).collect();
    report.fates = if members.is_empty() { Vec::new() } else { vec![Fate { members, outcome: outcome.clone() }] };
}

fn outcomes(http: &SpoiledHttp<'_>, identifiers: &Cells, report: &mut Report) {
    let is_page = |text: &str| text.contains("<html>");
    let is_cut = |text: &str| text.starts_with('{') && !text.ends_with('}');
    match http.defect {
        "page_is_success" if http.success_says(is_page) => all(report, &Outcome::Delivered),
        "half_an_answer_is_success" if http.success_says(is_cut) => all(report, &Outcome::Delivered),
        "nothing_is_success" if http.success_says(str::is_empty) => all(report, &Outcome::Delivered),
        "error_is_success" if http.answered(500) => all(report, &Outcome::Delivered),
        "not_found_is_success" if http.answered(404) => all(report, &Outcome::Delivered),
        "conflict_is_success" if http.answered(409) => all(report, &Outcome::Delivered),
        "job_without_a_job" if http.answered(503) => {
            let ticket = Ticket { token: "j0".to_owned(), ask_after_ms: 1_000 };
            all(report, &Outcome::Accepted(ticket));
        }
        "trouble_rejects" if http.answered(503) => all(report, &Outcome::rejected("refused", "it is refused")),
        "bad_key_rejects" if http.answered(401) => all(report, &Outcome::rejected("refused", "it is refused")),
        "refusal_without_advice" if http.answered(422) => {
            all(report, &Outcome::rejected("unadvised", "it is refused"));
        }
        "interrupted_is_deferred" if http.failed(|failure| matches!(failure, Failure::Interrupted(_))) => {
            all(report, &Outcome::Deferred(0));
        }
        "too_large_is_deferred" if http.failed(|failure| matches!(failure, Failure::TooLarge(_))) => {
            all(report, &Outcome::Deferred(0));
        }
        "unreachable_is_unknown" if http.failed(|failure| matches!(failure, Failure::Unreachable(_))) => {
            all(report, &Outcome::Unknown);
        }
        "report_leaves_out" if http.answered(404) => {
            report.fates.pop();
        }
        "report_names_twice" if http.answered(404) => {
            let again = report.fates.clone();
            report.fates.extend(again);
        }
        "send_traps" if http.success_says(|text| text.starts_with("[[[[")) => trap("a deep answer"),
        "ticket_is_too_long" => tickets(report, &"j".repeat(OVER_TICKET_BYTES)),
        "ticket_names_a_member" => tickets(report, &identifiers.text),
        _ => {}
    }
}

fn tickets(report: &mut Report, text: &str) {
    for fate in &mut report.fates {
        if let Outcome::Accepted(ticket) = &mut fate.outcome {
            text.chars().take(OVER_TICKET_BYTES).collect::<String>().clone_into(&mut ticket.token);
        }
    }
}

fn verdict(http: &SpoiledHttp<'_>, report: &mut Report) {
    let throttled = |bucket: &str, after_ms| Verdict::Throttled(Throttle { bucket: bucket.to_owned(), after_ms });
    let unavailable = || Verdict::Unavailable("it is not there".to_owned());
    let changed = match (http.defect, &report.verdict) {
        ("throttling_is_trouble", Verdict::Throttled(_)) => unavailable(),
        ("unknown_bucket", Verdict::Throttled(throttle)) => throttled("no_such_bucket", throttle.after_ms),
        ("throttled_for_no_time", Verdict::Throttled(_)) => throttled("api", 5),
        ("bad_key_is_trouble", Verdict::CredentialInvalid(_)) => unavailable(),
        ("trouble_is_well", Verdict::Unavailable(_)) => Verdict::Ok,
        ("reason_quotes_the_answer", Verdict::RefusedBisect(_)) => {
            let said = http.answers.iter().flatten().map(|answer| answer.text().into_owned());
            Verdict::RefusedBisect(said.collect::<Vec<_>>().join(", "))
        }
        _ => return,
    };
    report.verdict = changed;
}

fn requests(http: &SpoiledHttp<'_>) {
    match http.defect {
        "unlisted_kind" => call("extra", "https://api.example.com"),
        "derived_elsewhere" => call("job", ELSEWHERE),
        "derived_with_a_key" => {
            let request = Request::get("https://api.example.com").header("authorization", "Bearer mine");
            let _ = enroute_sdk::bindings::enroute::destination::http::send("job", &request);
        }
        _ => {}
    }
}
