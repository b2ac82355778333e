//! Is all well, and what needs a person?

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use enroute_api::Problem;
use enroute_api::desk::overview::{Connection, Need, Overview};

use crate::look;
use crate::page::{App, Frame, Who, shown};
use crate::parts::{Tag, tag};
use crate::words::{escaped, number};

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    f: Frame,
    needs: Vec<NeedRow>,
    links: Vec<LinkRow>,
    people: String,
    /// People who wait at any connection; empty where nobody does.
    waiting: String,
    steps: Option<[bool; 3]>,
}

struct NeedRow {
    tag: Tag,
    about: String,
    reason: String,
    waiting: String,
    href: String,
    button: &'static str,
}

/// A connection as lists show it.
pub(super) struct LinkRow {
    pub(super) tag: Tag,
    pub(super) name: String,
    pub(super) destination: String,
    pub(super) mapping: String,
    pub(super) href: String,
    pub(super) run: Option<(i64, String)>,
    pub(super) held: String,
    pub(super) waiting: String,
    pub(super) refused: String,
    pub(super) next: String,
}

/// A connection as lists show it.
pub(super) fn row(one: &Connection) -> LinkRow {
    LinkRow {
        tag: look::connection(one),
        name: one.audience_name.clone(),
        destination: one.destination.clone(),
        mapping: one.mapping.clone(),
        href: format!("/audiences/{}/to/{}", escaped(&one.audience), escaped(&one.destination)),
        run: one.last_run.as_ref().map(|run| (run.run, run.started.clone())),
        held: number(one.held),
        waiting: number(one.waiting),
        refused: number(one.refused),
        next: one.next_due.clone().or_else(|| one.schedule.clone()).unwrap_or_default(),
    }
}

fn need(one: &Need) -> NeedRow {
    let link = format!("/audiences/{}/to/{}", escaped(&one.audience), escaped(&one.destination));
    let (tag, href, button) = match one.kind.as_str() {
        "configuration" => (tag("bad", "Not in force"), "/config".to_owned(), "See the mistake"),
        "source" => (tag("bad", "Stopped"), "/sources".to_owned(), "Open sources"),
        "guarded" => (tag("warn", "Guard"), link, "Look at who"),
        "given_up" => (tag("bad", "Given up"), "/activity/refused".to_owned(), "Retry"),
        "failed" => (tag("bad", "Failed"), link, "See why"),
        "outage" => (tag("warn", "Not answering"), link, "See who waits"),
        _ => (tag("bad", "Paused"), format!("/destinations/{}", escaped(&one.destination)), "Open the destination"),
    };
    let waiting = if one.waiting > 0 { format!("{} wait.", number(one.waiting)) } else { String::new() };
    NeedRow { tag, about: one.about.clone(), reason: one.reason.clone(), waiting, href, button }
}

/// The page.
pub(super) async fn home(State(app): State<App>, Extension(who): Extension<Who>) -> Response {
    let page = page(&app, &who).await;
    shown(&app, &who, ("Home", "Home", "/"), page)
}

async fn page(app: &App, who: &Who) -> Result<Home, Problem> {
    let Overview { needs, connections, destinations, people, .. } = app.desk.overview().await?;
    let audiences = app.desk.audiences().await?;
    let steps = [people > 0, !destinations.is_empty(), !audiences.is_empty()];
    Ok(Home {
        f: app.frame(who, "Home", "Home"),
        needs: needs.iter().map(need).collect(),
        links: connections.iter().map(row).collect(),
        people: number(people),
        waiting: Some(connections.iter().map(|one| one.waiting).sum())
            .filter(|all| *all > 0)
            .map_or_else(String::new, number),
        steps: connections.is_empty().then_some(steps),
    })
}
