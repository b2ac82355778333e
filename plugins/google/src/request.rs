//! Uploads, and how members are packed into them.
//!
//! Pure. Source: "Data Manager API" for the two calls, "Customer Match" of the Google Ads API for the jobs.
//! Invariants: no body is larger than the limit, a member stands at most once in a request, and nothing adds and
//! removes in one request or one job (tests of this module and cases).

pub(crate) mod head;

use enroute_sdk::{Context, Limit, Mapping, Member, Reject, Request, SlotPlace, SlotValue};

use crate::settings::{Api, Consents, ListType, Settings};

/// Names of what is learned while a job is made.
pub(crate) const LEARNED_ADD: &str = "add";
pub(crate) const LEARNED_RUN: &str = "run";

/// Where the remote has the list's id, and its resource name of the Google Ads API.
pub(crate) const REMOTE_ID: &str = "/list/id";
pub(crate) const REMOTE_NAME: &str = "/list/resource_name";

/// What the uploads of a batch have in common.
#[derive(Debug)]
pub(crate) struct Uploads<'c> {
    settings: &'c Settings,
    consents: Consents,
    add: Frame,
    remove: Frame,
}

/// What stands around the records of a body.
#[derive(Debug)]
struct Frame {
    prefix: String,
    suffix: String,
}

