//! A profile from a record of CSV (RFC 4180, with a header).
//!
//! Cells are texts and stay exactly what they were; an empty one is a value that is not there. The header says
//! where each goes (`columns`).

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::CSV_COLUMNS_MAX;
use crate::cells;
use crate::columns::{Cell, Columns, Renamed};
use crate::json::{Line, utf8};
use crate::reject::{Bad, Code, check_id, shown};
use enroute_config::audiences_file::source::types::Kind;

/// Follows quotes through a file, to know which line ends do not end a record.
#[derive(Debug, Clone)]
pub(super) struct Quotes {
    delimiter: u8,
    state: State,
    /// How many cells a record has, where that is known.
    columns: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    CellStart,
    Plain,
    Quoted,
    /// After a quote in a quoted cell: its end, or the first of two that stand for one.
    QuoteInQuoted,
}

impl Quotes {
    pub(super) const fn new(delimiter: u8) -> Self {
        Self { delimiter, state: State::CellStart, columns: None }
    }

    /// The same, where a record is known to have so many cells.
    pub(super) const fn with_columns(self, columns: usize) -> Self {
        Self { columns: Some(columns), ..self }
    }

    /// Passes over bytes; tells whether a quoted cell is open behind them.
    pub(super) fn pass(&mut self, bytes: &[u8]) -> bool {
        for byte in bytes {
            self.state = match (self.state, *byte) {
                (State::CellStart | State::QuoteInQuoted, b'"') => State::Quoted,
                (State::Quoted, b'"') => State::QuoteInQuoted,
                (State::Quoted, _) => State::Quoted,
                (_, b'\n') => State::CellStart,
                (_, byte) if byte == self.delimiter => State::CellStart,
                _ => State::Plain,
            };
        }
        self.state == State::Quoted
    }

    /// Whether a quoted cell is open.
    pub(super) fn is_open(&self) -> bool {
        self.state == State::Quoted
    }

    /// Goes to the beginning of a record.
    pub(super) fn start_over(&mut self) {
        self.state = State::CellStart;
    }

    /// Whether a line is a whole record: it has the cells that a record has.
    pub(super) fn is_record(&self, line: &[u8]) -> bool {
        let cells = str::from_utf8(line).ok().and_then(|line| split(line, self.delimiter).ok());
        cells.is_some_and(|cells| Some(cells.len()) == self.columns)
    }

    /// The number of the cell that is open at the end of a line which begins a record.
    pub(super) fn open_cell(&self, line: &[u8]) -> usize {
        let mut quotes = Self::new(self.delimiter);
        let mut cell = 1;
        for byte in line {
            quotes.pass(std::slice::from_ref(byte));
            cell += usize::from(*byte == self.delimiter && !quotes.is_open());
        }
        cell
    }

    /// Ends the file; tells whether a quoted cell is open there.
    pub(super) fn end(&mut self) -> bool {
        std::mem::replace(&mut self.state, State::CellStart) == State::Quoted
    }
}

/// What the header says of the cells.
#[derive(Debug)]
pub(super) struct Header {
    delimiter: u8,
    columns: Columns,
    id_key: String,
    names: Vec<String>,
    /// What the cells are, in the order of the names.
    kinds: Vec<Kind>,
    /// Names that had blanks around them.
    trimmed: Vec<String>,
}

impl Header {
    /// Reads the header record.
    pub(super) fn parse(record: &[u8], delimiter: u8, id_key: &str, renamed: &Renamed) -> Result<Self, String> {
        if !delimiter.is_ascii() || matches!(delimiter, b'"' | b'\r' | b'\n') {
            return Err("the delimiter must be a character of ASCII, and no quote or line end".to_owned());
        }
        let cells = names(utf8(record).map_err(|bad| bad.reason)?, delimiter)?;
        let trimmed = cells.iter().filter(|(_, is_trimmed)| *is_trimmed).map(|(name, _)| name.clone()).collect();
        let names: Vec<String> = cells.into_iter().map(|(name, _)| name).collect();
        if names.len() > CSV_COLUMNS_MAX {
            return Err(format!("it has {} columns, and {CSV_COLUMNS_MAX} is the most", names.len()));
        }
        let columns = Columns::new(&names, renamed, id_key.trim())?;
        let kinds = vec![Kind::Text; names.len()];
        Ok(Self { delimiter, columns, id_key: id_key.to_owned(), names, kinds, trimmed })
    }

