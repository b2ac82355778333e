//! A file of profiles that holds everybody: read to its end before anything is taken over.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Seek as _, SeekFrom};
use std::time::UNIX_EPOCH;

use tokio_util::sync::CancellationToken;

use crate::csv::Header;
use crate::import::{
    Read as Record, header, identity, identity_path, lines_hint, parse, quotes, read_error, spared, stray,
};
use crate::json::Line;
use crate::lines::{Found, Lines, Mark};
use crate::reject::{Bad, Code};
use crate::whole::{End, Read, Snapshot, Whole};
use crate::{BAD_LINES_JUDGED_AFTER, Error, Options, hexadecimal};
use enroute_store::Store;
use enroute_store::profiles::PARTS;

/// Bytes that are read from the file at once.
const READ_BYTES: usize = 256 << 10;

/// Most names of which it is counted how many lines have them. A file with more has names that are data.
const NAMES_COUNTED_MAX: usize = 2_000;

/// Replaces what the source says by a file of profiles; `on_progress` gets bytes that are read and bytes of the file.
///
/// Waits for the disk: not to be called from async code.
///
/// # Errors
///
/// If the file cannot be read, ends in the middle of a line, has too many bad lines or is not believed, or the store
/// fails. Unless the store fails nothing is written then.
pub fn read(
    store: &Store,
    options: &Options,
    snapshot: Snapshot,
    now_ms: i64,
    stop: &CancellationToken,
    on_progress: &mut dyn FnMut(u64, u64),
) -> Result<Read, Error> {
    let (header, mark) = header(options, Mark::start(identity(store, options)))?;
    let mut file = File::open(options.body()).map_err(read_error(&options.path))?;
    let about = file.metadata().map_err(read_error(&options.path))?;
    let bytes = about.len();
    let as_of = about.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    file.seek(SeekFrom::Start(mark.offset)).map_err(read_error(&options.path))?;
    let input = BufReader::with_capacity(READ_BYTES, file);
    let mut lines = Lines::new(input, mark, options.line_bytes_max, quotes(options.format, header.as_ref()));
    let mut whole = Whole::begin(store, options.source.as_str(), snapshot)?;
    if let Some(header) = &header {
        whole.note(header.trait_names()).map_err(|bad| Error::Columns { reason: bad.reason })?;
    }
    let mut filled = Filled::default();
    loop {
        let found = lines.next().map_err(read_error(&options.path))?;
        let is_last = matches!(found, Found::Last { .. });
        let read = match found {
            Found::End => break,
            Found::TooLong => Err(Bad::new(Code::TooLong, format!("longer than {} bytes", options.line_bytes_max))),
            Found::Last { is_open: true } => Err(Bad::cut(Code::CsvQuote, "a quoted cell is not closed")),
            Found::Stray => Err(stray(lines.record(), options)),
            Found::Record | Found::Last { .. } => match parse(lines.record(), header.as_ref(), options) {
                Ok(read) => Ok(read),
                Err(bad) => Err(spared(&mut lines, bad, options)?),
            },
        };
        if is_last && read.as_ref().is_err_and(|bad| bad.is_cut) {
            let reason = "its last line is not whole: the file is cut off, or is still being written";
            return Err(Error::Result { reason: reason.to_owned() });
        }
        let line = match read {
            Ok(Record::Profile(line)) => Ok(line),
            Ok(_) => continue,
            Err(bad) => Err(bad),
        };
        if let Ok(line) = &line {
            filled.count(line);
        }
        let number = lines.before().line + 1;
        whole.take(number, line)?;
        if whole.read.counts.read.is_multiple_of(BAD_LINES_JUDGED_AFTER) {
            on_progress(lines.after().offset, bytes);
            judge(&whole.read, options)?;
            if stop.is_cancelled() {
                return Err(Error::Stopped);
            }
        }
    }
    on_progress(bytes, bytes);
    judge(&whole.read, options)?;
    let mut hasher = identity(store, options);
    let path = identity_path(options)?;
    hasher.update_part(Some(path.to_string_lossy().as_bytes()));
    whole.read.notes.extend(header.as_ref().map(Header::notes).unwrap_or_default());
    whole.end(End {
        digest: hexadecimal(hasher.finish()),
        columns: filled.of(header.as_ref()),
        has_header: header.is_some(),
        is_full: true,
        as_of_ms: as_of.and_then(|at| i64::try_from(at.as_millis()).ok()),
        cursor: None,
        now_ms,
    })
}

/// How many lines have a value under each name.
#[derive(Debug, Default)]
struct Filled(BTreeMap<String, u64>);

impl Filled {
    fn count(&mut self, line: &Line<'_>) {
        for (part, text) in PARTS.iter().zip(&line.parts) {
            let Some(text) = text else { continue };
            let Ok(members) = serde_json::from_str::<BTreeMap<String, &serde_json::value::RawValue>>(text) else {
                continue;
            };
            for (name, _) in members.iter().filter(|(_, value)| value.get() != "null") {
                let name = if *part == "traits" { name.clone() } else { format!("{part}.{name}") };
                if self.0.len() < NAMES_COUNTED_MAX || self.0.contains_key(&name) {
                    *self.0.entry(name).or_default() += 1;
                }
            }
        }
    }

    /// With the columns of the header that have no value at all.
    fn of(mut self, header: Option<&Header>) -> BTreeMap<String, u64> {
        for name in header.iter().flat_map(|header| header.trait_names()) {
            self.0.entry(name).or_default();
        }
        self.0
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of lines lie far below 2^52")]
fn judge(read: &Read, options: &Options) -> Result<(), Error> {
    let counts = &read.counts;
    if counts.rejected as f64 * 100.0 <= options.bad_lines_max_percent * counts.read as f64 {
        return Ok(());
    }
    Err(Error::TooManyBad {
        path: options.path.clone(),
        rejected: counts.rejected,
        read: counts.read,
        percent: options.bad_lines_max_percent,
        kept: 0,
        first: read.bad.clone(),
        hint: lines_hint(options, &read.bad),
    })
}
