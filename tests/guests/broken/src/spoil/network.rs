//! Defects of what is asked for.

use std::hash::{BuildHasher as _, RandomState};

use enroute_sdk::bindings::enroute::destination::http;
use enroute_sdk::bindings::enroute::destination::types::Work;
use enroute_sdk::{Answer, Failure, Http, Item, Request};

use super::{ELSEWHERE, call};

/// The host's network, with the defects that concern requests, and a record of what was answered.
pub(crate) struct SpoiledHttp<'d> {
    pub(super) defect: &'d str,
    pub(super) answers: Vec<Result<Answer, Failure>>,
    /// Prepared requests of the work.
    requests: usize,
    /// The answer to a request that was sent before its turn.
    early: Option<Result<Answer, Failure>>,
}

impl<'d> SpoiledHttp<'d> {
    pub(crate) const fn new(defect: &'d str, work: &Work) -> Self {
        let requests = match work {
            Work::Deliver(work) => work.requests.len(),
            _ => 0,
        };
        Self { defect, answers: Vec::new(), requests, early: None }
    }

    /// Whether some answer has this status.
    pub(super) fn answered(&self, status: u16) -> bool {
        self.answers.iter().flatten().any(|answer| answer.status == status)
    }

    /// Whether some answer of success says this.
    pub(super) fn success_says(&self, fits: impl Fn(&str) -> bool) -> bool {
        self.answers.iter().flatten().any(|answer| answer.is_success() && fits(&answer.text()))
    }

    pub(super) fn failed(&self, fits: impl Fn(&Failure) -> bool) -> bool {
        self.answers.iter().any(|answer| answer.as_ref().err().is_some_and(&fits))
    }

    /// Whether something was asked for, and nothing left.
    pub(super) fn nothing_left(&self) -> bool {
        let left =
            |answer: &Result<Answer, Failure>| !matches!(answer, Err(Failure::Denied(_) | Failure::Unreachable(_)));
        !self.answers.is_empty() && !self.answers.iter().any(left)
    }

    fn note(&mut self, answer: Result<Answer, Failure>) -> Result<Answer, Failure> {
        self.answers.push(answer.clone());
        answer
    }
}

impl Http for SpoiledHttp<'_> {
    fn send_prepared(&mut self, index: u32, learned: &[Item]) -> Result<Answer, Failure> {
        let several = self.requests > 1;
        if self.defect == "leaves_the_last_request_out" && several && index as usize == self.requests - 1 {
            return self.answers.last().cloned().unwrap_or(Err(Failure::Denied("nothing was sent".to_owned())));
        }
        if self.defect == "sends_the_last_request_first" && several && index == 0 {
            self.early = Some(http::send_prepared(1, learned));
        }
        let early = self.early.take_if(|_| index == 1);
        let mut answer = early.unwrap_or_else(|| http::send_prepared(index, learned));
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
        if self.defect == "creates_without_looking" && kind == "list" {
            request = Request::post(&request.origin).path(["lists"]).json(b"{\"name\":\"gold\"}".to_vec());
        }
        let mut answer = http::send(kind, &request);
        if self.defect == "asks_again" && answer.as_ref().is_ok_and(|answer| answer.status == 503) {
            answer = http::send(kind, &request);
        }
        self.note(answer)
    }

    fn send_all(&mut self, kind: &str, requests: &[Request]) -> Vec<Result<Answer, Failure>> {
        requests.iter().map(|request| self.send(kind, request)).collect()
    }
}

/// Requests that nobody asked for, beside a delivery.
pub(super) fn beside_a_delivery(defect: &str) {
    match defect {
        "unlisted_kind" => call("extra", "https://api.example.com"),
        "derived_elsewhere" => call("job", ELSEWHERE),
        "derived_with_a_key" => {
            let request = Request::get("https://api.example.com").header("authorization", "Bearer mine");
            let _ = http::send("job", &request);
        }
        _ => {}
    }
}

/// Requests by which a probe changes something.
pub(super) fn beside_a_probe(defect: &str) {
    let send = |request: Request| {
        let _ = http::send("probe", &request);
    };
    let origin = "https://api.example.com";
    match defect {
        "probe_sends_a_delivery" => {
            let _ = http::send_prepared(0, &[]);
        }
        "probe_puts" => send(Request::put(origin).path(["lists", "kit"]).json(b"{}".to_vec())),
        "probe_deletes" => send(Request::new(enroute_sdk::Method::Delete, origin).path(["lists", "kit"])),
        "probe_adds_somebody" => {
            let body = b"{\"contacts\":[{\"id\":\"kit\"}]}".to_vec();
            send(Request::post(origin).path(["lists", "7", "contacts"]).json(body));
        }
        _ => {}
    }
}
