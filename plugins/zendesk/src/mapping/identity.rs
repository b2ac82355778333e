//! Who a member is at Zendesk, now and in earlier deliveries.
//!
//! The page "Users": a user is known by `external_id`, whatever its case, or by an address in lower case. Users who
//! must exist already are looked for first, because nothing may create somebody only to say that they left.

use std::borrow::Cow;

use enroute_sdk::text::{lower, trim, trim_lower};
use enroute_sdk::{Context, Identifiers, Member, Reject, Value, email};

use crate::settings::{Identifier, Settings};

const EXTERNAL_ID: &str = "external_id";
const EMAIL: &str = "email";

/// What finds a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target<'m> {
    /// An external id, spelled as it came.
    External(Cow<'m, str>),
    /// An address in lower case.
    Email(String),
}

impl Target<'_> {
    /// Whether both find the same user.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::External(one), Self::External(other)) => same(one, other),
            (Self::Email(one), Self::Email(other)) => one == other,
            _ => false,
        }
    }

    /// The external id, where it can stand in a list of them.
    pub(crate) fn listable(&self) -> Option<&str> {
        match self {
            Self::External(id) if !id.contains(',') => Some(id),
            _ => None,
        }
    }
}

/// Whether two external ids are one to Zendesk.
pub(crate) fn same(one: &str, other: &str) -> bool {
    lower(trim(one)) == lower(trim(other))
}

/// What an upsert says of who it is about.
#[derive(Debug, Default)]
pub(crate) struct Identity<'m> {
    pub(crate) external_id: Option<Cow<'m, str>>,
    pub(crate) email: Option<String>,
    /// Whether an address was there and is none.
    pub(crate) bad_email: bool,
}

/// Where identifiers stand, looked up once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Identities {
    external_id: Option<usize>,
    email: Option<usize>,
    by: Identifier,
}

impl Identities {
    pub(crate) fn new(ctx: &Context<Settings>) -> Self {
        Self { external_id: ctx.identifier(EXTERNAL_ID), email: ctx.identifier(EMAIL), by: ctx.settings().identifier }
    }

    /// The identity of a member now. `mapped` has the value of a row that goes into the address, where there is one.
    pub(crate) fn now<'m>(self, member: Member<'m>, mapped: Option<Value<'m>>) -> Result<Identity<'m>, Reject> {
        let ids = member.identifiers();
        let external_id = if self.by == Identifier::Email { None } else { self.external(ids) };
        let address = match (self.by, mapped) {
            (Identifier::ExternalId, None | Some(Value::Null | Value::Absent)) => None,
            (_, mapped) => {
                self.address(ids).or_else(|| mapped.and_then(Value::scalar)).filter(|text| !trim(text).is_empty())
            }
        };
        let email = address.as_deref().and_then(email::lower).map(Cow::into_owned);
        let bad_email = address.is_some() && email.is_none();
        match (&external_id, &email, self.by) {
            (None, None, _) if bad_email => Err(Reject::field(
                EMAIL,
                "email_malformed",
                "the e-mail address is malformed, and nothing else identifies",
            )),
            (None, _, Identifier::ExternalId) | (None, None, _) => {
                Err(Reject::new("no_identifier", "the profile has nothing that identifies a Zendesk user"))
            }
            _ => Ok(Identity { external_id, email, bad_email }),
        }
    }

    /// What finds the member's user now.
    pub(crate) fn target(self, member: Member<'_>) -> Option<Target<'_>> {
        self.target_of(member.identifiers())
    }

    /// What finds the users that were told of the membership and must be told that it ended: for a member who left,
    /// all of them, and for one who stays, those that are another user now.
    pub(crate) fn earlier(self, member: Member<'_>) -> Vec<Target<'_>> {
        let now = self.target(member);
        let mut found: Vec<Target<'_>> = Vec::new();
        for target in member.sent().filter_map(|row| self.target_of(row)) {
            let stays = !member.is_removed() && now.as_ref().is_some_and(|now| now.is(&target));
            if !stays && !found.iter().any(|known| known.is(&target)) {
                found.push(target);
            }
        }
        if found.is_empty() && member.is_removed() {
            found.extend(now);
        }
        found
    }

    /// Whether the address is another one than in earlier deliveries.
    pub(crate) fn address_changed(self, member: Member<'_>) -> bool {
        let address = |ids| self.address(ids).map(|text| trim_lower(&text).into_owned());
        let now = address(member.identifiers());
        now.is_some() && member.sent().filter_map(address).any(|earlier| Some(earlier) != now)
    }

    /// The address now, as Zendesk writes it.
    pub(crate) fn address_now(self, member: Member<'_>) -> Option<String> {
        let text = self.address(member.identifiers())?;
        email::lower(&text).map(Cow::into_owned)
    }

    fn target_of(self, ids: Identifiers<'_>) -> Option<Target<'_>> {
        let external = || self.external(ids).map(Target::External);
        let email = || {
            let text = self.address(ids)?;
            email::lower(&text).map(|email| Target::Email(email.into_owned()))
        };
        match self.by {
            Identifier::Email => email().or_else(external),
            Identifier::ExternalId | Identifier::Both => external().or_else(email),
        }
    }

    fn external(self, ids: Identifiers<'_>) -> Option<Cow<'_, str>> {
        self.external_id.and_then(|at| ids.get(at).scalar()).filter(|text| !trim(text).is_empty())
    }

    fn address(self, ids: Identifiers<'_>) -> Option<Cow<'_, str>> {
        self.email.and_then(|at| ids.get(at).scalar()).filter(|text| !trim(text).is_empty())
    }
}
