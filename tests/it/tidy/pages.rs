//! Pages that are there, agree with the code, and speak to a reader of the repository alone.

use std::collections::BTreeSet;

use crate::tidy::none;
use crate::tidy::repository::{File, files, has_function, root, rust, text};

/// Most lines of ARCHITECTURE.md: what a new maintainer reads in one go.
const ARCHITECTURE_LINES_MAX: usize = 200;
/// Backticked words with this many `_` are names of tests.
const TEST_UNDERSCORES_MIN: usize = 3;

/// What no file says. Put together here, so that this file does not break its own rule.
const UNSAID: [(&str, &str); 5] = [
    (concat!("/wo", "rk/"), "name a path within the repository"),
    (concat!("fact ", "sheet"), "cite the vendor's documentation"),
    (concat!("Signed", "-off"), "authorship is in the history"),
    (concat!("Co-", "authored"), "authorship is in the history"),
    (concat!("MEASURE", "@@"), "fill in what was measured"),
];

#[test]
fn architecture_is_short_and_names_tests_and_files_that_exist() {
    let page = "ARCHITECTURE.md";
    let mut found = Vec::new();
    for (line, number) in text(page).lines().zip(1..) {
        for word in quoted(line) {
            if is_test_name(word) && !has_function(word) {
                found.push(format!("{page}:{number}: no test is called `{word}`: write it, or name the one there is"));
            } else if is_path(word) && !exists(word) {
                found.push(format!("{page}:{number}: there is no `{word}`: correct the path"));
            }
        }
    }
    let lines = text(page).lines().count();
    if lines == 0 || lines > ARCHITECTURE_LINES_MAX {
        found.push(format!("{page}:{lines}: it has {lines} lines, 1 to {ARCHITECTURE_LINES_MAX} are read: shorten it"));
    }
    none(&found);
}

#[test]
fn a_comment_names_only_tests_that_exist() {
    let mut found = Vec::new();
    for file in rust() {
        for (line, number) in file.text.lines().zip(1..).filter(|(line, _)| line.trim_start().starts_with("//")) {
            let Some((_, behind)) = line.split_once("test `") else { continue };
            let name = behind.split('`').next().unwrap_or_default();
            if is_test_name(name) && !has_function(name) {
                found.push(format!("{}:{number}: no test is called `{name}`: correct the name", file.path));
            }
        }
    }
    none(&found);
}

#[test]
fn every_code_of_an_error_has_its_section() {
    let page = text("docs/errors.md");
    let sections: BTreeSet<&str> =
        page.lines().filter_map(|line| line.strip_prefix("## ")?.split(':').next()).collect();
    let mut found = Vec::new();
    for file in rust().filter(|file| file.path.starts_with("host/")) {
        for (number, line) in file.code() {
            for code in line.split('"').filter(|part| is_error_code(part) && !sections.contains(part)) {
                found.push(format!(
                    "{}:{number}: {code} has no section: add `## {code}: …` to docs/errors.md",
                    file.path
                ));
            }
        }
    }
    none(&found);
}

#[test]
fn every_clause_that_is_cited_is_in_the_contract() {
    let page = text("wit/README.md");
    let mut found = Vec::new();
    for file in files().iter().filter(|file| file.path != "wit/README.md" && cites_clauses(file)) {
        for (line, number) in file.text.lines().zip(1..) {
            for clause in line.split(|c: char| !c.is_ascii_alphanumeric() && c != '.').filter_map(clause) {
                let stands = page.contains(&format!("## {clause}: ")) || page.contains(&format!("| {clause} |"));
                if !stands {
                    found.push(format!("{}:{number}: wit/README.md has no clause {clause}: correct it", file.path));
                }
            }
        }
    }
    none(&found);
}

#[test]
fn no_file_says_what_only_its_makers_understand() {
    let mut found = Vec::new();
    for file in files().iter().filter(|file| file.path != "LICENSE" && file.path != "Cargo.lock") {
        for (line, number) in file.text.lines().zip(1..) {
            for (word, instead) in UNSAID.iter().filter(|(word, _)| line.contains(word)) {
                found.push(format!("{}:{number}: `{word}`: {instead}", file.path));
            }
        }
    }
    none(&found);
}

#[test]
fn what_is_to_be_done_has_an_owner() {
    let words = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
    let mut found = Vec::new();
    for file in files().iter().filter(|file| file.path != "Cargo.lock") {
        for (line, number) in file.text.lines().zip(1..) {
            let owned = |word: &str| line.contains(&format!("{word}("));
            let standing = |word: &&&str| line.split(|c: char| !c.is_ascii_alphanumeric()).any(|part| part == **word);
            for word in words.iter().filter(standing).filter(|word| !owned(word)) {
                found.push(format!("{}:{number}: write `{word}(who): what, until when`, or do it", file.path));
            }
        }
    }
    none(&found);
}

/// Words in backticks.
pub(super) fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

fn is_test_name(word: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    word.chars().all(fits) && word.matches('_').count() >= TEST_UNDERSCORES_MIN
}

fn is_path(word: &str) -> bool {
    word.contains('/')
        && !word.contains(['{', ' ', '<'])
        && [".rs", ".md", ".toml", "/"].iter().any(|end| word.ends_with(end))
}

/// Whether a path is there, counted from the root, the host, its packages, or a plugin.
fn exists(path: &str) -> bool {
    let in_package = path.split_once('/').map(|(package, inside)| format!("host/{package}/src/{inside}"));
    let from = ["", "plugins/braze/"].map(|base| format!("{base}{path}"));
    from.into_iter().chain(in_package).any(|path| root().join(path).exists())
}

/// `E204`, whole.
fn is_error_code(part: &str) -> bool {
    part.len() == 4 && part.starts_with('E') && part.bytes().skip(1).all(|byte| byte.is_ascii_digit())
}

fn cites_clauses(file: &File) -> bool {
    file.path.ends_with(".wit") || file.path.starts_with("sdk/") || file.path.starts_with("tests/conformance/")
}

/// `K7` or `K7.2`, whole; a full stop behind it is the sentence's.
fn clause(word: &str) -> Option<&str> {
    let word = word.trim_end_matches('.');
    let number = word.strip_prefix('K')?;
    let is_number = |part: &str| !part.is_empty() && part.len() <= 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    (number.split('.').count() <= 2 && number.split('.').all(is_number)).then_some(word)
}

#[test]
fn clauses_codes_and_paths_are_told_from_other_words() {
    assert_eq!(
        ["K7", "K7.2.", "K", "K7.x", "OK7", "KB"].map(clause),
        [Some("K7"), Some("K7.2"), None, None, None, None]
    );
    assert!(is_error_code("E204") && !is_error_code("E2044") && !is_error_code("EN04"));
    assert!(is_path("sync/plan.rs") && is_path("cases/map/") && !is_path("application/json"));
    assert_eq!(quoted("a `b` c `d`").collect::<Vec<_>>(), ["b", "d"]);
}

#[test]
fn every_plugins_page_begins_with_what_its_manifest_says() {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root().join("plugins")).expect("the plugins") {
        let folder = entry.expect("a folder").path();
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect("a file of the plugin");
        let manifest = enroute_core::manifest::Manifest::parse_toml(&read("plugin.toml")).expect("a sound manifest");
        let readme = read("README.md");
        if enroute_core::manifest::page(&manifest, &readme) != readme {
            found.push(format!("{}: run `enroute plugin page` on it", folder.display()));
        }
    }
    none(&found);
}
