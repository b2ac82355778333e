//! Answers, in the forms that clients of the tracking API read.
//!
//! Each has a body of JSON: one client repeats what is answered without. A wait is said in whole seconds: none of them
//! reads a date. There is no redirection, and no 4xx for a fault of ours.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, Response, StatusCode};
use enroute_store::inbox::Busy;

use crate::listen::{BodyFault, Told};

/// A request that is not taken.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    code: &'static str,
    message: String,
    retry_after_s: Option<u64>,
    /// Whether the body was left unread.
    is_unread: bool,
}

impl Refusal {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), retry_after_s: None, is_unread: false }
    }

    pub(super) fn invalid_json(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_json", reason)
    }

    pub(super) fn encoding() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_encoding", "a body is plain or packed once with gzip")
    }

    pub(super) fn too_large(limit: usize) -> Self {
        let message = format!("a request has at most {limit} bytes, unpacked");
        Self { is_unread: true, ..Self::new(StatusCode::BAD_REQUEST, "payload_too_large", message) }
    }

    pub(super) fn of_the_body(fault: BodyFault, limit: usize) -> Self {
        let refusal = match fault {
            BodyFault::TooLarge => Self::too_large(limit),
            BodyFault::TooSlow => Self::new(StatusCode::REQUEST_TIMEOUT, "body_too_slow", "the body came too slowly"),
            _ => Self::new(StatusCode::BAD_REQUEST, "body_broken", "the body broke off"),
        };
        Self { is_unread: true, ..refusal }
    }

    /// No key, or none of ours; where an address tried too many, it has to wait.
    pub(super) fn key(retry_after_s: Option<u64>) -> Self {
        match retry_after_s {
            None => Self::new(StatusCode::UNAUTHORIZED, "invalid_write_key", "no source has this write key"),
            Some(_) => Self {
                retry_after_s,
                ..Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_wrong_keys", "too many wrong write keys")
            },
        }
    }

    pub(super) fn two_keys() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "two_write_keys", "the request has two write keys that differ")
    }

    pub(super) fn origin() -> Self {
        Self::new(StatusCode::FORBIDDEN, "origin_not_allowed", "the source takes no calls from pages of this site")
    }

    pub(super) fn method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "calls come by POST")
    }

    pub(super) fn project() -> Self {
        Self::new(StatusCode::NOT_FOUND, "project_not_found", "no source has this write key")
    }

    pub(super) fn busy(busy: Busy) -> Self {
        let message = "more comes in than can be kept; come again later";
        Self {
            retry_after_s: Some(busy.retry_after_s),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", message)
        }
    }

    pub(super) fn unavailable(retry_after_s: u64) -> Self {
        let message = "calls cannot be kept at present; come again later";
        Self {
            retry_after_s: Some(retry_after_s),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message)
        }
    }

    pub(super) fn answer(self) -> Response<Body> {
        let body = serde_json::json!({ "success": false, "code": self.code, "message": self.message });
        let mut response = json(self.status, body.to_string());
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.is_unread {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response.extensions_mut().insert(Told);
        response
    }
}

/// What says that calls were taken.
pub(super) fn taken() -> Response<Body> {
    json(StatusCode::OK, r#"{"success":true}"#.to_owned())
}

pub(super) fn json(status: StatusCode, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
