//! What a case expects, against what came.

use super::script::Called;
use super::story::{ProblemText, RejectionText, RequestText, WarningText};
use crate::bindings::enroute::destination::types::Rejection;
use crate::{
    AccountItem, AccountKind, Item, Method, Outcome, Place, Problem, Request, Severity, SlotPlace, SlotValue,
    ValueType, Verdict, Warning,
};

/// Whether the expected words begin the words that came: `rejected` fits every rejection.
pub(super) fn fits(expect: &str, got: &str) -> bool {
    got.strip_prefix(expect).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

pub(super) fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Delivered => "delivered".to_owned(),
        Outcome::Unchanged(code) => format!("unchanged {code}"),
        Outcome::Rejected(refusal) => format!("rejected {} {}", refusal.code, refusal.reason),
        Outcome::Deferred(ms) => format!("deferred {ms}"),
        Outcome::Accepted(ticket) => format!("accepted {} {}", ticket.token, ticket.ask_after_ms),
        Outcome::Unknown => "unknown".to_owned(),
    }
}

pub(super) fn verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Ok => "ok".to_owned(),
        Verdict::CredentialInvalid(why) => format!("credential_invalid {why}"),
        Verdict::PermissionMissing(why) => format!("permission_missing {why}"),
        Verdict::Misconfigured(why) => format!("misconfigured {why}"),
        Verdict::Throttled(throttle) => format!("throttled {} {}", throttle.bucket, throttle.after_ms),
        Verdict::TooLarge => "too_large".to_owned(),
        Verdict::RefusedBisect(why) => format!("refused_bisect {why}"),
        Verdict::RefusedWhole(why) => format!("refused_whole {why}"),
        Verdict::Unavailable(why) => format!("unavailable {why}"),
    }
}

/// A thing of an account in one line: `field plan: text (Plan), required, of gold, silver`.
pub(super) fn item_of_account(item: &AccountItem) -> String {
    let kind = match item.kind {
        AccountKind::Field => "field",
        AccountKind::List => "list",
        AccountKind::Object => "object",
    };
    let takes = match item.type_ {
        ValueType::Any => "any",
        ValueType::Text => "text",
        ValueType::Number => "number",
        ValueType::Boolean => "boolean",
        ValueType::Date => "date",
        ValueType::Moment => "moment",
        ValueType::List => "list",
        ValueType::Object => "object",
    };
    let takes = if item.kind == AccountKind::Field { format!(": {takes}") } else { String::new() };
    let label = if item.label.is_empty() { String::new() } else { format!(" ({})", item.label) };
    let required = if item.required { ", required" } else { "" };
    let of = if item.choices.is_empty() { String::new() } else { format!(" of {}", item.choices.join(", ")) };
    format!("{kind} {}{takes}{label}{required}{of}", item.name)
}

/// Compares two lists, entry by entry, and says so where one is longer.
fn lists<E, G>(
    what: &str,
    expect: &[E],
    got: &[G],
    show: impl Fn(&G) -> String,
    fit: impl Fn(&E, &G) -> bool,
) -> Vec<String> {
    let mut found = Vec::new();
    for (number, got) in got.iter().enumerate() {
        match expect.get(number) {
            Some(expect) if fit(expect, got) => {}
            Some(_) => found.push(format!("{what} {number} is not as expected: {}", show(got))),
            None => found.push(format!("{what} {number} was not expected: {}", show(got))),
        }
    }
    if expect.len() > got.len() {
        found.push(format!("expected {} of {what}, got {}", expect.len(), got.len()));
    }
    found
}

pub(super) fn problems(expect: &[ProblemText], got: &[Problem]) -> Vec<String> {
    let place = |place: &Place| match place {
        Place::Setting(name) => format!("setting {name}"),
        Place::Row(row) => format!("row {row}"),
        Place::Audience => "audience".to_owned(),
        Place::Remote => "remote".to_owned(),
    };
    let severity = |severity: Severity| match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let show = |got: &Problem| format!("{} at {}: {}", severity(got.severity), place(&got.place), got.message);
    lists("problem", expect, got, show, |expect, got| {
        expect.severity.as_deref().unwrap_or("error") == severity(got.severity)
            && expect.place == place(&got.place)
            && got.message.contains(&expect.message)
    })
}

