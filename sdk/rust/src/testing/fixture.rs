//! A connection and its members from plain data.

use serde::de::DeserializeOwned;

use super::person::{Person, pack};
use super::script::Script;
use super::stage::{Native, Stage};
use crate::bindings::enroute::destination::types::{
    Audience, Batch as PackedBatch, Connection, DeliveryWork, Limit, Mapped, PreparedHead, ResumeWork, Work,
};
use crate::{Batch, Context, Destination, Problem, Report, Row, SettingsError, guest};

/// A connection with members, for tests.
///
/// ```
/// use enroute_sdk::testing::{Fixture, Person};
///
/// let fixture = Fixture::new()
///     .audience("big_spenders", "Big spenders")
///     .row("email", "email")
///     .identifier_field("external_id")
///     .member(Person::added("u1").identifier("external_id", "u1").value("email", "ann@example.com"));
/// assert_eq!(fixture.with_batch(|batch| batch.len()), 1);
/// ```
#[derive(Debug, Clone)]
pub struct Fixture {
    pub(super) connection: Connection,
    pub(super) settings: serde_json::Map<String, serde_json::Value>,
    pub(super) members: Vec<Person>,
    consent: Option<String>,
}

impl Default for Fixture {
    fn default() -> Self {
        let connection = Connection {
            audience: Audience { key: "vip".to_owned(), name: "VIP".to_owned() },
            settings: String::new(),
            secrets: Vec::new(),
            rows: Vec::new(),
            identifier_fields: Vec::new(),
            limits: Vec::new(),
            remote: None,
            today: "2026-11-23".to_owned(),
        };
        Self { connection, settings: serde_json::Map::new(), members: Vec::new(), consent: None }
    }
}

impl Fixture {
    /// An audience `vip` without settings, rows or members.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With another audience.
    #[must_use]
    pub fn audience(mut self, key: &str, name: &str) -> Self {
        self.connection.audience = Audience { key: key.to_owned(), name: name.to_owned() };
        self
    }

    /// With a setting.
    #[must_use]
    pub fn setting(mut self, name: &str, value: impl Into<serde_json::Value>) -> Self {
        self.settings.insert(name.to_owned(), value.into());
        self
    }

    /// With a configured secret.
    #[must_use]
    pub fn secret(mut self, name: &str) -> Self {
        self.connection.secrets.push(name.to_owned());
        self
    }

    /// With a mapping row: this trait into this field.
    #[must_use]
    pub fn row(mut self, from: &str, field: &str) -> Self {
        self.connection.rows.push(Row { trait_: from.to_owned(), field: field.to_owned() });
        self
    }

    /// With a field that an identifier goes into.
    #[must_use]
    pub fn identifier_field(mut self, field: &str) -> Self {
        self.connection.identifier_fields.push(field.to_owned());
        self
    }

    /// With the limits of an operation; named again, they change.
    #[must_use]
    pub fn limit(mut self, operation: &str, members: u32, bytes: u32) -> Self {
        self.connection.limits.retain(|limit| limit.operation != operation);
        self.connection.limits.push(Limit { operation: operation.to_owned(), members, bytes });
        self
    }

    /// With what an earlier `send` learned.
    #[must_use]
    pub fn remote(mut self, remote: impl Into<serde_json::Value>) -> Self {
        self.connection.remote = Some(remote.into().to_string());
        self
    }

    /// With another day of the run.
    #[must_use]
    pub fn today(mut self, day: &str) -> Self {
        day.clone_into(&mut self.connection.today);
        self
    }

    /// With the consent of all members: a JSON object.
    ///
    /// ```
    /// use enroute_sdk::testing::Fixture;
    ///
    /// let fixture = Fixture::new().consent(serde_json::json!({"ads": true}));
    /// assert_eq!(fixture.packed().consent.as_deref(), Some(r#"{"ads":true}"#));
    /// ```
    #[must_use]
    pub fn consent(mut self, consent: impl Into<serde_json::Value>) -> Self {
        self.consent = Some(consent.into().to_string());
        self
    }

    /// With a member.
    #[must_use]
    pub fn member(mut self, person: Person) -> Self {
        self.members.push(person);
        self
    }

    /// The connection as it would cross the border.
    #[must_use]
    pub fn connection(&self) -> Connection {
        let settings = serde_json::Value::Object(self.settings.clone()).to_string();
        Connection { settings, ..self.connection.clone() }
    }

    /// The connection as the plugin sees it.
    ///
    /// # Errors
    /// When the settings do not have the shape of `S`.
    pub fn context<S: DeserializeOwned>(&self) -> Result<Context<S>, SettingsError> {
        Context::new(self.connection())
    }

    /// The members as they would cross the border.
    #[must_use]
    pub fn packed(&self) -> PackedBatch {
        let fields: Vec<&str> = self.connection.identifier_fields.iter().map(String::as_str).collect();
        let traits: Vec<&str> = self.connection.rows.iter().map(|row| row.trait_.as_str()).collect();
        let sent =
            || (0..).zip(&self.members).flat_map(|(member, person)| person.sent.iter().map(move |s| (member, s)));
        let identifiers = fitting(pack(&fields, self.members.iter().map(|person| person.identifiers.as_slice())));
        let values = fitting(pack(&traits, self.members.iter().map(Person::values_now)));
        let sent_cells = fitting(pack(&fields, sent().map(|(_, row)| row.as_slice())));
        PackedBatch {
            consent: self.consent.clone(),
            changes: self.members.iter().map(|person| person.change).collect(),
            identifiers,
            sent: sent_cells,
            sent_members: sent().map(|(member, _)| member).collect(),
            values,
        }
    }

