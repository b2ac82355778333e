//! Mappings of a destination: triggers, fields from event variables, and a test with a person.

use std::collections::HashMap;

use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use enroute_api::Problem;
use enroute_api::desk::connections::InHand;
use enroute_config::audiences_file::connection::emits::Mapping;
use serde_json::Value as Json;

use crate::edit;
use crate::form::Form;
use crate::page::{App, Frame, Who, failed, html, sentence, shown, told};
use crate::routes::wishes;
use crate::words::masked;

/// Operators of triggers, as docs/mappings.md has them.
const OPERATORS: &[(&str, &str)] = &[
    ("=", "is"),
    ("!=", "is not, also where missing"),
    ("contains", "contains"),
    ("not_contains", "does not contain, not where missing"),
    ("starts_with", "starts with"),
    ("ends_with", "ends with"),
    ("exists", "exists"),
    ("not_exists", "does not exist"),
    ("is_true", "is true"),
    ("is_false", "is false"),
    ("number_equals", "equals number"),
    (">", "is greater than"),
    ("<", "is less than"),
];

#[derive(Template)]
#[template(path = "mappings.html")]
struct List {
    f: Frame,
    destination: String,
    base: String,
    links: Vec<(String, Vec<Row>)>,
}

struct Row {
    name: String,
    preset: String,
    trigger: String,
    enabled: bool,
    fields: usize,
}

/// A trigger in words.
fn words(when: Option<&Json>) -> String {
    match when {
        None => "every event, or the preset's".to_owned(),
        Some(Json::String(text)) => text.clone(),
        Some(when) => {
            let part = |key: &str, between: &str| {
                let parts = when.get(key)?.as_array()?;
                Some(parts.iter().map(|one| words(Some(one))).collect::<Vec<_>>().join(between))
            };
            let text = |key: &str| when.get(key).map(crate::routes::settings::plain).unwrap_or_default();
            part("all", " and ")
                .or_else(|| part("any", " or "))
                .unwrap_or_else(|| format!("{} {} {}", text("path"), text("operator"), text("value")).trim().to_owned())
        }
    }
}

/// The mappings by audience.
pub(super) async fn list(State(app): State<App>, Extension(who): Extension<Who>, Path(name): Path<String>) -> Response {
    let page = list_page(&app, &who, &name).await;
    shown(&app, &who, ("Destinations", "Mappings", "/destinations"), page)
}

async fn list_page(app: &App, who: &Who, name: &str) -> Result<List, Problem> {
    app.desk.destination(name).await?;
    let wanted = name.to_owned();
    let links = app
        .desk
        .aside(move |desk| {
            let config = desk.sound_config()?;
            let mine = config.connections.iter().filter(|one| one.destination.value.as_str() == wanted);
            let row = |one: &Mapping| Row {
                name: one.name.value.clone(),
                preset: one.preset.as_ref().map(|preset| preset.value.clone()).unwrap_or_default(),
                trigger: words(one.when.as_ref().map(|when| &when.value)),
                enabled: one.enabled,
                fields: one.fields.len(),
            };
            Ok(mine.map(|one| (one.audience.value.to_string(), one.mappings.iter().map(row).collect())).collect())
        })
        .await?;
    let f = app.frame(who, "Destinations", format!("Mappings of {name}"));
    let base = app.desk.files().await?.version;
    Ok(List { f, destination: name.to_owned(), base, links })
}

#[derive(Template)]
#[template(path = "mapping.html")]
struct Editor {
    f: Frame,
    here: String,
    destination: String,
    audience: String,
    base: String,
    was: String,
    name: String,
    enabled: bool,
    preset: String,
    presets: Vec<(String, String)>,
    trigger: &'static str,
    when_written: String,
    when_words: String,
    mode: &'static str,
    rows: Vec<(String, String, String)>,
    operators: &'static [(&'static str, &'static str)],
    of_preset: Vec<(String, String)>,
    fields: Vec<(usize, String, String)>,
    known: Vec<(String, String)>,
    variables: Vec<(String, String)>,
    unused: Vec<String>,
    person: String,
    tried: Option<Tried>,
}