pub(super) fn rejections(expect: &[RejectionText], got: &[Rejection], ids: &[&str]) -> Vec<String> {
    let id = |got: &Rejection| ids.get(got.member as usize).copied().unwrap_or("?").to_owned();
    let show = |got: &Rejection| format!("{} {:?} {}: {}", id(got), got.field, got.code, got.reason);
    lists("rejection", expect, got, show, |expect, got| {
        expect.member == id(got) && expect.field == got.field && expect.code == got.code
    })
}

pub(super) fn warnings(expect: &[WarningText], got: &[Warning]) -> Vec<String> {
    let show = |got: &Warning| format!("{} {:?} {}", got.code, got.field, got.count);
    lists("warning", expect, got, show, |expect, got| {
        expect.code == got.code && expect.field == got.field && expect.count.is_none_or(|count| count == got.count)
    })
}

pub(super) fn calls(expect: &[&RequestText], got: &[Called]) -> Vec<String> {
    let mut found = Vec::new();
    if expect.len() != got.len() {
        found.push(format!("expected {} exchanges, got {}", expect.len(), got.len()));
    }
    for (number, (expect, got)) in expect.iter().zip(got).enumerate() {
        if expect.kind.is_some() && expect.kind != got.kind {
            found.push(format!("exchange {number} is of kind {:?}, not {:?}", got.kind, expect.kind));
        }
        found.extend(request(&format!("exchange {number}"), expect, &got.request));
    }
    found
}

pub(super) fn request(name: &str, expect: &RequestText, got: &Request) -> Vec<String> {
    let mut found = Vec::new();
    let mut check = |what: &str, expect: Option<&str>, got: &str| {
        if let Some(expect) = expect
            && expect != got
        {
            found.push(format!("{name}: {what} is\n      {got}\n    not\n      {expect}"));
        }
    };
    let path = format!("/{}", got.path.join("/"));
    check("method", expect.method.as_deref(), method(got.method));
    check("origin", expect.origin.as_deref(), &got.origin);
    check("path", expect.path.as_deref(), &path);
    for (name, value) in &expect.query {
        check(&format!("query `{name}`"), Some(value), item(&got.query, name));
    }
    for (name, value) in &expect.headers {
        check(&format!("header `{name}`"), Some(value), item(&got.headers, name));
    }
    for name in &expect.without_headers {
        check(&format!("header `{name}`"), Some("(none)"), item(&got.headers, name));
    }
    let body = compact(&String::from_utf8_lossy(&got.body));
    check("body", expect.body.as_deref().map(compact).as_deref(), &body);
    let slots: Vec<String> =
        got.slots.iter().map(|slot| format!("{} = {}", place(&slot.place), filling(&slot.value))).collect();
    check("slots", expect.slots.as_ref().map(|slots| slots.join(", ")).as_deref(), &slots.join(", "));
    found
}

fn item<'a>(items: &'a [Item], name: &str) -> &'a str {
    items.iter().find(|item| item.name.eq_ignore_ascii_case(name)).map_or("(none)", |item| item.value.as_str())
}

const fn method(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
    }
}

fn place(place: &SlotPlace) -> String {
    match place {
        SlotPlace::PathSegment(index) => format!("path {index}"),
        SlotPlace::Query(name) => format!("query {name}"),
        SlotPlace::Header(name) => format!("header {name}"),
        SlotPlace::Body(pointer) => format!("body {pointer}"),
    }
}

fn filling(value: &SlotValue) -> String {
    match value {
        SlotValue::Remote(pointer) => format!("remote {pointer}"),
        SlotValue::RequestKey => "request key".to_owned(),
        SlotValue::Learned(name) => format!("learned {name}"),
    }
}

/// JSON without white space between tokens: digits and the order of names stay as they are.
fn compact(text: &str) -> String {
    let (mut compact, mut inside, mut escaped) = (String::with_capacity(text.len()), false, false);
    for c in text.chars() {
        if inside || !c.is_ascii_whitespace() {
            compact.push(c);
        }
        if c == '"' && !escaped {
            inside = !inside;
        }
        escaped = inside && c == '\\' && !escaped;
    }
    compact
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_counts_inside_texts_only() {
        assert_eq!(compact("{ \"a b\" : [1.0,\n 2] }"), r#"{"a b":[1.0,2]}"#);
        assert_eq!(compact(r#"[ "say \" hi" ]"#), r#"["say \" hi"]"#);
    }

    #[test]
    fn expected_words_may_be_fewer() {
        assert!(fits("rejected", "rejected bad it is bad"));
        assert!(fits("deferred 30", "deferred 30"));
        assert!(!fits("deferred 3", "deferred 30"));
    }
}
