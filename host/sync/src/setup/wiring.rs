//! A mapping with its preset: what it is called, and what its fields are filled with.

use enroute_core::manifest::{Manifest, Preset};
use enroute_core::suggest::nearest;
use serde_json::Value as Json;

use enroute_config::audiences_file::connection::emits::Mapping;
use enroute_config::code::Code;
use enroute_config::diagnostic::{Diagnostic, Diagnostics};
use enroute_config::files::Place;

/// A mapping with its preset.
#[derive(Debug)]
pub(super) struct Wiring<'a> {
    pub(super) name: &'a str,
    pub(super) place: &'a Place,
    pub(super) preset: Option<&'a Preset>,
    pub(super) own: Option<&'a Mapping>,
}

pub(super) fn wiring<'a>(mapping: &'a Mapping, manifest: &'a Manifest, found: &mut Diagnostics) -> Option<Wiring<'a>> {
    if !mapping.enabled {
        return None;
    }
    let mut preset = None;
    if let Some(name) = &mapping.preset {
        preset = manifest.presets.iter().find(|preset| preset.name == name.value);
        if preset.is_none() {
            let names = manifest.presets.iter().map(|preset| preset.name.as_str());
            let hint = match nearest(&name.value, names.clone()) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("it has: {}", names.collect::<Vec<_>>().join(", ")),
            };
            let message = format!("plugin `{}` has no preset \"{}\"", manifest.id, name.value);
            found.push(Diagnostic::error(Code::UnknownPreset, message).at(&name.place).hint(hint));
            return None;
        }
    }
    Some(Wiring { name: &mapping.name.value, place: &mapping.name.place, preset, own: Some(mapping) })
}

pub(super) type Fields<'a> = Vec<(String, &'a Json, &'a Place)>;

/// The fields of a mapping: its own over those of its preset.
pub(super) fn fields<'a>(mapping: &Wiring<'a>) -> Fields<'a> {
    // A mapping that nobody wrote takes the condition of the preset, and the rows of the connection.
    let Some(own) = mapping.own else { return Vec::new() };
    let mut fields: Fields<'a> = Vec::new();
    for (name, value) in mapping.preset.into_iter().flat_map(|preset| &preset.fields) {
        if !own.fields.iter().any(|(field, _)| field.value == *name) {
            fields.push((name.clone(), value, mapping.place));
        }
    }
    fields.extend(own.fields.iter().map(|(field, value)| (field.value.clone(), value, &field.place)));
    fields
}

pub(super) fn pairs(fields: &Fields<'_>) -> Vec<(String, Json)> {
    fields.iter().map(|(key, value, _)| (key.clone(), (*value).clone())).collect()
}

pub(super) fn pairs_text(fields: &Fields<'_>) -> Vec<Json> {
    fields.iter().map(|(name, value, _)| serde_json::json!([name, value])).collect()
}
