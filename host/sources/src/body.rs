//! The plain text of a file or of a command: unpacked, in UTF-8, and one object a line.
//!
//! What is that already is read where it is. Everything else becomes a file of its own first, in the state folder, and
//! only a whole one is imported: half a packed file, or a command that fails, replaces nothing.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use encoding_rs::Encoding;
use enroute_config::audiences_file::source::types::Types;
use tempfile::{NamedTempFile, TempPath};

use crate::columns::absent_column;
use crate::command::Program;
use crate::look::{self, in_toml};
use crate::parquet::{self, Unread};
use crate::{Decided, Error, Format, Options, csv, decode, json_list, types};

/// Where plain texts lie while they are read.
const FOLDER: &str = "reading";

/// Most bytes of a file that was unpacked.
const UNPACKED_BYTES_MAX: u64 = 256 << 30;

/// Bytes of a file that tell what it is.
const HEAD_BYTES: u64 = 64 << 10;

/// A plain text that is removed when nobody reads it any more.
#[derive(Debug, Clone)]
pub struct Body(Arc<TempPath>);

impl Body {
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

/// How a source is written, where that is not plain.
#[derive(Debug, Clone, Default)]
pub struct Written {
    /// The name of its encoding, where somebody says it.
    pub encoding: Option<String>,
    /// Whether it is one list of JSON.
    pub is_list: bool,
    /// Whether it is Parquet.
    pub is_parquet: bool,
    /// What the cells of its columns are.
    pub types: Types,
    /// Whether somebody says what separates cells.
    pub is_delimiter_said: bool,
    /// What prints it, where it is no file.
    pub command: Option<Program>,
}

/// Removes what a process left that was killed while it read. `state` is the folder of the store, which is ours alone.
pub fn tidy(state: &Path) {
    let Ok(entries) = fs::read_dir(state.join(FOLDER)) else { return };
    // One that cannot be removed costs room and nothing else.
    entries.flatten().for_each(|entry| drop(fs::remove_file(entry.path())));
}

/// Makes a source plain text, where it is none, and finds what separates its cells and what they are.
///
/// Waits for the disk, and for a command: not to be called from async code. `is_asked` tells whether to stop.
///
/// # Errors
/// If it cannot be read as a whole.
pub fn prepare(
    options: &mut Options,
    written: &Written,
    state: &Path,
    is_asked: &(dyn Fn() -> bool + Sync),
) -> Result<Vec<Decided>, Error> {
    let folder = state.join(FOLDER);
    if let Some(program) = &written.command {
        let printed = temporary(&folder).map_err(|error| unkept(options, &error))?;
        let output = printed.reopen().map_err(|error| unkept(options, &error))?;
        program.run(output, is_asked)?;
        options.body = Some(Body(Arc::new(printed.into_temp_path())));
    }
    let made = match written.is_parquet {
        true => Some(lines_of_parquet(options, &folder, is_asked)?),
        false => plain(options, written, &folder)?,
    };
    if let Some(made) = made {
        options.body = Some(Body(Arc::new(made)));
    }
    if matches!(options.format, Format::Csv { .. }) {
        if written.encoding.is_none() {
            in_utf8(options)?;
        }
        if !written.is_delimiter_said {
            separate(options)?;
        }
        return types::decide(options, &written.types);
    }
    Ok(Vec::new())
}

fn read_error(options: &Options) -> impl Fn(io::Error) -> Error + '_ {
    |source| Error::Read { path: options.path.clone(), source: Arc::new(source) }
}

fn unkept(options: &Options, error: &io::Error) -> Error {
    let reason = format!("its text cannot be kept: {error}");
    Error::Body { path: options.path.clone(), reason, hint: "see that there is room beside the store".to_owned() }
}

fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    fs::create_dir_all(folder)?;
    tempfile::Builder::new().prefix("source-").tempfile_in(folder)
}

