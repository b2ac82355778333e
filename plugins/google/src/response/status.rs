//! How uploads ended: only counted by the Data Manager API, as a whole by the Google Ads API.
//!
//! Pure. Source: "Diagnostics" of the Data Manager API, `OfflineUserDataJobStatus` of the Google Ads API.

use enroute_sdk::{Outcome, Reading, Verdict};
use serde_json::Value;

/// Wait before members of an upload that failed on Google's side are sent again.
const AGAIN_MS: u64 = 30 * 60_000;

/// How one upload stands.
#[derive(Debug, Default)]
pub(crate) struct End {
    /// Whether some of it is still being processed.
    pub(crate) is_open: bool,
    /// Whether nothing of it was used.
    has_failed: bool,
    /// Reasons with the number of members that they cost.
    errors: Vec<(String, u32)>,
    warnings: u32,
}

impl End {
    /// Adds what the Data Manager API says of a request.
    pub(crate) fn add_request(&mut self, body: &Value) {
        let destinations = body.get("requestStatusPerDestination").and_then(Value::as_array);
        let Some(destinations) = destinations.filter(|list| !list.is_empty()) else {
            self.is_open = true;
            return;
        };
        for destination in destinations {
            match destination.get("requestStatus").and_then(Value::as_str) {
                Some("SUCCESS" | "PARTIAL_SUCCESS") => {}
                Some("FAILED" | "FAILURE") => self.has_failed = true,
                _ => self.is_open = true,
            }
            let counts = |pointer: &str| destination.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
            for count in counts("/errorInfo/errorCounts") {
                let reason = count.get("reason").and_then(Value::as_str).unwrap_or("UNSPECIFIED");
                let reason = reason.strip_prefix("PROCESSING_ERROR_REASON_").unwrap_or(reason);
                self.errors.push((reason.to_owned(), number(count)));
            }
            for count in counts("/warningInfo/warningCounts") {
                self.warnings = self.warnings.saturating_add(number(count));
            }
        }
    }

    /// What it means for the members, of whom nobody is named.
    pub(crate) fn reading(&self) -> Reading {
        let reasons: Vec<&str> = self.errors.iter().map(|(reason, _)| reason.as_str()).collect();
        if self.has_failed {
            if reasons.iter().all(|reason| *reason == "INTERNAL_ERROR") {
                return Reading::deferred(AGAIN_MS);
            }
            let reason = format!("Google could use nobody of the request: {}", reasons.join(", "));
            return Reading::all(Outcome::rejected("processing_failed", reason));
        }
        let mut reading = Reading::delivered();
        for (reason, count) in &self.errors {
            reading = reading.unattributed(format!("Google could not use these members: {reason}"), *count);
        }
        if self.warnings > 0 { reading.warn("processing_warning", None, self.warnings) } else { reading }
    }
}

/// How a job of the Google Ads API stands.
#[derive(Debug)]
pub(crate) enum Job {
    /// It waits or runs.
    Open,
    /// All went well.
    Done,
    /// Nothing of it was used.
    Failed(String),
    /// The account has no such job.
    Gone,
}

impl Job {
    /// Reads the answer to a search.
    pub(crate) fn of(body: &Value) -> Self {
        let Some(job) = body.pointer("/results/0/offlineUserDataJob") else { return Self::Gone };
        match job.get("status").and_then(Value::as_str) {
            Some("SUCCESS") => Self::Done,
            Some("FAILED") => {
                let reason = job.get("failureReason").and_then(Value::as_str).unwrap_or("no reason is given");
                Self::Failed(reason.to_owned())
            }
            _ => Self::Open,
        }
    }
}

/// What it means that a job failed: the reason is the job's, not a member's.
pub(crate) fn job_failed(reason: &str) -> Reading {
    Reading::deferred(AGAIN_MS).verdict(Verdict::Unavailable(format!("the job failed: {reason}")))
}

/// A 64-bit number, which proto3 JSON writes as text.
fn number(count: &Value) -> u32 {
    let value = count.get("recordCount").unwrap_or(&Value::Null);
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok()).unwrap_or(0);
    u32::try_from(number).unwrap_or(u32::MAX)
}
