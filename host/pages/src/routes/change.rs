//! Review and save: what every form that edits the files comes to.
//!
//! A form says what it wants and which version it began with. Its edit is made on the files as they are, its difference
//! and plan are shown with all its fields in hand, and the same form is sent again to save. So nothing waits on the server,
//! Back loses nothing, and a file that was changed in between is a conflict with what would come of both.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use enroute_api::Problem;
use enroute_api::desk::connections::InHand;
use enroute_api::desk::files::{Edit, Files};
use enroute_sync::LinkPlan;

use crate::edit::{self, EditError};
use crate::form::Form;
use crate::page::{App, Frame, Who, failed, html, sentence, told};
use crate::parts::Diff;
use crate::routes::wishes;
use crate::words::{difference, escaped, number, took};

/// What a form comes to.
pub(super) struct Change {
    pub(super) title: String,
    pub(super) plugins: String,
    pub(super) audiences: String,
    /// The connection that it is about.
    pub(super) about: Option<(String, String)>,
    /// Where to go afterwards.
    pub(super) then: String,
    /// The form that it came from.
    pub(super) back: String,
}

#[derive(Template)]
#[template(path = "review.html")]
struct Review {
    f: Frame,
    title: String,
    diffs: Vec<Diff>,
    problems: Vec<String>,
    is_broken: bool,
    plans: Vec<Plan>,
    no_plan: String,
    pairs: Vec<(String, String)>,
    back: String,
    may_wait: bool,
    is_nothing: bool,
}

struct Plan {
    mapping: String,
    sentence: String,
    rejections: Vec<(String, String, String, String)>,
    notes: Vec<String>,
    coverage: Vec<Covered>,
    pace: String,
    requests: usize,
    stopped: String,
    guard: String,
}

struct Covered {
    from: String,
    field: String,
    how: &'static str,
    has: String,
    missing: String,
    samples: String,
}

