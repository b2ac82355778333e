//! One user, written straight into the body.
//!
//! Invariant: membership stands last among the user fields and no row goes into its key, so no trait can speak for it.
//! Nothing is ever written of roles, rights or Zendesk's own id.

use std::borrow::Cow;

use enroute_sdk::text::trim;
use enroute_sdk::{Context, Mapping, Member, Reject, Value, json};

use super::field::Field;
use super::identity::{Identities, Identity};
use super::value::{self, Kind, MALFORMED, Note};
use crate::settings::remote::Remote;
use crate::settings::{Settings, membership_field};

/// What all users of a batch have in common, made once.
#[derive(Debug)]
pub(super) struct Plan<'c> {
    settings: &'c Settings,
    columns: Vec<Column<'c>>,
    name: Option<usize>,
    first_name: Option<usize>,
    last_name: Option<usize>,
    email: Option<usize>,
    membership: Option<&'c str>,
}

/// What happens to the value of a row.
#[derive(Debug)]
struct Column<'c> {
    row: usize,
    field: &'c str,
    place: Place<'c>,
}

#[derive(Debug)]
enum Place<'c> {
    /// A member of the user.
    Core(&'c str, Kind<'c>),
    /// A user field, by its key.
    User(Cow<'c, str>, Kind<'c>),
    /// The account has no such user field.
    Unknown,
    /// It cannot be sent; `validate` says why.
    Nowhere,
}

impl<'c> Plan<'c> {
    pub(super) fn new(ctx: &'c Context<Settings>, remote: Option<&'c Remote>) -> Self {
        let row = |wanted: &Field<'_>| ctx.rows().iter().position(|row| Field::of(&row.field) == *wanted);
        Self {
            settings: ctx.settings(),
            columns: columns(ctx, remote),
            name: row(&Field::Name),
            first_name: row(&Field::FirstName),
            last_name: row(&Field::LastName),
            email: row(&Field::Email),
            membership: membership_field(ctx),
        }
    }

    /// Who the member is, as an upsert says it.
    pub(super) fn identity<'m>(&self, identities: Identities, member: Member<'m>) -> Result<Identity<'m>, Reject> {
        identities.now(member, self.email.map(|row| member.value(row)))
    }

    /// A user of whom nothing is said but the membership.
    pub(super) fn membership(&self, joins: bool) -> Vec<u8> {
        let mut user = b"{".to_vec();
        if let Some(key) = self.membership {
            json::write_key(&mut user, "user_fields");
            user.push(b'{');
            json::write_key(&mut user, key);
            json::write_value(&mut user, Value::Bool(joins));
            user.push(b'}');
        }
        user.push(b'}');
        user
    }

    /// Writes the user of a member who joins or stays: with an identity for an upsert, without for a user who was
    /// found.
    pub(super) fn write(
        &self,
        body: &mut Vec<u8>,
        out: &mut Mapping,
        member: Member<'_>,
        identity: Option<&Identity<'_>>,
    ) -> Result<(), Reject> {
        body.push(b'{');
        if let Some(external_id) = identity.and_then(|identity| identity.external_id.as_deref()) {
            text(body, "external_id", external_id);
        }
        match self.name_of(out, member) {
            Some(name) => text(body, "name", &name),
            None if identity.is_some() => {
                let reason = "the profile has neither a first nor a last name, and Zendesk creates nobody without";
                return Err(Reject::field("name", "missing_name", reason));
            }
            None => {}
        }
        self.write_email(body, out, member, identity);
        for column in &self.columns {
            if let Place::Core(name, kind) = &column.place {
                self.write_value(body, out, column, name, *kind, member.value(column.row));
            }
        }
        if identity.is_some() && self.settings.suppress_verification_mail {
            json::write_key(body, "skip_verify_email");
            body.extend_from_slice(b"true");
        }
        if identity.is_some() && self.settings.mark_verified {
            json::write_key(body, "verified");
            body.extend_from_slice(b"true");
        }
        self.write_user_fields(body, out, member);
        body.push(b'}');
        Ok(())
    }

    fn write_email(&self, body: &mut Vec<u8>, out: &mut Mapping, member: Member<'_>, identity: Option<&Identity<'_>>) {
        let mapped = self.email.map(|row| member.value(row));
        if mapped == Some(Value::Null) {
            out.warn("cannot_be_cleared", Some("email"), 1);
        }
        match (identity, mapped) {
            (Some(identity), mapped) => {
                if let Some(email) = &identity.email {
                    text(body, "email", email);
                }
                if identity.bad_email || matches!(mapped, Some(Value::Json(_))) && identity.email.is_none() {
                    out.warn(MALFORMED, Some("email"), 1);
                }
            }
            (None, Some(value)) if !value.is_null() && !value.is_absent() => {
                let address = value.scalar();
                match address.as_deref().and_then(enroute_sdk::email::lower) {
                    Some(address) => text(body, "email", &address),
                    None => out.warn(MALFORMED, Some("email"), 1),
                }
            }
            (None, _) => {}
        }
    }

    fn write_user_fields(&self, body: &mut Vec<u8>, out: &mut Mapping, member: Member<'_>) {
        let mut fields = b"{".to_vec();
        for column in &self.columns {
            let value = member.value(column.row);
            match &column.place {
                Place::User(key, kind) => self.write_value(&mut fields, out, column, key, *kind, value),
                Place::Unknown if !value.is_absent() => out.warn("field_unknown", Some(column.field), 1),
                Place::Nowhere if !value.is_absent() => out.warn("row_not_sendable", Some(column.field), 1),
                _ => {}
            }
        }
        if let Some(key) = self.membership {
            json::write_key(&mut fields, key);
            fields.extend_from_slice(b"true");
        }
        if fields.len() > 1 {
            json::write_key(body, "user_fields");
            body.extend_from_slice(&fields);
            body.push(b'}');
        }
    }

    fn write_value(
        &self,
        body: &mut Vec<u8>,
        out: &mut Mapping,
        column: &Column<'_>,
        name: &str,
        kind: Kind<'_>,
        value: Value<'_>,
    ) {
        if value.is_absent() {
            return;
        }
        let start = body.len();
        json::write_key(body, name);
        match value::write(body, kind, value, self.settings) {
            Ok(()) => {}
            Err(Note::Sent(code)) => out.warn(code, Some(column.field), 1),
            Err(Note::LeftOut(code)) => {
                body.truncate(start);
                out.warn(code, Some(column.field), 1);
            }
        }
    }

    /// The name: of one trait, or of its two halves. Where only one is there, it is the name.
    fn name_of(&self, out: &mut Mapping, member: Member<'_>) -> Option<String> {
        let part = |row: Option<usize>, out: &mut Mapping| -> Option<String> {
            let value = member.value(row?);
            if matches!(value, Value::Json(_)) {
                out.warn(MALFORMED, Some("name"), 1);
            }
            let text = value.scalar()?;
            let text = trim(&text);
            (!text.is_empty()).then(|| text.to_owned())
        };
        if self.name.is_some() {
            return part(self.name, out);
        }
        let (first, last) = (part(self.first_name, out), part(self.last_name, out));
        match (first, last) {
            (Some(first), Some(last)) => Some(format!("{first} {last}")),
            (Some(half), None) | (None, Some(half)) => {
                out.warn("name_incomplete", Some("name"), 1);
                Some(half)
            }
            (None, None) => None,
        }
    }
}

