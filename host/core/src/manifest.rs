//! What a plugin says of itself: data, readable without running it.
//!
//! Authors write `plugin.toml`; packing checks it and embeds it in the component. Invariant: a [`Manifest`]
//! that left [`Manifest::parse_toml`] or [`Manifest::parse_json`] refers only to things it declares
//! (test `a_manifest_refers_only_to_what_it_declares`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::PluginId;
use crate::retry::WAIT_MS_MAX;

mod check;
mod field;
mod host;
mod oauth;
mod page;
mod place;
mod preset;
mod settings;
mod template;
mod word;

pub use field::{Field, Fold, Privacy, Takes};
pub use host::HostAsk;
pub use oauth::{ClientAuth, Grant, Oauth};
pub use page::page;
pub use place::{PlaceName, Target};
pub use preset::Preset;
pub use settings::{SettingProblem, resolve_settings};
pub use template::{Condition, fill, names};

/// Largest manifest in bytes, as embedded in a component.
///
/// The longest of ours is under 20 KiB; anything larger is not a manifest.
pub const MANIFEST_BYTES_MAX: usize = 256 * 1024;

/// The contract this host speaks, as manifests write it.
pub const CONTRACT: &str = "0.1";

/// A plugin's description of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Name of the plugin in `plugins.toml`, plan and reports.
    pub id: String,
    /// The plugin's own version.
    pub version: String,
    /// The contract it is built against: `0.1`.
    pub contract: String,
    /// What a person calls the destination.
    pub name: String,
    /// One sentence.
    pub summary: String,
    /// Where its documentation is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub docs: Option<String>,
    /// Hosts the plugin asks for: names, `*.name`, `{setting}` for the host of a setting that is a URL or a host, or
    /// `{setting}.example.com` for one label of a name.
    pub hosts: Vec<HostAsk>,
    /// Hosts known only from an answer, by pattern. They never get a credential.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answer_hosts: Vec<String>,
    /// Settings, in the order in which they are shown.
    #[serde(default, rename = "setting", skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<Setting>,
    /// Secrets, by name; their values stay in the host.
    #[serde(default, rename = "secret", skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SecretSpec>,
    /// How the host authenticates requests. An entry applies when all its secrets are configured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub auth: Vec<Auth>,
    /// The fields that rows can be mapped to.
    #[serde(default, rename = "field", skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
    /// Whether rows may name fields that are not listed (custom attributes).
    #[serde(default)]
    pub custom_fields: bool,
    /// When a field that the account has not comes into being as it is sent: `always`, or `setting=value`; never where
    /// not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creates_fields: Option<String>,
    /// Ready-made mappings, in the order in which they are shown.
    #[serde(default, rename = "preset", skip_serializing_if = "Vec::is_empty")]
    pub presets: Vec<Preset>,
    /// What names the place of an audience's members: the first that applies.
    #[serde(default, rename = "place", skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<PlaceName>,
    /// The identifiers of a profile the plugin can use, in its order of preference.
    #[serde(default, rename = "identifier", skip_serializing_if = "Vec::is_empty")]
    pub identifiers: Vec<IdentifierSpec>,
    /// What makes two profiles the same person at the destination.
    #[serde(default)]
    pub identity: Identity,
    /// What the plugin does at the destination.
    #[serde(rename = "operation")]
    pub operations: Vec<Operation>,
    /// What requests are paced by.
    #[serde(default, rename = "bucket", skip_serializing_if = "Vec::is_empty")]
    pub buckets: Vec<Bucket>,
    /// Requests that follow from answers.
    #[serde(default, rename = "derived", skip_serializing_if = "Vec::is_empty")]
    pub derived: Vec<Derived>,
    /// Most members in one call of `map`; the smallest limit of the operations where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_members: Option<u32>,
    /// Fewest people in an audience that the destination makes use of, where it has such a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience_min: Option<u32>,
    /// Whether something must be found, created or learned at the destination before members are looked at.
    #[serde(default)]
    pub opens: bool,
    /// What an operator should do when the destination refuses with this code; shown beside it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub codes: BTreeMap<String, String>,
}

/// The type of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettingType {
    /// Any text.
    Text,
    /// A whole number.
    Integer,
    /// True or false.
    Boolean,
    /// `https://host[:port]`, with nothing behind it. `http` only for addresses of this machine.
    Origin,
    /// Digits only, as text, so that long ids keep their digits.
    Digits,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// snake_case.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: SettingType,
    /// Whether an operator must give it.
    #[serde(default)]
    pub required: bool,
    /// The value where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<serde_json::Value>,
    /// The values that are allowed, where not any is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// Smallest integer allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<i64>,
    /// Largest integer allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<i64>,
    /// Whether an audience may have a value of its own, as for the id of its list.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub per_audience: bool,
    /// Whether it names the place where people are put, or a part of that: a list, an account, an object, an address.
    /// Another value means other people's company, and nobody of whom the plugin knows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub target: bool,
    /// Which of the account's own things it names, so that a value can be picked and checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<crate::account::Kind>,
    /// One sentence for the operator.
    pub help: String,
}

