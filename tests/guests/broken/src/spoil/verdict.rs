//! Defects of verdicts.

use enroute_sdk::{Failure, Outcome, Report, Throttle, Verdict};

use super::network::SpoiledHttp;

/// The one bucket of the manifest.
const BUCKET: &str = "api";
/// Factor and wait of who reads `retry-after` wrongly.
const MS: u64 = 1_000;
const MINUTE_MS: u64 = 60_000;
const HOUR_S: u64 = 3_600;
const DAY_MS: u64 = 24 * 3_600_000;

pub(super) fn of_a_delivery(http: &SpoiledHttp<'_>, report: &mut Report) {
    let arrived = report.fates.iter().all(|fate| matches!(fate.outcome, Outcome::Delivered | Outcome::Accepted(_)));
    let changed = match &report.verdict {
        Verdict::Throttled(throttle) => wait(http, throttle.after_ms),
        Verdict::Ok if arrived => without_cause(http.defect, "success"),
        Verdict::Unavailable(_) if http.answered(500) => without_cause(http.defect, "trouble"),
        Verdict::RefusedBisect(_) if http.answered(400) => without_cause(http.defect, "refusal"),
        Verdict::Unavailable(_) if http.failed(|failure| matches!(failure, Failure::Unreachable(_))) => {
            without_cause(http.defect, "no_connection")
        }
        _ => None,
    };
    let changed = changed.or_else(|| match (http.defect, &report.verdict) {
        ("bad_key_is_trouble", Verdict::CredentialInvalid(_)) => Some(unavailable()),
        ("trouble_is_well", Verdict::Unavailable(_)) => Some(Verdict::Ok),
        ("reason_quotes_the_answer", Verdict::RefusedBisect(_)) => {
            let said = http.answers.iter().flatten().map(|answer| answer.text().into_owned());
            Some(Verdict::RefusedBisect(said.collect::<Vec<_>>().join(", ")))
        }
        _ => None,
    });
    if let Some(verdict) = changed {
        report.verdict = verdict;
    }
}

/// `success_pauses`, `trouble_holds_the_bucket` and their like.
fn without_cause(defect: &str, after: &str) -> Option<Verdict> {
    match defect.strip_prefix(after)? {
        "_pauses" => Some(Verdict::Misconfigured("something is not as it should be".to_owned())),
        "_blames_the_key" => Some(Verdict::CredentialInvalid("the key is not accepted".to_owned())),
        "_holds_the_bucket" => Some(throttled(BUCKET, MINUTE_MS)),
        _ => None,
    }
}

/// Another wait, bucket or verdict than the answer asks for.
fn wait(http: &SpoiledHttp<'_>, after_ms: u64) -> Option<Verdict> {
    let asked = http.answers.iter().flatten().find_map(|answer| answer.header("retry-after"));
    let is_date = asked.is_some_and(|text| text.contains("GMT"));
    match http.defect {
        "throttling_is_trouble" => Some(unavailable()),
        "unknown_bucket" => Some(throttled("no_such_bucket", after_ms)),
        "throttled_for_no_time" => Some(throttled(BUCKET, 5)),
        "seconds_are_milliseconds" => Some(throttled(BUCKET, after_ms / MS)),
        "seconds_are_hours" => Some(throttled(BUCKET, after_ms.saturating_mul(HOUR_S).min(DAY_MS))),
        "every_wait_is_a_minute" => Some(throttled(BUCKET, MINUTE_MS)),
        "a_date_is_a_minute" if is_date => Some(throttled(BUCKET, MINUTE_MS)),
        "a_long_wait_is_none" if asked.is_some_and(|text| text.len() > 6 && !is_date) => Some(throttled(BUCKET, 1)),
        _ => None,
    }
}

fn throttled(bucket: &str, after_ms: u64) -> Verdict {
    Verdict::Throttled(Throttle { bucket: bucket.to_owned(), after_ms })
}

fn unavailable() -> Verdict {
    Verdict::Unavailable("it is not there".to_owned())
}
