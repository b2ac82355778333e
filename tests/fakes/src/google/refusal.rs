//! The error envelope of Google's APIs.
//!
//! Pure. Google, "Understand API errors": `error.details` has an `ErrorInfo`, and a `BadRequest` that names fields.

use serde_json::{Value, json};

use crate::server::Reply;

/// Why a request is refused.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    http: u16,
    status: &'static str,
    message: String,
    reason: String,
    details: Vec<Value>,
}

impl Refusal {
    fn new(http: u16, status: &'static str, message: &str, reason: &str) -> Self {
        let (message, reason) = (message.to_owned(), reason.to_owned());
        Self { http, status, message, reason, details: Vec::new() }
    }

    /// There is no valid token.
    pub(super) fn unauthenticated() -> Self {
        let message = "Request had invalid authentication credentials. Expected OAuth 2 access token.";
        Self::new(401, "UNAUTHENTICATED", message, "ACCESS_TOKEN_TYPE_UNSUPPORTED")
    }

    /// The caller may not.
    pub(super) fn permission(reason: &str) -> Self {
        Self::new(403, "PERMISSION_DENIED", "The caller does not have permission", reason)
    }

    /// There is no such thing.
    pub(super) fn not_found(message: &str) -> Self {
        Self::new(404, "NOT_FOUND", message, "NOT_FOUND")
    }

    /// The JSON is not the message's: proto3 JSON refuses unknown names and values of another type.
    pub(super) fn parse(message: &str) -> Self {
        let mut refusal = Self::new(400, "INVALID_ARGUMENT", message, "");
        refusal.reason.clear();
        refusal
    }

    /// Fields with what is wrong with them. One bad field refuses the whole request.
    pub(super) fn fields(violations: Vec<(String, &str)>) -> Self {
        let mut refusal =
            Self::new(400, "INVALID_ARGUMENT", "There was a problem with the request.", "INVALID_ARGUMENT");
        let list: Vec<Value> = violations
            .into_iter()
            .map(|(field, reason)| json!({"field": field, "description": "It is not valid.", "reason": reason}))
            .collect();
        refusal.details.push(json!({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": list}));
        refusal
    }

    /// One field.
    pub(super) fn field(field: &str, reason: &'static str) -> Self {
        Self::fields(vec![(field.to_owned(), reason)])
    }

    /// An error of the Google Ads API.
    pub(super) fn ads(http: u16, status: &'static str, kind: &str, code: &str) -> Self {
        let mut refusal = Self::new(http, status, "Request contains an invalid argument.", "");
        refusal.details.push(failure(&[(kind, code, None)]));
        refusal
    }

    /// What a person reads.
    #[cfg(test)]
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// The first code of an error of the Google Ads API.
    #[cfg(test)]
    pub(super) fn code(&self) -> String {
        let code = self.details.iter().find_map(|detail| detail.pointer("/errors/0/errorCode"));
        let code = code.and_then(Value::as_object).and_then(|code| code.values().next());
        code.and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    pub(super) fn reply(&self, sequence: u64) -> Reply {
        let mut details = Vec::new();
        if !self.reason.is_empty() {
            details.push(json!({
                "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": self.reason,
                "domain": "datamanager.googleapis.com", "metadata": {"requestId": format!("t-{sequence}")},
            }));
        }
        details.extend(self.details.iter().cloned());
        let error = json!({"code": self.http, "status": self.status, "message": self.message, "details": details});
        Reply::json(self.http, &json!({ "error": error }))
    }
}

/// A `GoogleAdsFailure`: kind, code and the operation at fault.
pub(super) fn failure(errors: &[(&str, &str, Option<usize>)]) -> Value {
    let errors: Vec<Value> = errors
        .iter()
        .map(|(kind, code, operation)| {
            let path: Vec<Value> =
                operation.iter().map(|index| json!({"fieldName": "operations", "index": index})).collect();
            let location = json!({"fieldPathElements": path});
            json!({"errorCode": {*kind: code}, "message": "It is not valid.", "location": location})
        })
        .collect();
    json!({"@type": "type.googleapis.com/google.ads.googleads.v25.errors.GoogleAdsFailure", "errors": errors})
}
