//! What the operator chose, and what is wrong with it.
//!
//! Types, choices and ranges are the host's to check, by the manifest; here are the rules between settings and rows.

mod rows;

use enroute_sdk::problem::{error, warning};
use enroute_sdk::{Context, Place, Problem};
use serde::Deserialize;

use crate::normalize::Rules;
use crate::normalize::country::Country;
use crate::normalize::key::Key;
use enroute_sdk::date::Order;
use enroute_sdk::hash::Hashing;
use enroute_sdk::phone::DialCode;

/// The latest year of birth that is believed where the day of the run cannot be read.
const YEAR_MAX: u16 = 2100;

/// The settings of the manifest.
#[derive(Debug, Deserialize)]
pub struct Settings {
    pub(crate) audience_id: String,
    pub(crate) ad_account_id: Option<String>,
    pub(crate) base_url: String,
    pub(crate) api_version: String,
    hashing: String,
    default_phone_country_code: Option<String>,
    default_country: Option<String>,
    date_order: Option<Order>,
    birthday_format: Option<Order>,
    extern_id: Option<String>,
    pub(crate) value_based: bool,
    pub(crate) ldu: Ldu,
    pub(crate) customer_consent: Option<bool>,
    pub(crate) is_raw: Option<bool>,
    appsecret_proof_mode: String,
    allow_custom_traits: bool,
}

/// Meta's Limited Data Use, for all members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ldu {
    /// Nothing is said.
    Off,
    /// It applies.
    Apply,
    /// It explicitly does not.
    NotApply,
}

impl Ldu {
    /// Whether the column is sent though no row is mapped to it.
    pub(crate) fn is_sent(self) -> bool {
        self != Self::Off
    }

    /// The cell of members who have none of their own.
    pub(crate) fn cell(self) -> &'static str {
        if self == Self::Apply { r#"["LDU"]"# } else { "[]" }
    }
}

impl Settings {
    /// Whether the profile's own id is sent.
    pub(crate) fn sends_user_id(&self) -> bool {
        self.extern_id.as_deref() == Some("user_id")
    }

    /// The ad account's id in digits, also where it was given as `act_123`.
    pub(crate) fn ad_account(&self) -> Option<&str> {
        let id = self.ad_account_id.as_deref()?.trim();
        Some(id.strip_prefix("act_").unwrap_or(id))
    }

    /// The rules of normalising on the day of the run.
    pub(crate) fn rules(&self, today: &str) -> Rules {
        let year = today.get(..4).and_then(|year| year.parse().ok()).unwrap_or(YEAR_MAX);
        Rules {
            hashing: Hashing::parse(&self.hashing).unwrap_or(Hashing::Auto),
            default_phone_country_code: self.default_phone_country_code.as_deref().and_then(DialCode::parse),
            default_country: self.default_country.as_deref().and_then(Country::parse),
            date_order: self.date_order.or(self.birthday_format),
            ..Rules::new(year)
        }
    }
}

/// Finds what is wrong with a connection.
pub(crate) fn validate(ctx: &Context<Settings>) -> Vec<Problem> {
    let mut problems = Vec::new();
    texts(ctx.settings(), &mut problems);
    rows::check(ctx, &mut problems);
    together(ctx, &mut problems);
    problems
}

fn setting(name: &str) -> Place {
    Place::Setting(name.to_owned())
}

/// Settings whose text has a form of its own.
fn texts(settings: &Settings, problems: &mut Vec<Problem>) {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mut check = |name: &str, text: &str, fits: bool, must: &str, hint: &str| {
        if !fits {
            problems.push(error(setting(name), format!("`{name}` must be {must}, not `{text}`"), hint));
        }
    };
    let id = settings.audience_id.as_str();
    check("audience_id", id, digits(id), "digits", "copy the id of the audience from Audiences in Ads Manager");
    if let (Some(text), Some(id)) = (settings.ad_account_id.as_deref(), settings.ad_account()) {
        check(
            "ad_account_id",
            text,
            digits(id),
            "`act_` and digits, or digits",
            "copy it from the account menu of Ads Manager",
        );
    }
    let version = settings.api_version.as_str();
    let numbers = version.strip_prefix('v').and_then(|numbers| numbers.split_once('.'));
    let fits = numbers.is_some_and(|(major, minor)| digits(major) && digits(minor));
    check("api_version", version, fits, "like `v25.0`", "see the list of Graph API versions in Meta's change log");
    if let Some(code) = settings.default_phone_country_code.as_deref() {
        let fits = DialCode::parse(code).is_some();
        check(
            "default_phone_country_code",
            code,
            fits,
            "1 to 4 digits that do not begin with 0",
            "for example `1` or `44`",
        );
    }
    if let Some(country) = settings.default_country.as_deref() {
        let fits = country.len() == 2 && Country::parse(country).is_some();
        check("default_country", country, fits, "a country code of two letters", "for example `us` or `de`");
    }
}

/// What settings, rows, secrets and identifiers ask of each other.
fn together(ctx: &Context<Settings>, problems: &mut Vec<Problem>) {
    let settings = ctx.settings();
    let value = Key::LookalikeValue;
    match (settings.value_based, ctx.row(value.as_str())) {
        (true, None) => problems.push(error(
            setting("value_based"),
            format!("`value_based` is true and no trait is mapped to `{value}`"),
            format!("map the trait that says what a customer is worth to `{value}`; value-based audiences refuse rows without it"),
        )),
        (false, Some(row)) => problems.push(error(
            place(row),
            format!("`{value}` is mapped and `value_based` is not true"),
            "set `value_based = true` if the audience is value-based, or take the row out",
        )),
        _ => {}
    }
    if let Some(row) = ctx.row(Key::ExternId.as_str()).filter(|_| settings.sends_user_id()) {
        problems.push(error(
            place(row),
            format!("`{}` is mapped and `extern_id` is `user_id`", Key::ExternId),
            "choose one: take the row out, or unset `extern_id`",
        ));
    }
    if settings.date_order.is_some() && settings.birthday_format.is_some() {
        problems.push(error(
            setting("birthday_format"),
            "`birthday_format` is the former name of `date_order`, and both are set".to_owned(),
            "keep `date_order`",
        ));
    }
    if settings.appsecret_proof_mode == "timed" && !ctx.has_secret("app_secret") {
        problems.push(warning(
            setting("appsecret_proof_mode"),
            "`appsecret_proof_mode` is `timed` and the secret `app_secret` is not configured".to_owned(),
            "configure `app_secret`; without it no proof is sent",
        ));
    }
    let available = |key: &Key| {
        let sent = *key != Key::ExternId || settings.sends_user_id();
        ctx.row(key.as_str()).is_some() || (sent && ctx.identifier(key.as_str()).is_some())
    };
    if !Key::ALL.into_iter().filter(|key| key.identifies()).any(|key| available(&key)) {
        problems.push(warning(
            Place::Audience,
            "nothing that identifies a person is sent, so every member will be left out".to_owned(),
            "map a trait to `EMAIL`, `PHONE` or `MADID`, or set `extern_id`",
        ));
    }
}

/// The place of a row of the mapping.
fn place(row: usize) -> Place {
    Place::Row(u32::try_from(row).unwrap_or(u32::MAX))
}
