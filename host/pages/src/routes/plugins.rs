//! What each plugin asks for and may do.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use enroute_api::Problem;
use enroute_api::desk::plugins::Plugin;
use enroute_core::manifest::Manifest;

use crate::look;
use crate::page::{App, Frame, Who, shown};
use crate::parts::Tag;

#[derive(Template)]
#[template(path = "plugins.html")]
struct List {
    f: Frame,
    plugins: Vec<(Plugin, Tag)>,
}

/// The list.
pub(super) async fn list(State(app): State<App>, Extension(who): Extension<Who>) -> Response {
    let found = app.desk.plugins().await.map(|found| List {
        f: app.frame(&who, "Plugins", "Plugins"),
        plugins: found
            .into_iter()
            .map(|one| {
                let tag = look::plugin(&one.state);
                (one, tag)
            })
            .collect(),
    });
    shown(&app, &who, ("Plugins", "Plugins", "/"), found)
}

#[derive(Template)]
#[template(path = "plugin.html")]
struct One {
    f: Frame,
    plugin: Plugin,
    tag: Tag,
    manifest: Option<Manifest>,
}

/// One plugin.
pub(super) async fn one(State(app): State<App>, Extension(who): Extension<Who>, Path(id): Path<String>) -> Response {
    let page = one_page(&app, &who, &id).await;
    shown(&app, &who, ("Plugins", "Plugin", "/plugins"), page)
}

async fn one_page(app: &App, who: &Who, id: &str) -> Result<One, Problem> {
    let plugin = app.desk.plugin(id).await?;
    let manifest = app.desk.manifest(id).await.ok();
    let (f, tag) = (app.frame(who, "Plugins", plugin.name.clone()), look::plugin(&plugin.state));
    Ok(One { f, plugin, tag, manifest })
}
