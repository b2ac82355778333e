//! What an operator may ask for, and what does not go together.
//!
//! Types, choices and ranges are the manifest's. Here are the rules between settings, rows, the audience and what was
//! learned of the account.

mod rows;

use enroute_sdk::date::Order;
use enroute_sdk::problem::{error, warning};
use enroute_sdk::{Context, Place, Problem};
use serde::Deserialize;

pub(crate) use rows::is_sent;

/// Longest name of a list, in characters: SendGrid's "Create List" page.
const LIST_NAME_CHARS_MAX: usize = 100;

/// Settings of the manifest.
#[derive(Debug, Deserialize)]
pub struct Settings {
    /// `https://api.sendgrid.com`, or the address of the EU region.
    pub base_url: String,
    /// The list, where the operator names it by id.
    pub list_id: Option<String>,
    /// The name of the list; otherwise that of the audience.
    pub list_name: Option<String>,
    /// Whether the profile's id travels.
    #[serde(default)]
    pub external_id: ExternalId,
    /// What leaving the audience does.
    #[serde(default)]
    pub remove_mode: RemoveMode,
    /// Whether long texts are cut instead of being left out.
    #[serde(default)]
    pub truncate: bool,
    /// The country of phone numbers without a country code, where they identify.
    pub phone_region: Option<String>,
    /// Which of day and month comes first in dates such as 05/06/1990.
    pub date_order: Option<Order>,
    /// The subuser that a parent's key acts for.
    pub on_behalf_of: Option<String>,
    /// How long an import may be pending.
    #[serde(default = "default_patience")]
    pub import_patience_minutes: u64,
}

/// Where a contact's external id comes from, unless a row says so.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExternalId {
    /// From the profile's id.
    #[default]
    UserId,
    /// From nowhere.
    Off,
}

/// What happens to a contact that leaves the audience.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RemoveMode {
    /// It leaves the list.
    #[default]
    ListOnly,
    /// It is deleted from the account.
    DeleteContact,
}

fn default_patience() -> u64 {
    60
}

/// The name by which the list is looked for.
pub(crate) fn list_name(ctx: &Context<Settings>) -> &str {
    ctx.settings().list_name.as_deref().unwrap_or_else(|| ctx.audience_name()).trim()
}

/// Everything that is wrong with a connection.
pub(crate) fn problems(ctx: &Context<Settings>) -> Vec<Problem> {
    let mut found = Vec::new();
    list(ctx, &mut found);
    let settings = ctx.settings();
    if let Some(name) = &settings.on_behalf_of
        && (name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()))
    {
        found.push(error(
            setting("on_behalf_of"),
            format!("`{name}` cannot be the name of a subuser"),
            "copy the username from Settings > Subuser Management, without spaces",
        ));
    }
    if let Some(region) = &settings.phone_region
        && (region.len() != 2 || enroute_sdk::country::alpha2(region) != Some(region))
    {
        found.push(error(
            setting("phone_region"),
            format!("`{region}` is not the code of a country"),
            "use two capital letters, such as PT",
        ));
    }
    if settings.remove_mode == RemoveMode::DeleteContact {
        found.push(warning(
            setting("remove_mode"),
            "whoever leaves the audience is deleted from SendGrid, from all lists and with all history".to_owned(),
            "set `remove_mode = \"list_only\"` unless this is what you want",
        ));
    }
    rows::check(ctx, &mut found);
    found
}

fn list(ctx: &Context<Settings>, found: &mut Vec<Problem>) {
    let settings = ctx.settings();
    if let Some(id) = &settings.list_id {
        if !is_uuid(id) {
            found.push(error(
                setting("list_id"),
                format!("`{id}` is not the id of a list"),
                "an id looks like 01234567-89ab-cdef-0123-456789abcdef; for the list's name use `list_name`",
            ));
        }
        if settings.list_name.is_some() {
            found.push(warning(
                setting("list_name"),
                "`list_name` has no effect beside `list_id`".to_owned(),
                "remove one of the two",
            ));
        }
        return;
    }
    let name = list_name(ctx);
    let chars = name.chars().count();
    if !(1..=LIST_NAME_CHARS_MAX).contains(&chars) {
        let place = if settings.list_name.is_some() { setting("list_name") } else { Place::Audience };
        found.push(error(
            place,
            format!("the name of a list has 1 to {LIST_NAME_CHARS_MAX} characters, and this one has {chars}"),
            "set `list_name` to a shorter name, or `list_id` to a list that exists",
        ));
    }
}

/// Whether a text has the form of the ids that SendGrid gives.
pub(crate) fn is_uuid(text: &str) -> bool {
    let parts: Vec<usize> = text.split('-').map(str::len).collect();
    parts == [8, 4, 4, 4, 12] && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

fn setting(name: &str) -> Place {
    Place::Setting(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_list_is_a_uuid() {
        assert!(is_uuid("0f6a3f4e-6b1f-4b0c-9a63-0d6c2f4f9d11"));
        assert!(!is_uuid("High value shoppers"));
        assert!(!is_uuid("0f6a3f4e-6b1f-4b0c-9a63-0d6c2f4f9d1g"));
    }
}
