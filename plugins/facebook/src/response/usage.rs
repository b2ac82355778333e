//! How much of its share of calls an account has used, by Meta's usage headers: JSON in a header's value.

use enroute_sdk::Answer;
use serde_json::Value;

/// Share in per cent from which on it is wiser to slow down.
const PERCENT_MAX: f64 = 90.0;

/// Pause where the share is nearly used up: half a minute, as Meta counts over an hour.
const PAUSE_MS: u64 = 30_000;

const MINUTE_MS: u64 = 60_000;

/// How long until calls are welcome again, where a header names a time.
pub(super) fn regain_ms(answer: &Answer) -> Option<u64> {
    let usage = header(answer, "x-business-use-case-usage")?;
    let minutes = entries(&usage).filter_map(|entry| entry.get("estimated_time_to_regain_access")?.as_u64()).max()?;
    (minutes > 0).then(|| minutes.saturating_mul(MINUTE_MS))
}

/// How long to pause after a success, where little of the share is left.
pub(super) fn pause_ms(answer: &Answer) -> Option<u64> {
    let business = header(answer, "x-business-use-case-usage");
    let shares = ["call_count", "total_cputime", "total_time", "acc_id_util_pct"];
    let is_near = |usage: &Value| {
        shares.iter().filter_map(|share| usage.get(share)?.as_f64()).any(|percent| percent >= PERCENT_MAX)
    };
    let near = business.as_ref().is_some_and(|usage| entries(usage).any(is_near))
        || ["x-app-usage", "x-ad-account-usage"]
            .into_iter()
            .any(|name| header(answer, name).is_some_and(|usage| is_near(&usage)));
    near.then(|| regain_ms(answer).unwrap_or(PAUSE_MS))
}

fn header(answer: &Answer, name: &str) -> Option<Value> {
    serde_json::from_str(answer.header(name)?).ok()
}

/// The entries of all accounts: `{"<account>": [entry, …]}`.
fn entries(usage: &Value) -> impl Iterator<Item = &Value> {
    usage.as_object().into_iter().flat_map(|accounts| accounts.values()).filter_map(Value::as_array).flatten()
}
