//! A call from a line of JSON: `track` says what a person did, `identify` what is known of them.
//!
//! Keys that are not read here are left alone: programs that write calls add many of their own.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::value::RawValue;

use crate::json::{Key, check_depth, check_surrogates, identifier, object, utf8};
use crate::reject::{Bad, Code};

/// Calls that are fine and say nothing of a person's traits.
const OTHER_CALLS: [&str; 4] = ["page", "screen", "group", "alias"];

/// A call as a line has it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Call<'a> {
    pub(super) key: Cow<'a, str>,
    /// The message's own id.
    pub(super) message: Option<Cow<'a, str>>,
    /// What happened; none for an identify call.
    pub(super) name: Option<Cow<'a, str>>,
    pub(super) at_ms: i64,
    /// The JSON object of properties or traits.
    pub(super) data: Option<&'a str>,
    /// The names of the traits that it says.
    pub(super) names: Vec<Cow<'a, str>>,
}

/// Checks a line; none for a call that says nothing of a known person.
pub(super) fn parse<'a>(line: &'a [u8], id_key: &str) -> Result<Option<Call<'a>>, Bad> {
    let line = utf8(line)?;
    let entries = object(line, Code::NotAnObject, "the line")?;
    check_depth(line)?;
    check_surrogates(line)?;
    let find = |name: &str| {
        let found = entries.iter().find(|(key, _)| key == name).map(|(_, value)| *value);
        found.filter(|value| value.get() != "null")
    };
    let kind = find("type").and_then(text);
    let part = match kind.as_deref() {
        Some("track") => "properties",
        Some("identify") => "traits",
        Some(other) if OTHER_CALLS.contains(&other) => return Ok(None),
        _ => return Err(Bad::new(Code::CallType, "`type` must be \"track\", \"identify\" or another kind of call")),
    };
    let Some(id) = find(id_key) else {
        let who = find("anonymousId").and_then(text);
        let missing = || Bad::new(Code::IdMissing, format!("`{id_key}` is missing"));
        return who.map(|_| None).ok_or_else(missing);
    };
    let name = if part == "traits" { None } else { Some(event(find("event"))?) };
    let data = find(part).map(RawValue::get);
    let members = data.map(|data| object(data, Code::PartType, part)).transpose()?;
    let names = members.filter(|_| part == "traits").unwrap_or_default().into_iter().map(|(name, _)| name).collect();
    let message = find("messageId").and_then(text).filter(|id| !id.is_empty());
    Ok(Some(Call { key: identifier(id.get(), id_key)?, message, name, at_ms: moment(find("timestamp"))?, data, names }))
}

fn event(value: Option<&RawValue>) -> Result<Cow<'_, str>, Bad> {
    let name = value.and_then(text).filter(|name| !name.is_empty());
    name.ok_or_else(|| Bad::new(Code::EventMissing, "`event` must say what happened"))
}

fn moment(value: Option<&RawValue>) -> Result<i64, Bad> {
    let text = value.and_then(text);
    let moment = text.and_then(|text| text.parse::<Timestamp>().ok()).map(Timestamp::as_millisecond);
    moment.ok_or_else(|| Bad::new(Code::Time, "`timestamp` must be a moment like \"2026-03-02T09:15:00Z\""))
}

fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    serde_json::from_str(value.get()).map(|Key(text)| text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expect: &str) {
        let got = match parse(line.as_bytes(), "userId") {
            Ok(None) => "skipped".to_owned(),
            Ok(Some(call)) => format!(
                "{} {:?} {:?} {} {} {:?}",
                call.key,
                call.message.as_deref(),
                call.name.as_deref(),
                call.at_ms,
                call.data.unwrap_or("-"),
                call.names
            ),
            Err(bad) => format!("{}: {}", bad.code, bad.reason),
        };
        assert_eq!(got, expect, "{line}");
    }

    #[test]
    fn a_call_says_who_what_and_when() {
        check(
            r#"{"type":"track","messageId":"m1","userId":"u1","event":"Order","properties":{"total":42.50},"timestamp":"1970-01-01T00:00:01.5Z","context":{"ip":"1"}}"#,
            r#"u1 Some("m1") Some("Order") 1500 {"total":42.50} []"#,
        );
        check(
            r#"{"type":"identify","userId":7,"traits":{"plan":null,"n":""},"timestamp":"1970-01-01T01:00:00+01:00"}"#,
            r#"7 None None 0 {"plan":null,"n":""} ["plan", "n"]"#,
        );
        check(
            r#"{"type":"track","userId":"u1","event":"Order","properties":null,"timestamp":"1970-01-01T00:00:00Z"}"#,
            r#"u1 None Some("Order") 0 - []"#,
        );
    }

    #[test]
    fn other_calls_and_anonymous_visitors_are_left_out() {
        check(r#"{"type":"page","userId":"u1"}"#, "skipped");
        check(r#"{"type":"track","userId":null,"anonymousId":"a1","event":"Order"}"#, "skipped");
    }

    #[test]
    fn a_call_that_is_not_whole_is_bad() {
        check(r#"{"userId":"u1"}"#, r#"call_type: `type` must be "track", "identify" or another kind of call"#);
        check(r#"{"type":"track","event":"Order"}"#, "id_missing: `userId` is missing");
        check(r#"{"type":"track","userId":"u1","event":""}"#, "event_missing: `event` must say what happened");
        check(r#"{"type":"identify","userId":"u1","traits":[]}"#, "part_type: traits must be a JSON object");
        for when in ["null", "\"yesterday\"", "5", "\"2026-03-02\""] {
            check(
                &format!(r#"{{"type":"identify","userId":"u1","timestamp":{when}}}"#),
                "time: `timestamp` must be a moment like \"2026-03-02T09:15:00Z\"",
            );
        }
    }
}
