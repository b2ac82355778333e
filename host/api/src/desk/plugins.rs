//! Plugins: what each asks for and may do, and whether its file is the locked one.

use enroute_catalog::{Inspection, read_file, sha256_hex};
use enroute_core::manifest::Manifest;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::desk::Desk;
use crate::problem::Problem;

/// A plugin.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Plugin {
    /// Its id.
    pub id: String,
    /// What it calls itself.
    pub name: String,
    /// One sentence.
    pub summary: String,
    /// Its version; empty where its file cannot be read.
    pub version: String,
    /// The file as `plugins.toml` names it.
    pub file: String,
    /// `locked`, `not_locked`, `differs`, `missing`, `unreadable`, or `found` where `plugins.toml` does not name it.
    pub state: String,
    /// SHA-256 of the file.
    pub sha256: Option<String>,
    /// Why it could not run, as far as its file tells.
    pub problem: Option<String>,
    /// What it imports.
    pub imports: Vec<String>,
    /// Destinations that are instances of it.
    pub destinations: Vec<String>,
    /// Its manifest.
    #[schema(value_type = Option<Object>)]
    pub manifest: Option<Value>,
}

impl Desk {
    /// The plugins of `plugins.toml`, then files in the folder `plugins` that it does not name.
    ///
    /// # Errors
    /// When a question is lost.
    pub async fn plugins(&self) -> Result<Vec<Plugin>, Problem> {
        self.aside(|desk| {
            let mut found = Vec::new();
            let config = desk.config();
            let mut named = Vec::new();
            for entry in config.iter().flat_map(|config| config.plugins.values()) {
                named.push(entry.file.value.clone());
                let locked = entry.sha256.as_ref().map(|digest| digest.value.to_string());
                let mut plugin = looked_at(&entry.file.value, entry.id.value.as_str());
                plugin.state = match (&plugin.sha256, locked) {
                    (None, _) => plugin.state,
                    (Some(_), None) => "not_locked".to_owned(),
                    (Some(is), Some(locked)) if *is == locked => "locked".to_owned(),
                    _ => "differs".to_owned(),
                };
                let uses = config.iter().flat_map(|config| config.destinations.values());
                plugin.destinations = uses
                    .filter(|one| one.plugin.value == entry.id.value)
                    .map(|one| one.name.value.to_string())
                    .collect();
                found.push(plugin);
            }
            let folder = std::fs::read_dir(desk.folder().join("plugins"));
            let mut others: Vec<_> = folder.into_iter().flatten().flatten().map(|entry| entry.path()).collect();
            others.retain(|path| path.extension().is_some_and(|end| end == "wasm") && !named.contains(path));
            others.sort();
            found.extend(others.iter().map(|path| {
                let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
                looked_at(path, &stem)
            }));
            Ok(found)
        })
        .await
    }

    /// One plugin.
    ///
    /// # Errors
    /// [`Problem::Missing`].
    pub async fn plugin(&self, id: &str) -> Result<Plugin, Problem> {
        let found = self.plugins().await?.into_iter().find(|one| one.id == id);
        found.ok_or_else(|| Problem::Missing(format!("plugin `{id}`")))
    }

    /// What a plugin says of itself.
    ///
    /// # Errors
    /// [`Problem::Missing`], also where its file cannot be read.
    pub async fn manifest(&self, id: &str) -> Result<Manifest, Problem> {
        let plugin = self.plugin(id).await?;
        let missing = || Problem::Missing(format!("manifest of plugin `{id}`"));
        serde_json::from_value(plugin.manifest.ok_or_else(missing)?).map_err(|_| missing())
    }
}

fn looked_at(path: &std::path::Path, id: &str) -> Plugin {
    let mut plugin = Plugin {
        id: id.to_owned(),
        name: id.to_owned(),
        summary: String::new(),
        version: String::new(),
        file: path.display().to_string(),
        state: "found".to_owned(),
        sha256: None,
        problem: None,
        imports: Vec::new(),
        destinations: Vec::new(),
        manifest: None,
    };
    let bytes = match read_file(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            plugin.state = if path.exists() { "unreadable" } else { "missing" }.to_owned();
            plugin.problem = Some(error.to_string());
            return plugin;
        }
    };
    plugin.sha256 = Some(sha256_hex(&bytes));
    match Inspection::read(&bytes) {
        Ok(inspection) => {
            let manifest = &inspection.manifest;
            plugin.id.clone_from(&manifest.id);
            (plugin.name, plugin.summary) = (manifest.name.clone(), manifest.summary.clone());
            plugin.version.clone_from(&manifest.version);
            plugin.imports = inspection.imports;
            plugin.manifest = serde_json::to_value(manifest).ok();
        }
        Err(error) => plugin.problem = Some(error.to_string()),
    }
    plugin
}
