//! Which columns are read of a profile, and what becomes of them at the border.
//!
//! Decided once for a connection: for each member there is no parsing of mappings and no look-up by name.

use std::borrow::Cow;
use std::sync::Arc;

use enroute_core::cells::{Cells, Value};
use enroute_core::manifest::{Manifest, Values};
use roaring::RoaringBitmap;

use crate::store::records::{self, RECORD_ID_MIN};
use crate::store::{Column, Error, Reader, Sealer, Store, ValueReader};
use crate::sync::identify::{self, Choice, Source};
use crate::sync::link::Link;
use crate::sync::program::Program;
use crate::sync::reading;

/// The columns of a connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Columns {
    /// What the store is asked for: identifiers first, then what the rows need.
    pub(super) read: Vec<Column>,
    /// What is chosen of the identifiers.
    pub(super) choice: Choice,
    /// What the rows hold.
    pub(super) program: Program,
    /// Distinct identifier fields; the columns of `identifiers` and `sent` at the border.
    pub(super) fields: Vec<String>,
    /// What keeps each of `fields` back, `setting=value`, where a setting does.
    pub(super) kept_back: Vec<Option<String>>,
    /// Position in `fields` of each row that goes into an identifier field.
    row_fields: Vec<Option<usize>>,
}

/// An identifier and the field it goes into.
#[derive(Debug, Clone)]
pub(super) struct Identifier {
    pub(super) kind: String,
    pub(super) field: String,
    pub(super) values: Values,
    /// What keeps it back, `setting=value`, where a setting does.
    pub(super) kept_back: Option<String>,
}

impl Columns {
    /// Finds the columns to read: identifiers that go out, and what the rows need.
    pub(super) fn new(
        manifest: &Manifest,
        identity: &[String],
        identifiers: &[Identifier],
        rows: &[String],
        program: Program,
    ) -> Result<Self, Error> {
        let mut columns = Self { program, ..Self::default() };
        for identifier in identifiers {
            let field = columns.field_at(&identifier.field);
            columns.read.push(Column::identifier(&identifier.kind)?);
            columns.choice.sources.push(Source { kind: identifier.kind.clone(), field, values: identifier.values });
        }
        for field in rows {
            let identifies = manifest.field(field).is_some_and(|field| field.identifier);
            let at = identifies.then(|| columns.field_at(field));
            columns.row_fields.push(at);
        }
        columns.kept_back = columns
            .fields
            .iter()
            .enumerate()
            .map(|(at, field)| {
                // A row that goes there is what the operator asked for.
                let mut sources =
                    identifiers.iter().filter(|one| one.field == *field && !columns.row_fields.contains(&Some(at)));
                let first = sources.next()?.kept_back.clone();
                first.filter(|_| sources.all(|one| one.kept_back.is_some()))
            })
            .collect();
        columns.read.extend(columns.program.read().iter().cloned());
        columns.choice.fields = columns.fields.len();
        columns.choice.uses = manifest.identity.uses;
        let position = |field: &String| columns.fields.iter().position(|known| known == field);
        columns.choice.order = identity.iter().filter_map(position).collect();
        Ok(columns)
    }

    fn field_at(&mut self, field: &str) -> usize {
        self.fields.iter().position(|known| known == field).unwrap_or_else(|| {
            self.fields.push(field.to_owned());
            self.fields.len() - 1
        })
    }

    /// How many rows there are.
    pub(super) const fn rows(&self) -> usize {
        self.program.len()
    }

    /// One row of identifiers and one of values. A row that goes into an identifier field wins over the profile's own
    /// identifier. `nth` says which value of the identifying field it is, where every value is a record of its own.
    pub(super) fn cells(
        &self,
        json: &[Option<&str>],
        is_member: bool,
        nth: impl Fn(&[Option<&str>]) -> usize,
    ) -> (Cells, Cells) {
        let (chosen, rows) = self.texts_of(json, is_member, nth);
        (one_row(&chosen), one_row(&rows))
    }

