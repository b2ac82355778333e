//! What happened: runs with their reasons and requests, who waits, who stands refused.

use std::collections::HashMap;

use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use enroute_api::Problem;
use enroute_api::desk::runs::{Refused, Request, Waiting};
use enroute_store::letters;
use serde_json::Value as Json;

use crate::form::Form;
use crate::look;
use crate::page::{App, Frame, Who, failed, sentence, shown};
use crate::parts::{Funnel, Tag};
use crate::routes::audiences::{RunRow, run_rows, steps};
use crate::words::{number, took};

#[derive(Template)]
#[template(path = "activity.html")]
struct List {
    f: Frame,
    runs: Vec<RunRow>,
    before: Option<i64>,
    only_trouble: bool,
    waits: u64,
    refused: u64,
}

/// The runs.
pub(super) async fn list(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Query(asked): Query<HashMap<String, String>>,
) -> Response {
    let page = list_page(&app, &who, &asked).await;
    shown(&app, &who, ("Activity", "Activity", "/"), page)
}

async fn list_page(app: &App, who: &Who, asked: &HashMap<String, String>) -> Result<List, Problem> {
    let found = app.desk.runs(asked.get("before").and_then(|text| text.parse().ok()), None).await?;
    let overview = app.desk.overview().await?;
    let only_trouble = asked.contains_key("trouble");
    let mut runs: Vec<RunRow> = found.runs.iter().flat_map(run_rows).collect();
    runs.retain(|row| row.is_trouble || !only_trouble);
    let sum = |of: fn(&enroute_api::desk::overview::Connection) -> u64| overview.connections.iter().map(of).sum();
    let (waits, refused) = (sum(|one| one.waiting), sum(|one| one.refused));
    Ok(List { f: app.frame(who, "Activity", "Activity"), runs, before: found.before, only_trouble, waits, refused })
}

#[derive(Template)]
#[template(path = "run.html")]
struct One {
    f: Frame,
    number: i64,
    started: String,
    took: String,
    links: Vec<Link>,
    requests: Vec<Request>,
}

struct Link {
    name: String,
    tag: Tag,
    reason: String,
    funnel: Funnel,
    sum: String,
    reasons: Vec<Reason>,
    notes: Vec<String>,
    version: u64,
}

/// A reason with its number and what to do.
pub(super) struct Reason {
    pub(super) code: String,
    pub(super) field: String,
    pub(super) reason: String,
    pub(super) hint: String,
    pub(super) members: String,
}

/// The reasons of a list in a report.
pub(super) fn reasons(report: &Json, list: &str) -> Vec<Reason> {
    let all = report.get(list).and_then(Json::as_array).cloned().unwrap_or_default();
    let one = |one: &Json| Reason {
        code: look::text(one, "code"),
        field: look::text(one, "field"),
        reason: sentence(&look::text(one, "reason")),
        hint: look::text(one, "hint"),
        members: number(look::count(one, "/members")),
    };
    all.iter().map(one).collect()
}

fn link(report: &Json) -> Link {
    let outcome = |name: &str| look::count(report, &format!("/outcomes/{name}"));
    let names = ["delivered", "unchanged", "rejected", "deferred", "accepted", "unknown"];
    let there: Vec<(u64, &str)> = names.iter().map(|name| (outcome(name), *name)).filter(|(n, _)| *n > 0).collect();
    let total: u64 = there.iter().map(|(count, _)| count).sum();
    let parts: Vec<String> = there.iter().map(|(count, name)| format!("{} {name}", number(*count))).collect();
    let notes = report.get("notes").and_then(Json::as_array).cloned().unwrap_or_default();
    let mut reasons = reasons(report, "rejections");
    reasons.extend(self::reasons(report, "waiting"));
    Link {
        name: format!("{} → {}", look::text(report, "audience"), look::text(report, "destination")),
        tag: look::ended(report),
        reason: look::text(report, "reason"),
        funnel: steps(report),
        sum: if parts.is_empty() { String::new() } else { format!("{} = {}", parts.join(" + "), number(total)) },
        reasons,
        notes: notes.iter().filter_map(|note| note.as_str().map(sentence)).collect(),
        version: look::count(report, "/settings_version"),
    }
}

/// One run.
pub(super) async fn one(State(app): State<App>, Extension(who): Extension<Who>, Path(number): Path<i64>) -> Response {
    let page = one_page(&app, &who, number).await;
    shown(&app, &who, ("Activity", "Run", "/activity"), page)
}

async fn one_page(app: &App, who: &Who, number: i64) -> Result<One, Problem> {
    let run = app.desk.run(number).await?;
    Ok(One {
        f: app.frame(who, "Activity", format!("Run {number}")),
        number,
        started: run.started.clone(),
        took: run.took_ms.map_or_else(|| "not ended".to_owned(), took),
        links: run.connections.iter().map(link).collect(),
        requests: app.desk.requests(number).await?,
    })
}

#[derive(Template)]
#[template(path = "waiting.html")]
struct WaitingPage {
    f: Frame,
    rows: Vec<Waiting>,
}

/// Who waits.
pub(super) async fn waiting(State(app): State<App>, Extension(who): Extension<Who>) -> Response {
    let page = app.desk.waiting().await;
    let page = page.map(|rows| WaitingPage { f: app.frame(&who, "Activity", "Waiting"), rows });
    shown(&app, &who, ("Activity", "Waiting", "/activity"), page)
}

#[derive(Template)]
#[template(path = "refused.html")]
struct RefusedPage {
    f: Frame,
    rows: Vec<Refused>,
}

/// Who stands refused.
pub(super) async fn refused(State(app): State<App>, Extension(who): Extension<Who>) -> Response {
    refused_page(&app, &who, String::new()).await
}

async fn refused_page(app: &App, who: &Who, notice: String) -> Response {
    let page = app.desk.refused().await;
    let page = page.map(|rows| RefusedPage { f: app.frame(who, "Activity", "Refused").saying(notice), rows });
    shown(app, who, ("Activity", "Refused", "/activity"), page)
}

/// Tries the refused again.
pub(super) async fn retry(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(form): Extension<Form>,
) -> Response {
    let text = |name: &str| Some(form.text(name).to_owned()).filter(|text| !text.is_empty());
    let wanted = letters::Wanted {
        audience: text("audience"),
        destination: text("destination"),
        code: text("code"),
        ..letters::Wanted::default()
    };
    match app.desk.retry(&who.caller, wanted).await {
        Ok(count) => {
            let notice = format!("{} are tried again now; the next run says what became of them.", number(count));
            refused_page(&app, &who, notice).await
        }
        Err(problem) => failed(app.frame(&who, "Activity", "Retry"), &problem, "/activity/refused"),
    }
}