/// Writes the rows of a Parquet file as lines.
fn lines_of_parquet(options: &Options, folder: &Path, is_asked: &(dyn Fn() -> bool + Sync)) -> Result<TempPath, Error> {
    let path = &options.path;
    let head = look::head(options.body()).map_err(read_error(options))?;
    if !parquet::is_one(&head) {
        let (reason, hint) = ("it is no Parquet file".to_owned(), "see how it is written, and say it with `format`");
        return Err(Error::Body { path: path.clone(), reason, hint: hint.to_owned() });
    }
    let file = File::open(options.body()).map_err(read_error(options))?;
    let lines = temporary(folder).map_err(|error| unkept(options, &error))?;
    let mut output = BufWriter::new(lines.reopen().map_err(|error| unkept(options, &error))?);
    let written = parquet::to_lines(file, &mut output, is_asked).and_then(|names| Ok((names, output.flush()?)));
    let (names, ()) = written.map_err(|unread| match unread {
        Unread::File { reason, hint } => Error::Body { path: path.clone(), reason, hint },
        Unread::Kept(error) => unkept(options, &error),
    })?;
    if let Some(absent) = options.columns.keys().find(|name| !names.contains(name)) {
        return Err(Error::Columns { reason: absent_column(absent, &names) });
    }
    Ok(lines.into_temp_path())
}

/// Writes the text anew where it is packed, in another encoding, or a list.
fn plain(options: &Options, written: &Written, folder: &Path) -> Result<Option<TempPath>, Error> {
    let fail = read_error(options);
    let open = || File::open(options.body());
    let packed = decode::packed(&head(Box::new(open().map_err(&fail)?)).map_err(&fail)?);
    let damaged = |error: io::Error| damaged(options, packed, &error);
    let mut head = head(decode::unpacked(open().map_err(&fail)?, packed)).map_err(damaged)?;
    let encoding = encoding(options, written, &head)?.filter(|encoding| !decode::is_utf8(encoding));
    if let Some(encoding) = encoding {
        head = encoding.decode(&head).0.into_owned().into_bytes();
    }
    let is_list =
        options.format == Format::Ndjson && (written.is_list || written.command.is_some()) && json_list::is_list(&head);
    if packed.is_none() && encoding.is_none() && !is_list {
        return Ok(None);
    }
    let mut text = decode::unpacked(open().map_err(&fail)?, packed);
    if let Some(encoding) = encoding {
        let decoded = write(folder, |output| decode::decode(&mut *text, encoding, output)).map_err(damaged)?;
        text = decode::unpacked(File::open(&decoded).map_err(&fail)?, None);
        if !is_list {
            return Ok(Some(decoded));
        }
    }
    let made = write(folder, |output| match is_list {
        true => json_list::to_lines(&mut *text, output),
        false => whole(&mut *text, output),
    });
    made.map(Some).map_err(damaged)
}

fn head(input: Box<dyn io::Read + '_>) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    input.take(HEAD_BYTES).read_to_end(&mut head)?;
    Ok(head)
}

fn whole(input: &mut dyn io::BufRead, output: &mut dyn io::Write) -> io::Result<()> {
    let copied = io::copy(&mut input.take(UNPACKED_BYTES_MAX + 1), output)?;
    if copied > UNPACKED_BYTES_MAX {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("it has more than {} GiB", UNPACKED_BYTES_MAX >> 30),
        ));
    }
    Ok(())
}

fn write(folder: &Path, fill: impl FnOnce(&mut dyn io::Write) -> io::Result<()>) -> io::Result<TempPath> {
    let file = temporary(folder)?;
    let mut output = BufWriter::new(file.reopen()?);
    fill(&mut output)?;
    output.flush()?;
    Ok(file.into_temp_path())
}

fn damaged(options: &Options, packed: Option<decode::Packed>, error: &io::Error) -> Error {
    let (what, hint) = match packed {
        Some(_) => ("it is packed and damaged or cut off", "get the file anew, or wait until it is whole"),
        None => ("it is not what it seems", "look at how it is written, and at `encoding` and `format`"),
    };
    Error::Body { path: options.path.clone(), reason: format!("{what}: {error}"), hint: hint.to_owned() }
}

