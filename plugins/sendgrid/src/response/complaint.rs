//! What SendGrid complains about, and whom it names.
//!
//! SendGrid's "Responses" page: `{"errors": [{"message", "field", …}]}`, sometimes a bare list or a bare complaint.

use enroute_sdk::{Answer, Outcome};
use serde_json::Value;

/// How a refusal of custom fields begins, in lower case.
const UNKNOWN_FIELDS: &str = "invalid custom field ids supplied";

/// Longest part of an answer that is repeated to an operator.
const QUOTED_CHARS_MAX: usize = 200;

/// One entry of an answer.
#[derive(Debug, Default)]
pub(super) struct Complaint {
    message: String,
    field: String,
}

/// Everything that an answer complains about.
pub(super) fn all(answer: &Answer) -> Vec<Complaint> {
    let Some(body) = answer.json::<Value>() else { return Vec::new() };
    let list = body.get("errors").unwrap_or(&body);
    let text = |one: &Value, key: &str| one.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let complaint = |one: &Value| Complaint { message: text(one, "message"), field: text(one, "field") };
    match list {
        Value::Array(list) => list.iter().map(complaint).collect(),
        one => vec![complaint(one)],
    }
}

/// The ids of custom fields that SendGrid does not know, where it complains about some.
pub(super) fn unknown_fields(complaints: &[Complaint]) -> Option<String> {
    let message =
        complaints.iter().map(|one| &one.message).find(|text| text.to_lowercase().contains(UNKNOWN_FIELDS))?;
    let ids = message.split_once(" - ").map_or("", |(_, ids)| ids);
    let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | ',' | ' ');
    Some(ids.chars().filter(plain).take(QUOTED_CHARS_MAX).collect())
}

impl Complaint {
    /// Whether the lists are at fault, which are the same for all contacts.
    pub(super) fn is_about_lists(&self) -> bool {
        self.field.starts_with("list_ids") || self.field.is_empty() && self.message.to_lowercase().contains("list_id")
    }

    /// The position of the contact that is named: by `contacts[3]`, or by a quoted identifier that `find` knows.
    pub(super) fn position(&self, find: impl Fn(&str) -> Option<usize>) -> Option<usize> {
        indexed(&self.field).or_else(|| indexed(&self.message)).or_else(|| {
            let mut quoted = self.message.split(['\'', '"']).skip(1).step_by(2);
            quoted.find_map(|value| find(value.trim()).or_else(|| find(&value.trim().to_lowercase())))
        })
    }

    /// Whether it says what of the contact is at fault.
    pub(super) fn says_why(&self) -> bool {
        let about = self.about();
        ["email", "phone"].iter().any(|word| about.contains(word))
    }

    fn about(&self) -> String {
        format!("{} {}", self.field, self.message).to_lowercase()
    }

    /// The fate of the contact that is named.
    pub(super) fn outcome(&self) -> Outcome {
        let about = self.about();
        let (code, reason) = match () {
            () if about.contains("email") => ("email_refused", "sendgrid does not take the e-mail address"),
            () if about.contains("phone") => ("phone_refused", "sendgrid does not take the phone number"),
            () => ("contact_refused", "sendgrid refused the contact"),
        };
        Outcome::rejected(code, reason)
    }
}

/// The number in `contacts[3]` or `contacts.3`.
fn indexed(text: &str) -> Option<usize> {
    let (_, rest) = text.split_once("contacts")?;
    let digits = rest.strip_prefix(['[', '.'])?;
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(body: &str) -> Complaint {
        all(&Answer::new(400, body)).into_iter().next().expect("a complaint")
    }

    #[test]
    fn a_contact_is_named_by_index_or_by_identifier() {
        let find = |value: &str| (value == "bob@example").then_some(7);
        let position = |body: &str| first(body).position(find);
        assert_eq!(
            position(r#"{"errors":[{"field":"contacts[3].identifier","message":"email 'x' is not valid"}]}"#),
            Some(3)
        );
        assert_eq!(position(r#"{"errors":[{"field":"contacts.12.email","message":"bad"}]}"#), Some(12));
        assert_eq!(position(r#"{"errors":[{"field":null,"message":"email 'Bob@example' is not valid"}]}"#), Some(7));
        assert_eq!(position(r#"{"errors":[{"field":"contacts","message":"too many"}]}"#), None);
        assert_eq!(position(r#"{"message":"bad request","field":null}"#), None);
    }

    #[test]
    fn unknown_fields_are_told_by_id() {
        let body = r#"{"errors":[{"message":"invalid custom field ids supplied - e9_T, tier"}]}"#;
        assert_eq!(unknown_fields(&all(&Answer::new(400, body))).as_deref(), Some("e9_T, tier"));
        assert_eq!(unknown_fields(&all(&Answer::new(400, "<html>"))), None);
    }
}
