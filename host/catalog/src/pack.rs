//! Puts a manifest into a component.
//!
//! Pure: the same component and the same `plugin.toml` give the same bytes, on every machine and however often.
//! All other bytes of the component stay as they are.

use enroute_core::manifest::{MANIFEST_BYTES_MAX, Manifest, ManifestError};
use wasm_encoder::{CustomSection, Encode as _};

use crate::component::{ComponentError, Inspection, MANIFEST_SECTION, Outline};

/// Why no plugin was made.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// `plugin.toml` cannot be used.
    #[error("the manifest cannot be packed")]
    Manifest(#[from] ManifestError),
    /// The manifest is over [`MANIFEST_BYTES_MAX`].
    #[error("the manifest is {0} bytes long when packed, over the limit of {MANIFEST_BYTES_MAX}")]
    TooLong(usize),
    /// The component does not fit the contract.
    #[error("the component cannot be packed")]
    Component(#[source] ComponentError),
    /// The result could not be read back. A mistake of this host.
    #[error("the packed plugin does not read back as it was written")]
    Unfaithful,
}

/// Puts the manifest into the component, in place of any that is there.
///
/// # Errors
/// When the manifest is unusable or the component does not fit the contract.
pub fn pack(component: &[u8], manifest_toml: &str) -> Result<Vec<u8>, PackError> {
    let manifest = Manifest::parse_toml(manifest_toml)?;
    let outline = Outline::read(component).map_err(PackError::Component)?;
    outline.check_contract().map_err(PackError::Component)?;
    let section = section(&manifest)?;
    let mut packed = Vec::with_capacity(component.len() + section.len());
    let mut at = 0;
    for old in &outline.manifests {
        packed.extend_from_slice(component.get(at..old.whole.start).unwrap_or_default());
        at = old.whole.end;
    }
    packed.extend_from_slice(component.get(at..).unwrap_or_default());
    packed.extend_from_slice(&section);
    let read_back = Inspection::read(&packed).map_err(PackError::Component)?;
    if read_back.manifest == manifest { Ok(packed) } else { Err(PackError::Unfaithful) }
}

fn section(manifest: &Manifest) -> Result<Vec<u8>, PackError> {
    let json = serde_json::to_vec(manifest).map_err(|error| ManifestError::Unreadable(error.to_string()))?;
    if json.len() > MANIFEST_BYTES_MAX {
        return Err(PackError::TooLong(json.len()));
    }
    let mut bytes = vec![wasm_encoder::ComponentSectionId::CoreCustom as u8];
    CustomSection { name: MANIFEST_SECTION.into(), data: json.into() }.encode(&mut bytes);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::sha256_hex;
    use crate::testing::{MANIFEST_TOML, Sample};

    #[test]
    fn a_packed_plugin_tells_what_its_manifest_says() {
        let packed = pack(&Sample::fitting().bytes(), MANIFEST_TOML).unwrap();
        let inspection = Inspection::read(&packed).unwrap();
        assert_eq!(inspection.manifest, Manifest::parse_toml(MANIFEST_TOML).unwrap());
        assert_eq!(inspection.sha256, sha256_hex(&packed));
        assert_eq!(inspection.size_bytes, packed.len());
    }

    #[test]
    fn packing_again_changes_nothing() {
        let once = pack(&Sample::fitting().bytes(), MANIFEST_TOML).unwrap();
        assert_eq!(pack(&Sample::fitting().bytes(), MANIFEST_TOML).unwrap(), once);
        assert_eq!(pack(&once, MANIFEST_TOML).unwrap(), once);
    }

    #[test]
    fn a_manifest_replaces_the_ones_before_it_and_nothing_else() {
        let plain = Sample::fitting().bytes();
        let old = pack(&plain, MANIFEST_TOML).unwrap();
        let twice = Sample::fitting().section("other", b"kept").section(MANIFEST_SECTION, b"{}").bytes();
        let newer = MANIFEST_TOML.replace("1.2.3", "1.3.0");
        let packed = pack(&old, &newer).unwrap();
        assert_eq!(Inspection::read(&packed).unwrap().manifest.version, "1.3.0");
        assert!(packed.starts_with(&plain));
        let kept = Sample::fitting().section("other", b"kept").bytes();
        assert!(pack(&twice, &newer).unwrap().starts_with(&kept));
    }

    #[test]
    fn what_does_not_fit_is_not_packed() {
        let check = |bytes: &[u8], toml: &str, expect: &str| {
            let error = pack(bytes, toml).unwrap_err();
            let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            assert_eq!(format!("{error}: {source}"), expect);
        };
        let foreign = Sample::fitting().import("wasi:http/types@0.2.0").bytes();
        check(
            &foreign,
            MANIFEST_TOML,
            "the component cannot be packed: it imports what the contract does not offer: \
             `wasi:http/types@0.2.0` (use the contract's `http`)",
        );
        check(
            &Sample::fitting().bytes(),
            &MANIFEST_TOML.replace("api_key\"\nhelp", "other\"\nhelp"),
            "the manifest cannot be packed: the manifest contradicts itself: \
             auth names secret `api_key`, which is not declared",
        );
        check(
            &Sample::fitting().bytes(),
            &MANIFEST_TOML.replace("\"0.1\"", "\"0.2\""),
            "the manifest cannot be packed: the manifest contradicts itself: \
             it is built for contract 0.2, this host speaks 0.1",
        );
    }
}