    /// The same with types by name, or why that cannot be.
    pub(super) fn with_types(mut self, types: &BTreeMap<String, Kind>) -> Result<Self, String> {
        for (name, kind) in types {
            let Some(at) = self.names.iter().position(|column| column == name) else {
                return Err(format!("there is no column `{}`, which `types` names", shown(name)));
            };
            if at == self.columns.id() && *kind != Kind::Text {
                return Err(format!("column `{}` is the id, which is a text: take it out of `types`", shown(name)));
            }
            if let Some(slot) = self.kinds.get_mut(at) {
                slot.clone_from(kind);
            }
        }
        Ok(self)
    }

    /// The names of the columns.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// The texts of a record's cells; nothing where it has more or fewer than the header.
    pub(super) fn cells<'r>(&self, record: &'r [u8]) -> Option<Vec<Cow<'r, str>>> {
        let cells = split(str::from_utf8(record).ok()?, self.delimiter).ok()?;
        (cells.len() == self.columns()).then_some(cells)
    }

    /// How many cells a record has.
    pub(super) const fn columns(&self) -> usize {
        self.columns.count()
    }

    /// The names of the traits that the file has columns of.
    pub(super) fn trait_names(&self) -> impl Iterator<Item = String> {
        self.columns.trait_names()
    }

    /// What is not wrong with the header and worth a look.
    pub(super) fn notes(&self) -> Vec<String> {
        if self.trimmed.is_empty() {
            return Vec::new();
        }
        let names: Vec<String> = self.trimmed.iter().take(NAMES_SHOWN).map(|name| shown(name)).collect();
        let more = if self.trimmed.len() > NAMES_SHOWN { ", …" } else { "" };
        let names = names.join("`, `");
        vec![format!("blanks around names of columns were taken off: `{names}`{more}; values keep theirs")]
    }

    /// Whether nothing is in a record but delimiters and blanks.
    pub(super) fn is_blank(&self, record: &[u8]) -> bool {
        is_blank(record, self.delimiter)
    }

    /// Checks a record.
    pub(super) fn line(&self, record: &[u8]) -> Result<Line<'static>, Bad> {
        let texts = split(utf8(record)?, self.delimiter)?;
        if texts.len() != self.columns() {
            let reason = format!("the record has {} cells, and the header has {}", texts.len(), self.columns());
            return Err(Bad::new(Code::CsvColumns, reason));
        }
        check_id(texts.get(self.columns.id()).map(AsRef::as_ref).unwrap_or_default(), &self.id_key)?;
        let typed = texts.iter().zip(&self.kinds).zip(&self.names);
        let cells =
            typed.map(|((cell, kind), name)| cells::read(kind, cell, name)).collect::<Result<Vec<Cell<'_>>, _>>()?;
        self.columns.line(&cells)
    }
}

/// Names that a note shows.
const NAMES_SHOWN: usize = 8;

/// Whether nothing is in a record but delimiters, blanks and empty quotes: what spreadsheets write below and between
/// the rows that are filled in.
pub(super) fn is_blank(record: &[u8], delimiter: u8) -> bool {
    let is_filler = |byte: &u8| *byte == delimiter || matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'"');
    if !record.iter().all(is_filler) {
        return false;
    }
    let cells = str::from_utf8(record).ok().and_then(|text| split(text, delimiter).ok());
    cells.is_some_and(|cells| cells.iter().all(|cell| cell.trim().is_empty()))
}

/// The delimiter that a first line like `sep=;` says, which spreadsheets write for each other.
pub(super) fn said_delimiter(record: &[u8]) -> Option<u8> {
    let text = record.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")).unwrap_or(record);
    match text {
        [s, e, p, b'=', delimiter] if [s, e, p].map(u8::to_ascii_lowercase) == *b"sep" => Some(*delimiter),
        _ => None,
    }
}

/// The names in a header, without blanks around them.
pub(super) fn names_of(line: &str, delimiter: u8) -> Vec<String> {
    let cells = names(line, delimiter).unwrap_or_default();
    cells.into_iter().map(|(name, _)| name).collect()
}

/// Each name of a header, and whether it had blanks around it, or around its quotes.
fn names(record: &str, delimiter: u8) -> Result<Vec<(String, bool)>, String> {
    let name = |cell: &str| {
        let inner = cell.trim_matches(is_blank_char);
        let quoted = inner.strip_prefix('"').and_then(|inner| inner.strip_suffix('"'));
        match quoted.filter(|_| inner.len() > 1) {
            Some(quoted) => quoted.replace("\"\"", "\"").trim_matches(is_blank_char).to_owned(),
            None => inner.to_owned(),
        }
    };
    let cells = match split(record, delimiter) {
        Ok(cells) => cells,
        // Blanks may stand behind a closing quote.
        Err(bad) => {
            let cells: Vec<&str> = record.split(char::from(delimiter)).collect();
            let quotes = |cell: &&str| cell.matches('"').count().is_multiple_of(2);
            if !cells.iter().all(quotes) {
                return Err(bad.reason);
            }
            cells.into_iter().map(Cow::Borrowed).collect()
        }
    };
    let read = |cell: &Cow<'_, str>| {
        let (name, is_trimmed) = (name(cell), cell.trim_matches(is_blank_char) != cell.as_ref());
        let is_open = is_trimmed && name.starts_with('"');
        if is_open { Err("a quoted cell is not closed".to_owned()) } else { Ok((name, is_trimmed)) }
    };
    cells.iter().map(read).collect()
}

