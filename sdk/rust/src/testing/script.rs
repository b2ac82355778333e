//! A network that plays answers from a list.

use std::collections::VecDeque;

use crate::bindings::enroute::destination::types::PreparedRequest;
use crate::{Answer, Failure, Http, Item, Request};

/// A request that reached the [`Script`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    /// The kind of a derived request; none for a prepared one.
    pub kind: Option<String>,
    /// What was sent.
    pub request: Request,
}

/// Answers in order. When there is none left, the destination cannot be reached.
///
/// ```
/// use enroute_sdk::testing::Script;
/// use enroute_sdk::{Answer, Failure, Http as _, Request};
///
/// let mut script = Script::new([Ok(Answer::new(200, "{}")), Err(Failure::Interrupted("reset".to_owned()))]);
/// let request = Request::get("https://api.example.com");
/// assert_eq!(script.send("probe", &request).unwrap().status, 200);
/// assert!(script.send("probe", &request).is_err());
/// assert_eq!(script.called().len(), 2);
/// ```
#[derive(Debug, Default)]
pub struct Script {
    prepared: Vec<PreparedRequest>,
    answers: VecDeque<Result<Answer, Failure>>,
    called: Vec<Called>,
}

impl Script {
    /// A script of these answers.
    #[must_use]
    pub fn new(answers: impl IntoIterator<Item = Result<Answer, Failure>>) -> Self {
        Self { answers: answers.into_iter().collect(), ..Self::default() }
    }

    /// What was sent so far.
    #[must_use]
    pub fn called(&self) -> &[Called] {
        &self.called
    }

    /// Number of answers that nobody asked for.
    #[must_use]
    pub fn left(&self) -> usize {
        self.answers.len()
    }

    /// Takes the requests of the delivery that is carried out next.
    pub(super) fn hold(&mut self, prepared: &[PreparedRequest]) {
        self.prepared = prepared.to_vec();
    }

    fn answer(&mut self, kind: Option<&str>, request: Request) -> Result<Answer, Failure> {
        self.called.push(Called { kind: kind.map(str::to_owned), request });
        self.answers.pop_front().unwrap_or_else(|| Err(Failure::Unreachable("the script has ended".to_owned())))
    }
}

impl Http for Script {
    fn send_prepared(&mut self, index: u32, _: &[Item]) -> Result<Answer, Failure> {
        match self.prepared.get(index as usize) {
            Some(prepared) => {
                let request = prepared.request.clone();
                self.answer(None, request)
            }
            None => Err(Failure::Denied(format!("the delivery has no request {index}"))),
        }
    }

    fn send(&mut self, kind: &str, request: &Request) -> Result<Answer, Failure> {
        self.answer(Some(kind), request.clone())
    }

    fn send_all(&mut self, kind: &str, requests: &[Request]) -> Vec<Result<Answer, Failure>> {
        requests.iter().map(|request| self.answer(Some(kind), request.clone())).collect()
    }
}
