//! What an operator may ask for, and what does not go together.
//!
//! Types, choices and ranges are the manifest's. Here are the rules between settings, rows, the audience and what is
//! known of the project.

mod catalogue;
mod rows;
pub(crate) mod types;

use enroute_sdk::date::Order;
use enroute_sdk::problem::{error, warning};
use enroute_sdk::{Context, Place, Problem};
use serde::Deserialize;

use crate::mapping::field;

/// Settings of the manifest.
#[derive(Debug, Deserialize)]
pub struct Settings {
    /// Where the project lives.
    #[serde(default)]
    pub data_center: DataCenter,
    /// Another address of the API, for tests.
    pub base_url: Option<String>,
    /// What makes a user unique.
    pub project_type: ProjectType,
    /// Which identifiers travel in a hybrid project.
    #[serde(default)]
    pub hybrid_identifier: HybridIdentifier,
    /// How a user says that it is a member.
    #[serde(default)]
    pub membership: Membership,
    /// The number of the static list.
    pub list_id: Option<u64>,
    /// The name of the static list.
    pub list_name: Option<String>,
    /// Whether objects are merged into what the user has.
    #[serde(default = "yes")]
    pub merge_nested_objects: bool,
    /// Whether unknown fields are created; the project decides where this is not set.
    pub create_new_fields: Option<bool>,
    /// Whether only known users are put on the list.
    #[serde(default)]
    pub update_existing_only: bool,
    /// Whether users without an e-mail address are created, in email projects.
    #[serde(default = "yes")]
    pub prefer_user_id: bool,
    /// Whether leaving the list unsubscribes from a channel.
    #[serde(default)]
    pub channel_unsubscribe: bool,
    /// What leaving the list is attributed to.
    pub campaign_id: Option<u64>,
    /// Whether the anonymous id stands in for the id.
    #[serde(default)]
    pub send_anonymous_id_as_user_id: bool,
    /// What happens to a value of another type than its field has.
    #[serde(default)]
    pub on_type_mismatch: OnTypeMismatch,
    /// Types of fields that Iterable does not know yet.
    pub field_types: Option<String>,
    /// The country of phone numbers without a country code.
    pub phone_region: Option<String>,
    /// Which of day and month comes first in dates such as 05/06/1990.
    pub date_order: Option<Order>,
}

/// Where a project lives.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataCenter {
    /// The United States.
    #[default]
    Us,
    /// The European Union.
    Eu,
    /// Where `base_url` says, for tests.
    Other,
}

/// What makes a user unique in a project; fixed when the project is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProjectType {
    /// The e-mail address.
    Email,
    /// The user id.
    UserId,
    /// Both, at least one of which is there.
    Hybrid,
}

/// Which identifiers travel in a hybrid project.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HybridIdentifier {
    /// All that a member has.
    #[default]
    Both,
    /// The user id, or the address where there is none.
    UserId,
    /// The address, or the user id where there is none.
    Email,
}

/// How a user says that it is a member.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Membership {
    /// A boolean field named after the audience.
    #[default]
    Field,
    /// A static list.
    List,
    /// The field and the list.
    Both,
}

impl Membership {
    /// Whether a field says it.
    pub(crate) const fn has_field(self) -> bool {
        matches!(self, Self::Field | Self::Both)
    }

    /// Whether a list says it.
    pub(crate) const fn has_list(self) -> bool {
        matches!(self, Self::List | Self::Both)
    }
}

/// What happens to a value of another type than its field has.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnTypeMismatch {
    /// The value stays out.
    #[default]
    DropField,
    /// The member stays out.
    FailRecord,
}

const fn yes() -> bool {
    true
}

impl Settings {
    /// The address that requests go to.
    pub(crate) fn origin(&self) -> &str {
        match self.data_center {
            DataCenter::Us => "https://api.iterable.com",
            DataCenter::Eu => "https://api.eu.iterable.com",
            DataCenter::Other => self.base_url.as_deref().unwrap_or_default(),
        }
    }

    /// The name of the list, where no number is given.
    pub(crate) fn list_name<'a>(&'a self, audience_key: &'a str) -> &'a str {
        self.list_name.as_deref().unwrap_or(audience_key)
    }
}

/// Everything that is wrong with a connection.
pub(crate) fn problems(ctx: &Context<Settings>) -> Vec<Problem> {
    let mut found = Vec::new();
    identity(ctx, &mut found);
    membership(ctx, &mut found);
    without_effect(ctx.settings(), &mut found);
    types::check(ctx, &mut found);
    rows::check(ctx, &mut found);
    catalogue::check(ctx, &mut found);
    found
}

