//! Destinations: which there are, adding one from a plugin's manifest, its settings and its credential.

use std::collections::HashMap;

use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use enroute_api::Problem;
use enroute_api::desk::connections::InHand;
use enroute_api::desk::destinations::Destination;
use enroute_api::desk::overview::DestinationState;
use enroute_api::desk::plugins::Plugin;
use enroute_core::manifest::{Manifest, Setting};
use serde_json::Value as Json;

use crate::edit;
use crate::form::Form;
use crate::look;
use crate::page::{App, Frame, Who, failed, html, sentence, shown, told};
use crate::parts::{Field, Tag};
use crate::routes::settings::{Shown, plain, setting_field};
use crate::routes::wishes;

#[derive(Template)]
#[template(path = "destinations.html")]
struct List {
    f: Frame,
    destinations: Vec<(DestinationState, Tag, usize)>,
}

/// The list.
pub(super) async fn list(State(app): State<App>, Extension(who): Extension<Who>) -> Response {
    let found = app.desk.overview().await.map(|overview| {
        let links = |name: &str| overview.connections.iter().filter(|one| one.destination == name).count();
        let with = |one: &DestinationState| (one.clone(), look::destination(&one.state), links(&one.destination));
        let destinations = overview.destinations.iter().map(with).collect();
        List { f: app.frame(&who, "Destinations", "Destinations"), destinations }
    });
    shown(&app, &who, ("Destinations", "Destinations", "/"), found)
}

#[derive(Template)]
#[template(path = "catalog.html")]
struct Catalog {
    f: Frame,
    plugins: Vec<(Plugin, Tag)>,
    then: String,
}

#[derive(Template)]
#[template(path = "destination.html")]
struct One {
    f: Frame,
    is_new: bool,
    base: String,
    name: String,
    plugin: String,
    summary: String,
    enabled: bool,
    hosts: String,
    networks: String,
    asked: Vec<String>,
    settings: Vec<Shown>,
    more: Vec<Shown>,
    secrets: Vec<Field>,
    audiences: Vec<String>,
    component: Option<(String, String)>,
    then: String,
    probe: Option<(Tag, String)>,
}

/// The installed plugins, or the form of one.
pub(super) async fn catalog(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Query(asked): Query<HashMap<String, String>>,
) -> Response {
    let then = asked.get("then").cloned().unwrap_or_default();
    if let Some(plugin) = asked.get("plugin") {
        let page = new_page(&app, &who, plugin, &then, None).await;
        return shown(&app, &who, ("Destinations", "Add destination", "/destinations/new"), page);
    }
    let found = app.desk.plugins().await.map(|found| Catalog {
        f: app.frame(&who, "Destinations", "Add destination"),
        plugins: found
            .into_iter()
            .map(|one| {
                let tag = look::plugin(&one.state);
                (one, tag)
            })
            .collect(),
        then,
    });
    shown(&app, &who, ("Destinations", "Add destination", "/destinations"), found)
}

/// The form again: with what was typed, or with what the destination said to its credential.
pub(super) async fn again(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(form): Extension<Form>,
) -> Response {
    let mut page = match new_page(&app, &who, form.text("plugin"), form.text("then"), Some(&form)).await {
        Ok(page) => page,
        Err(problem) => {
            return failed(app.frame(&who, "Destinations", "Add destination"), &problem, "/destinations/new");
        }
    };
    if form.text("op") == "test" {
        page.probe = Some(probe(&app, &who, &form).await);
    }
    html(&page)
}

/// Tries a credential that is not saved: with an audience of nobody, in hand only.
async fn probe(app: &App, who: &Who, form: &Form) -> (Tag, String) {
    const NOBODY: &str = "enroute_test";
    let wish = wishes::destination(form);
    let texts = app.desk.files().await.ok().and_then(|files| {
        let plugins = edit::destination(&files.plugins, &wish).ok()?;
        let audiences = edit::audience(&files.audiences, NOBODY, "", "1 = 0").ok()?;
        let link = edit::Wish {
            audience: NOBODY.to_owned(),
            destination: wish.name.clone(),
            enabled: true,
            identify: true,
            ..edit::Wish::default()
        };
        Some(InHand { plugins: Some(plugins), audiences: Some(edit::connect(&audiences, &link).ok()?) })
    });
    let Some(in_hand) = texts else { return (crate::parts::tag("warn", "Not tried"), "Name it first.".to_owned()) };
    verdict(app.desk.probe(&who.caller, in_hand, &wish.name).await)
}

fn verdict(probed: Result<Vec<enroute_api::desk::destinations::Probed>, Problem>) -> (Tag, String) {
    use crate::parts::tag;
    match probed {
        Ok(found) => match found.first() {
            Some(one) if one.verdict == "ok" || one.verdict == "works" => {
                (tag("ok", "Works"), one.reason.clone().unwrap_or_default())
            }
            Some(one) => (tag("bad", one.verdict.replace('_', " ")), one.reason.clone().unwrap_or_default()),
            None => (tag("warn", "Not tried"), "The destination was not asked.".to_owned()),
        },
        Err(Problem::Mistakes(mistakes)) => {
            (tag("warn", "Not tried"), mistakes.iter().map(told).collect::<Vec<_>>().join("\n"))
        }
        Err(problem) => (tag("warn", "Not tried"), format!("{} {}", sentence(&problem.to_string()), problem.hint())),
    }
}

