//! One connection against its plugin: settings, identifiers, rows, mappings and events become links that can run.

use enroute_core::emission::{Class, Emission, Form};
use enroute_core::manifest::{Manifest, resolve_settings};
use enroute_core::mapping::{CompileError, Compiler};
use enroute_core::matching::How;
use enroute_core::suggest::nearest;
use serde_json::{Map, Value as Json};

use crate::setup::columns::{Columns, Identifier};
use crate::setup::destination::Ready;
use crate::setup::link;
use crate::setup::named::Naming;
use crate::setup::planned::{Loaded, Planned, input};
use crate::setup::program::Program;
use crate::setup::retrying::policy;
use crate::setup::rows::{self, Rows};
use crate::setup::unused::{self, Filling};
use crate::setup::wiring::{Fields, Wiring, fields, pairs, pairs_text, wiring};
use crate::setup::words::EXPRESSION;
use enroute_config::Config;
use enroute_config::audiences_file::connection::{Connection as Wanted, Resend};
use enroute_config::code::Code;
use enroute_config::diagnostic::{Diagnostic, Diagnostics};
use enroute_config::files::Place;
use enroute_config::plugins_file::Destination;
use enroute_runtime::Connection;

/// What an operator wants, beside what it is wanted of.
pub(super) struct Wished<'a> {
    pub(super) config: &'a Config,
    pub(super) wanted: &'a Wanted,
    pub(super) destination: &'a Destination,
    pub(super) loaded: &'a Loaded,
    pub(super) ready: &'a Ready,
}

/// The links of a connection: one for each of its mappings, in the order of the file.
pub(super) fn plan(wished: &Wished<'_>, today: &str, found: &mut Diagnostics) -> Vec<Planned> {
    let (manifest, wanted) = (&wished.loaded.manifest, wished.wanted);
    let settings = settings(wished, found);
    let none = Map::new();
    let identifiers = identifiers(wanted, manifest, settings.as_ref().unwrap_or(&none), found);
    let rows = rows::of_traits(wanted, manifest, settings.as_ref().unwrap_or(&none), found);
    let emission = emission(wished, &rows);
    let mut mappings: Vec<Wiring<'_>> = wanted.mappings.iter().filter_map(|one| wiring(one, manifest, found)).collect();
    if wanted.mappings.is_empty() {
        mappings.push(Wiring { name: "", place: &wanted.emits.place, preset: manifest.presets.first(), own: None });
    }
    let mut links = Vec::new();
    let mut fillings = Vec::new();
    for mapping in &mappings {
        let compiled = compile(wanted, &emission, &rows, mapping, manifest, found);
        fillings.push(compiled.as_ref().map(|compiled| compiled.filling.clone()));
        let Some(compiled) = compiled else { continue };
        let (Some(settings), Some(identifiers)) = (&settings, &identifiers) else { continue };
        links.extend(link(wished, today, settings, identifiers, compiled, &emission, found));
    }
    if let Some(fillings) = fillings.into_iter().collect::<Option<Vec<_>>>() {
        unused::tell(wanted, &mappings, &fillings, found);
    }
    links
}

/// The settings of this audience over those of the destination.
fn settings(wished: &Wished<'_>, found: &mut Diagnostics) -> Option<Map<String, Json>> {
    let (manifest, wanted) = (&wished.loaded.manifest, wished.wanted);
    let mut given = wished.destination.settings_json();
    let mut is_sound = true;
    for (name, own) in &wanted.settings {
        let known = manifest.settings.iter().find(|setting| setting.name == *name);
        if known.is_some_and(|setting| !setting.per_audience) {
            let message = format!("setting `{name}` of plugin `{}` is the same for all audiences", manifest.id);
            let own_ones = manifest.settings.iter().filter(|setting| setting.per_audience);
            let names: Vec<&str> = own_ones.map(|setting| setting.name.as_str()).collect();
            let hint = match names.as_slice() {
                [] => "move it to the destination in plugins.toml".to_owned(),
                names => format!("move it to the destination in plugins.toml; an audience has: {}", names.join(", ")),
            };
            found.push(Diagnostic::error(Code::SharedSetting, message).at(&own.place).hint(hint));
            is_sound = false;
        }
        given.insert(name.clone(), own.value.clone());
    }
    match resolve_settings(manifest, &given) {
        Ok(settings) => is_sound.then_some(settings),
        Err(problems) => {
            for problem in problems {
                let place = wanted.settings.get(&problem.setting).map_or(&wanted.place, |own| &own.place);
                found.push(Diagnostic::error(Code::BadSetting, problem.message).at(place).hint(problem.hint));
            }
            None
        }
    }
}

