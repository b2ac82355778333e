//! What an operator may ask for, and what does not go together.
//!
//! Types, choices and ranges are the manifest's. Here are the rules between settings, secrets, rows and the audience,
//! and, in `remote`, what was learned of the account.

pub(crate) mod remote;
mod rows;

use std::borrow::Cow;

use enroute_sdk::date::Order;
use enroute_sdk::problem::{error, warning};
use enroute_sdk::{Context, Place, Problem};
use serde::Deserialize;

use remote::Remote;

/// Longest subdomain: a label of DNS.
const SUBDOMAIN_BYTES_MAX: usize = 63;

/// Settings of the manifest.
#[derive(Debug, Deserialize)]
pub struct Settings {
    /// `acme` of `https://acme.zendesk.com`; missing only where `base_url` stands in its place.
    #[serde(default)]
    pub subdomain: String,
    /// Where requests go instead, in tests.
    pub base_url: Option<String>,
    pub(crate) auth: Auth,
    pub(crate) email: Option<String>,
    pub(crate) client_id: Option<String>,
    pub(crate) token_origin: Option<String>,
    pub(crate) identifier: Identifier,
    pub(crate) membership: Membership,
    membership_field: Option<String>,
    membership_tag: Option<String>,
    pub(crate) write_mode: WriteMode,
    pub(crate) create_users: bool,
    pub(crate) create_missing_fields: bool,
    pub(crate) suppress_verification_mail: bool,
    pub(crate) mark_verified: bool,
    pub(crate) on_email_change: EmailChange,
    pub(crate) nested_values: Nested,
    pub(crate) phone_region: Option<String>,
    pub(crate) date_order: Option<Order>,
}

/// How requests are authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Auth {
    ApiToken,
    OauthToken,
    OauthRefresh,
}

/// What says who a user is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Identifier {
    ExternalId,
    Email,
    Both,
}

/// Where membership stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Membership {
    UserField,
    Tag,
    Both,
}

/// How users are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WriteMode {
    Auto,
    Bulk,
    Single,
}

/// What becomes of a changed address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EmailChange {
    Keep,
    MakePrimary,
}

/// What becomes of lists and objects that a field cannot hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Nested {
    LeaveOut,
    JsonText,
}

impl Settings {
    /// The origin of all requests.
    pub(crate) fn origin(&self) -> Cow<'_, str> {
        match &self.base_url {
            Some(origin) => Cow::Borrowed(origin.trim_end_matches('/')),
            None => Cow::Owned(format!("https://{}.zendesk.com", self.subdomain)),
        }
    }

    /// Whether a checkbox says who is a member.
    pub(crate) fn has_field(&self) -> bool {
        self.membership != Membership::Tag
    }

    /// Whether a tag says who is a member.
    pub(crate) fn has_tag(&self) -> bool {
        self.membership != Membership::UserField
    }
}

/// The key of the checkbox that membership stands in; none where it stands in a tag only.
pub(crate) fn membership_field(ctx: &Context<Settings>) -> Option<&str> {
    let settings = ctx.settings();
    settings.has_field().then(|| settings.membership_field.as_deref().unwrap_or(ctx.audience_key()))
}

/// The tag that membership stands in; none where it stands in a checkbox only.
///
/// Zendesk's tags are in lower case and have no spaces. Digits stay, so that `vip1` and `vip2` are two tags.
pub(crate) fn membership_tag(ctx: &Context<Settings>) -> Option<String> {
    let settings = ctx.settings();
    let name = settings.membership_tag.as_deref().unwrap_or(ctx.audience_key());
    settings.has_tag().then(|| tag_of(name))
}

fn tag_of(name: &str) -> String {
    let legal = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' { c } else { '_' };
    name.to_lowercase().chars().map(legal).collect()
}

/// Whether users are written by jobs: not where the operator said so, and not where the account may not.
pub(crate) fn is_bulk(ctx: &Context<Settings>) -> bool {
    match ctx.settings().write_mode {
        WriteMode::Bulk => true,
        WriteMode::Single => false,
        WriteMode::Auto => Remote::of(ctx).no_bulk.is_none(),
    }
}