/// What became of a person.
struct Tried {
    said: String,
    mappings: Vec<TriedMapping>,
}

struct TriedMapping {
    matches: bool,
    conditions: Vec<(bool, String)>,
    event: String,
    requests: Vec<(String, String)>,
}

/// The editor of one, or of a new one.
pub(super) async fn edit(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
    Query(asked): Query<HashMap<String, String>>,
) -> Response {
    let page = edit_page(&app, &who, &name, &asked).await;
    shown(&app, &who, ("Destinations", "Mapping", "/destinations"), page)
}

async fn edit_page(
    app: &App,
    who: &Who,
    destination: &str,
    asked: &HashMap<String, String>,
) -> Result<Editor, Problem> {
    let audience = asked.get("audience").cloned().unwrap_or_default();
    let mapping = asked.get("mapping").cloned().unwrap_or_default();
    let mut form = Form::default();
    form.set("audience", &audience);
    if mapping.is_empty() {
        let preset = asked.get("preset").cloned().unwrap_or_default();
        form.set("preset", &preset);
        form.set("m_name", if preset.is_empty() { "" } else { &preset });
        form.set("trigger", if preset.is_empty() { "rows" } else { "preset" });
        for (name, value) in [("w_path", "type"), ("w_op", "="), ("w_value", "identify")] {
            form.push(name, value);
        }
        form.set("m_enabled", "true");
    } else {
        let (key, to, name) = (audience.clone(), destination.to_owned(), mapping.clone());
        let found = app
            .desk
            .aside(move |desk| {
                let config = desk.sound_config()?;
                let link = config
                    .connections
                    .iter()
                    .find(|one| one.audience.value.as_str() == key && one.destination.value.as_str() == to);
                let found = link.and_then(|one| one.mappings.iter().find(|one| one.name.value == name)).cloned();
                found.ok_or_else(|| Problem::Missing(format!("mapping `{name}`")))
            })
            .await?;
        into_form(&mut form, &found);
    }
    page(app, who, destination, &form).await
}

fn into_form(form: &mut Form, mapping: &Mapping) {
    form.set("was", &mapping.name.value);
    form.set("m_name", &mapping.name.value);
    form.set("m_enabled", if mapping.enabled { "true" } else { "false" });
    form.set("preset", mapping.preset.as_ref().map_or("", |preset| preset.value.as_str()));
    match mapping.when.as_ref().map(|when| &when.value) {
        None => form.set("trigger", "preset"),
        Some(when) => {
            form.set("when_written", &when.to_string());
            match flat(when) {
                Some((mode, rows)) => {
                    form.set("trigger", "rows");
                    form.set("w_mode", mode);
                    for (path, operator, value) in rows {
                        form.push("w_path", &path);
                        form.push("w_op", &operator);
                        form.push("w_value", &value);
                    }
                }
                None => form.set("trigger", "written"),
            }
        }
    }
    for (field, value) in &mapping.fields {
        form.push("m_field", &field.value);
        form.push("m_value", &wishes::written(value));
    }
}

/// Path, operator and value.
type TriggerRow = (String, String, String);

/// A trigger as rows, where it is a flat list that the form writes again as it is.
fn flat(when: &Json) -> Option<(&'static str, Vec<TriggerRow>)> {
    let (mode, rows) = ["all", "any"].into_iter().find_map(|mode| Some((mode, when.get(mode)?.as_array()?)))?;
    let row = |row: &Json| {
        let text = |name: &str| row.get(name).and_then(Json::as_str).map(str::to_owned);
        let value = row.get("value").map_or(Some(String::new()), |value| value.as_str().map(str::to_owned))?;
        Some((text("path")?, text("operator")?, value))
    };
    Some((mode, rows.iter().map(row).collect::<Option<Vec<_>>>()?))
}

