//! One object of `attributes`, written straight into the body.

use enroute_sdk::{Context, Mapping, Member, Value, json};

use super::field::Field;
use super::identity::{Identity, Kind};
use super::value::{Dates, Note, location, write};
use crate::settings::{MembershipMode, Settings, membership_field};

/// Warning: the row cannot be sent; `validate` says why.
const ROW_NOT_SENDABLE: &str = "row_not_sendable";

/// Warning: with a phone number as the only identifier, an e-mail address would name another profile.
const EMAIL_WOULD_IDENTIFY: &str = "email_would_identify";

/// What all objects of a batch have in common, made once.
#[derive(Debug)]
pub(super) struct Plan<'c> {
    columns: Vec<Column<'c>>,
    /// Columns of a latitude and a longitude.
    location: Option<(usize, usize)>,
    /// Membership and flags of a member, to the end of the object.
    joined: Vec<u8>,
    /// The same for one who left.
    left: Vec<u8>,
    dates: Dates<'c>,
}

/// What happens to the value of a row.
#[derive(Debug)]
struct Column<'c> {
    name: &'c str,
    /// None where it is not sent in its place.
    field: Option<Field>,
    /// `,"name":`
    key: Vec<u8>,
}

impl<'c> Plan<'c> {
    pub(super) fn new(ctx: &'c Context<Settings>) -> Self {
        let settings = ctx.settings();
        let membership = |joins: bool, existing_only: bool| {
            let mut tail = Vec::new();
            write_membership(&mut tail, ctx, joins);
            if existing_only {
                tail.extend_from_slice(b",\"_update_existing_only\":true");
            }
            tail.push(b'}');
            tail
        };
        Self {
            columns: columns(ctx),
            location: match ctx.row("current_location") {
                Some(_) => None,
                None => ctx.row("current_location.latitude").zip(ctx.row("current_location.longitude")),
            },
            joined: membership(true, settings.update_existing_only),
            // Nobody is created only to say that they are not a member.
            left: membership(false, true),
            dates: Dates { today: ctx.today(), order: settings.date_order },
        }
    }

    /// Writes the object of a member, with membership at the end.
    pub(super) fn write(&self, body: &mut Vec<u8>, out: &mut Mapping, member: Member<'_>, identity: &Identity<'_>) {
        if member.is_removed() {
            self.write_removed(body, identity);
            return;
        }
        open(body, identity);
        for (column, value) in self.columns.iter().zip(member.values()) {
            if !value.is_absent() {
                self.write_column(body, out, column, value, identity.kind);
            }
        }
        if let Some((latitude, longitude)) = self.location {
            write_location(body, out, member.value(latitude), member.value(longitude));
        }
        body.extend_from_slice(&self.joined);
    }

    /// Writes the object of somebody who left: an identity and the membership, nothing else.
    pub(super) fn write_removed(&self, body: &mut Vec<u8>, identity: &Identity<'_>) {
        open(body, identity);
        body.extend_from_slice(&self.left);
    }

    fn write_column(
        &self,
        body: &mut Vec<u8>,
        out: &mut Mapping,
        column: &Column<'_>,
        value: Value<'_>,
        identity: Kind,
    ) {
        let Some(field) = column.field else {
            if !matches!(Field::of(column.name), Field::Latitude | Field::Longitude) {
                out.warn(ROW_NOT_SENDABLE, Some(column.name), 1);
            }
            return;
        };
        match (field, identity) {
            (Field::Email, Kind::Email) | (Field::Phone, Kind::Phone) => return,
            (Field::Email, Kind::Phone) => return out.warn(EMAIL_WOULD_IDENTIFY, Some(column.name), 1),
            _ => {}
        }
        let start = body.len();
        body.extend_from_slice(&column.key);
        match write(body, field, value, self.dates) {
            Ok(()) => {}
            Err(Note::Sent(code)) => out.warn(code, Some(column.name), 1),
            Err(Note::SentWith(codes)) => codes.into_iter().for_each(|code| out.warn(code, Some(column.name), 1)),
            Err(Note::Quiet) => body.truncate(start),
            Err(Note::LeftOut(code)) => {
                body.truncate(start);
                out.warn(code, Some(column.name), 1);
            }
        }
    }
}

fn columns(ctx: &Context<Settings>) -> Vec<Column<'_>> {
    let column = |(number, row): (usize, &'_ enroute_sdk::Row)| {
        let field = match Field::of(&row.field) {
            Field::Identifier | Field::Reserved | Field::Latitude | Field::Longitude => None,
            _ if row.field == membership_field(ctx) || ctx.row(&row.field) != Some(number) => None,
            field => Some(field),
        };
        (field, json::key(&row.field))
    };
    let rows = ctx.rows().iter().enumerate();
    rows.map(|(number, row)| {
        let (field, key) = column((number, row));
        Column { name: &row.field, field, key }
    })
    .collect()
}

/// The identity, which begins every object.
fn open(body: &mut Vec<u8>, identity: &Identity<'_>) {
    body.extend_from_slice(b"{\"");
    body.extend_from_slice(identity.kind.field().as_bytes());
    body.extend_from_slice(b"\":");
    json::write_str(body, &identity.value);
}

fn write_membership(tail: &mut Vec<u8>, ctx: &Context<Settings>, joins: bool) {
    tail.extend_from_slice(&json::key(membership_field(ctx)));
    match ctx.settings().membership_mode {
        MembershipMode::BooleanAttribute => json::write_value(tail, Value::Bool(joins)),
        MembershipMode::ArrayAttribute => {
            tail.extend_from_slice(if joins { b"{\"add\":[" } else { b"{\"remove\":[" });
            json::write_str(tail, ctx.audience_key());
            tail.extend_from_slice(b"]}");
        }
        MembershipMode::SubscriptionGroup => {
            tail.extend_from_slice(b"[{\"subscription_group_id\":");
            json::write_str(tail, ctx.settings().subscription_group_id.as_deref().unwrap_or_default());
            tail.extend_from_slice(b",\"subscription_state\":");
            json::write_str(tail, if joins { "subscribed" } else { "unsubscribed" });
            tail.extend_from_slice(b"}]");
        }
    }
}

/// A location whose parts are traits of their own: both or none.
fn write_location(body: &mut Vec<u8>, out: &mut Mapping, latitude: Value<'_>, longitude: Value<'_>) {
    match (latitude, longitude) {
        (Value::Absent, Value::Absent) => {}
        (Value::Null, Value::Null) => body.extend_from_slice(b",\"current_location\":null"),
        _ => match location(latitude, longitude) {
            Some(location) => {
                body.extend_from_slice(b",\"current_location\":");
                body.extend_from_slice(location.as_bytes());
            }
            None => out.warn(super::value::MALFORMED, Some("current_location"), 1),
        },
    }
}
