//! The fields of an object: what Salesforce's describe told, or what is known of the standard objects without it.
//!
//! Pure. Names are compared without case, as Salesforce does; what is sent has describe's spelling.

use enroute_sdk::Context;
use serde::{Deserialize, Serialize};

use super::Settings;

mod describe;
mod standard;

pub(crate) use describe::Describe;

/// What `open` learned: the remote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Remote {
    /// The object that was described.
    pub(crate) object: String,
    /// The campaign that members join, in that mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) campaign: Option<String>,
    /// All fields that the user may see; empty where the description was too large to read.
    #[serde(default)]
    pub(crate) fields: Vec<Field>,
}

/// One field of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Field {
    /// The API name.
    #[serde(rename = "n")]
    pub(crate) name: String,
    /// What it takes.
    #[serde(rename = "k")]
    pub(crate) kind: Kind,
    /// Longest text in characters; 0 where nothing limits it.
    #[serde(rename = "l", default, skip_serializing_if = "is_zero")]
    pub(crate) length: u32,
    /// Flags: `c` createable, `u` updateable, `x` external id, `i` usable as a key of an upsert, `s` case-sensitive,
    /// `r` required of a new record.
    #[serde(rename = "f", default, skip_serializing_if = "String::is_empty")]
    pub(crate) flags: String,
    /// The name under which the related record is nested, for references.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub(crate) relationship: Option<String>,
    /// The values of a restricted picklist, where they matter.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub(crate) values: Option<Vec<String>>,
}

/// What a field takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// Any text on one line.
    Text,
    /// Any text; lists and objects too, as their JSON.
    LongText,
    /// An e-mail address.
    Email,
    /// A phone number, which Salesforce keeps as any text.
    Phone,
    /// True or false, never null.
    Boolean,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// A day.
    Date,
    /// A point in time.
    DateTime,
    /// One value of a list.
    Picklist,
    /// Several values of a list, with semicolons between them.
    MultiPicklist,
    /// The id of another record.
    Reference,
    /// Not known: values go as they are.
    Unknown,
    /// Nothing that could be written, such as a compound address.
    Compound,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Field {
    /// Whether a flag is set.
    pub(crate) fn is(&self, flag: char) -> bool {
        self.flags.contains(flag)
    }
}

/// The fields of the connection's object.
#[derive(Debug)]
pub(crate) struct Catalogue {
    fields: Vec<Field>,
    described: bool,
}

impl Catalogue {
    /// What is known of a connection's object.
    pub(crate) fn of(ctx: &Context<Settings>) -> Self {
        let object = &ctx.settings().object;
        let described = remote(ctx).filter(|remote| remote.object == *object && !remote.fields.is_empty());
        match described {
            Some(remote) => Self { fields: remote.fields, described: true },
            None => Self { fields: standard::fields(object), described: false },
        }
    }

    /// Whether Salesforce itself told the fields; then what is not here does not exist for this user.
    pub(crate) const fn is_described(&self) -> bool {
        self.described
    }

    /// The field with this name, in any case.
    pub(crate) fn get(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name))
    }

    /// The reference whose record is nested under this name.
    pub(crate) fn relationship(&self, name: &str) -> Option<&Field> {
        let named =
            |field: &&Field| field.relationship.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(name));
        self.fields.iter().find(named)
    }

    /// The field that somebody may have meant: the same letters and digits, whatever stands between them.
    pub(crate) fn meant(&self, name: &str) -> Option<&Field> {
        let wanted = squeezed(name);
        self.fields
            .iter()
            .find(|field| squeezed(&field.name) == wanted || squeezed(&field.name) == wanted.clone() + "c")
    }

    /// Fields without which no record can be created.
    pub(crate) fn required(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| field.is('r'))
    }

    /// The name as Salesforce spells it, or as it came.
    pub(crate) fn spelled(&self, name: &str) -> String {
        self.get(name).map_or_else(|| name.to_owned(), |field| field.name.clone())
    }
}

/// What `open` learned, if it did.
pub(crate) fn remote(ctx: &Context<Settings>) -> Option<Remote> {
    ctx.remote().and_then(|remote| Remote::deserialize(remote).ok())
}

fn squeezed(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// Whether a text can be the API name of an object or a field.
///
/// Names become part of queries and paths, so what does not fit is refused and never mended.
pub(crate) fn is_name(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.bytes().next().is_some_and(|first| first.is_ascii_alphabetic()) && text.bytes().all(legal)
}

/// Whether a text is a record id: 15 or 18 letters and digits.
pub(crate) fn is_record_id(text: &str) -> bool {
    matches!(text.len(), 15 | 18) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_letters_digits_and_underscores() {
        for name in ["Lead", "Enroute_Id__c", "ns__Field__c", "X1"] {
            assert!(is_name(name), "{name}");
        }
        for other in ["", "Num er__c", "1st__c", "_x", "Lead'", "Name FROM Lead--", "Größe__c", "a.b"] {
            assert!(!is_name(other), "{other}");
        }
    }

    #[test]
    fn the_standard_objects_say_what_a_new_record_needs() {
        let required = |object: &str| {
            let catalogue = Catalogue { fields: standard::fields(object), described: false };
            catalogue.required().map(|field| field.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(required("Lead"), ["LastName", "Company"]);
        assert_eq!(required("Contact"), ["LastName"]);
        assert_eq!(required("Account"), ["Name"]);
        assert!(required("Thing__c").is_empty());
    }

    #[test]
    fn a_misspelled_name_is_recognised() {
        let catalogue = Catalogue { fields: standard::fields("Lead"), described: false };
        let meant = |name| catalogue.meant(name).map(|field| field.name.as_str());
        assert_eq!(meant("first_name"), Some("FirstName"));
        assert_eq!(meant("postal code"), Some("PostalCode"));
        assert_eq!(meant("shoe_size"), None);
        assert_eq!(catalogue.spelled("lastname"), "LastName");
    }
}
