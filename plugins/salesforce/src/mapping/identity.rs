//! Which record a member is: by its external id, now and in what was sent before.

use enroute_sdk::text::{lower, trim};
use enroute_sdk::{Context, Member, Reject, Value, email};

use crate::settings::Settings;
use crate::settings::catalogue::{Catalogue, Kind};

/// The field of the manifest that a member's external id goes into.
pub(crate) const EXTERNAL_ID: &str = "external_id";

/// Longest external id, in characters.
const CHARS_MAX: usize = 255;

/// Rejection: there is no external id.
pub(crate) const MISSING: &str = "no_external_id";

/// Rejection: the external id is too long for its field.
pub(crate) const TOO_LONG: &str = "external_id_too_long";

/// Rejection: the external id is an e-mail field, and the value is none.
pub(crate) const MALFORMED: &str = "external_id_malformed";

/// External ids of members.
#[derive(Debug)]
pub(crate) struct Identities {
    column: Option<usize>,
    chars_max: usize,
    is_email: bool,
}

/// How ids are compared: Salesforce does not tell capitals from small letters.
pub(crate) fn folded(id: &str) -> String {
    lower(trim(id)).into_owned()
}

impl Identities {
    pub(crate) fn new(ctx: &Context<Settings>) -> Self {
        let catalogue = Catalogue::of(ctx);
        let field = catalogue.get(&ctx.settings().external_id_field);
        let length = field.map_or(0, |field| field.length as usize);
        Self {
            column: ctx.identifier(EXTERNAL_ID),
            chars_max: if length == 0 { CHARS_MAX } else { length.min(CHARS_MAX) },
            is_email: field.is_some_and(|field| field.kind == Kind::Email),
        }
    }

    /// The external id now.
    pub(crate) fn now(&self, member: Member<'_>) -> Result<String, Reject> {
        let Some(id) = self.column.and_then(|column| text(member.identifier(column))) else {
            return Err(Reject::field(EXTERNAL_ID, MISSING, "the member has no external id"));
        };
        let chars = id.chars().count();
        if chars > self.chars_max {
            let reason = format!("the external id has {chars} characters, more than {}", self.chars_max);
            return Err(Reject::field(EXTERNAL_ID, TOO_LONG, reason));
        }
        if self.is_email && email::address(&id).is_none() {
            return Err(Reject::field(EXTERNAL_ID, MALFORMED, "the external id is not an e-mail address"));
        }
        Ok(id)
    }

    /// The external ids that were sent and are not the one of now. Nothing for those who left: all of theirs count.
    pub(crate) fn earlier(&self, member: Member<'_>) -> Vec<String> {
        if member.is_removed() {
            return Vec::new();
        }
        let now = self.column.and_then(|column| text(member.identifier(column))).map(|id| folded(&id));
        self.sent(member).into_iter().filter(|id| Some(folded(id)) != now).collect()
    }

    /// The external ids by which a member who left can be found.
    pub(crate) fn left(&self, member: Member<'_>) -> Result<Vec<String>, Reject> {
        let sent = self.sent(member);
        if sent.is_empty() { self.now(member).map(|id| vec![id]) } else { Ok(sent) }
    }

    /// The ids that a look-up for this member is about.
    pub(crate) fn withdrawn(&self, member: Member<'_>) -> Vec<String> {
        if member.is_removed() { self.left(member).unwrap_or_default() } else { self.earlier(member) }
    }

    /// What was sent, each id once.
    fn sent(&self, member: Member<'_>) -> Vec<String> {
        let mut ids: Vec<String> = Vec::new();
        for id in member.sent().filter_map(|row| text(row.get(self.column?))) {
            if !ids.iter().any(|known| folded(known) == folded(&id)) {
                ids.push(id);
            }
        }
        ids
    }
}

fn text(value: Value<'_>) -> Option<String> {
    let text = match value {
        Value::Text(text) | Value::Number(text) => trim(text),
        _ => return None,
    };
    (!text.is_empty()).then(|| text.to_owned())
}