/// What a form wants of the files.
#[expect(clippy::too_many_lines, reason = "an arm for each form")]
pub(super) fn edited(form: &Form, files: &Files) -> Result<Change, EditError> {
    let (audience, destination) = (form.text("audience").to_owned(), form.text("destination").to_owned());
    let about = Some((audience.clone(), destination.clone()));
    let (key, to) = (escaped(&audience), escaped(&destination));
    let mut change = Change {
        title: "Review".to_owned(),
        plugins: files.plugins.clone(),
        audiences: files.audiences.clone(),
        about: None,
        then: format!("/audiences/{key}"),
        back: "/".to_owned(),
    };
    let text = &files.audiences;
    match form.text("do") {
        "audience" => {
            let condition = wishes::condition(form).map_err(EditError::Gone)?;
            change.audiences = edit::audience(text, &audience, form.text("name").trim(), &condition)?;
            change.title = format!("Save the audience {}", form.text("name"));
            change.back = if form.text("is_new").is_empty() {
                format!("/audiences/{key}/build")
            } else {
                "/audiences/new".to_owned()
            };
            if form.text("then") == "connect" {
                change.then = format!("/audiences/{key}/connect");
            }
        }
        "remove_audience" => {
            change.audiences = edit::remove_audience(text, &audience)?;
            change.title = format!("Remove the audience {audience}");
            change.then = "/audiences".to_owned();
            change.back = format!("/audiences/{key}");
        }
        "connect" => {
            change.audiences = edit::connect(text, &wishes::connection(form))?;
            change.title = format!("{audience} → {destination}");
            (change.about, change.then) = (about, format!("/audiences/{key}/to/{to}"));
            change.back = format!("/audiences/{key}/connect?to={to}");
        }
        "toggle" => {
            let enabled = form.text("enabled") == "true";
            change.audiences = edit::toggle(text, &audience, &destination, enabled)?;
            change.title = format!("Turn {audience} → {destination} {}", if enabled { "on" } else { "off" });
            change.then = format!("/audiences/{key}/to/{to}");
            change.back.clone_from(&change.then);
            change.about = about.filter(|_| enabled);
        }
        "disconnect" => {
            change.audiences = edit::disconnect(text, &audience, &destination)?;
            change.title = format!("Remove the connection {audience} → {destination}");
            change.back = format!("/audiences/{key}/to/{to}");
        }
        "destination" => {
            let wish = wishes::destination(form);
            change.plugins = edit::destination(&files.plugins, &wish)?;
            change.title = format!("Save the destination {}", wish.name);
            change.then = match form.text("then") {
                "" => format!("/destinations/{}", escaped(&wish.name)),
                key => format!("/audiences/{}/connect?to={}", escaped(key), escaped(&wish.name)),
            };
            let is_new = !form.text("is_new").is_empty();
            change.back = if is_new {
                format!("/destinations/new?plugin={}", escaped(&wish.plugin))
            } else {
                change.then.clone()
            };
        }
        "toggle_destination" => {
            let enabled = form.text("enabled") == "true";
            change.plugins = edit::toggle_destination(&files.plugins, &destination, enabled)?;
            change.title = format!("Turn {destination} {}", if enabled { "on" } else { "off" });
            change.then = format!("/destinations/{to}");
            change.back.clone_from(&change.then);
        }
        "mapping" => {
            let wish = wishes::mapping(form).map_err(EditError::Gone)?;
            change.audiences = edit::mapping(text, &audience, &destination, &wish)?;
            change.title = format!("Save the mapping {}", wish.name);
            change.then = format!("/destinations/{to}/mappings");
            change.back = format!("/destinations/{to}/mappings/edit?audience={key}&mapping={}", escaped(&wish.was));
            change.about = about;
        }
        "remove_mapping" => {
            change.audiences = edit::remove_mapping(text, &audience, &destination, form.text("name"))?;
            change.title = format!("Delete the mapping {}", form.text("name"));
            change.then = format!("/destinations/{to}/mappings");
            change.back.clone_from(&change.then);
        }
        "texts" => {
            change.plugins = form.text("plugins").to_owned();
            change.audiences = form.text("audiences").to_owned();
            change.title = "Save the files".to_owned();
            change.then = "/config".to_owned();
            change.back = "/config/edit".to_owned();
        }
        _ => return Err(EditError::Gone("what this form edits".to_owned())),
    }
    Ok(change)
}

/// Reviews or saves.
pub(super) async fn change(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(form): Extension<Form>,
) -> Response {
    let frame = |title: &str| app.frame(&who, "Configuration", title);
    let files = match app.desk.files().await {
        Ok(files) => files,
        Err(problem) => return failed(frame("Review"), &problem, "/"),
    };
    let change = match edited(&form, &files) {
        Ok(change) => change,
        Err(error) => {
            let problem = Problem::invalid(error.to_string(), "go back, and nothing that you typed is lost");
            return failed(frame("Not yet"), &problem, "/");
        }
    };
    if form.text("step").starts_with("save") {
        return save(&app, &who, &form, (files, change)).await;
    }
    review(&app, &who, form, &files, change).await
}

async fn review(app: &App, who: &Who, mut form: Form, files: &Files, change: Change) -> Response {
    let (plugins, audiences) = (change.plugins.clone(), change.audiences.clone());
    let problems = app.desk.check(Some(plugins.clone()), Some(audiences.clone())).await.unwrap_or_default();
    let is_broken = problems.iter().any(|one| one.get("severity").is_some_and(|severity| severity == "error"));
    let (mut plans, mut no_plan) = (Vec::new(), String::new());
    if let Some((audience, destination)) = change.about.as_ref().filter(|_| !is_broken) {
        let in_hand = InHand { plugins: Some(plugins), audiences: Some(audiences) };
        match app.desk.plan(in_hand, (audience, destination), None).await {
            Ok(found) => plans = found.iter().map(plan).collect(),
            Err(Problem::Mistakes(mistakes)) => no_plan = mistakes.iter().map(told).collect::<Vec<_>>().join("\n"),
            Err(problem) => no_plan = sentence(&problem.to_string()),
        }
    }
    form.drop_all(&["csrf", "step", "op"]);
    if form.text("base").is_empty() {
        form.set("base", &files.version);
    }
    let diffs = vec![
        Diff { file: "plugins.toml", lines: difference(&files.plugins, &change.plugins) },
        Diff { file: "audiences.toml", lines: difference(&files.audiences, &change.audiences) },
    ];
    html(&Review {
        f: app.frame(who, section(&change), change.title.clone()),
        is_nothing: diffs.iter().all(|diff| diff.lines.is_empty()),
        title: change.title,
        diffs,
        problems: problems.iter().map(told).collect(),
        is_broken,
        plans,
        no_plan,
        may_wait: form.text("do") == "connect",
        pairs: form.pairs().to_vec(),
        back: change.back,
    })
}

