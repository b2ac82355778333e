//! `audiences.toml`: what is sent – sources of traits, computed traits, sets of people, and which set goes where.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use enroute_core::id::{AudienceKey, SourceName};
use toml::de::DeValue;

use crate::audiences_file::alert::Alert;
use crate::audiences_file::audience::Audience;
use crate::audiences_file::computed::ComputedTrait;
use crate::audiences_file::connection::{Connection, Link};
use crate::audiences_file::source::Source;
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::walker::{Section, Walker, integer};

pub mod alert;
pub mod audience;
pub mod computed;
pub mod connection;
mod schedule;
pub mod source;

/// What `audiences.toml` says.
#[derive(Debug, Default)]
pub(super) struct AudiencesFile {
    pub(super) sources: BTreeMap<SourceName, Source>,
    pub(super) traits: BTreeMap<String, ComputedTrait>,
    pub(super) alerts: Vec<Alert>,
    pub(super) retention_days: Option<u32>,
    pub(super) audiences: BTreeMap<AudienceKey, Audience>,
    pub(super) connections: Vec<Connection>,
    /// What all connections in the file refer to, also those with mistakes in them.
    pub(super) links: Vec<Link>,
    /// The keys of all audiences in the file, also of those with mistakes in them.
    pub(super) audience_keys: BTreeSet<String>,
}

/// Reads the file's tables. What has a mistake in it is reported and left out.
pub(super) fn read(walker: &mut Walker<'_>, root: &Section<'_, '_>, dir: &Path) -> AudiencesFile {
    let mut file = AudiencesFile::default();
    top_level_keys(walker, root);
    file.retention_days = retention(walker, root);
    for (name, section) in walker.named(root, "source") {
        if let Some(source) = source::read(walker, &name, &section, dir) {
            file.sources.insert(source.name.value.clone(), source);
        }
    }
    source::refuse_shared_keys(walker, &file.sources);
    for (name, section) in walker.named(root, "trait") {
        if let Some(computed) = computed::read(walker, &name, &section) {
            file.traits.insert(name.value, computed);
        }
    }
    for (name, section) in walker.named(root, "alert") {
        file.alerts.extend(alert::read(walker, &name, &section));
    }
    for (key, section) in walker.named(root, "audience") {
        file.audience_keys.insert(key.value.clone());
        if let Some((audience, source)) = audience::read(walker, &key, &section, &file.sources, dir) {
            file.sources.extend(source.map(|source| (source.name.value.clone(), source)));
            file.audiences.insert(audience.key.value.clone(), audience);
        }
    }
    (file.connections, file.links) = connection::read(walker, root);
    file
}

fn top_level_keys(walker: &mut Walker<'_>, root: &Section<'_, '_>) {
    for (key, value) in root.table {
        if matches!(key.get_ref().as_ref(), "plugin" | "destination") {
            let message = format!("`{}` does not belong into {}", key.get_ref(), root.title);
            let diagnostic = Diagnostic::error(Code::UnknownKey, message).at(&walker.place(key.span()));
            walker.found.push(diagnostic.hint("move it to plugins.toml"));
            walker.cover_texts(value);
        }
    }
    walker.unknown_keys_but(
        root,
        &["source", "trait", "alert", "audience", "connection", "retention_days"],
        &["plugin", "destination"],
    );
}

/// Days for which receipts and requests are kept, if they are not kept for ever.
fn retention(walker: &mut Walker<'_>, root: &Section<'_, '_>) -> Option<u32> {
    let value = root.table.get("retention_days")?;
    let days = match value.get_ref() {
        DeValue::Integer(number) => integer(number).and_then(|days| u32::try_from(days).ok()),
        _ => None,
    };
    let days = days.filter(|days| (1..=RETENTION_DAYS_MAX).contains(days));
    if days.is_none() {
        let message = format!("`retention_days` must be a whole number from 1 to {RETENTION_DAYS_MAX}");
        let place = walker.place(value.span());
        walker.bad_value(&place, message, "leave it out to keep receipts and requests for ever");
    }
    days
}

/// Longest retention that can be set: a hundred years.
const RETENTION_DAYS_MAX: u32 = 36_500;

#[cfg(test)]
mod tests;
