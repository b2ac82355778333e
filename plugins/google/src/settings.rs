//! What the operator chose, and what is wrong with it.
//!
//! Types, choices and ranges are the host's to check, by the manifest; here are the rules between settings, secrets
//! and rows.

mod consent;
mod rows;

use enroute_sdk::hash::Hashing;
use enroute_sdk::phone::DialCode;
use enroute_sdk::problem::{error, warning};
use enroute_sdk::{Context, Place, Problem};
use serde::Deserialize;

pub(crate) use consent::{Consent, Consents};

use crate::normalize::Rules;

/// Where the Data Manager API is.
const DATA_MANAGER: &str = "https://datamanager.googleapis.com";

/// The settings of the manifest.
#[derive(Debug, Deserialize)]
pub struct Settings {
    pub(crate) api: Api,
    customer_id: String,
    login_customer_id: Option<String>,
    pub(crate) user_list_id: Option<String>,
    pub(crate) list_name: Option<String>,
    pub(crate) list_type: ListType,
    pub(crate) membership_days: u32,
    pub(crate) mobile_platform: Option<String>,
    pub(crate) app_id: Option<String>,
    ad_user_data_consent: Consent,
    ad_personalization_consent: Consent,
    pub(crate) accept_customer_match_terms: bool,
    hashing: String,
    default_phone_country_code: Option<String>,
    phone_region: Option<String>,
    extended_identifiers: bool,
    pub(crate) require_email: bool,
    name_punctuation: String,
    pub(crate) poll_status: bool,
    pub(crate) quota_project: Option<String>,
    client_id: Option<String>,
    pub(crate) base_url: String,
    pub(crate) ads_api_version: String,
}

/// Which of Google's APIs is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Api {
    /// The Data Manager API.
    DataManager,
    /// Jobs of the Google Ads API.
    GoogleAds,
}

/// What a list is keyed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ListType {
    /// E-mail, phone, address.
    Contact,
    /// Advertising ids.
    Mobile,
    /// The advertiser's own ids.
    UserId,
}

impl ListType {
    /// The upload key type, as the Data Manager API names it.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Contact => "CONTACT_ID",
            Self::Mobile => "MOBILE_ID",
            Self::UserId => "USER_ID",
        }
    }

    /// The upload key type, as the Google Ads API names it.
    pub(crate) const fn ads_key(self) -> &'static str {
        match self {
            Self::Contact => "CONTACT_INFO",
            Self::Mobile => "MOBILE_ADVERTISING_ID",
            Self::UserId => "CRM_ID",
        }
    }
}

impl Settings {
    /// The account's id in digits.
    pub(crate) fn customer(&self) -> String {
        without_hyphens(&self.customer_id)
    }

    /// The manager account's id in digits.
    pub(crate) fn login_customer(&self) -> Option<String> {
        self.login_customer_id.as_deref().map(without_hyphens)
    }

    /// What holds where a profile says nothing of its own.
    pub(crate) const fn consents(&self) -> Consents {
        Consents { user_data: self.ad_user_data_consent, personalization: self.ad_personalization_consent }
    }

    /// The rules of normalising.
    pub(crate) fn rules(&self) -> Rules {
        Rules {
            hashing: Hashing::parse(&self.hashing).unwrap_or(Hashing::Auto),
            dial_code: self.default_phone_country_code.as_deref().and_then(DialCode::parse),
            region: self.phone_region.as_deref().map(|region| region.trim().to_ascii_uppercase()),
            strips_punctuation: self.name_punctuation == "strip",
        }
    }
}

fn without_hyphens(text: &str) -> String {
    text.trim().chars().filter(|c| *c != '-').collect()
}

/// Finds what is wrong with a connection.
pub(crate) fn validate(ctx: &Context<Settings>) -> Vec<Problem> {
    let mut problems = Vec::new();
    texts(ctx.settings(), &mut problems);
    together(ctx, &mut problems);
    credentials(ctx, &mut problems);
    rows::check(ctx, &mut problems);
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
    let customer = settings.customer();
    let hint = "copy the number at the top right of Google Ads";
    check("customer_id", &settings.customer_id, digits(&customer), "digits, with or without hyphens", hint);
    if let (Some(text), Some(id)) = (settings.login_customer_id.as_deref(), settings.login_customer()) {
        check("login_customer_id", text, digits(&id), "digits, with or without hyphens", hint);
    }
    if let Some(code) = settings.default_phone_country_code.as_deref() {
        let fits = DialCode::parse(code).is_some();
        let must = "1 to 4 digits that do not begin with 0";
        check("default_phone_country_code", code, fits, must, "for example `1` or `44`");
    }
    if let Some(region) = settings.phone_region.as_deref() {
        let fits = region.len() == 2 && enroute_sdk::country::alpha2(region).is_some();
        check("phone_region", region, fits, "a country code of two letters", "for example `US` or `DE`");
    }
    let version = settings.ads_api_version.as_str();
    let fits = version.strip_prefix('v').is_some_and(digits);
    check("ads_api_version", version, fits, "like `v25`", "see the release notes of the Google Ads API");
}

