//! How much of the org's day is used: `Sforce-Limit-Info: api-usage=18/5000`.
//!
//! The allowance is shared with everything else that talks to the org, so a share of it is left alone.

use enroute_sdk::{Answer, Throttle, Verdict};

use super::codes::BUCKET;
use super::codes::EXHAUSTED_MS;

/// The verdict where the rest of the day's calls is reserved for others.
pub(crate) fn verdict(answer: &Answer, reserve_percent: u8) -> Option<Verdict> {
    let (used, most) = usage(answer.header("sforce-limit-info")?)?;
    is_reserved(used, most, reserve_percent)
        .then(|| Verdict::Throttled(Throttle { bucket: BUCKET.to_owned(), after_ms: EXHAUSTED_MS }))
}

/// Whether so many used calls of so many reach into the reserve; without one, nothing does.
pub(crate) fn is_reserved(used: u64, most: u64, reserve_percent: u8) -> bool {
    let open = u64::from(100_u8.saturating_sub(reserve_percent));
    reserve_percent > 0 && most > 0 && used.saturating_mul(100) >= most.saturating_mul(open)
}

/// Used and most calls of the org; the part about single apps stands behind a semicolon.
fn usage(header: &str) -> Option<(u64, u64)> {
    let part = header.split([';', ',']).map(str::trim).find_map(|part| part.strip_prefix("api-usage="))?;
    let (used, most) = part.split_once('/')?;
    Some((used.trim().parse().ok()?, most.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_orgs_usage_is_read_and_an_apps_is_not() {
        assert_eq!(usage("api-usage=18/5000"), Some((18, 5_000)));
        assert_eq!(usage("api-usage=25/5000; per-app-api-usage=17/250(appName=sample-app)"), Some((25, 5_000)));
        assert_eq!(usage("per-app-api-usage=17/250(appName=sample-app)"), None);
        assert_eq!(usage("api-usage=many"), None);
    }

    #[test]
    fn the_reserve_begins_where_the_operator_said() {
        let info = |text: &str, reserve| {
            verdict(&Answer::new(200, "[]").with_header("Sforce-Limit-Info", text), reserve).is_some()
        };
        assert!(!info("api-usage=3999/5000", 20));
        assert!(info("api-usage=4000/5000", 20));
        assert!(!info("api-usage=5000/5000", 0));
        assert!(!info("api-usage=1/0", 20));
    }
}
