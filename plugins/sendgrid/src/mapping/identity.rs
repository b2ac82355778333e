//! Who a contact is: up to four identifiers, which all travel.
//!
//! SendGrid's "Add or Update a Contact" page: at least one identifier, and to update a contact all that it has.

use std::borrow::Cow;

use enroute_sdk::text::trim;
use enroute_sdk::{Context, Identifiers, Member, Reject, Value, email, phone};

use crate::settings::{Settings, is_sent};

/// Longest identifier, in characters.
const ID_CHARS_MAX: usize = 254;

/// The kinds of identifiers, in the order in which contacts are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Email,
    ExternalId,
    PhoneNumberId,
    AnonymousId,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Email, Self::ExternalId, Self::PhoneNumberId, Self::AnonymousId];

    /// The name of the field, and of the search by it.
    pub(crate) const fn field(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::ExternalId => "external_id",
            Self::PhoneNumberId => "phone_number_id",
            Self::AnonymousId => "anonymous_id",
        }
    }

    /// The name where an identifier is taken off a contact.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Email => "EMAIL",
            Self::ExternalId => "EXTERNALID",
            Self::PhoneNumberId => "PHONENUMBERID",
            Self::AnonymousId => "ANONYMOUSID",
        }
    }

    const fn fault(self) -> &'static str {
        match self {
            Self::Email => "email_malformed",
            Self::ExternalId => "external_id_too_long",
            Self::PhoneNumberId => "phone_malformed",
            Self::AnonymousId => "anonymous_id_too_long",
        }
    }
}

/// One identifier as SendGrid stores it.
pub(crate) type Id<'m> = (Kind, Cow<'m, str>);

/// The identifiers of a member at one time.
#[derive(Debug, Default)]
pub(crate) struct Ids<'m> {
    /// Those that can travel, in the order of [`Kind::ALL`].
    pub(crate) sound: Vec<Id<'m>>,
    /// Kinds whose value cannot.
    pub(crate) faults: Vec<Kind>,
}

/// A contact that a member was known as before, by identifiers that it does not have any more.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Earlier<'m> {
    /// Whether the same contact also has an identifier that the member still has.
    pub(crate) stays: bool,
    /// What the member does not have any more.
    pub(crate) gone: Vec<Id<'m>>,
}

/// Where the identifiers of a member stand.
#[derive(Debug)]
pub(crate) struct Identities {
    columns: Vec<(Kind, usize)>,
    /// The country of phone numbers without a country code.
    region: Option<String>,
}

impl Identities {
    pub(crate) fn new(ctx: &Context<Settings>) -> Self {
        let column = |kind: Kind| Some((kind, ctx.identifier(kind.field())?));
        let sent = Kind::ALL.into_iter().filter(|kind| is_sent(ctx, *kind));
        Self { columns: sent.filter_map(column).collect(), region: ctx.settings().phone_region.clone() }
    }

    /// The identifiers that the member has now.
    pub(crate) fn now<'m>(&self, member: Member<'m>) -> Ids<'m> {
        self.ids(|column| member.identifier(column))
    }

    /// The identifiers in a row of what was sent.
    pub(crate) fn of_row<'m>(&self, row: Identifiers<'m>) -> Vec<Id<'m>> {
        self.ids(|column| row.get(column)).sound
    }

    /// The identifiers of whatever has columns.
    pub(crate) fn ids<'m>(&self, value: impl Fn(usize) -> Value<'m>) -> Ids<'m> {
        let mut ids = Ids::default();
        for (kind, column) in &self.columns {
            match sound(*kind, value(*column), self.region.as_deref()) {
                Ok(Some(value)) => ids.sound.push((*kind, value)),
                Ok(None) => {}
                Err(Unsound) => ids.faults.push(*kind),
            }
        }
        ids
    }

    /// What a removal looks for: each set of identifiers that was sent, or those of now where nothing is remembered.
    pub(crate) fn to_withdraw<'m>(&self, member: Member<'m>) -> Vec<Vec<Id<'m>>> {
        let mut sets: Vec<Vec<Id<'m>>> = Vec::new();
        for row in member.sent() {
            let ids = self.of_row(row);
            if !ids.is_empty() && !sets.contains(&ids) {
                sets.push(ids);
            }
        }
        if sets.is_empty() {
            let now = self.now(member).sound;
            sets.extend((!now.is_empty()).then_some(now));
        }
        sets
    }

    /// The contacts that have to forget the member, in whole or in part.
    ///
    /// An identifier that is malformed now is not taken for one that was given up.
    pub(crate) fn earlier<'m>(&self, member: Member<'m>) -> Vec<Earlier<'m>> {
        let mut rows = member.sent().peekable();
        if rows.peek().is_none() {
            return Vec::new();
        }
        let now = self.now(member);
        let mut found: Vec<Earlier<'m>> = Vec::new();
        for row in rows {
            let (kept, mut gone): (Vec<_>, Vec<_>) =
                self.of_row(row).into_iter().partition(|id| now.sound.contains(id));
            gone.retain(|(kind, _)| !now.faults.contains(kind));
            let earlier = Earlier { stays: !kept.is_empty(), gone };
            if !earlier.gone.is_empty() && !found.contains(&earlier) {
                found.push(earlier);
            }
        }
        found
    }
}