async fn new_page(app: &App, who: &Who, id: &str, then: &str, form: Option<&Form>) -> Result<One, Problem> {
    let plugin = app.desk.plugin(id).await?;
    let manifest = app.desk.manifest(id).await?;
    let files = app.desk.files().await?;
    let component = (plugin.state == "found").then(|| {
        let file = std::path::Path::new(&plugin.file);
        let short = file.strip_prefix(app.desk.folder()).unwrap_or(file).display().to_string();
        (short, plugin.sha256.clone().unwrap_or_default())
    });
    let empty = Form::default();
    let given = form.unwrap_or(&empty);
    let mut page = one_page(app, who, &manifest, given, form.is_some());
    page.is_new = true;
    page.component = component;
    page.then = then.to_owned();
    page.base = if given.text("base").is_empty() { files.version } else { given.text("base").to_owned() };
    if form.is_none() {
        page.name = if plugin.destinations.contains(&id.to_owned()) { String::new() } else { id.to_owned() };
    }
    page.f.title = format!("Add {}", manifest.name);
    Ok(page)
}

/// The form of a manifest, with what was given.
fn one_page(app: &App, who: &Who, manifest: &Manifest, given: &Form, is_given: bool) -> One {
    let setting = |setting: &Setting| {
        let name = format!("set.{}", setting.name);
        let value = given.has(&name).then(|| Json::from(given.text(&name)));
        setting_field(setting, value.as_ref(), setting.default.as_ref(), given.has(&format!("had.{}", setting.name)))
    };
    let (settings, more): (Vec<_>, Vec<_>) = manifest.settings.iter().partition(|one| one.required || one.target);
    let secret = |one: &enroute_core::manifest::SecretSpec| Field {
        name: format!("secret.{}", one.name),
        label: format!("{} (reference)", one.name),
        help: format!(
            "{} Write where it is, never the secret: ${{env:NAME}}, ${{file:PATH}}, ${{exec:COMMAND}} or ${{sealed:NAME}}.",
            one.help
        ),
        kind: "text",
        value: given.text(&format!("secret.{}", one.name)).to_owned(),
        required: one.required,
        placeholder: format!("${{env:{}_{}}}", manifest.id.to_uppercase(), one.name.to_uppercase()),
        ..Field::default()
    };
    let asked: Vec<String> = manifest.hosts.iter().map(|host| host.host().to_owned()).collect();
    let plain_hosts: Vec<&str> = asked.iter().map(String::as_str).filter(|host| !host.contains('{')).collect();
    let usual_hosts = manifest.hosts.iter().filter_map(|host| {
        let name = host.host().strip_prefix('{')?.strip_suffix('}')?;
        let setting = manifest.settings.iter().find(|one| one.name == name)?;
        let url = setting.default.as_ref()?.as_str()?;
        Some(url.split_once("://").map_or(url, |(_, host)| host).to_owned())
    });
    let hosts: Vec<String> = plain_hosts.into_iter().map(str::to_owned).chain(usual_hosts).collect();
    One {
        f: app.frame(who, "Destinations", manifest.name.clone()),
        is_new: false,
        base: String::new(),
        name: given.text("destination").to_owned(),
        plugin: manifest.id.clone(),
        summary: manifest.summary.clone(),
        enabled: given.text("enabled") != "false",
        hosts: if is_given { given.text("hosts").to_owned() } else { hosts.join("\n") },
        networks: given.text("networks").to_owned(),
        asked,
        settings: settings.into_iter().map(setting).collect(),
        more: more.into_iter().map(setting).collect(),
        secrets: manifest.secrets.iter().map(secret).collect(),
        audiences: Vec::new(),
        component: None,
        then: String::new(),
        probe: None,
    }
}

/// One destination.
pub(super) async fn one(State(app): State<App>, Extension(who): Extension<Who>, Path(name): Path<String>) -> Response {
    let page = existing_page(&app, &who, &name).await;
    shown(&app, &who, ("Destinations", "Destination", "/destinations"), page)
}

async fn existing_page(app: &App, who: &Who, name: &str) -> Result<One, Problem> {
    let found: Destination = app.desk.destination(name).await?;
    let manifest = app.desk.manifest(&found.plugin).await?;
    let (wanted, folder) = (name.to_owned(), app.desk.folder().to_owned());
    let networks: Vec<String> = app
        .desk
        .aside(move |desk| {
            let config = desk.sound_config()?;
            let one = config.destinations.iter().find(|(key, _)| key.as_str() == wanted);
            let all = one.map(|(_, one)| one.allow_networks.iter().map(|net| net.value.to_string()).collect());
            Ok(all.unwrap_or_default())
        })
        .await?;
    let mut form = Form::default();
    form.set("destination", name);
    form.set("enabled", if found.enabled { "true" } else { "false" });
    form.set("hosts", &found.hosts.join("\n"));
    form.set("networks", &networks.join("\n"));
    for (setting, value) in &found.settings {
        form.set(&format!("set.{setting}"), &plain(value));
        form.set(&format!("had.{setting}"), "1");
    }
    // References to files are told from the operator's folder, as they were written.
    let here = format!("{}/", folder.display());
    for (secret, reference) in &found.secrets {
        form.set(&format!("secret.{secret}"), &reference.replace(&here, ""));
    }
    let mut page = one_page(app, who, &manifest, &form, true);
    page.base = app.desk.files().await?.version;
    page.audiences = found.audiences;
    page.f.title = name.to_owned();
    Ok(page)
}

/// Tries the credential of one that is saved.
pub(super) async fn test(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
    Extension(form): Extension<Form>,
) -> Response {
    let mut page = match existing_page(&app, &who, &name).await {
        Ok(page) => page,
        Err(problem) => return failed(app.frame(&who, "Destinations", "Test"), &problem, "/destinations"),
    };
    let mut form = form;
    form.set("destination", &name);
    page.probe = Some(probe(&app, &who, &form).await);
    html(&page)
}
