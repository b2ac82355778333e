//! Members put together from what the store has of them, some hundred at a time, and what they are found again by.
//!
//! Their values stand in tables that all of them share, in the form in which they cross into a plugin: a value is
//! written down once.

use enroute_core::batch::Change;
use enroute_core::cells::{Cells, Value};
use enroute_core::fold::{folded, spelled};
use enroute_core::manifest::IdentifierUse;
use enroute_store::records::Record;
use enroute_store::seal::KeyedHasher;

use crate::change::coverage::Survey;
use crate::change::lot::SentRow;
use crate::setup::link::Link;

/// Members, each with its row of identifiers and of values.
pub(super) struct Enriched<'a> {
    link: &'a Link,
    members: Vec<Member>,
    identifiers: Cells,
    values: Cells,
    consents: Vec<Option<String>>,
}

/// One member while it is put together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    pub(super) profile: u32,
    pub(super) change: Change,
    /// Whether the mapping's condition is met.
    pub(super) matches: bool,
    /// Where its values are.
    row: usize,
    consent: usize,
}

/// What the store gave of a member.
pub(super) struct Stored<'t> {
    pub(super) consent: Option<&'t str>,
    /// In the order of the columns that are read.
    pub(super) json: &'t [Option<&'t str>],
    /// Where this is a further value of an identifier.
    pub(super) record: Option<Record>,
}

impl<'a> Enriched<'a> {
    /// Nobody yet, with room for so many.
    pub(super) fn new(link: &'a Link, members: usize) -> Self {
        let width = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Self {
            link,
            members: Vec::with_capacity(members),
            identifiers: Cells::with_capacity(width(link.columns.fields.len()), members),
            values: Cells::with_capacity(width(link.columns.rows()), members),
            consents: Vec::new(),
        }
    }

    /// Adds a member with the values that the store has; one who is gone from there has none.
    pub(super) fn push(
        &mut self,
        profile: u32,
        change: Change,
        stored: Option<&Stored<'_>>,
        survey: &mut Option<Survey>,
    ) {
        let (columns, sealer) = (&self.link.columns, &self.link.sealer);
        let is_member = change != Change::Removed;
        let Some(Stored { consent, json, record }) = stored else {
            (0..columns.fields.len()).for_each(|_| self.identifiers.push(Value::Absent));
            (0..columns.rows()).for_each(|_| self.values.push(Value::Absent));
            return self.add(profile, change, true, None);
        };
        let nth = |texts: &[Option<&str>]| record.map_or(0, |record| columns.nth(sealer, texts, &record.value));
        let (chosen, rows) = columns.texts(json, is_member, nth);
        if is_member && let Some(survey) = survey {
            survey.meet(columns, profile, json, &chosen, &rows);
        }
        chosen.iter().for_each(|text| self.identifiers.push_json_or_absent(text.as_deref()));
        rows.iter().for_each(|text| self.values.push_json_or_absent(text.as_deref()));
        let matches = !is_member || columns.admit(json);
        self.add(profile, change, matches, *consent);
    }

    fn add(&mut self, profile: u32, change: Change, matches: bool, consent: Option<&str>) {
        if self.consents.last().is_none_or(|last| last.as_deref() != consent) {
            self.consents.push(consent.map(str::to_owned));
        }
        let (row, consent) = (self.members.len(), self.consents.len() - 1);
        self.members.push(Member { profile, change, matches, row, consent });
    }

    /// The members, in the order in which they were added.
    pub(super) fn members(&self) -> &[Member] {
        &self.members
    }

    /// What a member consented to.
    pub(super) fn consent(&self, member: Member) -> Option<&str> {
        self.consents.get(member.consent)?.as_deref()
    }

    /// Appends a member's row of identifiers and of values to tables with the same columns.
    pub(super) fn copy(&self, member: Member, identifiers: &mut Cells, values: &mut Cells) {
        identifiers.push_row(&self.identifiers, member.row);
        values.push_row(&self.values, member.row);
    }
}

