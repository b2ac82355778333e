//! Which audiences there are, how one is, and one connection of it.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use enroute_api::Problem;
use enroute_api::desk::audiences::Audience;
use enroute_api::desk::connections::SetUp;
use enroute_api::desk::runs::Run;
use serde_json::Value as Json;

use crate::form::Form;
use crate::look;
use crate::page::{App, Frame, Who, failed, shown};
use crate::parts::{Funnel, Spark, Tag, funnel, spark};
use crate::routes::home::{LinkRow, row};
use crate::words::{escaped, number};

#[derive(Template)]
#[template(path = "audiences.html")]
struct List {
    f: Frame,
    audiences: Vec<Row>,
}

struct Row {
    key: String,
    name: String,
    size: String,
    change: String,
    line: Option<Spark>,
    destinations: Vec<String>,
}

fn audience_row(one: &Audience) -> Row {
    let values: Vec<u64> = one.sizes.iter().map(|(_, size)| *size).collect();
    let (first, last) = (values.first().copied().unwrap_or_default(), values.last().copied().unwrap_or_default());
    let change = match last.cmp(&first) {
        std::cmp::Ordering::Greater => format!("+{}", number(last - first)),
        std::cmp::Ordering::Less => format!("−{}", number(first - last)),
        std::cmp::Ordering::Equal => "0".to_owned(),
    };
    let said = format!("{} people, {change} since the first of these days", number(last));
    Row {
        key: one.key.clone(),
        name: one.name.clone(),
        size: one.size.map_or_else(|| "not counted yet".to_owned(), number),
        change: if values.len() > 1 { change } else { String::new() },
        line: spark(&values, said),
        destinations: one.destinations.clone(),
    }
}

/// The list.
pub(super) async fn list(State(app): State<App>, Extension(who): Extension<Who>) -> Response {
    let found = app.desk.audiences().await;
    let page = found.map(|found| List {
        f: app.frame(&who, "Audiences", "Audiences"),
        audiences: found.iter().map(audience_row).collect(),
    });
    shown(&app, &who, ("Audiences", "Audiences", "/"), page)
}

#[derive(Template)]
#[template(path = "audience.html")]
struct One {
    f: Frame,
    audience: Row,
    condition: String,
    size_at: String,
    links: Vec<LinkRow>,
    base: String,
}

/// One audience.
pub(super) async fn one(State(app): State<App>, Extension(who): Extension<Who>, Path(key): Path<String>) -> Response {
    let page = one_page(&app, &who, &key).await;
    shown(&app, &who, ("Audiences", "Audience", "/audiences"), page)
}

async fn one_page(app: &App, who: &Who, key: &str) -> Result<One, Problem> {
    let found = app.desk.audience(key).await?;
    let overview = app.desk.overview().await?;
    Ok(One {
        f: app.frame(who, "Audiences", found.name.clone()),
        audience: audience_row(&found),
        condition: found.condition.clone(),
        size_at: found.size_at.clone().unwrap_or_default(),
        links: overview.connections.iter().filter(|one| one.audience == key).map(row).collect(),
        base: app.desk.files().await?.version,
    })
}

#[derive(Template)]
#[template(path = "connection.html")]
struct Connection {
    f: Frame,
    link: SetUp,
    name: String,
    rows: Vec<LinkRow>,
    reason: String,
    state: String,
    is_running: bool,
    funnel: Option<(i64, Funnel)>,
    runs: Vec<RunRow>,
    base: String,
}

/// A run as a list shows it.
pub(super) struct RunRow {
    pub(super) number: i64,
    pub(super) started: String,
    pub(super) name: String,
    pub(super) tag: Tag,
    pub(super) looked_at: String,
    pub(super) delivered: String,
    pub(super) rejected: String,
    pub(super) waiting: String,
    pub(super) is_trouble: bool,
}

/// The rows of a run.
pub(super) fn run_rows(run: &Run) -> Vec<RunRow> {
    let of = |report: &Json| {
        let counts = |pointers: &[&str]| number(pointers.iter().map(|pointer| look::count(report, pointer)).sum());
        let state = look::text(report, "state");
        RunRow {
            number: run.run,
            started: run.started.clone(),
            name: format!("{} › {}", look::text(report, "audience"), look::text(report, "destination")),
            tag: look::ended(report),
            looked_at: counts(&["/changes/added", "/changes/updated", "/changes/removed"]),
            delivered: counts(&["/outcomes/delivered"]),
            rejected: counts(&["/outcomes/rejected"]),
            waiting: counts(&["/outcomes/deferred", "/outcomes/accepted", "/outcomes/unknown"]),
            is_trouble: state != "done" || look::count(report, "/outcomes/rejected") > 0,
        }
    };
    run.connections.iter().map(of).collect()
}

/// The steps of a report.
pub(super) fn steps(report: &Json) -> Funnel {
    let of = |pointer: &str| look::count(report, pointer);
    let waiting = of("/outcomes/deferred") + of("/outcomes/accepted") + of("/outcomes/unknown");
    let looked_at = of("/changes/added") + of("/changes/updated") + of("/changes/removed");
    funnel(&[
        ("In the audience", of("/people")),
        ("Held back: consent", of("/withheld")),
        ("Looked at", looked_at),
        ("Nothing to do", of("/outcomes/unchanged")),
        ("Waiting", waiting),
        ("Refused", of("/outcomes/rejected")),
        ("Delivered", of("/outcomes/delivered")),
    ])
}

/// One connection.
pub(super) async fn connection(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Path((key, destination)): Path<(String, String)>,
) -> Response {
    let page = connection_page(&app, &who, &key, &destination).await;
    shown(&app, &who, ("Audiences", "Connection", "/audiences"), page)
}

async fn connection_page(app: &App, who: &Who, key: &str, destination: &str) -> Result<Connection, Problem> {
    let link = app.desk.connection(key, destination).await?;
    let overview = app.desk.overview().await?;
    let mine: Vec<_> =
        overview.connections.iter().filter(|one| one.audience == key && one.destination == destination).collect();
    let runs = app.desk.runs(None, Some((key.to_owned(), destination.to_owned()))).await?.runs;
    let first = runs.first().and_then(|run| Some((run.run, steps(run.connections.first()?))));
    let name = mine.first().map_or_else(|| key.to_owned(), |one| one.audience_name.clone());
    Ok(Connection {
        f: app.frame(who, "Audiences", format!("{name} › {destination}")),
        name,
        reason: mine.iter().find_map(|one| one.reason.clone()).unwrap_or_default(),
        state: mine.first().map(|one| one.state.clone()).unwrap_or_default(),
        is_running: mine.iter().any(|one| one.state == "running"),
        rows: mine.into_iter().map(row).collect(),
        funnel: first,
        runs: runs.iter().take(20).flat_map(run_rows).collect(),
        base: app.desk.files().await?.version,
        link,
    })
}

/// Gives a connection a turn now.
pub(super) async fn run(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(form): Extension<Form>,
) -> Response {
    let (audience, destination) = (form.text("audience"), form.text("destination"));
    let back = format!("/audiences/{}/to/{}", escaped(audience), escaped(destination));
    match app.desk.sync_now(&who.caller, audience, destination).await {
        Ok(()) => Redirect::to(&back).into_response(),
        Err(problem) => failed(app.frame(&who, "Audiences", "Sync now"), &problem, &back),
    }
}
