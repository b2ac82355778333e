//! Some thousand lines on their way to the store, and what becomes of them there.

use std::ops::Range;

use roaring::RoaringBitmap;

use crate::CHUNK_BYTES;
use crate::events::Call;
use crate::json::Line;
use crate::reject::Bad;
use enroute_store::events::{Events, NewEvent};
use enroute_store::feeds;
use enroute_store::forgotten::Tombstones;
use enroute_store::imports::{REJECTIONS_KEPT, Record, Rejection};
use enroute_store::layers::Kind;
use enroute_store::profiles::{ContentHasher, Incoming, PARTS, Profiles, Upserted};
use enroute_store::seal::{HASH_BYTES, Sealer};
use enroute_store::{self as store, Transaction};

/// Profiles of one transaction, with the places in the file that they begin and end at.
#[derive(Debug)]
pub(super) struct Chunk {
    /// The offset that the import must stand at.
    pub(super) from: u64,
    /// What the import then is; its counts are for the store to make.
    pub(super) after: Record,
    profiles: Rows,
    events: Vec<EventRow>,
    skipped: u64,
    /// Names of traits that were not seen before in this file.
    names: Vec<String>,
    rejections: Vec<Rejection>,
    rejected: u64,
}

/// Profiles on their way, with their texts one behind the other.
#[derive(Debug, Default)]
pub(super) struct Rows {
    rows: Vec<Row>,
    text: String,
}

#[derive(Debug)]
struct Row {
    key: Range<usize>,
    parts: [Option<Range<usize>>; PARTS.len()],
    hash: [u8; HASH_BYTES],
}

#[derive(Debug)]
struct EventRow {
    message: [u8; HASH_BYTES],
    key: Range<usize>,
    name: Option<Range<usize>>,
    at_ms: i64,
    data: Option<Range<usize>>,
}

impl Chunk {
    pub(super) fn new(record: &Record) -> Self {
        Self {
            from: record.offset,
            after: record.clone(),
            profiles: Rows::default(),
            events: Vec::new(),
            skipped: 0,
            names: Vec::new(),
            rejections: Vec::new(),
            rejected: 0,
        }
    }

    pub(super) fn push(&mut self, line: &Line<'_>, hasher: &ContentHasher) {
        self.profiles.push(line, hasher);
    }

    pub(super) fn push_call(&mut self, call: &Call<'_>, message: [u8; HASH_BYTES]) {
        let key = self.profiles.add(&call.key);
        let name = call.name.as_deref().map(|name| self.profiles.add(name));
        let data = call.data.map(|data| self.profiles.add(data));
        self.events.push(EventRow { message, key, name, at_ms: call.at_ms, data });
    }

    pub(super) const fn skip(&mut self) {
        self.skipped += 1;
    }

    pub(super) fn push_name(&mut self, name: String) {
        self.names.push(name);
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
        self.lines() >= lines as u64 || self.profiles.bytes() >= CHUNK_BYTES
    }

    const fn lines(&self) -> u64 {
        self.profiles.len() as u64 + self.events.len() as u64 + self.skipped + self.rejected
    }

