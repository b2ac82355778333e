//! The questions as JSON under `/api/v1`, and the document that describes them.
//!
//! The files stand on floors: who asks (`asks`), then the routes by subject, put together here.

mod asks;
mod changing;
mod reading;

use axum::Json;
use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware;
use axum::response::Response;
use axum::routing::get;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::desk::Desk;

/// Where all of it stands.
const BASE: &str = "/api/v1";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Enroute",
        description = "What a running Enroute host is asked and told. Values of people are masked by their shape unless they are asked for.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    modifiers(&Bearer),
    security(("token" = []))
)]
struct Document;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        document.components.get_or_insert_default().add_security_scheme("token", scheme);
    }
}

/// The routes of the API.
/// Needs a desk. Every answer says that nothing of it is to be kept.
#[must_use]
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
        .routes(routes!(reading::live));
    let (routes, document) = OpenApiRouter::with_openapi(Document::openapi()).nest(BASE, described).split_for_parts();
    let routes = routes.with_state(desk);
    let shown = move || {
        let document = document.clone();
        async move { Json(document) }
    };
    routes.route(&format!("{BASE}/openapi.json"), get(shown)).layer(middleware::map_response(guarded))
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
