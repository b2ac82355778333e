//! Files that the plugin commands read and write.

use std::io::{IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use enroute_core::manifest::{Manifest, ManifestError};
use enroute_core::words::counted;
use enroute_host::catalog;
use enroute_host::config::Config;
use enroute_host::config::code::Code;
use enroute_host::config::diagnostic::Paint;
use enroute_host::config::load::{Loaded, load};
use serde::Serialize;

use crate::output::{Advice, Output};

/// Largest `plugin.toml` in bytes.
///
/// A packed manifest has at most 256 KiB; comments may take as much again.
const MANIFEST_TOML_BYTES_MAX: u64 = 512 * 1024;

/// A plugin's file that was made or looked at.
#[derive(Debug, Serialize)]
pub(super) struct Made {
    pub(super) id: String,
    pub(super) version: String,
    pub(super) file: String,
    pub(super) size_bytes: usize,
    /// How long this machine compiled it, where that was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) load_ms: Option<u128>,
    /// The operator's folder whose host keeps what was compiled, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kept_for: Option<String>,
    pub(super) sha256: String,
}

/// Reads a `plugin.toml` and checks it.
pub(super) fn read_manifest(path: &Path) -> anyhow::Result<(String, Manifest)> {
    let what = || format!("`{}` cannot be used as a manifest", path.display());
    let mut text = String::new();
    let file = std::fs::File::open(path).with_context(|| {
        Advice::mistake(
            what(),
            "a plugin's folder has a plugin.toml; `enroute plugin new NAME` writes one to begin with",
        )
    })?;
    let size = file
        .take(MANIFEST_TOML_BYTES_MAX + 1)
        .read_to_string(&mut text)
        .with_context(|| Advice::mistake(what(), "save it as UTF-8 text"))?;
    if size as u64 > MANIFEST_TOML_BYTES_MAX {
        let next =
            format!("a manifest has at most {} KiB; keep longer texts in README.md", MANIFEST_TOML_BYTES_MAX >> 10);
        return Err(anyhow::anyhow!("it is too long").context(Advice::mistake(what(), next)));
    }
    let manifest = Manifest::parse_toml(&text).map_err(|error| {
        let advice = match &error {
            ManifestError::Words(_) => {
                let code = Code::UnknownWord;
                let next = format!("mend them; docs/plugins.md has the words, and docs/errors.md more about {code}");
                Advice::mistake(format!("[{code}] {}", what()), next)
            }
            _ => Advice::mistake(what(), "mend it; its keys are explained in docs/plugins.md"),
        };
        anyhow::Error::from(error).context(advice)
    })?;
    Ok((text, manifest))
}

/// What `plugins.toml` says of plugins. Nothing where mistakes leave nothing to work with: they were told.
pub(super) fn read_plugins(folder: &Path, output: &Output) -> Option<Config> {
    let Loaded { config, partial, diagnostics, files } = load(folder);
    let usable = config.or(partial).filter(|config| diagnostics.errors() == 0 || !config.plugins.is_empty());
    if usable.is_none() {
        let is_seen = std::io::stderr().is_terminal();
        output.drawn(diagnostics.render_as(&files, if is_seen { Paint::Coloured } else { Paint::Plain }));
    } else if diagnostics.errors() > 0 {
        output.note("the configuration has mistakes, which `enroute check` shows; what can be read of it is used");
    }
    usable
}

/// Packs a component and writes the plugin.
pub(super) fn pack_to(component: &Path, manifest: &Path, out: Option<&Path>) -> anyhow::Result<Made> {
    let (text, parsed) = read_manifest(manifest)?;
    let bytes = catalog::read_file(component).with_context(|| {
        let what = format!("`{}` cannot be packed", component.display());
        Advice::mistake(what, "name a component; `enroute plugin build` makes one of a crate")
    })?;
    let packed = catalog::pack(&bytes, &text).with_context(|| {
        let what = format!("`{}` cannot be packed with `{}`", component.display(), manifest.display());
        Advice::mistake(what, "change what it complains about and build again; wit/README.md explains the contract")
    })?;
    let out = match out {
        Some(out) => out.to_path_buf(),
        None => manifest.with_file_name(format!("{}.wasm", parsed.id)),
    };
    write_whole(&out, &packed)?;
    Ok(Made {
        sha256: catalog::sha256_hex(&packed),
        size_bytes: packed.len(),
        load_ms: None,
        kept_for: None,
        file: out.display().to_string(),
        id: parsed.id,
        version: parsed.version,
    })
}

impl Made {
    pub(super) fn print(&self, output: &Output) -> anyhow::Result<()> {
        if output.json {
            return output.print_json(self);
        }
        output.line(format_args!("{}  {} {}, {}", self.file, self.id, self.version, bytes_shown(self.size_bytes)))?;
        output.line(format_args!("sha256  {}", self.sha256))?;
        let Some(load_ms) = self.load_ms else { return Ok(()) };
        let (whole, tenth) = (load_ms / 1_000, load_ms % 1_000 / 100);
        if let Some(folder) = &self.kept_for {
            let kept = "to compile here, by the host's own process; kept in its cache for";
            return output.line(format_args!("load    {whole}.{tenth} s {kept} `{folder}`: no sync waits for it"));
        }
        output.line(format_args!(
            "load    {whole}.{tenth} s to compile here; a host does that once and keeps it: build with \
             `--warm FOLDER`, or run `enroute check` there after each `enroute plugin lock`, and no sync waits for it"
        ))
    }
}

/// Writes a file as a whole or not at all. Keeps the rights of the file that was there.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    // A link stays a link: what it points to is replaced.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let write = || -> std::io::Result<()> {
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .map_or_else(|| PathBuf::from("."), Path::to_path_buf);
        let mut unfinished = tempfile::Builder::new().permissions(rights(&path)).tempfile_in(folder)?;
        unfinished.write_all(bytes)?;
        unfinished.as_file().sync_all()?;
        unfinished.persist(&path)?;
        Ok(())
    };
    write().with_context(|| {
        let what = format!("`{}` cannot be written", path.display());
        Advice::failed(what, "check that its folder exists and that you may write there")
    })
}

fn rights(path: &Path) -> std::fs::Permissions {
    use std::os::unix::fs::PermissionsExt as _;
    let usual = std::fs::Permissions::from_mode(0o644);
    path.metadata().map_or(usual, |metadata| metadata.permissions())
}

/// `73.4 KiB` and the like.
pub(super) fn bytes_shown(bytes: usize) -> String {
    const UNITS: [&str; 3] = ["KiB", "MiB", "GiB"];
    if bytes < 1024 {
        return counted(bytes, "byte");
    }
    #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
    let mut amount = bytes as f64 / 1024.0;
    let mut units = UNITS.iter();
    let mut unit = units.next().copied().unwrap_or_default();
    for larger in units {
        if amount < 1024.0 {
            break;
        }
        amount /= 1024.0;
        unit = larger;
    }
    format!("{amount:.1} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_shown_in_the_unit_that_fits() {
        assert_eq!(bytes_shown(1023), "1023 bytes");
        assert_eq!(bytes_shown(75_000), "73.2 KiB");
        assert_eq!(bytes_shown(32 << 20), "32.0 MiB");
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_keeps_its_rights() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plugins.toml");
        std::fs::write(&path, "old").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        write_whole(&path, b"new").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
