//! What a new plugin consists of, in each language.

use std::fmt;
use std::path::Path;

use clap::ValueEnum;

/// A file of the template: its place in the new folder, and its text.
pub(super) type File = (&'static str, &'static str);

/// Languages that `enroute plugin build` knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Language {
    Rust,
    #[value(alias = "js")]
    Javascript,
    Python,
}

macro_rules! file {
    ($to:literal, $from:literal) => {
        ($to, include_str!(concat!("../../../../../../sdk/template/", $from)))
    };
    ($same:literal of $folder:literal) => {
        ($same, include_str!(concat!("../../../../../../sdk/template/", $folder, "/", $same, ".tmpl")))
    };
}

/// The manifest and the stories are the same in every language.
const COMMON: [File; 8] = [
    file!("plugin.toml" of "common"),
    file!("cases/map/traits_and_membership.toml", "common/cases/map/traits_and_membership.toml"),
    file!("cases/map/who_leaves.toml", "common/cases/map/who_leaves.toml"),
    file!("cases/map/without_id.toml", "common/cases/map/without_id.toml"),
    file!("cases/send/one_rejected.toml", "common/cases/send/one_rejected.toml"),
    file!("cases/send/probe_bad_token.toml", "common/cases/send/probe_bad_token.toml"),
    file!("cases/send/rate_limited.toml", "common/cases/send/rate_limited.toml"),
    file!("cases/validate/row_onto_the_id.toml", "common/cases/validate/row_onto_the_id.toml"),
];

const RUST: [File; 10] = [
    file!(".gitignore", "rust/gitignore.tmpl"),
    file!(".github/workflows/ci.yml", "rust/ci.yml.tmpl"),
    file!("Cargo.toml" of "rust"),
    file!("README.md" of "rust"),
    file!("rust-toolchain.toml" of "rust"),
    file!("src/lib.rs" of "rust"),
    file!("src/mapping.rs" of "rust"),
    file!("src/request.rs" of "rust"),
    file!("src/response.rs" of "rust"),
    file!("src/settings.rs" of "rust"),
];

const JAVASCRIPT: [File; 8] = [
    file!(".gitignore", "javascript/gitignore.tmpl"),
    file!(".npmrc", "javascript/npmrc.tmpl"),
    file!(".github/workflows/ci.yml", "javascript/ci.yml.tmpl"),
    file!("README.md" of "javascript"),
    file!("package.json" of "javascript"),
    file!("src/contacts.js" of "javascript"),
    file!("src/plugin.js" of "javascript"),
    file!("test/contacts.test.js" of "javascript"),
];

const PYTHON: [File; 7] = [
    file!(".gitignore", "python/gitignore.tmpl"),
    file!(".github/workflows/ci.yml", "python/ci.yml.tmpl"),
    file!("README.md" of "python"),
    file!("requirements.txt" of "python"),
    file!("src/app.py" of "python"),
    file!("src/contacts.py" of "python"),
    file!("tests/test_contacts.py" of "python"),
];

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rust => "rust",
            Self::Javascript => "javascript",
            Self::Python => "python",
        })
    }
}

impl Language {
    /// Every file of a new plugin.
    pub(super) fn files(self) -> impl Iterator<Item = File> {
        let own: &'static [File] = match self {
            Self::Rust => &RUST,
            Self::Javascript => &JAVASCRIPT,
            Self::Python => &PYTHON,
        };
        COMMON.iter().chain(own).copied()
    }

    /// The folder of the SDK in a checkout, the file that says what it is, and the line in it that says so.
    pub(super) const fn sdk(self) -> [&'static str; 3] {
        match self {
            Self::Rust => ["sdk/rust", "Cargo.toml", "name = \"enroute-sdk\""],
            Self::Javascript => ["sdk/javascript", "package.json", "\"name\": \"@enroute/sdk\","],
            Self::Python => ["sdk/python", "pyproject.toml", "name = \"enroute-sdk\""],
        }
    }

    /// What the SDK is called in the registry of the language.
    pub(super) const fn package(self) -> &'static str {
        match self {
            Self::Rust | Self::Python => "enroute-sdk",
            Self::Javascript => "@enroute/sdk",
        }
    }

    /// What begins and what ends the names of the SDK's archives, as the language's tools pack it.
    const fn archives(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Rust => &[],
            Self::Javascript => &[("enroute-sdk-", ".tgz")],
            Self::Python => &[("enroute_sdk-", ".whl"), ("enroute_sdk-", ".tar.gz")],
        }
    }

    /// How the plugin asks for the SDK: by version, or from a folder or an archive of this machine.
    pub(super) fn dependency(self, version: &str, folder: Option<&str>) -> String {
        match (self, folder) {
            (Self::Rust, None) => format!("\"{version}\""),
            (Self::Rust, Some(folder)) => format!("{{ version = \"{version}\", path = \"{folder}\" }}"),
            (Self::Javascript, None) => version.to_owned(),
            (Self::Javascript, Some(folder)) => format!("file:{folder}"),
            (Self::Python, None) => format!("enroute-sdk=={version}"),
            (Self::Python, Some(folder)) => format!("enroute-sdk @ file://{}", escaped(folder)),
        }
    }

    /// What to do in the new folder before the plugin is built, and its own tests.
    pub(super) const fn steps(self) -> &'static [&'static str] {
        match self {
            Self::Rust => &["cargo test"],
            Self::Javascript => &["npm install", "npm test"],
            Self::Python => &[
                "python3 -m venv .venv",
                ".venv/bin/pip install -r requirements.txt",
                ".venv/bin/python -m unittest discover -s tests",
            ],
        }
    }
}

/// A path as a URL has it.
fn escaped(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    path.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// Whether a folder has the SDK of a language, or a file is an archive of it.
pub(super) fn is_sdk(language: Language, path: &Path) -> bool {
    if path.is_file() {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        return language.archives().iter().any(|(start, end)| name.starts_with(start) && name.ends_with(end));
    }
    let [_, file, line] = language.sdk();
    let text = std::fs::read_to_string(path.join(file)).unwrap_or_default();
    text.lines().any(|found| found.trim() == line)
}
