//! The page of behaviours: every number has its row, and every row names what shows it.
//!
//! Only the last column is read for names; the columns before it speak of keys and codes that look alike.

use std::collections::{BTreeMap, BTreeSet};

use crate::tidy::none;
use crate::tidy::pages::quoted;
use crate::tidy::repository::{has_function, root, text};

/// The page.
const PAGE: &str = "docs/trait-enrichment.md";
/// What a row says of a behaviour that is left out.
const LEFT_OUT: &str = "not offered";
/// A name of a test has this many `_` or more; there is no shorter sentence.
const TEST_UNDERSCORES_MIN: usize = 2;

/// A row of a table: `| R1 | what it does | tests |`.
struct Row<'a> {
    line: usize,
    subject: &'a str,
    text: &'a str,
    shown_by: &'a str,
}

/// Numbers that the page must have.
fn numbers() -> impl Iterator<Item = u32> {
    (1..=54).chain(75..=82).chain([102])
}

fn rows(page: &str) -> impl Iterator<Item = Row<'_>> {
    page.lines().zip(1..).filter_map(|(text, line)| {
        let cells: Vec<&str> = text.strip_prefix('|')?.strip_suffix('|')?.split('|').map(str::trim).collect();
        let (subject, shown_by) = (*cells.first()?, *cells.last()?);
        let is_head = shown_by == "Shown by" || shown_by.starts_with("---");
        (!is_head).then_some(Row { line, subject, text, shown_by })
    })
}

fn is_test_name(word: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    word.chars().all(fits) && word.matches('_').count() >= TEST_UNDERSCORES_MIN
}

/// Why a name in the last column shows nothing; none where it does.
fn wrong(name: &str, is_function: impl Fn(&str) -> bool, is_file: impl Fn(&str) -> bool) -> Option<String> {
    if name.ends_with(".toml") {
        return (!is_file(name)).then(|| format!("there is no case `{name}`: correct the path"));
    }
    if !is_test_name(name) {
        return Some(format!("`{name}` is neither the name of a test nor the path of a case: name one"));
    }
    (!is_function(name)).then(|| format!("no test is called `{name}`: write it, or name the one there is"))
}

/// What is wrong with a page of behaviours.
fn problems(page: &str, is_function: impl Fn(&str) -> bool, is_file: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows(page) {
        let place = format!("{PAGE}:{}", row.line);
        if let Some(first) = lines.insert(row.subject, row.line) {
            found.push(format!("{place}: {} has a row at line {first} already: make one of the two", row.subject));
        }
        let names: BTreeSet<&str> = quoted(row.shown_by).collect();
        if names.is_empty() && !row.text.contains(LEFT_OUT) {
            found.push(format!("{place}: {} names no test: name one, or say `{LEFT_OUT}` and why", row.subject));
        }
        let mistakes = names.into_iter().filter_map(|name| wrong(name, &is_function, &is_file));
        found.extend(mistakes.map(|mistake| format!("{place}: {}: {mistake}", row.subject)));
    }
    let missing = numbers().map(|number| format!("R{number}")).filter(|number| !lines.contains_key(number.as_str()));
    found.extend(missing.map(|number| format!("{PAGE}: {number} has no row: say what is done, and what shows it")));
    found
}

#[test]
fn every_behaviour_names_a_test_that_exists() {
    none(&problems(text(PAGE), has_function, |path| root().join(path).is_file()));
}

#[test]
fn a_page_without_a_row_a_test_or_a_file_is_told_so() {
    let whole: String = numbers().map(|number| format!("| R{number} | It works. | `it_works_well` |\n")).collect();
    let check = |page: &str| problems(page, |name| name == "it_works_well", |path| path == "plugins/a/b.toml");
    assert_eq!(check(&whole), Vec::<String>::new());
    for (instead, expect) in [
        ("", vec!["R54 has no row"]),
        ("| R54 | It works. | |", vec!["R54 names no test"]),
        ("| R54 | This is not offered: nobody asks. | |", vec![]),
        ("| R54 | With `enrich_on_exit`. | `plugins/a/b.toml` |", vec![]),
        ("| R54 | It works. | `plugins/a/c.toml`, `it_works_well` |", vec!["there is no case `plugins/a/c.toml`"]),
        ("| R54 | It works. | `it_works_badly` |", vec!["no test is called `it_works_badly`"]),
        ("| R54 | It works. | `enabled` |", vec!["neither the name of a test"]),
        ("| R53 | Again. | `it_works_well` |", vec!["R53 has a row at line 53 already", "R54 has no row"]),
    ] {
        let told = check(&whole.replace("| R54 | It works. | `it_works_well` |", instead));
        assert_eq!(told.len(), expect.len(), "{instead}: {told:?}");
        assert!(told.iter().zip(&expect).all(|(told, words)| told.contains(words)), "{instead}: {told:?}");
    }
}