/// Everything that is wrong with a connection.
pub(crate) fn problems(ctx: &Context<Settings>) -> Vec<Problem> {
    let mut found = Vec::new();
    if ctx.settings().base_url.is_none() {
        subdomain(&ctx.settings().subdomain, &mut found);
    }
    credential(ctx, &mut found);
    membership(ctx, &mut found);
    rows::check(ctx, &mut found);
    found
}

fn subdomain(text: &str, found: &mut Vec<Problem>) {
    if text.trim().is_empty() {
        found.push(error(
            setting("subdomain"),
            "`subdomain` is required".to_owned(),
            "write what stands before .zendesk.com in the address of your account: `acme` of https://acme.zendesk.com",
        ));
    } else if !is_subdomain(text) {
        let hint = match meant(text) {
            Some(meant) => format!("write `subdomain = \"{meant}\"`: only what stands before .zendesk.com"),
            None => "write only what stands before .zendesk.com, in lower case: letters, digits and `-`".to_owned(),
        };
        found.push(error(setting("subdomain"), format!("`{text}` is not the subdomain of a Zendesk account"), hint));
    }
}

/// Whether a text is one label of DNS.
fn is_subdomain(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let ends = text.starts_with('-') || text.ends_with('-');
    (1..=SUBDOMAIN_BYTES_MAX).contains(&text.len()) && text.bytes().all(legal) && !ends
}