/// A secret by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretSpec {
    /// snake_case.
    pub name: String,
    /// Whether an operator must give it.
    #[serde(default)]
    pub required: bool,
    /// One sentence for the operator: where it is made, which rights it needs.
    pub help: String,
}

/// One way of authenticating every request to the destination's own hosts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Auth {
    /// `Authorization: Bearer <secret>`.
    Bearer {
        /// Name of the secret.
        secret: String,
    },
    /// A header of its own.
    Header {
        /// Name of the header.
        name: String,
        /// Name of the secret.
        secret: String,
    },
    /// `Authorization: Basic base64(user:secret)`.
    Basic {
        /// The user: plain text with `{setting}` for settings.
        user: String,
        /// Name of the secret.
        secret: String,
    },
    /// A query item.
    Query {
        /// Name of the item.
        name: String,
        /// Name of the secret.
        secret: String,
    },
    /// A field of a form body.
    Form {
        /// Name of the field.
        name: String,
        /// Name of the secret.
        secret: String,
    },
    /// A string member of a JSON body, put in by the host.
    Json {
        /// Name of the member at the top level of the body.
        name: String,
        /// Name of the secret.
        secret: String,
    },
    /// hex(HMAC-SHA-256(key, message)) in a query item, both secrets.
    HmacProof {
        /// Name of the query item for the proof.
        name: String,
        /// Name of the secret that is the key.
        key: String,
        /// Name of the secret that is signed.
        message: String,
        /// Name of the query item for the time. Where given and `timed_by` says so, `message|seconds` is signed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        time_name: Option<String>,
        /// Setting and value that switch the timed form on: `appsecret_proof_mode=timed`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timed_by: Option<String>,
    },
    /// A token of OAuth 2.0 as bearer; the host gets it, renews it and keeps it.
    Oauth2(Box<Oauth>),
}

impl Auth {
    /// The secrets without which this entry does not apply.
    #[must_use]
    pub fn secrets(&self) -> Vec<&str> {
        match self {
            Self::Bearer { secret }
            | Self::Header { secret, .. }
            | Self::Basic { secret, .. }
            | Self::Query { secret, .. }
            | Self::Form { secret, .. }
            | Self::Json { secret, .. } => vec![secret],
            Self::HmacProof { key, message, .. } => vec![key, message],
            Self::Oauth2(oauth) => oauth.secrets_needed(),
        }
    }

    /// Every secret that this entry names.
    #[must_use]
    pub fn secrets_named(&self) -> Vec<&str> {
        match self {
            Self::Oauth2(oauth) => oauth.secrets_named(),
            _ => self.secrets(),
        }
    }
}

/// An identifier of the profile, and the field it goes into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentifierSpec {
    /// The kind on the profile: `user_id`, `email`, `phone`, `ios.idfa`.
    pub kind: String,
    /// The field at the destination.
    pub field: String,
    /// `setting=value`, all of which have to hold for the plugin to send it. What it does not send crosses none the
    /// less, so that a removal can name what was sent under other settings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<String>,
}

impl IdentifierSpec {
    /// The first condition that these settings do not meet: what keeps the identifier back.
    #[must_use]
    pub fn kept_back(&self, settings: &serde_json::Map<String, serde_json::Value>) -> Option<&str> {
        self.when.iter().map(String::as_str).find(|when| !Condition(Some(when)).holds(settings))
    }
}

/// How many of a member's identifiers are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum IdentifierUse {
    /// The first that the member has, in the manifest's order.
    #[default]
    First,
    /// All that the member has.
    All,
}

/// Which values of an identifier are used where a profile has several and the operator does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Values {
    /// The one that was added last; for destinations that would make a person of each.
    #[default]
    Last,
    /// The one that was added first.
    First,
    /// Every one; for destinations that only look for people.
    All,
}

/// How identities are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Folding {
    /// Byte for byte, after trimming.
    #[default]
    Exact,
    /// Trimmed and in lower case.
    Lowercase,
}

/// What makes two profiles the same person at the destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// How many identifiers of a member travel.
    #[serde(default, rename = "use")]
    pub uses: IdentifierUse,
    /// Which values of an identifier travel where the operator does not say.
    #[serde(default)]
    pub values: Values,
    /// Fields in the order in which they identify; the first that a member has is its identity.
    /// Empty: the first identifier that travels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key: Vec<String>,
    /// How two values are compared.
    #[serde(default)]
    pub fold: Folding,
    /// What holds instead where a setting has some value; the first that applies.
    #[serde(default, rename = "case", skip_serializing_if = "Vec::is_empty")]
    pub cases: Vec<IdentityCase>,
}

/// What makes two profiles the same person where a setting has some value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityCase {
    /// `setting=value`.
    pub when: String,
    /// As [`Identity::key`].
    #[serde(default)]
    pub key: Vec<String>,
    /// As [`Identity::fold`].
    #[serde(default)]
    pub fold: Folding,
}

