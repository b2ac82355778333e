//! The shape of a case file.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::fixture::Fixture;
use super::person::{Cell, Person};
use crate::{Answer, Change, Failure};

/// One story: what is given, what the destination answers, what is expected.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Story {
    #[serde(default)]
    work: Work,
    audience: Option<AudienceText>,
    #[serde(default)]
    settings: toml::Table,
    #[serde(default)]
    secrets: Vec<String>,
    #[serde(default)]
    rows: Vec<String>,
    #[serde(default)]
    limits: BTreeMap<String, LimitText>,
    remote: Option<String>,
    today: Option<String>,
    consent: Option<String>,
    ticket: Option<String>,
    #[serde(default, rename = "member")]
    members: Vec<MemberText>,
    #[serde(default, rename = "exchange")]
    pub(super) exchanges: Vec<Exchange>,
    pub(super) expect: Expect,
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Work {
    Probe,
    Open,
    #[default]
    Deliver,
    Resume,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AudienceText {
    key: String,
    name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitText {
    members: u32,
    bytes: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MemberText {
    id: String,
    #[serde(default)]
    change: ChangeText,
    identifiers: Option<toml::Table>,
    #[serde(default)]
    sent: Vec<toml::Table>,
    #[serde(default)]
    traits: toml::Table,
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ChangeText {
    #[default]
    Added,
    Updated,
    Removed,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exchange {
    #[serde(default)]
    pub(super) request: RequestText,
    response: Option<ResponseText>,
    failure: Option<FailureText>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ResponseText {
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: String,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FailureText {
    Denied,
    Unreachable,
    Interrupted,
    TooLarge,
}

/// What is expected of a request; what is not named is not looked at.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RequestText {
    pub(super) kind: Option<String>,
    pub(super) operation: Option<String>,
    pub(super) method: Option<String>,
    pub(super) origin: Option<String>,
    pub(super) path: Option<String>,
    #[serde(default)]
    pub(super) query: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) without_headers: Vec<String>,
    pub(super) members: Option<Vec<String>>,
    pub(super) body: Option<String>,
    pub(super) slots: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expect {
    #[serde(default, rename = "problem")]
    pub(super) problems: Vec<ProblemText>,
    #[serde(default, rename = "request")]
    pub(super) requests: Vec<RequestText>,
    #[serde(default, rename = "rejection")]
    pub(super) rejections: Vec<RejectionText>,
    #[serde(default, rename = "warning")]
    pub(super) warnings: Vec<WarningText>,
    #[serde(default)]
    pub(super) members: BTreeMap<String, String>,
    pub(super) verdict: Option<String>,
    pub(super) remote: Option<String>,
    pub(super) account: Option<Vec<String>>,
    #[serde(default, rename = "unattributed")]
    pub(super) unattributed: Vec<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProblemText {
    pub(super) severity: Option<String>,
    pub(super) place: String,
    pub(super) message: String,
}

impl ProblemText {
    pub(super) fn is_error(&self) -> bool {
        self.severity.as_deref().is_none_or(|severity| severity == "error")
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RejectionText {
    pub(super) member: String,
    pub(super) field: Option<String>,
    pub(super) code: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WarningText {
    pub(super) code: String,
    pub(super) field: Option<String>,
    pub(super) count: Option<u32>,
}

impl Story {
    pub(super) const fn work(&self) -> Work {
        self.work
    }

    pub(super) fn ticket(&self) -> &str {
        self.ticket.as_deref().unwrap_or("ticket-1")
    }

    /// The story's givens on top of what the manifest gives.
    pub(super) fn fixture(&self, manifest: &toml::Table) -> Result<Fixture, String> {
        let mut fixture = declared(manifest);
        for (name, value) in &self.settings {
            fixture = fixture.setting(name, json(value));
        }
        fixture = lowered(fixture, manifest);
        for (operation, limit) in &self.limits {
            fixture = fixture.limit(operation, limit.members, limit.bytes);
        }
        for secret in &self.secrets {
            fixture = fixture.secret(secret);
        }
        for row in &self.rows {
            let (from, field) = row.split_once(" -> ").unwrap_or((row, row));
            fixture = fixture.row(from.trim(), field.trim());
        }
        if let Some(audience) = &self.audience {
            fixture = fixture.audience(&audience.key, audience.name.as_deref().unwrap_or(&audience.key));
        }
        if let Some(remote) = &self.remote {
            let remote: serde_json::Value =
                serde_json::from_str(remote).map_err(|error| format!("`remote` is no JSON: {error}"))?;
            fixture = fixture.remote(remote);
        }
        if let Some(today) = &self.today {
            fixture = fixture.today(today);
        }
        if let Some(consent) = &self.consent {
            let consent: serde_json::Value =
                serde_json::from_str(consent).map_err(|error| format!("`consent` is no JSON: {error}"))?;
            fixture = fixture.consent(consent);
        }
        let first = fixture.connection.identifier_fields.first().cloned();
        Ok(self.members.iter().fold(fixture, |fixture, member| fixture.member(person(member, first.as_deref()))))
    }

    pub(super) fn answers(&self) -> Vec<Result<Answer, Failure>> {
        self.exchanges.iter().map(Exchange::answer).collect()
    }
}

/// Defaults of settings and fields of identifiers, as `plugin.toml` declares them.
fn declared(manifest: &toml::Table) -> Fixture {
    let mut fixture = Fixture::new();
    for setting in tables(manifest, "setting") {
        if let (Some(name), Some(default)) = (text(setting, "name"), setting.get("default")) {
            fixture = fixture.setting(name, json(default));
        }
    }
    for identifier in tables(manifest, "identifier") {
        match text(identifier, "field") {
            Some(field) if !fixture.connection.identifier_fields.iter().any(|known| known == field) => {
                fixture = fixture.identifier_field(field);
            }
            _ => {}
        }
    }
    fixture
}

impl Fixture {
    /// A connection with what a `plugin.toml` declares: defaults of settings, fields of identifiers, limits of
    /// operations.
    ///
    /// ```
    /// use enroute_sdk::testing::Fixture;
    ///
    /// let manifest = "[[setting]]\nname = \"mode\"\ndefault = \"fast\"".parse().unwrap();
    /// assert_eq!(Fixture::declared(&manifest).connection().settings, r#"{"mode":"fast"}"#);
    /// ```
    #[must_use]
    pub fn declared(manifest: &toml::Table) -> Self {
        lowered(declared(manifest), manifest)
    }
}

/// With the limits of operations, which settings may lower.
fn lowered(mut fixture: Fixture, manifest: &toml::Table) -> Fixture {
    for operation in tables(manifest, "operation") {
        let limit = |name: &str| {
            let most = operation.get(name).and_then(toml::Value::as_integer).unwrap_or(1);
            let setting = text(operation, &format!("{name}_setting"));
            let lower = setting.and_then(|setting| fixture.settings.get(setting)).and_then(serde_json::Value::as_i64);
            u32::try_from(lower.map_or(most, |lower| lower.min(most))).unwrap_or(u32::MAX)
        };
        let (members, bytes) = (limit("members"), limit("bytes"));
        fixture = fixture.limit(text(operation, "name").unwrap_or_default(), members, bytes);
    }
    fixture
}

fn tables<'a>(manifest: &'a toml::Table, name: &str) -> impl Iterator<Item = &'a toml::Table> {
    let list = manifest.get(name).and_then(toml::Value::as_array);
    list.into_iter().flatten().filter_map(toml::Value::as_table)
}

fn text<'a>(table: &'a toml::Table, name: &str) -> Option<&'a str> {
    table.get(name)?.as_str()
}

fn person(member: &MemberText, first: Option<&str>) -> Person {
    let change = match member.change {
        ChangeText::Added => Change::Added,
        ChangeText::Updated => Change::Updated,
        ChangeText::Removed => Change::Removed,
    };
    let mut person = Person::new(&member.id, change);
    match (&member.identifiers, first) {
        (Some(identifiers), _) => {
            person = identifiers.iter().fold(person, |person, (field, value)| person.identifier(field, cell(value)));
        }
        (None, Some(field)) => person = person.identifier(field, member.id.as_str()),
        (None, None) => {}
    }
    for row in &member.sent {
        person = person.sent(row.iter().map(|(field, value)| (field.as_str(), cell(value))));
    }
    member.traits.iter().fold(person, |person, (name, value)| person.value(name, cell(value)))
}

/// A value of a case: as TOML has it, or `{ json = "…" }` for null and for digits that TOML would lose.
fn cell(value: &toml::Value) -> Cell {
    match value {
        toml::Value::Table(table) if table.len() == 1 => match text(table, "json") {
            Some(raw) => Cell::raw(raw),
            None => json(value).into(),
        },
        other => json(other).into(),
    }
}

fn json(value: &toml::Value) -> serde_json::Value {
    match value {
        toml::Value::String(text) => text.as_str().into(),
        toml::Value::Integer(number) => (*number).into(),
        toml::Value::Float(number) => (*number).into(),
        toml::Value::Boolean(flag) => (*flag).into(),
        toml::Value::Datetime(time) => time.to_string().into(),
        toml::Value::Array(items) => items.iter().map(json).collect(),
        toml::Value::Table(table) => {
            serde_json::Value::Object(table.iter().map(|(name, value)| (name.clone(), json(value))).collect())
        }
    }
}

impl Exchange {
    fn answer(&self) -> Result<Answer, Failure> {
        let why = "as the case says".to_owned();
        match (self.failure, &self.response) {
            (Some(FailureText::Denied), _) => Err(Failure::Denied(why)),
            (Some(FailureText::Unreachable), _) | (None, None) => Err(Failure::Unreachable(why)),
            (Some(FailureText::Interrupted), _) => Err(Failure::Interrupted(why)),
            (Some(FailureText::TooLarge), _) => Err(Failure::TooLarge(1 << 20)),
            (None, Some(response)) => {
                let answer = Answer::new(response.status, response.body.as_bytes());
                Ok(response.headers.iter().fold(answer, |answer, (name, value)| answer.with_header(name, value)))
            }
        }
    }
}
