//! What a file is that is not what its source says, by how it begins, and what to do about it.
//!
//! What must never happen: a file that could be read is refused, or a hint that does not mend.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use enroute_core::suggest::nearest;
use serde_json::{Map, Value};

use crate::csv;
use crate::reject::{Code, shown};
use crate::{Format, Holds, Options};
use enroute_store::imports::Rejection;

/// Bytes of a file that are looked at.
const HEAD_BYTES: u64 = 64 << 10;

/// Names that a hint lists.
const NAMES_SHOWN: usize = 8;

/// What separates cells in files that people have.
pub(super) const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Calls as programs write them.
const CALLS: [&str; 6] = ["track", "identify", "page", "screen", "group", "alias"];

const TO_TEXT: &str = "write it as NDJSON or CSV, and name that file";
const UNPACK: &str = "unpack it, and name the file that was in it";
const SAVE_AS_CSV: &str = "save it as CSV in UTF-8, and name that file";

/// How files that are no text begin, what they are, and what to do.
const SIGNATURES: [(&[u8], &str, &str); 16] = [
    (b"\x1f\x8b", "compressed with gzip", "unpack it with `gunzip`, and name the file that was in it"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", UNPACK),
    (b"BZh91AY&SY", "compressed with bzip2", UNPACK),
    (b"\xfd7zXZ\0", "compressed with xz", UNPACK),
    (b"\x04\x22\x4d\x18", "compressed with lz4", UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook", SAVE_AS_CSV),
    (b"PAR1", "a Parquet file", "give it a name that ends with `.parquet`, or write `format = \"parquet\"`"),
    (b"Obj\x01", "an Avro file", TO_TEXT),
    (b"ARROW1\0\0", "an Arrow file", TO_TEXT),
    (b"%PDF-", "a PDF", TO_TEXT),
    (b"{\\rtf", "a text with formatting (RTF)", "save it as plain text in UTF-8"),
    (
        b"SQLite format 3\0",
        "a database of SQLite",
        "write `database = \"sqlite:FILE\"` with a `query` in place of `file`",
    ),
    (b"\xff\xfe\0\0", "in UTF-32", "save it in UTF-8: `iconv -f UTF-32 -t UTF-8 OLD > NEW`"),
    (b"\0\0\xfe\xff", "in UTF-32", "save it in UTF-8: `iconv -f UTF-32 -t UTF-8 OLD > NEW`"),
    (b"ORC\x08\x03", "an ORC file", TO_TEXT),
];

/// What a file is, and what to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Fits after "it is".
    pub(super) what: String,
    pub(super) hint: String,
}

/// The beginning of a file.
pub(super) fn head(path: &Path) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    File::open(path)?.take(HEAD_BYTES).read_to_end(&mut head)?;
    Ok(head)
}

/// What a file is of which no line can be read, whatever its source says.
pub(super) fn unreadable(head: &[u8], format: Format) -> Option<Found> {
    let found = |what: &str, hint: &str| Some(Found { what: what.to_owned(), hint: hint.to_owned() });
    if head.starts_with(b"PK\x03\x04") {
        let has = |part: &[u8]| head.windows(part.len()).any(|window| window == part);
        return if has(b"[Content_Types].xml") || has(b"xl/") || has(b"opendocument.spreadsheet") {
            found("a workbook of a spreadsheet", SAVE_AS_CSV)
        } else {
            found("a ZIP archive", UNPACK)
        };
    }
    if let Some((_, what, hint)) = SIGNATURES.iter().find(|(begin, ..)| head.starts_with(begin)) {
        return found(what, hint);
    }
    if let Some(name) = utf16(head) {
        return found(&format!("in {name}"), &format!("save it in UTF-8: `iconv -f {name} -t UTF-8 OLD > NEW`"));
    }
    let text = String::from_utf8_lossy(head);
    let start = text.trim_start_matches('\u{feff}').trim_start();
    let begins = |word: &str| start.get(..word.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(word));
    if ["<!doctype", "<html", "<head", "<body"].into_iter().any(begins) {
        let hint = "it is what a server answered in place of the export, perhaps its login: get the file anew";
        return found("a web page", hint);
    }
    if begins("<?xml") {
        return found("XML", TO_TEXT);
    }
    ends_with_returns(&text, format).then(|| Found {
        what: "a text whose lines end with a carriage return alone".to_owned(),
        hint: "turn them into line feeds: `tr '\\r' '\\n' < OLD > NEW`".to_owned(),
    })
}

