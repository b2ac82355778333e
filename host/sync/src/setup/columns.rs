//! Which columns are read of a profile, and what becomes of them at the border.
//!
//! Decided once for a connection: for each member there is no parsing of mappings and no look-up by name.

use std::borrow::Cow;

use enroute_core::manifest::{Manifest, Values};

use crate::setup::identify::{self, Choice, Source};
use crate::setup::program::Program;
use enroute_store::{Column, Error, Sealer};

/// The columns of a connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Columns {
    /// What the store is asked for: identifiers first, then what the rows need.
    pub(crate) read: Vec<Column>,
    /// What is chosen of the identifiers.
    pub(crate) choice: Choice,
    /// What the rows hold.
    pub(crate) program: Program,
    /// Distinct identifier fields; the columns of `identifiers` and `sent` at the border.
    pub(crate) fields: Vec<String>,
    /// What keeps each of `fields` back, `setting=value`, where a setting does.
    pub(crate) kept_back: Vec<Option<String>>,
    /// Position in `fields` of each row that goes into an identifier field.
    row_fields: Vec<Option<usize>>,
}

/// An identifier and the field it goes into.
#[derive(Debug, Clone)]
pub(crate) struct Identifier {
    pub(crate) kind: String,
    pub(crate) field: String,
    pub(crate) values: Values,
    /// What keeps it back, `setting=value`, where a setting does.
    pub(crate) kept_back: Option<String>,
}

impl Columns {
    /// Finds the columns to read: identifiers that go out, and what the rows need.
    pub(crate) fn new(
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
    pub(crate) const fn rows(&self) -> usize {
        self.program.len()
    }

    /// Which identifier fields somebody has a value for, whether it goes out or not.
    pub(crate) fn present(&self, json: &[Option<&str>]) -> Vec<bool> {
        self.choice.present(json.get(..self.choice.sources.len()).unwrap_or_default())
    }

    /// The identifiers and the rows of a member, as JSON texts. A row that goes into an identifier field wins over the
    /// profile's own identifier. `nth` says which value of the identifying field it is, where every value is a record of
    /// its own.
    pub(crate) fn texts<'a>(
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
    pub(crate) fn admit(&self, json: &[Option<&str>]) -> bool {
        self.program.admits(json.get(self.choice.sources.len()..).unwrap_or_default())
    }

    /// Each condition of the mapping in words, and whether it is met.
    pub(crate) fn explain(&self, json: &[Option<&str>], is_member: bool) -> Vec<(String, bool)> {
        self.program.explain(json.get(self.choice.sources.len()..).unwrap_or_default(), is_member)
    }

    /// The place of a record's value among those of its profile.
    pub(crate) fn nth(&self, sealer: &Sealer, texts: &[Option<&str>], value: &[u8; 16]) -> usize {
        let found = self.choice.records(texts);
        found.iter().position(|text| hash(sealer, text) == *value).unwrap_or(usize::MAX)
    }

    /// What records are kept under: which kinds of identifiers are looked at, and in which order.
    pub(crate) fn records_of(&self) -> Option<String> {
        let choice = &self.choice;
        // Without an identity to tell people apart, one record could not be kept from withdrawing another.
        (choice.has_records() && !choice.order.is_empty()).then(|| {
            let source = |source: &Source| format!("{}={:?}={}", source.field, source.values, source.kind);
            let sources: Vec<_> = choice.sources.iter().map(source).collect();
            format!("{:?} {:?} {}", choice.uses, choice.order, sources.join(" "))
        })
    }
}

/// JSON texts, one a field or row.
pub(crate) type Texts<'a> = Vec<Option<Cow<'a, str>>>;

/// What a record of this value is found by.
pub(crate) fn hash(sealer: &Sealer, text: &str) -> [u8; 16] {
    sealer.keyed_hash("record", text.as_bytes())
}
