//! The error envelope of the Graph API.
//!
//! Pure. Most refusals come with HTTP 400, whatever their code: Meta, "Handle errors".

use serde_json::{Map, Value, json};

use crate::server::Reply;

/// Meta, error 190: the access token is missing, wrong or expired.
pub(super) const TOKEN: i64 = 190;

/// Meta, error 100: a parameter is missing or wrong.
pub(super) const PARAMETER: i64 = 100;

/// Meta, error 100, subcode 33: the object does not exist or may not be seen.
pub(super) const NOT_VISIBLE: i64 = 33;

/// Meta, error 105: too much data in one call.
pub(super) const TOO_MUCH: i64 = 105;

/// Meta, error 200: a permission is missing; with subcode 1870034, the custom audience terms.
pub(super) const PERMISSION: i64 = 200;

/// Meta, error 200, subcode 1870034: the custom audience terms were not accepted.
pub(super) const TERMS: i64 = 1_870_034;

/// Meta, error 294: the token lacks `ads_management`.
pub(super) const ADS_MANAGEMENT: i64 = 294;

/// Meta, error 2650: the audience cannot be updated in this way.
pub(super) const UPDATE_FAILED: i64 = 2650;

/// Meta, error 100, subcode 1713230: the audience is blocked for hints at health or finance.
pub(super) const INTEGRITY: i64 = 1_713_230;

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: i64,
    pub(super) subcode: Option<i64>,
    pub(super) message: String,
    pub(super) is_transient: bool,
}

impl Refusal {
    /// A refusal with HTTP status 400.
    pub(super) fn new(code: i64, message: impl Into<String>) -> Self {
        Self { status: 400, code, subcode: None, message: message.into(), is_transient: false }
    }

    /// A refusal of a parameter.
    pub(super) fn parameter(message: impl Into<String>) -> Self {
        Self::new(PARAMETER, message)
    }

    /// The object does not exist, or nothing can be done with it in this way.
    pub(super) fn not_visible(method: &str, id: &str) -> Self {
        let message = format!(
            "Unsupported {} request. Object with ID '{id}' does not exist, cannot be loaded due to missing \
             permissions, or does not support this operation",
            method.to_lowercase()
        );
        Self::parameter(message).subcode(NOT_VISIBLE)
    }

    /// Adds a subcode.
    pub(super) fn subcode(self, subcode: i64) -> Self {
        Self { subcode: Some(subcode), ..self }
    }

    /// The answer; `sequence` makes its trace id.
    pub(super) fn reply(&self, sequence: u64) -> Reply {
        let kind = if self.code == PARAMETER && self.subcode == Some(NOT_VISIBLE) {
            "GraphMethodException"
        } else {
            "OAuthException"
        };
        let mut error = Map::new();
        error.insert("message".into(), format!("(#{}) {}", self.code, self.message).into());
        error.insert("type".into(), kind.into());
        error.insert("code".into(), self.code.into());
        if let Some(subcode) = self.subcode {
            error.insert("error_subcode".into(), subcode.into());
        }
        error.insert("is_transient".into(), self.is_transient.into());
        error.insert("fbtrace_id".into(), format!("Afake{sequence:08}").into());
        Reply::json(self.status, &json!({ "error": Value::Object(error) }))
    }
}
