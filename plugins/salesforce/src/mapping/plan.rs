//! One record, written straight into a body: of a collection, of a composite, or as a row of a job.

use enroute_sdk::{Context, Frame, Mapping, Member, Value, json};

use super::value::{self, Manner, Note};
use crate::request;
use crate::settings::catalogue::{Catalogue, Field, Kind};
use crate::settings::{MembershipMode, Operation, Settings, membership_field, related};

/// Warning: the row cannot be sent; `validate` says why.
const ROW_NOT_SENDABLE: &str = "row_not_sendable";

/// Warning: a new record would need the field, and the member has nothing for it.
const NEEDED_IF_NEW: &str = "needed_if_new";

/// What all records of a batch have in common, made once.
#[derive(Debug)]
pub(super) struct Plan<'c> {
    settings: &'c Settings,
    columns: Vec<Column>,
    /// `{"attributes":{"type":"Lead"},"Enroute_Id__c":`
    open: Vec<u8>,
    /// Constants and membership, to the end of the record; every part begins with a comma.
    tail: Vec<u8>,
    /// The same behind the cells of a row.
    row_tail: Vec<u8>,
    header: Vec<u8>,
}

/// What happens to the value of a row.
#[derive(Debug)]
struct Column {
    /// The field as the operator wrote it, for warnings.
    name: String,
    /// None where it is not sent.
    field: Option<Field>,
    /// `,"LastName":` or `,"Account":{"Acct_Ext__c":`
    key: Vec<u8>,
    /// Behind the value.
    close: &'static [u8],
    needed: bool,
}

impl<'c> Plan<'c> {
    pub(super) fn new(ctx: &'c Context<Settings>) -> Self {
        let settings = ctx.settings();
        let catalogue = Catalogue::of(ctx);
        let columns: Vec<Column> = (0..ctx.rows().len()).map(|row| column(ctx, &catalogue, row)).collect();
        let mut open = Vec::new();
        if settings.operation == Operation::UpdateOnly {
            open.push(b'{');
        } else {
            open.extend_from_slice(b"{\"attributes\":{\"type\":");
            json::write_str(&mut open, &settings.object);
            open.push(b'}');
            open.extend_from_slice(&json::key(&settings.external_id_field));
        }
        let membership = match settings.membership_mode {
            MembershipMode::FieldBoolean => membership_field(ctx).map(|name| catalogue.spelled(&name)),
            _ => None,
        };
        let (mut tail, mut row_tail) = (Vec::new(), Vec::new());
        for (name, constant) in settings.constants() {
            tail.extend_from_slice(&json::key(name));
            json::write_str(&mut tail, constant);
            row_tail.push(b',');
            row_tail.extend_from_slice(constant.as_bytes());
        }
        if let Some(name) = &membership {
            tail.extend_from_slice(&json::key(name));
            tail.extend_from_slice(b"true");
            row_tail.extend_from_slice(b",true");
        }
        tail.push(b'}');
        let sent = columns.iter().filter_map(|column| column.field.as_ref().map(|field| field.name.as_str()));
        let constants = settings.constants().map(|(name, _)| name);
        let names: Vec<&str> = std::iter::once(settings.external_id_field.as_str())
            .chain(sent)
            .chain(constants)
            .chain(membership.as_deref())
            .collect();
        let header = (names.join(",") + "\n").into_bytes();
        Self { settings, columns, open, tail, row_tail, header }
    }

