//! What a destination answers when something is wrong, and what is true of it whatever the destination.

use enroute_core::request::{Item, Response};
use enroute_host::egress::Failure;

use crate::network::Reply;

/// Bytes of the largest answer that a guest gets.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// Bytes that an answer is swollen to, by longer lists.
const SWOLLEN_BYTES: usize = 900_000;
/// Depth of nested lists in an answer.
const DEPTH: usize = 100_000;
/// Seconds that a 429 asks to wait: few, so that a fixed wait shows by being absurdly longer, and half an hour, so that
/// it shows by being too short.
const WAIT_S: u64 = 7;
const LONG_WAIT_S: u64 = 1_800;
/// Longest wait that still reads as "seven seconds", and as "half an hour": what a plugin may round up to.
const WAIT_MS_MAX: u64 = 3_600_000;
const LONG_WAIT_MS_MAX: u64 = 2 * 3_600_000;
/// What may pass between an answer with a date and its reading: the kit waits for no clock.
const DATE_LEEWAY_MS: u64 = 300_000;
/// Longest wait of all (K6.9).
pub(crate) const DAY_MS: u64 = 24 * 3_600_000;

/// What follows from an answer for every destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The content is refused, for whatever reason.
    Refused,
    /// What was asked for is not there: a person, an entry, a list, the address.
    Absent,
    /// It is there already, or two writers met.
    Conflict,
    /// A right is missing.
    Forbidden,
    /// Fewer members would do.
    TooLarge,
    /// Refused without looking at any member: a wrong method, another address, something in between.
    Elsewhere,
    /// The credential is not accepted.
    Credential,
    /// Too fast; the answer asks for a wait from so many milliseconds to so many.
    Throttled(u64, u64),
    /// The destination is in trouble.
    Trouble,
    /// Nothing left.
    NothingLeft,
    /// Bytes left and no complete answer came.
    Interrupted,
    /// A success by its status, whose body says nothing sure.
    Unclear,
    /// A success by its status, whose body is an error and nothing else.
    ErrorInside,
    /// Everybody arrived, in one of the plugin's own cases.
    Good,
}

impl Meaning {
    /// Whether nobody whose request was answered so can have arrived, also where others were answered well.
    const fn is_clear_failure(self) -> bool {
        !matches!(self, Self::Refused | Self::Absent | Self::Conflict | Self::Good)
    }

    /// Whether it says that something is wrong that is not a member's, so that nobody can be rejected for it.
    pub(crate) const fn blames_nobody(self) -> bool {
        matches!(
            self,
            Self::Credential
                | Self::Throttled(..)
                | Self::Trouble
                | Self::NothingLeft
                | Self::Interrupted
                | Self::Unclear
        )
    }

    /// Whether a probe or an opening that got nothing but this cannot be in order.
    pub(crate) const fn is_of_no_use(self) -> bool {
        self.blames_nobody() && !matches!(self, Self::Unclear)
            || matches!(self, Self::Absent | Self::Forbidden | Self::Elsewhere | Self::ErrorInside)
    }
}

/// An answer with its meaning.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) name: String,
    pub(crate) meaning: Meaning,
    pub(crate) reply: Reply,
}

impl Answer {
    fn new(name: &str, meaning: Meaning, reply: Reply) -> Self {
        Self { name: name.to_owned(), meaning, reply }
    }

    /// As [`Meaning::is_clear_failure`].
    pub(crate) const fn is_clear_failure(&self) -> bool {
        self.meaning.is_clear_failure()
    }

    /// Whether the answer names a time to wait.
    pub(crate) fn asks_to_wait(&self) -> bool {
        let named = |response: &Response| response.headers.iter().any(|header| header.name == "retry-after");
        self.reply.as_ref().is_ok_and(named)
    }

    /// The status and the kind of body, by which answers are like each other.
    fn likeness(&self) -> (u16, Option<String>, bool) {
        let Ok(response) = &self.reply else { return (0, None, false) };
        let kind = response.headers.iter().find(|header| header.name == "content-type");
        (response.status / 100, kind.map(|kind| kind.value.clone()), response.body.is_empty())
    }
}

/// One of each kind of clear failure: what is tried after a good answer.
pub(crate) fn samples(all: &[Answer]) -> Vec<&Answer> {
    let mut samples: Vec<&Answer> = Vec::new();
    for answer in all.iter().filter(|answer| answer.is_clear_failure()) {
        let kind = |answer: &Answer| (std::mem::discriminant(&answer.meaning), answer.likeness());
        let is_like = |known: &&Answer| kind(known) == kind(answer);
        if !samples.iter().any(is_like) {
            samples.push(answer);
        }
    }
    samples
}

