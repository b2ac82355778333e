//! The identifiers of a member, now and as they were sent, and how they are written.

use enroute_sdk::hash::Hashing;
use enroute_sdk::{Context, Identifiers, Member, Reject, Value, json};

use super::{field, nobody};
use crate::normalize::{self, Code, Noted, Rules};
use crate::settings::{Api, ListType, Settings};

/// Most identifiers in one member of a request.
const IDENTIFIERS_MAX: usize = 10;

/// One identifier in its normal form, hashed where Google wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Identifier {
    Email(String),
    Phone(String),
    Address { given: String, family: String, region: String, postal: String },
    Mobile(String),
    User(String),
}

/// The identifiers of a member and what is to be told of them.
#[derive(Debug, Default)]
pub(super) struct Ids {
    list: Vec<Identifier>,
    /// Field and code.
    pub(super) warnings: Vec<(&'static str, Code)>,
}

/// Where the value of a field is.
#[derive(Debug, Clone, Copy)]
struct Source {
    name: &'static str,
    row: Option<usize>,
    identifier: Option<usize>,
}

/// How the identifiers of a connection are read and written.
#[derive(Debug)]
pub(super) struct Plan<'c> {
    settings: &'c Settings,
    rules: Rules,
    /// What was sent in clear is hashed and what was sent as a hash stays one, whatever the setting says today.
    rules_for_sent: Rules,
    sources: [Source; field::ALL.len()],
}

impl<'c> Plan<'c> {
    pub(super) fn new(ctx: &'c Context<Settings>) -> Self {
        let settings = ctx.settings();
        let rules = settings.rules();
        let rules_for_sent = Rules { hashing: Hashing::Auto, ..rules.clone() };
        let source = |name| Source { name, row: ctx.row(name), identifier: ctx.identifier(name) };
        Self { settings, rules, rules_for_sent, sources: field::ALL.map(source) }
    }

    /// What identifies a member who is in the audience.
    pub(super) fn now(&self, member: Member<'_>) -> Result<Ids, Reject> {
        let mut reader = Reader { rules: &self.rules, ids: Ids::default() };
        reader.read(self.settings.list_type, |name| self.value(member, name));
        let ids = reader.ids;
        let has_email = ids.list.iter().any(|id| matches!(id, Identifier::Email(_)));
        if self.settings.list_type == ListType::Contact && self.settings.require_email && !has_email {
            let why = ids.warnings.iter().find(|(name, _)| *name == field::EMAIL).map(|(_, code)| *code);
            let reason = why.map_or_else(
                || "the member has no e-mail address".to_owned(),
                |code| format!("the member's e-mail address is unusable ({code})"),
            );
            return Err(Reject::field(field::EMAIL, "no_email", reason));
        }
        if ids.list.is_empty() { Err(nobody(self.settings)) } else { Ok(ids) }
    }

    /// What was sent of a member and is not in `now` any more; what identifies a leaving member now, where the host
    /// remembers nothing.
    pub(super) fn sent(&self, member: Member<'_>, now: Option<&Ids>) -> Ids {
        let mut found = Ids::default();
        for row in member.sent() {
            self.add_old(&mut found, now, row);
        }
        if found.list.is_empty() && now.is_none() {
            self.add_old(&mut found, now, member.identifiers());
        }
        found
    }

    fn add_old(&self, found: &mut Ids, now: Option<&Ids>, row: Identifiers<'_>) {
        let mut reader = Reader { rules: &self.rules_for_sent, ids: Ids::default() };
        reader.read(self.settings.list_type, |name| {
            let source = self.sources.iter().find(|source| source.name == name);
            source.and_then(|source| source.identifier).map_or(Value::Absent, |field| row.get(field))
        });
        for id in reader.ids.list {
            if !found.list.contains(&id) && !now.is_some_and(|now| now.list.contains(&id)) {
                found.list.push(id);
            }
        }
    }

