//! What an answer's headers say of the pace: how long to wait, in the forms that destinations have in common.
//!
//! Pure. A plugin knows its destination's own forms and says so in its verdict; this is what holds everybody else back
//! at once, before the plugin has read the answer. `Retry-After` is RFC 9110, section 10.2.3; `X-RateLimit-Remaining`
//! and `X-RateLimit-Reset` are Braze's and Zendesk's ("Rate limits"), the same without `X-` those of the draft "RateLimit
//! header fields for HTTP".

use crate::request::Response;

/// From this number on a reset is a moment in seconds since 1970; below it is a number of seconds.
const MOMENT_S_MIN: u64 = 1_000_000_000;

/// How many milliseconds the destination asks to wait before the next request; 0 where it asks for nothing.
/// Bounded by `longest_ms`, whatever it asks for.
#[must_use]
pub fn wait_ms(answer: &Response, now_ms: u64, longest_ms: u64) -> u64 {
    let header = |name: &str| {
        let found = answer.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        found.and_then(|header| number(&header.value))
    };
    let after_ms = |seconds: u64| {
        let is_moment = seconds >= MOMENT_S_MIN;
        let ms = seconds.saturating_mul(1_000);
        if is_moment { ms.saturating_sub(now_ms) } else { ms }
    };
    let is_busy = matches!(answer.status, 429 | 503);
    let retry_after = header("retry-after").filter(|_| is_busy);
    let has_none_left = ["x-ratelimit-remaining", "ratelimit-remaining"].iter().any(|name| header(name) == Some(0));
    let reset = header("x-ratelimit-reset").or_else(|| header("ratelimit-reset")).filter(|_| has_none_left);
    retry_after.or(reset).map_or(0, after_ms).min(longest_ms)
}

/// A number of seconds as it stands in a header; a fraction counts as a whole one.
fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let more = u64::from(fraction.bytes().any(|byte| byte != b'0'));
    Some(whole.parse::<u64>().unwrap_or(u64::MAX).saturating_add(more))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Item;

    #[track_caller]
    fn check(status: u16, headers: &[(&str, &str)], expect: u64) {
        let header = |(name, value): &(&str, &str)| Item { name: (*name).to_owned(), value: (*value).to_owned() };
        let headers = headers.iter().map(header).collect();
        let answer = Response { status, headers, body: Vec::new() };
        assert_eq!(wait_ms(&answer, 1_795_392_000_000, 86_400_000), expect);
    }

    #[test]
    fn what_the_destination_asks_for_is_waited_for_within_bounds() {
        check(429, &[("retry-after", "7")], 7_000);
        check(503, &[("retry-after", " 2.5 ")], 3_000);
        check(200, &[("retry-after", "7")], 0);
        check(429, &[("retry-after", "315360000")], 86_400_000);
        check(429, &[("retry-after", "99999999999999999999999")], 86_400_000);
        check(429, &[("retry-after", "-1")], 0);
        check(429, &[("retry-after", "soon")], 0);
        check(429, &[], 0);
    }

    #[test]
    fn a_window_with_none_left_is_waited_for() {
        let left = |count| [("x-ratelimit-remaining", count), ("x-ratelimit-reset", "1795392012")];
        check(200, &left("0"), 12_000);
        check(200, &left("1"), 0);
        check(200, &[("ratelimit-remaining", "0"), ("ratelimit-reset", "30")], 30_000);
        check(200, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1795391000")], 0);
        check(200, &[("x-ratelimit-remaining", "0")], 0);
    }
}