/// The name of the encoding, where every second byte is zero as it is in Latin texts, or a mark says so.
pub(super) fn utf16(head: &[u8]) -> Option<&'static str> {
    match head {
        [0xff, 0xfe, ..] => return Some("UTF-16"),
        [0xfe, 0xff, ..] => return Some("UTF-16"),
        _ => {}
    }
    let pairs = head.chunks_exact(2);
    let (all, mut first, mut second) = (pairs.len(), 0, 0);
    for pair in pairs {
        match pair {
            [0, 0] => {}
            [0, _] => first += 1,
            [_, 0] => second += 1,
            _ => {}
        }
    }
    let is_most = |count: usize| count > 0 && count * 10 >= all * 7;
    match (is_most(first), is_most(second)) {
        (_, true) => Some("UTF-16LE"),
        (true, _) => Some("UTF-16BE"),
        _ => None,
    }
}

/// Whether there are carriage returns outside of quotes, something behind one, and no line feed.
fn ends_with_returns(text: &str, format: Format) -> bool {
    let inner = text.trim_end_matches('\r');
    let outside = || inner.split('"').step_by(2);
    let is_end = |part: &str| match format {
        Format::Csv { .. } => part.contains('\r'),
        // Between the words of JSON it is a blank.
        Format::Ndjson => part.contains("}\r{"),
    };
    !outside().any(|part| part.contains('\n')) && outside().any(is_end)
}

/// What to do about a CSV file whose header makes no sense.
pub(super) fn header_hint(head: &[u8], options: &Options) -> String {
    let text = String::from_utf8_lossy(head);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let source = &options.source;
    let Format::Csv { delimiter } = options.format else { return String::new() };
    if text.lines().all(|line| csv::is_blank(line.as_bytes(), delimiter)) {
        return "see why nothing is in it; the first line of CSV names the columns".to_owned();
    }
    if text.starts_with('[') && serde_json::from_str::<Value>(text.lines().next().unwrap_or_default()).is_ok()
        || text.starts_with("[{")
    {
        return format!("{ARRAY}; and write `format = \"ndjson\"` in [source.{source}]");
    }
    if text.starts_with('{') {
        return format!("it looks like JSON: write `format = \"ndjson\"` in [source.{source}]");
    }
    let line = text.lines().next().unwrap_or_default();
    if let Some(other) = other_delimiter(line, Some(delimiter), &options.id_key) {
        return format!("write `delimiter = {}` in [source.{source}]", in_toml(other));
    }
    let names = csv::names_of(line, delimiter);
    if names.iter().any(|name| name == options.id_key.trim()) {
        return "mend the first line of the file, which names the columns".to_owned();
    }
    format!("the first line names the columns; {}", id_hint(&names, options))
}

const ARRAY: &str = "it is one list of JSON, and a line must be an object: write it anew with `jq -c '.[]' OLD > NEW`";

/// How to name the id, or which names there are.
fn id_hint(names: &[String], options: &Options) -> String {
    let (id, source) = (options.id_key.as_str(), &options.source);
    let plain = |name: &str| name.to_lowercase().replace(['_', '-', ' '], "");
    let is_id =
        |name: &&String| plain(name) == plain(id) || ["id", "userid", "customerid"].contains(&plain(name).as_str());
    let near = || nearest(id, names.iter().map(String::as_str)).map(str::to_owned);
    let ends = || names.iter().find(|name| plain(name).ends_with("id")).cloned();
    match names.iter().find(is_id).cloned().or_else(near).or_else(ends) {
        Some(name) => {
            format!("if the id of a profile is `{0}`, write `id = \"{0}\"` in [source.{source}]", shown(&name))
        }
        None => {
            let listed: Vec<String> = names.iter().take(NAMES_SHOWN).map(|name| shown(name)).collect();
            let more = if names.len() > NAMES_SHOWN { ", …" } else { "" };
            format!("say with `id` in [source.{source}] which is the id of a profile: {}{more}", listed.join(", "))
        }
    }
}