fn response(status: u16, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Reply {
    let headers =
        headers.iter().map(|(name, value)| Item { name: (*name).to_owned(), value: (*value).to_owned() }).collect();
    Ok(Response { status, headers, body: body.into() })
}

pub(crate) fn json(status: u16, body: &str) -> Reply {
    response(status, &[("content-type", "application/json")], body)
}

fn page(status: u16) -> Reply {
    response(status, &[("content-type", "text/html")], HTML)
}

fn text(status: u16, text: &str) -> Reply {
    response(status, &[("content-type", "text/plain")], text)
}

const HTML: &str = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>success</body></html>";

/// What destinations answer. `echo` is an address of a member, which careless ones repeat.
pub(crate) fn all(echo: &str, goods: &[Response]) -> Vec<Answer> {
    let mut answers = refusals(echo);
    answers.extend(throttled());
    answers.extend(troubles(echo));
    answers.extend(unclear(goods));
    answers.extend(errors_inside(echo));
    answers.extend(goods.iter().enumerate().filter_map(|(number, good)| cut(number, good)));
    answers
}

/// Bodies that refuse: an error, and a list of them.
fn refusing(echo: &str) -> (String, String) {
    (
        format!("{{\"error\":{{\"message\":\"bad value {echo}\"}},\"message\":\"bad value {echo}\"}}"),
        format!("{{\"errors\":[\"{echo} is invalid\",{{\"message\":\"{echo}\"}}],\"message\":\"{echo}\"}}"),
    )
}

fn refusals(echo: &str) -> Vec<Answer> {
    let (error, list) = refusing(echo);
    let moved = [("location", "https://elsewhere.example/")];
    vec![
        Answer::new("400", Meaning::Refused, json(400, &error)),
        Answer::new("400 with a list of errors", Meaning::Refused, json(400, &list)),
        Answer::new("400 with a text", Meaning::Refused, text(400, &format!("invalid: {echo}"))),
        Answer::new("401", Meaning::Credential, json(401, "{\"message\":\"unauthorized\"}")),
        Answer::new("403", Meaning::Forbidden, json(403, &error)),
        Answer::new("403 as a web page", Meaning::Elsewhere, page(403)),
        Answer::new("402", Meaning::Elsewhere, json(402, "{\"message\":\"payment required\"}")),
        Answer::new("404", Meaning::Absent, json(404, &error)),
        Answer::new("404 as a web page", Meaning::Absent, page(404)),
        Answer::new("405", Meaning::Elsewhere, json(405, "{\"message\":\"method not allowed\"}")),
        Answer::new("409", Meaning::Conflict, json(409, &error)),
        Answer::new("410", Meaning::Absent, json(410, "{\"message\":\"gone\"}")),
        Answer::new("413", Meaning::TooLarge, json(413, "{}")),
        Answer::new("415", Meaning::Elsewhere, json(415, "{\"message\":\"unsupported media type\"}")),
        Answer::new("422", Meaning::Refused, json(422, &list)),
        Answer::new("501", Meaning::Elsewhere, json(501, "{\"message\":\"not implemented\"}")),
        Answer::new("a redirect", Meaning::Elsewhere, response(302, &moved, "")),
        Answer::new("a redirect for good", Meaning::Elsewhere, response(308, &moved, HTML)),
    ]
}

fn troubles(echo: &str) -> Vec<Answer> {
    let (error, _) = refusing(echo);
    let interrupted = |reason: &str| Err(Failure::Interrupted(reason.to_owned()));
    vec![
        Answer::new("408", Meaning::Trouble, json(408, "{\"message\":\"request timeout\"}")),
        Answer::new("500", Meaning::Trouble, json(500, &error)),
        Answer::new("500 with a page", Meaning::Trouble, page(500)),
        Answer::new("502", Meaning::Trouble, page(502)),
        Answer::new("503", Meaning::Trouble, response(503, &[("retry-after", "30")], "")),
        Answer::new("503 asking for ten years", Meaning::Trouble, response(503, &[("retry-after", TEN_YEARS_S)], "")),
        Answer::new("504", Meaning::Trouble, text(504, "upstream timed out")),
        Answer::new("520", Meaning::Trouble, page(520)),
        Answer::new("no connection", Meaning::NothingLeft, Err(Failure::Unreachable("no route".to_owned()))),
        Answer::new("denied by the host", Meaning::NothingLeft, Err(Failure::Denied("not granted".to_owned()))),
        Answer::new("no answer in time", Meaning::Interrupted, interrupted("none came")),
        Answer::new("a reset after the request left", Meaning::Interrupted, interrupted("reset")),
        Answer::new("an answer that is too large", Meaning::Interrupted, Err(Failure::TooLarge(1 << 20))),
    ]
}

/// A `retry-after` that nobody can mean.
const TEN_YEARS_S: &str = "315360000";

fn throttled() -> Vec<Answer> {
    // A plugin may see a date from the answer's own or from its clock, so both are those of today.
    let now = jiff::Timestamp::now();
    let date = |seconds: i64| {
        let then = now.checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap_or(now);
        jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&then).unwrap_or_default()
    };
    let today = date(0);
    let asked = |name: &str, (least, most): (u64, u64), retry_after: Option<&str>| {
        let mut headers = vec![("date", today.as_str())];
        headers.extend(retry_after.map(|text| ("retry-after", text)));
        let reply = response(429, &headers, "{\"message\":\"slow down\"}");
        Answer::new(name, Meaning::Throttled(least, most), reply)
    };
    let long_ms = LONG_WAIT_S * 1_000;
    vec![
        asked("429 with seconds", (WAIT_S * 1_000, WAIT_MS_MAX), Some(&WAIT_S.to_string())),
        asked("429 with half an hour", (long_ms, LONG_WAIT_MS_MAX), Some(&LONG_WAIT_S.to_string())),
        asked("429 with a date", (long_ms - DATE_LEEWAY_MS, LONG_WAIT_MS_MAX), Some(&date(1_800))),
        asked("429 with a date that has passed", (0, WAIT_MS_MAX), Some(&date(-1_800))),
        asked("429 with nonsense", (1, DAY_MS), Some("soon")),
        asked("429 with ten years", (60_000, DAY_MS), Some(TEN_YEARS_S)),
        asked("429 without a time", (1, DAY_MS), None),
    ]
}

