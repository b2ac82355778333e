//! `plugins.toml`: what may run and where it may reach.
//!
//! Invariant: a secret written in the file is refused, and neither the message nor the drawn lines show it
//! (test `a_secret_in_the_file_is_refused_and_never_shown`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use enroute_core::id::{DestinationName, PluginId};
use enroute_core::suggest::nearest;
use ipnet::IpNet;
use serde_json::{Map, Value as Json};

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::files::{Located, Place};
use crate::json;
use crate::reference::SecretRef;
use crate::walker::{Section, Walker};

mod limits;
mod retry;
mod values;

pub use limits::{CALL_LIMITS, CallLimit, CallLimits};
pub use retry::Retry;

/// A plugin that may run.
#[derive(Debug, Clone)]
pub struct PluginEntry {
    /// Its id, and where `[plugin.<id>]` stands.
    pub id: Located<PluginId>,
    /// The component, found from the folder of `plugins.toml`.
    pub file: Located<PathBuf>,
    /// What the file's bytes must hash to; nothing while it is not locked.
    pub sha256: Option<Located<FileDigest>>,
    /// What one call of it may use, where that is not the default.
    pub limits: CallLimits,
}

/// SHA-256 of a file's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileDigest(pub [u8; 32]);

impl FileDigest {
    /// Parses 64 hexadecimal digits; nothing else is a digest.
    ///
    /// ```
    /// use enroute_config::plugins_file::FileDigest;
    /// assert_eq!(FileDigest::parse(&"0f".repeat(32)), Some(FileDigest([0x0f; 32])));
    /// assert_eq!(FileDigest::parse("0f"), None);
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut digest = [0; 32];
        if text.len() != 2 * digest.len() {
            return None;
        }
        for (byte, pair) in digest.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let mut digits = pair.iter().map(|digit| char::from(*digit).to_digit(16));
            let (high, low) = (digits.next()??, digits.next()??);
            *byte = u8::try_from(high * 16 + low).ok()?;
        }
        Some(Self(digest))
    }
}

impl fmt::Display for FileDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A configured destination: one instance of a plugin, with its grant.
#[derive(Debug, Clone)]
pub struct Destination {
    /// Its name, and where `[destination.<name>]` stands.
    pub name: Located<DestinationName>,
    /// The plugin it is an instance of.
    pub plugin: Located<PluginId>,
    /// Whether anything may be sent to it.
    pub enabled: bool,
    /// The hosts it may reach, as written.
    pub hosts: Vec<Located<String>>,
    /// Networks it may reach although they are private.
    pub allow_networks: Vec<Located<IpNet>>,
    /// Settings, to be checked against the plugin's manifest.
    pub settings: BTreeMap<String, Located<Json>>,
    /// Where its secrets come from.
    pub secrets: BTreeMap<String, Located<SecretRef>>,
    /// What a person must have agreed to before anything about them is sent there.
    pub requires_consent: Vec<Located<String>>,
    /// When its members are given up, where that is not the default.
    pub retry: Retry,
}

impl Destination {
    /// The settings as the manifest's check takes them.
    #[must_use]
    pub fn settings_json(&self) -> Map<String, Json> {
        self.settings.iter().map(|(name, setting)| (name.clone(), setting.value.clone())).collect()
    }

    /// Where a setting stands, or the destination's name where it does not.
    #[must_use]
    pub fn setting_place(&self, name: &str) -> &Place {
        self.settings.get(name).map_or(&self.name.place, |setting| &setting.place)
    }
}

/// What `plugins.toml` says.
#[derive(Debug, Default)]
pub(super) struct PluginsFile {
    pub(super) plugins: BTreeMap<PluginId, PluginEntry>,
    pub(super) destinations: BTreeMap<DestinationName, Destination>,
    /// The names of all destinations in the file, also of those with mistakes in them.
    pub(super) destination_names: BTreeSet<String>,
}

/// Reads the file's tables. What has a mistake in it is reported and left out.
pub(super) fn read(walker: &mut Walker<'_>, root: &Section<'_, '_>, dir: &Path) -> PluginsFile {
    let mut file = PluginsFile::default();
    top_level_keys(walker, root);
    let mut plugin_names = BTreeSet::new();
    for (name, section) in walker.named(root, "plugin") {
        plugin_names.insert(name.value.clone());
        if let Some(plugin) = plugin(walker, &name, &section, dir) {
            file.plugins.insert(plugin.id.value.clone(), plugin);
        }
    }
    for (name, section) in walker.named(root, "destination") {
        file.destination_names.insert(name.value.clone());
        if let Some(destination) = destination(walker, &name, &section, dir, &plugin_names) {
            file.destinations.insert(destination.name.value.clone(), destination);
        }
    }
    file
}