/// Settings that name something in the account, each with where it stands.
fn namings(wished: &Wished<'_>, settings: &Map<String, Json>) -> Vec<Naming> {
    let named = wished.loaded.manifest.settings.iter().filter_map(|setting| {
        let value = match settings.get(&setting.name)? {
            Json::String(text) => text.clone(),
            Json::Number(number) => number.to_string(),
            _ => return None,
        };
        let own = wished.wanted.settings.get(&setting.name).map(|own| &own.place);
        let place = own.unwrap_or_else(|| wished.destination.setting_place(&setting.name)).clone();
        Some(Naming { setting: setting.name.clone(), kind: setting.names?, value, place })
    });
    named.collect()
}

/// The identifiers that go out: those that are asked for, else the plugin's own list.
fn identifiers(
    wanted: &Wanted,
    manifest: &Manifest,
    settings: &Map<String, Json>,
    found: &mut Diagnostics,
) -> Option<Vec<Identifier>> {
    let usual = manifest.identity.values;
    let kept_back = |kind: &str, field: &str| {
        let spec = manifest.identifiers.iter().find(|spec| spec.kind == kind && spec.field == field);
        let spec = spec.or_else(|| manifest.identifiers.iter().find(|spec| spec.field == field));
        spec.and_then(|spec| spec.kept_back(settings)).map(str::to_owned)
    };
    let Some(asked) = &wanted.identifiers else {
        let own = |spec: &enroute_core::manifest::IdentifierSpec| Identifier {
            kind: spec.kind.clone(),
            field: spec.field.clone(),
            values: usual,
            kept_back: kept_back(&spec.kind, &spec.field),
        };
        return Some(manifest.identifiers.iter().map(own).collect());
    };
    let mut fields: Vec<&str> = manifest.identifiers.iter().map(|spec| spec.field.as_str()).collect();
    fields.extend(manifest.fields.iter().filter(|field| field.identifier).map(|field| field.name.as_str()));
    fields.sort_unstable();
    fields.dedup();
    let mut identifiers = Vec::new();
    let mut is_sound = true;
    for one in asked {
        let kind = one.kind.value.as_str();
        let by_kind = manifest.identifiers.iter().find(|spec| spec.kind == kind).map(|spec| spec.field.clone());
        let field = one.field.as_ref().map(|field| field.value.clone()).or(by_kind);
        match field.filter(|field| fields.contains(&field.as_str())) {
            Some(field) => {
                let values = one.values.unwrap_or(usual);
                let kept_back = kept_back(kind, &field);
                identifiers.push(Identifier { kind: kind.to_owned(), field, values, kept_back });
            }
            None => {
                let (place, message) = match &one.field {
                    Some(field) => {
                        let message = format!("plugin `{}` has no identifier field `{}`", manifest.id, field.value);
                        (&field.place, message)
                    }
                    None => (&one.kind.place, format!("plugin `{}` has no field for `{kind}` of its own", manifest.id)),
                };
                let near = one.field.as_ref().and_then(|field| nearest(&field.value, fields.iter().copied()));
                let hint = match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("name its field: {}", fields.join(", ")),
                };
                found.push(Diagnostic::error(Code::BadIdentifier, message).at(place).hint(hint));
                is_sound = false;
            }
        }
    }
    is_sound.then_some(identifiers)
}

fn emission(wished: &Wished<'_>, rows: &Rows) -> Emission {
    let emits = &wished.wanted.emits;
    let audience = wished.wanted.audience.value.as_str();
    let mut emission = Emission::new(audience, Class::Audience, wished.destination.name.value.as_str());
    audience.clone_into(&mut emission.computation_id);
    emission.entered.clone_from(&emits.entered);
    emission.exited.clone_from(&emits.exited);
    emission.enrich_on_exit = emits.enrich_on_exit;
    emission.chosen = rows.columns.iter().map(input).collect();
    emission
}

