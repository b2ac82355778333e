//! What is remembered of uploads that were taken in and end later.

use enroute_sdk::Outcome;
use serde::{Deserialize, Serialize};

/// Wait before the first question, as Google advises; later ones wait twice as long each, up to the longest.
const WAIT_MS: u64 = 30 * 60_000;
const WAIT_MS_MAX: u64 = 4 * 60 * 60_000;

/// After so many questions more than a day has passed, and Google answers no more.
const ASKED_MAX: u32 = 9;

/// Uploads whose end is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ticket {
    /// Requests of the Data Manager API, by their ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) requests: Vec<String>,
    /// The job of the Google Ads API that is running.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) job: Option<String>,
    /// The job that is filled and runs when the first has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) then: Option<String>,
    /// How often it was asked.
    #[serde(default)]
    asked: u32,
}

impl Ticket {
    /// For requests of the Data Manager API.
    pub(crate) const fn of_requests(requests: Vec<String>) -> Self {
        Self { requests, job: None, then: None, asked: 0 }
    }

    /// For a job of the Google Ads API, and one that follows it.
    pub(crate) const fn of_job(job: String, then: Option<String>) -> Self {
        Self { requests: Vec::new(), job: Some(job), then, asked: 0 }
    }

    /// Reads a token; none where it names nothing to ask about.
    pub(crate) fn parse(token: &str) -> Option<Self> {
        let ticket: Self = serde_json::from_str(token).ok()?;
        (ticket.job.is_some() || !ticket.requests.is_empty()).then_some(ticket)
    }

    /// The same after one more question; none after the last.
    pub(crate) fn asked_again(&self) -> Option<Self> {
        let asked = self.asked + 1;
        (asked < ASKED_MAX).then(|| Self { asked, ..self.clone() })
    }

    /// The fate of its members until the end.
    pub(crate) fn outcome(&self) -> Outcome {
        let after_ms = WAIT_MS.saturating_mul(1 << self.asked.min(16)).min(WAIT_MS_MAX);
        let token = serde_json::to_string(self).unwrap_or_default();
        Outcome::Accepted(enroute_sdk::Ticket { token, ask_after_ms: after_ms })
    }
}