fn text(body: &mut Vec<u8>, name: &str, text: &str) {
    json::write_key(body, name);
    json::write_str(body, text);
}

fn columns<'c>(ctx: &'c Context<Settings>, remote: Option<&'c Remote>) -> Vec<Column<'c>> {
    let mut columns: Vec<Column<'c>> = Vec::new();
    for (row, mapped) in ctx.rows().iter().enumerate() {
        let field = mapped.field.as_str();
        let place = match Field::of(field) {
            Field::ExternalId | Field::Email | Field::Name | Field::FirstName | Field::LastName => continue,
            Field::Phone => Place::Core("phone", Kind::Phone),
            Field::OrganizationId => Place::Core("organization_id", Kind::Integer),
            Field::TimeZone => Place::Core("time_zone", Kind::TimeZone),
            Field::Locale => Place::Core("locale", Kind::Name),
            Field::LocaleId => Place::Core("locale_id", Kind::Integer),
            Field::Text(name) => Place::Core(name, Kind::Text),
            Field::Tags | Field::Settings(_) | Field::Forbidden(_) => Place::Nowhere,
            Field::User(name) => user_field(ctx, name, remote),
        };
        let taken = columns.iter().any(|known| match (&known.place, &place) {
            (Place::Core(one, _), Place::Core(other, _)) => one == other,
            (Place::User(one, _), Place::User(other, _)) => one == other,
            _ => false,
        });
        columns.push(Column { row, field, place: if taken { Place::Nowhere } else { place } });
    }
    columns
}

fn user_field<'c>(ctx: &Context<Settings>, name: &'c str, remote: Option<&'c Remote>) -> Place<'c> {
    let place = match remote {
        None => Place::User(Cow::Borrowed(name), Kind::Unknown),
        Some(remote) => match remote.resolve(name) {
            Some(field) if field.active => Place::User(Cow::Borrowed(&field.key), Kind::of(field)),
            _ => Place::Unknown,
        },
    };
    match place {
        Place::User(key, _) if membership_field(ctx) == Some(&*key) => Place::Nowhere,
        place => place,
    }
}