/// A mapping that can be run.
struct Compiled {
    name: String,
    place: Place,
    form: Form,
    rows: Vec<(String, String)>,
    places: Vec<Place>,
    matches: Vec<How>,
    program: Program,
    sends_exits: bool,
    text: String,
    filling: Filling,
}

fn compile(
    wanted: &Wanted,
    emission: &Emission,
    traits: &Rows,
    mapping: &Wiring<'_>,
    manifest: &Manifest,
    found: &mut Diagnostics,
) -> Option<Compiled> {
    let when = mapping.own.and_then(|own| own.when.as_ref());
    let when_place = when.map_or(mapping.place, |when| &when.place);
    let when = when.map(|when| &when.value).or_else(|| mapping.preset.and_then(|preset| preset.trigger.as_ref()));
    let emits = &wanted.emits;
    let forms = [(Form::Identify, emits.identify), (Form::Track, emits.track)];
    let mut chosen = None;
    for form in forms.into_iter().filter(|(_, is_on)| *is_on).map(|(form, _)| form) {
        let mut compiler = Compiler::new(emission, form);
        let trigger = match when.map(|when| compiler.trigger(when)).transpose() {
            Ok(trigger) => trigger,
            Err(errors) => {
                mistakes(&errors, "when", when_place, found);
                return None;
            }
        };
        if trigger.as_ref().is_none_or(|trigger| trigger.possible(true)) {
            chosen = Some((form, compiler, trigger));
            break;
        }
    }
    let Some((form, mut compiler, trigger)) = chosen else {
        found.push(no_mapping(emits, mapping, manifest));
        return None;
    };
    let fields = fields(mapping);
    let (rows, program, filling) = if fields.is_empty() {
        let program = Program::of_traits(traits.columns.clone(), emits.enrich_on_exit);
        (traits.clone(), program, Filling::Rows)
    } else {
        let (rows, program) = filled(&fields, &mut compiler, mapping, manifest, found)?;
        let written: Vec<&str> = fields.iter().map(|(key, ..)| key.as_str()).collect();
        let read = Compiler::new(emission, form);
        (rows, program, Filling::of_fields(read, &pairs(&fields), &written))
    };
    let sends_exits = trigger.as_ref().is_none_or(|trigger| trigger.possible(false));
    let text = serde_json::json!([when, pairs_text(&fields), form.as_str(), emits.enrich_on_exit]).to_string();
    match program.under(trigger, compiler.inputs()) {
        Ok(program) => {
            let Rows { rows, places, matches, .. } = rows;
            let name = mapping.name.to_owned();
            Some(Compiled {
                name,
                place: mapping.place.clone(),
                form,
                rows,
                places,
                matches,
                program,
                sends_exits,
                text,
                filling,
            })
        }
        Err(error) => {
            found.push(Diagnostic::error(Code::BadExpression, error.to_string()).at(mapping.place));
            None
        }
    }
}

/// The rows that a mapping's own expressions fill.
fn filled(
    fields: &Fields<'_>,
    compiler: &mut Compiler<'_>,
    mapping: &Wiring<'_>,
    manifest: &Manifest,
    found: &mut Diagnostics,
) -> Option<(Rows, Program)> {
    let compiled = match compiler.fields(&pairs(fields)) {
        Ok(compiled) => compiled,
        Err(errors) => {
            for error in errors {
                let written = fields.iter().find(|(key, ..)| error.place.starts_with(key.as_str()));
                let place = written.map_or(mapping.place, |(_, _, place)| *place);
                mistakes(std::slice::from_ref(&error), "fields", place, found);
            }
            return None;
        }
    };
    let place = |field: &String| {
        let written = fields.iter().find(|(key, ..)| key.starts_with(field.as_str()));
        written.map_or(mapping.place, |(_, _, place)| *place).clone()
    };
    let (names, expressions): (Vec<_>, Vec<_>) = compiled.into_iter().unzip();
    let places: Vec<Place> = names.iter().map(place).collect();
    rows::check_fields(names.iter().zip(&places), manifest, found);
    let rows: Vec<(String, String)> = names.iter().map(|name| (from(name, fields), name.clone())).collect();
    let matches = vec![How::Given; rows.len()];
    Some((Rows { rows, columns: Vec::new(), matches, places }, Program::of_expressions(expressions)))
}

