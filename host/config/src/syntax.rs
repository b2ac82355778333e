//! Text to TOML: what is wrong with a text before anything in it can have a meaning.

use std::ops::Range;

use toml::de::{DeTable, Error};

use crate::code::Code;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::files::{FileId, Place};
use crate::veil;

/// Most syntax errors reported of one file; those after the first are often its consequences.
const SYNTAX_ERRORS_MAX: usize = 5;

/// What the TOML parser calls a name or key that is there already.
const DUPLICATE: &str = "duplicate key";

/// What came of a text.
pub(super) struct Parsed<'text> {
    /// The tables, as far as they could be read.
    pub(super) table: DeTable<'text>,
    /// Whether the tables hold all that the text says, so that what is missing in them is missing.
    pub(super) whole: bool,
    /// What must not be shown of a text that has errors and may have secrets.
    pub(super) doubtful: Vec<Range<usize>>,
}

/// Parses a text and reports what is wrong with it; `secretive` if people put secrets into such a file.
pub(super) fn parse<'text>(text: &'text str, file: FileId, secretive: bool, found: &mut Diagnostics) -> Parsed<'text> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let doubtful = if secretive && !errors.is_empty() { veil::doubtful(text) } else { Vec::new() };
    let (duplicates, broken): (Vec<_>, Vec<_>) = errors.iter().partition(|error| error.message() == DUPLICATE);
    let mut lines = Vec::new();
    for error in &broken {
        let span = error.span().unwrap_or(text.len()..text.len());
        let line = line_of(text, span.start);
        if lines.contains(&line) || lines.len() == SYNTAX_ERRORS_MAX {
            continue;
        }
        let mut diagnostic = syntax_error(error, text.get(line.clone()).unwrap_or_default(), &Place::new(file, span));
        if doubtful.iter().any(|span| line.contains(&span.start)) {
            diagnostic = diagnostic.label("what may be a secret is covered");
        }
        lines.push(line);
        found.push(diagnostic);
    }
    for error in &duplicates {
        let crowded = found.is_full();
        found.push(duplicate(text, file, error, crowded));
    }
    Parsed { table: table.into_inner(), whole: broken.is_empty(), doubtful }
}

/// What the TOML parser says of a backslash in double quotes that begins no escape.
const ESCAPES: [&str; 3] = ["missing escaped value", "too few unicode value digits", "invalid value"];

/// What to do about a backslash that was meant as one.
pub(super) const BACKSLASH_HINT: &str =
    "write a path in single quotes, like 'C:\\data\\people.csv', or write each backslash twice";

fn syntax_error(error: &Error, line: &str, place: &Place) -> Diagnostic {
    if line.contains('\\') && (ESCAPES.iter().any(|known| is_said(error, known)) || has_drive(line)) {
        let message = "this is not TOML: in double quotes a backslash begins an escape, like \\n for a line feed";
        return Diagnostic::error(Code::Syntax, message).at(place).hint(BACKSLASH_HINT);
    }
    // What the parser says of a word where a value should stand is about the word only.
    if !error.message().starts_with("string values must be quoted") {
        return Diagnostic::error(Code::Syntax, format!("this is not TOML: {}", error.message())).at(place);
    }
    let problem = if place.span.is_empty() { "a value is missing" } else { "this is not a value" };
    Diagnostic::error(Code::Syntax, format!("this is not TOML: {problem}"))
        .at(place)
        .hint("a text needs quotes around it: \"…\"")
}

/// Whether the parser says this, with or without what it expected instead.
fn is_said(error: &Error, known: &str) -> bool {
    error.message().strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with(", expected"))
}

/// Whether a path of Windows stands in double quotes: `"C:\…` or `"\\server\…`.
fn has_drive(line: &str) -> bool {
    line.split('"').skip(1).any(|text| {
        let text = text
            .strip_prefix(|c: char| c.is_ascii_alphabetic())
            .and_then(|rest| rest.strip_prefix(':'))
            .unwrap_or(text);
        text.starts_with('\\')
    })
}

fn duplicate(text: &str, file: FileId, error: &Error, crowded: bool) -> Diagnostic {
    let span = error.span().unwrap_or(0..0);
    let name = text.get(span.clone()).unwrap_or_default().trim_matches(['"', '\'']);
    let line = line_of(text, span.start);
    let written = text.get(line.clone()).unwrap_or_default().trim();
    let diagnostic =
        Diagnostic::error(Code::Duplicate, format!("`{name}` is given twice")).at(&Place::new(file, span.clone()));
    if !written.starts_with('[') {
        return diagnostic.hint("remove one of the two lines");
    }
    let diagnostic = diagnostic.hint("give one of them another name, or remove it");
    // The parser does not tell where the first one is, but it looks the same in all files that people write.
    match (!crowded).then(|| header_before(text, line.start, written)).flatten() {
        Some(first) => diagnostic.also(&Place::new(file, first), "the first one"),
        None => diagnostic,
    }
}

/// Where the same header stands before the byte `end`.
fn header_before(text: &str, end: usize, header: &str) -> Option<Range<usize>> {
    let mut at = 0;
    for line in text.get(..end)?.split_inclusive('\n') {
        if line.trim() == header {
            let start = at + line.len() - line.trim_start().len();
            return Some(start..start + header.len());
        }
        at += line.len();
    }
    None
}

/// The bytes of the line that the byte `at` is in, without its end.
fn line_of(text: &str, at: usize) -> Range<usize> {
    let at = text.floor_char_boundary(at);
    let start = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
    let end = text.get(at..).and_then(|rest| rest.find('\n')).map_or(text.len(), |length| at + length);
    start..end
}
