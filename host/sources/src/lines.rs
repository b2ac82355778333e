//! Reads records of bounded length from a file of any length.
//!
//! Invariant: memory is bounded by the longest record that is allowed, whatever the file holds. All bytes that
//! are consumed are hashed, so that a later run can tell whether the file before an offset is still the same.

use std::io::{self, BufRead, Read as _, Seek, SeekFrom};

use crate::csv::Quotes;
use enroute_store::seal::{HASH_BYTES, KeyedHasher};

/// Some programs begin a text file with this.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Lines of a quoted cell that end before the file does, up to which the cell may still be being written.
const UNFINISHED_LINES_MAX: usize = 2;

/// What [`Lines::next`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// The end of the file.
    End,
    /// A record, with a line end behind it.
    Record,
    /// The last record, with the end of the file behind it; `is_open` if that is in a quoted cell.
    Last { is_open: bool },
    /// A record longer than allowed. It was read past and not kept.
    TooLong,
    /// A line with a quote that is not closed where it should be: the line behind it is a record of its own, and is
    /// read next.
    Stray,
}

/// A place between two records.
#[derive(Debug, Clone)]
pub(super) struct Mark {
    /// Bytes before it.
    pub(super) offset: u64,
    /// Lines before it.
    pub(super) line: u64,
    hasher: KeyedHasher,
}

impl Mark {
    pub(super) const fn start(hasher: KeyedHasher) -> Self {
        Self { offset: 0, line: 0, hasher }
    }

    /// Moves over bytes.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.offset += bytes.len() as u64;
    }

    /// The hash of all bytes before it.
    pub(super) fn hash(&self) -> [u8; HASH_BYTES] {
        self.hasher.clone().finish()
    }
}

/// The records of a file from some place on. A record is a line, or several where a quoted cell spans them.
#[derive(Debug)]
pub(super) struct Lines<R> {
    input: R,
    record_bytes_max: usize,
    quotes: Option<Quotes>,
    buffer: Vec<u8>,
    before: Mark,
    at: Mark,
    /// Where the first line of a record of several ends, in the file and in the buffer.
    first: Option<(Mark, usize)>,
}

impl<R: BufRead + Seek> Lines<R> {
    /// Reads on from `at`, which is where `input` stands.
    pub(super) fn new(input: R, at: Mark, record_bytes_max: usize, quotes: Option<Quotes>) -> Self {
        Self { input, record_bytes_max, quotes, buffer: Vec::new(), before: at.clone(), at, first: None }
    }

    /// Reads the next record.
    pub(super) fn next(&mut self) -> io::Result<Found> {
        self.before.clone_from(&self.at);
        self.buffer.clear();
        self.first = None;
        // One more than the longest record and its line end, to tell them from a longer one.
        let room = self.record_bytes_max.saturating_add(2);
        let mut is_too_long = false;
        loop {
            let start = self.buffer.len();
            let limit = room.saturating_sub(start) as u64;
            let read = (&mut self.input).take(limit).read_until(b'\n', &mut self.buffer)?;
            if read == 0 {
                return self.at_the_end(is_too_long);
            }
            let piece = self.buffer.get(start..).unwrap_or_default();
            self.at.add(piece);
            let is_line = piece.ends_with(b"\n");
            let is_first = self.before.offset == 0 && start == 0;
            let marked = if is_first { piece.strip_prefix(BYTE_ORDER_MARK) } else { None };
            let is_open = self.quotes.as_mut().is_some_and(|quotes| quotes.pass(marked.unwrap_or(piece)));
            self.at.line += u64::from(is_line);
            if is_line && !is_open {
                is_too_long |= self.record().len() > self.record_bytes_max;
                return Ok(if is_too_long { Found::TooLong } else { Found::Record });
            }
            if is_line && self.first.is_none() && !is_too_long {
                self.first = Some((self.at.clone(), self.buffer.len()));
            }
            if self.buffer.len() >= room {
                if is_open && self.go_back_where_stray(1)? {
                    return Ok(Found::Stray);
                }
                is_too_long = true;
                self.buffer.clear();
                self.first = None;
            }
        }
    }

    fn at_the_end(&mut self, is_too_long: bool) -> io::Result<Found> {
        if self.at.offset == self.before.offset {
            return Ok(Found::End);
        }
        if self.quotes.as_ref().is_some_and(Quotes::is_open) && self.go_back_where_stray(UNFINISHED_LINES_MAX + 1)? {
            return Ok(Found::Stray);
        }
        if !self.buffer.ends_with(b"\n") || is_too_long {
            self.at.line += 1;
        }
        let is_open = self.quotes.as_mut().is_some_and(Quotes::end);
        let is_too_long = is_too_long || self.record().len() > self.record_bytes_max;
        Ok(if is_too_long { Found::TooLong } else { Found::Last { is_open } })
    }

    /// Goes back behind the first line of a record, if there are `least` lines or more behind it that end, and most of
    /// them are records of their own: so a quote too many costs the line that it stands in, and not all up to the next
    /// quote.
    pub(super) fn go_back_where_stray(&mut self, least: usize) -> io::Result<bool> {
        let (Some(quotes), Some((_, end))) = (&mut self.quotes, &self.first) else { return Ok(false) };
        let behind = self.buffer.get(*end..).unwrap_or_default();
        let (mut lines, mut records) = (0_usize, 0_usize);
        for line in behind.split_inclusive(|byte| *byte == b'\n').filter_map(|line| line.strip_suffix(b"\n")) {
            lines += 1;
            records += usize::from(quotes.is_record(line.strip_suffix(b"\r").unwrap_or(line)));
        }
        if lines < least || records * 2 <= lines {
            return Ok(false);
        }
        quotes.start_over();
        let Some((mark, end)) = self.first.take() else { return Ok(false) };
        self.input.seek(SeekFrom::Start(mark.offset))?;
        self.buffer.truncate(end);
        self.at = mark;
        Ok(true)
    }