/// The form again: with another row, or with what became of a person.
pub(super) async fn again(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Path(destination): Path<String>,
    Extension(mut form): Extension<Form>,
) -> Response {
    match form.text("op").to_owned().as_str() {
        "when" => {
            form.set("trigger", "rows");
            ["w_path", "w_op", "w_value"].iter().for_each(|name| form.push(name, ""));
        }
        "field" => ["m_field", "m_value"].iter().for_each(|name| form.push(name, "")),
        op => {
            if let Some(name) = op.strip_prefix("use_") {
                let name = name.to_owned();
                form.push("m_field", name.rsplit('.').next().unwrap_or(&name));
                form.push("m_value", &format!("traits.{name}"));
            } else if let Some(Ok(at)) = op.strip_prefix("remove_").map(str::parse) {
                form.drop_at(&["m_field", "m_value"], at);
            }
        }
    }
    let mut page = match page(&app, &who, &destination, &form).await {
        Ok(page) => page,
        Err(problem) => return failed(app.frame(&who, "Destinations", "Mapping"), &problem, "/destinations"),
    };
    let op = form.text("op");
    if op == "try" || op == "send" {
        page.tried = Some(tried(&app, &who, &destination, &form, op == "send").await);
    }
    html(&page)
}

#[expect(clippy::too_many_lines, reason = "one field of the page after the other")]
async fn page(app: &App, who: &Who, name: &str, form: &Form) -> Result<Editor, Problem> {
    let destination = app.desk.destination(name).await?;
    let manifest = app.desk.manifest(&destination.plugin).await?;
    let files = app.desk.files().await?;
    let audience = form.text("audience").to_owned();
    let rows = app.desk.connection(&audience, name).await?.traits;
    let traits = app.desk.traits().await?;
    let preset = manifest.presets.iter().find(|one| one.name == form.text("preset"));
    let of_preset: Vec<(String, String)> = preset
        .iter()
        .flat_map(|one| one.fields.iter().map(|(field, value)| (field.clone(), wishes::written(value))))
        .collect();
    let fields: Vec<(usize, String, String)> = form
        .all("m_field")
        .iter()
        .enumerate()
        .map(|(at, field)| (at, (*field).to_owned(), form.at("m_value", at).to_owned()))
        .collect();
    let uses = |trait_name: &str| {
        let path = format!("traits.{trait_name}");
        fields
            .iter()
            .map(|(_, _, value)| value)
            .chain(of_preset.iter().map(|(_, value)| value))
            .any(|value| value.contains(&path))
    };
    let unused = rows.iter().map(|row| row.from.clone()).filter(|name| !uses(name)).collect();
    let variables = traits.iter().filter(|one| one.part == "traits").map(|one| {
        (
            format!("traits.{}", one.path),
            format!("{}, {} %, {}", one.types.join("/"), one.percent, one.samples.join(" ")),
        )
    });
    let known = manifest.fields.iter().map(|one| (one.name.clone(), format!("{} {}", one.takes.word(), one.help)));
    let written: Option<Json> = serde_json::from_str(form.text("when_written")).ok();
    let trigger = match form.text("trigger") {
        "rows" => "rows",
        "written" => "written",
        _ => "preset",
    };
    let row = |at: usize| {
        (form.at("w_path", at).to_owned(), form.at("w_op", at).to_owned(), form.at("w_value", at).to_owned())
    };
    Ok(Editor {
        f: app.frame(
            who,
            "Destinations",
            if form.text("m_name").is_empty() { "New mapping" } else { form.text("m_name") },
        ),
        here: format!("/destinations/{}/mappings/edit", crate::words::escaped(name)),
        destination: name.to_owned(),
        base: if form.text("base").is_empty() { files.version } else { form.text("base").to_owned() },
        was: form.text("was").to_owned(),
        name: form.text("m_name").to_owned(),
        enabled: form.text("m_enabled") == "true",
        preset: form.text("preset").to_owned(),
        presets: manifest
            .presets
            .iter()
            .map(|one| (one.name.clone(), format!("{} {}", one.help, one.trigger_in_words())))
            .collect(),
        trigger,
        when_words: words(written.as_ref()),
        when_written: form.text("when_written").to_owned(),
        mode: if form.text("w_mode") == "any" { "any" } else { "all" },
        rows: (0..form.all("w_path").len()).map(row).collect(),
        operators: OPERATORS,
        of_preset: of_preset.into_iter().filter(|(field, _)| !fields.iter().any(|(_, own, _)| own == field)).collect(),
        fields,
        known: known.collect(),
        variables: variables.collect(),
        unused,
        person: form.text("person").to_owned(),
        audience,
        tried: None,
    })
}

