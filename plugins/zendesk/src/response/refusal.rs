//! Why a user was refused, in words without anything of the person.
//!
//! Zendesk's sentences quote addresses and numbers, so they are not passed on: what they say is told in words of our
//! own, with the names of the fields.

use enroute_sdk::Outcome;
use serde_json::Value;

/// Wait where an entry speaks of pace or of a passing trouble.
const LATER_MS: u64 = 60_000;

/// What Zendesk's sentences say, by words that stand in them.
const PHRASES: [(&str, &str); 9] = [
    ("duplicatevalue", "is used by another user"),
    ("already being used", "is used by another user"),
    ("already been taken", "is used by another user"),
    ("too short", "is too short"),
    ("too long", "is too long"),
    ("not properly formatted", "is not properly formatted"),
    ("not found", "is not there"),
    ("blank", "is empty"),
    ("invalid", "is invalid"),
];

/// Words of trouble that passes.
const PASSING: [&str; 4] = ["rate limit", "timeout", "timed out", "try again"];

/// One complaint: the field, where it names one, and its words in lower case.
struct Complaint {
    field: Option<String>,
    words: String,
}

/// What an envelope or an entry of a job says of the user that it is about.
pub(super) fn read(said: &Value) -> Outcome {
    let complaints = complaints(said);
    let any =
        |words: &[&str]| complaints.iter().any(|complaint| words.iter().any(|word| complaint.words.contains(word)));
    let passes = |complaint: &Complaint| PASSING.iter().any(|word| complaint.words.contains(word));
    // One reason to refuse the user for good is enough, whatever else is said.
    let is_final = |complaint: &Complaint| {
        !passes(complaint)
            && complaint.field.is_some()
            && PHRASES.iter().any(|(words, _)| complaint.words.contains(words))
    };
    if complaints.iter().any(passes) && !complaints.iter().any(is_final) {
        return Outcome::Deferred(LATER_MS);
    }
    let about = |field: &str| {
        complaints.iter().any(|complaint| {
            complaint.field.as_deref().is_some_and(|name| name.starts_with(field))
                || complaint.words.starts_with(&format!("{field}:"))
        })
    };
    let code = if any(&["duplicatevalue", "already being used", "already been taken"]) {
        "identity_conflict"
    } else if about("organization") {
        "organization_refused"
    } else if about("user_fields") || about("custom") {
        "user_field_refused"
    } else if about("email") {
        "email_refused"
    } else if about("phone") {
        "phone_refused"
    } else if about("name") {
        "name_refused"
    } else if any(&["invalid attribute"]) {
        "invalid_attribute"
    } else {
        "record_invalid"
    };
    Outcome::rejected(code, reason(&complaints))
}

/// Whether an entry says that its user is not there.
pub(super) fn is_not_found(said: &Value) -> bool {
    let gone = |complaint: &Complaint| {
        complaint.field.is_none() && ["notfound", "not found"].iter().any(|word| complaint.words.contains(word))
    };
    complaints(said).iter().any(gone)
}

