//! Who is in: rows or SQL, with a count of everybody and masked samples while it is edited.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json as Body};
use enroute_api::Problem;
use enroute_api::desk::audiences::{Condition, Count};
use serde_json::json;

use crate::form::Form;
use crate::page::{App, Frame, Who, sentence, shown};
use crate::routes::wishes;
use crate::rows::operators::{OPERATORS, operator};
use crate::rows::parse::parse;
use crate::rows::tree::{Node, Row};
use crate::words::number;

#[derive(Template)]
#[template(path = "build.html")]
struct Build {
    f: Frame,
    is_new: bool,
    here: String,
    base: String,
    name: String,
    key: String,
    view: &'static str,
    why_sql: String,
    sql: String,
    mode: &'static str,
    groups: Vec<Group>,
    paths: Vec<(String, String)>,
    operators: Vec<(&'static str, &'static str, &'static str)>,
    counted: Option<Counted>,
    problem: String,
}

struct Group {
    /// Empty for rows that stand by themselves.
    name: String,
    mode: &'static str,
    lines: Vec<Line>,
}

struct Line {
    at: usize,
    what: String,
    op: String,
    value: String,
}

impl Line {
    fn is(&self, key: &str) -> bool {
        self.op == key
    }
}

struct Counted {
    people: String,
    said: String,
    samples: Vec<String>,
}

/// A count in words.
fn counted(count: &Count) -> Counted {
    let moves = if count.moves_with_time { ", moves with time" } else { "" };
    let shares: Vec<String> = count.identifiers.iter().map(|one| format!("{} {} %", one.name, one.percent)).collect();
    let has = if shares.is_empty() { String::new() } else { format!("; has {}", shares.join(", ")) };
    let sample = |one: &enroute_api::desk::audiences::Sample| {
        let traits = one.traits.iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(" · ");
        format!("{} · {traits}", one.id)
    };
    Counted {
        people: number(count.members),
        said: format!("people of {}, counted in {} ms{moves}{has}", number(count.people), count.took_ms),
        samples: count.samples.iter().map(sample).collect(),
    }
}

/// A new audience.
pub(super) async fn new(State(app): State<App>, Extension(who): Extension<Who>) -> Response {
    let mut form = Form::default();
    for (name, value) in [("is_new", "1"), ("view", "rows"), ("what", ""), ("op_", "is"), ("value", ""), ("group", "")]
    {
        form.push(name, value);
    }
    let page = page(&app, &who, &form, false).await;
    shown(&app, &who, ("Audiences", "New audience", "/audiences"), page)
}

/// One that is there.
pub(super) async fn edit(State(app): State<App>, Extension(who): Extension<Who>, Path(key): Path<String>) -> Response {
    let page = edit_page(&app, &who, &key).await;
    shown(&app, &who, ("Audiences", "Edit", "/audiences"), page)
}

async fn edit_page(app: &App, who: &Who, key: &str) -> Result<Build, Problem> {
    let found = app.desk.audience(key).await?;
    let mut form = Form::default();
    form.push("audience", key);
    form.push("name", &found.name);
    form.push("sql", &found.condition);
    match parse(&found.condition) {
        Some(node) => into_form(&mut form, &node),
        None => form.push("view", "sql"),
    }
    page(app, who, &form, true).await
}

/// Writes rows into a form.
fn into_form(form: &mut Form, node: &Node) {
    form.set("view", "rows");
    form.drop_all(&["what", "op_", "value", "group"]);
    let (mode, parts) = match node {
        Node::Any(parts) => ("any", parts.as_slice()),
        Node::All(parts) => ("all", parts.as_slice()),
        one => ("all", std::slice::from_ref(one)),
    };
    form.set("mode", mode);
    for (at, part) in parts.iter().enumerate() {
        let (Node::All(inner) | Node::Any(inner)) = part else {
            push(form, part, "");
            continue;
        };
        let name = format!("g{at}");
        form.set(&format!("mode_{name}"), if matches!(part, Node::All(_)) { "all" } else { "any" });
        inner.iter().for_each(|one| push(form, one, &name));
    }
}

fn push(form: &mut Form, node: &Node, group: &str) {
    let row = match node {
        Node::Row(row) => row.clone(),
        // What is deeper than the page shows stays its text.
        other => Row {
            what: String::new(),
            op: "sql".to_owned(),
            value: match other {
                Node::Sql(text) => text.clone(),
                deep => crate::rows::tree::write(deep).unwrap_or_default(),
            },
        },
    };
    for (name, value) in [("what", row.what), ("op_", row.op), ("value", row.value), ("group", group.to_owned())] {
        form.push(name, &value);
    }
}

/// The form again: with another row, another view, or a count.
pub(super) async fn again(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(mut form): Extension<Form>,
) -> Response {
    match form.text("op").to_owned().as_str() {
        "row" => push(&mut form, &Node::Row(Row { op: "is".to_owned(), ..Row::default() }), ""),
        "group" => {
            let name = format!("g{}", form.all("what").len());
            for _ in 0..2 {
                push(&mut form, &Node::Row(Row { op: "is".to_owned(), ..Row::default() }), &name);
            }
            form.set(&format!("mode_{name}"), "any");
        }
        "sql" => {
            if let Ok(sql) = wishes::condition(&form) {
                form.set("sql", &sql);
            }
            form.set("view", "sql");
        }
        "rows" => {
            if let Some(node) = parse(form.text("sql")) {
                into_form(&mut form, &node);
            }
        }
        op => {
            if let Some(Ok(at)) = op.strip_prefix("remove_").map(str::parse) {
                form.drop_at(&["what", "op_", "value", "group"], at);
            }
        }
    }
    let page = page(&app, &who, &form, true).await;
    shown(&app, &who, ("Audiences", "Audience", "/audiences"), page)
}

fn groups(form: &Form) -> Vec<Group> {
    let mut found: Vec<Group> = Vec::new();
    for at in 0..form.all("what").len() {
        let name = form.at("group", at);
        let line = Line {
            at,
            what: form.at("what", at).to_owned(),
            op: form.at("op_", at).to_owned(),
            value: form.at("value", at).to_owned(),
        };
        match found.last_mut() {
            Some(last) if last.name == name && !name.is_empty() => last.lines.push(line),
            _ => {
                let mode = if form.text(&format!("mode_{name}")) == "all" { "all" } else { "any" };
                found.push(Group { name: name.to_owned(), mode, lines: vec![line] });
            }
        }
    }
    found
}

async fn page(app: &App, who: &Who, form: &Form, with_count: bool) -> Result<Build, Problem> {
    let files = app.desk.files().await?;
    let traits = app.desk.traits().await?;
    let path = |one: &enroute_api::desk::traits::Path| {
        let name = format!("{}.{}", one.part, one.path);
        let said = format!("{}, {} %, {}", one.types.join("/"), one.percent, one.samples.join(" "));
        matches!(one.part.as_str(), "traits" | "identifiers").then_some((name, said))
    };
    let condition = wishes::condition(form);
    let (mut counted_, mut problem) = (None, String::new());
    if with_count {
        match &condition {
            Ok(condition) => {
                let count = app.desk.count(Condition { condition: condition.clone() }).await?;
                match &count.problem {
                    Some(wrong) => problem = format!("{} {}", sentence(&wrong.message), wrong.hint),
                    None => counted_ = Some(counted(&count)),
                }
            }
            Err(error) => problem = sentence(error.trim_end_matches("; that")),
        }
    }
    let view = if form.text("view") == "sql" { "sql" } else { "rows" };
    let sql = if view == "sql" {
        form.text("sql").to_owned()
    } else {
        condition.unwrap_or_else(|_| form.text("sql").to_owned())
    };
    let no_rows = view == "sql" && !sql.is_empty() && parse(&sql).is_none();
    let is_new = !form.text("is_new").is_empty();
    let base = if form.text("base").is_empty() { files.version } else { form.text("base").to_owned() };
    Ok(Build {
        f: app.frame(who, "Audiences", if is_new { "New audience" } else { "Edit audience" }),
        here: if is_new {
            "/audiences/new".to_owned()
        } else {
            format!("/audiences/{}/build", crate::words::escaped(form.text("audience")))
        },
        is_new,
        base,
        name: form.text("name").to_owned(),
        key: form.text("audience").to_owned(),
        view,
        why_sql: if no_rows { "No rows say this condition, so it stays SQL.".to_owned() } else { String::new() },
        sql,
        mode: if form.text("mode") == "any" { "any" } else { "all" },
        groups: groups(form),
        paths: traits.iter().filter_map(path).collect(),
        operators: OPERATORS.iter().map(|one| (one.key, one.label, one.group)).collect(),
        counted: counted_,
        problem,
    })
}

/// The count alone, while the form is edited.
pub(super) async fn count(State(app): State<App>, Extension(form): Extension<Form>) -> Response {
    let condition = match wishes::condition(&form) {
        Ok(condition) => condition,
        Err(error) => {
            let wrong = sentence(error.trim_end_matches("; that"));
            return Body(json!({ "count": "–", "state": "not counted", "wrong": wrong })).into_response();
        }
    };
    // An operator without a name of its own cannot be in a form of ours.
    debug_assert!(operator("is").is_some());
    match app.desk.count(Condition { condition: condition.clone() }).await {
        Ok(Count { problem: Some(wrong), .. }) => {
            let wrong = format!("{} {}", sentence(&wrong.message), wrong.hint);
            Body(json!({ "count": "–", "state": "not counted", "wrong": wrong, "sql": condition })).into_response()
        }
        Ok(count) => {
            let told = counted(&count);
            let (count, state, samples) = (told.people, told.said, told.samples);
            Body(json!({ "count": count, "state": state, "samples": samples, "sql": condition })).into_response()
        }
        Err(problem) => {
            let wrong = sentence(&problem.to_string());
            (problem.status(), Body(json!({ "count": "–", "state": "not counted", "wrong": wrong }))).into_response()
        }
    }
}
