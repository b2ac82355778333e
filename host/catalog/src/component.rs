//! What a plugin's file says of itself, read from its bytes.
//!
//! Nothing is compiled and nothing runs, so a reviewer can look at a file that nobody trusts yet. Whether the code
//! inside is sound is found out where it is compiled; here only the outermost component is looked at.

use std::io::Read as _;
use std::ops::Range;
use std::path::Path;

use enroute_core::manifest::{CONTRACT, MANIFEST_BYTES_MAX, Manifest, ManifestError};
use sha2::{Digest as _, Sha256};
use wasmparser::{BinaryReaderError, ComponentExternalKind, ComponentTypeRef, Parser, Payload, TypeBounds};

use crate::names::{self, EXPORT, ForeignImport, Import};

/// Largest plugin file in bytes.
///
/// A plugin that carries a whole Python takes 18 MiB.
pub const COMPONENT_BYTES_MAX: usize = 32 << 20;

/// Name of the custom section that holds the manifest.
pub const MANIFEST_SECTION: &str = "enroute:plugin";

/// Most imports and exports of a component together.
///
/// A Python plugin has 30; the contract and all of WASI make fewer than 60.
const NAMES_MAX: usize = 1_024;

/// Magic number, version and layer of a component.
const COMPONENT_HEADER: [u8; 8] = [0x00, b'a', b's', b'm', 0x0d, 0x00, 0x01, 0x00];
/// Magic number and version of a core module.
const MODULE_HEADER: [u8; 8] = [0x00, b'a', b's', b'm', 0x01, 0x00, 0x00, 0x00];

/// Why a file is not a plugin. Each reads well after "`file`: ".
#[derive(Debug, thiserror::Error)]
pub enum ComponentError {
    /// No bytes.
    #[error("it is empty, 0 bytes long")]
    Empty,
    /// Over [`COMPONENT_BYTES_MAX`].
    #[error("it is {bytes} bytes long; a plugin has at most {COMPONENT_BYTES_MAX}")]
    TooLarge {
        /// Its length.
        bytes: u64,
    },
    /// WebAssembly, but not a component.
    #[error("it is a core module, not a component; building for `wasm32-wasip2` makes one")]
    CoreModule,
    /// Something else altogether.
    #[error("it is not a WebAssembly component: it begins with {0}")]
    NotWasm(String),
    /// The sections do not follow each other as they should.
    #[error("it is damaged or cut short at byte {at}: {reason}")]
    Damaged {
        /// Where reading stopped.
        at: usize,
        /// What was expected there.
        reason: String,
    },
    /// More than [`NAMES_MAX`] names.
    #[error("it has more than {NAMES_MAX} imports and exports")]
    TooManyNames,
    /// Built against another version of the contract.
    #[error("it is built for enroute:destination@{built_for}, this host speaks {CONTRACT}")]
    OtherContract {
        /// The version it was built against.
        built_for: String,
    },
    /// It wants what the sandbox does not have.
    #[error("it imports what the contract does not offer: {}", listed(.0))]
    ForeignImports(Vec<ForeignImport>),
    /// The contract's functions are not there.
    #[error("it does not export the interface `{EXPORT}` in version {CONTRACT}")]
    MissingExport,
    /// There is no manifest inside.
    #[error("it carries no manifest; `enroute plugin pack` puts one in")]
    NoManifest,
    /// There are several manifests inside, and nobody can tell which is meant.
    #[error("it carries {0} manifests instead of one; `enroute plugin pack` replaces them")]
    SeveralManifests(usize),
    /// The manifest is over [`MANIFEST_BYTES_MAX`].
    #[error("its manifest is {0} bytes long, over the limit of {MANIFEST_BYTES_MAX}")]
    ManifestTooLarge(usize),
    /// The manifest is there and unusable.
    #[error("its manifest is unusable")]
    Manifest(#[source] ManifestError),
}

/// Why a plugin's file cannot be read from disk.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system refuses.
    #[error("plugin file `{path}` cannot be read")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// It is no plugin by its size alone.
    #[error("plugin file `{path}` is refused")]
    Refused {
        /// The file.
        path: String,
        /// What is wrong with it.
        #[source]
        source: ComponentError,
    },
}

/// Reads a plugin's file, but never more than [`COMPONENT_BYTES_MAX`].
///
/// # Errors
/// When the system refuses, or the file is larger than that.
pub fn read_file(path: &Path) -> Result<Vec<u8>, FileError> {
    let shown = path.display().to_string();
    let unreadable = |source| FileError::Unreadable { path: shown.clone(), source };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    let too_large = |bytes| FileError::Refused { path: shown.clone(), source: ComponentError::TooLarge { bytes } };
    let limit = COMPONENT_BYTES_MAX as u64;
    if length > limit {
        return Err(too_large(length));
    }
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > COMPONENT_BYTES_MAX { Err(too_large(bytes.len() as u64)) } else { Ok(bytes) }
}

/// The digest as `plugins.toml` writes it.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a plugin's file says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspection {
    /// Its manifest.
    pub manifest: Manifest,
    /// SHA-256 of the whole file, in hex.
    pub sha256: String,
    /// Length of the file.
    pub size_bytes: usize,
    /// Names of what it imports, in the file's order.
    pub imports: Vec<String>,
    /// Names of what it exports, in the file's order.
    pub exports: Vec<String>,
}

