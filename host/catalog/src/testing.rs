//! Small components and a manifest for the tests of this module.

use wasm_encoder::{
    Component, ComponentExportKind, ComponentExportSection, ComponentImportSection, ComponentTypeRef, CustomSection,
    Module, ModuleSection, TypeBounds,
};

/// A manifest that contradicts nothing.
pub(super) const MANIFEST_TOML: &str = r#"
id = "sample"
version = "1.2.3"
contract = "0.1"
name = "Sample"
summary = "Takes members in, for tests"
hosts = ["api.example.com"]

[[secret]]
name = "api_key"
help = "made in the console"

[[auth]]
kind = "bearer"
secret = "api_key"

[[operation]]
name = "upsert"
members = 100
bytes = 65536
idempotent = true
"#;

/// A component made of nothing but names: what reading looks at, and nothing that could run.
#[derive(Clone)]
pub(super) struct Sample {
    imports: Vec<(String, ComponentTypeRef)>,
    exports: Vec<(String, ComponentExportKind)>,
    sections: Vec<(String, Vec<u8>)>,
    inner: Vec<(String, Vec<u8>)>,
}

impl Sample {
    pub(super) fn empty() -> Self {
        Self { imports: Vec::new(), exports: Vec::new(), sections: Vec::new(), inner: Vec::new() }
    }

    /// One that fits the contract, without a manifest.
    pub(super) fn fitting() -> Self {
        let imports = ["enroute:destination/types@0.1.0", "enroute:destination/http@0.1.0", "wasi:io/error@0.2.6"];
        imports.into_iter().fold(Self::empty(), Self::import).export_instance("enroute:destination/destination@0.1.0")
    }

    pub(super) fn import(mut self, name: &str) -> Self {
        self.imports.push((name.to_owned(), ComponentTypeRef::Instance(0)));
        self
    }

    /// A name for a type of another import, or for a resource of the host's.
    pub(super) fn import_type(mut self, name: &str, bounds: TypeBounds) -> Self {
        self.imports.push((name.to_owned(), ComponentTypeRef::Type(bounds)));
        self
    }

    pub(super) fn export(mut self, name: &str) -> Self {
        self.exports.push((name.to_owned(), ComponentExportKind::Func));
        self
    }

    pub(super) fn export_instance(mut self, name: &str) -> Self {
        self.exports.push((name.to_owned(), ComponentExportKind::Instance));
        self
    }

    pub(super) fn section(mut self, name: &str, data: &[u8]) -> Self {
        self.sections.push((name.to_owned(), data.to_vec()));
        self
    }

    /// A custom section of the core module within the component.
    pub(super) fn inner_section(mut self, name: &str, data: &[u8]) -> Self {
        self.inner.push((name.to_owned(), data.to_vec()));
        self
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut component = Component::new();
        let mut module = Module::new();
        for (name, data) in &self.inner {
            module.section(&CustomSection { name: name.into(), data: data.into() });
        }
        component.section(&ModuleSection(&module));
        let mut imports = ComponentImportSection::new();
        for (name, kind) in &self.imports {
            imports.import(name.as_str(), *kind);
        }
        component.section(&imports);
        let mut exports = ComponentExportSection::new();
        for (name, kind) in &self.exports {
            exports.export(name.as_str(), *kind, 0, None);
        }
        component.section(&exports);
        for (name, data) in &self.sections {
            component.section(&CustomSection { name: name.into(), data: data.into() });
        }
        component.finish()
    }
}
