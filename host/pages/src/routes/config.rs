//! Both files with their problems, how they were, and editing them as text.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use enroute_api::Problem;
use enroute_api::desk::files::{Files, Past};

use crate::page::{App, Frame, Who, shown, told};
use crate::parts::Diff;
use crate::words::difference;

#[derive(Template)]
#[template(path = "config.html")]
struct Show {
    f: Frame,
    files: Files,
    mistakes: Vec<String>,
    history: Vec<Past>,
}

/// Both files.
pub(super) async fn show(State(app): State<App>, Extension(who): Extension<Who>) -> Response {
    let page = show_page(&app, &who).await;
    shown(&app, &who, ("Configuration", "Configuration", "/"), page)
}

async fn show_page(app: &App, who: &Who) -> Result<Show, Problem> {
    let files = app.desk.files().await?;
    let mistakes = files.mistakes.iter().map(told).collect();
    let history = app.desk.history(None).await?;
    Ok(Show { f: app.frame(who, "Configuration", "Configuration"), files, mistakes, history })
}

#[derive(Template)]
#[template(path = "config_edit.html")]
struct Edit {
    f: Frame,
    files: Files,
}

/// Both files as text.
pub(super) async fn edit(State(app): State<App>, Extension(who): Extension<Who>) -> Response {
    let files = app.desk.files().await;
    let page = files.map(|files| Edit { f: app.frame(&who, "Configuration", "Edit the files"), files });
    shown(&app, &who, ("Configuration", "Edit the files", "/config"), page)
}

#[derive(Template)]
#[template(path = "version.html")]
struct PastPage {
    f: Frame,
    number: i64,
    base: String,
    plugins: String,
    audiences: String,
    diffs: Vec<Diff>,
}

/// A version, and what coming back to it would change.
pub(super) async fn past(State(app): State<App>, Extension(who): Extension<Who>, Path(number): Path<i64>) -> Response {
    let page = past_page(&app, &who, number).await;
    shown(&app, &who, ("Configuration", "A version", "/config"), page)
}

async fn past_page(app: &App, who: &Who, number: i64) -> Result<PastPage, Problem> {
    let (plugins, audiences) = app.desk.past(number).await?;
    let now = app.desk.files().await?;
    let diffs = vec![
        Diff { file: "plugins.toml", lines: difference(&now.plugins, &plugins) },
        Diff { file: "audiences.toml", lines: difference(&now.audiences, &audiences) },
    ];
    let f = app.frame(who, "Configuration", format!("Version {number}"));
    Ok(PastPage { f, number, base: now.version, plugins, audiences, diffs })
}
