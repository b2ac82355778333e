//! Predictive traits: scores that were made elsewhere, and where each stands among all of them.
//!
//! A file of predictions is written like one of profiles. It replaces what the source said before: who is not in it
//! any more has null in all its traits.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufReader, Seek as _, SeekFrom};

use serde_json::value::RawValue;

use crate::csv::Header;
use crate::import::{Read, header, identity, lines_hint, parse, quotes, read_error, spared, stray};
use crate::lines::{Found, Lines, Mark};
use crate::reject::{Bad, Code, shown};
use crate::staged::{Replaced, Staged};
use crate::{BAD_LINES_JUDGED_AFTER, Error, Options};
use enroute_store::Store;
use enroute_store::imports::Rejection;
use enroute_store::layers::Kind;
use enroute_store::stage::PERCENTILE;

/// Bytes that are read from the file at once.
const READ_BYTES: usize = 256 << 10;

/// Most scores of a file. Each is sorted over all people.
pub const SCORES_MAX: usize = 50;

/// Bad lines that are told.
const BAD_LINES_NAMED: usize = 5;

/// Replaces what the source says by a file of scores, and tells what became of it, the first bad lines, and what is
/// worth a look; `on_progress` gets bytes that are read and bytes of the file.
///
/// Waits for the disk: not to be called from async code.
///
/// # Errors
///
/// If the file cannot be read, too many lines are bad, a trait belongs to another source, or the store fails. Unless
/// the store fails nothing is written then.
pub fn run(
    store: &Store,
    options: &Options,
    now_ms: i64,
    on_progress: &mut dyn FnMut(u64, u64),
) -> Result<(Replaced, Vec<Rejection>, Vec<String>), Error> {
    let start = Mark::start(identity(store, options));
    let (header, mark) = header(options, start)?;
    let mut file = File::open(options.body()).map_err(read_error(&options.path))?;
    let bytes = file.metadata().map_err(read_error(&options.path))?.len();
    file.seek(SeekFrom::Start(mark.offset)).map_err(read_error(&options.path))?;
    let input = BufReader::with_capacity(READ_BYTES, file);
    let mut lines = Lines::new(input, mark, options.line_bytes_max, quotes(options.format, header.as_ref()));
    let mut staged = Staged::begin(store)?;
    let mut scores: BTreeSet<String> = header.iter().flat_map(|header| header.trait_names()).collect();
    let mut first_bad = Vec::new();
    loop {
        let read = match lines.next().map_err(read_error(&options.path))? {
            Found::End => break,
            Found::TooLong => Err(Bad::new(Code::TooLong, format!("longer than {} bytes", options.line_bytes_max))),
            Found::Last { is_open: true } => Err(Bad::cut(Code::CsvQuote, "a quoted cell is not closed")),
            Found::Stray => Err(stray(lines.record(), options)),
            Found::Record | Found::Last { .. } => match parse(lines.record(), header.as_ref(), options) {
                Ok(read) => Ok(read),
                Err(bad) => Err(spared(&mut lines, bad, options)?),
            },
        };
        let line = match read {
            Ok(Read::Profile(line)) => Some(line),
            Ok(_) => continue,
            Err(bad) => {
                reject(&mut staged, &mut first_bad, lines.before().line + 1, bad);
                None
            }
        };
        staged.counts.read += 1;
        if let Some(line) = line {
            let [_, traits, ..] = &line.parts;
            match row(traits.as_deref().unwrap_or("{}"), &scores) {
                Ok(row) => {
                    scores.extend(row.keys().filter(|name| !name.ends_with(PERCENTILE)).cloned());
                    let row = row.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
                    staged.put(&line.key, &row)?;
                }
                Err(bad) => reject(&mut staged, &mut first_bad, lines.before().line + 1, bad),
            }
        }
        if staged.counts.read.is_multiple_of(BAD_LINES_JUDGED_AFTER) {
            on_progress(lines.after().offset, bytes);
            judge(&staged.counts, options, &first_bad)?;
        }
    }
    on_progress(bytes, bytes);
    judge(&staged.counts, options, &first_bad)?;
    if scores.len() > SCORES_MAX {
        return Err(Error::Result { reason: format!("it has {} scores, and {SCORES_MAX} is the most", scores.len()) });
    }
    let scores: Vec<String> = scores.into_iter().collect();
    let names = scores.iter().flat_map(|name| [name.clone(), format!("{name}{PERCENTILE}")]).collect();
    let mut notes = header.as_ref().map(Header::notes).unwrap_or_default();
    if staged.counts.read == 0 {
        notes.push("the file has nobody in it".to_owned());
    }
    Ok((staged.carry(Kind::Predictive, options.source.as_str(), names, &scores, now_ms)?, first_bad, notes))
}

fn reject(staged: &mut Staged<'_>, first_bad: &mut Vec<Rejection>, line: u64, bad: Bad) {
    staged.counts.rejected += 1;
    if first_bad.len() < BAD_LINES_NAMED {
        first_bad.push(Rejection { line, code: bad.code.to_string(), reason: bad.reason });
    }
}

/// A person's scores; null for each that the person does not have.
fn row(traits: &str, scores: &BTreeSet<String>) -> Result<BTreeMap<String, Box<RawValue>>, Bad> {
    let said: BTreeMap<String, Box<RawValue>> =
        serde_json::from_str(traits).map_err(|_| Bad::new(Code::PartType, "traits must be a JSON object"))?;
    let mut row = BTreeMap::new();
    for name in scores.iter().chain(said.keys()) {
        let score =
            said.get(name).filter(|value| value.get() != "null").map(|value| number(name, value)).transpose()?;
        if score.is_none() {
            row.insert(format!("{name}{PERCENTILE}"), RawValue::NULL.to_owned());
        }
        row.insert(name.clone(), score.unwrap_or_else(|| RawValue::NULL.to_owned()));
    }
    Ok(row)
}

/// A score: a number, or a text that is one.
fn number(name: &str, value: &RawValue) -> Result<Box<RawValue>, Bad> {
    let text: String = serde_json::from_str(value.get()).unwrap_or_else(|_| value.get().to_owned());
    let text = text.trim();
    let as_json =
        || RawValue::from_string(text.to_owned()).ok().filter(|_| !text.starts_with(['{', '[', 't', 'f', '"']));
    let as_number = || {
        let number = serde_json::Number::from_f64(text.parse().ok()?)?;
        RawValue::from_string(number.to_string()).ok()
    };
    let is_name = !name.contains(['"', '\\', '.', '\0']) && !name.is_empty();
    let score = text.parse::<f64>().ok().filter(|score| is_name && score.is_finite());
    score
        .and_then(|_| as_json().or_else(as_number))
        .ok_or_else(|| Bad::new(Code::Score, format!("`{}` is not a number", shown(name))))
}

#[expect(clippy::cast_precision_loss, reason = "counts of lines lie far below 2^52")]
fn judge(counts: &Replaced, options: &Options, first: &[Rejection]) -> Result<(), Error> {
    if counts.rejected as f64 * 100.0 <= options.bad_lines_max_percent * counts.read as f64 {
        return Ok(());
    }
    Err(Error::TooManyBad {
        path: options.path.clone(),
        rejected: counts.rejected,
        read: counts.read,
        percent: options.bad_lines_max_percent,
        kept: 0,
        first: first.to_vec(),
        hint: lines_hint(options, first),
    })
}

#[cfg(test)]
mod tests;