    /// The identifiers and the rows of somebody who is there, as JSON texts.
    pub(super) fn texts<'a>(&self, json: &[Option<&'a str>]) -> (Texts<'a>, Texts<'a>) {
        self.texts_of(json, true, |_| 0)
    }

    /// Which identifier fields somebody has a value for, whether it goes out or not.
    pub(super) fn present(&self, json: &[Option<&str>]) -> Vec<bool> {
        self.choice.present(json.get(..self.choice.sources.len()).unwrap_or_default())
    }

    fn texts_of<'a>(
        &self,
        json: &[Option<&'a str>],
        is_member: bool,
        nth: impl Fn(&[Option<&str>]) -> usize,
    ) -> (Texts<'a>, Texts<'a>) {
        let (texts, inputs) = json.split_at_checked(self.choice.sources.len()).unwrap_or((&[], &[]));
        let rows = self.program.run(inputs, is_member);
        let mut chosen = self.choice.of(texts, nth(texts));
        if self.row_fields.iter().any(Option::is_some) {
            // Who leaves is named as who is there.
            let named = if is_member { None } else { Some(self.program.run(inputs, true)) };
            for (field, text) in self.row_fields.iter().zip(named.as_ref().unwrap_or(&rows)) {
                let Some(slot) = field.and_then(|field| chosen.get_mut(field)) else { continue };
                if let Some(last) = text.as_deref().and_then(identify::last_of) {
                    *slot = Some(Cow::Owned(last.into_owned()));
                }
            }
        }
        (chosen, rows)
    }

    /// Whether the mapping's condition is met by somebody who enters or stays.
    pub(super) fn admit(&self, json: &[Option<&str>]) -> bool {
        self.program.admits(json.get(self.choice.sources.len()..).unwrap_or_default())
    }

    /// Each condition of the mapping in words, and whether it is met.
    pub(super) fn explain(&self, json: &[Option<&str>], is_member: bool) -> Vec<(String, bool)> {
        self.program.explain(json.get(self.choice.sources.len()..).unwrap_or_default(), is_member)
    }

    /// The place of a record's value among those of its profile.
    pub(super) fn nth(&self, sealer: &Sealer, texts: &[Option<&str>], value: &[u8; 16]) -> usize {
        let found = self.choice.records(texts);
        found.iter().position(|text| hash(sealer, text) == *value).unwrap_or(usize::MAX)
    }

    /// What records are kept under: which kinds of identifiers are looked at, and in which order.
    pub(super) fn records_of(&self) -> Option<String> {
        let choice = &self.choice;
        // Without an identity to tell people apart, one record could not be kept from withdrawing another.
        (choice.has_records() && !choice.order.is_empty()).then(|| {
            let source = |source: &Source| format!("{}={:?}={}", source.field, source.values, source.kind);
            let sources: Vec<_> = choice.sources.iter().map(source).collect();
            format!("{:?} {:?} {}", choice.uses, choice.order, sources.join(" "))
        })
    }

    /// Brings the records of the connection's people up to date, where one person can be several.
    pub(super) async fn refresh_records(link: &Arc<Link>, store: &Arc<Store>) -> Result<(), Error> {
        let Some(choice) = link.columns.records_of() else { return Ok(()) };
        let (link, kept) = (Arc::clone(link), choice.clone());
        let found = reading(store, move |reader| link.columns.find_records(reader, &choice)).await?;
        let (found, revision) = found;
        store.write(move |tx| records::put(tx.connection(), &kept, &found, revision)).await
    }

    /// Finds the further values of profiles that changed since they were last looked at, and up to which revision.
    fn find_records(&self, reader: &Reader, choice: &str) -> Result<(Found, i64), Error> {
        let connection = reader.connection();
        let revision = reader.revision()?;
        let since = records::looked_at(connection, choice)?;
        let changed = reader.changed_since(since)?;
        let known = records::profiles(connection, choice)?;
        let columns = self.read.get(..self.choice.sources.len()).unwrap_or_default();
        let mut values = ValueReader::new(reader, columns)?;
        let mut found = Vec::new();
        values.read(changed.iter(), |profile, _, _, texts| {
            let all = self.choice.records(texts);
            let further: Vec<_> = all.iter().skip(1).map(|text| hash(reader.sealer(), text)).collect();
            if !further.is_empty() || known.contains(profile) {
                found.push((profile, further));
            }
            Ok::<_, Error>(())
        })?;
        Ok((found, revision))
    }
}

/// JSON texts, one a field or row.
pub(super) type Texts<'a> = Vec<Option<Cow<'a, str>>>;

/// Profiles with the further values that they have now.
type Found = Vec<(u32, Vec<[u8; 16]>)>;

fn one_row(texts: &[Option<Cow<'_, str>>]) -> Cells {
    let mut cells = Cells::with_capacity(u32::try_from(texts.len()).unwrap_or(u32::MAX), 1);
    for text in texts {
        if cells.push_json(text.as_deref()).is_err() {
            cells.push(Value::Absent);
        }
    }
    cells
}

fn hash(sealer: &Sealer, text: &str) -> [u8; 16] {
    sealer.keyed_hash("record", text.as_bytes())
}

/// Adds the records of these profiles to a set of profiles: those whose value is still there, or all of them.
pub(super) fn with_records(
    reader: &Reader,
    choice: Option<&str>,
    profiles: &mut [(&mut RoaringBitmap, bool)],
) -> Result<(), Error> {
    let Some(choice) = choice else { return Ok(()) };
    for (id, profile, present) in records::all(reader.connection(), choice)? {
        debug_assert!(id >= RECORD_ID_MIN, "numbers of records begin where those of profiles end");
        for (set, only_present) in profiles.iter_mut() {
            if (present || !*only_present) && set.contains(profile) {
                set.insert(id);
            }
        }
    }
    Ok(())
}
