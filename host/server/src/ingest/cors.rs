//! What lets pages of other sites send calls, and see the answers.
//!
//! A write key in a page is public, so that this keeps nobody out: it helps honest pages. Errors need it as well, for a
//! browser's library takes an answer that it may not see for a broken line, and repeats it; and without the exposed
//! header it does not see how long to wait.

use axum::body::Body;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, CONTENT_LENGTH, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};

use crate::ingest::tracking::{Listening, Tracking};

/// Where a request comes from, as its browser says.
pub(super) fn origin(headers: &HeaderMap) -> Option<HeaderValue> {
    headers.get(ORIGIN).cloned()
}

/// Whether a source takes calls of pages of this site.
pub(super) fn is_allowed(source: &Listening, origin: &HeaderValue) -> bool {
    source.origins.is_empty() || source.origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes())
}

/// Adds to an answer what lets the page see it. Where no source is known yet, what any of them allows.
pub(super) fn allow(
    response: &mut Response<Body>,
    tracking: &Tracking,
    source: Option<&Listening>,
    origin: Option<&HeaderValue>,
) {
    let headers = response.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("origin"));
    let Some(origin) = origin else { return };
    let all = tracking.sources();
    let is_listed = |source: &Listening| !source.origins.is_empty() && is_allowed(source, origin);
    let (is_listed, is_open) = match source {
        Some(source) => (is_listed(source), source.origins.is_empty()),
        None => (all.iter().any(|source| is_listed(source)), all.iter().any(|source| source.origins.is_empty())),
    };
    if is_listed {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    } else if is_open {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    } else {
        return;
    }
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("retry-after"));
}

/// The answer to a browser that asks what it may send.
pub(super) fn preflight(tracking: &Tracking, origin: Option<&HeaderValue>, methods: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    allow(&mut response, tracking, None, origin);
    let headers = response.headers_mut();
    headers.remove(CONTENT_LENGTH);
    let allowed = HeaderValue::from_static("authorization, content-type, content-encoding, x-retry-count");
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("7200"));
    response
}
