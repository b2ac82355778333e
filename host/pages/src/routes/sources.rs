//! Where people come from, and what they have.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use enroute_api::desk::sources::Source;
use enroute_api::desk::traits::Path;

use crate::form::Form;
use crate::look;
use crate::page::{App, Frame, Who, failed, shown};
use crate::parts::Tag;

#[derive(Template)]
#[template(path = "sources.html")]
struct List {
    f: Frame,
    sources: Vec<(Source, Tag)>,
}

/// The sources.
pub(super) async fn list(State(app): State<App>, Extension(who): Extension<Who>) -> Response {
    let found = app.desk.sources().await.map(|found| List {
        f: app.frame(&who, "Sources", "Sources"),
        sources: found
            .into_iter()
            .map(|one| {
                let tag = look::source(&one.state);
                (one, tag)
            })
            .collect(),
    });
    shown(&app, &who, ("Sources", "Sources", "/"), found)
}

/// Reads one now.
pub(super) async fn read(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(form): Extension<Form>,
) -> Response {
    match app.desk.read_source(&who.caller, form.text("source")).await {
        Ok(()) => Redirect::to("/sources").into_response(),
        Err(problem) => failed(app.frame(&who, "Sources", "Import"), &problem, "/sources"),
    }
}

#[derive(Template)]
#[template(path = "traits.html")]
struct Traits {
    f: Frame,
    paths: Vec<Path>,
}

/// What people have.
pub(super) async fn traits(State(app): State<App>, Extension(who): Extension<Who>) -> Response {
    let found = app.desk.traits().await.map(|paths| Traits { f: app.frame(&who, "Sources", "Traits"), paths });
    shown(&app, &who, ("Sources", "Traits", "/sources"), found)
}