fn section(change: &Change) -> &'static str {
    if change.then.starts_with("/destinations") {
        "Destinations"
    } else if change.then.starts_with("/config") {
        "Configuration"
    } else {
        "Audiences"
    }
}

#[derive(Template)]
#[template(path = "conflict.html")]
struct Conflict {
    f: Frame,
    difference: Diff,
    theirs: Vec<Diff>,
    pairs: Vec<(String, String)>,
    merged: bool,
}

async fn save(app: &App, who: &Who, form: &Form, (files, change): (Files, Change)) -> Response {
    let mut change = change;
    if form.text("step") == "save_off"
        && let Some((audience, destination)) = &change.about
        && let Ok(text) = edit::toggle(&change.audiences, audience, destination, false)
    {
        change.audiences = text;
    }
    let base = form.text("base").to_owned();
    // Made on the files as they are, the edit is both put together; that is shown before it is saved.
    let of_now = (change.plugins.clone(), change.audiences.clone());
    let edit = Edit { version: base, plugins: Some(change.plugins.clone()), audiences: Some(change.audiences.clone()) };
    match app.desk.save(&who.caller, edit).await {
        Ok(_) => Redirect::to(&change.then).into_response(),
        Err(Problem::Conflict(conflict)) => {
            let mut form = form.clone();
            form.drop_all(&["csrf", "step"]);
            form.set("base", &conflict.version);
            let lines = difference(&files.audiences, &of_now.1);
            let lines = if lines.is_empty() { difference(&files.plugins, &of_now.0) } else { lines };
            let page = Conflict {
                f: app.frame(who, section(&change), "Changed meanwhile"),
                difference: Diff { file: "yours, on the files as they are now", lines },
                theirs: Vec::new(),
                merged: form.text("do") != "texts",
                pairs: form.pairs().to_vec(),
            };
            (StatusCode::CONFLICT, html(&page)).into_response()
        }
        Err(problem) => failed(app.frame(who, section(&change), "Not saved"), &problem, &change.back),
    }
}

fn plan(one: &LinkPlan) -> Plan {
    let people = one.coverage.people.max(1);
    let percent = |count: u64| format!("{} %", count * 100 / people);
    let changes = &one.changes;
    let sentence = format!(
        "{} people: {} to add, {} to update, {} to remove.",
        number(one.people),
        number(changes.added),
        number(changes.updated),
        number(changes.removed)
    );
    Plan {
        mapping: one.mapping.clone(),
        sentence,
        rejections: one
            .rejections
            .iter()
            .chain(&one.warnings)
            .map(|one| {
                let hint = one.hint.clone().unwrap_or_default();
                (number(one.members), one.code.clone(), crate::page::sentence(&one.reason), hint)
            })
            .collect(),
        notes: one.notes.iter().map(|note| crate::page::sentence(note)).collect(),
        coverage: one
            .coverage
            .fields
            .iter()
            .map(|field| Covered {
                from: field.from.clone(),
                field: field.field.clone(),
                how: field.matched,
                has: percent(field.present),
                missing: percent(field.missing),
                samples: field.samples.join("  "),
            })
            .collect(),
        pace: took(one.pace_ms),
        requests: one.requests.len(),
        stopped: one.stopped.clone().unwrap_or_default(),
        guard: one.guard.clone().unwrap_or_default(),
    }
}
