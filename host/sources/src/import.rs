//! An import: reads a file, hands its profiles to the store in chunks, and goes on where it was killed.
//!
//! Invariant: the place in the file is stored in the transaction of the profiles before it. While one chunk
//! is written the next is read; a third waits, so that memory is bounded.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::chunk::Chunk;
use crate::csv::{self, Header, Quotes};
use crate::events::{self, Call};
use crate::json::{self, Line};
use crate::lines::{Found, Lines, Mark};
use crate::look;
use crate::names::Names;
use crate::reject::{Bad, Code};
use crate::rows;
use crate::{BAD_LINES_JUDGED_AFTER, Error, Format, Holds, Incomplete, Options, Progress, Report, hexadecimal};
use enroute_config::crash_point;
use enroute_store::events::message_hash;
use enroute_store::imports::{Record, Rejection, State};
use enroute_store::profiles::ContentHasher;
use enroute_store::seal::{KeyedHasher, Sealer};
use enroute_store::{self as store, Pending, Store, Transaction};

/// Bytes that are read from the file at once.
const READ_BYTES: usize = 256 << 10;

/// What to do about a column that is a trait of another source.
const RENAME: &str = "rename the column in the file, or the trait where it comes from";

/// Bad lines that an error names.
const BAD_LINES_NAMED: usize = 3;

/// An import in progress.
#[derive(Debug)]
pub struct Import<'a> {
    options: &'a Options,
    lines: Lines<BufReader<File>>,
    /// Of a CSV file.
    header: Option<Header>,
    hasher: ContentHasher,
    sealer: Sealer,
    names: Names,
    /// As it is when all that was read so far is written; without the counts that only the store knows.
    record: Record,
    resumed_at: Option<u64>,
    first_bad: Vec<Rejection>,
    incomplete: Option<Incomplete>,
}

