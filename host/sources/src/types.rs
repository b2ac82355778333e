//! What the columns of a CSV file are, found from all their cells, or checked against what the operator says.
//!
//! What must never happen: a column of two types, or a value in a message.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Seek as _, SeekFrom};

use enroute_config::audiences_file::source::types::{Kind, Types};

use crate::cells::{self, Seen};
use crate::import::{header, quotes, read_error};
use crate::lines::{Found, Lines, Mark};
use crate::reject::shown;
use crate::{Decided, Error, Options};
use enroute_store::seal::Sealer;

/// Records in which a type that is said has to fit, before any is imported.
const RECORDS_TRIED: usize = 1_000;

/// Finds the types of columns, or checks those that are said; `options` has them afterwards.
pub(super) fn decide(options: &mut Options, types: &Types) -> Result<Vec<Decided>, Error> {
    match types {
        Types::Named(named) if named.is_empty() => Ok(Vec::new()),
        Types::Named(named) => {
            let (names, seen) = look(options, RECORDS_TRIED, named)?;
            check(options, named, &names, &seen)?;
            options.types.clone_from(named);
            Ok(Vec::new())
        }
        Types::Auto => {
            let (names, seen) = look(options, usize::MAX, &BTreeMap::new())?;
            let is_trait = |name: &str| {
                let goes = options.columns.get(name).map_or(name, String::as_str);
                goes != options.id_key.trim() && !["identifiers.", "consent."].iter().any(|part| goes.starts_with(part))
            };
            let columns = names.iter().zip(&seen).filter(|(name, _)| is_trait(name));
            let decided: Vec<Decided> = columns.map(|(name, (seen, _))| seen.decide(name)).collect();
            let kinds = decided.iter().filter(|one| one.kind != Kind::Text);
            options.types = kinds.map(|one| (one.column.clone(), one.kind.clone())).collect();
            Ok(decided)
        }
    }
}

/// What was seen of each column, and how many of its cells the type that is said does not read.
type Columns = (Vec<String>, Vec<(Seen, u64)>);

/// Looks at the cells of so many records.
fn look(options: &Options, records_max: usize, said: &BTreeMap<String, Kind>) -> Result<Columns, Error> {
    let fail = || read_error(&options.path);
    // Nothing is kept of this hash.
    let start = Mark::start(Sealer::new(&[0; 32]).keyed_hasher("types"));
    let (header, mark) = header(options, start)?;
    let Some(header) = header else { return Ok((Vec::new(), Vec::new())) };
    if let Some(absent) = said.keys().find(|name| !header.names().contains(name)) {
        return Err(Error::Header {
            path: options.path.clone(),
            reason: format!("there is no column `{}`, which `types` names", shown(absent)),
            hint: format!("mend `types` of [source.{}]", options.source),
        });
    }
    let mut file = File::open(options.body()).map_err(fail())?;
    file.seek(SeekFrom::Start(mark.offset)).map_err(fail())?;
    let quotes = quotes(options.format, Some(&header));
    let mut lines = Lines::new(BufReader::new(file), mark, options.line_bytes_max, quotes);
    let kinds: Vec<Option<&Kind>> = header.names().iter().map(|name| said.get(name)).collect();
    let mut seen = vec![(Seen::default(), 0); header.names().len()];
    let mut records = 0;
    while records < records_max {
        match lines.next().map_err(fail())? {
            Found::End => break,
            Found::Record | Found::Last { is_open: false } => {}
            Found::TooLong | Found::Stray | Found::Last { is_open: true } => continue,
        }
        if header.is_blank(lines.record()) {
            continue;
        }
        let Some(texts) = header.cells(lines.record()) else { continue };
        records += 1;
        for ((cell, (seen, unread)), kind) in texts.iter().zip(&mut seen).zip(&kinds) {
            seen.look(cell);
            *unread += u64::from(kind.is_some_and(|kind| cells::read(kind, cell, "").is_err()));
        }
    }
    Ok((header.names().to_vec(), seen))
}

/// Refuses a type that does not read a column which another type reads from end to end.
fn check(
    options: &Options,
    said: &BTreeMap<String, Kind>,
    names: &[String],
    seen: &[(Seen, u64)],
) -> Result<(), Error> {
    for (name, (seen, unread)) in names.iter().zip(seen) {
        let Some(kind) = said.get(name).filter(|_| *unread > 0) else { continue };
        let alike = |other: &&Kind| std::mem::discriminant(*other) == std::mem::discriminant(kind);
        let fitting: Vec<Kind> = seen.fitting();
        let Some(other) = fitting.iter().find(alike) else { continue };
        return Err(Error::Header {
            path: options.path.clone(),
            reason: format!("column `{}` is no `{kind}`; `{other}` fits", shown(name)),
            hint: format!("write `{name} = \"{other}\"` in `types` of [source.{}]", options.source),
        });
    }
    Ok(())
}
