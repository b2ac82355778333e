//! Sizes of files, and folders that look alike.

use crate::tidy::none;
use crate::tidy::repository::{files, names, root, rust};

/// Most lines of a file, of nine files in ten, and of every other file.
const LINES_MAX: usize = 600;
const LINES_P90_MAX: usize = 400;
const LINES_MEDIAN_MAX: usize = 150;
/// Most lines of a plugin's `lib.rs`, which only wires.
const WIRING_LINES_MAX: usize = 60;

/// What may stand at the top: a reader sees it first, so a name more is a decision.
const TOP: [&str; 25] = [
    ".cargo/",
    ".ci/",
    ".config/",
    ".git",
    ".git/",
    ".github/",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "clippy.toml",
    "deny.toml",
    "docs/",
    "host/",
    "plugins/",
    "plugins.toml",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "sdk/",
    "tests/",
    "typos.toml",
    "wit/",
];
/// What may stand there without being part of the repository.
const TOP_BUILT: [&str; 1] = ["target/"];

/// What every plugin's folder has, and has nothing beside.
const PLUGIN: [(&str, &[&str]); 3] = [
    ("", &["Cargo.toml", "README.md", "cases/", "plugin.toml", "src/"]),
    ("cases/", &["map/", "send/", "validate/"]),
    ("src/", &["lib.rs", "mapping.rs", "request.rs", "response.rs", "settings.rs"]),
];
/// What `src/` may have besides: folders of the five, tests of them together, and the rules of a destination
/// that hashes, which are too many for `mapping`.
const PLUGIN_MAY: [&str; 7] =
    ["mapping/", "normalize.rs", "normalize/", "request/", "response/", "settings/", "tests.rs"];

#[test]
fn files_are_small_enough_to_read() {
    let mut sizes: Vec<(usize, &str)> = rust().map(|file| (file.text.lines().count(), file.path.as_str())).collect();
    sizes.sort_unstable();
    let too_long = sizes.iter().filter(|(lines, _)| *lines > LINES_MAX);
    let mut found: Vec<String> = too_long
        .map(|(lines, path)| {
            format!("{path}:{LINES_MAX}: it has {lines} lines, at most are {LINES_MAX}: take a part out")
        })
        .collect();
    for (share, max) in [(50, LINES_MEDIAN_MAX), (90, LINES_P90_MAX)] {
        let (lines, path) = sizes[(sizes.len() - 1) * share / 100];
        if lines > max {
            found.push(format!(
                "{path}:1: {share} % of all files should have at most {max} lines, and this has {lines}"
            ));
        }
    }
    none(&found);
}

#[test]
fn the_top_holds_what_belongs_there() {
    let found =
        names("").into_iter().filter(|name| !TOP.contains(&name.as_str()) && !TOP_BUILT.contains(&name.as_str()));
    none(&found.map(|name| format!("{name}:1: put it into a folder, or into TOP of this test")).collect::<Vec<_>>());
}

#[test]
fn plugins_look_alike() {
    let mut found = Vec::new();
    for plugin in names("plugins").iter().filter(|name| name.ends_with('/')) {
        for (inside, wanted) in PLUGIN {
            let folder = format!("plugins/{plugin}{inside}");
            let has = names(&folder);
            let missing = wanted.iter().filter(|name| !has.iter().any(|has| has == *name));
            found.extend(missing.map(|name| format!("{folder}{name}:1: every plugin has it: add it")));
            let may = |name: &str| wanted.contains(&name) || inside == "src/" && PLUGIN_MAY.contains(&name);
            let more = has.iter().filter(|name| !may(name));
            found.extend(
                more.map(|name| format!("{folder}{name}:1: no other plugin has it: move it below one of {wanted:?}")),
            );
        }
        let lib = format!("plugins/{plugin}src/lib.rs");
        let lines = files().iter().find(|file| file.path == lib).map_or(0, |file| file.text.lines().count());
        if lines > WIRING_LINES_MAX {
            found.push(format!("{lib}:{WIRING_LINES_MAX}: it has {lines} lines: it only wires, move the rest"));
        }
    }
    none(&found);
}

#[test]
fn a_plugin_is_a_member_of_the_workspace() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let plugins = names("plugins").into_iter().filter_map(|name| name.strip_suffix('/').map(str::to_owned));
    let strangers =
        plugins.filter(|id| !manifest.contains(&format!("\"plugins/{id}\"")) && !manifest.contains("\"plugins/*\""));
    none(&strangers.map(|id| format!("Cargo.toml:1: `members` has no \"plugins/{id}\": add it")).collect::<Vec<_>>());
}

#[test]
fn every_file_says_what_it_owns() {
    let is_bare = |text: &str| !text.starts_with("//!");
    let found = rust().filter(|file| !file.path.ends_with("/tests.rs") && is_bare(&file.text));
    none(&found.map(|file| format!("{}:1: begin with `//!` and what the file owns", file.path)).collect::<Vec<_>>());
}

#[test]
fn a_folder_stands_beside_its_file() {
    let found = rust().filter(|file| file.path.ends_with("/mod.rs"));
    none(&found.map(|file| format!("{}:1: name it after its folder and put it beside", file.path)).collect::<Vec<_>>());
}
