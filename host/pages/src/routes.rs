//! A file a section of the menu, put together.

mod access;
mod activity;
mod assets;
mod audiences;
mod build;
mod change;
mod config;
mod connect;
mod destinations;
mod home;
mod mappings;
mod people;
mod plugins;
mod settings;
mod sources;
mod wishes;

use axum::Router;
use axum::middleware;
use axum::routing::{get, post};
use enroute_api::Desk;

use crate::page::{App, guard};

/// The routes of the pages.
pub fn router(desk: Desk) -> Router {
    let app = App::new(desk);
    Router::new()
        .route("/", get(home::home))
        .route("/audiences", get(audiences::list))
        .route("/audiences/new", get(build::new).post(build::again))
        .route("/audiences/count", post(build::count))
        .route("/audiences/{key}", get(audiences::one))
        .route("/audiences/{key}/build", get(build::edit).post(build::again))
        .route("/audiences/{key}/connect", get(connect::choose).post(connect::again))
        .route("/audiences/{key}/to/{destination}", get(audiences::connection))
        .route("/change", post(change::change))
        .route("/run", post(audiences::run))
        .route("/destinations", get(destinations::list))
        .route("/destinations/new", get(destinations::catalog).post(destinations::again))
        .route("/destinations/{name}", get(destinations::one))
        .route("/destinations/{name}/test", post(destinations::test))
        .route("/destinations/{name}/mappings", get(mappings::list))
        .route("/destinations/{name}/mappings/edit", get(mappings::edit).post(mappings::again))
        .route("/activity", get(activity::list))
        .route("/activity/runs/{number}", get(activity::one))
        .route("/activity/waiting", get(activity::waiting))
        .route("/activity/refused", get(activity::refused))
        .route("/activity/retry", post(activity::retry))
        .route("/people", get(people::search).post(people::find))
        .route("/people/{handle}", get(people::person).post(people::reveal))
        .route("/sources", get(sources::list))
        .route("/sources/read", post(sources::read))
        .route("/traits", get(sources::traits))
        .route("/plugins", get(plugins::list))
        .route("/plugins/{id}", get(plugins::one))
        .route("/config", get(config::show))
        .route("/config/edit", get(config::edit))
        .route("/config/versions/{number}", get(config::past))
        .route("/access", get(access::show))
        .route("/access/new", post(access::new_token))
        .route("/access/revoke", post(access::revoke))
        .route("/login", get(access::login_page).post(access::log_in))
        .route("/logout", post(access::log_out))
        .route("/assets/{file}", get(assets::asset))
        .layer(middleware::from_fn_with_state(app.clone(), guard))
        .with_state(app)
}
