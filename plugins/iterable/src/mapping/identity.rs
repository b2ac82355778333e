//! Which user an object is about.
//!
//! Page "Project Types and Unique Identifiers": what makes a user unique is fixed when the project is made. An id
//! travels exactly as it is; an address trimmed and in lower case, which is how Iterable compares it.

use std::borrow::Cow;

use enroute_sdk::email;
use enroute_sdk::text::trim;
use enroute_sdk::{Context, Identifiers, Member, Reject, Value, json};

use crate::settings::{HybridIdentifier, ProjectType, Settings};

/// Longest user id.
const USER_ID_CHARS_MAX: usize = 52;

/// Code of an address that is none.
pub(super) const INVALID_EMAIL: &str = "invalid_email";

/// Code of an id that Iterable does not take.
pub(super) const INVALID_USER_ID: &str = "invalid_user_id";

/// What names a user: at least one of the two.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Identity<'m> {
    pub(crate) email: Option<Cow<'m, str>>,
    pub(crate) user_id: Option<&'m str>,
}

/// An identity, and what was left out of it because it cannot be used.
#[derive(Debug, Default)]
pub(super) struct Named<'m> {
    pub(super) identity: Identity<'m>,
    /// The field and the code of an identifier that another one stands in for.
    pub(super) left_out: Option<(&'static str, &'static str)>,
}

/// Where the identifiers of a member stand, and what the project makes of them.
#[derive(Debug)]
pub(crate) struct Identities {
    project: ProjectType,
    hybrid: HybridIdentifier,
    email: Option<usize>,
    user_id: Option<usize>,
    anonymous_id: Option<usize>,
}

/// One identifier as it came.
#[derive(Debug)]
enum Found<T> {
    Nothing,
    Sound(T),
    Unusable,
}

impl<T> Found<T> {
    fn sound(self) -> Option<T> {
        match self {
            Self::Sound(value) => Some(value),
            _ => None,
        }
    }

    const fn is_unusable(&self) -> bool {
        matches!(self, Self::Unusable)
    }
}

impl Identities {
    pub(crate) fn new(ctx: &Context<Settings>) -> Self {
        let settings = ctx.settings();
        Self {
            project: settings.project_type,
            hybrid: settings.hybrid_identifier,
            email: ctx.identifier("email"),
            user_id: ctx.identifier("userId"),
            anonymous_id: ctx.identifier("anonymousId").filter(|_| settings.send_anonymous_id_as_user_id),
        }
    }

    /// Who the member is now.
    pub(super) fn now<'m>(&self, member: Member<'m>) -> Result<Named<'m>, Reject> {
        self.named(|column| member.identifier(column))
    }

    /// Who the member is now, where anything says so.
    pub(crate) fn current<'m>(&self, member: Member<'m>) -> Option<Identity<'m>> {
        self.now(member).ok().map(|named| named.identity)
    }

    /// The users that have to hear that the member is gone, each by the one identifier that reaches it.
    ///
    /// A member who left is withdrawn from everything that it was sent as. One who stays is withdrawn from users that
    /// are no longer the same person as now.
    pub(crate) fn earlier<'m>(&self, member: Member<'m>) -> Vec<Identity<'m>> {
        let now = self.current(member);
        let was = |row: Identifiers<'m>| self.named(|column| row.get(column)).ok().map(|named| named.identity);
        let mut earlier: Vec<Identity<'m>> = Vec::new();
        for old in member.sent().filter_map(was) {
            let is_same = !member.is_removed() && now.as_ref().is_none_or(|now| self.is_same(&old, now));
            let old = self.reached(old, now.as_ref());
            if !is_same && !earlier.contains(&old) {
                earlier.push(old);
            }
        }
        if member.is_removed() && earlier.is_empty() {
            earlier.extend(now.map(|now| self.reached(now, None)));
        }
        earlier
    }

    /// Whether both name one user of the project.
    fn is_same(&self, old: &Identity<'_>, now: &Identity<'_>) -> bool {
        let same_id = old.user_id.is_some() && old.user_id == now.user_id;
        let same_email = old.email.is_some() && old.email == now.email;
        match self.project {
            // Several users may share an id, so it says nothing where there is an address.
            ProjectType::Email => same_email || (now.email.is_none() && same_id),
            ProjectType::UserId => same_id,
            ProjectType::Hybrid => same_email || same_id,
        }
    }

    /// The one identifier that reaches the user.
    ///
    /// What was sent under the id of another profile was taken over for the address that both share, so the address
    /// reaches it: that profile may still be a member.
    fn reached<'m>(&self, identity: Identity<'m>, now: Option<&Identity<'_>>) -> Identity<'m> {
        let own_id = now.and_then(|now| now.user_id);
        let is_taken_over = own_id.is_some() && identity.user_id != own_id;
        let by_email = self.project == ProjectType::Email || self.hybrid == HybridIdentifier::Email || is_taken_over;
        match identity {
            Identity { email: Some(email), user_id: Some(_) } if by_email => {
                Identity { email: Some(email), user_id: None }
            }
            Identity { user_id: Some(user_id), .. } => Identity { email: None, user_id: Some(user_id) },
            only => only,
        }
    }

    fn named<'m>(&self, value: impl Fn(usize) -> Value<'m>) -> Result<Named<'m>, Reject> {
        let email = self.email.map_or(Found::Nothing, |column| address(value(column)));
        let user_id = match self.user_id.map_or(Found::Nothing, |column| id(value(column))) {
            Found::Sound(user_id) => Found::Sound(user_id),
            other => match self.anonymous_id.map(|column| id(value(column))) {
                Some(Found::Sound(anonymous)) => Found::Sound(anonymous),
                _ => other,
            },
        };
        match self.project {
            ProjectType::Email => by_email(email, user_id),
            ProjectType::UserId => match user_id {
                Found::Sound(user_id) => Ok(Identity { email: None, user_id: Some(user_id) }.into()),
                Found::Unusable => Err(unusable_id()),
                Found::Nothing => {
                    let reason = "the member has no user id, which identifies users of this project";
                    Err(Reject::field("userId", "missing_identifier", reason))
                }
            },
            ProjectType::Hybrid => self.hybrid(email, user_id),
        }
    }

    fn hybrid<'m>(&self, email: Found<Cow<'m, str>>, user_id: Found<&'m str>) -> Result<Named<'m>, Reject> {
        let left_out = match (&email, &user_id) {
            (Found::Unusable, Found::Sound(_)) => Some(("email", INVALID_EMAIL)),
            (Found::Sound(_), Found::Unusable) => Some(("userId", INVALID_USER_ID)),
            _ => None,
        };
        if !matches!(user_id, Found::Sound(_)) && email.is_unusable() {
            return Err(unusable_email());
        }
        if !matches!(email, Found::Sound(_)) && user_id.is_unusable() {
            return Err(unusable_id());
        }
        let identity = match (self.hybrid, email.sound(), user_id.sound()) {
            (_, None, None) => return Err(nothing()),
            (HybridIdentifier::UserId, _, Some(user_id)) => Identity { email: None, user_id: Some(user_id) },
            (HybridIdentifier::Email, Some(email), _) => Identity { email: Some(email), user_id: None },
            (_, email, user_id) => Identity { email, user_id },
        };
        Ok(Named { identity, left_out })
    }
}