impl<'a> Import<'a> {
    /// Imports a file from the start, or from where an interrupted import of the same bytes came to.
    ///
    /// `on_progress` is called after each commit and may ask to stop; `now_ms` is the clock, in ms since 1970.
    /// Waits for the disk: not to be called from async code.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, the store cannot be written, or too many lines are bad. What was committed
    /// before stays.
    pub fn run(
        store: &'a Store,
        options: &'a Options,
        now_ms: impl Fn() -> i64,
        mut on_progress: impl FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<Report, Error> {
        let mut import = Self::begin(store, options, now_ms())?;
        let mut waiting: Option<Pending<Record>> = None;
        loop {
            let chunk = import.fill(&now_ms)?;
            let is_last = chunk.after.state != State::Running;
            let next = {
                let sealer = store.sealer().clone();
                store.submit_relaxed(move |tx| chunk.write(tx, &sealer))?
            };
            if is_last {
                if let Some(before) = waiting.take() {
                    let _ = on_progress(&Progress::from(&before.wait()?));
                }
                let record = next.wait()?;
                let _ = on_progress(&Progress::from(&record));
                return import.end(&record);
            }
            let Some(before) = waiting.replace(next) else { continue };
            crash_point!("import.read");
            if on_progress(&Progress::from(&before.wait()?)).is_break()
                && let Some(last) = waiting.take()
            {
                return Ok(Report { interrupted: true, ..import.report(&last.wait()?) });
            }
        }
    }

    /// Whether the file was imported as it is: the same bytes, read in the same way, to the end.
    ///
    /// # Errors
    ///
    /// If the file or the store cannot be read.
    pub fn is_known(store: &Store, options: &Options) -> Result<bool, Error> {
        let path = identity_path(options)?;
        let latest = store.reader()?.latest_import(options.source.as_str(), &path.to_string_lossy())?;
        let mut file = File::open(options.body()).map_err(read_error(&path))?;
        let bytes = file.metadata().map_err(read_error(&path))?.len();
        let is_whole = |record: &Record| record.state == State::Done && record.offset == bytes;
        let Some(record) = latest.filter(is_whole) else { return Ok(false) };
        let start = Mark::start(identity(store, options));
        Ok(same_until(&mut file, start, &record).map_err(read_error(&path))?.is_some())
    }

    fn begin(store: &'a Store, options: &'a Options, now_ms: i64) -> Result<Self, Error> {
        let path = identity_path(options)?;
        let start = Mark::start(identity(store, options));
        let (header, after_header) = header(options, start.clone())?;
        let mut file = File::open(options.body()).map_err(read_error(&path))?;
        let bytes = file.metadata().map_err(read_error(&path))?.len();
        let path_text = path.to_string_lossy().into_owned();

        let latest = store.reader()?.latest_import(options.source.as_str(), &path_text)?;
        let earlier = latest.filter(|record| can_go_on(record) && record.offset <= bytes);
        let resumed = match earlier {
            Some(record) => same_until(&mut file, start, &record).map_err(read_error(&path))?.zip(Some(record)),
            None => None,
        };
        let resumed_at = resumed.as_ref().map(|(mark, _)| mark.offset);
        let (mark, record) = match resumed {
            Some((mark, record)) => (mark, Record { state: State::Running, ended_ms: None, ..record }),
            None => {
                let record = new_record(options, path_text, bytes, now_ms);
                let begun = store.submit_relaxed(move |tx| start_import(tx, record))?.wait()?;
                crash_point!("import.begun");
                (after_header, begun)
            }
        };
        let mut names = Names::new(&store.reader()?)?;
        if let Some(header) = &header {
            let mut noted = header.trait_names().map(|name| names.note(&name));
            noted.try_for_each(|noted| noted).map_err(|bad| Error::Header {
                path: path.clone(),
                reason: bad.reason,
                hint: RENAME.to_owned(),
            })?;
        }
        file.seek(SeekFrom::Start(mark.offset)).map_err(read_error(&path))?;
        let quotes = quotes(options.format, header.as_ref());
        let input = BufReader::with_capacity(READ_BYTES, file);
        Ok(Self {
            options,
            lines: Lines::new(input, mark, options.line_bytes_max, quotes),
            header,
            hasher: ContentHasher::new(store.sealer()),
            sealer: store.sealer().clone(),
            names,
            record: Record { bytes, ..record },
            resumed_at,
            first_bad: Vec::new(),
            incomplete: None,
        })
    }

    /// Reads the next chunk.
    fn fill(&mut self, now_ms: impl Fn() -> i64) -> Result<Chunk, Error> {
        let mut chunk = Chunk::new(&self.record);
        let mut end = None;
        while end.is_none() && !chunk.is_full(self.options.chunk_lines) {
            end = self.read_one(&mut chunk)?;
        }
        self.names.take_new().for_each(|name| chunk.push_name(name));
        let at = if self.incomplete.is_some() { self.lines.before() } else { self.lines.after() };
        self.record.offset = at.offset;
        self.record.line = at.line;
        self.record.file_id = hexadecimal(at.hash());
        // The file may have grown since it was opened.
        self.record.bytes = self.record.bytes.max(self.lines.after().offset);
        if let Some(state) = end {
            self.record.state = state;
            self.record.ended_ms = Some(now_ms());
        }
        chunk.after = self.record.clone();
        Ok(chunk)
    }

    /// Reads one record into the chunk; tells how the import ends, if it does.
    fn read_one(&mut self, chunk: &mut Chunk) -> Result<Option<State>, Error> {
        let found = self.lines.next().map_err(read_error(&self.options.path))?;
        let is_last = matches!(found, Found::Last { .. });
        let parsed = match found {
            Found::End => return Ok(Some(self.judge_at_the_end())),
            Found::TooLong => {
                Err(Bad::new(Code::TooLong, format!("longer than {} bytes", self.options.line_bytes_max)))
            }
            Found::Last { is_open: true } => Err(Bad::cut(Code::CsvQuote, "a quoted cell is not closed")),
            Found::Stray => Err(stray(self.lines.record(), self.options)),
            Found::Record | Found::Last { is_open: false } => {
                match parse(self.lines.record(), self.header.as_ref(), self.options) {
                    Ok(read) => self.names.note_all(read.names()).map(|()| read),
                    Err(bad) => Err(spared(&mut self.lines, bad, self.options)?),
                }
            }
        };
        match parsed {
            Ok(Read::Blank) => return Ok(None),
            Ok(Read::Skipped) => chunk.skip(),
            Ok(Read::Profile(line)) => chunk.push(&line, &self.hasher),
            Ok(Read::Call(call)) => {
                let id = call.message.as_deref().ok_or(self.lines.record());
                chunk.push_call(&call, message_hash(&self.sealer, id));
            }
            Err(bad) if is_last && bad.is_cut => {
                let (before, after) = (self.lines.before(), self.lines.after());
                self.incomplete = Some(Incomplete { line: before.line + 1, bytes: after.offset - before.offset });
                return Ok(Some(self.judge_at_the_end()));
            }
            Err(bad) => self.reject(chunk, bad),
        }
        self.record.read += 1;
        let is_judged = self.record.read >= BAD_LINES_JUDGED_AFTER;
        Ok((is_judged && self.has_too_many_bad()).then_some(State::Stopped))
    }

    fn reject(&mut self, chunk: &mut Chunk, mut bad: Bad) {
        let (first, last) = (self.lines.before().line + 1, self.lines.after().line);
        if last > first {
            bad.reason = format!("{}; the record ends in line {last}", bad.reason);
        }
        let rejection = chunk.reject(first, bad);
        if self.first_bad.len() < BAD_LINES_NAMED {
            self.first_bad.push(rejection);
        }
        self.record.rejected += 1;
    }

    fn judge_at_the_end(&self) -> State {
        if self.has_too_many_bad() { State::Stopped } else { State::Done }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of lines lie far below 2^52")]
    fn has_too_many_bad(&self) -> bool {
        self.record.rejected as f64 * 100.0 > self.options.bad_lines_max_percent * self.record.read as f64
    }

    fn end(self, record: &Record) -> Result<Report, Error> {
        if record.state == State::Stopped {
            return Err(Error::TooManyBad {
                path: self.options.path.clone(),
                rejected: record.rejected,
                read: record.read,
                percent: self.options.bad_lines_max_percent,
                kept: record.added + record.updated + record.unchanged,
                hint: lines_hint(self.options, &self.first_bad),
                first: self.first_bad,
            });
        }
        Ok(self.report(record))
    }

    fn report(self, record: &Record) -> Report {
        let mut notes = self.header.as_ref().map(Header::notes).unwrap_or_default();
        if record.read == 0 && self.incomplete.is_none() {
            notes.push("the file has nobody in it".to_owned());
        }
        Report {
            notes,
            import: record.id,
            progress: Progress::from(record),
            resumed_at: self.resumed_at,
            incomplete: self.incomplete,
            interrupted: false,
        }
    }
}

/// What a record is.
pub(super) enum Read<'a> {
    Blank,
    Skipped,
    Profile(Line<'a>),
    Call(Call<'a>),
}

impl Read<'_> {
    /// The names of its traits.
    fn names(&self) -> &[Cow<'_, str>] {
        match self {
            Self::Profile(line) => &line.names,
            Self::Call(call) => &call.names,
            Self::Blank | Self::Skipped => &[],
        }
    }
}

/// Checks a record.
pub(super) fn parse<'l>(record: &'l [u8], header: Option<&Header>, options: &Options) -> Result<Read<'l>, Bad> {
    match header {
        Some(header) if header.is_blank(record) => Ok(Read::Blank),
        Some(header) => header.line(record).map(Read::Profile),
        None if record.trim_ascii().is_empty() => Ok(Read::Blank),
        None if options.holds == Holds::Events => {
            Ok(events::parse(record, &options.id_key)?.map_or(Read::Skipped, Read::Call))
        }
        None if options.has_rows => rows::parse(record, &options.id_key, &options.columns).map(Read::Profile),
        None => json::parse(record, &options.id_key).map(Read::Profile),
    }
}

