//! Gets a plugin's file into the sandbox, if it is the file that the operator locked.
//!
//! Nothing of a file is parsed, compiled or run before its digest fits (test
//! `a_file_with_another_digest_is_not_even_parsed`).

use enroute_core::manifest::Manifest;

use crate::component::{ComponentError, Inspection, sha256_hex};
use crate::names;
use enroute_runtime::{LoadError, Plugin, Runtime};

/// Why a plugin does not run. It costs that plugin only; others load.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The file is not the one that was locked.
    #[error(
        "plugin `{plugin}` is not the file that was locked: plugins.toml says sha256 {expected}, the file has {found}; nothing of it was run"
    )]
    OtherDigest {
        /// The plugin.
        plugin: String,
        /// What `plugins.toml` says.
        expected: String,
        /// What the file has.
        found: String,
    },
    /// The file is no plugin for this host.
    #[error("plugin `{plugin}` is refused")]
    Component {
        /// The plugin.
        plugin: String,
        /// What is wrong with its file.
        #[source]
        source: ComponentError,
    },
    /// The file is another plugin.
    #[error("plugin `{plugin}` is refused: the file calls itself `{id}`, so plugins.toml must name it [plugin.{id}]")]
    OtherName {
        /// The name in `plugins.toml`.
        plugin: String,
        /// The id in the manifest.
        id: String,
    },
    /// The sandbox does not take it.
    #[error(transparent)]
    Load(#[from] LoadError),
}

/// A plugin that is ready to run.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What it says of itself.
    pub manifest: Manifest,
    /// SHA-256 of its file, in hex.
    pub digest: String,
    /// Its three functions.
    pub plugin: Plugin,
}

/// Checks a plugin's file against its lock and the contract, and compiles it.
///
/// `name` is its name in `plugins.toml`; `expected_sha256` the digest there, where one is written. Work of up to
/// seconds: call it where blocking is fine.
///
/// # Errors
/// When the digest differs, the file does not fit the contract, or its manifest has another id.
pub fn load_plugin(
    runtime: &Runtime,
    name: &str,
    bytes: &[u8],
    expected_sha256: Option<&str>,
) -> Result<Loaded, CatalogError> {
    let inspection = check(name, bytes, expected_sha256)?;
    let plugin = runtime.load(name, bytes)?.waiting_up_to(inspection.manifest.longest_wait_ms());
    Ok(Loaded { manifest: inspection.manifest, digest: inspection.sha256, plugin })
}

fn check(name: &str, bytes: &[u8], expected_sha256: Option<&str>) -> Result<Inspection, CatalogError> {
    let plugin = name.to_owned();
    if let Some(expected) = expected_sha256 {
        let found = sha256_hex(bytes);
        if !expected.eq_ignore_ascii_case(&found) {
            return Err(CatalogError::OtherDigest { plugin, expected: names::shown(expected), found });
        }
    }
    let inspection = match Inspection::read(bytes) {
        Ok(inspection) => inspection,
        Err(source) => return Err(CatalogError::Component { plugin, source }),
    };
    let id = &inspection.manifest.id;
    if id == name { Ok(inspection) } else { Err(CatalogError::OtherName { plugin, id: id.clone() }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::pack;
    use crate::testing::{MANIFEST_TOML, Sample};

    fn message(name: &str, bytes: &[u8], expected: Option<&str>) -> String {
        let error = check(name, bytes, expected).unwrap_err();
        match std::error::Error::source(&error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        }
    }

    #[test]
    fn the_locked_file_passes_in_either_case_of_its_digest() {
        let packed = pack(&Sample::fitting().bytes(), MANIFEST_TOML).unwrap();
        let digest = sha256_hex(&packed);
        assert_eq!(check("sample", &packed, Some(&digest)).unwrap().sha256, digest);
        assert!(check("sample", &packed, Some(&digest.to_uppercase())).is_ok());
        assert!(check("sample", &packed, None).is_ok());
    }

    #[test]
    fn a_file_with_another_digest_is_not_even_parsed() {
        let found = sha256_hex(b"not wasm");
        assert_eq!(
            message("sample", b"not wasm", Some("00ff")),
            format!(
                "plugin `sample` is not the file that was locked: plugins.toml says sha256 00ff, \
                 the file has {found}; nothing of it was run"
            )
        );
    }

    #[test]
    fn a_file_goes_by_the_name_that_its_manifest_has() {
        let packed = pack(&Sample::fitting().bytes(), MANIFEST_TOML).unwrap();
        assert_eq!(
            message("braze", &packed, None),
            "plugin `braze` is refused: the file calls itself `sample`, so plugins.toml must name it [plugin.sample]"
        );
    }

    #[test]
    fn a_file_that_does_not_fit_is_refused_by_name_and_reason() {
        let unpacked = Sample::fitting().bytes();
        assert_eq!(
            message("sample", &unpacked, None),
            "plugin `sample` is refused: it carries no manifest; `enroute plugin pack` puts one in"
        );
    }
}
