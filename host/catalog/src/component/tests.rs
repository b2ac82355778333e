use wasm_encoder::TypeBounds;

use super::*;
use crate::pack::pack;
use crate::testing::{MANIFEST_TOML, Sample};

#[track_caller]
fn check(bytes: &[u8], expect: &str) {
    let error = Inspection::read(bytes).unwrap_err();
    let message = match std::error::Error::source(&error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    assert_eq!(message, expect);
}

#[test]
fn a_file_that_is_no_component_is_refused_with_what_it_is() {
    check(b"", "it is empty, 0 bytes long");
    check(
        &wasm_encoder::Module::new().finish(),
        "it is a core module, not a component; building for `wasm32-wasip2` makes one",
    );
    check(b"(component)", "it is not a WebAssembly component: it begins with 28 63 6f 6d 70 6f 6e 65");
    check(b"\0asm", "it is damaged or cut short at byte 4: the file ends within its header");
    check(&vec![0; COMPONENT_BYTES_MAX + 1], "it is 33554433 bytes long; a plugin has at most 33554432");
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let packed = pack(&Sample::fitting().bytes(), MANIFEST_TOML).unwrap();
    for length in 0..packed.len() {
        assert!(Inspection::read(&packed[..length]).is_err(), "cut at {length}");
    }
}

#[test]
fn reading_never_panics_whatever_byte_is_changed() {
    let packed = pack(&Sample::fitting().bytes(), MANIFEST_TOML).unwrap();
    for at in 0..packed.len() {
        for value in [0x00, 0x7f, 0x80, 0xff] {
            let mut changed = packed.clone();
            changed[at] = value;
            let _ = Inspection::read(&changed);
        }
    }
}

#[test]
fn another_contract_is_told_before_anything_else_is_held_against_it() {
    let newer = Sample::empty().import("wasi:http/types@0.3.0").import("enroute:destination/types@0.2.0");
    check(&newer.bytes(), "it is built for enroute:destination@0.2, this host speaks 0.1");
}

#[test]
fn all_foreign_imports_are_named_at_once() {
    let sample = Sample::fitting().import("wasi:keyvalue/store@0.2.0").import("acme:vault/keys");
    check(
        &sample.bytes(),
        "it imports what the contract does not offer: \
         `wasi:keyvalue/store@0.2.0` (keep what `send` learns in the report's `remote`), `acme:vault/keys`",
    );
}

#[test]
fn a_name_for_a_type_is_no_import_and_a_resource_is_one() {
    let named = Sample::fitting().import_type("batch", TypeBounds::Eq(0));
    let inspection = Inspection::read(&pack(&named.bytes(), MANIFEST_TOML).unwrap()).unwrap();
    assert_eq!(inspection.imports.len(), 3);
    let resource = Sample::fitting().import_type("socket", TypeBounds::SubResource);
    check(&resource.bytes(), "it imports what the contract does not offer: `socket`");
}

#[test]
fn functions_outside_the_interface_do_not_count() {
    let sample = Sample::empty().import("enroute:destination/types@0.1.0").export("send").export_instance("map");
    check(&sample.bytes(), "it does not export the interface `enroute:destination/destination` in version 0.1");
}

#[test]
fn further_exports_are_borne() {
    let sample = Sample::fitting().export("init").export_instance("acme:debug/trace");
    let packed = pack(&sample.bytes(), MANIFEST_TOML).unwrap();
    let inspection = Inspection::read(&packed).unwrap();
    assert_eq!(inspection.exports, ["enroute:destination/destination@0.1.0", "init", "acme:debug/trace"]);
    assert_eq!(inspection.imports.len(), 3);
}

#[test]
fn a_manifest_counts_only_on_the_outermost_level() {
    let json = serde_json::to_vec(&Manifest::parse_toml(MANIFEST_TOML).unwrap()).unwrap();
    let nested = Sample::fitting().inner_section(MANIFEST_SECTION, &json);
    check(&nested.bytes(), "it carries no manifest; `enroute plugin pack` puts one in");
}

#[test]
fn a_manifest_stands_alone_and_within_its_size() {
    let two = Sample::fitting().section(MANIFEST_SECTION, b"{}").section(MANIFEST_SECTION, b"{}");
    check(&two.bytes(), "it carries 2 manifests instead of one; `enroute plugin pack` replaces them");
    let long = Sample::fitting().section(MANIFEST_SECTION, &vec![b' '; MANIFEST_BYTES_MAX + 1]);
    check(&long.bytes(), "its manifest is 262145 bytes long, over the limit of 262144");
    let broken = Sample::fitting().section(MANIFEST_SECTION, b"{");
    check(
        &broken.bytes(),
        "its manifest is unusable: the manifest cannot be read: EOF while parsing an object at line 1 column 1",
    );
}

#[test]
fn a_component_of_endless_names_is_refused() {
    let sample = (0..NAMES_MAX + 1).fold(Sample::fitting(), |sample, at| sample.export(&format!("extra-{at}")));
    check(&sample.bytes(), "it has more than 1024 imports and exports");
}

#[test]
fn no_more_of_a_file_is_read_than_a_plugin_may_have() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("huge.wasm");
    std::fs::File::create(&path).unwrap().set_len(500 << 20).unwrap();
    let error = read_file(&path).unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(source, "it is 524288000 bytes long; a plugin has at most 33554432");
    assert!(read_file(&folder.path().join("absent.wasm")).is_err());
}