impl Ids<'_> {
    /// Why a member without any sound identifier cannot be sent.
    pub(crate) fn reject(&self) -> Reject {
        match self.faults.first() {
            Some(kind) => {
                let reason = format!("the only identifier that could be used, {}, is malformed", kind.field());
                Reject::field(kind.field(), kind.fault(), reason)
            }
            None => Reject::new("no_identifier", "the member has no identifier that sendgrid knows"),
        }
    }

    /// The codes of what could not be used, with their fields.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.faults.iter().map(|kind| (kind.fault(), kind.field()))
    }
}

/// The value is there and cannot be used.
struct Unsound;

/// The identifier as SendGrid wants it; none where there is none.
fn sound<'m>(kind: Kind, value: Value<'m>, region: Option<&str>) -> Result<Option<Cow<'m, str>>, Unsound> {
    let text = match value {
        Value::Text(text) | Value::Number(text) => trim(text),
        _ => return Ok(None),
    };
    if text.is_empty() {
        return Ok(None);
    }
    match kind {
        Kind::Email => email::lower(text).map(Some).ok_or(Unsound),
        Kind::PhoneNumberId => {
            let number = phone::text_of(value).and_then(|text| phone::e164(&text, region));
            number.map(|number| Some(number.into())).ok_or(Unsound)
        }
        Kind::ExternalId | Kind::AnonymousId if fits(text) => Ok(Some(text.into())),
        _ => Err(Unsound),
    }
}

fn fits(text: &str) -> bool {
    text.len() <= ID_CHARS_MAX || text.chars().count() <= ID_CHARS_MAX
}

#[cfg(test)]
mod tests {
    use enroute_sdk::testing::{Fixture, Person};

    use super::*;

    #[track_caller]
    fn check(kind: Kind, text: &str, expect: Option<&str>) {
        let got = match sound(kind, Value::Text(text), None) {
            Ok(value) => value,
            Err(Unsound) => Some("unsound".into()),
        };
        assert_eq!(got.as_deref(), expect, "{text}");
    }

    #[test]
    fn an_address_is_trimmed_and_in_lower_case() {
        check(Kind::Email, "  Maria.Silva@Example.ORG ", Some("maria.silva@example.org"));
        check(Kind::Email, "o'brien@example.com", Some("o'brien@example.com"));
        check(Kind::Email, "", None);
        check(Kind::Email, "maria", Some("unsound"));
        check(Kind::Email, &format!("{}@example.com", "a".repeat(243)), Some("unsound"));
    }

    #[test]
    fn a_number_that_identifies_is_e164() {
        check(Kind::PhoneNumberId, "+351 912 345-678", Some("+351912345678"));
        check(Kind::PhoneNumberId, "+44 (0) 7911 123456", Some("+447911123456"));
        check(Kind::PhoneNumberId, "+1 650 555 1212 ext. 34", Some("+16505551212"));
        check(Kind::PhoneNumberId, "+15", Some("unsound"));
        check(Kind::PhoneNumberId, "+0000000000", Some("unsound"));
        check(Kind::PhoneNumberId, "912345678", Some("unsound"));
        check(Kind::PhoneNumberId, "+1234567890123456", Some("unsound"));
        check(Kind::PhoneNumberId, "+1", Some("unsound"));
        check(Kind::PhoneNumberId, "+351 call me", Some("unsound"));
    }

    #[test]
    fn an_id_has_at_most_254_characters() {
        check(Kind::ExternalId, &"ü".repeat(254), Some(&"ü".repeat(254)));
        check(Kind::ExternalId, &"a".repeat(255), Some("unsound"));
    }

    fn earlier(person: Person) -> Vec<(bool, Vec<String>)> {
        let fixture = Fixture::new()
            .setting("base_url", "https://api.sendgrid.com")
            .identifier_field("email")
            .identifier_field("external_id")
            .member(person);
        let ctx = fixture.context::<Settings>().expect("settings of the test");
        let identities = Identities::new(&ctx);
        fixture.with_batch(|batch| {
            let member = batch.member(0).expect("there is one");
            let text = |earlier: Earlier<'_>| {
                (earlier.stays, earlier.gone.iter().map(|(_, value)| value.to_string()).collect())
            };
            identities.earlier(member).into_iter().map(text).collect()
        })
    }

    #[test]
    fn what_a_member_was_known_as_is_told_from_what_it_is() {
        let ann = || Person::updated("u1").identifier("email", "new@example.com").identifier("external_id", "u1");
        assert_eq!(earlier(ann()), []);
        assert_eq!(earlier(ann().sent([("email", "NEW@example.com "), ("external_id", "u1")])), []);
        let moved = ann().sent([("email", "old@example.com"), ("external_id", "u1")]);
        assert_eq!(earlier(moved), [(true, vec!["old@example.com".to_owned()])]);
        let other = ann().sent([("email", "old@example.com")]);
        assert_eq!(earlier(other), [(false, vec!["old@example.com".to_owned()])]);
    }

    #[test]
    fn a_malformed_address_gives_up_nothing() {
        let ann = Person::updated("u1").identifier("email", "not an address").identifier("external_id", "u1");
        assert_eq!(earlier(ann.sent([("email", "old@example.com"), ("external_id", "u1")])), []);
    }
}