/// Successes by their status whose bodies say nothing sure.
fn unclear(goods: &[Response]) -> Vec<Answer> {
    let mut answers = vec![
        Answer::new("200 with a web page", Meaning::Unclear, page(200)),
        Answer::new("200 with a web page that says JSON", Meaning::Unclear, json(200, HTML)),
        Answer::new("200 with deep nesting", Meaning::Unclear, json(200, &"[".repeat(DEPTH))),
        Answer::new("200 with half a text", Meaning::Unclear, json(200, "{\"status\":\"succ")),
        Answer::new("206 with half a text", Meaning::Unclear, json(206, "{\"status\":\"succ")),
        Answer::new("207 with a web page", Meaning::Unclear, page(207)),
    ];
    answers.extend(bodiless(goods));
    answers
}

/// Successes by their status whose bodies are errors and nothing else, as some destinations answer everything.
fn errors_inside(echo: &str) -> Vec<Answer> {
    let (error, list) = refusing(echo);
    let each = "{\"results\":[{\"status\":400,\"success\":false,\"error\":{\"message\":\"bad value\"}}]}";
    let inside = |name: &str, status, body: &str| Answer::new(name, Meaning::ErrorInside, json(status, body));
    vec![
        inside("200 with an error", 200, &error),
        inside("200 with a list of errors", 200, &list),
        inside("200 that says no success", 200, "{\"success\":false,\"error\":\"bad_request\"}"),
        inside("202 with an error", 202, &error),
        inside("207 with a refusal inside", 207, each),
    ]
}

/// Successes without JSON. They are unclear only where no good answer of the plugin's own cases is like them.
fn bodiless(goods: &[Response]) -> Vec<Answer> {
    let is_json = |good: &Response| serde_json::from_slice::<serde_json::Value>(&good.body).is_ok();
    let mut answers = Vec::new();
    if !goods.iter().any(|good| good.body.trim_ascii().is_empty()) {
        for status in [200, 204, 205, 206, 207] {
            answers.push(Answer::new(&format!("{status} with nothing"), Meaning::Unclear, response(status, &[], "")));
        }
    }
    if goods.iter().all(|good| is_json(good) || good.body.trim_ascii().is_empty()) {
        let plain = [("content-type", "text/plain")];
        answers.push(Answer::new("200 with a plain text", Meaning::Unclear, response(200, &plain, "maintenance")));
        let bytes: Vec<u8> = (0..4_096_u32).map(|n| u8::try_from(n * 7 % 251).unwrap_or(0)).collect();
        let binary = [("content-type", "application/octet-stream")];
        answers.push(Answer::new("200 with garbage", Meaning::Unclear, response(200, &binary, bytes)));
        let huge = vec![b' '; ANSWER_BYTES_MAX];
        answers.push(Answer::new("200 with a MiB of blanks", Meaning::Unclear, response(200, &[], huge)));
    }
    answers
}

