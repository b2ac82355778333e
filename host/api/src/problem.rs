//! What can go wrong with a question, and how that is told to programs: problem details (RFC 9457).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use enroute_store::access::Role;
use serde::Serialize;
use utoipa::ToSchema;

/// After how many seconds it may be tried again where there was no room.
const FULL_S: u64 = 10;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// Nobody said who asks, or the token is not good.
    #[error("a token is needed that is good now")]
    Unauthorized,
    /// Too many wrong tokens came from this address.
    #[error("too many wrong tokens came from this address; the next one is looked at in {0} s")]
    TooMany(u64),
    /// So many streams are open that there is no room for another one.
    #[error("{0} streams are open, and there is no room for another one")]
    Full(usize),
    /// The path is there, and is asked in another way.
    #[error("this path is not asked with this method")]
    Method,
    /// The token's role does not reach so far.
    #[error("this needs a token with the role {}", .0.word())]
    Forbidden(Role),
    /// The host was started with `--read-only`.
    #[error("this host is read-only: commit the change to the files instead")]
    ReadOnly,
    /// The page that asks is not one of ours.
    #[error("the request comes from a page of another site")]
    Foreign,
    /// There is no such thing.
    #[error("there is no {0}")]
    Missing(String),
    /// What was given is not right.
    #[error("{message}")]
    Invalid {
        /// One sentence.
        message: String,
        /// What to do; empty where that is clear.
        hint: String,
        /// The code of `docs/errors.md`, where it has one.
        code: Option<String>,
    },
    /// The files have mistakes, as `enroute check --json` tells them.
    #[error("the files would have {} mistakes", .0.len())]
    Mistakes(Vec<serde_json::Value>),
    /// The files are not what the edit began with.
    #[error("the files were changed since the edit began")]
    Conflict(Box<crate::conflict::Conflict>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] enroute_store::Error),
    /// Something of ours failed.
    #[error("{0}")]
    Failed(String),
}

impl Problem {
    /// A mistake in what was given.
    pub fn invalid(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Invalid { message: message.into(), hint: hint.into(), code: None }
    }

    /// The status that HTTP has for it.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::TooMany(_) | Self::Full(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Forbidden(_) | Self::ReadOnly | Self::Foreign => StatusCode::FORBIDDEN,
            Self::Missing(_) => StatusCode::NOT_FOUND,
            Self::Invalid { .. } | Self::Mistakes(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Store(_) | Self::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// A few words for a title.
    #[must_use]
    pub const fn title(&self) -> &'static str {
        match self {
            Self::Unauthorized => "not logged in",
            Self::TooMany(_) => "too many wrong tokens",
            Self::Full(_) => "too many streams",
            Self::Method => "not this method",
            Self::Forbidden(_) => "not allowed",
            Self::ReadOnly => "read-only",
            Self::Foreign => "not from here",
            Self::Missing(_) => "not there",
            Self::Invalid { .. } => "not right",
            Self::Mistakes(_) => "mistakes in the files",
            Self::Conflict(_) => "changed meanwhile",
            Self::Store(_) | Self::Failed(_) => "failed",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Unauthorized => "`enroute token new NAME --role viewer` makes one".to_owned(),
            Self::Invalid { hint, .. } => hint.clone(),
            Self::Method => "`Allow` says which it takes; /api/v1/openapi.json has them all".to_owned(),
            Self::Full(_) => "close one that nobody reads".to_owned(),
            Self::Foreign => "ask from a page of this host, or from a program".to_owned(),
            Self::Conflict(_) => "look at the difference, and save again with the version of now".to_owned(),
            Self::Mistakes(_) => "mend what is listed; nothing was written".to_owned(),
            _ => String::new(),
        }
    }
}

/// A problem as programs read it, with the media type `application/problem+json`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Details {
    /// `about:blank`: the status says what kind it is.
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    /// One sentence about this case.
    detail: String,
    /// What to do.
    #[serde(skip_serializing_if = "String::is_empty")]
    hint: String,
    /// The code of `docs/errors.md`.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// Mistakes in the files, as `enroute check --json` tells them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mistakes: Vec<serde_json::Value>,
    /// What the files are now, where an edit came too late.
    #[serde(skip_serializing_if = "Option::is_none")]
    conflict: Option<crate::conflict::Conflict>,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        if status.is_server_error() {
            tracing::error!(error = %self, "a question failed");
        }
        let wait = match self {
            Self::TooMany(seconds) => Some(seconds),
            Self::Full(_) => Some(FULL_S),
            _ => None,
        };
        let mut details = Details {
            kind: "about:blank",
            title: self.title(),
            status: status.as_u16(),
            // What failed inside is for the log, and no stranger's business.
            detail: if status.is_server_error() {
                "the host failed; its log says why".to_owned()
            } else {
                self.to_string()
            },
            hint: self.hint(),
            code: None,
            mistakes: Vec::new(),
            conflict: None,
        };
        match self {
            Self::Invalid { code, .. } => details.code = code,
            Self::Mistakes(mistakes) => details.mistakes = mistakes,
            Self::Conflict(conflict) => details.conflict = Some(*conflict),
            _ => {}
        }
        let mut answer = (status, axum::Json(details)).into_response();
        answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = wait {
            answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        answer
    }
}
