//! The files of the plugins that destinations use: each is loaded, or has a reason why not that costs only itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::setup::planned::Loaded;
use enroute_catalog::{self as catalog, CatalogError, ComponentError};
use enroute_config::Config;
use enroute_config::code::Code;
use enroute_config::diagnostic::{Diagnostic, Diagnostics};
use enroute_config::plugins_file::PluginEntry;
use enroute_core::manifest::ManifestError;
use enroute_runtime::Runtime;

/// The plugins of a configuration, by their names in `plugins.toml`.
#[derive(Debug, Default)]
pub(super) struct Plugins {
    pub(super) loaded: BTreeMap<String, Loaded>,
    /// Why others are not.
    pub(super) refused: BTreeMap<String, String>,
}

/// Loads the plugins that destinations use.
pub(super) fn load(config: &Config, runtime: &Runtime, found: &mut Diagnostics) -> Plugins {
    let mut plugins = Plugins::default();
    for (id, entry) in &config.plugins {
        let is_used = config.destinations.values().any(|destination| destination.plugin.value == *id);
        if !is_used {
            continue;
        }
        match load_one(runtime, entry) {
            Ok(loaded) => {
                plugins.loaded.insert(id.as_str().to_owned(), loaded);
            }
            Err(diagnostic) => {
                plugins.refused.insert(id.as_str().to_owned(), diagnostic.message.clone());
                found.push(*diagnostic);
            }
        }
    }
    plugins
}

fn load_one(runtime: &Runtime, entry: &PluginEntry) -> Result<Loaded, Box<Diagnostic>> {
    let id = entry.id.value.as_str();
    let bytes = catalog::read_file(&entry.file.value).map_err(|error| {
        let hint = format!("build it with `enroute plugin build`, or mend the path of [plugin.{id}]");
        Diagnostic::error(Code::PluginFile, in_full(&error)).at(&entry.file.place).hint(hint)
    })?;
    let Some(expected) = &entry.sha256 else {
        let message = format!("plugin `{id}` has no `sha256`, so nothing says that its file is the one you reviewed");
        let hint = format!("look at it with `enroute plugin inspect`, then run `enroute plugin lock {id}`");
        return Err(Box::new(Diagnostic::error(Code::PluginNotLocked, message).at(&entry.id.place).hint(hint)));
    };
    let loaded = catalog::load_plugin(runtime, id, &bytes, Some(&expected.value.to_string()));
    let loaded = loaded.map_err(|error| {
        let (code, hint) = match &error {
            CatalogError::OtherDigest { .. } => (
                Code::PluginDiffers,
                format!("if you replaced it on purpose, inspect it and run `enroute plugin lock {id}`"),
            ),
            CatalogError::Component { source: ComponentError::Manifest(ManifestError::Words(_)), .. } => (
                Code::UnknownWord,
                "whoever builds the plugin mends its plugin.toml; docs/plugins.md has the words".to_owned(),
            ),
            _ => (Code::PluginRefused, "ask its author for one built for this contract".to_owned()),
        };
        Diagnostic::error(code, in_full(&error)).at(&entry.file.place).hint(hint)
    })?;
    let limits = runtime.limits().with(&entry.limits);
    Ok(Loaded { manifest: Arc::new(loaded.manifest), plugin: loaded.plugin.limited(limits), digest: expected.value.0 })
}

/// An error with its causes, in one line.
fn in_full(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
