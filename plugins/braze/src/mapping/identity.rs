//! Which profile an object is about.
//!
//! Braze's "Create and update users" page: one of `external_id` and `braze_id` at most, and `email` or `phone` only
//! where there is neither. An object with two primary identifiers is refused.

use std::borrow::Cow;

use enroute_sdk::text::trim;
use enroute_sdk::{Context, Member, Reject, Value, email, phone};

use crate::settings::Settings;

/// Longest external id, in bytes.
const EXTERNAL_ID_BYTES_MAX: usize = 987;

/// The kinds of identifiers, in the order in which they identify.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    ExternalId,
    BrazeId,
    Email,
    Phone,
}

impl Kind {
    const ALL: [Self; 4] = [Self::ExternalId, Self::BrazeId, Self::Email, Self::Phone];

    pub(super) const fn field(self) -> &'static str {
        match self {
            Self::ExternalId => "external_id",
            Self::BrazeId => "braze_id",
            Self::Email => "email",
            Self::Phone => "phone",
        }
    }
}

/// What names a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity<'m> {
    pub(super) kind: Kind,
    pub(super) value: Cow<'m, str>,
}

/// Where the identifiers of a member stand.
#[derive(Debug)]
pub(super) struct Identities {
    columns: Vec<(Kind, usize)>,
}

impl Identities {
    pub(super) fn new(ctx: &Context<Settings>) -> Self {
        let column = |kind: Kind| Some((kind, ctx.identifier(kind.field())?));
        Self { columns: Kind::ALL.into_iter().filter_map(column).collect() }
    }

    /// The first identifier that the member has and that is sound.
    pub(super) fn now<'m>(&self, member: Member<'m>) -> Result<Identity<'m>, Reject> {
        self.first(|column| member.identifier(column))
    }

    /// The other profiles that have to hear that the member is gone.
    ///
    /// A member who left is withdrawn from every profile that it was sent to. One who stays is withdrawn from
    /// external ids that are no longer its own; other identifiers may be the same profile by another name, and
    /// withdrawing there would undo what is sent now.
    pub(super) fn earlier<'m>(&self, member: Member<'m>) -> Vec<Identity<'m>> {
        let mut earlier = Vec::new();
        for row in member.sent() {
            let Ok(identity) = self.first(|column| row.get(column)) else { continue };
            if !earlier.contains(&identity) {
                earlier.push(identity);
            }
        }
        if earlier.is_empty() {
            return earlier;
        }
        let now = self.now(member).ok();
        if member.is_removed() {
            // The usual case: one profile, and it is the one that the member has now.
            let usual = matches!(earlier.as_slice(), [one] if Some(one) == now.as_ref());
            return if usual { Vec::new() } else { earlier };
        }
        earlier.retain(|old| {
            old.kind == Kind::ExternalId && now.as_ref().is_some_and(|now| now.kind == old.kind && now != old)
        });
        earlier
    }

    fn first<'m>(&self, value: impl Fn(usize) -> Value<'m>) -> Result<Identity<'m>, Reject> {
        let mut fault = None;
        for (kind, column) in &self.columns {
            match sound(*kind, value(*column)) {
                Ok(Some(value)) => return Ok(Identity { kind: *kind, value }),
                Ok(None) => {}
                Err(reject) => fault = fault.or(Some(reject)),
            }
        }
        Err(fault.unwrap_or_else(|| Reject::new("no_identifier", "the member has no identifier that braze knows")))
    }
}

/// The identifier as Braze wants it; none where there is none.
fn sound(kind: Kind, value: Value<'_>) -> Result<Option<Cow<'_, str>>, Reject> {
    let text = match value {
        Value::Text(text) | Value::Number(text) => trim(text),
        _ => return Ok(None),
    };
    if text.is_empty() {
        return Ok(None);
    }
    match kind {
        Kind::ExternalId if text.len() > EXTERNAL_ID_BYTES_MAX => Err(Reject::field(
            kind.field(),
            "external_id_too_long",
            format!("the external id has {} bytes, more than {EXTERNAL_ID_BYTES_MAX}", text.len()),
        )),
        Kind::ExternalId | Kind::BrazeId => Ok(Some(Cow::Borrowed(text))),
        Kind::Email => match email::lower(text) {
            Some(address) => Ok(Some(address)),
            None => Err(Reject::field(kind.field(), "email_malformed", "the e-mail address is malformed")),
        },
        Kind::Phone => match phone::text_of(value).and_then(|text| phone::e164(&text, None)) {
            Some(number) => Ok(Some(Cow::Owned(number))),
            None => Err(Reject::field(kind.field(), "phone_malformed", "the phone number is not in E.164 form")),
        },
    }
}
