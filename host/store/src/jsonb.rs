//! Reads values out of what SQLite keeps as JSONB, all that are wanted of a document in one pass.
//!
//! Asking SQLite walks the document once a value and hands out a copy each time. The format is the one that SQLite
//! documents as "The JSONB Format" and reads for ever. Invariant: the texts are those that SQLite's `->` gives, digit by
//! digit (property test `what_is_picked_is_what_sqlite_gives`).

use std::ops::Range;

/// Kinds of elements, the low four bits of an element's first byte. JSON5 is never stored, so its kinds are not read.
const NULL: u8 = 0;
const TRUE: u8 = 1;
const FALSE: u8 = 2;
const INTEGER: u8 = 3;
const FLOAT: u8 = 5;
const TEXT: u8 = 7;
const TEXT_ESCAPED: u8 = 8;
const TEXT_RAW: u8 = 10;
const ARRAY: u8 = 11;
const OBJECT: u8 = 12;

/// Deepest nesting that is written out; what is stored was read with a bound far below it.
const LEVELS_MAX: usize = 1_000;

/// Bytes that are no document of ours, which only a damaged store can cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotJsonb;

/// Where a text stands among those that were written.
pub(super) type Place = Option<Range<usize>>;

#[derive(Debug, Clone, Copy)]
struct Element<'a> {
    kind: u8,
    payload: &'a [u8],
}

/// The values that are wanted of an object, by name; and of the objects in it.
#[derive(Debug)]
pub(super) struct Wanted {
    nodes: Vec<Node>,
    /// A bit for each pair of length and first byte among the names: most other names are passed over by it.
    mask: u64,
    /// Behind the name that was found last; documents are mostly alike.
    next: usize,
}

#[derive(Debug)]
struct Node {
    name: String,
    /// The columns that take this value.
    columns: Vec<usize>,
    below: Wanted,
    /// The turn in which it was found last: of two equal names the first one counts.
    found: u64,
}

impl Wanted {
    /// Nothing is wanted.
    pub(super) const EMPTY: Self = Self { nodes: Vec::new(), mask: 0, next: 0 };

