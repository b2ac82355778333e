//! The page of guarantees: every promise has a mechanism, and tests that exist.

use crate::tidy::none;
use crate::tidy::pages::quoted;
use crate::tidy::repository::{has_function, text};

const PAGE: &str = "docs/guarantees.md";

/// What is wrong with the page: rows without a mechanism or a test, and tests that nobody wrote.
fn problems(page: &str, is_function: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    let mut rows = 0;
    for (line, number) in page.lines().zip(1..) {
        let Some(cells) = line.strip_prefix('|').and_then(|line| line.strip_suffix('|')) else { continue };
        let cells: Vec<&str> = cells.split('|').map(str::trim).collect();
        if cells.iter().all(|cell| cell.starts_with("---")) || cells.last() == Some(&"Shown by") {
            continue;
        }
        rows += 1;
        let [promise, mechanism, shown_by] = cells.as_slice() else {
            found.push(format!("{PAGE}:{number}: it has {} cells: promise, mechanism, tests", cells.len()));
            continue;
        };
        if promise.is_empty() || mechanism.is_empty() {
            found.push(format!("{PAGE}:{number}: say what is promised, and what keeps it"));
        }
        let names: Vec<&str> = quoted(shown_by).collect();
        if names.is_empty() {
            found.push(format!("{PAGE}:{number}: no test shows it: name one, or promise less"));
        }
        let missing = names.into_iter().filter(|name| !is_function(name));
        found.extend(missing.map(|name| format!("{PAGE}:{number}: no test is called `{name}`")));
    }
    if rows == 0 {
        found.push(format!("{PAGE}: nothing is promised"));
    }
    if !page.contains("\n## Not promised\n") {
        found.push(format!("{PAGE}: it does not say what is not promised"));
    }
    found
}

#[test]
fn every_guarantee_names_its_mechanism_and_tests_that_exist() {
    none(&problems(text(PAGE), has_function));
}

#[test]
fn a_guarantee_that_nothing_shows_is_found() {
    let page = |row: &str| format!("| Promise | Kept by | Shown by |\n|---|---|---|\n{row}\n\n## Not promised\n");
    let check = |row: &str| problems(&page(row), |name| name == "it_works").len();
    assert_eq!(check("| It works. | Care. | `it_works` |"), 0);
    for (row, expect) in [
        ("| It works. | Care. | `it_works`, `it_fails` |", 1),
        ("| It works. | Care. | |", 1),
        ("| It works. | | `it_works` |", 1),
        ("| It works. | `it_works` |", 1),
        ("", 1),
    ] {
        assert_eq!(check(row), expect, "{row}");
    }
}
