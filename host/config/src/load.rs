//! Both files from disk to a configuration, with all mistakes at once.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use crate::audiences_file::connection::{self, KnownNames};
use crate::code::Code;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::files::{FileId, Files, shown};
use crate::plugins_file::{self, PluginsFile};
use crate::reference::Sealed;
use crate::walker::Walker;
use crate::{Config, Paths, audiences_file, syntax};

/// Largest configuration file in bytes.
///
/// A thousand connections with twenty rows each take about 1 MiB.
pub const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// What came of a load.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration, if it has no errors.
    pub config: Option<Config>,
    /// Where there are errors: what could be understood, for further checks and never to run.
    pub partial: Option<Config>,
    /// All mistakes.
    pub diagnostics: Diagnostics,
    /// The texts that the mistakes point into.
    pub files: Arc<Files>,
}

impl Loaded {
    /// What can be checked further: the configuration, or what could be understood of it.
    #[must_use]
    pub const fn checkable(&self) -> Option<&Config> {
        match &self.config {
            Some(config) => Some(config),
            None => self.partial.as_ref(),
        }
    }
}

/// Reads `plugins.toml` and `audiences.toml` in the folder. Blocks on the disk.
#[must_use]
pub fn load(dir: &Path) -> Loaded {
    let paths = Paths::new(dir);
    let mut found = Diagnostics::default();
    let plugins = read(&paths.plugins_file, "it says which plugins may run and where they may send", &mut found);
    let audiences = read(&paths.audiences_file, "it says which audiences go to which destinations", &mut found);
    understand(paths, plugins.as_deref(), audiences.as_deref(), found)
}

/// As [`load`], of texts in hand that may stand in the folder's two files one day.
#[must_use]
pub fn load_texts(dir: &Path, plugins: &str, audiences: &str) -> Loaded {
    understand(Paths::new(dir), Some(plugins), Some(audiences), Diagnostics::default())
}

/// The texts of the two files, `plugins.toml` first; one that cannot be read is nothing.
#[must_use]
pub fn texts(dir: &Path) -> [Option<String>; 2] {
    let paths = Paths::new(dir);
    [&paths.plugins_file, &paths.audiences_file].map(|file| read(file, "", &mut Diagnostics::default()))
}

/// Texts to a configuration; a file that could not be read is nothing, and reported already.
pub(super) fn understand(
    paths: Paths,
    plugins: Option<&str>,
    audiences: Option<&str>,
    mut found: Diagnostics,
) -> Loaded {
    let mut files = Files::default();
    let (plugins, plugins_whole) = read_plugins(&paths, plugins, &mut files, &mut found);
    let audiences = audiences.unwrap_or_default();
    let id = files.add(&paths.audiences_file, audiences);
    // The places for a secret are the URL of a database and the key of a source that listens.
    let may_have_secrets = audiences.contains("postgres") || audiences.contains("listen");
    let parsed = syntax::parse(audiences, id, may_have_secrets, &mut found);
    files.cover(id, &parsed.doubtful);
    let mut walker = Walker::new(id, &mut found, None);
    let root = walker.root(&parsed.table, "audiences.toml");
    let audiences =
        if parsed.whole { audiences_file::read(&mut walker, &root, &paths.dir) } else { Default::default() };
    files.cover(id, &walker.covered);
    let known = KnownNames {
        audiences: parsed.whole.then_some(&audiences.audience_keys),
        destinations: plugins_whole.then_some(&plugins.destination_names),
    };
    connection::check_names(&audiences.links, &known, &mut found);
    let files = Arc::new(files);
    let config = Config {
        paths,
        plugins: plugins.plugins,
        destinations: plugins.destinations,
        sources: audiences.sources,
        traits: audiences.traits,
        alerts: audiences.alerts,
        retention_days: audiences.retention_days,
        audiences: audiences.audiences,
        connections: audiences.connections,
        sealed: Sealed::default(),
        files: Arc::clone(&files),
    };
    let (config, partial) = if found.errors() == 0 { (Some(config), None) } else { (None, Some(config)) };
    Loaded { config, partial, diagnostics: found, files }
}

/// What `plugins.toml` says, and whether that is all of it.
fn read_plugins(paths: &Paths, text: Option<&str>, files: &mut Files, found: &mut Diagnostics) -> (PluginsFile, bool) {
    let whole = text.is_some();
    let text = text.unwrap_or_default();
    let id: FileId = files.add(&paths.plugins_file, text);
    let parsed = syntax::parse(text, id, true, found);
    files.cover(id, &parsed.doubtful);
    if !parsed.whole {
        return (PluginsFile::default(), false);
    }
    let mut walker = Walker::new(id, found, Some(text));
    let root = walker.root(&parsed.table, "plugins.toml");
    let plugins = plugins_file::read(&mut walker, &root, &paths.dir);
    let covered = std::mem::take(&mut walker.covered);
    files.cover(id, &covered);
    (plugins, whole)
}

/// The text of a file, without a byte order mark. `purpose` is for people who do not have the file yet.
fn read(path: &Path, purpose: &str, found: &mut Diagnostics) -> Option<String> {
    let name = shown(path);
    match read_bytes(path) {
        Ok(bytes) if bytes.len() as u64 > FILE_BYTES_MAX => {
            let message = format!("{name} is larger than {} MiB", FILE_BYTES_MAX >> 20);
            let hint = "profiles do not belong into it; name their file in `[source.NAME]`";
            found.push(Diagnostic::error(Code::FileTooLarge, message).hint(hint));
            None
        }
        Ok(bytes) => text(&name, bytes, found),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let hint = format!("{purpose}; create it, or run enroute in the folder that has it");
            found.push(Diagnostic::error(Code::FileMissing, format!("{name} is missing")).hint(hint));
            None
        }
        Err(error) => {
            let message = format!("{name} cannot be read: {error}");
            found
                .push(Diagnostic::error(Code::FileUnreadable, message).hint("check that it is a file, and its rights"));
            None
        }
    }
}

/// The bytes of a file, or one more than the most it may have.
fn read_bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    // A pipe would let us wait for ever.
    if !path.metadata()?.is_file() {
        return Err(std::io::Error::other("it is not a file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn text(name: &str, bytes: Vec<u8>, found: &mut Diagnostics) -> Option<String> {
    match String::from_utf8(bytes) {
        Ok(text) => Some(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)),
        Err(error) => {
            let offset = error.utf8_error().valid_up_to();
            let good = error.as_bytes().get(..offset).unwrap_or_default();
            let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
            let message = format!("{name} is not UTF-8: line {line}, byte {offset} of the file");
            found.push(Diagnostic::error(Code::FileNotText, message).hint("save it as UTF-8"));
            None
        }
    }
}

#[cfg(test)]
mod tests;