fn by_email<'m>(email: Found<Cow<'m, str>>, user_id: Found<&'m str>) -> Result<Named<'m>, Reject> {
    match (email, user_id) {
        // Without its address the member would become another user, with a placeholder for an address.
        (Found::Unusable, _) => Err(unusable_email()),
        (Found::Nothing, Found::Unusable) => Err(unusable_id()),
        (Found::Nothing, Found::Nothing) => Err(nothing()),
        (email, user_id) => {
            let left_out = user_id.is_unusable().then_some(("userId", INVALID_USER_ID));
            Ok(Named { identity: Identity { email: email.sound(), user_id: user_id.sound() }, left_out })
        }
    }
}

fn nothing() -> Reject {
    Reject::new("missing_identifier", "the member has neither an e-mail address nor a user id")
}

fn unusable_email() -> Reject {
    Reject::field("email", INVALID_EMAIL, "the e-mail address is malformed")
}

fn unusable_id() -> Reject {
    Reject::field(
        "userId",
        INVALID_USER_ID,
        "the user id is not 1 to 52 printable ASCII characters without space at the ends",
    )
}

fn address(value: Value<'_>) -> Found<Cow<'_, str>> {
    match value {
        Value::Text(text) if trim(text).is_empty() => Found::Nothing,
        Value::Text(text) => email::lower(text).map_or(Found::Unusable, Found::Sound),
        Value::Absent | Value::Null => Found::Nothing,
        _ => Found::Unusable,
    }
}

/// The id as it came: it is compared to the letter, so it is never trimmed or folded.
fn id(value: Value<'_>) -> Found<&str> {
    let text = match value {
        Value::Text(text) | Value::Number(text) => text,
        Value::Absent | Value::Null => return Found::Nothing,
        _ => return Found::Unusable,
    };
    let printable = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    match text {
        "" => Found::Nothing,
        _ if printable && text.len() <= USER_ID_CHARS_MAX && text.trim() == text => Found::Sound(text),
        _ => Found::Unusable,
    }
}

impl Identity<'_> {
    /// Begins the object of the user: `{"email":…,"userId":…`.
    pub(super) fn open(&self, body: &mut Vec<u8>) {
        body.push(b'{');
        for (name, value) in [("email", self.email.as_deref()), ("userId", self.user_id)] {
            if let Some(value) = value {
                json::write_key(body, name);
                json::write_str(body, value);
            }
        }
    }
}

impl<'m> From<Identity<'m>> for Named<'m> {
    fn from(identity: Identity<'m>) -> Self {
        Self { identity, left_out: None }
    }
}