    /// Shows the members to a function.
    pub fn with_batch<T>(&self, look: impl FnOnce(&Batch<'_>) -> T) -> T {
        let (connection, packed) = (self.connection(), self.packed());
        look(&fitting(Batch::new(&connection, &packed)))
    }

    /// Runs `validate`.
    #[must_use]
    pub fn validate<D: Destination>(&self) -> Vec<Problem> {
        guest::validate::<D>(self.connection())
    }

    /// Runs `map`.
    #[must_use]
    pub fn map<D: Destination>(&self) -> Mapped {
        guest::map::<D>(self.connection(), &self.packed())
    }

    /// Runs `map`, and carries out each delivery against the script. One report a delivery; members in them are the
    /// members of the delivery, whose numbers in the batch come first.
    ///
    /// ```
    /// # use enroute_sdk::{Answer, Batch, Context, Destination, Mapping, Outcome, Reading, Request, Sent};
    /// # struct One;
    /// # impl Destination for One {
    /// #     type Settings = serde_json::Value;
    /// #     fn map(_: &Context<Self::Settings>, batch: &Batch<'_>, out: &mut Mapping) {
    /// #         out.deliver("put", batch.members().map(|m| m.index()).collect(), Request::put("https://a.example"));
    /// #     }
    /// #     fn read(_: &Context<Self::Settings>, _: &Sent<'_>, answer: &Answer) -> Reading {
    /// #         answer.classify("api").unwrap_or_else(Reading::delivered)
    /// #     }
    /// # }
    /// use enroute_sdk::testing::{Fixture, Person, Script};
    ///
    /// let mut script = Script::new([Ok(Answer::new(200, "{}"))]);
    /// let reports = Fixture::new().member(Person::added("u1")).send::<One>(&mut script);
    /// assert_eq!(reports[0].1.fates[0].outcome, Outcome::Delivered);
    /// ```
    pub fn send<D: Destination>(&self, script: &mut Script) -> Vec<(Vec<u32>, Report)> {
        fitting(self.deliver_on(&Native::<D>::STAGE, script))
    }

    /// As [`Self::send`], on any stage.
    ///
    /// # Errors
    /// When a call failed.
    pub fn deliver_on(&self, stage: &dyn Stage, script: &mut Script) -> Result<Vec<(Vec<u32>, Report)>, String> {
        let mapped = stage.map(self.connection(), &self.packed())?;
        let mut reports = Vec::new();
        for delivery in mapped.deliveries {
            let mut members: Vec<u32> = delivery.requests.iter().flat_map(|request| request.members.clone()).collect();
            members.sort_unstable();
            members.dedup();
            let people = members.iter().filter_map(|member| self.members.get(*member as usize)).cloned().collect();
            let packed = Self { members: people, ..self.clone() }.packed();
            let place = |member: &u32| (0..).zip(&members).find(|(_, known)| *known == member).map(|(place, _)| place);
            let heads = delivery.requests.iter().map(|prepared| PreparedHead {
                members: prepared.members.iter().filter_map(place).collect(),
                method: prepared.request.method,
                path: prepared.request.path.clone(),
            });
            let work = Work::Deliver(DeliveryWork {
                operation: delivery.operation.clone(),
                changes: packed.changes,
                identifiers: packed.identifiers,
                sent: packed.sent,
                sent_members: packed.sent_members,
                requests: heads.collect(),
            });
            script.hold(&delivery.requests);
            reports.push((members, stage.send(self.connection(), work, script)?));
        }
        Ok(reports)
    }

    /// Runs a probe against the script.
    pub fn probe<D: Destination>(&self, script: &mut Script) -> Report {
        self.work::<D>(Work::Probe, script)
    }

    /// Opens the remote list against the script.
    pub fn open<D: Destination>(&self, script: &mut Script) -> Report {
        self.work::<D>(Work::Open, script)
    }

    /// Asks for the fate of members with one ticket, against the script.
    pub fn resume<D: Destination>(&self, token: &str, script: &mut Script) -> Report {
        self.work::<D>(self.resume_work(token), script)
    }

    /// The members as those of one ticket.
    pub(super) fn resume_work(&self, token: &str) -> Work {
        let packed = self.packed();
        let members = fitting(u32::try_from(packed.changes.len()));
        let ticket = crate::bindings::enroute::destination::types::OpenTicket {
            token: token.to_owned(),
            request_key: "test-request-key".to_owned(),
            first_member: 0,
            members,
        };
        Work::Resume(ResumeWork { tickets: vec![ticket], identifiers: packed.identifiers })
    }

    /// Runs `send` with any work.
    pub fn work<D: Destination>(&self, work: Work, script: &mut Script) -> Report {
        guest::send_with::<D>(self.connection(), work, script)
    }
}

/// Data of a test that does not fit the contract is a mistake in the test.
#[expect(clippy::panic, reason = "this module runs inside tests only")]
fn fitting<T, E: std::fmt::Display>(result: Result<T, E>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("the test's data does not fit the contract: {error}"),
    }
}
