//! Iterable's fields: the pages "Field Data Types" and "User Profile Fields".

use enroute_sdk::Context;

use crate::settings::{Settings, types};

/// What a field holds. A field of any kind may hold a list of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Any text.
    String,
    /// A day or a point in time.
    Date,
    /// A whole number.
    Long,
    /// A number with a fraction.
    Double,
    /// True or false.
    Boolean,
    /// `{lat, lon}`.
    Geo,
    /// An object.
    Object,
    /// A list of objects.
    Nested,
    /// A phone number, which is a text to Iterable.
    Phone,
}

const TYPES: [(&str, Kind); 8] = [
    ("string", Kind::String),
    ("date", Kind::Date),
    ("long", Kind::Long),
    ("double", Kind::Double),
    ("boolean", Kind::Boolean),
    ("geo_location", Kind::Geo),
    ("object", Kind::Object),
    ("nested", Kind::Nested),
];

/// Fields with a meaning of their own, and what they hold where the project does not say otherwise.
const CATALOGUE: [(&str, Kind); 10] = [
    ("firstName", Kind::String),
    ("lastName", Kind::String),
    ("name", Kind::String),
    ("phoneNumber", Kind::Phone),
    ("signupDate", Kind::Date),
    ("timeZone", Kind::String),
    ("ip", Kind::String),
    ("city", Kind::String),
    ("region", Kind::String),
    ("country", Kind::String),
];

/// Fields that say who a user is.
const IDENTIFIERS: [&str; 3] = ["email", "userId", "anonymousId"];

/// Fields that Iterable keeps itself; everything below them too.
const RESERVED: [&str; 13] = [
    "emailListIds",
    "userListIds",
    "unsubscribedChannelIds",
    "unsubscribedMessageTypeIds",
    "subscribedMessageTypeIds",
    "profileUpdatedAt",
    "signupSource",
    "itblInternal",
    "itblDS",
    "itblUserId",
    "devices",
    "phoneNumberDetails",
    "createdAt",
];

/// The end of names whose fields hold a place.
const GEO_SUFFIX: &str = "_geo_location";

/// Whether rows may go into a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// They may.
    Free,
    /// It says who a user is.
    Identifier,
    /// Iterable keeps it itself.
    Reserved,
    /// It is no name.
    Malformed,
}

/// Whether rows may go into a field. Names are case-sensitive.
pub(crate) fn standing(name: &str) -> Standing {
    let root = root(name);
    if name.split('.').any(str::is_empty) {
        Standing::Malformed
    } else if IDENTIFIERS.contains(&root) {
        Standing::Identifier
    } else if RESERVED.contains(&root) {
        Standing::Reserved
    } else {
        Standing::Free
    }
}

/// Whether a name has no meaning of its own, so that it can be a membership field or get a declared type.
pub(crate) fn is_free(name: &str) -> bool {
    standing(name) == Standing::Free && !catalogue().any(|known| known == name)
}

/// The names with a meaning of their own that rows may use.
pub(crate) fn catalogue() -> impl Iterator<Item = &'static str> {
    CATALOGUE.iter().map(|(name, _)| *name).chain(["email"])
}

/// The first part of a name with dots.
pub(crate) fn root(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// Whether one field lies inside the other.
pub(crate) fn holds(one: &str, other: &str) -> bool {
    let inside = |outer: &str, inner: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'));
    inside(one, other) || inside(other, one)
}

/// The type of a field in the project, where it is known.
pub(crate) fn known_type<'c>(ctx: &'c Context<Settings>, name: &str) -> Option<&'c str> {
    ctx.remote()?.get("fields")?.get(name)?.as_str()
}

/// Whether a name with dots lies in a field that the project knows as something else than an object.
pub(crate) fn lies_in_no_object(ctx: &Context<Settings>, name: &str) -> bool {
    let outer = name.match_indices('.').filter_map(|(at, _)| known_type(ctx, name.get(..at)?));
    outer.into_iter().any(|kind| !matches!(Kind::of_type(kind), None | Some(Kind::Object | Kind::Nested)))
}

/// What a field holds: by its name, as the project has it, as the operator declared it, as is usual.
pub(crate) fn kind(ctx: &Context<Settings>, name: &str) -> Option<Kind> {
    let usual = || CATALOGUE.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
    match known_type(ctx, name) {
        _ if Kind::by_name(name).is_some() => Kind::by_name(name),
        Some(known) => Kind::of_type(known),
        None => types::kind(ctx.settings(), name).or_else(usual),
    }
}

impl Kind {
    /// The kind that Iterable calls so.
    pub(crate) fn of_type(name: &str) -> Option<Self> {
        TYPES.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }

    /// What Iterable calls it.
    pub(crate) fn type_name(self) -> &'static str {
        TYPES.iter().find(|(_, kind)| *kind == self).map_or("string", |(name, _)| name)
    }

    /// The kind that follows from a name alone.
    pub(crate) fn by_name(name: &str) -> Option<Self> {
        match name {
            "phoneNumber" => Some(Self::Phone),
            _ => name.ends_with(GEO_SUFFIX).then_some(Self::Geo),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_and_what_iterable_keeps_are_not_free() {
        for name in ["email", "userId", "userId.x"] {
            assert_eq!(standing(name), Standing::Identifier, "{name}");
        }
        for name in ["emailListIds", "itblInternal.documentCreatedAt", "itblDS", "devices.token", "createdAt"] {
            assert_eq!(standing(name), Standing::Reserved, "{name}");
        }
        for name in ["", ".", "address.", "a..b"] {
            assert_eq!(standing(name), Standing::Malformed, "{name}");
        }
        for name in ["firstName", "userid", "Email", "address.city", "devicesOwned", "two words"] {
            assert_eq!(standing(name), Standing::Free, "{name}");
        }
        assert!(is_free("vip") && !is_free("firstName") && !is_free("email"));
    }

    #[test]
    fn a_field_holds_what_lies_below_its_dot() {
        assert!(holds("address", "address.city") && holds("a.b.c", "a.b"));
        assert!(!holds("address", "address2") && !holds("address", "address"));
    }
}