fn reason(complaints: &[Complaint]) -> String {
    let mut parts: Vec<String> = Vec::new();
    for complaint in complaints {
        let known = PHRASES.iter().find(|(words, _)| complaint.words.contains(words));
        let named = complaint.field.as_deref().map(|field| format!("`{field}`"));
        let part = match (named, known) {
            (Some(field), Some((_, says))) => format!("{field} {says}"),
            (Some(field), None) => format!("{field} is refused"),
            (None, Some((_, says))) => format!("something {says}"),
            (None, None) => continue,
        };
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    let named: Vec<String> = parts.iter().filter(|part| part.starts_with('`')).cloned().collect();
    let parts = if named.is_empty() { parts } else { named };
    if parts.is_empty() {
        return "zendesk refused the user and did not say why".to_owned();
    }
    format!("zendesk refused the user: {}", parts.join(", "))
}

fn complaints(said: &Value) -> Vec<Complaint> {
    let mut found = Vec::new();
    for name in ["error", "description", "message"] {
        if let Some(value) = said.get(name) {
            collect(None, value, &mut found);
        }
    }
    for name in ["details", "errors"] {
        match said.get(name) {
            Some(Value::Object(fields)) => {
                for (field, value) in fields {
                    collect(Some(field), value, &mut found);
                }
            }
            Some(value) => collect(None, value, &mut found),
            None => {}
        }
    }
    found
}

/// Every text inside, with the field that it stands under.
fn collect(field: Option<&str>, value: &Value, found: &mut Vec<Complaint>) {
    match value {
        Value::String(text) => {
            let words = text.to_lowercase();
            // `Email: … is not properly formatted` names its field in front.
            let front = words.split_once(':').map(|(front, _)| front).filter(|front| is_name(front));
            let field = field.filter(|field| is_name(field) && *field != "base").or(front).map(str::to_owned);
            found.push(Complaint { field, words });
        }
        Value::Array(items) => items.iter().for_each(|item| collect(field, item, found)),
        Value::Object(members) => members.values().for_each(|item| collect(field, item, found)),
        _ => {}
    }
}

/// Whether a text is the name of a field and nothing of a person.
fn is_name(text: &str) -> bool {
    const NAMES: [&str; 9] =
        ["email", "name", "phone", "external_id", "organization", "organization_id", "locale", "time_zone", "alias"];
    NAMES.contains(&text) || text.starts_with("user_fields")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(said: &str, code: &str, reason: &str) {
        match read(&serde_json::from_str(said).expect("JSON")) {
            Outcome::Rejected(refusal) => assert_eq!((refusal.code.as_str(), refusal.reason.as_str()), (code, reason)),
            other => assert_eq!(format!("{other:?}"), code),
        }
    }

    #[test]
    fn refusals_are_told_without_what_they_quote() {
        check(
            r#"{"error":"RecordInvalid","details":{"email":[{"description":"Email: ana@example.com is already being used by another user","error":"DuplicateValue"}]}}"#,
            "identity_conflict",
            "zendesk refused the user: `email` is used by another user",
        );
        check(
            r#"{"error":"RecordInvalid","description":"Record validation errors","details":{"email":[{"description":"Email: ana@ is not properly formatted"}]}}"#,
            "email_refused",
            "zendesk refused the user: `email` is not properly formatted",
        );
        check(
            r#"{"error":"RecordInvalid","details":{"name":[{"description":"Name: is too short (minimum is 1 characters)"}]}}"#,
            "name_refused",
            "zendesk refused the user: `name` is too short",
        );
        check(
            r#"{"error":"RecordInvalid","details":{"user_fields.plan":[{"description":"is invalid"}]}}"#,
            "user_field_refused",
            "zendesk refused the user: `user_fields.plan` is invalid",
        );
        check(
            r#"{"error":{"title":"Oops","message":"no"}}"#,
            "record_invalid",
            "zendesk refused the user and did not say why",
        );
    }

    #[test]
    fn entries_of_jobs_come_in_several_shapes() {
        check(
            r#"{"error":"UserCreateError","details":"Email: ana@ is not properly formatted","status":"Failed"}"#,
            "email_refused",
            "zendesk refused the user: `email` is not properly formatted",
        );
        check(
            r#"{"id":1,"errors":["Phone: +1 is invalid"]}"#,
            "phone_refused",
            "zendesk refused the user: `phone` is invalid",
        );
        check(r#"{"error":"You have exceeded the rate limit"}"#, "Outcome::Deferred(60000)", "");
    }

    #[test]
    fn one_reason_that_stays_is_enough_in_either_order() {
        let details = [
            "\"email\":[{\"description\":\"Email: x is not properly formatted\"}]",
            "\"name\":[{\"description\":\"lookup timed out\"}]",
        ];
        for [first, second] in [details, [details[1], details[0]]] {
            let said = format!("{{\"error\":\"RecordInvalid\",\"details\":{{{first},{second}}}}}");
            check(
                &said,
                "email_refused",
                "zendesk refused the user: `email` is not properly formatted, `name` is refused",
            );
        }
        let odd = r#"{"error":"RecordInvalid","details":{"email":[{"description":"Email: odd"},{"description":"Email: x is too long"}]}}"#;
        check(odd, "email_refused", "zendesk refused the user: `email` is refused, `email` is too long");
    }

    #[test]
    fn who_is_not_there_is_told_from_what_is_not_there() {
        let gone = |said: &str| is_not_found(&serde_json::from_str(said).expect("JSON"));
        assert!(gone(r#"{"error":"RecordNotFound"}"#));
        assert!(gone(r#"{"error":"UserNotFound","success":false}"#));
        assert!(!gone(r#"{"error":"RecordInvalid","details":{"organization_id":[{"description":"not found"}]}}"#));
    }
}