fn top_level_keys(walker: &mut Walker<'_>, root: &Section<'_, '_>) {
    for (key, value) in root.table {
        if matches!(key.get_ref().as_ref(), "source" | "trait" | "audience" | "connection") {
            let message = format!("`{}` does not belong into {}", key.get_ref(), root.title);
            let diagnostic = Diagnostic::error(Code::UnknownKey, message).at(&walker.place(key.span()));
            walker.found.push(diagnostic.hint("move it to audiences.toml"));
            walker.cover_texts(value);
        }
    }
    walker.unknown_keys_but(root, &["plugin", "destination"], &["source", "trait", "audience", "connection"]);
}

fn plugin(
    walker: &mut Walker<'_>,
    name: &Located<String>,
    section: &Section<'_, '_>,
    dir: &Path,
) -> Option<PluginEntry> {
    walker.unknown_keys(section, &["file", "sha256", "limits"]);
    let id = walker.name::<PluginId>(name);
    let file = walker.required_path(section, "file", &format!("\"plugins/{}.wasm\"", name.value));
    let sha256 = walker.text(section, "sha256").and_then(|text| digest(walker, text, &name.value));
    let limits = limits::read(walker, section, &name.value);
    Some(PluginEntry { id: id?, file: file?.map(|file| dir.join(file)), sha256, limits })
}

fn digest(walker: &mut Walker<'_>, text: Located<String>, plugin: &str) -> Option<Located<FileDigest>> {
    let digest = FileDigest::parse(&text.value);
    if digest.is_none() {
        let message = format!("`sha256` of plugin `{plugin}` must be 64 hexadecimal digits");
        let hint = format!("`enroute plugin lock {plugin}` writes it");
        walker.found.push(Diagnostic::error(Code::BadDigest, message).at(&text.place).hint(hint));
    }
    digest.map(|digest| Located::new(digest, text.place))
}

fn destination(
    walker: &mut Walker<'_>,
    name: &Located<String>,
    section: &Section<'_, '_>,
    dir: &Path,
    plugins: &BTreeSet<String>,
) -> Option<Destination> {
    walker.unknown_keys(
        section,
        &["plugin", "enabled", "hosts", "allow_networks", "settings", "secrets", "requires_consent", "retry"],
    );
    let destination_name = walker.name::<DestinationName>(name);
    let example = plugins.first().map_or("NAME", String::as_str);
    let plugin = walker.required(section, "plugin", &format!("\"{example}\""));
    let plugin = plugin.and_then(|plugin| known_plugin(walker, &plugin, &name.value, plugins));
    let enabled = walker.boolean(section, "enabled", true);
    let hosts = walker.texts(section, "hosts");
    let allow_networks = values::networks(walker, section);
    let settings = json::settings(walker, section);
    let secrets = values::secrets(walker, section, dir, &name.value);
    let requires_consent = walker.texts(section, "requires_consent");
    let retry = retry::read(walker, section, &name.value);
    Some(Destination {
        name: destination_name?,
        plugin: plugin?,
        enabled,
        hosts,
        allow_networks,
        settings,
        secrets,
        requires_consent,
        retry,
    })
}

fn known_plugin(
    walker: &mut Walker<'_>,
    plugin: &Located<String>,
    destination: &str,
    plugins: &BTreeSet<String>,
) -> Option<Located<PluginId>> {
    if plugins.contains(&plugin.value) {
        // A bad name is reported where the plugin is defined.
        let id = plugin.value.parse().ok()?;
        return Some(Located::new(id, plugin.place.clone()));
    }
    let message = format!("destination `{destination}` is of plugin `{}`, which is not in this file", plugin.value);
    let hint = match nearest(&plugin.value, plugins.iter().map(String::as_str)) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("add `[plugin.{}]` with its `file`", plugin.value),
    };
    walker.found.push(Diagnostic::error(Code::UnknownPlugin, message).at(&plugin.place).hint(hint));
    None
}

#[cfg(test)]
mod tests;
