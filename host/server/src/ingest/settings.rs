//! What browsers and mobile clients ask for before they send anything: where to send it.
//!
//! Without `Segment.io` in the answer the browser's library ignores the host it was given and sends everything to its
//! maker's.

use axum::body::Body;
use axum::extract::{Path, Request};
use axum::http::header::{CACHE_CONTROL, HOST};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

use crate::ingest::cors;
use crate::ingest::refusal::{Refusal, json};
use crate::ingest::tracking::Tracking;

/// Answers `GET /v1/projects/KEY/settings`.
pub(super) async fn settings(tracking: Tracking, Path(key): Path<String>, request: Request) -> Response<Body> {
    let origin = cors::origin(request.headers());
    if request.method() == Method::OPTIONS {
        return cors::preflight(&tracking, origin.as_ref(), "GET");
    }
    let source = tracking.source_of(&key);
    let mut response = match &source {
        _ if !matches!(*request.method(), Method::GET | Method::HEAD) => Refusal::method().answer(),
        None => Refusal::project().answer(),
        Some(_) => {
            let mut response = json(StatusCode::OK, told(&key, request.headers(), tracking.speaks_tls()));
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("max-age=60"));
            response
        }
    };
    cors::allow(&mut response, &tracking, source.as_deref(), origin.as_ref());
    response
}

/// The address that the client came by is the one it sends to.
fn told(key: &str, headers: &HeaderMap, speaks_tls: bool) -> String {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let host = text(HOST.as_str()).unwrap_or_default();
    // A proxy says how the client came to it.
    let protocol = match text("x-forwarded-proto") {
        Some(said @ ("http" | "https")) => said,
        _ if speaks_tls => "https",
        _ => "http",
    };
    let segment = serde_json::json!({ "apiKey": key, "apiHost": format!("{host}/v1"), "protocol": protocol });
    serde_json::json!({ "integrations": { "Segment.io": segment } }).to_string()
}
