//! What people have: paths of traits, identifiers and context, with the types and shapes of the newest people's values.

use std::collections::{BTreeMap, BTreeSet};

use enroute_core::json::Json;
use enroute_store::profiles::PARTS;
use serde::Serialize;
use utoipa::ToSchema;

use crate::desk::Desk;
use crate::desk::audiences::shape;
use crate::problem::Problem;

/// People who are looked at.
const LOOKED_AT: u32 = 1_000;
/// Paths that are told.
const PATHS_MAX: usize = 2_000;
/// How deep objects are looked into.
const DEPTH_MAX: usize = 3;
/// Shapes that are shown of a path.
const SAMPLES: usize = 2;

/// One path.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Path {
    /// `identifiers`, `traits`, `context` or `consent`.
    pub part: String,
    /// The path within it: `plan`, or `address.city`.
    pub path: String,
    /// `custom`, `sql`, `computed` or `predictive`; empty for what is no trait.
    pub kind: String,
    /// Types that were seen: `text`, `number`, `boolean`, `list`, `object`.
    pub types: Vec<String>,
    /// How many of the newest people have a value, in percent.
    pub percent: u64,
    /// How many have null, in percent.
    pub null_percent: u64,
    /// Values by their shape.
    pub samples: Vec<String>,
}

#[derive(Default)]
struct Seen {
    types: BTreeSet<&'static str>,
    values: u64,
    nulls: u64,
    samples: Vec<String>,
}

impl Desk {
    /// What the newest thousand people have.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn traits(&self) -> Result<Vec<Path>, Problem> {
        self.read(|_, reader| {
            let newest = reader.newest_profiles(LOOKED_AT)?;
            let profiles = reader.profiles(&newest)?;
            let mut seen: BTreeMap<(usize, String), Seen> = BTreeMap::new();
            for profile in &profiles {
                for (at, text) in profile.parts.iter().enumerate() {
                    if let Some(Ok(Json::Object(members))) = text.as_deref().map(Json::parse) {
                        members.iter().for_each(|(name, value)| note(&mut seen, (at, &quoted(name)), value, 1));
                    }
                }
            }
            let kinds: BTreeMap<String, &'static str> =
                reader.known_traits()?.into_iter().map(|one| (one.name, one.kind.as_str())).collect();
            let people = profiles.len() as u64;
            let percent = |count: u64| (count * 100).checked_div(people).unwrap_or(0);
            let path = |((at, path), seen): ((usize, String), Seen)| Path {
                part: PARTS.get(at).copied().unwrap_or_default().to_owned(),
                kind: if PARTS.get(at) == Some(&"traits") {
                    kinds.get(path.split('.').next().unwrap_or_default()).copied().unwrap_or("custom").to_owned()
                } else {
                    String::new()
                },
                path,
                types: seen.types.into_iter().map(str::to_owned).collect(),
                percent: percent(seen.values),
                null_percent: percent(seen.nulls),
                samples: seen.samples,
            };
            Ok(seen.into_iter().take(PATHS_MAX).map(path).collect())
        })
        .await
    }
}

/// A name as a path writes it: in quotes where it has a dot.
fn quoted(name: &str) -> String {
    if name.contains('.') { format!("\"{name}\"") } else { name.to_owned() }
}

fn note(seen: &mut BTreeMap<(usize, String), Seen>, (part, path): (usize, &str), value: &Json, depth: usize) {
    if seen.len() >= PATHS_MAX && !seen.contains_key(&(part, path.to_owned())) {
        return;
    }
    let one = seen.entry((part, path.to_owned())).or_default();
    let kind = match value {
        Json::Null => {
            one.nulls += 1;
            return;
        }
        Json::Bool(_) => "boolean",
        Json::Number(_) => "number",
        Json::Text(_) => "text",
        Json::List(_) => "list",
        Json::Object(_) => "object",
    };
    one.types.insert(kind);
    one.values += 1;
    if one.samples.len() < SAMPLES && !matches!(value, Json::Object(_)) {
        let sample = shape(&value.to_string());
        if !one.samples.contains(&sample) {
            one.samples.push(sample);
        }
    }
    if let (Json::Object(members), true) = (value, depth < DEPTH_MAX) {
        for (name, value) in members {
            note(seen, (part, &format!("{path}.{}", quoted(name))), value, depth + 1);
        }
    }
}