impl Inspection {
    /// Reads a component without compiling or running it.
    ///
    /// # Errors
    /// When the bytes are no component, do not fit the contract, or carry no usable manifest.
    pub fn read(bytes: &[u8]) -> Result<Self, ComponentError> {
        let outline = Outline::read(bytes)?;
        outline.check_contract()?;
        let section = match outline.manifests.as_slice() {
            [] => return Err(ComponentError::NoManifest),
            [section] => bytes.get(section.data.clone()).unwrap_or_default(),
            several => return Err(ComponentError::SeveralManifests(several.len())),
        };
        if section.len() > MANIFEST_BYTES_MAX {
            return Err(ComponentError::ManifestTooLarge(section.len()));
        }
        let manifest = Manifest::parse_json(section).map_err(ComponentError::Manifest)?;
        let (imports, exports) = (escaped(&outline.imports), escaped(&outline.exports));
        Ok(Self { manifest, sha256: sha256_hex(bytes), size_bytes: bytes.len(), imports, exports })
    }
}

/// The outermost level of a component.
pub(super) struct Outline<'a> {
    imports: Vec<&'a str>,
    exports: Vec<&'a str>,
    interfaces: Vec<&'a str>,
    /// The sections that hold manifests.
    pub(super) manifests: Vec<ManifestSection>,
}

/// Where a manifest stands.
pub(super) struct ManifestSection {
    /// The section with its header.
    pub(super) whole: Range<usize>,
    data: Range<usize>,
}

impl<'a> Outline<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, ComponentError> {
        check_header(bytes)?;
        let mut outline =
            Self { imports: Vec::new(), exports: Vec::new(), interfaces: Vec::new(), manifests: Vec::new() };
        let mut depth = 0_usize;
        let mut section_start = COMPONENT_HEADER.len();
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload.map_err(damaged)?;
            if depth == 0 {
                outline.note(&payload, section_start)?;
                section_start = payload.as_section().map_or(section_start, |(_, range)| range.end);
            }
            match payload {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        Ok(outline)
    }

    fn note(&mut self, payload: &Payload<'a>, start: usize) -> Result<(), ComponentError> {
        match payload {
            Payload::ComponentImportSection(section) => {
                for import in section.clone() {
                    let import = import.map_err(damaged)?;
                    if !is_alias(import.ty) {
                        self.imports.push(import.name.name);
                    }
                    self.count_names()?;
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section.clone() {
                    let export = export.map_err(damaged)?;
                    self.exports.push(export.name.name);
                    if export.kind == ComponentExternalKind::Instance {
                        self.interfaces.push(export.name.name);
                    }
                    self.count_names()?;
                }
            }
            Payload::CustomSection(section) if section.name() == MANIFEST_SECTION => {
                let whole = start..section.range().end;
                let data = section.data_offset()..section.data_offset() + section.data().len();
                self.manifests.push(ManifestSection { whole, data });
            }
            _ => {}
        }
        Ok(())
    }

    fn count_names(&self) -> Result<(), ComponentError> {
        let names = self.imports.len() + self.exports.len();
        if names > NAMES_MAX { Err(ComponentError::TooManyNames) } else { Ok(()) }
    }

    /// Whether the sandbox has what the component imports, and the component has what the host calls.
    pub(super) fn check_contract(&self) -> Result<(), ComponentError> {
        let mut foreign = Vec::new();
        for name in &self.imports {
            match names::judge(name, CONTRACT) {
                Import::Offered => {}
                Import::OtherContract(built_for) => return Err(ComponentError::OtherContract { built_for }),
                Import::Foreign(import) => foreign.push(import),
            }
        }
        if !foreign.is_empty() {
            return Err(ComponentError::ForeignImports(foreign));
        }
        let is_there = self.interfaces.iter().any(|name| names::is_destination(name, CONTRACT));
        if is_there { Ok(()) } else { Err(ComponentError::MissingExport) }
    }
}

fn check_header(bytes: &[u8]) -> Result<(), ComponentError> {
    if bytes.is_empty() {
        return Err(ComponentError::Empty);
    }
    if bytes.len() > COMPONENT_BYTES_MAX {
        return Err(ComponentError::TooLarge { bytes: bytes.len() as u64 });
    }
    if bytes.starts_with(&COMPONENT_HEADER) {
        return Ok(());
    }
    if bytes.starts_with(&MODULE_HEADER) {
        return Err(ComponentError::CoreModule);
    }
    if COMPONENT_HEADER.starts_with(bytes) || MODULE_HEADER.starts_with(bytes) {
        return Err(ComponentError::Damaged { at: bytes.len(), reason: "the file ends within its header".to_owned() });
    }
    let beginning = bytes.iter().take(COMPONENT_HEADER.len()).map(|byte| format!("{byte:02x}"));
    Err(ComponentError::NotWasm(beginning.collect::<Vec<_>>().join(" ")))
}

/// Whether an import only gives a name to a type of another import. It asks for nothing: worlds that `use` types of an
/// interface have one for each.
fn is_alias(import: ComponentTypeRef) -> bool {
    matches!(import, ComponentTypeRef::Type(TypeBounds::Eq(_)))
}

fn damaged(error: BinaryReaderError) -> ComponentError {
    ComponentError::Damaged { at: error.offset(), reason: names::shown(error.message()) }
}

fn escaped(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| names::shown(name)).collect()
}

fn listed(imports: &[ForeignImport]) -> String {
    imports.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