/// What settings ask of each other.
fn together(ctx: &Context<Settings>, problems: &mut Vec<Problem>) {
    let settings = ctx.settings();
    if !settings.accept_customer_match_terms {
        problems.push(error(
            setting("accept_customer_match_terms"),
            "the Customer Match terms are not accepted".to_owned(),
            "read Google's Customer Match policy, then set `accept_customer_match_terms = true`",
        ));
    }
    if settings.consents().is_denied() {
        problems.push(warning(
            Place::Audience,
            "consent is denied for everybody whose profile does not grant it, so they will be left out".to_owned(),
            "give profiles a consent of their own, or change the two consent settings",
        ));
    }
    if settings.default_phone_country_code.is_some() && settings.phone_region.is_some() {
        problems.push(error(
            setting("phone_region"),
            "`phone_region` and `default_phone_country_code` are both set".to_owned(),
            "choose one of them",
        ));
    }
    if settings.list_type != ListType::Contact && !settings.extended_identifiers {
        problems.push(error(
            setting("list_type"),
            "this kind of list needs `extended_identifiers`".to_owned(),
            "set `extended_identifiers = true`, or `list_type = \"contact\"`",
        ));
    }
    let makes_mobile_list = settings.list_type == ListType::Mobile && settings.user_list_id.is_none();
    if makes_mobile_list && (settings.mobile_platform.is_none() || settings.app_id.is_none()) {
        problems.push(error(
            setting("app_id"),
            "a list of mobile ids cannot be made without its app".to_owned(),
            "set `mobile_platform` and `app_id`, or `user_list_id` of a list that there is",
        ));
    }
    if settings.api == Api::GoogleAds && settings.base_url == DATA_MANAGER {
        problems.push(error(
            setting("base_url"),
            format!("`{DATA_MANAGER}` is not where the Google Ads API is"),
            "set `base_url = \"https://googleads.googleapis.com\"` and grant that host",
        ));
    }
}

/// Exactly one way to get a token, and the developer token where it belongs.
fn credentials(ctx: &Context<Settings>, problems: &mut Vec<Problem>) {
    let (settings, has) = (ctx.settings(), |name: &str| ctx.has_secret(name));
    let by_client = has("client_secret") || has("refresh_token");
    let ways = [has("access_token"), by_client, has("private_key")];
    let hint = "configure `client_secret` (with `client_id`), or `private_key`, or `access_token`";
    let place = Place::Audience;
    match ways.into_iter().filter(|way| *way).count() {
        0 => problems.push(error(place, "there is no credential".to_owned(), hint)),
        1 => {}
        _ => problems.push(error(place, "there is more than one way to get a token".to_owned(), hint)),
    }
    if by_client && !has("client_secret") {
        let message = "a refresh token is of no use without the client's secret".to_owned();
        problems.push(error(Place::Audience, message, "configure `client_secret`"));
    }
    if by_client && settings.client_id.is_none() {
        let message = "`client_secret` is configured and `client_id` is not set".to_owned();
        problems.push(error(
            setting("client_id"),
            message,
            "copy the client's id from the Cloud project's credentials",
        ));
    }
    match (settings.api, has("developer_token")) {
        (Api::GoogleAds, false) => problems.push(error(
            setting("api"),
            "the Google Ads API needs a developer token".to_owned(),
            "configure the secret `developer_token`, or use `api = \"data_manager\"`, which needs none",
        )),
        (Api::DataManager, true) => problems.push(warning(
            setting("api"),
            "`developer_token` is of no use to the Data Manager API".to_owned(),
            "take the secret out",
        )),
        _ => {}
    }
}

/// The place of a row of the mapping.
fn place(row: usize) -> Place {
    Place::Row(u32::try_from(row).unwrap_or(u32::MAX))
}
