//! Compiled plugins on disk, so that a start costs a quarter of a millisecond a plugin instead of half a second.
//!
//! A compiled file is machine code that the host runs with its own rights, so it is loaded only when a keyed
//! hash shows that this host wrote it, for this component and these engine settings. Anything else is compiled
//! anew: a cache can cost time, never safety.

use std::hash::{Hash, Hasher};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::compile::CompileProgram;

const TAG_BYTES: usize = 32;

/// A folder of compiled plugins, readable by its owner only.
#[derive(Clone)]
pub struct Cache {
    folder: PathBuf,
    key: [u8; 32],
    program: Option<CompileProgram>,
}

impl Cache {
    /// Uses this folder; `key` is secret to this host.
    #[must_use]
    pub fn new(folder: PathBuf, key: [u8; 32]) -> Self {
        Self { folder, key, program: None }
    }

    /// The cache, with what is missing compiled by a program of its own and within its limits, instead of in this
    /// process.
    #[must_use]
    pub fn filled_by(mut self, program: CompileProgram) -> Self {
        self.program = Some(program);
        self
    }

    pub(super) fn load_or_compile(&self, engine: &Engine, wasm: &[u8]) -> wasmtime::Result<Component> {
        let path = self.path(engine, wasm);
        if let Some(component) = self.load(engine, &path) {
            return Ok(component);
        }
        let compiled = match &self.program {
            Some(program) => program.compile(wasm).map_err(wasmtime::Error::msg)?,
            None => engine.precompile_component(wasm)?,
        };
        if let Err(error) = self.keep(&path, &compiled) {
            tracing::debug!(%error, "compiled plugin not kept");
        }
        self.deserialize(engine, &compiled)
    }

    /// The file for this component under these settings.
    fn path(&self, engine: &Engine, wasm: &[u8]) -> PathBuf {
        let mut settings = Settings(Sha256::new());
        engine.precompile_compatibility_hash().hash(&mut settings);
        settings.0.update(Sha256::digest(wasm));
        let name: String = settings.0.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        self.folder.join(format!("{name}.cwasm"))
    }

    fn load(&self, engine: &Engine, path: &Path) -> Option<Component> {
        let file = std::fs::read(path).ok()?;
        let (tag, compiled) = file.split_at_checked(TAG_BYTES)?;
        let mut mac = self.mac(path)?;
        mac.update(compiled);
        mac.verify_slice(tag).ok()?;
        self.deserialize(engine, compiled).ok()
    }

    fn keep(&self, path: &Path, compiled: &[u8]) -> std::io::Result<()> {
        std::fs::create_dir_all(&self.folder)?;
        let Some(mut mac) = self.mac(path) else { return Ok(()) };
        mac.update(compiled);
        let unfinished = path.with_extension(format!("{}.tmp", std::process::id()));
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&unfinished)?;
        file.write_all(&mac.finalize().into_bytes())?;
        file.write_all(compiled)?;
        drop(file);
        std::fs::rename(unfinished, path)
    }

    /// The keyed hash covers the file's name too, so that two files cannot be swapped.
    fn mac(&self, path: &Path) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        mac.update(path.file_name()?.as_encoded_bytes());
        Some(mac)
    }

    #[expect(unsafe_code, reason = "loading compiled code is what a cache of compiled code does")]
    fn deserialize(&self, engine: &Engine, compiled: &[u8]) -> wasmtime::Result<Component> {
        // SAFETY: the bytes were made by `precompile_component` of this host: either just now, here or in a process
        // that this host started and nobody else can write to, or the keyed hash, whose key only this host has, was
        // verified over them.
        unsafe { Component::deserialize(engine, compiled) }
    }
}

/// Feeds what an engine says of its settings into a hash that is the same in every process.
struct Settings(Sha256);

impl Hasher for Settings {
    fn finish(&self) -> u64 {
        0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
}
