//! What a destination answers when something is wrong, and what is true of it whatever the destination.

use enroute_core::request::{Item, Response};
use enroute_host::egress::Failure;

use crate::network::Reply;

/// Bytes of the largest answer that a guest gets.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// Depth of nested lists in an answer.
const DEPTH: usize = 100_000;
/// Seconds that a polite 429 asks to wait.
pub(crate) const WAIT_S: u64 = 30;

/// What follows from an answer for every destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Refused, for whatever reason: nobody is delivered.
    Refused,
    /// The credential is not accepted.
    Credential,
    /// A right is missing, or something between us and the destination refuses.
    Forbidden,
    /// Too fast; the answer asks for this many milliseconds at least.
    Throttled(u64),
    /// The destination is in trouble.
    Trouble,
    /// Nothing left.
    NothingLeft,
    /// Bytes left and no complete answer came.
    Interrupted,
    /// A success by its status, whose body says nothing sure.
    Unclear,
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

    /// Whether nobody whose request was answered so can have arrived, also where others were answered well.
    pub(crate) const fn is_clear_failure(&self) -> bool {
        !matches!(self.meaning, Meaning::Refused)
    }
}

fn response(status: u16, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Reply {
    let headers =
        headers.iter().map(|(name, value)| Item { name: (*name).to_owned(), value: (*value).to_owned() }).collect();
    Ok(Response { status, headers, body: body.into() })
}

fn json(status: u16, body: &str) -> Reply {
    response(status, &[("content-type", "application/json")], body)
}

const HTML: &str = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>success</body></html>";

/// What destinations answer. `echo` is an address of a member, which careless ones repeat.
pub(crate) fn all(echo: &str, goods: &[Response]) -> Vec<Answer> {
    let error = format!("{{\"error\":{{\"message\":\"bad value {echo}\"}},\"message\":\"bad value {echo}\"}}");
    let list = format!("{{\"errors\":[\"{echo} is invalid\",{{\"message\":\"{echo}\"}}],\"message\":\"{echo}\"}}");
    let text = |status, text: &str| response(status, &[("content-type", "text/plain")], text);
    let mut answers = vec![
        Answer::new("400", Meaning::Refused, json(400, &error)),
        Answer::new("400 with a list of errors", Meaning::Refused, json(400, &list)),
        Answer::new("400 with a text", Meaning::Refused, text(400, &format!("invalid: {echo}"))),
        Answer::new("401", Meaning::Credential, json(401, "{\"message\":\"unauthorized\"}")),
        Answer::new("403", Meaning::Forbidden, json(403, &error)),
        Answer::new("403 as a web page", Meaning::Forbidden, response(403, &[("content-type", "text/html")], HTML)),
        Answer::new("404", Meaning::Refused, json(404, &error)),
        Answer::new("404 as a web page", Meaning::Refused, response(404, &[("content-type", "text/html")], HTML)),
        Answer::new("409", Meaning::Refused, json(409, &error)),
        Answer::new("413", Meaning::Refused, json(413, "{}")),
        Answer::new("422", Meaning::Refused, json(422, &list)),
        Answer::new("a redirect", Meaning::Refused, response(302, &[("location", "https://elsewhere.example/")], "")),
    ];
    answers.extend(throttled());
    answers.extend([
        Answer::new("500", Meaning::Trouble, json(500, &error)),
        Answer::new("500 with a page", Meaning::Trouble, response(500, &[("content-type", "text/html")], HTML)),
        Answer::new("502", Meaning::Trouble, response(502, &[("content-type", "text/html")], HTML)),
        Answer::new("503", Meaning::Trouble, response(503, &[("retry-after", "30")], "")),
        Answer::new("503 asking for ten years", Meaning::Trouble, response(503, &[("retry-after", "315360000")], "")),
        Answer::new("504", Meaning::Trouble, text(504, "upstream timed out")),
        Answer::new("no connection", Meaning::NothingLeft, Err(Failure::Unreachable("no route".to_owned()))),
        Answer::new("denied by the host", Meaning::NothingLeft, Err(Failure::Denied("not granted".to_owned()))),
        Answer::new("no answer in time", Meaning::Interrupted, Err(Failure::Interrupted("none came".to_owned()))),
        Answer::new(
            "a reset after the request left",
            Meaning::Interrupted,
            Err(Failure::Interrupted("reset".to_owned())),
        ),
        Answer::new("an answer that is too large", Meaning::Interrupted, Err(Failure::TooLarge(1 << 20))),
        Answer::new("200 with a web page", Meaning::Unclear, response(200, &[("content-type", "text/html")], HTML)),
        Answer::new("200 with a web page that says JSON", Meaning::Unclear, json(200, HTML)),
        Answer::new("200 with deep nesting", Meaning::Unclear, json(200, &"[".repeat(DEPTH))),
        Answer::new("200 with half a text", Meaning::Unclear, json(200, "{\"status\":\"succ")),
    ]);
    answers.extend(bodiless(goods));
    answers.extend(goods.iter().enumerate().filter_map(|(number, good)| cut(number, good)));
    answers
}

fn throttled() -> Vec<Answer> {
    let date = ("date", "Mon, 23 Nov 2026 10:00:00 GMT");
    let body = "{\"message\":\"slow down\"}";
    let asked = |name: &str, ms, headers: &[(&str, &str)]| {
        Answer::new(name, Meaning::Throttled(ms), response(429, headers, body))
    };
    vec![
        asked("429 with seconds", WAIT_S * 1_000, &[date, ("retry-after", "30")]),
        asked("429 with a date", 1, &[date, ("retry-after", "Mon, 23 Nov 2026 10:00:30 GMT")]),
        asked("429 with nonsense", 1, &[date, ("retry-after", "soon")]),
        asked("429 without a time", 1, &[date]),
    ]
}

/// Successes without JSON. They are unclear only where no good answer of the plugin's own cases is like them.
fn bodiless(goods: &[Response]) -> Vec<Answer> {
    let is_json = |good: &Response| serde_json::from_slice::<serde_json::Value>(&good.body).is_ok();
    let mut answers = Vec::new();
    if !goods.iter().any(|good| good.body.trim_ascii().is_empty()) {
        answers.push(Answer::new("200 with nothing", Meaning::Unclear, response(200, &[], "")));
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
type Change = fn(&mut Vec<serde_json::Value>);

/// Good answers with their lists turned round, doubled, and without their first entry: nothing is known of them, but
/// that nobody may be lost over them.
pub(crate) fn distorted(good: &Response) -> Vec<(String, Response)> {
    let Ok(json) = serde_json::from_slice::<serde_json::Value>(&good.body) else { return Vec::new() };
    let changes: [(&str, Change); 3] = [
        ("with its lists turned round", |list| list.reverse()),
        ("with its lists doubled", |list| list.extend(list.clone())),
        ("without the first of each list", |list| drop(list.drain(..list.len().min(1)))),
    ];
    let distort = |(name, change): (&str, Change)| {
        let mut json = json.clone();
        each_list(&mut json, change);
        let body = json.to_string().into_bytes();
        (name.to_owned(), Response { body, ..good.clone() })
    };
    changes.into_iter().map(distort).collect()
}

fn each_list(json: &mut serde_json::Value, change: Change) {
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
    Answer::new("well", Meaning::Refused, Ok(good))
}
