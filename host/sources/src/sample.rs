//! What a file of CSV looks like, for somebody who is about to make a source of it: counts and shapes, no values.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::hash::BuildHasher as _;
use std::io::{BufReader, Seek as _, SeekFrom};

use enroute_config::audiences_file::source::types::Kind;
use enroute_store::seal::Sealer;

use crate::cells::Seen;
use crate::import::{header, quotes, read_error};
use crate::lines::{Found, Lines, Mark};
use crate::{Error, Format, Options, csv, look};

/// Rows that are looked at.
pub const ROWS_MAX: u64 = 100_000;

/// Different values of which a column has few.
const FEW: usize = 12;

/// What a column looks like.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Cells that are not empty.
    pub filled: u64,
    /// How many different ones.
    pub different: u64,
    /// Those that look like an e-mail address, and like a phone number.
    pub emails: u64,
    /// See `emails`.
    pub phones: u64,
    /// What the cells are.
    pub kind: Kind,
    /// Whether the cells count the rows.
    pub counts_rows: bool,
    /// Each value with the rows that have it, where there are few.
    pub few: BTreeMap<String, u64>,
}

/// What a file looks like.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Rows that were looked at.
    pub rows: u64,
    /// Its columns, in their order.
    pub columns: Vec<Column>,
    /// What separates its cells.
    pub delimiter: u8,
}

struct Look {
    seen: Seen,
    column: Column,
    hashes: HashSet<u64>,
}

/// Takes what separates cells, and the first name as id, from the header of a file of which nothing is known.
///
/// # Errors
/// If it cannot be read.
pub fn assume(options: &mut Options) -> Result<(), Error> {
    let head = look::head(options.body()).map_err(read_error(&options.path))?;
    let text = String::from_utf8_lossy(&head);
    let first = text.trim_start_matches('\u{feff}').lines().next().unwrap_or_default();
    let names = |delimiter: &u8| csv::names_of(first, *delimiter);
    if let Some(delimiter) = look::DELIMITERS.into_iter().max_by_key(|one| names(one).len()) {
        options.format = Format::Csv { delimiter };
        options.id_key = names(&delimiter).into_iter().find(|name| !name.is_empty()).unwrap_or_default();
    }
    Ok(())
}

/// Looks at the first rows.
///
/// # Errors
/// If it cannot be read, or its header makes no sense.
pub fn sample(options: &Options) -> Result<Sample, Error> {
    let start = Mark::start(Sealer::new(&[0; 32]).keyed_hasher("sample"));
    let (header, mark) = header(options, start)?;
    let Format::Csv { delimiter } = options.format else {
        return Ok(Sample { rows: 0, columns: Vec::new(), delimiter: b',' });
    };
    let Some(header) = header else { return Ok(Sample { rows: 0, columns: Vec::new(), delimiter }) };
    let mut file = File::open(options.body()).map_err(read_error(&options.path))?;
    file.seek(SeekFrom::Start(mark.offset)).map_err(read_error(&options.path))?;
    let quotes = quotes(options.format, Some(&header));
    let mut lines = Lines::new(BufReader::new(file), mark, options.line_bytes_max, quotes);
    let mut looks: Vec<Look> = header.names().iter().map(|name| Look::new(name)).collect();
    let (mut rows, state) = (0, RandomState::new());
    while rows < ROWS_MAX {
        match lines.next().map_err(read_error(&options.path))? {
            Found::End => break,
            Found::Record | Found::Last { is_open: false } => {}
            Found::TooLong | Found::Stray | Found::Last { is_open: true } => continue,
        }
        if header.is_blank(lines.record()) {
            continue;
        }
        let Some(cells) = header.cells(lines.record()) else { continue };
        rows += 1;
        for (look, cell) in looks.iter_mut().zip(&cells) {
            look.take(cell.trim(), rows, &state);
        }
    }
    Ok(Sample { rows, columns: looks.into_iter().map(Look::end).collect(), delimiter })
}

impl Look {
    fn new(name: &str) -> Self {
        let column = Column {
            name: name.to_owned(),
            filled: 0,
            different: 0,
            emails: 0,
            phones: 0,
            kind: Kind::Text,
            counts_rows: true,
            few: BTreeMap::new(),
        };
        Self { seen: Seen::default(), column, hashes: HashSet::new() }
    }

    fn take(&mut self, cell: &str, row: u64, state: &RandomState) {
        if cell.is_empty() {
            return;
        }
        self.seen.look(cell);
        let column = &mut self.column;
        column.filled += 1;
        column.emails += u64::from(is_email(cell));
        column.phones += u64::from(is_phone(cell));
        column.counts_rows &= cell.parse::<u64>().is_ok_and(|number| number == row || number + 1 == row);
        self.hashes.insert(state.hash_one(cell));
        if self.hashes.len() <= FEW {
            *column.few.entry(cell.to_owned()).or_default() += 1;
        } else {
            column.few.clear();
        }
    }

    fn end(self) -> Column {
        let kind = self.seen.decide(&self.column.name).kind;
        Column { different: self.hashes.len() as u64, kind, ..self.column }
    }
}

fn is_email(cell: &str) -> bool {
    let inner = |(name, host): (&str, &str)| !name.is_empty() && !host.contains('@') && host.contains('.');
    cell.split_once('@').is_some_and(inner) && !cell.contains(' ')
}

fn is_phone(cell: &str) -> bool {
    let digits = cell.chars().filter(char::is_ascii_digit).count();
    (7..=15).contains(&digits)
        && cell.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '(' | ')' | '/'))
}