    /// The record that [`Lines::next`] found, without its line end.
    pub(super) fn record(&self) -> &[u8] {
        let record = self.buffer.strip_suffix(b"\n").unwrap_or(&self.buffer);
        let record = record.strip_suffix(b"\r").unwrap_or(record);
        if self.before.offset == 0 { record.strip_prefix(BYTE_ORDER_MARK).unwrap_or(record) } else { record }
    }

    /// The place before that record.
    pub(super) const fn before(&self) -> &Mark {
        &self.before
    }

    /// The place behind that record.
    pub(super) const fn after(&self) -> &Mark {
        &self.at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use enroute_store::seal::Sealer;

    /// Reads all, with records of at most 8 bytes.
    fn read(input: &[u8], quotes: Option<Quotes>) -> Vec<String> {
        let start = Mark::start(Sealer::new(&[7; 32]).keyed_hasher("lines"));
        // A buffer of three bytes, so that lines come in pieces.
        let mut lines = Lines::new(io::BufReader::with_capacity(3, io::Cursor::new(input)), start, 8, quotes);
        let mut found = Vec::new();
        loop {
            let one = lines.next().unwrap();
            let (line, record) = (lines.before().line + 1, String::from_utf8_lossy(lines.record()).into_owned());
            match one {
                Found::End => break,
                Found::Record => found.push(format!("{line}: {record}")),
                Found::Last { is_open } => found.push(format!("{line}: {record} (last, open: {is_open})")),
                Found::TooLong => found.push(format!("{line}: too long")),
                Found::Stray => found.push(format!("{line}: {record} (stray)")),
            }
            assert!(lines.buffer.capacity() <= 64);
        }
        assert_eq!(lines.after().offset, input.len() as u64);
        let mut whole = Sealer::new(&[7; 32]).keyed_hasher("lines");
        whole.update(input);
        assert_eq!(lines.after().hash(), whole.finish());
        found
    }

    #[test]
    fn lines_end_with_or_without_a_carriage_return() {
        assert_eq!(read(b"a\nb\r\n\nc", None), ["1: a", "2: b", "3: ", "4: c (last, open: false)"]);
        assert_eq!(read(b"a\n", None), ["1: a"]);
        assert!(read(b"", None).is_empty());
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_line() {
        assert_eq!(read(b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n", None), ["1: a", "2: \u{feff}b"]);
    }

    #[test]
    fn a_line_that_is_too_long_is_read_past() {
        assert_eq!(read(b"12345678\n123456789\nb\n", None), ["1: 12345678", "2: too long", "3: b"]);
        assert_eq!(read(b"12345678\r\n123456789\r\nb\n", None), ["1: 12345678", "2: too long", "3: b"]);
        let long = [b"x".repeat(1000).as_slice(), b"\nb\n"].concat();
        assert_eq!(read(&long, None), ["1: too long", "2: b"]);
        assert_eq!(read(&b"x".repeat(1000), None), ["1: too long"]);
    }

    #[test]
    fn a_quoted_cell_spans_lines() {
        let quotes = || Some(Quotes::new(b','));
        assert_eq!(read(b"a,\"b\nc\"\nd\n", quotes()), ["1: a,\"b\nc\"", "3: d"]);
        assert_eq!(read(b"a\"b\nc\n", quotes()), ["1: a\"b", "2: c"]);
        assert_eq!(read(b"\"a\n\n\n\n\n\n\n\n\n\n\"\"\n\"\nd\n", quotes()), ["1: too long", "13: d"]);
    }

    #[test]
    fn a_quoted_cell_that_is_never_closed_is_open_at_the_end() {
        let quotes = || Some(Quotes::new(b','));
        assert_eq!(read(b"a\n\"b\nc\n", quotes()), ["1: a", "2: \"b\nc (last, open: true)"]);
        let long = [b"\"".as_slice(), &b"x\n".repeat(1000)].concat();
        assert_eq!(read(&long, quotes()), ["1: too long"], "more bytes cannot make it good");
    }

    #[test]
    fn a_stray_quote_costs_the_line_that_it_stands_in() {
        let quotes = || Some(Quotes::new(b',').with_columns(2));
        let open = read(b"1,a\n2,\"b\n3,c\n4,d\n5,e\n", quotes());
        assert_eq!(open, ["1: 1,a", "2: 2,\"b (stray)", "3: 3,c", "4: 4,d", "5: 5,e"], "longer than a record");
        let short = read(b"1,\"\n2\n,\n,\n,\n", quotes());
        assert_eq!(short, ["1: 1,\" (stray)", "2: 2", "3: ,", "4: ,", "5: ,"]);
        let text = read(b"1,a\n2,\"b\nc\"\n", quotes());
        assert_eq!(text, ["1: 1,a", "2: 2,\"b\nc\""], "a cell may have two lines");
        let unfinished = read(b"1,\"b\nc", quotes());
        assert_eq!(unfinished, ["1: 1,\"b\nc (last, open: true)"], "more bytes can make it good");
    }
}
