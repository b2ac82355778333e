//! One person's whole story: found by a form, shown under a handle that says nothing.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use enroute_api::Problem;
use enroute_api::desk::people::{Found, Person, Search};
use enroute_sync::Chapter;

use crate::form::Form;
use crate::look;
use crate::page::{App, Frame, Who, failed, sentence, shown};
use crate::parts::Tag;

#[derive(Template)]
#[template(path = "people.html")]
struct SearchPage {
    f: Frame,
    kind: String,
    found: Option<Vec<Found>>,
}

/// The box.
pub(super) async fn search(State(app): State<App>, Extension(who): Extension<Who>) -> Response {
    let page = SearchPage { f: app.frame(&who, "People", "People"), kind: "id".to_owned(), found: None };
    shown(&app, &who, ("People", "People", "/"), Ok(page))
}

/// Whom it finds: one is shown at once.
pub(super) async fn find(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(form): Extension<Form>,
) -> Response {
    let kind = form.text("kind").to_owned();
    let search = Search { kind: kind.clone(), value: form.text("value").trim().to_owned() };
    match app.desk.find_people(search).await {
        Ok(found) => match found.as_slice() {
            [one] => Redirect::to(&format!("/people/{}", one.handle)).into_response(),
            _ => {
                let page = SearchPage { f: app.frame(&who, "People", "People"), kind, found: Some(found) };
                shown(&app, &who, ("People", "People", "/"), Ok(page))
            }
        },
        Err(problem) => failed(app.frame(&who, "People", "People"), &problem, "/people"),
    }
}

#[derive(Template)]
#[template(path = "person.html")]
struct PersonPage {
    f: Frame,
    person: Person,
    chapters: Vec<Story>,
}

struct Story {
    name: String,
    tag: Tag,
    sentence: String,
    hint: String,
    chapter: Chapter,
}

fn story(chapter: &Chapter) -> Story {
    let mut sentence_parts = Vec::new();
    if let Some(purpose) = &chapter.consent_missing {
        sentence_parts.push(format!("Held back: no consent for {purpose}."));
    }
    if let Some(refusal) = &chapter.refusal {
        sentence_parts.push(sentence(&refusal.reason));
    }
    if let Some(reason) = &chapter.waits_because {
        sentence_parts.push(sentence(&format!("waits: {reason}")));
    }
    if let Some(due) = &chapter.due {
        sentence_parts.push(format!("Due {due}."));
    }
    if let Some(stopped) = &chapter.connection_stopped {
        sentence_parts.push(sentence(&format!("the connection's last run ended early: {stopped}")));
    }
    if let (Some(version), true) = (chapter.settings_version, sentence_parts.is_empty()) {
        sentence_parts.push(format!("Sent under version {version} of the settings."));
    }
    Story {
        name: format!("{} → {}", chapter.audience, chapter.destination),
        tag: look::member(&chapter.state),
        sentence: sentence_parts.join(" "),
        hint: chapter.refusal.as_ref().and_then(|refusal| refusal.hint.clone()).unwrap_or_default(),
        chapter: chapter.clone(),
    }
}

fn page(app: &App, who: &Who, person: Person) -> PersonPage {
    let chapters = person.story.connections.iter().map(story).collect();
    PersonPage { f: app.frame(who, "People", "A person"), person, chapters }
}

/// Somebody.
pub(super) async fn person(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Path(handle): Path<String>,
) -> Response {
    let found: Result<Person, Problem> = app.desk.person(&handle, None).await;
    let found = found.map(|person| page(&app, &who, person));
    shown(&app, &who, ("People", "A person", "/people"), found)
}

/// Somebody with values, once: the answer is kept nowhere, and the audit log has a line.
pub(super) async fn reveal(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Path(handle): Path<String>,
) -> Response {
    let found = app.desk.person(&handle, Some(&who.caller)).await;
    let found = found.map(|person| page(&app, &who, person));
    shown(&app, &who, ("People", "A person", "/people"), found)
}
