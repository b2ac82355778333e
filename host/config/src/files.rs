//! The files' texts as diagnostics show them, and places within them.
//!
//! Invariant: a text kept here has no literal secret in it; what a secret could be is covered with `*`
//! before anything is drawn (test `covering_keeps_every_offset`).

use std::fmt;
use std::ops::Range;
use std::path::Path;

/// One of the files in [`Files`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(usize);

/// A stretch of bytes in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: FileId,
    /// The bytes.
    pub span: Range<usize>,
}

impl Place {
    /// The bytes `span` of `file`.
    #[must_use]
    pub const fn new(file: FileId, span: Range<usize>) -> Self {
        Self { file, span }
    }
}

/// A value, and where the operator wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub place: Place,
}

impl<T> Located<T> {
    /// A value at a place.
    pub const fn new(value: T, place: Place) -> Self {
        Self { value, place }
    }

    /// Another value at the same place.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Located<U> {
        Located { value: change(self.value), place: self.place }
    }
}

/// A line and column, both counted from 1; the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// The texts that diagnostics point into.
#[derive(Default, Clone)]
pub struct Files {
    files: Vec<File>,
}

#[derive(Clone)]
struct File {
    name: String,
    text: String,
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.files.iter().map(|file| &file.name)).finish()
    }
}

impl Files {
    /// Takes in a text under the name of its path, as an operator would write it.
    pub fn add(&mut self, path: &Path, text: &str) -> FileId {
        let id = FileId(self.files.len());
        self.files.push(File { name: shown(path), text: text.to_owned() });
        id
    }

    /// The name of a file as messages show it.
    #[must_use]
    pub fn name(&self, file: FileId) -> &str {
        self.files.get(file.0).map_or("", |file| &file.name)
    }

    /// The text of a file, literal secrets covered.
    #[must_use]
    pub fn text(&self, file: FileId) -> &str {
        self.files.get(file.0).map_or("", |file| &file.text)
    }

    /// The line and column at which a place begins.
    #[must_use]
    pub fn position(&self, place: &Place) -> Position {
        let text = self.text(place.file);
        let before = text.get(..text.floor_char_boundary(place.span.start)).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        Position { line: before.matches('\n').count() + 1, column }
    }

    /// The place of one byte of a text that stands at `place` as a string of TOML, from there to the end of the string.
    /// The whole place where that cannot be told.
    #[must_use]
    pub fn within(&self, place: &Place, offset: usize) -> Place {
        let raw = self.text(place.file).get(place.span.clone()).unwrap_or_default();
        let Some(at) = raw_offset(raw, offset) else { return place.clone() };
        Place::new(place.file, (place.span.start + at).min(place.span.end)..place.span.end)
    }

    /// Covers the given bytes of a file with `*`, for good. Offsets and lines stay as they are.
    pub fn cover(&mut self, file: FileId, spans: &[Range<usize>]) {
        let Some(file) = self.files.get_mut(file.0) else { return };
        if spans.is_empty() {
            return;
        }
        let mut spans = spans.to_vec();
        spans.sort_by_key(|span| span.start);
        let mut text = String::with_capacity(file.text.len());
        let mut ahead = spans.iter();
        let mut covered_to = 0;
        let mut next = ahead.next();
        for (at, char) in file.text.char_indices() {
            while let Some(span) = next
                && span.start <= at
            {
                covered_to = covered_to.max(span.end);
                next = ahead.next();
            }
            if at < covered_to && !matches!(char, '\n' | '\r') {
                text.extend(std::iter::repeat_n('*', char.len_utf8()));
            } else {
                text.push(char);
            }
        }
        file.text = text;
    }
}

/// Where a byte of a string's value stands in the string as it is written, its quotes included.
fn raw_offset(raw: &str, offset: usize) -> Option<usize> {
    let quotes = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quotes| raw.starts_with(quotes))?;
    let mut at = quotes.len();
    if quotes.len() == 3 {
        // A line break right behind the quotes is no part of the text.
        let rest = raw.get(at..)?;
        at += if rest.starts_with("\r\n") { 2 } else { usize::from(rest.starts_with('\n')) };
    }
    let mut read = 0;
    loop {
        let rest = raw.get(at..)?;
        let first = rest.chars().next()?;
        let joins_lines = first == '\\' && rest.chars().nth(1).is_some_and(char::is_whitespace);
        if joins_lines && !quotes.starts_with('\'') {
            let skipped = rest.get(1..)?;
            at += 1 + skipped.len() - skipped.trim_start().len();
            continue;
        }
        if read >= offset {
            return Some(at);
        }
        if first != '\\' || quotes.starts_with('\'') {
            at += first.len_utf8();
            read += first.len_utf8();
            continue;
        }
        let digits = match rest.chars().nth(1)? {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        let code = rest.get(2..2 + digits).filter(|_| digits > 0).and_then(|code| u32::from_str_radix(code, 16).ok());
        read += code.and_then(char::from_u32).map_or(1, char::len_utf8);
        at += 2 + digits;
    }
}

/// A path as an operator would write it: without the `./` that joining with `.` leaves.
pub(super) fn shown(path: &Path) -> String {
    path.strip_prefix(".").unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covering_keeps_every_offset() {
        let mut files = Files::default();
        let id = files.add(Path::new("./plugins.toml"), "a = \"höhö\"\nb = 1\n");
        files.cover(id, &[5..11, 6..8]);
        assert_eq!(files.text(id), "a = \"******\"\nb = 1\n");
        assert_eq!(files.name(id), "plugins.toml");
        assert_eq!(format!("{files:?}"), r#"["plugins.toml"]"#);
    }

    #[test]
    fn a_place_within_a_string_is_found_however_it_is_written() {
        let check = |raw: &str, value: &str| {
            for (offset, char) in value.char_indices().filter(|(_, char)| char.is_ascii_uppercase()) {
                let at = raw_offset(raw, offset).unwrap();
                assert!(raw[at..].starts_with(char), "{raw}: {offset} is not {at}");
            }
        };
        check(r#""a = B""#, "a = B");
        check(r#""a = \"B\" and \u00e9C \U0001F600D \\ E""#, "a = \"B\" and éC 😀D \\ E");
        check(r"'a\b C'", r"a\b C");
        check("\"\"\"\r\nfirst\nB = 'C'\"\"\"", "first\nB = 'C'");
        check("\'\'\'\nA\'\'\'", "A");
        check("\"\"\"one \\\n   B\"\"\"", "one B");
        assert_eq!((raw_offset("7", 0), raw_offset("\"a\"", 9)), (None, None));
    }

    #[test]
    fn a_position_counts_lines_and_characters_from_one() {
        let mut files = Files::default();
        let id = files.add(Path::new("x/y.toml"), "é = 1\r\nabc");
        for (start, line, column) in [(0, 1, 1), (1, 1, 1), (2, 1, 2), (7, 1, 7), (8, 2, 1), (11, 2, 4), (99, 2, 4)] {
            assert_eq!(files.position(&Place::new(id, start..start)), Position { line, column }, "{start}");
        }
    }
}
