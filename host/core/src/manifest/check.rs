//! What a manifest must not contradict.

use std::collections::{BTreeMap, BTreeSet};

use super::{Auth, CONTRACT, Field, Manifest, SettingType, Takes, names};
use crate::id::PluginId;
use crate::matching::folded;

/// Every contradiction, in words; empty where there is none.
pub(super) fn problems(manifest: &Manifest) -> Vec<String> {
    let mut found = Vec::new();
    if let Err(error) = manifest.id.parse::<PluginId>() {
        found.push(error.to_string());
    }
    if manifest.contract != CONTRACT {
        found.push(format!("it is built for contract {}, this host speaks {CONTRACT}", manifest.contract));
    }
    unique_names(manifest, &mut found);
    references(manifest, &mut found);
    fields(manifest, &mut found);
    presets(manifest, &mut found);
    limits(manifest, &mut found);
    places(manifest, &mut found);
    found
}

fn unique_names(manifest: &Manifest, found: &mut Vec<String>) {
    let groups: [(&str, Vec<&str>); 7] = [
        ("setting", manifest.settings.iter().map(|s| s.name.as_str()).collect()),
        ("secret", manifest.secrets.iter().map(|s| s.name.as_str()).collect()),
        ("field", manifest.fields.iter().map(|f| f.name.as_str()).collect()),
        ("preset", manifest.presets.iter().map(|p| p.name.as_str()).collect()),
        ("operation", manifest.operations.iter().map(|o| o.name.as_str()).collect()),
        ("bucket", manifest.buckets.iter().map(|b| b.name.as_str()).collect()),
        ("derived", manifest.derived.iter().map(|d| d.kind.as_str()).collect()),
    ];
    for (kind, names) in groups {
        let mut seen = BTreeSet::new();
        for name in names {
            if name.is_empty() {
                found.push(format!("a {kind} has an empty name"));
            }
            if !seen.insert(name) {
                found.push(format!("{kind} `{name}` is declared twice"));
            }
        }
    }
    if manifest.operations.is_empty() {
        found.push("it declares no operation".to_owned());
    }
    if manifest.hosts.is_empty() {
        found.push("it asks for no host".to_owned());
    }
}

fn place_names(manifest: &Manifest, found: &mut Vec<String>) {
    let setting = |name: &str| manifest.settings.iter().any(|s| s.name == name);
    for place in &manifest.places {
        let mut filled = names(&place.name).flat_map(|names| names.split('|'));
        let is_known = |name: &str| matches!(name, "audience_key" | "audience_name") || setting(name);
        let when = place.when.as_deref().is_none_or(|when| condition(when).is_some_and(setting));
        if !when || !filled.all(is_known) {
            found.push(format!("place `{}` names a setting that is not declared", place.name));
        }
    }
}

fn references(manifest: &Manifest, found: &mut Vec<String>) {
    let setting = |name: &str| manifest.settings.iter().any(|s| s.name == name);
    let secret = |name: &str| manifest.secrets.iter().any(|s| s.name == name);
    for host in &manifest.hosts {
        if names(host.host()).chain(host.when().and_then(condition)).any(|name| !setting(name)) {
            found.push(format!("host `{}` names a setting that is not declared", host.host()));
        }
    }
    place_names(manifest, found);
    for case in &manifest.identity.cases {
        if !condition(&case.when).is_some_and(&setting) {
            found.push(format!("identity names a setting that is not declared: `{}`", case.when));
        }
    }
    for name in manifest.auth.iter().flat_map(Auth::secrets_named) {
        if !secret(name) {
            found.push(format!("auth names secret `{name}`, which is not declared"));
        }
    }
    for name in manifest.auth.iter().flat_map(settings_of) {
        if !setting(name) {
            found.push(format!("auth names setting `{name}`, which is not declared"));
        }
    }
    for oauth in manifest.auth.iter().filter_map(|auth| if let Auth::Oauth2(oauth) = auth { Some(oauth) } else { None })
    {
        found.extend(oauth.problems());
    }
    for identifier in &manifest.identifiers {
        for when in identifier.when.iter().filter(|when| !condition(when).is_some_and(&setting)) {
            found.push(format!("identifier `{}` names a setting that is not declared: `{when}`", identifier.kind));
        }
        if manifest.field(&identifier.field).is_none() {
            found.push(format!(
                "identifier `{}` goes into field `{}`, which is not declared",
                identifier.kind, identifier.field
            ));
        }
    }
    let cases = manifest.identity.cases.iter().flat_map(|case| &case.key);
    for key in manifest.identity.key.iter().chain(cases) {
        if manifest.field(key).is_none() {
            found.push(format!("identity names field `{key}`, which is not declared"));
        }
    }
    let operations = manifest.operations.iter().map(|operation| ("operation", &operation.name, &operation.bucket));
    let derived = manifest.derived.iter().map(|derived| ("derived", &derived.kind, &derived.bucket));
    for (what, name, bucket) in operations.chain(derived) {
        if let Some(bucket) = bucket
            && manifest.bucket(bucket).is_none()
        {
            found.push(format!("{what} `{name}` names bucket `{bucket}`, which is not declared"));
        }
    }
    for bucket in &manifest.buckets {
        if bucket.requests_setting.as_deref().is_some_and(|name| !setting(name)) {
            found.push(format!("bucket `{}` names a setting that is not declared", bucket.name));
        }
    }
    for operation in &manifest.operations {
        for name in [&operation.members_setting, &operation.bytes_setting].into_iter().flatten() {
            if !setting(name) {
                found.push(format!("operation `{}` names setting `{name}`, which is not declared", operation.name));
            }
        }
    }
}