impl<'c> Uploads<'c> {
    /// The uploads of members with these consents.
    pub(crate) fn new(ctx: &'c Context<Settings>, consents: Consents) -> Self {
        let settings = ctx.settings();
        let (add, remove) = match settings.api {
            Api::GoogleAds => {
                let frame = || Frame {
                    prefix: r#"{"enablePartialFailure":true,"operations":["#.to_owned(),
                    suffix: "]}".to_owned(),
                };
                (frame(), frame())
            }
            Api::DataManager => {
                let prefix = format!(r#"{{"destinations":[{}],"audienceMembers":["#, destination(settings));
                let encoding = if settings.list_type == ListType::Contact { r#","encoding":"HEX""# } else { "" };
                // Taking out needs neither consent nor terms, and the call knows neither.
                let terms = r#","termsOfService":{"customerMatchTermsOfServiceStatus":"ACCEPTED"}}"#;
                let added = format!(r#"],"consent":{}{encoding}{terms}"#, consents.json());
                let remove = Frame { prefix: prefix.clone(), suffix: format!("]{encoding}}}") };
                (Frame { prefix, suffix: added }, remove)
            }
        };
        Self { settings, consents, add, remove }
    }

    fn frame(&self, adds: bool) -> &Frame {
        if adds { &self.add } else { &self.remove }
    }

    /// The requests of one upload: bodies of records that go or come, with their members, and all members of both.
    fn requests(&self, adds: bool, bodies: Vec<(Vec<u32>, String)>, runs: bool) -> Vec<(Vec<u32>, Request)> {
        match self.settings.api {
            Api::DataManager => bodies.into_iter().map(|(members, body)| (members, self.call(adds, body))).collect(),
            Api::GoogleAds => self.job(adds, bodies, runs),
        }
    }

    /// One call of the Data Manager API.
    fn call(&self, adds: bool, body: String) -> Request {
        let name = if adds { "audienceMembers:ingest" } else { "audienceMembers:remove" };
        let request = head::signed(self.settings, Request::post(&self.settings.base_url).path(["v1", name]));
        let request = request.json(body.into_bytes());
        match self.settings.user_list_id {
            Some(_) => request,
            None => request.remote_body("/destinations/0/productDestinationId", REMOTE_ID),
        }
    }

    /// The requests of one job: make it, fill it, and run it unless another has to end first.
    fn job(&self, adds: bool, bodies: Vec<(Vec<u32>, String)>, runs: bool) -> Vec<(Vec<u32>, Request)> {
        let Some((everybody, _)) = bodies.first() else { return Vec::new() };
        let everybody = everybody.clone();
        let jobs = || {
            let customer = self.settings.customer();
            let segments = [self.settings.ads_api_version.clone(), "customers".to_owned(), customer];
            head::signed(self.settings, Request::post(&self.settings.base_url).path(segments))
        };
        let step = |name: &str, body: Vec<u8>| {
            let place = SlotPlace::PathSegment(4);
            jobs().path(["offlineUserDataJobs", ""]).json(body).slot(place, SlotValue::Learned(name.to_owned()))
        };
        let create = jobs().path(["offlineUserDataJobs:create"]).json(self.job_body(adds).into_bytes());
        let create = match self.settings.user_list_id {
            Some(_) => create,
            None => create.remote_body("/job/customerMatchUserListMetadata/userList", REMOTE_NAME),
        };
        let mut requests = vec![(everybody.clone(), create)];
        requests.extend(bodies.into_iter().map(|(members, body)| (members, step(LEARNED_ADD, body.into_bytes()))));
        if runs {
            requests.push((everybody, step(LEARNED_RUN, b"{}".to_vec())));
        }
        requests
    }

    fn job_body(&self, adds: bool) -> String {
        let customer = self.settings.customer();
        let list = self.settings.user_list_id.as_ref();
        let list = list.map(|id| format!("customers/{customer}/userLists/{id}")).unwrap_or_default();
        let consent = if adds { format!(r#","consent":{}"#, self.consents.ads_json()) } else { String::new() };
        let metadata = format!(r#"{{"userList":"{list}"{consent}}}"#);
        format!(r#"{{"job":{{"type":"CUSTOMER_MATCH_USER_LIST","customerMatchUserListMetadata":{metadata}}}}}"#)
    }
}

/// The list that a call of the Data Manager API is about.
pub(crate) fn destination(settings: &Settings) -> String {
    let account = |id: &str| format!(r#"{{"accountType":"GOOGLE_ADS","accountId":"{id}"}}"#);
    let login = settings.login_customer().map(|id| format!(r#","loginAccount":{}"#, account(&id)));
    let (login, operating) = (login.unwrap_or_default(), account(&settings.customer()));
    let list = settings.user_list_id.as_deref().unwrap_or_default();
    format!(r#"{{"operatingAccount":{operating}{login},"productDestinationId":"{list}"}}"#)
}

/// The records of one request while it is filled.
#[derive(Debug, Default)]
struct Side {
    body: String,
    members: Vec<u32>,
}

impl Side {
    fn bytes_with(&self, frame: &Frame, record: &str) -> usize {
        let inside = if self.members.is_empty() { 0 } else { self.body.len() + 1 };
        frame.prefix.len() + inside + record.len() + frame.suffix.len()
    }

    fn push(&mut self, member: u32, record: &str) {
        if !self.members.is_empty() {
            self.body.push(',');
        }
        self.body.push_str(record);
        self.members.push(member);
    }

    fn finish(self, frame: &Frame) -> (Vec<u32>, String) {
        (self.members, format!("{}{}{}", frame.prefix, self.body, frame.suffix))
    }
}

/// Packs members into deliveries of an operation: records that go first, then records that come.
///
/// The first record of each member stands in the first request, the second in the second, so that positions in an
/// answer stay plain.
#[derive(Debug)]
pub(crate) struct Pack<'u> {
    uploads: &'u Uploads<'u>,
    operation: &'static str,
    limit: Limit,
    old: Vec<Side>,
    new: Side,
    count: usize,
    done: Vec<Vec<(Vec<u32>, Request)>>,
}

impl<'u> Pack<'u> {
    /// A pack for an operation of the manifest.
    pub(crate) fn new(uploads: &'u Uploads<'u>, operation: &'static str, limit: Limit) -> Self {
        Self { uploads, operation, limit, old: Vec::new(), new: Side::default(), count: 0, done: Vec::new() }
    }

    /// Adds a member with records that go and the record that comes. Says whether it fits.
    pub(crate) fn push(&mut self, out: &mut Mapping, member: Member<'_>, old: &[String], new: Option<&String>) -> bool {
        let (remove, add) = (self.uploads.frame(false), self.uploads.frame(true));
        let alone = |frame: &Frame, record: &String| Side::default().bytes_with(frame, record);
        let olds = old.iter().map(|record| alone(remove, record));
        let bytes = olds.chain(new.map(|record| alone(add, record))).max().unwrap_or(0);
        if bytes > self.limit.bytes {
            let reason = format!("the request would have {bytes} bytes, more than the {} that fit", self.limit.bytes);
            out.reject(member, Reject::new("record_too_large", reason));
            return false;
        }
        let full = self.count >= self.limit.members
            || new.is_some_and(|record| self.new.bytes_with(add, record) > self.limit.bytes)
            || self.old.iter().zip(old).any(|(side, record)| side.bytes_with(remove, record) > self.limit.bytes);
        if full && self.count > 0 {
            self.cut();
        }
        self.old.resize_with(self.old.len().max(old.len()), Side::default);
        for (side, record) in self.old.iter_mut().zip(old) {
            side.push(member.index(), record);
        }
        if let Some(record) = new {
            self.new.push(member.index(), record);
        }
        self.count += 1;
        true
    }

    /// Hands over all deliveries.
    pub(crate) fn finish(mut self, out: &mut Mapping) {
        if self.count > 0 {
            self.cut();
        }
        for requests in self.done {
            out.deliver_all(self.operation, requests);
        }
    }

    fn cut(&mut self) {
        self.count = 0;
        let (old, new) = (std::mem::take(&mut self.old), std::mem::take(&mut self.new));
        let (remove, add) = (self.uploads.frame(false), self.uploads.frame(true));
        let old: Vec<_> = old.into_iter().map(|side| side.finish(remove)).collect();
        let new: Vec<_> =
            Some(new).filter(|side| !side.members.is_empty()).map(|side| side.finish(add)).into_iter().collect();
        // The job that adds waits for the one that takes out.
        let runs = old.is_empty();
        let mut requests = self.uploads.requests(false, old, true);
        requests.extend(self.uploads.requests(true, new, runs));
        self.done.push(requests);
    }
}
