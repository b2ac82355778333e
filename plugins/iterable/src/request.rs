//! Where requests go, and what stands around the users in them.
//!
//! Iterable's "API Endpoints and Sample Payloads" page: JSON bodies, and the key in the header `Api-Key`, which the
//! host adds.

pub(crate) mod open;

use enroute_sdk::{Context, Request, SlotPlace, SlotValue, json};

use crate::settings::Settings;

/// Bytes that the number of a list may add to a body when the host fills it in.
const LIST_ID_BYTES_MAX: usize = 20;

/// Where the number of the list stands in the remote.
pub(crate) const LIST_POINTER: &str = "/list_id";

/// What is asked of Iterable about users, in the order in which it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Call {
    BulkUpdate,
    Unsubscribe,
    Subscribe,
}

impl Call {
    const ALL: [Self; 3] = [Self::BulkUpdate, Self::Unsubscribe, Self::Subscribe];

    const fn path(self) -> [&'static str; 3] {
        match self {
            Self::BulkUpdate => ["api", "users", "bulkUpdate"],
            Self::Unsubscribe => ["api", "lists", "unsubscribe"],
            Self::Subscribe => ["api", "lists", "subscribe"],
        }
    }

    /// The call of a prepared request.
    pub(crate) fn of(path: &[String]) -> Self {
        let found = Self::ALL.into_iter().find(|call| path.iter().eq(call.path().iter()));
        found.unwrap_or(Self::BulkUpdate)
    }
}

/// What stands around the users of a request, made once for a batch.
#[derive(Debug)]
pub(crate) struct Requests<'c> {
    settings: &'c Settings,
    update_suffix: &'static [u8],
    list_prefix: Vec<u8>,
    unsubscribe_suffix: Vec<u8>,
}

impl<'c> Requests<'c> {
    pub(crate) fn new(ctx: &'c Context<Settings>) -> Self {
        let settings = ctx.settings();
        // A project that is full refuses whole requests for a field that it would have to create.
        let is_full = ctx.remote().is_some_and(|remote| remote.get("fields_full").is_some());
        let update_suffix: &[u8] = match settings.create_new_fields.or(is_full.then_some(false)) {
            None => b"]}",
            Some(true) => b"],\"createNewFields\":true}",
            Some(false) => b"],\"createNewFields\":false}",
        };
        let list_id = settings.list_id.map_or_else(|| "\"\"".to_owned(), |id| id.to_string());
        let campaign = settings.campaign_id.map(|id| format!(",\"campaignId\":{id}")).unwrap_or_default();
        // Always said, because sources disagree on what Iterable does where it is not.
        let channel = settings.channel_unsubscribe;
        Self {
            settings,
            update_suffix,
            list_prefix: format!("{{\"listId\":{list_id},\"subscribers\":[").into_bytes(),
            unsubscribe_suffix: format!("],\"channelUnsubscribe\":{channel}{campaign}}}").into_bytes(),
        }
    }

    /// Before the first user.
    pub(crate) fn prefix(&self, call: Call) -> &[u8] {
        match call {
            Call::BulkUpdate => b"{\"users\":[",
            Call::Subscribe | Call::Unsubscribe => &self.list_prefix,
        }
    }

    fn suffix(&self, call: Call) -> &[u8] {
        match call {
            Call::BulkUpdate => self.update_suffix,
            Call::Unsubscribe => &self.unsubscribe_suffix,
            Call::Subscribe if self.settings.update_existing_only => b"],\"updateExistingUsersOnly\":true}",
            Call::Subscribe => b"],\"updateExistingUsersOnly\":false}",
        }
    }

    /// Bytes that come behind the last user, a list's number included.
    pub(crate) fn suffix_bytes(&self, call: Call) -> usize {
        self.suffix(call).len() + if call == Call::BulkUpdate { 0 } else { LIST_ID_BYTES_MAX }
    }

    /// Bytes of a body without users.
    pub(crate) fn frame_bytes(&self, call: Call) -> usize {
        self.prefix(call).len() + self.suffix_bytes(call)
    }

    /// The request of a body that has its users.
    pub(crate) fn finish(&self, call: Call, mut body: Vec<u8>) -> Request {
        body.extend_from_slice(self.suffix(call));
        let request = Request::post(self.settings.origin()).path(call.path()).json(body);
        if call == Call::BulkUpdate || self.settings.list_id.is_some() {
            return request;
        }
        request.slot(SlotPlace::Body("/listId".to_owned()), SlotValue::Remote(LIST_POINTER.to_owned()))
    }
}

/// Asks for the names and types of the project's user fields.
pub(crate) fn fields(settings: &Settings) -> Request {
    Request::get(settings.origin()).path(["api", "users", "getFields"]).header("accept", "application/json")
}

/// Asks for the lists of the project.
fn lists(settings: &Settings) -> Request {
    Request::get(settings.origin()).path(["api", "lists"]).header("accept", "application/json")
}

/// Creates a static list.
fn create_list(settings: &Settings, name: &str) -> Request {
    let mut body = b"{\"name\":".to_vec();
    json::write_str(&mut body, name);
    body.extend_from_slice(b",\"description\":\"managed by Enroute\"}");
    Request::post(settings.origin()).path(["api", "lists"]).json(body)
}