/// Blanks, and marks without width that programs leave at a text's ends.
fn is_blank_char(char: char) -> bool {
    char.is_whitespace() || matches!(char, '\u{feff}' | '\u{200b}')
}

/// Cuts a record into its cells.
fn split(record: &str, delimiter: u8) -> Result<Vec<Cow<'_, str>>, Bad> {
    let delimiter = char::from(delimiter);
    let mut cells = Vec::new();
    let mut rest = record;
    loop {
        let after = if let Some(quoted) = rest.strip_prefix('"') {
            let (cell, after) = unquote(quoted)?;
            cells.push(cell);
            after
        } else {
            let end = rest.find(delimiter).unwrap_or(rest.len());
            let (cell, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
            cells.push(Cow::Borrowed(cell));
            after
        };
        match after.strip_prefix(delimiter) {
            Some(next) => rest = next,
            None if after.is_empty() => return Ok(cells),
            None => {
                let reason = format!("cell {} goes on after its closing quote", cells.len());
                return Err(Bad::new(Code::CsvQuote, reason));
            }
        }
    }
}

/// The content of a quoted cell, and what follows its closing quote.
fn unquote(text: &str) -> Result<(Cow<'_, str>, &str), Bad> {
    let mut cell = Cow::Borrowed("");
    let mut rest = text;
    while let Some((piece, after)) = rest.split_once('"') {
        // Adding to an empty borrowed text copies nothing.
        cell += piece;
        match after.strip_prefix('"') {
            Some(next) => {
                cell += "\"";
                rest = next;
            }
            None => return Ok((cell, after)),
        }
    }
    Err(Bad::cut(Code::CsvQuote, "a quoted cell is not closed"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(header: &str, record: &str, expect: &str) {
        let header = Header::parse(header.as_bytes(), b',', "id", &Renamed::new()).unwrap();
        let got = match header.line(record.as_bytes()) {
            Ok(line) => format!("ok: {} {}", line.key, line.parts.map(|part| part.unwrap_or("-".into())).join(" ")),
            Err(bad) => format!("{}: {}", bad.code, bad.reason),
        };
        assert_eq!(got, expect);
    }

    #[track_caller]
    fn check_header(header: &str, expect: &str) {
        assert_eq!(Header::parse(header.as_bytes(), b',', "id", &Renamed::new()).unwrap_err(), expect);
    }

    #[test]
    fn the_header_says_where_cells_go() {
        check(
            "plan,id,identifiers.ios.idfa,context.device.id,consent.ads,address.city,address.zip,traits.vip",
            "gold,u1,I,D,yes,Oslo,0150,true",
            concat!(
                r#"ok: u1 {"ios.idfa":"I"} {"address":{"city":"Oslo","zip":"0150"},"plan":"gold","vip":"true"} "#,
                r#"{"device":{"id":"D"}} {"ads":"yes"}"#
            ),
        );
    }

    #[test]
    fn cells_are_texts_kept_exactly_and_an_empty_one_is_no_value() {
        check("id,n", "u1,NaN", r#"ok: u1 - {"n":"NaN"} - -"#);
        check("id,n", "u1,007.50", r#"ok: u1 - {"n":"007.50"} - -"#);
        check("id,n", "u1,  x ", r#"ok: u1 - {"n":"  x "} - -"#);
        check("id,n,m", "u1,,", "ok: u1 - - - -");
        check("id,a.b.c,d", "u1,,x", r#"ok: u1 - {"d":"x"} - -"#);
        check("id,n", "u1,\"\"", "ok: u1 - - - -");
    }

    #[test]
    fn quotes_hold_delimiters_quotes_and_line_ends() {
        check("id,n", "u1,\"a,\"\"b\"\"\r\nc\"", r#"ok: u1 - {"n":"a,\"b\"\r\nc"} - -"#);
        check("id,n", "u1,5\" pipe", r#"ok: u1 - {"n":"5\" pipe"} - -"#);
        check("id,n", "u1,\"a\"b", "csv_quote: cell 2 goes on after its closing quote");
        check("id,n", "u1,\"a", "csv_quote: a quoted cell is not closed");
    }

    #[test]
    fn names_of_columns_are_trimmed_and_told() {
        check("id, plan ,\temail", "u1, gold,a", r#"ok: u1 - {"email":"a","plan":" gold"} - -"#);
        check("id, \"plan\" ,\"a b\"", "u1,x,y", r#"ok: u1 - {"a b":"y","plan":"x"} - -"#);
        check("\u{a0}id\u{200b},plan", "u1,x", r#"ok: u1 - {"plan":"x"} - -"#);
        let notes = |header: &str| Header::parse(header.as_bytes(), b',', "id", &Renamed::new()).unwrap().notes();
        let told = "blanks around names of columns were taken off: `plan`, `email`; values keep theirs";
        assert_eq!(notes("id, plan, email"), [told]);
        assert!(notes("id,plan,\"email\"").is_empty());
        check_header("id,plan, plan", "column `plan` stands twice, or is both a value and an object");
        check_header("id, id", "column `id` stands twice");
        check_header("id, \"a,b", "a quoted cell is not closed");
    }

    #[test]
    fn a_record_without_values_is_blank_whatever_separates_it() {
        for blank in ["", ",,", "  ", " , ,", "\"\",\"\"", "\" \",", ",,,,,,"] {
            assert!(is_blank(blank.as_bytes(), b','), "{blank:?}");
            assert!(is_blank(blank.replace(',', ";").as_bytes(), b';'), "{blank:?}");
            assert!(is_blank(blank.replace(',', "\t").as_bytes(), b'\t'), "{blank:?}");
        }
        for filled in ["a", ",a", ",;,", "\"\"\"\"", ",\"a\""] {
            assert!(!is_blank(filled.as_bytes(), b','), "{filled:?}");
        }
    }

    #[test]
    fn a_line_for_spreadsheets_says_what_separates_cells() {
        assert_eq!(said_delimiter(b"sep=;"), Some(b';'));
        assert_eq!(said_delimiter(b"\"SEP=\t\""), Some(b'\t'));
        assert_eq!(said_delimiter(b"separator=;"), None);
        assert_eq!(said_delimiter(b"id;plan"), None);
    }

    #[test]
    fn a_record_has_as_many_cells_as_the_header() {
        check("id,n", "u1", "csv_columns: the record has 1 cells, and the header has 2");
        check("id,n", "u1,a,b", "csv_columns: the record has 3 cells, and the header has 2");
        check("id,n", ",a", "id_empty: `id` is empty");
    }

    #[test]
    fn a_header_that_is_unclear_is_refused() {
        check_header("plan", "there is no column `id`");
        check_header("id,id", "column `id` stands twice");
        check_header("id,a,a", "column `a` stands twice, or is both a value and an object");
        check_header("id,a,a.b", "column `a.b` stands twice, or is both a value and an object");
        check_header("id,a.b,a", "column `a` stands twice, or is both a value and an object");
        check_header("id,a,traits.a", "column `traits.a` stands twice, or is both a value and an object");
        check_header("id,context", "column `context` needs a name behind a dot");
        check_header("id,", "column `` has an empty name");
        check_header("id,a..b", "column `a..b` has an empty name");
        check_header(
            &format!("id,{}", vec!["a"; 64].join(".")),
            &format!("column `{}…` is nested too deep", "a.".repeat(20)),
        );
        let many = (0..10_000).map(|i| format!(",c{i}")).collect::<String>();
        check_header(&format!("id{many}"), "it has 10001 columns, and 10000 is the most");
        assert!(Header::parse(b"id", b'"', "id", &Renamed::new()).is_err());
    }

    #[test]
    fn other_delimiters_leave_commas_alone() {
        let header = Header::parse(b"id;n", b';', "id", &Renamed::new()).unwrap();
        assert_eq!(header.line(b"u1;1,5").unwrap().parts[1].as_deref(), Some(r#"{"n":"1,5"}"#));
    }

    proptest! {
        #[test]
        fn cells_are_cut_as_the_csv_crate_cuts_them(cells in prop::collection::vec("[ab\",\r\n]{0,4}", 1..5)) {
            let mut writer = ::csv::Writer::from_writer(Vec::new());
            writer.write_record(&cells).unwrap();
            let written = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            prop_assert_eq!(split(written.trim_end_matches('\n'), b',').unwrap(), cells);
            prop_assert!(!Quotes::new(b',').pass(written.as_bytes()));
        }
    }
}
