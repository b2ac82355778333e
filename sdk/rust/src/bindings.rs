//! What `wit-bindgen` makes of the contract, which the crate carries.
//!
//! Generated, and used through the rest of the crate: plugins name these types by their re-exports at the root,
//! and only [`export!`](crate::export) calls the export macro.

#![expect(missing_docs, reason = "generated code: records are documented in the WIT, their fields not all")]

wit_bindgen::generate!({
    path: "wit",
    world: "plugin",
    pub_export_macro: true,
    default_bindings_module: "enroute_sdk::bindings",
    additional_derives: [PartialEq, Eq],
});