/// The subdomain of an address that was copied as a whole.
fn meant(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_lowercase();
    let rest = text.split_once("://").map_or(text.as_str(), |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let label = host.strip_suffix(".zendesk.com").unwrap_or(host);
    is_subdomain(label).then(|| label.to_owned())
}

/// The secrets and settings that the chosen way to authenticate needs, and no others: two ways at once would both
/// fill the same header.
fn credential(ctx: &Context<Settings>, found: &mut Vec<Problem>) {
    let settings = ctx.settings();
    let ways = [
        (Auth::ApiToken, "api_token", "api_token"),
        (Auth::OauthToken, "oauth_token", "access_token"),
        (Auth::OauthRefresh, "oauth_refresh", "client_secret"),
    ];
    for (way, name, secret) in ways {
        let chosen = way == settings.auth;
        if chosen && !ctx.has_secret(secret) && way != Auth::OauthRefresh {
            let message = format!("auth `{name}` needs the secret `{secret}`, which is not configured");
            found.push(error(setting("auth"), message, format!("add `{secret}` to the destination's secrets")));
        }
        if !chosen && ctx.has_secret(secret) && way != Auth::OauthRefresh {
            let message = format!("the secret `{secret}` is configured, and `auth` chooses another way");
            found.push(error(setting("auth"), message, format!("remove the secret, or set `auth = \"{name}\"`")));
        }
    }
    match settings.auth {
        Auth::ApiToken => match settings.email.as_deref() {
            Some(email) if enroute_sdk::email::address(email) == Some(email) => {}
            _ => found.push(error(
                setting("email"),
                "auth `api_token` needs `email`, the address of the agent that the token acts for".to_owned(),
                "give the address of an agent who may manage users",
            )),
        },
        Auth::OauthToken => {}
        Auth::OauthRefresh => oauth_refresh(settings, found),
    }
}

fn oauth_refresh(settings: &Settings, found: &mut Vec<Problem>) {
    if settings.client_id.as_deref().is_none_or(str::is_empty) {
        let message = "auth `oauth_refresh` needs `client_id`".to_owned();
        found.push(error(setting("client_id"), message, "give the unique identifier of the OAuth client"));
    }
    let own = settings.origin();
    let given = settings.token_origin.as_deref().map(|origin| origin.trim_end_matches('/'));
    if given != Some(&*own) {
        let what = given.unwrap_or("nothing");
        let message = format!("auth `oauth_refresh` needs `token_origin` to be the account's own origin, not {what}");
        found.push(error(setting("token_origin"), message, format!("set `token_origin = \"{own}\"`")));
    }
}

fn membership(ctx: &Context<Settings>, found: &mut Vec<Problem>) {
    let settings = ctx.settings();
    if let Some(key) = membership_field(ctx)
        && !is_key(key)
    {
        let place = if settings.membership_field.is_some() { setting("membership_field") } else { Place::Audience };
        found.push(error(
            place,
            format!("`{key}` cannot be the key of a user field"),
            "choose letters, digits and underscores, not only digits, in `membership_field`",
        ));
    }
    if let (Some(tag), Some(given)) = (membership_tag(ctx), settings.membership_tag.as_deref())
        && tag != given
    {
        let message = format!("tag `{given}` will be written `{tag}`");
        found.push(warning(setting("membership_tag"), message, "choose lower case letters, digits, `_` and `-`"));
    }
    for (name, given, used) in [
        ("membership_field", settings.membership_field.is_some(), settings.has_field()),
        ("membership_tag", settings.membership_tag.is_some(), settings.has_tag()),
    ] {
        if given && !used {
            let message = format!("`{name}` has no effect with this `membership`");
            found.push(warning(setting(name), message, "set `membership = \"both\"`, or remove it"));
        }
    }
    if let Some(region) = settings.phone_region.as_deref()
        && (region.len() != 2 || !region.bytes().all(|byte| byte.is_ascii_uppercase()))
    {
        let message = format!("`{region}` is not the code of a country");
        found.push(error(setting("phone_region"), message, "write two capital letters, such as PT"));
    }
    if settings.create_users && !crate::mapping::has_name(ctx) && ctx.rows().is_empty() {
        found.push(warning(
            setting("create_users"),
            "no name is mapped, so only people who are Zendesk users already can become members".to_owned(),
            "map `firstName` to first_name and `lastName` to last_name, or set `create_users = false`",
        ));
    }
}

/// Whether a text can be the key of a user field: the page "User Fields".
pub(crate) fn is_key(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !text.is_empty() && text.bytes().all(legal) && !text.bytes().all(|byte| byte.is_ascii_digit())
}

fn setting(name: &str) -> Place {
    Place::Setting(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_that_differ_stay_different() {
        assert_eq!((tag_of("vip1").as_str(), tag_of("vip2").as_str()), ("vip1", "vip2"));
        assert_eq!(tag_of("VIP Buyers/2026"), "vip_buyers_2026");
        assert_eq!(tag_of("a-b_c"), "a-b_c");
    }

    #[test]
    fn a_subdomain_is_one_label() {
        let fits = |text: &str| {
            let mut found = Vec::new();
            subdomain(text, &mut found);
            found.is_empty()
        };
        for good in ["acme", "a", "acme-2", &"a".repeat(63)] {
            assert!(fits(good), "{good}");
        }
        for bad in ["", "evil.com/", "acme.zendesk.com", "https://acme", "-a", "a-", "Acme", "a_b", &"a".repeat(64)] {
            assert!(!fits(bad), "{bad}");
        }
    }

    #[test]
    fn an_address_of_an_account_is_told_by_its_subdomain() {
        let hint = |text: &str| {
            let mut found = Vec::new();
            subdomain(text, &mut found);
            (found[0].message.clone(), found[0].hint.clone())
        };
        let write = "write `subdomain = \"acme\"`: only what stands before .zendesk.com";
        for text in
            ["acme.zendesk.com", "https://acme.zendesk.com/", "https://acme.zendesk.com/agent?x", "ACME", " acme"]
        {
            let expect = format!("`{text}` is not the subdomain of a Zendesk account");
            assert_eq!(hint(text), (expect, write.to_owned()), "{text}");
        }
        assert_eq!(hint("").0, "`subdomain` is required");
        assert!(hint("help.acme.com").1.contains("letters, digits"));
    }

    #[test]
    fn keys_are_not_only_digits() {
        assert!(is_key("vip_2") && is_key("2vip") && is_key("camelCase"));
        assert!(!is_key("2026") && !is_key("") && !is_key("a-b") && !is_key("naïve"));
    }
}
