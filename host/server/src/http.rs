//! What is asked over HTTP about the host itself: `/health`, `/ready` and `/metrics`.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request, State as Shared};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use enroute_sync::Clock;

use crate::metrics::{CONTENT_TYPE, Metrics};
use crate::state::State;

/// What the answers are made of.
#[derive(Debug, Clone)]
pub(crate) struct About {
    pub(crate) state: Arc<State>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) folder: PathBuf,
    pub(crate) clock: Clock,
}

/// The routes, beside those of other parts.
pub(crate) fn router(about: &About, others: Router) -> Router {
    let own = Router::new()
        .route("/health", get(health))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .with_state(about.clone());
    let counted = middleware::from_fn_with_state(about.clone(), counted);
    own.merge(others).fallback(nothing).layer(counted)
}

/// Alive as long as the loop is: a destination that is down is none of its business.
async fn health(Shared(about): Shared<About>) -> Response {
    let mut told = about.state.told();
    // What is wrong with the files is for their owner, by `enroute status`; a stranger learns that something is.
    if let Some(refused) = &mut told.configuration.refused {
        let first = refused.lines().next().unwrap_or_default().to_owned();
        *refused = first;
    }
    let is_alive = about.state.is_alive(about.clock.now_ms());
    let status = if is_alive { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, axum::Json(told)).into_response()
}

/// Whether requests are welcome.
async fn ready(Shared(about): Shared<About>) -> Response {
    let is_ready = about.state.is_ready(about.clock.now_ms());
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut answer = (status, axum::Json(serde_json::json!({ "ready": is_ready }))).into_response();
    if !is_ready {
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}

async fn metrics(Shared(about): Shared<About>) -> Response {
    match about.metrics.text(&about.folder) {
        Ok(text) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn nothing() -> Response {
    (StatusCode::NOT_FOUND, axum::Json(serde_json::json!({ "error": "there is nothing here" }))).into_response()
}

/// Counts requests by the pattern of their route: a path would be a label from outside.
async fn counted(Shared(about): Shared<About>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str).to_owned();
    let method = request.method().as_str().to_owned();
    let answer = next.run(request).await;
    about.metrics.answered(&route, &method, answer.status().as_u16());
    answer
}
