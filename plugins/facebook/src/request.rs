//! Requests to the `/users` edge, and how rows are packed into them.
//!
//! Pure. Source: Meta, "Customer File Custom Audiences". Adding is a POST, removing a DELETE on the same
//! address with a body of the same shape; Meta's own SDK puts the rows of a DELETE into the address, which
//! breaks on long lists. Invariants: no body is larger than the limit, a member never straddles two requests,
//! and one request never adds and removes (tests of this module).

use enroute_sdk::{Limit, Mapping, Member, Method, Reject, Request};

use crate::normalize::key::Key;
use crate::settings::Settings;

/// What the probe asks of the audience.
const PROBE_FIELDS: &str = "id,name,subtype,operation_status,is_value_based";

/// A GET of the audience itself: token, proof and audience are right if it answers.
pub(crate) fn probe(settings: &Settings) -> Request {
    let account = if settings.ad_account_id.is_some() { ",account_id" } else { "" };
    Request::get(&settings.base_url)
        .path([settings.api_version.as_str(), settings.audience_id.as_str()])
        .query("fields", format!("{PROBE_FIELDS}{account}"))
        .header("accept", "application/json")
}

/// Most audiences on a page of the account's.
const PAGE: &str = "200";

/// A page of the audiences of the ad account.
pub(crate) fn audiences(settings: &Settings, ad_account: &str, after: Option<&str>) -> Request {
    let request = Request::get(&settings.base_url)
        .path([settings.api_version.clone(), format!("act_{ad_account}"), "customaudiences".to_owned()])
        .query("fields", "id,name,subtype")
        .query("limit", PAGE)
        .header("accept", "application/json");
    match after {
        Some(cursor) => request.query("after", cursor),
        None => request,
    }
}

/// The `/users` edge of the audience, for rows of a fixed schema.
#[derive(Debug)]
pub(crate) struct Users<'s> {
    settings: &'s Settings,
    added: Frame,
    removed: Frame,
}

/// What stands around the rows of a body.
#[derive(Debug)]
struct Frame {
    prefix: String,
    suffix: String,
}

impl<'s> Users<'s> {
    /// For rows with these columns when they are added, and these when they are removed.
    pub(crate) fn new(settings: &'s Settings, added: &[Key], removed: &[Key]) -> Self {
        let consent = settings.customer_consent.map(|given| format!(",\"customer_consent\":{given}"));
        let added = Frame::new(added, settings.is_raw, &consent.unwrap_or_default());
        Self { settings, added, removed: Frame::new(removed, settings.is_raw, "") }
    }

    /// A packer for an operation of the manifest, in a batch of this many members.
    pub(crate) fn pack(&self, operation: &'static str, limit: Limit, members: usize) -> Pack<'_> {
        let side = |frame| Side { frame, body: Vec::new(), rows: 0 };
        let (old, new) = (side(&self.removed), side(&self.added));
        Pack { users: self, operation, limit, members_max: members, old, new, members: Vec::new(), done: Vec::new() }
    }

    fn request(&self, method: Method, body: Vec<u8>) -> Request {
        let Settings { base_url, api_version, audience_id, .. } = self.settings;
        Request::new(method, base_url).path([api_version.as_str(), audience_id.as_str(), "users"]).json(body)
    }
}

impl Frame {
    /// The array form of the schema always, even for one key: an audience that was filled with one form refuses
    /// the other (Meta, error 2650).
    fn new(columns: &[Key], is_raw: Option<bool>, beside_payload: &str) -> Self {
        let keys: Vec<String> = columns.iter().map(|key| format!("\"{key}\"")).collect();
        let raw = is_raw.map(|raw| format!(",\"is_raw\":{raw}")).unwrap_or_default();
        let prefix = format!("{{\"payload\":{{\"schema\":[{}],\"data\":[", keys.join(","));
        Self { prefix, suffix: format!("]{raw}}}{beside_payload}}}") }
    }