    /// The mapped trait, or the profile's identifier where the trait has nothing to say.
    fn value<'b>(&self, member: Member<'b>, name: &str) -> Value<'b> {
        let Some(source) = self.sources.iter().find(|source| source.name == name) else { return Value::Absent };
        let mapped = source.row.map_or(Value::Absent, |row| member.value(row));
        // A trait and the profile's own id are two kinds of name: one must not stand in for the other.
        let stands_in = name != field::USER_ID || source.row.is_none();
        match source.identifier.filter(|_| stands_in) {
            Some(field) if !matches!(normalize::text_of(mapped), Ok(Some(_))) => match member.identifier(field) {
                Value::Absent => mapped,
                identifier => identifier,
            },
            _ => mapped,
        }
    }

    /// The member as Google's API takes it.
    pub(super) fn record(&self, ids: &Ids) -> String {
        self.write(&ids.list, "create")
    }

    /// The records that take a member out; several where one would have too many identifiers.
    pub(super) fn records(&self, old: &Ids) -> Vec<String> {
        let most = if self.settings.list_type == ListType::UserId { 1 } else { IDENTIFIERS_MAX };
        old.list.chunks(most).map(|ids| self.write(ids, "remove")).collect()
    }

    fn write(&self, ids: &[Identifier], change: &str) -> String {
        let api = self.settings.api;
        let parts: Vec<String> = ids.iter().map(|id| id.json(api)).collect();
        let parts = parts.join(",");
        match (api, self.settings.list_type) {
            (Api::GoogleAds, _) => format!(r#"{{"{change}":{{"userIdentifiers":[{parts}]}}}}"#),
            (Api::DataManager, ListType::Contact) => format!(r#"{{"userData":{{"userIdentifiers":[{parts}]}}}}"#),
            (Api::DataManager, ListType::Mobile) => format!(r#"{{"mobileData":{{"mobileIds":[{parts}]}}}}"#),
            (Api::DataManager, ListType::UserId) => format!(r#"{{"userIdData":{{"userId":{parts}}}}}"#),
        }
    }
}

impl Ids {
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

impl Identifier {
    fn json(&self, api: Api) -> String {
        let ads = api == Api::GoogleAds;
        let one = |name: &str, text: &str| object(&[(name, text)]);
        match self {
            Self::Email(hash) => one(if ads { "hashedEmail" } else { "emailAddress" }, hash),
            Self::Phone(hash) => one(if ads { "hashedPhoneNumber" } else { "phoneNumber" }, hash),
            Self::Address { given, family, region, postal } => {
                let (outer, names) = if ads {
                    ("addressInfo", ["hashedFirstName", "hashedLastName", "countryCode", "postalCode"])
                } else {
                    ("address", ["givenName", "familyName", "regionCode", "postalCode"])
                };
                let parts = [given, family, region, postal];
                let parts: Vec<(&str, &str)> = names.into_iter().zip(parts.map(String::as_str)).collect();
                format!(r#"{{"{outer}":{}}}"#, object(&parts))
            }
            Self::Mobile(id) if ads => one("mobileId", id),
            Self::User(id) if ads => one("thirdPartyUserId", id),
            Self::Mobile(id) | Self::User(id) => quoted(id),
        }
    }
}

fn object(members: &[(&str, &str)]) -> String {
    let members: Vec<String> = members.iter().map(|(name, text)| format!("\"{name}\":{}", quoted(text))).collect();
    format!("{{{}}}", members.join(","))
}

fn quoted(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len() + 2);
    json::write_str(&mut out, text);
    String::from_utf8(out).unwrap_or_default()
}

/// Collects identifiers and the warnings about values that are none.
#[derive(Debug)]
struct Reader<'r> {
    rules: &'r Rules,
    ids: Ids,
}

impl Reader<'_> {
    fn read<'v>(&mut self, list: ListType, value: impl Fn(&'static str) -> Value<'v>) {
        let plain = |form: Result<String, Code>| form.map(|form| (form, None));
        let rules = self.rules;
        match list {
            ListType::Contact => {
                let email = |found: &str| normalize::hashed(found, rules.hashing, normalize::email);
                self.push(field::EMAIL, value(field::EMAIL), email, Identifier::Email);
                let phone =
                    |found: &str| normalize::hashed(found, rules.hashing, |text| normalize::phone_number(text, rules));
                self.push(field::PHONE, value(field::PHONE), phone, Identifier::Phone);
                self.address(value);
            }
            ListType::Mobile => self.push(
                field::MOBILE_ID,
                value(field::MOBILE_ID),
                |found| plain(normalize::mobile_id(found)),
                Identifier::Mobile,
            ),
            ListType::UserId => {
                self.push(field::USER_ID, value(field::USER_ID), |found| plain(Ok(found.to_owned())), Identifier::User)
            }
        }
    }

    fn push(
        &mut self,
        name: &'static str,
        value: Value<'_>,
        form: impl Fn(&str) -> Result<Noted, Code>,
        made: impl Fn(String) -> Identifier,
    ) {
        if let Some(form) = self.part(name, value, form) {
            self.ids.list.push(made(form));
        }
    }

    /// The normal form of a value; a bad one leaves a warning.
    fn part(
        &mut self,
        name: &'static str,
        value: Value<'_>,
        form: impl Fn(&str) -> Result<Noted, Code>,
    ) -> Option<String> {
        let found = match normalize::text_of(value) {
            Ok(found) => found?,
            Err(code) => {
                self.ids.warnings.push((name, code));
                return None;
            }
        };
        match form(&found) {
            Ok((form, warning)) => {
                self.ids.warnings.extend(warning.map(|code| (name, code)));
                Some(form)
            }
            Err(code) => {
                self.ids.warnings.push((name, code));
                None
            }
        }
    }

    /// All four parts, or no address.
    fn address<'v>(&mut self, value: impl Fn(&'static str) -> Value<'v>) {
        let rules = self.rules;
        let name = |found: &str, normal: fn(&str, bool) -> Result<String, Code>| {
            let normal = |text: &str| normal(text, rules.strips_punctuation).map(|form| (form, None));
            normalize::hashed(found, rules.hashing, normal)
        };
        let warned = self.ids.warnings.len();
        let given = self.part(field::GIVEN_NAME, value(field::GIVEN_NAME), |found| name(found, normalize::given_name));
        let family =
            self.part(field::FAMILY_NAME, value(field::FAMILY_NAME), |found| name(found, normalize::family_name));
        let region = self
            .part(field::REGION, value(field::REGION), |found| normalize::region_code(found).map(|form| (form, None)));
        let postal = self.part(field::POSTAL_CODE, value(field::POSTAL_CODE), |found| Ok((found.to_owned(), None)));
        let some = [&given, &family, &region, &postal].into_iter().any(Option::is_some);
        match (given, family, region, postal) {
            (Some(given), Some(family), Some(region), Some(postal)) => {
                self.ids.list.push(Identifier::Address { given, family, region, postal });
            }
            _ if some && self.ids.warnings.len() == warned => {
                self.ids.warnings.push((field::POSTAL_CODE, "address_incomplete"));
            }
            _ => {}
        }
    }
}