    /// Also wants the value at the end of this path for this column.
    pub(super) fn add(&mut self, path: &[String], column: usize) {
        let Some((name, rest)) = path.split_first() else { return };
        let at = self.nodes.iter().position(|node| node.name == *name).unwrap_or_else(|| {
            self.mask |= bit(name.as_bytes());
            self.nodes.push(Node { name: name.clone(), columns: Vec::new(), below: Self::EMPTY, found: 0 });
            self.nodes.len() - 1
        });
        if let Some(node) = self.nodes.get_mut(at) {
            if rest.is_empty() { node.columns.push(column) } else { node.below.add(rest, column) }
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Appends the JSON texts of the values that are there to `out`, and notes for each column where its text stands.
    /// A turn is a number from 1 that no call had before.
    pub(super) fn pick(
        &mut self,
        document: &[u8],
        turn: u64,
        out: &mut Vec<u8>,
        places: &mut [Place],
    ) -> Result<(), NotJsonb> {
        self.pick_of(split(document)?.0, turn, out, places)
    }

    fn pick_of(
        &mut self,
        element: Element<'_>,
        turn: u64,
        out: &mut Vec<u8>,
        places: &mut [Place],
    ) -> Result<(), NotJsonb> {
        if element.kind != OBJECT {
            return Ok(());
        }
        let mut rest = element.payload;
        while !rest.is_empty() {
            let (label, behind) = split(rest)?;
            let (value, behind) = split(behind)?;
            rest = behind;
            let Some(node) = self.node(label)? else { continue };
            if std::mem::replace(&mut node.found, turn) == turn {
                continue;
            }
            if !node.columns.is_empty() {
                let start = out.len();
                write(value, out, LEVELS_MAX)?;
                for column in &node.columns {
                    if let Some(place) = places.get_mut(*column) {
                        *place = Some(start..out.len());
                    }
                }
            }
            if !node.below.is_empty() {
                node.below.pick_of(value, turn, out, places)?;
            }
        }
        Ok(())
    }

    fn node(&mut self, label: Element<'_>) -> Result<Option<&mut Node>, NotJsonb> {
        let decoded;
        let name = match label.kind {
            TEXT | TEXT_RAW => label.payload,
            TEXT_ESCAPED => {
                let mut quoted = Vec::with_capacity(label.payload.len() + 2);
                write(label, &mut quoted, LEVELS_MAX)?;
                decoded = serde_json::from_slice::<String>(&quoted).map_err(|_| NotJsonb)?;
                decoded.as_bytes()
            }
            _ => return Err(NotJsonb),
        };
        if self.mask & bit(name) == 0 {
            return Ok(None);
        }
        let is_it = |node: &Node| node.name.as_bytes() == name;
        let at = if self.nodes.get(self.next).is_some_and(is_it) {
            Some(self.next)
        } else {
            self.nodes.iter().position(is_it)
        };
        let Some(at) = at else { return Ok(None) };
        self.next = at + 1;
        Ok(self.nodes.get_mut(at))
    }
}

fn bit(name: &[u8]) -> u64 {
    let first = name.first().copied().map_or(0, usize::from);
    1 << (name.len().wrapping_mul(7).wrapping_add(first) % 64)
}

/// Appends a whole document as JSON text.
pub(super) fn write_document(document: &[u8], out: &mut Vec<u8>) -> Result<(), NotJsonb> {
    write(split(document)?.0, out, LEVELS_MAX)
}

/// The first element, and the bytes behind it.
fn split(bytes: &[u8]) -> Result<(Element<'_>, &[u8]), NotJsonb> {
    let (first, rest) = bytes.split_first().ok_or(NotJsonb)?;
    let (size, rest) = match first >> 4 {
        short @ 0..=11 => (usize::from(short), rest),
        long => {
            let (size, rest) = rest.split_at_checked(1 << (long - 12)).ok_or(NotJsonb)?;
            let size = size.iter().fold(0_u64, |size, byte| size << 8 | u64::from(*byte));
            (usize::try_from(size).map_err(|_| NotJsonb)?, rest)
        }
    };
    let (payload, rest) = rest.split_at_checked(size).ok_or(NotJsonb)?;
    Ok((Element { kind: first & 15, payload }, rest))
}

fn write(element: Element<'_>, out: &mut Vec<u8>, levels: usize) -> Result<(), NotJsonb> {
    match element.kind {
        NULL => out.extend_from_slice(b"null"),
        TRUE => out.extend_from_slice(b"true"),
        FALSE => out.extend_from_slice(b"false"),
        INTEGER | FLOAT => out.extend_from_slice(element.payload),
        TEXT | TEXT_ESCAPED => {
            out.push(b'"');
            out.extend_from_slice(element.payload);
            out.push(b'"');
        }
        TEXT_RAW => {
            let text = str::from_utf8(element.payload).map_err(|_| NotJsonb)?;
            serde_json::to_writer(out, text).map_err(|_| NotJsonb)?;
        }
        ARRAY => write_all(element.payload, b"[]", &[b","], out, levels)?,
        OBJECT => write_all(element.payload, b"{}", &[b":", b","], out, levels)?,
        _ => return Err(NotJsonb),
    }
    Ok(())
}

/// Writes elements within brackets, with the separators in turn between them.
fn write_all(
    mut rest: &[u8],
    brackets: &[u8; 2],
    separators: &[&[u8]],
    out: &mut Vec<u8>,
    levels: usize,
) -> Result<(), NotJsonb> {
    let levels = levels.checked_sub(1).ok_or(NotJsonb)?;
    let [open, close] = *brackets;
    let mut turns = separators.iter().cycle();
    out.push(open);
    while !rest.is_empty() {
        let (element, behind) = split(rest)?;
        write(element, out, levels)?;
        let separator = turns.next().copied().unwrap_or_default();
        rest = behind;
        if !rest.is_empty() {
            out.extend_from_slice(separator);
        }
    }
    out.push(close);
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rusqlite::Connection;

    use super::*;

    fn picked(document: &[u8], paths: &[&[&str]]) -> Result<Vec<Option<String>>, NotJsonb> {
        let mut wanted = Wanted::EMPTY;
        for (column, path) in paths.iter().enumerate() {
            wanted.add(&path.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(), column);
        }
        let mut found = Vec::new();
        // Twice, because what is remembered of one document must not change what is found in the next.
        for turn in 1..=2 {
            let (mut out, mut places) = (Vec::new(), vec![None; paths.len()]);
            wanted.pick(document, turn, &mut out, &mut places)?;
            let text = |place: Place| place.map(|place| String::from_utf8(out[place].to_vec()).unwrap());
            found.push(places.into_iter().map(text).collect::<Vec<_>>());
        }
        assert_eq!(found[0], found[1]);
        Ok(found.swap_remove(0))
    }

    fn asked(connection: &Connection, text: &str, path: &[&str]) -> Option<String> {
        let path = path.iter().fold("$".to_owned(), |path, name| format!("{path}.\"{name}\""));
        connection.query_row("select jsonb(?1) -> ?2", [text, &path], |row| row.get(0)).unwrap()
    }

    const PATHS: [&[&str]; 7] = [&["a"], &["b"], &["a", "b"], &["a", "a"], &["é"], &["b", "a", "b"], &["a"]];

    fn json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            prop::sample::select(vec![
                "null", "true", "false", "0", "-0", "450.0", "1E+2", "1e400", "18446744073709551616", "-12.50",
            ])
            .prop_map(str::to_owned),
            r#""([a-c éж😀]|\\u00e9|\\"|\\\\|\\n|\\ud83d\\ude00){0,20}""#,
            "[a-c]{200,300}".prop_map(|text| format!("\"{text}\"")),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(|items| format!("[{}]", items.join(" , "))),
                prop::collection::vec((r#"a|b|c|é|\\u0061|\\u0062|"#, inner), 0..6).prop_map(|entries| {
                    let one = |(key, value): &(String, String)| format!("\"{key}\": {value}");
                    format!("{{ {} }}", entries.iter().map(one).collect::<Vec<_>>().join(","))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_picked_is_what_sqlite_gives(text in json()) {
            let connection = Connection::open_in_memory().unwrap();
            let document: Vec<u8> = connection.query_row("select jsonb(?1)", [&text], |row| row.get(0)).unwrap();
            let expect: Vec<_> = PATHS.iter().map(|path| asked(&connection, &text, path)).collect();
            prop_assert_eq!(picked(&document, &PATHS), Ok(expect));
            let whole: String = connection.query_row("select json(jsonb(?1))", [&text], |row| row.get(0)).unwrap();
            let mut out = Vec::new();
            write_document(&document, &mut out).unwrap();
            prop_assert_eq!(String::from_utf8(out).unwrap(), whole);
        }

        #[test]
        fn bytes_that_are_no_document_are_an_error_and_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = picked(&bytes, &PATHS);
            let _ = write_document(&bytes, &mut Vec::new());
        }
    }

    #[test]
    fn a_text_that_sqlite_did_not_escape_is_escaped() {
        let connection = Connection::open_in_memory().unwrap();
        let sql = "select jsonb_object('a', 'say \"x\"' || char(10)), json_object('a', 'say \"x\"' || char(10))";
        let (document, text): (Vec<u8>, String) =
            connection.query_row(sql, (), |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        let mut out = Vec::new();
        write_document(&document, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), text);
    }

    #[test]
    fn a_document_without_end_is_an_error() {
        assert_eq!(write_document(&[], &mut Vec::new()), Err(NotJsonb));
        assert_eq!(write_document(&[0xcb, 200, 1], &mut Vec::new()), Err(NotJsonb));
        assert_eq!(write_document(&[0xfb, 255, 255, 255, 255, 255, 255, 255, 255], &mut Vec::new()), Err(NotJsonb));
        let nested = (0..2_000).fold(vec![0x0b], |inner, _| {
            let size = u32::try_from(inner.len()).unwrap().to_be_bytes();
            [&[0xeb], size.as_slice(), &inner].concat()
        });
        assert_eq!(write_document(&nested, &mut Vec::new()), Err(NotJsonb));
    }
}
