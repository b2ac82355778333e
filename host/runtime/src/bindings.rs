//! The contract's types and functions as Rust, generated from `wit/v0_1`.

#![expect(clippy::all, clippy::restriction, reason = "generated code")]

wasmtime::component::bindgen!({
    path: "../../wit/v0_1",
    world: "plugin",
    imports: { default: async | trappable },
    exports: { default: async },
});