/// Fields are found by name, so a name must not lead to two of them.
fn fields(manifest: &Manifest, found: &mut Vec<String>) {
    let mut names: BTreeMap<String, Vec<&Field>> = BTreeMap::new();
    for field in &manifest.fields {
        if let Some(when) = &field.when
            && !condition(when).is_some_and(|name| manifest.settings.iter().any(|setting| setting.name == name))
        {
            found.push(format!("field `{}` names a setting that is not declared: `{when}`", field.name));
        }
        for synonym in &field.synonyms {
            let known = names.entry(folded(synonym)).or_default();
            let rival = known.iter().find(|known| known.name != field.name && !are_apart(known, field));
            if let Some(rival) = rival {
                found.push(format!("`{synonym}` is another name of both `{}` and `{}`", rival.name, field.name));
            }
            known.push(field);
        }
    }
}

/// What names a place is a text of some kind, and what folds identifies.
fn places(manifest: &Manifest, found: &mut Vec<String>) {
    for setting in &manifest.settings {
        if setting.target && matches!(setting.kind, SettingType::Boolean) {
            found.push(format!("setting `{}` is true or false, which names no `target`", setting.name));
        }
        if setting.names.is_some() && matches!(setting.kind, SettingType::Boolean | SettingType::Origin) {
            found.push(format!("setting `{}` has a type that `names` nothing in an account", setting.name));
        }
    }
    for field in manifest.fields.iter().filter(|field| field.region_settings.is_some()) {
        if !field.identifier || field.takes != Takes::Phone {
            found.push(format!(
                "field `{}` says whose phone numbers it has and is no identifier of type \"phone\"",
                field.name
            ));
        }
        let unknown = |name: &&String| !manifest.settings.iter().any(|setting| setting.name == **name);
        for name in field.region_settings.iter().flatten().filter(unknown) {
            found.push(format!("field `{}` takes its region from `{name}`, which is no setting", field.name));
        }
    }
    for field in manifest.fields.iter().filter(|field| !field.fold.is_empty()) {
        if !field.identifier {
            found.push(format!("field `{}` says how it is folded and is no identifier", field.name));
        }
    }
    if let Some(when) = manifest.creates_fields.as_deref().filter(|when| *when != "always")
        && !condition(when).is_some_and(|name| manifest.settings.iter().any(|setting| setting.name == name))
    {
        found.push(format!("`creates_fields` is neither `always` nor names a setting that is declared: `{when}`"));
    }
}

/// Whether two fields never apply under the same settings: one setting, two values.
fn are_apart<'f>(one: &'f Field, other: &'f Field) -> bool {
    let when = |field: &'f Field| field.when.as_deref().and_then(|text| text.split_once('='));
    matches!((when(one), when(other)), (Some((a, x)), Some((b, y))) if a == b && x != y)
}

fn presets(manifest: &Manifest, found: &mut Vec<String>) {
    for preset in &manifest.presets {
        if preset.fields.is_empty() {
            found.push(format!("preset `{}` fills no field", preset.name));
        }
        if preset.trigger.as_ref().is_some_and(|trigger| !trigger.is_object() && !trigger.is_string()) {
            found.push(format!("the trigger of preset `{}` is neither a table nor a text", preset.name));
        }
        let unknown = |name: &&String| !manifest.custom_fields && manifest.field(name).is_none();
        for name in preset.fields.keys().filter(unknown) {
            found.push(format!("preset `{}` fills field `{name}`, which is not declared", preset.name));
        }
    }
}

/// The setting that `setting=value` looks at.
fn condition(text: &str) -> Option<&str> {
    text.split_once('=').map(|(name, _)| name)
}

/// The settings that an entry of auth names.
fn settings_of(auth: &Auth) -> Vec<&str> {
    match auth {
        Auth::Basic { user, .. } => names(user).collect(),
        Auth::HmacProof { timed_by, .. } => timed_by.iter().filter_map(|text| condition(text)).collect(),
        Auth::Oauth2(oauth) => {
            let when = oauth.when.iter().filter_map(|text| condition(text));
            oauth.templates().flat_map(names).chain(when).collect()
        }
        _ => Vec::new(),
    }
}

fn limits(manifest: &Manifest, found: &mut Vec<String>) {
    for operation in &manifest.operations {
        if operation.members == 0 || operation.bytes == 0 || operation.open_tickets == Some(0) {
            found.push(format!("operation `{}` has a limit of zero", operation.name));
        }
    }
    for bucket in &manifest.buckets {
        if bucket.requests == 0 || bucket.per_ms == 0 || bucket.concurrency == 0 {
            found.push(format!("bucket `{}` has a limit of zero", bucket.name));
        }
    }
    if manifest.batch_members == Some(0) {
        found.push("`batch_members` is zero".to_owned());
    }
    if manifest.audience_min == Some(0) {
        found.push("`audience_min` is zero".to_owned());
    }
}