/// What a row is called that an expression fills: the path, where it is nothing else.
fn from(name: &str, fields: &Fields<'_>) -> String {
    let path = fields.iter().find(|(key, ..)| key == name).and_then(|(_, value, _)| value.get("@path")?.as_str());
    let Some(path) = path else { return format!("{EXPRESSION}{name}") };
    let path = path.strip_prefix("$.").unwrap_or(path);
    path.strip_prefix("traits.").or_else(|| path.strip_prefix("properties.")).unwrap_or(path).to_owned()
}

fn mistakes(errors: &[CompileError], key: &str, place: &Place, found: &mut Diagnostics) {
    for error in errors {
        let message = format!("`{key}`: {}", error.message());
        let hint = error.hint().unwrap_or_else(|| "see docs/mappings.md for what can be written".to_owned());
        found.push(Diagnostic::error(Code::BadExpression, message).at(place).hint(hint));
    }
}

fn no_mapping(
    emits: &enroute_config::audiences_file::connection::emits::Emits,
    mapping: &Wiring<'_>,
    manifest: &Manifest,
) -> Diagnostic {
    let sent = match (emits.identify, emits.track) {
        (true, true) => "Identify and Track events",
        (true, false) => "Identify events",
        (false, true) => "Track events",
        (false, false) => "no events at all",
    };
    let what = match (mapping.own, mapping.preset) {
        (Some(own), _) => format!("mapping \"{}\"", own.name.value),
        (None, Some(preset)) => format!("\"{}\" of plugin `{}`", preset.name, manifest.id),
        (None, None) => format!("plugin `{}`", manifest.id),
    };
    let message = format!("no matching mapping possible: the connection sends {sent}, which {what} never matches");
    let hint = "change `send`, for instance to [\"identify\"], or the condition of the mapping";
    Diagnostic::error(Code::NoMapping, message).at(&emits.place).hint(hint)
}

fn link(
    wished: &Wished<'_>,
    today: &str,
    settings: &Map<String, Json>,
    identifiers: &[Identifier],
    compiled: Compiled,
    emission: &Emission,
    found: &mut Diagnostics,
) -> Option<Planned> {
    let Wished { config, wanted, destination, loaded, ready } = wished;
    let manifest = &loaded.manifest;
    let audience = config.audiences.get(&wanted.audience.value)?;
    let namings = namings(wished, settings);
    let identity = manifest.identity.under(settings);
    let fields: Vec<String> = compiled.rows.iter().map(|(_, field)| field.clone()).collect();
    let columns = match Columns::new(manifest, &identity.key, identifiers, &fields, compiled.program) {
        Ok(columns) => columns,
        Err(error) => {
            found.push(Diagnostic::error(Code::BadTrait, error.to_string()).at(&wanted.place));
            return None;
        }
    };
    let guest = Connection {
        audience_key: audience.key.value.as_str().to_owned(),
        audience_name: audience.name.clone(),
        settings: Json::Object(settings.clone()).to_string(),
        secrets: ready.secrets.clone(),
        identifier_fields: columns.fields.clone(),
        rows: compiled.rows,
        limits: link::limits(manifest, settings),
        remote: None,
        today: today.to_owned(),
    };
    Some(Planned {
        audience: guest.audience_key.clone(),
        condition: audience.condition.value.clone(),
        destination: wanted.destination.value.as_str().to_owned(),
        mapping: compiled.name,
        loaded: (*loaded).clone(),
        guest,
        columns,
        matches: compiled.matches,
        emission: (emission.clone(), compiled.form),
        place: compiled.place,
        places: compiled.places,
        namings,
        program_text: compiled.text,
        identity,
        retry: policy(destination.retry),
        requires_consent: destination.requires_consent.iter().map(|purpose| purpose.value.clone()).collect(),
        sends_exits: compiled.sends_exits,
        client: std::sync::Arc::clone(&ready.client),
        source: ready.source.clone(),
        credential_scope: ready.credential_scope.clone(),
        resend_changes: matches!(wanted.resend, Resend::Changed),
        remove_max_percent: wanted.remove_max_percent,
    })
}