/// Finds members again, by what is sent of them and by who they are.
pub(super) struct Fingerprints<'a> {
    link: &'a Link,
    member: KeyedHasher,
    identity: KeyedHasher,
    /// What is hashed, in one piece.
    scratch: Vec<u8>,
}

impl<'a> Fingerprints<'a> {
    pub(super) fn new(link: &'a Link) -> Self {
        let (member, identity) = (link.sealer.keyed_hasher("member"), link.sealer.keyed_hasher("identity"));
        Self { link, member, identity, scratch: Vec::new() }
    }

    /// Keyed hash of everything that is sent of a member.
    pub(super) fn of_member(&mut self, enriched: &Enriched<'_>, member: Member) -> [u8; 16] {
        let mut hasher = self.member.clone();
        hasher.update_part(enriched.consent(member).map(str::as_bytes));
        self.scratch.clear();
        enriched.identifiers.fingerprint_row(member.row, |bytes| self.scratch.extend_from_slice(bytes));
        enriched.values.fingerprint_row(member.row, |bytes| self.scratch.extend_from_slice(bytes));
        hasher.update(&self.scratch);
        hasher.finish()
    }

    /// Keyed hash of who a member is at the destination.
    pub(super) fn identity_of(&self, enriched: &Enriched<'_>, member: Member) -> Option<[u8; 16]> {
        self.identity(|field| {
            let column = self.link.columns.fields.iter().position(|name| name == field)?;
            match enriched.identifiers.value(member.row, column) {
                Value::Text(text) | Value::Number(text) => Some(text),
                _ => None,
            }
        })
    }

    /// The same for what was sent of a member.
    pub(super) fn identity_of_row(&self, row: &SentRow) -> Option<[u8; 16]> {
        self.identity(|field| row.get(field))
    }

    /// Keyed hash of the first identifying value, folded as the manifest says.
    fn identity<'t>(&self, value: impl Fn(&str) -> Option<&'t str>) -> Option<[u8; 16]> {
        let (link, identity) = (self.link, &self.link.identity);
        let (field, text) = identity.key.iter().find_map(|field| value(field).map(|text| (field, text)))?;
        let region = link.phone_regions.get(field);
        let number = region.and_then(|region| enroute_phone::e164(text, region.as_deref()));
        let text = number.unwrap_or_else(|| {
            let steps = link.manifest.field(field).map_or(&[][..], |field| &field.fold);
            let text = folded(text, identity.fold);
            if steps.is_empty() { text } else { spelled(&text, steps) }
        });
        (!text.is_empty()).then(|| {
            let mut hasher = self.identity.clone();
            [field.as_bytes(), b"=", text.as_bytes()].into_iter().for_each(|part| hasher.update(part));
            hasher.finish()
        })
    }
}

/// What a member is found again by who has these JSON texts.
#[cfg(test)]
pub(crate) fn fingerprint(link: &Link, json: &[Option<&str>]) -> [u8; 16] {
    let mut enriched = Enriched::new(link, 1);
    enriched.push(0, Change::Added, Some(&Stored { consent: None, json, record: None }), &mut None);
    Fingerprints::new(link).of_member(&enriched, enriched.members[0])
}

impl Link {
    /// Keyed hash of who was meant by a row that was sent.
    pub(crate) fn identity_of_row(&self, row: &SentRow) -> Option<[u8; 16]> {
        Fingerprints::new(self).identity_of_row(row)
    }

    /// Whether two profiles can be one person there: not where the profile's own id always identifies the member.
    pub(super) fn folds(&self) -> bool {
        let (identity, columns) = (&self.identity, &self.columns);
        let by_own_id = identity.uses == IdentifierUse::First
            && columns.choice.sources.first().is_some_and(|first| {
                first.kind == "user_id" && identity.key.first() == columns.fields.get(first.field)
            });
        !identity.key.is_empty() && !by_own_id
    }
}