impl Identity {
    /// What holds under these settings.
    #[must_use]
    pub fn under(&self, settings: &serde_json::Map<String, serde_json::Value>) -> Self {
        let applies = |case: &&IdentityCase| Condition(Some(&case.when)).holds(settings);
        let (key, fold) = match self.cases.iter().find(applies) {
            Some(case) => (case.key.clone(), case.fold),
            None => (self.key.clone(), self.fold),
        };
        Self { uses: self.uses, values: self.values, key, fold, cases: Vec::new() }
    }
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// The name that deliveries use.
    pub name: String,
    /// Most members in a request.
    pub members: u32,
    /// Setting that lowers `members`, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members_setting: Option<String>,
    /// Most bytes in a body.
    pub bytes: u32,
    /// Setting that lowers `bytes`, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_setting: Option<String>,
    /// Bucket that paces it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    /// Whether a repeated request leaves the destination as the first did.
    pub idempotent: bool,
    /// Whether requests must be answered one after the other.
    #[serde(default)]
    pub ordered: bool,
    /// Most jobs of one connection that may be open at the destination at a time; without a limit where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_tickets: Option<u32>,
}

/// Who shares a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// All destinations with the same credential.
    Credential,
    /// One destination.
    Destination,
    /// One audience at one destination.
    List,
}

/// A pace that requests keep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// The name that operations use.
    pub name: String,
    /// Who shares it.
    pub scope: Scope,
    /// Requests allowed …
    pub requests: u32,
    /// Setting that says how many instead: what the operator's contract with the destination allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_setting: Option<String>,
    /// … in this many milliseconds.
    pub per_ms: u32,
    /// Most requests in flight.
    #[serde(default = "Bucket::default_concurrency")]
    pub concurrency: u32,
}

impl Bucket {
    const fn default_concurrency() -> u32 {
        4
    }
}

/// A kind of request that follows from an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Derived {
    /// The name that `http.send` uses.
    pub kind: String,
    /// Bucket that paces it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    /// What it is for.
    pub help: String,
}

/// Why a text is not a manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Not the language, or not the shape.
    #[error("the manifest cannot be read: {0}")]
    Unreadable(String),
    /// Words that are none of a closed set; each is told with the one that was probably meant.
    #[error("the manifest has words that mean nothing: {}", .0.join("; "))]
    Words(Vec<String>),
    /// It contradicts itself; every contradiction is listed.
    #[error("the manifest contradicts itself: {}", .0.join("; "))]
    Inconsistent(Vec<String>),
}

impl Manifest {
    /// Parses `plugin.toml`.
    ///
    /// # Errors
    /// When the text is no TOML of this shape, or refers to something it does not declare.
    pub fn parse_toml(text: &str) -> Result<Self, ManifestError> {
        let unreadable = |error: toml::de::Error| ManifestError::Unreadable(error.to_string());
        word::check(&toml::from_str(text).map_err(unreadable)?)?;
        toml::from_str::<Self>(text).map_err(unreadable)?.checked()
    }

    /// Parses the JSON that packing embeds.
    ///
    /// # Errors
    /// As [`Manifest::parse_toml`].
    pub fn parse_json(bytes: &[u8]) -> Result<Self, ManifestError> {
        let unreadable = |error: serde_json::Error| ManifestError::Unreadable(error.to_string());
        word::check(&serde_json::from_slice(bytes).map_err(unreadable)?)?;
        serde_json::from_slice::<Self>(bytes).map_err(unreadable)?.checked()
    }

    fn checked(self) -> Result<Self, ManifestError> {
        let problems = check::problems(&self);
        if problems.is_empty() { Ok(self) } else { Err(ManifestError::Inconsistent(problems)) }
    }

    /// The id as a name.
    #[must_use]
    pub fn plugin_id(&self) -> Option<PluginId> {
        self.id.parse().ok()
    }

    /// Whether a field that the account has not comes into being as it is sent.
    #[must_use]
    pub fn creates_fields(&self, settings: &serde_json::Map<String, serde_json::Value>) -> bool {
        self.creates_fields.as_deref().is_some_and(|when| when == "always" || Condition(Some(when)).holds(settings))
    }

    /// The field with this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The fields that a trait may go into by its name under these settings.
    #[must_use]
    pub fn fields_under(&self, settings: &serde_json::Map<String, serde_json::Value>) -> Vec<Field> {
        self.fields.iter().filter(|field| field.applies(settings)).cloned().collect()
    }

    /// The preset with this name.
    #[must_use]
    pub fn preset(&self, name: &str) -> Option<&Preset> {
        self.presets.iter().find(|preset| preset.name == name)
    }

    /// The operation with this name.
    #[must_use]
    pub fn operation(&self, name: &str) -> Option<&Operation> {
        self.operations.iter().find(|operation| operation.name == name)
    }

    /// The longest wait that anybody can be told, in milliseconds: a day, or the longest time that a bucket counts over.
    #[must_use]
    pub fn longest_wait_ms(&self) -> u64 {
        self.buckets.iter().map(|bucket| u64::from(bucket.per_ms)).fold(WAIT_MS_MAX, u64::max)
    }

    /// The bucket with this name.
    #[must_use]
    pub fn bucket(&self, name: &str) -> Option<&Bucket> {
        self.buckets.iter().find(|bucket| bucket.name == name)
    }
}

#[cfg(test)]
mod tests;
