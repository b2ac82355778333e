//! Connect: choose a destination, then say what goes out.

use std::collections::{BTreeMap, HashMap};

use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use enroute_api::Problem;
use enroute_api::desk::connections::InHand;
use enroute_api::desk::destinations::Destination;
use enroute_api::desk::overview::DestinationState;
use enroute_config::audiences_file::connection::{Connection, Resend, Setup};
use enroute_core::manifest::Manifest;

use crate::edit::{self, Wish};
use crate::form::Form;
use crate::look;
use crate::page::{App, Frame, Who, html, shown};
use crate::parts::Tag;
use crate::routes::settings::{Shown, setting_field};
use crate::routes::wishes;

#[derive(Template)]
#[template(path = "choose.html")]
struct Choose {
    f: Frame,
    key: String,
    name: String,
    destinations: Vec<(DestinationState, Tag, bool)>,
}

#[derive(Template)]
#[template(path = "connect.html")]
struct Connect {
    f: Frame,
    here: String,
    key: String,
    name: String,
    destination: String,
    base: String,
    wish: Wish,
    customized: bool,
    rows: Vec<TraitRow>,
    fields: Vec<(String, String)>,
    offered: Vec<(String, String)>,
    own_ids: bool,
    ids: Vec<(String, String, String)>,
    usual_ids: Vec<(String, String)>,
    settings: Vec<Shown>,
    said: String,
}

struct TraitRow {
    at: usize,
    name: String,
    field: String,
    how: String,
    found: String,
    seen: String,
    required: bool,
}

/// Chooses a destination, or shows the settings of one.
pub(super) async fn choose(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Path(key): Path<String>,
    Query(asked): Query<HashMap<String, String>>,
) -> Response {
    if let Some(to) = asked.get("to") {
        let page = settings_page(&app, &who, &key, to, None).await;
        return shown(&app, &who, ("Audiences", "Connect", "/audiences"), page);
    }
    let page = choose_page(&app, &who, &key).await;
    shown(&app, &who, ("Audiences", "Connect", "/audiences"), page)
}

async fn choose_page(app: &App, who: &Who, key: &str) -> Result<Choose, Problem> {
    let audience = app.desk.audience(key).await?;
    let overview = app.desk.overview().await?;
    let with = |one: DestinationState| {
        let is_there = audience.destinations.contains(&one.destination);
        let tag = look::destination(&one.state);
        (one, tag, is_there)
    };
    let destinations = overview.destinations.into_iter().map(with).collect();
    let f = app.frame(who, "Audiences", format!("Connect {}", audience.name));
    Ok(Choose { f, key: key.to_owned(), name: audience.name, destinations })
}

/// The form again: with rows that were added.
pub(super) async fn again(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Path(key): Path<String>,
    Query(asked): Query<HashMap<String, String>>,
    Extension(mut form): Extension<Form>,
) -> Response {
    let to = asked.get("to").cloned().unwrap_or_else(|| form.text("destination").to_owned());
    match form.text("op").to_owned().as_str() {
        "add" => {
            form.set("setup", "customized");
            let there: Vec<String> = form.all("trait").iter().map(|name| (*name).to_owned()).collect();
            let ticked: Vec<String> = form.all("tick").iter().map(|name| (*name).to_owned()).collect();
            for name in ticked.iter().filter(|name| !there.contains(name)) {
                form.push("trait", name);
                form.push("field", "");
                form.push("is_added", name);
            }
            form.drop_all(&["tick"]);
        }
        "id" => {
            form.set("ids", "own");
            ["id_kind", "id_field", "id_use"].iter().for_each(|name| form.push(name, ""));
        }
        op => {
            if let Some(Ok(at)) = op.strip_prefix("remove_").map(str::parse) {
                form.drop_at(&["trait", "field"], at);
            }
        }
    }
    match settings_page(&app, &who, &key, &to, Some(&form)).await {
        Ok(page) => html(&page),
        Err(problem) => crate::page::failed(app.frame(&who, "Audiences", "Connect"), &problem, "/audiences"),
    }
}