/// What is wrong with a record, of which only the first line is left out where it is a quote too many.
pub(super) fn spared(lines: &mut Lines<impl BufRead + Seek>, bad: Bad, options: &Options) -> Result<Bad, Error> {
    let is_of_quotes = matches!(bad.code, Code::CsvQuote | Code::CsvColumns);
    if is_of_quotes && lines.go_back_where_stray(1).map_err(read_error(&options.path))? {
        return Ok(stray(lines.record(), options));
    }
    Ok(bad)
}

/// What is wrong with a line that has a quote too many.
pub(super) fn stray(line: &[u8], options: &Options) -> Bad {
    let cell = quotes(options.format, None).map_or(0, |quotes| quotes.open_cell(line));
    Bad::new(
        Code::CsvQuote,
        format!("cell {cell} begins with a quote that is not closed; the lines behind it were read"),
    )
}

/// The name of what is read: of a file the whole path, of a command its program.
pub(super) fn identity_path(options: &Options) -> Result<PathBuf, Error> {
    match options.path.canonicalize() {
        Err(_) if options.body.is_some() => Ok(options.path.clone()),
        found => found.map_err(read_error(&options.path)),
    }
}

/// Begins the hash of the file's bytes. Read in another way it is another file.
pub(super) fn identity(store: &Store, options: &Options) -> KeyedHasher {
    let mut hasher = store.sealer().keyed_hasher("import");
    let delimiter = match &options.format {
        Format::Ndjson => None,
        Format::Csv { delimiter } => Some(std::slice::from_ref(delimiter)),
    };
    hasher.update_part(delimiter);
    hasher.update_part(Some(options.id_key.as_bytes()));
    let renamed = options.columns.iter().map(|(name, goes)| (name, goes.clone()));
    let typed = options.types.iter().map(|(name, kind)| (name, kind.to_string()));
    for (name, said) in renamed.chain(typed) {
        hasher.update_part(Some(name.as_bytes()));
        hasher.update_part(Some(said.as_bytes()));
    }
    if options.holds == Holds::Events {
        hasher.update_part(Some(b"events"));
    }
    hasher
}

