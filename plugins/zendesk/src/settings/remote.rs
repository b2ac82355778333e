//! What was learned of the account: its user fields, and whether it may write users by jobs.
//!
//! A JSON text that the host keeps. No secrets and nothing of a person: keys, titles and options of fields only.

use enroute_sdk::Context;
use serde::{Deserialize, Serialize};

use super::Settings;
use crate::mapping::field::Field;

/// Jobs that ended early, one after another, before users go one by one.
const FAILED_JOBS_MAX: u32 = 2;

/// The remote.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Remote {
    /// Why users are not written by jobs: the code of a warning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) no_bulk: Option<String>,
    /// Jobs that ended early since the last that did not.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) failed_jobs: u32,
    /// The user fields that rows named when the fields were read.
    pub(crate) rows: Vec<String>,
    /// The user fields of the account.
    pub(crate) fields: Vec<UserField>,
}

/// A user field of the account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UserField {
    pub(crate) key: String,
    #[serde(default)]
    pub(crate) title: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub(crate) active: bool,
    /// The values of the options, for fields that rows go into.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) options: Vec<String>,
}

const fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
const fn is_true(flag: &bool) -> bool {
    *flag
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Remote {
    /// What is stored; nothing where it cannot be read.
    pub(crate) fn of(ctx: &Context<Settings>) -> Self {
        ctx.remote().and_then(|value| Self::deserialize(value).ok()).unwrap_or_default()
    }

    /// The user fields, where they were read for the rows that there are now. Other fields may have come since.
    pub(crate) fn catalogue(ctx: &Context<Settings>) -> Option<Self> {
        let remote = ctx.remote().map(|_| Self::of(ctx))?;
        (remote.rows == row_keys(ctx)).then_some(remote)
    }

    /// The field that a name means: by key, by key in snake_case, or by title.
    pub(crate) fn resolve(&self, name: &str) -> Option<&UserField> {
        let by_key = |key: &str| self.fields.iter().find(|field| field.key == key);
        let by_title = || self.fields.iter().find(|field| field.title.eq_ignore_ascii_case(name));
        by_key(name).or_else(|| by_key(&snake_case(name))).or_else(by_title)
    }

    /// With the account known not to allow jobs.
    pub(crate) fn without_bulk(mut self, code: &str) -> Self {
        self.no_bulk = Some(code.to_owned());
        self
    }

    /// With one more job that ended early.
    pub(crate) fn with_failed_job(mut self) -> Self {
        self.failed_jobs = self.failed_jobs.saturating_add(1);
        if self.failed_jobs >= FAILED_JOBS_MAX { self.without_bulk("jobs_fail") } else { self }
    }

    /// As it is stored.
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|_| "{}".to_owned())
    }
}

/// The user fields that rows name, as they name them.
pub(crate) fn row_keys(ctx: &Context<Settings>) -> Vec<String> {
    let key = |row: &enroute_sdk::Row| match Field::of(&row.field) {
        Field::User(name) => Some(name.to_owned()),
        _ => None,
    };
    ctx.rows().iter().filter_map(key).collect()
}

/// `lifetimeValue` as `lifetime_value`.
pub(crate) fn snake_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    let mut before = ' ';
    for c in name.chars() {
        if c.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit()) {
            out.push('_');
        }
        out.push(if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '_' });
        before = c;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_snake_case() {
        for (name, expect) in [
            ("lifetimeValue", "lifetime_value"),
            ("plan", "plan"),
            ("address.city", "address_city"),
            ("lastOrderID", "last_order_id"),
            ("tier2Name", "tier2_name"),
        ] {
            assert_eq!(snake_case(name), expect);
        }
    }

    #[test]
    fn a_name_means_a_key_before_a_title() {
        let field = |key: &str, title: &str| UserField {
            key: key.to_owned(),
            title: title.to_owned(),
            active: true,
            ..UserField::default()
        };
        let remote = Remote {
            fields: vec![field("a", "Plan B"), field("plan", "B"), field("lifetime_value", "C")],
            ..Remote::default()
        };
        let key = |name: &str| remote.resolve(name).map(|field| field.key.as_str());
        assert_eq!(key("plan"), Some("plan"));
        assert_eq!(key("plan b"), Some("a"));
        assert_eq!(key("lifetimeValue"), Some("lifetime_value"));
        assert_eq!(key("PLAN"), Some("plan"));
        assert_eq!(key("other"), None);
    }

    #[test]
    fn the_second_job_that_fails_ends_bulk() {
        let once = Remote::default().with_failed_job();
        assert_eq!(once.no_bulk, None);
        assert_eq!(once.with_failed_job().no_bulk.as_deref(), Some("jobs_fail"));
    }
}