/// What a connection of the files says.
fn wish_of(one: &Connection) -> Wish {
    let usual = |text: &str, usual: &str| if text == usual { String::new() } else { text.to_owned() };
    let identifier = |one: &enroute_config::audiences_file::connection::identifiers::Identifier| {
        let used = one.values.and_then(|values| serde_json::to_value(values).ok());
        let used = used.and_then(|value| value.as_str().map(str::to_owned));
        (one.kind.value.clone(), one.field.as_ref().map(|field| field.value.clone()), used)
    };
    let row = |row: &enroute_config::audiences_file::connection::Row| {
        (row.trait_name.value.clone(), row.field.as_ref().map(|field| field.value.clone()))
    };
    let percent = i64::from(one.remove_max_percent);
    Wish {
        audience: one.audience.value.to_string(),
        destination: one.destination.value.to_string(),
        enabled: one.enabled,
        traits: matches!(one.setup, Setup::Customized { .. }).then(|| one.rows().iter().map(row).collect()),
        identifiers: one.identifiers.as_ref().map(|all| all.iter().map(identifier).collect()),
        settings: one.settings.iter().map(|(name, value)| (name.clone(), value.value.clone())).collect(),
        identify: one.emits.identify,
        track: one.emits.track,
        events: (usual(&one.emits.entered, "Audience Entered"), usual(&one.emits.exited, "Audience Exited")),
        on_entry: one.resend == Resend::Entered,
        on_exit: one.emits.enrich_on_exit,
        remove_max_percent: (percent != 50).then_some(percent),
    }
}

/// Which field each trait would go into by its name, and how it was found.
async fn matched(app: &App, wish: &Wish, audiences: &str) -> (BTreeMap<String, (String, String)>, String) {
    let names: Vec<(String, Option<String>)> =
        wish.traits.iter().flatten().map(|(name, field)| (name.clone(), field.clone())).collect();
    let draft = Wish { traits: Some(names), enabled: true, ..wish.clone() };
    let Ok(text) = edit::connect(audiences, &draft) else { return Default::default() };
    let in_hand = InHand { plugins: None, audiences: Some(text) };
    match app.desk.matching(in_hand, &wish.audience, &wish.destination).await {
        Ok(found) => {
            let rows = found.into_iter().flat_map(|one| one.rows);
            (rows.map(|row| (row.from, (row.field, row.how.to_owned()))).collect(), String::new())
        }
        Err(Problem::Mistakes(mistakes)) => {
            (BTreeMap::new(), mistakes.iter().map(crate::page::told).collect::<Vec<_>>().join("\n"))
        }
        Err(problem) => (BTreeMap::new(), problem.to_string()),
    }
}

/// A field that a trait's name finds in the manifest alone.
fn by_name(manifest: &Manifest, name: &str) -> Option<(String, String)> {
    let same =
        |text: &str| -> String { text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect() };
    let last = name.rsplit('.').next().unwrap_or(name);
    let exact = manifest.fields.iter().find(|field| field.name == last).map(|field| (field, "exact"));
    let spelled =
        || manifest.fields.iter().find(|field| same(&field.name) == same(last)).map(|field| (field, "spelling"));
    let synonym = || {
        let has = |field: &&enroute_core::manifest::Field| field.synonyms.iter().any(|one| same(one) == same(last));
        manifest.fields.iter().find(has).map(|field| (field, "synonym"))
    };
    let found = exact.or_else(spelled).or_else(synonym);
    found
        .map(|(field, how)| (field.name.clone(), how.to_owned()))
        .or_else(|| manifest.custom_fields.then(|| (last.to_owned(), "same name".to_owned())))
}

