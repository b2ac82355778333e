//! Which imports and exports fit the contract, decided by their names.
//!
//! Names come from files that nobody has vouched for: what is shown of them is escaped by [`shown`] first.

use std::fmt;

/// The package of the contract.
const CONTRACT_PACKAGE: &str = "enroute:destination";
/// Interfaces of the contract that a plugin may import.
const CONTRACT_INTERFACES: [&str; 4] = ["types", "http", "log", "normalize"];
/// WASI packages that language runtimes cannot do without; the sandbox answers all of them with nothing.
const WASI_PACKAGES: [&str; 6] =
    ["wasi:io", "wasi:cli", "wasi:clocks", "wasi:random", "wasi:filesystem", "wasi:sockets"];
/// The generation of WASI that the sandbox answers.
const WASI_VERSION: &str = "0.2";
/// Longest import or export name that is shown.
///
/// The longest of the contract has 35 bytes; names are written by whoever made the file.
const NAME_CHARS_SHOWN: usize = 128;

/// The interface that a plugin must export, without its version.
pub(super) const EXPORT: &str = "enroute:destination/destination";

/// An import that the contract does not offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignImport {
    /// Its name in the component.
    pub name: String,
    /// What to use instead, where something serves the purpose.
    pub hint: Option<&'static str>,
}

impl fmt::Display for ForeignImport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.hint {
            Some(hint) => write!(f, "`{}` ({hint})", self.name),
            None => write!(f, "`{}`", self.name),
        }
    }
}

/// How an import relates to the contract.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Import {
    /// The sandbox has it.
    Offered,
    /// It belongs to another version of the contract: `0.2`.
    OtherContract(String),
    /// The sandbox does not have it.
    Foreign(ForeignImport),
}

/// Whether an export is the contract's interface, in the version that this host speaks.
pub(super) fn is_destination(name: &str, contract: &str) -> bool {
    name.rsplit_once('@').is_some_and(|(path, version)| path == EXPORT && is_patch_of(version, contract))
}

/// Decides on one import. `contract` is the version that this host speaks: `0.1`.
pub(super) fn judge(name: &str, contract: &str) -> Import {
    let (path, version) = name.rsplit_once('@').unwrap_or((name, ""));
    let (package, interface) = path.split_once('/').unwrap_or((path, ""));
    let foreign = |hint| Import::Foreign(ForeignImport { name: shown(name), hint });
    if package == CONTRACT_PACKAGE {
        return if !is_patch_of(version, contract) {
            Import::OtherContract(shown(minor(version)))
        } else if CONTRACT_INTERFACES.contains(&interface) {
            Import::Offered
        } else {
            foreign(Some("the contract has `types`, `http`, `log` and `normalize`"))
        };
    }
    if !WASI_PACKAGES.contains(&package) {
        return foreign(hint(package));
    }
    if !is_patch_of(version, WASI_VERSION) {
        return foreign(Some("the sandbox speaks WASI 0.2: build for `wasm32-wasip2`"));
    }
    if is_plain(interface) { Import::Offered } else { foreign(None) }
}

/// What serves the purpose of a package that the sandbox does not have.
fn hint(package: &str) -> Option<&'static str> {
    match package {
        "wasi:http" => Some("use the contract's `http`"),
        "wasi:logging" => Some("use the contract's `log`"),
        "wasi:keyvalue" | "wasi:blobstore" => Some("keep what `send` learns in the report's `remote`"),
        "wasi:config" => Some("settings come with the connection"),
        "wasi:messaging" | "wasi:sql" | "wasi:tls" => Some("the contract's `http` is the only way out"),
        _ => None,
    }
}

/// `0.1.7` and `0.1` belong to `0.1`; `0.10.0` and `0.1.0-rc` do not.
fn is_patch_of(version: &str, minor: &str) -> bool {
    let Some(rest) = version.strip_prefix(minor) else { return false };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    rest.is_empty() || rest.strip_prefix('.').is_some_and(is_number)
}

/// `0.2` of `0.2.0`.
fn minor(version: &str) -> &str {
    let second_dot = version.match_indices('.').nth(1).map_or(version.len(), |(at, _)| at);
    version.get(..second_dot).filter(|minor| !minor.is_empty()).unwrap_or("an unknown version")
}

fn is_plain(interface: &str) -> bool {
    !interface.is_empty() && interface.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// A name as it may be shown: visible ASCII, of bounded length.
pub(super) fn shown(name: &str) -> String {
    name.chars().take(NAME_CHARS_SHOWN).flat_map(char::escape_default).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expect: &str) {
        let got = match judge(name, "0.1") {
            Import::Offered => "offered".to_owned(),
            Import::OtherContract(version) => format!("contract {version}"),
            Import::Foreign(import) => import.to_string(),
        };
        assert_eq!(got, expect, "{name}");
    }

    #[test]
    fn the_contract_and_inert_wasi_are_offered() {
        check("enroute:destination/types@0.1.0", "offered");
        check("enroute:destination/http@0.1.7", "offered");
        check("wasi:io/streams@0.2.6", "offered");
        check("wasi:sockets/tcp-create-socket@0.2.12", "offered");
    }

    #[test]
    fn another_contract_version_is_told_apart_from_a_foreign_import() {
        check("enroute:destination/types@0.2.0", "contract 0.2");
        check("enroute:destination/types@0.10.0", "contract 0.10");
        check("enroute:destination/types@1", "contract 1");
        check("enroute:destination/types", "contract an unknown version");
        check("enroute:destination/types@0.1.0-rc1", "contract 0.1");
    }

    #[test]
    fn a_foreign_import_says_what_to_use_instead() {
        check("wasi:http/outgoing-handler@0.2.0", "`wasi:http/outgoing-handler@0.2.0` (use the contract's `http`)");
        check(
            "wasi:cli/environment@0.3.0",
            "`wasi:cli/environment@0.3.0` (the sandbox speaks WASI 0.2: build for `wasm32-wasip2`)",
        );
        check("acme:vault/keys", "`acme:vault/keys`");
        check(
            "enroute:destination/shell@0.1.0",
            "`enroute:destination/shell@0.1.0` (the contract has `types`, `http`, `log` and `normalize`)",
        );
    }

    #[test]
    fn a_name_cannot_steer_the_terminal() {
        check("wasi:io/\u{1b}[2Jpoll@0.2.0", "`wasi:io/\\u{1b}[2Jpoll@0.2.0`");
        assert_eq!(shown(&"x".repeat(500)).len(), NAME_CHARS_SHOWN);
    }
}
