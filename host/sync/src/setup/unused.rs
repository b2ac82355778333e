//! Rows of a connection that nothing uses, because its mappings fill their own fields.
//!
//! A row of `traits` goes out where a mapping has no fields of its own. A mapping that has some, maybe those of a
//! preset, sends these and nothing else, which is easily overlooked: so it is told.

use enroute_core::emission::Input;
use enroute_core::mapping::Compiler;
use enroute_core::path::Path;
use serde_json::Value as Json;

use crate::setup::planned::input;
use crate::setup::wiring::Wiring;
use enroute_config::audiences_file::connection::{Connection as Wanted, Row};
use enroute_config::code::Code;
use enroute_config::diagnostic::{Diagnostic, Diagnostics};
use enroute_store::Column;

/// What the fields of a mapping are filled with.
#[derive(Debug, Clone)]
pub(super) enum Filling {
    /// The rows of the connection.
    Rows,
    /// Expressions of its own.
    Fields {
        /// What they read.
        inputs: Vec<Input>,
        /// Their keys, as they are written.
        keys: Vec<String>,
    },
}

impl Filling {
    /// What these fields are filled with, which compile.
    pub(super) fn of_fields(mut compiler: Compiler<'_>, pairs: &[(String, Json)], keys: &[&str]) -> Self {
        // Conditions are not compiled with it: what is only asked for goes nowhere.
        let _ = compiler.fields(pairs);
        let inputs = compiler.into_inputs().as_slice().to_vec();
        Self::Fields { inputs, keys: keys.iter().map(|key| (*key).to_owned()).collect() }
    }

    fn uses(&self, row: &Row, wanted: &Input) -> bool {
        match self {
            Self::Rows => true,
            Self::Fields { inputs, keys } => {
                let same = |key: &str, field: &str| names(key).is_some_and(|path| Some(path) == names(field));
                let is_there = |field: &str| keys.iter().any(|key| same(key, field) || root(key) == Some(field));
                let goes = row.field.as_ref().is_none_or(|field| is_there(&field.value));
                goes && inputs.iter().any(|read| overlap(read, wanted))
            }
        }
    }
}

/// Tells of every row that no mapping uses.
pub(super) fn tell(wanted: &Wanted, mappings: &[Wiring<'_>], fillings: &[Filling], found: &mut Diagnostics) {
    if fillings.is_empty() {
        return;
    }
    for row in wanted.rows() {
        let name = &row.trait_name.value;
        let Ok(column) = name.parse::<Column>() else { continue };
        if fillings.iter().any(|filling| filling.uses(row, &input(&column))) {
            continue;
        }
        let which = match mappings {
            [one] => format!("mapping \"{}\"", one.name),
            _ => "the connection's mappings".to_owned(),
        };
        let (message, field) = match &row.field {
            Some(field) => {
                let message =
                    format!("trait `{name}` goes nowhere: no field `{}` of {which} is filled with it", field.value);
                (message, field.value.clone())
            }
            None => (format!("trait `{name}` goes nowhere: no field of {which} is filled with it"), "FIELD".to_owned()),
        };
        let path = path(&input(&column), wanted.emits.identify);
        let key = if is_bare(&field) { field } else { format!("'{field}'") };
        let hint = format!(
            "add `{key} = {{ \"@path\" = {path} }}` to the mapping's `fields`, or remove the row: rows go out only where a mapping has neither `fields` nor `preset`"
        );
        found.push(Diagnostic::warning(Code::UnusedRow, message).at(&row.trait_name.place).hint(hint));
    }
}

/// Whether one of two values is the other, or has it in it.
fn overlap(one: &Input, other: &Input) -> bool {
    match (one, other) {
        (Input::Trait(one), Input::Trait(other)) | (Input::Context(one), Input::Context(other)) => {
            one.iter().zip(other).all(|(one, other)| one == other)
        }
        (Input::Identifier(kind), Input::Trait(names)) | (Input::Trait(names), Input::Identifier(kind)) => {
            names.len() == 1 && names.first() == Some(kind)
        }
        (one, other) => one == other,
    }
}

/// The path of a value in the event, in the quotes of TOML.
fn path(input: &Input, is_identify: bool) -> String {
    let (front, names) = match input {
        Input::Context(names) => ("context", names.as_slice()),
        Input::Trait(names) if is_identify => ("traits", names.as_slice()),
        Input::Trait(names) => ("properties", names.as_slice()),
        _ => ("userId", Default::default()),
    };
    let text = Path::of(std::iter::once(front).chain(names.iter().map(String::as_str))).to_string();
    if text.contains(['"', '\\']) { format!("'{text}'") } else { format!("\"{text}\"") }
}

fn names(key: &str) -> Option<Path> {
    Path::parse(key).ok()
}

/// The field that a key is a part of.
fn root(key: &str) -> Option<&str> {
    key.split(['.', '[']).next().filter(|root| !root.starts_with(['"', '\'']))
}

fn is_bare(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}
