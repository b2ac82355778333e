//! What an operator may ask for, and what does not go together.
//!
//! Types, choices and ranges are the manifest's. Here are the rules between settings, rows and the audience.

mod endpoint;
mod rows;

use enroute_sdk::date::Order;
use enroute_sdk::problem::{error, warning};
use enroute_sdk::{Context, Place, Problem};
use serde::Deserialize;

use crate::mapping::field::Field;

pub(crate) use rows::membership_field;

/// Longest name of a custom attribute, in characters: Braze's "Custom attributes" page.
pub(crate) const NAME_CHARS_MAX: usize = 255;

/// Settings of the manifest.
#[derive(Debug, Deserialize)]
pub struct Settings {
    /// `https://rest.iad-01.braze.com`: the REST endpoint of the instance.
    pub endpoint: String,
    /// How a profile says that it is a member.
    #[serde(default)]
    pub membership_mode: MembershipMode,
    /// The attribute that holds all audiences of a profile, in array mode.
    #[serde(default = "default_array_attribute")]
    pub array_attribute: String,
    /// The subscription group of the audience, in that mode.
    pub subscription_group_id: Option<String>,
    /// Whether members without a profile are left out instead of being created.
    #[serde(default)]
    pub update_existing_only: bool,
    /// Which of day and month comes first in dates such as 05/06/1990.
    pub date_order: Option<Order>,
}

/// How a profile says that it is a member.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MembershipMode {
    /// One attribute for each audience: true or false.
    #[default]
    BooleanAttribute,
    /// One attribute that lists the audiences.
    ArrayAttribute,
    /// The state of a subscription group.
    SubscriptionGroup,
}

fn default_array_attribute() -> String {
    "audiences".to_owned()
}

/// Everything that is wrong with a connection.
pub(crate) fn problems(ctx: &Context<Settings>) -> Vec<Problem> {
    let mut found = Vec::new();
    endpoint::check(&ctx.settings().endpoint, &mut found);
    membership(ctx, &mut found);
    rows::check(ctx, &mut found);
    found
}

fn membership(ctx: &Context<Settings>, found: &mut Vec<Problem>) {
    let settings = ctx.settings();
    let group = settings.subscription_group_id.as_deref();
    match settings.membership_mode {
        MembershipMode::BooleanAttribute => {
            let key = ctx.audience_key();
            if let Err(why) = attribute_name(key) {
                found.push(error(
                    Place::Audience,
                    format!("audience key `{key}` cannot be the name of an attribute: {why}"),
                    "use `membership_mode = \"array_attribute\"`, where the key is a value and not a name",
                ));
            }
        }
        MembershipMode::ArrayAttribute => {
            let name = &settings.array_attribute;
            if let Err(why) = attribute_name(name) {
                found.push(error(
                    Place::Setting("array_attribute".to_owned()),
                    format!("`{name}` cannot be the name of an attribute: {why}"),
                    "choose letters, digits and underscores, for example `audiences`",
                ));
            }
        }
        MembershipMode::SubscriptionGroup => subscription_group(group, found),
    }
    if group.is_some() && settings.membership_mode != MembershipMode::SubscriptionGroup {
        found.push(warning(
            Place::Setting("subscription_group_id".to_owned()),
            "`subscription_group_id` has no effect in this membership mode".to_owned(),
            "set `membership_mode = \"subscription_group\"`, or remove it",
        ));
    }
}

fn subscription_group(group: Option<&str>, found: &mut Vec<Problem>) {
    let place = || Place::Setting("subscription_group_id".to_owned());
    match group {
        None => found.push(error(
            place(),
            "membership mode `subscription_group` needs `subscription_group_id`".to_owned(),
            "copy the id of the group from Braze: Audience > Subscription Group Management",
        )),
        Some(id) if !is_uuid(id) => found.push(error(
            place(),
            format!("`{id}` is not the id of a subscription group"),
            "an id looks like 01234567-89ab-cdef-0123-456789abcdef; the name of the group does not do",
        )),
        Some(_) => found.push(warning(
            Place::Setting("membership_mode".to_owned()),
            "entering the audience subscribes a person to messages, and leaving it unsubscribes them".to_owned(),
            "use this mode only if membership is consent to the channel",
        )),
    }
}

fn is_uuid(text: &str) -> bool {
    let parts: Vec<usize> = text.split('-').map(str::len).collect();
    parts == [8, 4, 4, 4, 12] && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

/// Why a text cannot name the attribute that membership stands in.
fn attribute_name(name: &str) -> Result<(), String> {
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') || name.is_empty() {
        return Err("it must consist of letters, digits and underscores".to_owned());
    }
    if name.starts_with('_') {
        return Err("a leading underscore is Braze's own".to_owned());
    }
    if name.chars().count() > NAME_CHARS_MAX {
        return Err(format!("it has more than {NAME_CHARS_MAX} characters"));
    }
    match Field::of(name) {
        Field::Custom => Ok(()),
        _ => Err("Braze has a field of this name".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_membership_attribute_is_plain_and_free() {
        assert!(attribute_name("high_value_shoppers").is_ok());
        for taken in ["email", "external_id", "_merge_objects", "$add", "two words", "", "naïve"] {
            assert!(attribute_name(taken).is_err(), "{taken}");
        }
        assert!(attribute_name(&"a".repeat(NAME_CHARS_MAX)).is_ok());
        assert!(attribute_name(&"a".repeat(NAME_CHARS_MAX + 1)).is_err());
    }

    #[test]
    fn the_id_of_a_group_is_a_uuid() {
        assert!(is_uuid("01234567-89ab-cdef-0123-456789abcdef"));
        assert!(!is_uuid("newsletter"));
        assert!(!is_uuid("01234567-89ab-cdef-0123-456789abcdeg"));
    }
}