/// What becomes of one person under the form as it is.
async fn tried(app: &App, who: &Who, destination: &str, form: &Form, send: bool) -> Tried {
    let wrong = |said: String| Tried { said, mappings: Vec::new() };
    let wish = match wishes::mapping(form) {
        Ok(wish) => edit::MappingWish { enabled: true, ..wish },
        Err(error) => return wrong(sentence(error.trim_end_matches("; that"))),
    };
    let audience = form.text("audience");
    let text = match app.desk.files().await.map(|files| edit::mapping(&files.audiences, audience, destination, &wish)) {
        Ok(Ok(text)) => text,
        Ok(Err(error)) => return wrong(sentence(&error.to_string())),
        Err(problem) => return wrong(sentence(&problem.to_string())),
    };
    let in_hand = InHand { plugins: None, audiences: Some(text) };
    let asked = (form.text("person").trim(), send);
    match app.desk.try_person(&who.caller, in_hand, (audience, destination), asked).await {
        Ok(trial) => {
            let is_in = if trial.is_member { "In the audience." } else { "Not in the audience, so nothing is added." };
            let sent = trial.sent.as_ref().map_or_else(String::new, |sent| {
                format!(
                    " Sent: {}.",
                    serde_json::to_value(sent.report.connections.iter().map(|one| one.outcomes).collect::<Vec<_>>())
                        .unwrap_or_default()
                )
            });
            let one = |one: &enroute_sync::TriedMapping| TriedMapping {
                matches: one.matches,
                conditions: one.conditions.iter().map(|one| (one.is_met, one.condition.clone())).collect(),
                event: one.event.as_ref().map(|event| veiled(event.get())).unwrap_or_default(),
                requests: one
                    .plan
                    .iter()
                    .flat_map(|plan| &plan.requests)
                    .map(|request| {
                        (
                            format!("{} {}", request.method, request.url),
                            veiled(request.body.as_deref().unwrap_or_default()),
                        )
                    })
                    .collect(),
            };
            let mappings = trial.mappings.iter().filter(|one| one.mapping == wish.name).map(one).collect();
            Tried { said: format!("{is_in}{sent}"), mappings }
        }
        Err(Problem::Mistakes(mistakes)) => wrong(mistakes.iter().map(told).collect::<Vec<_>>().join("\n")),
        Err(problem) => wrong(sentence(&problem.to_string())),
    }
}

/// A document with every value by its shape.
fn veiled(text: &str) -> String {
    fn veil(value: &mut Json) {
        match value {
            Json::String(text) => *text = masked(text),
            Json::Number(number) => *value = Json::from(masked(&number.to_string())),
            Json::Array(list) => list.iter_mut().for_each(veil),
            Json::Object(object) => object.values_mut().for_each(veil),
            _ => {}
        }
    }
    match serde_json::from_str::<Json>(text) {
        Ok(mut value) => {
            veil(&mut value);
            serde_json::to_string_pretty(&value).unwrap_or_default()
        }
        Err(_) => masked(text),
    }
}