#[expect(clippy::too_many_lines, reason = "one field of the page after the other")]
async fn settings_page(app: &App, who: &Who, key: &str, to: &str, form: Option<&Form>) -> Result<Connect, Problem> {
    let audience = app.desk.audience(key).await?;
    let destination: Destination = app.desk.destination(to).await?;
    let manifest = app.desk.manifest(&destination.plugin).await?;
    let files = app.desk.files().await?;
    let now = existing(app, key, to).await?;
    let had: Vec<String> = now.iter().flat_map(|wish| wish.settings.iter().map(|(name, _)| name.clone())).collect();
    let mut wish = form.map(wishes::connection).or(now).unwrap_or_else(|| Wish {
        enabled: true,
        identify: true,
        traits: None,
        ..Wish::default()
    });
    (wish.audience, wish.destination) = (key.to_owned(), to.to_owned());
    let customized = form.map_or(wish.traits.is_some(), |form| form.text("setup") != "default");
    let added: Vec<&str> = form.map(|form| form.all("is_added")).unwrap_or_default();
    require(&mut wish, &manifest, customized);
    let (found, said) = if customized { matched(app, &wish, &files.audiences).await } else { Default::default() };
    let traits = choosable(app.desk.traits().await?);
    let seen: BTreeMap<&str, String> = traits
        .iter()
        .map(|one| (one.path.as_str(), format!("{} {} % {}", one.types.join("/"), one.percent, one.samples.join(" "))))
        .collect();
    let is_required = |field: &str| manifest.fields.iter().any(|one| one.required && one.name == field);
    let row = |(at, (name, field)): (usize, (String, Option<String>))| {
        let (by, how) = found.get(&name).cloned().or_else(|| by_name(&manifest, &name)).unwrap_or_default();
        let is_added = added.contains(&name.as_str());
        let given = field.unwrap_or_default();
        // A row that was added just now is written out, so that a new version of the plugin changes nothing.
        let shown = if given.is_empty() && is_added { by.clone() } else { given };
        let how = if how == "given" {
            "chosen".to_owned()
        } else if by.is_empty() {
            "choose".to_owned()
        } else {
            how
        };
        TraitRow {
            at,
            seen: seen.get(name.as_str()).cloned().unwrap_or_default(),
            required: is_required(&shown),
            name,
            field: shown,
            how,
            found: by,
        }
    };
    let rows: Vec<TraitRow> = wish.traits.clone().unwrap_or_default().into_iter().enumerate().map(row).collect();
    let offered = traits.iter().filter(|one| !rows.iter().any(|row| row.name == one.path));
    let offer = |one: &enroute_api::desk::traits::Path| {
        (
            one.path.clone(),
            format!("{} {}, {} %, {}", one.kind, one.types.join("/"), one.percent, one.samples.join(" ")),
        )
    };
    let settings = manifest.settings.iter().filter(|setting| setting.per_audience).map(|setting| {
        let usual = destination.settings.get(&setting.name).or(setting.default.as_ref()).cloned();
        let value = wish.settings.iter().find(|(name, _)| *name == setting.name).map(|(_, value)| value.clone());
        setting_field(setting, value.as_ref(), usual.as_ref(), had.contains(&setting.name))
    });
    let field = |one: &enroute_core::manifest::Field| (one.name.clone(), format!("{} {}", one.takes.word(), one.help));
    Ok(Connect {
        f: app.frame(who, "Audiences", format!("{} → {to}", audience.name)),
        here: format!("/audiences/{}/connect?to={}", crate::words::escaped(key), crate::words::escaped(to)),
        key: key.to_owned(),
        name: audience.name,
        destination: to.to_owned(),
        base: form.map(|form| form.text("base").to_owned()).filter(|base| !base.is_empty()).unwrap_or(files.version),
        customized,
        offered: offered.map(offer).collect(),
        rows,
        fields: manifest.fields.iter().map(field).collect(),
        own_ids: form.map_or(wish.identifiers.is_some(), |form| form.text("ids") == "own"),
        ids: ids(&wish, form),
        usual_ids: manifest.identifiers.iter().map(|one| (one.kind.clone(), one.field.clone())).collect(),
        settings: settings.collect(),
        said,
        wish,
    })
}

/// Rows for fields that a customized setup must have.
fn require(wish: &mut Wish, manifest: &Manifest, customized: bool) {
    if !customized {
        return;
    }
    let rows = wish.traits.get_or_insert_default();
    for field in manifest.fields.iter().filter(|field| field.required) {
        let finds = |name: &str| by_name(manifest, name).is_some_and(|(found, _)| found == field.name);
        if !rows.iter().any(|(name, given)| given.as_ref().map_or_else(|| finds(name), |given| *given == field.name)) {
            rows.push((field.name.clone(), Some(field.name.clone())));
        }
    }
}

fn ids(wish: &Wish, form: Option<&Form>) -> Vec<(String, String, String)> {
    if let Some(form) = form {
        return (0..form.all("id_kind").len())
            .map(|at| {
                (
                    form.at("id_kind", at).to_owned(),
                    form.at("id_field", at).to_owned(),
                    form.at("id_use", at).to_owned(),
                )
            })
            .collect();
    }
    let one = |(kind, field, used): (String, Option<String>, Option<String>)| {
        (kind, field.unwrap_or_default(), used.unwrap_or_default())
    };
    wish.identifiers.clone().unwrap_or_default().into_iter().map(one).collect()
}

/// The connection as the files have it, if they do.
async fn existing(app: &App, key: &str, to: &str) -> Result<Option<Wish>, Problem> {
    let (key, to) = (key.to_owned(), to.to_owned());
    app.desk
        .aside(move |desk| {
            let config = desk.sound_config()?;
            let is_it = |one: &&Connection| one.audience.value.as_str() == key && one.destination.value.as_str() == to;
            Ok(config.connections.iter().find(is_it).map(wish_of))
        })
        .await
}

/// What a row can name: traits, and what stands in `context`, with that word before it.
fn choosable(all: Vec<enroute_api::desk::traits::Path>) -> Vec<enroute_api::desk::traits::Path> {
    let named = all.into_iter().filter(|one| matches!(one.part.as_str(), "traits" | "context"));
    let mut named: Vec<_> = named
        .map(|one| {
            let path = if one.part == "context" { format!("context.{}", one.path) } else { one.path };
            enroute_api::desk::traits::Path { path, ..one }
        })
        .collect();
    named.sort_by(|one, other| one.path.cmp(&other.path));
    named
}