    const fn bytes(&self) -> usize {
        self.prefix.len() + self.suffix.len()
    }
}

/// The rows of a body that is being written.
#[derive(Debug)]
struct Side<'u> {
    frame: &'u Frame,
    body: Vec<u8>,
    rows: usize,
}

impl Side<'_> {
    /// Bytes of the body if these rows came in.
    const fn bytes_with(&self, rows: &str) -> usize {
        match (self.body.len(), rows.len()) {
            (0, 0) => 0,
            (0, more) => self.frame.bytes() + more,
            (before, more) => before + 1 + more + self.frame.suffix.len(),
        }
    }

    fn push(&mut self, rows: &str, count: usize, rows_max: usize, bytes_max: usize) {
        if rows.is_empty() {
            return;
        }
        if self.body.is_empty() {
            // One reservation for the whole body, as if all rows were like the first.
            let expected = self.frame.bytes() + (rows.len() + 1).saturating_mul(rows_max);
            self.body.reserve(expected.min(bytes_max));
            self.body.extend_from_slice(self.frame.prefix.as_bytes());
        } else {
            self.body.push(b',');
        }
        self.body.extend_from_slice(rows.as_bytes());
        self.rows += count;
    }

    fn take(&mut self) -> Option<Vec<u8>> {
        self.rows = 0;
        let mut body = std::mem::take(&mut self.body);
        body.extend_from_slice(self.frame.suffix.as_bytes());
        (body.len() > self.frame.suffix.len()).then_some(body)
    }
}

/// Rows of one member, as JSON between commas.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    /// The rows, for the body.
    pub(crate) json: String,
    /// How many.
    pub(crate) count: usize,
}

impl Rows {
    pub(crate) fn clear(&mut self) {
        self.json.clear();
        self.count = 0;
    }
}

/// Packs members into deliveries: old rows in a DELETE, then new ones in a POST.
#[derive(Debug)]
pub(crate) struct Pack<'u> {
    users: &'u Users<'u>,
    operation: &'static str,
    limit: Limit,
    members_max: usize,
    old: Side<'u>,
    new: Side<'u>,
    members: Vec<u32>,
    done: Vec<Vec<(Vec<u32>, Request)>>,
}

impl Pack<'_> {
    /// Adds a member with the rows that go and the row that comes, either of them empty. Says whether it fits.
    ///
    /// The rows of a member stay together, so a request about a single member may have more than the limit.
    pub(crate) fn push(&mut self, out: &mut Mapping, member: Member<'_>, old: &Rows, new: &str) -> bool {
        let alone = (self.old.frame.bytes() + old.json.len()).max(self.new.frame.bytes() + new.len());
        if alone > self.limit.bytes {
            let reason = format!("the request would have {alone} bytes, more than the {} that fit", self.limit.bytes);
            out.reject(member, Reject::new("record_too_large", reason));
            return false;
        }
        let full = self.members.len() >= self.limit.members
            || self.old.rows + old.count > self.limit.members
            || self.old.bytes_with(&old.json) > self.limit.bytes
            || self.new.bytes_with(new) > self.limit.bytes;
        if full && !self.members.is_empty() {
            self.cut();
        }
        let rows_max = self.members_max.min(self.limit.members);
        self.old.push(&old.json, old.count, rows_max, self.limit.bytes);
        self.new.push(new, 1, rows_max, self.limit.bytes);
        self.members.push(member.index());
        true
    }

    /// Hands over all deliveries.
    pub(crate) fn finish(mut self, out: &mut Mapping) {
        if !self.members.is_empty() {
            self.cut();
        }
        for requests in self.done {
            out.deliver_all(self.operation, requests);
        }
    }

    fn cut(&mut self) {
        let members = std::mem::take(&mut self.members);
        let delete = self.old.take().map(|body| self.users.request(Method::Delete, body));
        let post = self.new.take().map(|body| self.users.request(Method::Post, body));
        self.done.push(match (delete, post) {
            (Some(delete), Some(post)) => vec![(members.clone(), delete), (members, post)],
            (Some(only), None) | (None, Some(only)) => vec![(members, only)],
            (None, None) => return,
        });
    }
}