/// Looks at what the file is, reads the header, if files of this format have one, and tells where the first profile
/// begins.
pub(super) fn header(options: &Options, start: Mark) -> Result<(Option<Header>, Mark), Error> {
    let head = look::head(options.body()).map_err(read_error(&options.path))?;
    if let Some(look::Found { what, hint }) = look::unreadable(&head, options.format) {
        return Err(Error::NotText { path: options.path.clone(), what, hint });
    }
    let Format::Csv { delimiter } = options.format else { return Ok((None, start)) };
    let fail_with = |reason, hint| Error::Header { path: options.path.clone(), reason, hint };
    let fail = |reason| fail_with(reason, look::header_hint(&head, options));
    let file = File::open(options.body()).map_err(read_error(&options.path))?;
    let mut lines = Lines::new(BufReader::new(file), start, options.line_bytes_max, quotes(options.format, None));
    loop {
        match lines.next().map_err(read_error(&options.path))? {
            Found::Record | Found::Last { is_open: false } if csv::is_blank(lines.record(), delimiter) => continue,
            Found::Record | Found::Last { is_open: false } => {}
            Found::End => return Err(fail("the file is empty".to_owned())),
            Found::TooLong => return Err(fail(format!("it is longer than {} bytes", options.line_bytes_max))),
            Found::Last { is_open: true } | Found::Stray => return Err(fail("a quoted cell is not closed".to_owned())),
        }
        match csv::said_delimiter(lines.record()) {
            None => break,
            Some(said) if said == delimiter => {}
            Some(said) => {
                let (said, source) = (look::in_toml(said), &options.source);
                let reason = format!("the line before it says that cells are separated by {said}");
                return Err(fail_with(reason, format!("write `delimiter = {said}` in [source.{source}]")));
            }
        }
    }
    let header = Header::parse(lines.record(), delimiter, &options.id_key, &options.columns);
    let header = header.and_then(|header| header.with_types(&options.types)).map_err(fail)?;
    Ok((Some(header), lines.after().clone()))
}

/// What to do about a file of which too many lines are bad.
pub(super) fn lines_hint(options: &Options, first: &[Rejection]) -> Option<String> {
    look::lines_hint(&look::head(options.body()).ok()?, options, first)
}

/// What tells where a record ends, with what the header says of it.
pub(super) fn quotes(format: Format, header: Option<&Header>) -> Option<Quotes> {
    let Format::Csv { delimiter } = format else { return None };
    let quotes = Quotes::new(delimiter);
    Some(match header {
        Some(header) => quotes.with_columns(header.columns()),
        None => quotes,
    })
}

fn new_record(options: &Options, path: String, bytes: u64, now_ms: i64) -> Record {
    Record {
        id: 0,
        source: options.source.as_str().to_owned(),
        path,
        file_id: String::new(),
        bytes,
        offset: 0,
        line: 0,
        state: State::Running,
        read: 0,
        added: 0,
        updated: 0,
        unchanged: 0,
        rejected: 0,
        repeated: 0,
        skipped: 0,
        revision: 0,
        started_ms: now_ms,
        ended_ms: None,
    }
}

fn start_import(tx: &Transaction<'_>, mut record: Record) -> Result<Record, store::Error> {
    tx.stop_imports(&record.source, &record.path)?;
    record.revision = tx.revision()? + 1;
    record.id = tx.save_import(&record)?;
    Ok(record)
}

/// Whether an import was killed, or left a last line that was not whole.
fn can_go_on(record: &Record) -> bool {
    let is_open = match record.state {
        State::Running => true,
        State::Done => record.offset < record.bytes,
        State::Stopped => false,
    };
    is_open && record.offset > 0
}

/// The place that an earlier import came to, if the file before it is still the same.
fn same_until(file: &mut File, start: Mark, record: &Record) -> io::Result<Option<Mark>> {
    let mut mark = start;
    let mut input = BufReader::with_capacity(READ_BYTES, file.take(record.offset));
    loop {
        let bytes = input.fill_buf()?;
        if bytes.is_empty() {
            break;
        }
        mark.add(bytes);
        let length = bytes.len();
        input.consume(length);
    }
    mark.line = record.line;
    Ok((hexadecimal(mark.hash()) == record.file_id).then_some(mark))
}

pub(super) fn read_error(path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Read { path: path.to_owned(), source: Arc::new(source) }
}
