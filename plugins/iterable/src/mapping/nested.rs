//! Objects and lists of objects, compared with the project's catalogue all the way down.
//!
//! Pages "Field Data Types" and "Troubleshooting Type Mismatches": fields inside objects have types of their own, named
//! with dots, and one value of another type sinks the whole request. What clashes stays out, the rest goes as it came
//! (cases `map/type_mismatch_inside*`).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use enroute_sdk::{Context, Value, json};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::field::Kind;
use super::value::{MALFORMED, TYPE_MISMATCH};
use crate::settings::Settings;

/// Objects in objects that are looked into; what lies deeper goes as it came.
const DEPTH_MAX: usize = 32;

/// What the project knows of what lies inside a field: names with dots, seen from the field.
#[derive(Debug, Default)]
pub(super) struct Parts<'c>(BTreeMap<&'c str, Kind>);

/// How a value of a known kind is written; else the code of a warning.
pub(super) type Write<'w> = &'w dyn Fn(&mut Vec<u8>, Kind, Value<'_>) -> Result<(), &'static str>;

/// A value without what clashes.
#[derive(Debug, Default)]
pub(super) struct Fitted {
    /// JSON; nothing where all of it clashes.
    pub(super) text: Option<String>,
    /// What stayed out, by its name inside the field, which is empty for an element of its list, and why.
    pub(super) left_out: Vec<(String, &'static str)>,
}

impl<'c> Parts<'c> {
    pub(super) fn of(ctx: &'c Context<Settings>, field: &str) -> Self {
        let fields = ctx.remote().and_then(|remote| remote.get("fields")?.as_object());
        let inside = |name: &'c String| name.strip_prefix(field)?.strip_prefix('.');
        let known = fields.into_iter().flatten();
        Self(known.filter_map(|(name, kind)| Some((inside(name)?, Kind::of_type(kind.as_str()?)?))).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// An object or a list for a field of this kind, without what is of another type than the project has.
    pub(super) fn fit(&self, kind: Option<Kind>, text: &str, write: Write<'_>) -> Fitted {
        let mut fitter = Fitter { parts: self, kind, write, path: String::new(), left_out: Vec::new() };
        let mut body = Vec::with_capacity(text.len());
        let fits = fitter.value(&mut body, text, 0);
        Fitted { text: String::from_utf8(body).ok().filter(|_| fits), left_out: fitter.left_out }
    }
}

struct Fitter<'p, 'c> {
    parts: &'p Parts<'c>,
    /// What the field itself holds.
    kind: Option<Kind>,
    write: Write<'p>,
    path: String,
    left_out: Vec<(String, &'static str)>,
}

impl Fitter<'_, '_> {
    /// Writes a value; false where nothing of it fits.
    fn value(&mut self, body: &mut Vec<u8>, text: &str, depth: usize) -> bool {
        let known = || self.parts.0.get(self.path.as_str()).copied();
        let kind = if self.path.is_empty() { self.kind } else { known() };
        let start = body.len();
        let written = match (text.as_bytes().first(), kind) {
            _ if depth > DEPTH_MAX => Err(MALFORMED),
            (Some(b'{'), None | Some(Kind::Object | Kind::Nested)) => return self.object(body, text, depth),
            (Some(b'['), None | Some(Kind::Object | Kind::Nested)) => return self.list(body, text, depth),
            (Some(b'n'), _) | (_, None) => {
                body.extend_from_slice(text.as_bytes());
                return true;
            }
            (_, Some(kind)) => scalar(text).and_then(|value| (self.write)(body, kind, value.view())),
        };
        if let Err(code) = written {
            body.truncate(start);
            self.left_out.push((self.path.clone(), code));
        }
        written.is_ok()
    }

    fn object(&mut self, body: &mut Vec<u8>, text: &str, depth: usize) -> bool {
        let Ok(Entries(entries)) = serde_json::from_str::<Entries<'_>>(text) else { return false };
        body.push(b'{');
        let (inside, length) = (body.len(), self.path.len());
        for (name, value) in &entries {
            let start = body.len();
            if start > inside {
                body.push(b',');
            }
            json::write_str(body, name);
            body.push(b':');
            if length > 0 {
                self.path.push('.');
            }
            self.path.push_str(name);
            if !self.value(body, value.get(), depth + 1) {
                body.truncate(start);
            }
            self.path.truncate(length);
        }
        let is_left = body.len() > inside || entries.is_empty();
        body.push(b'}');
        is_left
    }

    /// A list: of objects each by itself, under the name of the list.
    fn list(&mut self, body: &mut Vec<u8>, text: &str, depth: usize) -> bool {
        let Ok(elements) = serde_json::from_str::<Vec<&RawValue>>(text) else { return false };
        body.push(b'[');
        let inside = body.len();
        for element in &elements {
            let start = body.len();
            if start > inside {
                body.push(b',');
            }
            if !self.value(body, element.get(), depth + 1) {
                body.truncate(start);
            }
        }
        let is_left = body.len() > inside || elements.is_empty();
        body.push(b']');
        is_left
    }
}

/// A value that is no object, or a list of those.
enum Scalar<'t> {
    Text(Cow<'t, str>),
    Other(Value<'t>),
}

impl Scalar<'_> {
    fn view(&self) -> Value<'_> {
        match self {
            Self::Text(text) => Value::Text(text),
            Self::Other(value) => *value,
        }
    }
}

fn scalar(text: &str) -> Result<Scalar<'_>, &'static str> {
    Ok(match text.as_bytes().first() {
        Some(b'"') => Scalar::Text(serde_json::from_str(text).map(Cow::Owned).map_err(|_| TYPE_MISMATCH)?),
        Some(b't') => Scalar::Other(Value::Bool(true)),
        Some(b'f') => Scalar::Other(Value::Bool(false)),
        Some(b'{' | b'[') => Scalar::Other(Value::Json(text)),
        _ => Scalar::Other(Value::Number(text)),
    })
}

/// The entries of an object in their order.
struct Entries<'t>(Vec<(String, &'t RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;

        impl<'de> Visitor<'de> for All {
            type Value = Entries<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<'de>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(All)
    }
}