    /// Writes the profiles and the place that the import came to; returns the import with its new counts.
    pub(super) fn write(&self, tx: &Transaction<'_>, sealer: &Sealer) -> Result<Record, store::Error> {
        let before = tx.import(self.after.id)?.ok_or(store::Error::Broken("an import that goes on is stored"))?;
        if before.offset != self.from {
            // The chunk before this one failed; going on would lose its lines.
            return Err(store::Error::Broken("each chunk of an import begins where the last one ended"));
        }
        let mut record = Record {
            read: before.read + self.lines(),
            rejected: before.rejected + self.rejected,
            added: before.added,
            updated: before.updated,
            unchanged: before.unchanged,
            repeated: before.repeated,
            skipped: before.skipped + self.skipped,
            ..self.after.clone()
        };
        // A revision for each chunk, so that who reads between two of them sees the second as a change.
        let revision = tx.revision()? + 1;
        let mut is_changed = false;
        let (mut profiles, tombstones) = (Profiles::new(tx)?, Tombstones::new(tx, sealer)?);
        let mut people = RoaringBitmap::new();
        for incoming in self.profiles.incoming() {
            let incoming = incoming?;
            let [identifiers, traits, ..] = incoming.parts;
            if tombstones.cover(incoming.key, identifiers, traits)? {
                record.skipped += 1;
                continue;
            }
            let upserted = profiles.upsert(&incoming, revision)?;
            is_changed |= !matches!(upserted, Upserted::Unchanged { .. });
            let (Upserted::Added { id } | Upserted::Updated { id, .. } | Upserted::Unchanged { id, .. }) = upserted;
            people.insert(id);
            match upserted {
                Upserted::Added { .. } => record.added += 1,
                Upserted::Updated { was, .. } | Upserted::Unchanged { was, .. } if was >= before.revision => {
                    record.repeated += 1;
                }
                Upserted::Updated { .. } => record.updated += 1,
                Upserted::Unchanged { .. } => record.unchanged += 1,
            }
        }
        if !people.is_empty() {
            feeds::holds_too(tx, &record.source, &people)?;
        }
        is_changed |= self.write_events(tx, sealer, revision, &mut record)?;
        if is_changed {
            tx.set_revision(revision)?;
        }
        let source = tx.trait_source(Kind::Custom, &record.source)?;
        tx.add_traits(source, &self.names.iter().map(String::as_str).collect::<Vec<_>>())?;
        if let Some(ended_ms) = record.ended_ms {
            tx.set_refreshed(source, ended_ms)?;
        }
        tx.reject_lines(record.id, before.rejected, &self.rejections)?;
        tx.save_import(&record)?;
        Ok(record)
    }

    /// Keeps the calls; tells whether there is a person whom nobody knew.
    fn write_events(
        &self,
        tx: &Transaction<'_>,
        sealer: &Sealer,
        revision: i64,
        record: &mut Record,
    ) -> Result<bool, store::Error> {
        if self.events.is_empty() {
            return Ok(false);
        }
        let empty = ContentHasher::new(sealer).hash(&[None; PARTS.len()]);
        let (mut profiles, mut events) = (Profiles::new(tx)?, Events::new(tx)?);
        let tombstones = Tombstones::new(tx, sealer)?;
        let mut is_anybody_new = false;
        for row in &self.events {
            let text = |range: &Range<usize>| self.profiles.text.get(range.clone());
            let key = text(&row.key).ok_or(store::Error::Broken("a row lies in the text of its chunk"))?;
            let (name, data) = (row.name.as_ref().and_then(text), row.data.as_ref().and_then(text));
            if tombstones.cover(key, None, data.filter(|_| name.is_none()))? {
                record.skipped += 1;
                continue;
            }
            let (profile, is_new) = profiles.number(key, &empty, revision)?;
            is_anybody_new |= is_new;
            let event = NewEvent { message: &row.message, profile, name, at_ms: row.at_ms, data };
            let counter = if events.add(&event)? { &mut record.added } else { &mut record.unchanged };
            *counter += 1;
        }
        Ok(is_anybody_new)
    }
}

impl Rows {
    pub(super) fn push(&mut self, line: &Line<'_>, hasher: &ContentHasher) {
        let parts = line.parts.each_ref().map(Option::as_deref);
        let hash = hasher.hash(&parts);
        let key = self.add(&line.key);
        let parts = parts.map(|part| part.map(|part| self.add(part)));
        self.rows.push(Row { key, parts, hash });
    }

    fn add(&mut self, text: &str) -> Range<usize> {
        let start = self.text.len();
        self.text.push_str(text);
        start..self.text.len()
    }

    pub(super) const fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) const fn bytes(&self) -> usize {
        self.text.len()
    }

    /// The profiles as the store takes them.
    pub(super) fn incoming(&self) -> impl Iterator<Item = Result<Incoming<'_>, store::Error>> {
        let text = |range: &Range<usize>| self.text.get(range.clone());
        self.rows.iter().map(move |row| {
            let key = text(&row.key).ok_or(store::Error::Broken("a row lies in the text of its chunk"))?;
            Ok(Incoming { key, hash: &row.hash, parts: row.parts.each_ref().map(|part| part.as_ref().and_then(text)) })
        })
    }
}
