//! The questions as JSON under `/api/v1`, and the document that describes them.
//!
//! The files stand on floors: who asks (`asks`) and the document (`document`), then the routes by subject, put together
//! here. Every refusal is a problem document, also of a path or a method that there is not.

mod asks;
mod changing;
mod document;
mod live;
mod reading;

use axum::Json;
use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::is_foreign;
use crate::desk::Desk;
use crate::problem::Problem;
use crate::routes::document::{Document, complete};

/// Where all of it stands.
const BASE: &str = "/api/v1";

/// The routes of the API. Every answer says that nothing of it is to be kept.
pub fn router(desk: Desk) -> Router {
    let described = OpenApiRouter::new()
        .routes(routes!(reading::overview))
        .routes(routes!(reading::audiences))
        .routes(routes!(reading::audience))
        .routes(routes!(reading::count))
        .routes(routes!(reading::connection))
        .routes(routes!(reading::matching))
        .routes(routes!(reading::plan))
        .routes(routes!(changing::run_now))
        .routes(routes!(changing::try_person))
        .routes(routes!(reading::destinations))
        .routes(routes!(reading::destination))
        .routes(routes!(changing::probe))
        .routes(routes!(reading::plugins))
        .routes(routes!(reading::plugin))
        .routes(routes!(reading::runs))
        .routes(routes!(reading::run))
        .routes(routes!(reading::requests))
        .routes(routes!(reading::waiting))
        .routes(routes!(reading::refused))
        .routes(routes!(changing::retry))
        .routes(routes!(reading::people))
        .routes(routes!(reading::person))
        .routes(routes!(changing::reveal))
        .routes(routes!(reading::traits))
        .routes(routes!(reading::sources))
        .routes(routes!(changing::read_source))
        .routes(routes!(reading::files, changing::save))
        .routes(routes!(reading::check))
        .routes(routes!(reading::history))
        .routes(routes!(reading::past))
        .routes(routes!(reading::audit))
        .routes(routes!(changing::tokens, changing::new_token))
        .routes(routes!(changing::revoke_token))
        .routes(routes!(live::live));
    let (routes, mut document) =
        OpenApiRouter::with_openapi(Document::openapi()).nest(BASE, described).split_for_parts();
    complete(&mut document);
    let routes = routes.with_state(desk);
    let shown = move || {
        let document = document.clone();
        async move { Json(document) }
    };
    routes
        .route(&format!("{BASE}/openapi.json"), get(shown))
        .route(&format!("{BASE}/{{*other}}"), any(nothing))
        .method_not_allowed_fallback(not_so)
        .layer(middleware::from_fn(of_our_pages))
        .layer(middleware::map_response(guarded))
}

async fn nothing() -> Problem {
    Problem::Missing("such path: /api/v1/openapi.json has them all".to_owned())
}

async fn not_so() -> Problem {
    Problem::Method
}

/// Refuses what a page of another site sends.
async fn of_our_pages(request: Request, next: Next) -> Response {
    if is_foreign(request.headers()) { Problem::Foreign.into_response() } else { next.run(request).await }
}

/// What every answer says to browsers: nothing of it is kept, and nothing of it is a page.
async fn guarded(mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let policy = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    headers.insert(HeaderName::from_static("content-security-policy"), policy);
    answer
}