    pub(super) const fn settings(&self) -> &'c Settings {
        self.settings
    }

    /// What stands around the records of a body.
    pub(super) fn frame(&self) -> Frame {
        let prefix =
            if self.settings.operation == Operation::UpdateOnly { request::SUBREQUESTS } else { request::RECORDS };
        Frame::json_array(prefix, request::END)
    }

    /// The first row of a job.
    pub(super) fn header(&self) -> Vec<u8> {
        self.header.clone()
    }

    /// Writes the record of a member.
    pub(super) fn write(&self, body: &mut Vec<u8>, out: &mut Mapping, member: Member<'_>, id: &str) {
        let update_only = self.settings.operation == Operation::UpdateOnly;
        if update_only {
            request::open_subrequest(body, self.settings, id);
        }
        let start = body.len();
        body.extend_from_slice(&self.open);
        if !update_only {
            json::write_str(body, id);
        }
        for (column, value) in self.columns.iter().zip(member.values()) {
            let Some(field) = self.sendable(out, column, value) else { continue };
            let before = body.len();
            // The first part of a record that does not begin with its id has no comma before it.
            let key = if before == start + 1 { column.key.get(1..).unwrap_or_default() } else { &column.key };
            body.extend_from_slice(key);
            if noted(out, column, value::write(body, field, value, Manner::of(self.settings))) {
                body.extend_from_slice(column.close);
            } else {
                body.truncate(before);
            }
        }
        let tail =
            if body.len() == start + 1 { self.tail.strip_prefix(b",").unwrap_or(&self.tail) } else { &self.tail };
        body.extend_from_slice(tail);
        if update_only {
            body.push(b'}');
        }
    }

    /// Writes the row of a member: an empty cell leaves its field alone.
    pub(super) fn write_row(&self, body: &mut Vec<u8>, out: &mut Mapping, member: Member<'_>, id: &str) {
        value::write_cell(body, id);
        for (column, value) in self.columns.iter().zip(member.values()) {
            if column.field.is_some() {
                body.push(b',');
            }
            let Some(field) = self.sendable(out, column, value) else { continue };
            let before = body.len();
            if !noted(out, column, value::write_csv(body, field, value, Manner::of(self.settings))) {
                body.truncate(before);
            }
        }
        body.extend_from_slice(&self.row_tail);
    }

    /// The field that a value goes into; none where nothing is sent.
    fn sendable<'a>(&self, out: &mut Mapping, column: &'a Column, value: Value<'_>) -> Option<&'a Field> {
        if column.needed && matches!(value, Value::Absent | Value::Null | Value::Text("")) {
            out.warn(NEEDED_IF_NEW, Some(&column.name), 1);
        }
        if value.is_absent() {
            return None;
        }
        if column.field.is_none() && column.name != crate::mapping::identity::EXTERNAL_ID {
            out.warn(ROW_NOT_SENDABLE, Some(&column.name), 1);
        }
        column.field.as_ref()
    }
}

/// Whether a value was written; what there is to say of it is said.
fn noted(out: &mut Mapping, column: &Column, written: Result<(), Note>) -> bool {
    match written {
        Ok(()) => true,
        Err(Note::Sent(code)) => {
            out.warn(code, Some(&column.name), 1);
            true
        }
        Err(Note::LeftOut(code)) => {
            out.warn(code, Some(&column.name), 1);
            false
        }
    }
}

fn column(ctx: &Context<Settings>, catalogue: &Catalogue, row: usize) -> Column {
    let settings = ctx.settings();
    let name = ctx.rows().get(row).map(|row| row.field.clone()).unwrap_or_default();
    let known = catalogue.get(&name);
    let field = if is_sendable(ctx, catalogue, row, &name) { Some(field(catalogue, &name)) } else { None };
    let spelled = field.as_ref().map_or(name.as_str(), |field| field.name.as_str());
    let (key, close): (_, &[u8]) = match related(spelled) {
        Some((relation, outer)) => {
            let mut key = json::key(relation);
            key.push(b'{');
            json::write_key(&mut key, outer);
            (key, b"}")
        }
        None => (json::key(spelled), b""),
    };
    let needed = settings.operation != Operation::UpdateOnly && known.is_some_and(|known| known.is('r'));
    Column { name, field, key, close, needed }
}

/// The field as Salesforce spells it, or one of a kind that nobody knows.
fn field(catalogue: &Catalogue, name: &str) -> Field {
    catalogue.get(name).cloned().unwrap_or_else(|| Field {
        name: name.to_owned(),
        // A record is linked by what the other one is called.
        kind: if related(name).is_some() { Kind::Text } else { Kind::Unknown },
        length: 0,
        flags: String::new(),
        relationship: None,
        values: None,
    })
}

fn is_sendable(ctx: &Context<Settings>, catalogue: &Catalogue, row: usize, name: &str) -> bool {
    let settings = ctx.settings();
    let taken = |other: &str| other.eq_ignore_ascii_case(name);
    let first = ctx.rows().iter().position(|row| taken(&row.field)) == Some(row);
    let parts: Vec<&str> = name.split('.').collect();
    first
        && parts.len() <= 2
        && parts.iter().all(|part| crate::settings::catalogue::is_name(part))
        && name != crate::mapping::identity::EXTERNAL_ID
        && !taken(&settings.external_id_field)
        && !membership_field(ctx).is_some_and(|membership| taken(&membership))
        && !settings.constants().any(|(constant, _)| taken(constant))
        && catalogue.get(name).is_none_or(|field| field.kind != Kind::Compound && (field.is('c') || field.is('u')))
}
