//! The traits of a connection against the plugin's fields: who goes where, and what does not fit.

use enroute_core::manifest::{Field, Manifest};
use enroute_core::matching::{How, Unmatched, Wish, match_fields};
use enroute_core::suggest::nearest;
use serde_json::{Map, Value as Json};

use enroute_config::audiences_file::connection::{Connection as Wanted, Row};
use enroute_config::code::Code;
use enroute_config::diagnostic::{Diagnostic, Diagnostics};
use enroute_config::files::Place;
use enroute_store::Column;

/// Rows with their fields.
#[derive(Debug, Clone, Default)]
pub(super) struct Rows {
    /// Trait and field.
    pub(super) rows: Vec<(String, String)>,
    /// What is read for each.
    pub(super) columns: Vec<Column>,
    /// Why it goes there.
    pub(super) matches: Vec<How>,
    /// Where it stands in the file.
    pub(super) places: Vec<Place>,
}

/// Finds the field of every trait of a connection.
pub(super) fn of_traits(
    wanted: &Wanted,
    manifest: &Manifest,
    settings: &Map<String, Json>,
    found: &mut Diagnostics,
) -> Rows {
    let wishes: Vec<Wish<'_>> = wanted.rows().iter().map(wish).collect();
    let fields: Vec<Field> = manifest.fields.iter().filter(|field| field.applies(settings)).cloned().collect();
    let mut rows = Rows::default();
    let matched = match_fields(&wishes, &fields, manifest.custom_fields);
    for (row, matched) in wanted.rows().iter().zip(matched) {
        let column = match row.trait_name.value.parse::<Column>() {
            Ok(column) => column,
            Err(error) => {
                let hint = "name traits with dots between the names on the way, address.city; a name that has a dot \
                            itself stands in quotes: '\"utm.source\"'";
                let diagnostic = Diagnostic::error(Code::BadTrait, error.to_string()).at(&row.trait_name.place);
                found.push(diagnostic.hint(hint));
                continue;
            }
        };
        match matched {
            Ok(matched) => {
                rows.rows.push((row.trait_name.value.clone(), matched.field));
                rows.columns.push(column);
                rows.matches.push(matched.how);
                rows.places.push(row.trait_name.place.clone());
            }
            Err(unmatched) => found.push(no_field(row, &unmatched, wanted, manifest)),
        }
    }
    let places = wanted.rows().iter().map(|row| row.field.as_ref().map_or(&row.trait_name.place, |field| &field.place));
    if rows.rows.len() == wanted.rows().len() {
        let names: Vec<String> = rows.rows.iter().map(|(_, field)| field.clone()).collect();
        check_fields(names.iter().zip(places), manifest, found);
        required(wanted, &names, manifest, found);
    }
    rows
}

fn wish(row: &Row) -> Wish<'_> {
    Wish { trait_path: &row.trait_name.value, field: row.field.as_ref().map(|field| field.value.as_str()) }
}

fn no_field(row: &Row, unmatched: &Unmatched, wanted: &Wanted, manifest: &Manifest) -> Diagnostic {
    let name = &row.trait_name.value;
    let quote = if name.contains(['"', '\\']) { '\'' } else { '"' };
    let example = |field: &str| format!("{{ trait = {quote}{name}{quote}, field = \"{field}\" }}");
    let (message, hint) = match unmatched {
        Unmatched::NoField => {
            let names: Vec<&str> = manifest.fields.iter().map(|field| field.name.as_str()).collect();
            let hint = match nearest(name, names.iter().copied()) {
                Some(near) => format!("did you mean {}?", example(near)),
                None => format!("name its field, {}; there are: {}", example("FIELD"), names.join(", ")),
            };
            (format!("plugin `{}` has no field named like trait `{name}`", manifest.id), hint)
        }
        Unmatched::Ambiguous { fields } => {
            let first = fields.first().map_or("FIELD", String::as_str);
            (
                format!("trait `{name}` is named like several fields: {}", fields.join(", ")),
                format!("name the one that is meant: {}", example(first)),
            )
        }
        Unmatched::Taken { field, by } => {
            let other = wanted.rows().get(*by).map_or("another", |row| row.trait_name.value.as_str());
            (
                format!("traits `{name}` and `{other}` are both named like field `{field}`"),
                format!("name the field of each, or remove one: {}", example("FIELD")),
            )
        }
    };
    Diagnostic::error(Code::UnknownField, message).at(&row.trait_name.place).hint(hint)
}

/// Fields that the plugin does not have.
pub(super) fn check_fields<'a>(
    fields: impl Iterator<Item = (&'a String, &'a Place)>,
    manifest: &Manifest,
    found: &mut Diagnostics,
) {
    for (name, place) in fields {
        if manifest.field(name).is_some() || manifest.custom_fields {
            continue;
        }
        let names = manifest.fields.iter().map(|field| field.name.as_str());
        let near = nearest(name, names.clone()).or_else(|| {
            let synonym = |field: &&Field| field.synonyms.iter().any(|known| known == name);
            manifest.fields.iter().find(synonym).map(|field| field.name.as_str())
        });
        let hint = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it has: {}", names.collect::<Vec<_>>().join(", ")),
        };
        let message = format!("plugin `{}` has no field `{name}`", manifest.id);
        found.push(Diagnostic::error(Code::UnknownField, message).at(place).hint(hint));
    }
}

/// Fields that a customized setup must fill and does not.
fn required(wanted: &Wanted, names: &[String], manifest: &Manifest, found: &mut Diagnostics) {
    for field in manifest.fields.iter().filter(|field| field.required && !names.is_empty()) {
        if !names.contains(&field.name) {
            let message = format!("plugin `{}` requires a trait for field `{}`", manifest.id, field.name);
            found.push(Diagnostic::error(Code::UnknownField, message).at(&wanted.place).hint(field.help.clone()));
        }
    }
}