/// A good answer of which half is missing.
fn cut(number: usize, good: &Response) -> Option<Answer> {
    let json = serde_json::from_slice::<serde_json::Value>(&good.body).ok()?;
    if !json.is_object() && !json.is_array() {
        return None;
    }
    let half = good.body.get(..good.body.len() / 2)?.to_vec();
    let reply = Ok(Response { body: half, ..good.clone() });
    Some(Answer::new(&format!("good answer {number}, cut in half"), Meaning::Unclear, reply))
}

/// What is done to a list of an answer.
type Change<'c> = &'c dyn Fn(&mut Vec<serde_json::Value>);

/// Good answers with their lists turned round, doubled, and without their first entry: nothing is known of them, but
/// that nobody may be lost over them.
pub(crate) fn distorted(good: &Response) -> Vec<(String, Response)> {
    let Ok(json) = serde_json::from_slice::<serde_json::Value>(&good.body) else { return Vec::new() };
    let changes: [(&str, Change<'_>); 3] = [
        ("with its lists turned round", &|list| list.reverse()),
        ("with its lists doubled", &|list| list.extend(list.clone())),
        ("without the first of each list", &|list| drop(list.drain(..list.len().min(1)))),
    ];
    let distort = |(name, change): (&str, Change<'_>)| {
        let mut json = json.clone();
        each_list(&mut json, change);
        let body = json.to_string().into_bytes();
        (name.to_owned(), Response { body, ..good.clone() })
    };
    changes.into_iter().map(distort).collect()
}

/// A good answer without the headers that could ask for a pause.
pub(crate) fn plain(good: &Response) -> Response {
    let headers = good.headers.iter().filter(|header| header.name == "content-type").cloned().collect();
    Response { headers, ..good.clone() }
}

/// An answer whose outermost lists are so long that it just fits; none where it has no list.
pub(crate) fn swollen(reply: &Reply) -> Option<Reply> {
    let good = reply.as_ref().ok()?;
    let json = serde_json::from_slice::<serde_json::Value>(&good.body).ok()?;
    let grown = |times: usize| {
        let mut json = json.clone();
        outermost_lists(&mut json, times);
        json.to_string().into_bytes()
    };
    let (one, two) = (grown(1).len(), grown(2).len());
    let times = SWOLLEN_BYTES.saturating_sub(one).checked_div(two.saturating_sub(one))?;
    Some(Ok(Response { body: grown(times.max(1)), ..good.clone() }))
}

fn outermost_lists(json: &mut serde_json::Value, times: usize) {
    match json {
        serde_json::Value::Array(list) => *list = std::iter::repeat_n(list.clone(), times).flatten().collect(),
        serde_json::Value::Object(members) => members.values_mut().for_each(|item| outermost_lists(item, times)),
        _ => {}
    }
}

fn each_list(json: &mut serde_json::Value, change: Change<'_>) {
    match json {
        serde_json::Value::Array(list) => {
            list.iter_mut().for_each(|item| each_list(item, change));
            change(list);
        }
        serde_json::Value::Object(members) => members.values_mut().for_each(|item| each_list(item, change)),
        _ => {}
    }
}

/// An answer after which everybody arrived in one of the plugin's cases.
pub(crate) fn good(good: Response) -> Answer {
    Answer::new("well", Meaning::Good, Ok(good))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_swells_by_its_outermost_lists_and_still_fits() {
        let reply = json(200, "{\"lists\":[{\"id\":\"7\",\"tags\":[\"a\",\"b\"]}],\"next\":null}");
        let body = swollen(&reply).unwrap().unwrap().body;
        assert!((SWOLLEN_BYTES / 2..ANSWER_BYTES_MAX).contains(&body.len()), "{} bytes", body.len());
        assert_eq!(swollen(&json(200, "{\"list\":\"7\"}")), None);
    }

    #[test]
    fn a_sample_of_each_kind_is_enough_after_a_good_answer() {
        let all = all("ann@example.com", &[]);
        let samples = samples(&all);
        assert!(samples.len() < all.len() / 2);
        let is_there = |meaning| samples.iter().any(|answer| answer.meaning == meaning);
        assert!(is_there(Meaning::Trouble) && is_there(Meaning::Unclear) && is_there(Meaning::ErrorInside));
        assert!(!is_there(Meaning::Refused) && !is_there(Meaning::Absent));
    }
}