/// Whether the identifiers that the project type asks for can come at all.
fn identity(ctx: &Context<Settings>, found: &mut Vec<Problem>) {
    let has = |field| ctx.identifier(field).is_some();
    let (project, is_sound) = match ctx.settings().project_type {
        ProjectType::Email => ("email", has("email") || has("userId")),
        ProjectType::UserId => ("user_id", has("userId")),
        ProjectType::Hybrid => ("hybrid", has("email") || has("userId")),
    };
    let place = || Place::Setting("project_type".to_owned());
    if !is_sound {
        let message = format!("no identifier of the connection identifies users of a project of type `{project}`");
        found.push(error(place(), message, "let profiles carry an id or an e-mail address"));
    }
    if ctx.settings().data_center == DataCenter::Other && ctx.settings().base_url.is_none() {
        let message = "`data_center = \"other\"` needs `base_url`".to_owned();
        found.push(error(
            Place::Setting("base_url".to_owned()),
            message,
            "name the address of the API, or a data centre",
        ));
    }
}

fn membership(ctx: &Context<Settings>, found: &mut Vec<Problem>) {
    let (settings, key) = (ctx.settings(), ctx.audience_key());
    if settings.membership.has_field() && !field::is_free(key) {
        found.push(error(
            Place::Audience,
            format!("audience key `{key}` cannot be the name of a field: Iterable has a field of this name"),
            "use `membership = \"list\"`, or give the audience another key",
        ));
    }
    let setting = |name: &str| Place::Setting(name.to_owned());
    if settings.phone_region.as_deref().is_some_and(|region| !is_region(region)) {
        let hint = "write the two letters of ISO 3166-1, such as `ES`";
        found.push(error(setting("phone_region"), "`phone_region` is not the code of a country".to_owned(), hint));
    }
    if settings.list_name.as_deref().is_some_and(|name| name.trim().is_empty()) {
        let hint = "write the name of the list, or leave the setting out";
        found.push(error(setting("list_name"), "the name of the list is empty".to_owned(), hint));
    }
    if settings.list_id.is_some() && settings.list_name.is_some() {
        let message = "`list_name` has no effect where `list_id` is given".to_owned();
        found.push(warning(setting("list_name"), message, "remove one of them"));
    }
    if settings.channel_unsubscribe && settings.membership.has_list() {
        found.push(warning(
            setting("channel_unsubscribe"),
            "who leaves the list is unsubscribed from a whole message channel".to_owned(),
            "set it to false unless leaving the audience takes consent back",
        ));
    }
}

fn is_region(text: &str) -> bool {
    text.len() == 2 && enroute_sdk::country::alpha2(text).is_some()
}

/// Settings that nothing comes of beside the others.
fn without_effect(settings: &Settings, found: &mut Vec<Problem>) {
    let Settings { membership, project_type, update_existing_only, .. } = *settings;
    let (list, field) = (membership.has_list(), membership.has_field());
    let idle = [
        ("list_id", settings.list_id.is_some() && !list, "there is no list in membership `field`"),
        ("list_name", settings.list_name.is_some() && !list, "there is no list in membership `field`"),
        ("channel_unsubscribe", settings.channel_unsubscribe && !list, "nobody leaves a list in membership `field`"),
        ("campaign_id", settings.campaign_id.is_some() && !list, "nobody leaves a list in membership `field`"),
        ("create_new_fields", settings.create_new_fields.is_some() && !field, "lists are joined without this choice"),
        ("update_existing_only", update_existing_only && field, "a membership field creates users who are not there"),
        (
            "update_existing_only",
            update_existing_only && !field && project_type == ProjectType::Email,
            "Iterable heeds it in user_id and hybrid projects only",
        ),
        (
            "hybrid_identifier",
            settings.hybrid_identifier != HybridIdentifier::Both && project_type != ProjectType::Hybrid,
            "the project is not hybrid",
        ),
    ];
    for (name, is_idle, why) in idle {
        if is_idle {
            let place = Place::Setting(name.to_owned());
            found.push(warning(
                place,
                format!("`{name}` has no effect: {why}"),
                "remove it, or change the other setting",
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use enroute_sdk::Severity;
    use enroute_sdk::testing::Fixture;

    use super::*;
    use crate::Iterable;

    #[test]
    fn a_project_needs_its_identifier() {
        let check = |project: &str, field: &str| {
            let fixture = Fixture::new().setting("project_type", project).identifier_field(field);
            fixture.validate::<Iterable>().iter().filter(|problem| problem.severity == Severity::Error).count()
        };
        assert_eq!(check("user_id", "email"), 1);
        assert_eq!(check("user_id", "userId"), 0);
        assert_eq!(check("email", "anonymousId"), 1);
        assert_eq!(check("email", "userId"), 0);
        assert_eq!(check("hybrid", "email"), 0);
    }

    #[test]
    fn the_data_center_picks_the_address() {
        let origin = |settings: &str| serde_json::from_str::<Settings>(settings).unwrap().origin().to_owned();
        assert_eq!(origin(r#"{"project_type":"email"}"#), "https://api.iterable.com");
        assert_eq!(origin(r#"{"project_type":"email","data_center":"eu"}"#), "https://api.eu.iterable.com");
        let test = r#"{"project_type":"email","data_center":"other","base_url":"http://127.0.0.1:1"}"#;
        assert_eq!(origin(test), "http://127.0.0.1:1");
    }
}