/// The encoding of a text: the one that somebody says, or that it shows itself.
fn encoding(options: &Options, written: &Written, head: &[u8]) -> Result<Option<&'static Encoding>, Error> {
    let shown = decode::shown(head);
    let Some(label) = &written.encoding else { return Ok(shown) };
    if let Some(named) = decode::named(label) {
        return Ok(Some(shown.unwrap_or(named)));
    }
    let hint = format!(
        "write `encoding = \"windows-1252\"`, \"utf-8\", \"utf-16le\" or another name of the web in [source.{}]",
        options.source
    );
    Err(Error::Body { path: options.path.clone(), reason: "nobody knows its `encoding`".to_owned(), hint })
}

/// Refuses a text of which no letter beyond ASCII is UTF-8.
fn in_utf8(options: &Options) -> Result<(), Error> {
    let file = File::open(options.body()).map_err(read_error(options))?;
    let found = decode::not_utf8(&mut BufReader::new(file)).map_err(read_error(options))?;
    let Some((line, byte)) = found else { return Ok(()) };
    Err(Error::Body {
        path: options.path.clone(),
        reason: format!("byte {byte} of line {line} is not UTF-8"),
        hint: format!("if it comes from Windows, write `encoding = \"windows-1252\"` in [source.{}]", options.source),
    })
}

/// Takes what separates cells from the first lines, where nobody says it.
fn separate(options: &mut Options) -> Result<(), Error> {
    let head = look::head(options.body()).map_err(read_error(options))?;
    if look::unreadable(&head, options.format).is_some() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&head);
    let mut lines = text.trim_start_matches('\u{feff}').lines().filter(|line| !line.trim().is_empty());
    let Some(first) = lines.next() else { return Ok(()) };
    if let Some(delimiter) = csv::said_delimiter(first.as_bytes()) {
        options.format = Format::Csv { delimiter };
        return Ok(());
    }
    let Format::Csv { delimiter: usual } = options.format else { return Ok(()) };
    let fits: Vec<u8> = look::DELIMITERS
        .into_iter()
        .filter(|one| csv::names_of(first, *one).len() > 1 && has_id(first, *one, options))
        .collect();
    match fits.as_slice() {
        [one] => options.format = Format::Csv { delimiter: *one },
        [] | [..] if fits.is_empty() || fits.contains(&usual) => {}
        several => {
            let listed: Vec<String> = several.iter().map(|one| in_toml(*one)).collect();
            return Err(Error::Header {
                path: options.path.clone(),
                reason: format!("several characters may separate its cells: {}", listed.join(", ")),
                hint: format!("say which with `delimiter` in [source.{}]", options.source),
            });
        }
    }
    Ok(())
}

fn has_id(header: &str, delimiter: u8, options: &Options) -> bool {
    let names = csv::names_of(header, delimiter);
    names.iter().any(|name| options.columns.get(name).unwrap_or(name) == options.id_key.trim())
}

/// The files that a pattern names, by name; folders and hidden files are none.
///
/// # Errors
/// If it is no pattern, or none is there.
pub fn matching(pattern: &Path) -> Result<Vec<PathBuf>, Error> {
    let fail = |reason: String, hint: &str| Error::Body { path: pattern.to_owned(), reason, hint: hint.to_owned() };
    let options =
        glob::MatchOptions { require_literal_leading_dot: true, require_literal_separator: true, ..Default::default() };
    let found = glob::glob_with(&pattern.to_string_lossy(), options);
    let found =
        found.map_err(|error| fail(format!("it is no pattern: {}", error.msg), "write it like \"exports/*.csv\""))?;
    let mut files = Vec::new();
    for path in found {
        let path = path
            .map_err(|error| fail(format!("a folder cannot be read: {}", error.error()), "see that you may read it"))?;
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(fail("no file fits the pattern".to_owned(), "put one there, or mend `file`"));
    }
    Ok(files)
}

#[cfg(test)]
mod tests;
