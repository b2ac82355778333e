//! How rows and traits are spoken of.

use enroute_core::matching::How;
use enroute_core::path::{Path, trait_names};
use enroute_core::suggest::nearest;

/// What a row is called that more than one trait may fill, before the name of its field.
pub(crate) const EXPRESSION: &str = "expression for ";

/// What of the known traits was probably meant by a path that leads to nothing, as a path.
pub(crate) fn did_you_mean(path: &str, known: &[String]) -> Option<String> {
    let names = trait_names(path).ok()?;
    if let Some(dotted) = dotted(&names, known) {
        return Some(dotted);
    }
    let first = names.first()?;
    if known.contains(first) {
        return None;
    }
    let near = nearest(first, known.iter().map(String::as_str))?;
    Some(Path::of([near]).to_string()).filter(|near| near != path)
}

/// The same path with the name in quotes that has a dot itself, where there is such a trait: `"utm.source"`.
pub(crate) fn dotted(names: &[String], known: &[String]) -> Option<String> {
    (2..=names.len()).find_map(|parts| {
        let (front, rest) = names.split_at_checked(parts)?;
        let name = front.join(".");
        let names = std::iter::once(name.as_str()).chain(rest.iter().map(String::as_str));
        known.contains(&name).then(|| Path::of(names).to_string())
    })
}

/// How a field was found, in a word.
pub(crate) const fn word(how: How) -> &'static str {
    match how {
        How::Given => "given",
        How::Exact => "exact",
        How::Spelling => "spelling",
        How::Synonym => "synonym",
        How::SameName => "same name",
    }
}
