//! Some thousand lines on their way to the store, and what becomes of them there.

use std::ops::Range;

use crate::sources::CHUNK_BYTES;
use crate::sources::json::Line;
use crate::sources::reject::Bad;
use crate::store::imports::{REJECTIONS_KEPT, Record, Rejection};
use crate::store::profiles::{ContentHasher, Incoming, PARTS, Profiles, Upserted};
use crate::store::seal::HASH_BYTES;
use crate::store::{self, Transaction};

/// Profiles of one transaction, with the places in the file that they begin and end at.
#[derive(Debug)]
pub(super) struct Chunk {
    /// The offset that the import must stand at.
    pub(super) from: u64,
    /// What the import then is; its counts are for the store to make.
    pub(super) after: Record,
    rows: Vec<Row>,
    /// The texts of all rows, one behind the other.
    text: String,
    rejections: Vec<Rejection>,
    rejected: u64,
}

#[derive(Debug)]
struct Row {
    key: Range<usize>,
    parts: [Option<Range<usize>>; PARTS.len()],
    hash: [u8; HASH_BYTES],
}

impl Chunk {
    pub(super) fn new(record: &Record) -> Self {
        let (rows, rejections) = (Vec::new(), Vec::new());
        Self { from: record.offset, after: record.clone(), rows, text: String::new(), rejections, rejected: 0 }
    }

    pub(super) fn push(&mut self, line: &Line<'_>, hasher: &ContentHasher) {
        let parts = line.parts.each_ref().map(Option::as_deref);
        let hash = hasher.hash(&parts);
        let mut add = |text: &str| {
            let start = self.text.len();
            self.text.push_str(text);
            start..self.text.len()
        };
        let key = add(&line.key);
        let parts = parts.map(|part| part.map(&mut add));
        self.rows.push(Row { key, parts, hash });
    }

    pub(super) fn reject(&mut self, line: u64, bad: Bad) -> Rejection {
        let rejection = Rejection { line, code: bad.code.to_string(), reason: bad.reason };
        self.rejected += 1;
        if self.rejected <= REJECTIONS_KEPT {
            self.rejections.push(rejection.clone());
        }
        rejection
    }

    pub(super) const fn is_full(&self, lines: usize) -> bool {
        self.rows.len() as u64 + self.rejected >= lines as u64 || self.text.len() >= CHUNK_BYTES
    }

    /// Writes the profiles and the place that the import came to; returns the import with its new counts.
    pub(super) fn write(&self, tx: &Transaction<'_>) -> Result<Record, store::Error> {
        let before = tx.import(self.after.id)?.ok_or(store::Error::Broken("an import that goes on is stored"))?;
        if before.offset != self.from {
            // The chunk before this one failed; going on would lose its lines.
            return Err(store::Error::Broken("each chunk of an import begins where the last one ended"));
        }
        let mut record = Record {
            read: before.read + self.rows.len() as u64 + self.rejected,
            rejected: before.rejected + self.rejected,
            added: before.added,
            updated: before.updated,
            unchanged: before.unchanged,
            repeated: before.repeated,
            ..self.after.clone()
        };
        // A revision for each chunk, so that who reads between two of them sees the second as a change.
        let revision = tx.revision()? + 1;
        let mut is_changed = false;
        let mut profiles = Profiles::new(tx)?;
        for row in &self.rows {
            let upserted = profiles.upsert(&self.incoming(row)?, revision)?;
            is_changed |= !matches!(upserted, Upserted::Unchanged { .. });
            match upserted {
                Upserted::Added { .. } => record.added += 1,
                Upserted::Updated { was, .. } | Upserted::Unchanged { was, .. } if was >= before.revision => {
                    record.repeated += 1;
                }
                Upserted::Updated { .. } => record.updated += 1,
                Upserted::Unchanged { .. } => record.unchanged += 1,
            }
        }
        if is_changed {
            tx.set_revision(revision)?;
        }
        tx.reject_lines(record.id, before.rejected, &self.rejections)?;
        tx.save_import(&record)?;
        Ok(record)
    }

    fn incoming<'a>(&'a self, row: &'a Row) -> Result<Incoming<'a>, store::Error> {
        let text = |range: &Range<usize>| self.text.get(range.clone());
        let key = text(&row.key).ok_or(store::Error::Broken("a row lies in the text of its chunk"))?;
        Ok(Incoming { key, hash: &row.hash, parts: row.parts.each_ref().map(|part| part.as_ref().and_then(text)) })
    }
}