/// The delimiter that a header was written with, if it is not this one.
fn other_delimiter(line: &str, this: Option<u8>, id_key: &str) -> Option<u8> {
    let cells = |delimiter: u8| csv::names_of(line, delimiter);
    let others = || DELIMITERS.into_iter().filter(|other| Some(*other) != this);
    let has_id = |delimiter: &u8| cells(*delimiter).iter().any(|name| name == id_key.trim());
    if this.is_some_and(|this| has_id(&this)) {
        return None;
    }
    let is_one = this.is_none_or(|this| cells(this).len() == 1);
    others().find(has_id).or_else(|| others().find(|other| is_one && cells(*other).len() > 1))
}

/// A delimiter as a value of `audiences.toml`.
pub(super) fn in_toml(delimiter: u8) -> String {
    if delimiter == b'\t' { "\"\\t\"".to_owned() } else { format!("\"{}\"", char::from(delimiter)) }
}

/// What to do about a file of which too many lines are bad; nothing where they are of many kinds.
pub(super) fn lines_hint(head: &[u8], options: &Options, first: &[Rejection]) -> Option<String> {
    let source = &options.source;
    let all = |code: Code| !first.is_empty() && first.iter().all(|one| one.code == code.as_str());
    if all(Code::InvalidUtf8) {
        return Some("save it in UTF-8; if it is of Windows, `iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW`".to_owned());
    }
    if options.format != Format::Ndjson {
        return all(Code::CsvColumns).then(|| {
            "mend what writes it: a cell with a delimiter or a line end in it must stand in double quotes".to_owned()
        });
    }
    let text = String::from_utf8_lossy(head);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let line = text.lines().next().unwrap_or_default();
    if text.starts_with('[') {
        return Some(ARRAY.to_owned());
    }
    if !text.starts_with('{') {
        let delimiter = other_delimiter(line, None, &options.id_key)?;
        let more = if delimiter == b',' { String::new() } else { format!(" and `delimiter = {}`", in_toml(delimiter)) };
        return Some(format!("it looks like CSV: write `format = \"csv\"`{more} in [source.{source}]"));
    }
    let Ok(object) = serde_json::from_str::<Map<String, Value>>(line) else {
        let is_spread = serde_json::Deserializer::from_str(text).into_iter::<Map<String, Value>>().next();
        return matches!(is_spread, Some(Ok(_)))
            .then(|| "write each object in one line: `jq -c . OLD > NEW`".to_owned());
    };
    let kind = object.get("type").and_then(Value::as_str);
    let is_call = kind.is_some_and(|kind| CALLS.contains(&kind));
    match options.holds {
        Holds::Profiles if is_call => {
            return Some(format!("its lines are calls: write `holds = \"events\"` in [source.{source}]"));
        }
        Holds::Events if !is_call && object.contains_key("traits") => {
            return Some(format!("its lines are profiles: remove `holds = \"events\"` from [source.{source}]"));
        }
        _ => {}
    }
    if !object.contains_key(&options.id_key) && !object.contains_key("anonymousId") {
        let scalar = |(name, value): (&String, &Value)| (value.is_string() || value.is_number()).then(|| name.clone());
        let names: Vec<String> = object.iter().filter_map(scalar).collect();
        return (!names.is_empty()).then(|| id_hint(&names, options));
    }
    all(Code::UnknownKey).then(|| {
        let id = &options.id_key;
        format!("put what is known of a person into `traits`: `jq -c '{{\"{id}\": .[\"{id}\"], traits: del(.[\"{id}\"])}}' OLD > NEW`")
    })
}

#[cfg(test)]
mod tests;
