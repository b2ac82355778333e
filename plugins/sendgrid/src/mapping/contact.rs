//! One contact, written straight into the body.
//!
//! Invariant: without a value that can be sent there is no `custom_fields` (case `nothing_for_custom_fields`).

use enroute_sdk::{Context, Mapping, Member, Reject, Value, json};

use super::field::Field;
use super::identity::{Identities, Ids};
use super::remote::{Custom, CustomKind, Remote, kind_of_id};
use super::value::{self, Manner, Note};
use crate::settings::Settings;

/// Warning: the row cannot be sent; `validate` says why.
const ROW_NOT_SENDABLE: &str = "row_not_sendable";
/// Warning: the ids of custom fields are not known yet.
const FIELD_NOT_LEARNED: &str = "field_not_learned";

/// What all contacts of a batch have in common, made once.
#[derive(Debug)]
pub(super) struct Plan<'c> {
    identities: &'c Identities,
    columns: Vec<Column<'c>>,
    manner: Manner,
    /// The country of phone numbers without a country code.
    region: Option<&'c str>,
}

/// What happens to the value of a row.
#[derive(Debug)]
struct Column<'c> {
    name: &'c str,
    /// `,"name":`
    key: Vec<u8>,
    way: Way,
}

#[derive(Debug, Clone, Copy)]
enum Way {
    /// It stands among the identifiers already.
    Identifier,
    Text(usize),
    Phone,
    Emails,
    Custom(CustomKind),
    /// Not at all, with this warning.
    Nowhere(&'static str),
}

impl<'c> Plan<'c> {
    pub(super) fn new(ctx: &'c Context<Settings>, identities: &'c Identities) -> Self {
        let remote = Remote::of(ctx);
        let column = |(number, row): (usize, &'c enroute_sdk::Row)| {
            let (id, way) = match Field::of(&row.field) {
                _ if ctx.row(&row.field) != Some(number) => ("", Way::Nowhere(ROW_NOT_SENDABLE)),
                Field::Identifier(_) => ("", Way::Identifier),
                Field::Text(chars) => (row.field.as_str(), Way::Text(chars)),
                Field::Phone => (row.field.as_str(), Way::Phone),
                Field::Emails => (row.field.as_str(), Way::Emails),
                Field::ReadOnly => ("", Way::Nowhere(ROW_NOT_SENDABLE)),
                Field::Custom => custom(remote.as_ref(), &row.field),
            };
            Column { name: &row.field, key: json::key(id), way }
        };
        Self {
            identities,
            columns: ctx.rows().iter().enumerate().map(column).collect(),
            manner: Manner { truncate: ctx.settings().truncate, order: ctx.settings().date_order },
            region: ctx.settings().phone_region.as_deref(),
        }
    }

    /// Writes the contact of a member.
    pub(super) fn write(&self, body: &mut Vec<u8>, out: &mut Mapping, member: Member<'_>) -> Result<(), Reject> {
        let ids = self.identities.now(member);
        if ids.sound.is_empty() {
            return Err(ids.reject());
        }
        for (code, field) in ids.warnings() {
            out.warn(code, Some(field), 1);
        }
        identifiers(body, &ids);
        let mut customs = false;
        for (column, value) in self.columns.iter().zip(member.values()) {
            match column.way {
                _ if value.is_absent() => {}
                Way::Custom(_) => customs = true,
                _ => self.write_column(body, out, column, value),
            }
        }
        if customs {
            self.write_customs(body, out, member);
        }
        body.push(b'}');
        Ok(())
    }

    fn write_customs(&self, body: &mut Vec<u8>, out: &mut Mapping, member: Member<'_>) {
        let start = body.len();
        body.extend_from_slice(b",\"custom_fields\":{");
        let first = body.len();
        for (column, value) in self.columns.iter().zip(member.values()) {
            if !value.is_absent() && matches!(column.way, Way::Custom(_)) {
                self.write_column(body, out, column, value);
            }
        }
        if body.len() == first {
            body.truncate(start);
            return;
        }
        // The first key comes with a comma like all others.
        body.remove(first);
        body.push(b'}');
    }

    fn write_column(&self, body: &mut Vec<u8>, out: &mut Mapping, column: &Column<'_>, value: Value<'_>) {
        let start = body.len();
        body.extend_from_slice(&column.key);
        let written = match column.way {
            Way::Identifier => {
                body.truncate(start);
                return;
            }
            Way::Nowhere(code) => Err(Note::LeftOut(code)),
            Way::Text(chars) => value::reserved(body, value, chars, self.manner.truncate),
            Way::Phone => value::phone_number(body, value, self.region),
            Way::Emails => value::emails(body, value),
            Way::Custom(kind) => value::custom(body, kind, value, self.manner),
        };
        match written {
            Ok(()) => {}
            Err(Note::Sent(code)) => out.warn(code, Some(column.name), 1),
            Err(Note::LeftOut(code)) => {
                body.truncate(start);
                out.warn(code, Some(column.name), 1);
            }
        }
    }
}

/// The id of a custom field, and how its values are written.
fn custom<'c>(remote: Option<&Remote<'c>>, name: &'c str) -> (&'c str, Way) {
    match remote {
        Some(remote) => match remote.custom(name) {
            Some(Custom { id, kind }) => (id, Way::Custom(kind)),
            None => ("", Way::Nowhere(ROW_NOT_SENDABLE)),
        },
        None => match kind_of_id(name) {
            Some(kind) => (name, Way::Custom(kind)),
            None => ("", Way::Nowhere(FIELD_NOT_LEARNED)),
        },
    }
}

/// Begins a contact with its identifiers.
fn identifiers(body: &mut Vec<u8>, ids: &Ids<'_>) {
    let mut before = b'{';
    for (kind, value) in &ids.sound {
        body.push(before);
        json::write_str(body, kind.field());
        body.push(b':');
        json::write_str(body, value);
        before = b',';
    }
}
