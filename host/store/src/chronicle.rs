//! What happened: runs, requests, receipts and who is where, told one by one for logs and exports.
//!
//! Only reads. Everything is told to a callback row by row, so that a ledger of millions costs no memory; the callback
//! ends it by returning false.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension as _, params};

use crate::ledger::{self, LinkName};
use crate::records::RECORD_ID_MIN;
use crate::{Error, Look};

/// What is wanted. Each part that is there narrows it down.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The audience's key.
    pub audience: Option<String>,
    /// The destination's name.
    pub destination: Option<String>,
    /// Not before this moment, in milliseconds since 1970.
    pub since_ms: Option<u64>,
    /// Not after it.
    pub until_ms: Option<u64>,
    /// The run.
    pub run: Option<i64>,
}

impl Wanted {
    fn is_of(&self, name: &LinkName) -> bool {
        self.audience.as_ref().is_none_or(|audience| *audience == name.audience)
            && self.destination.as_ref().is_none_or(|destination| *destination == name.destination)
    }

    fn since(&self) -> i64 {
        self.since_ms.unwrap_or(0).cast_signed()
    }

    fn until(&self) -> i64 {
        self.until_ms.map_or(i64::MAX, u64::cast_signed)
    }
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its number.
    pub run: i64,
    /// Milliseconds since 1970.
    pub started_ms: u64,
    /// None while it runs, or where it was cut off.
    pub ended_ms: Option<u64>,
    /// Its report as JSON, where it ended.
    pub summary: Option<String>,
}

/// Tells runs, newest first.
///
/// # Errors
/// When the store cannot be read.
pub fn runs(from: &impl Look, wanted: &Wanted, mut told: impl FnMut(Run) -> bool) -> Result<(), Error> {
    let mut statement = from.connection().prepare_cached(
        "SELECT id, coalesce(started_ms, 0), ended_ms, summary FROM run
         WHERE started_ms <= ?1 AND (?2 IS NULL OR id = ?2) ORDER BY id DESC",
    )?;
    let mut rows = statement.query(params![wanted.until(), wanted.run])?;
    while let Some(row) = rows.next()? {
        let started_ms: i64 = row.get(1)?;
        let run = Run {
            run: row.get(0)?,
            started_ms: started_ms.cast_unsigned(),
            ended_ms: row.get::<_, Option<i64>>(2)?.map(i64::cast_unsigned),
            summary: row.get(3)?,
        };
        if started_ms < wanted.since() || !told(run) {
            break;
        }
    }
    Ok(())
}

/// A request that left, or was to leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The run.
    pub run: i64,
    /// The connection.
    pub name: LinkName,
    /// The delivery that it is part of; none of what concerns the connection as a whole.
    pub delivery: Option<i64>,
    /// The delivery's operation.
    pub operation: Option<String>,
    /// What the delivery's call found, as a word.
    pub verdict: Option<String>,
    /// Members of the delivery.
    pub members: u64,
    /// `prepared`, `subset`, `derived`, `probe` or `open`.
    pub label: String,
    /// The manifest's kind, for derived ones.
    pub kind: Option<String>,
    /// SHA-256 with slots unfilled.
    pub digest: String,
    /// Status of the answer.
    pub status: Option<u16>,
    /// Why there is no answer.
    pub failure: Option<String>,
    /// The beginning of an answer that is no success, masked.
    pub answer: Option<String>,
    /// Milliseconds since 1970.
    pub at_ms: u64,
}

/// Tells requests, newest first.
///
/// # Errors
/// When the store cannot be read.
pub fn requests(from: &impl Look, wanted: &Wanted, mut told: impl FnMut(Request) -> bool) -> Result<(), Error> {
    let names = names(from)?;
    let mut statement = from.connection().prepare_cached(
        "SELECT r.run, r.connection, r.delivery, d.operation, d.verdict, d.members, r.label, r.kind,
           lower(hex(r.digest)), r.status, r.failure, r.answer, coalesce(r.at_ms, 0)
         FROM request r LEFT JOIN delivery d ON d.id = r.delivery
         WHERE r.at_ms <= ?1 AND (?2 IS NULL OR r.run = ?2) ORDER BY r.id DESC",
    )?;
    let mut rows = statement.query(params![wanted.until(), wanted.run])?;
    while let Some(row) = rows.next()? {
        let at_ms: i64 = row.get(12)?;
        if at_ms < wanted.since() {
            break;
        }
        let Some(name) = names.get(&row.get(1)?).filter(|name| wanted.is_of(name)) else { continue };
        let set: Option<Vec<u8>> = row.get(5)?;
        let request = Request {
            run: row.get(0)?,
            name: name.clone(),
            delivery: row.get(2)?,
            operation: row.get(3)?,
            verdict: row.get(4)?,
            members: set.map(|set| ledger::members(&set)).transpose()?.map_or(0, |members| members.len()),
            label: row.get(6)?,
            kind: row.get(7)?,
            digest: row.get(8)?,
            status: row.get(9)?,
            failure: row.get(10)?,
            answer: row.get(11)?,
            at_ms: at_ms.cast_unsigned(),
        };
        if !told(request) {
            break;
        }
    }
    Ok(())
}

/// One member's outcome in one delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The run.
    pub run: i64,
    /// The delivery.
    pub delivery: i64,
    /// The connection.
    pub name: LinkName,
    /// The profile's id; none where it is gone.
    pub key: Option<String>,
    /// `added`, `updated` or `removed`.
    pub change: Option<String>,
    /// The outcome's word.
    pub outcome: String,
    /// The outcome's code.
    pub code: Option<String>,
    /// When the delivery was settled, in milliseconds since 1970.
    pub at_ms: u64,
}

/// Tells receipts, a row for each member of each, oldest first.
///
/// # Errors
/// When the store cannot be read.
pub fn receipts(from: &impl Look, wanted: &Wanted, mut told: impl FnMut(Receipt) -> bool) -> Result<(), Error> {
    let (names, mut keys) = (names(from)?, Keys::new(from)?);
    let mut statement = from.connection().prepare_cached(
        "SELECT d.run, d.id, d.connection, r.change, r.outcome, r.code, coalesce(d.settled_ms, 0), r.members
         FROM delivery d JOIN receipt r ON r.delivery = d.id
         WHERE d.settled_ms BETWEEN ?1 AND ?2 AND (?3 IS NULL OR d.run = ?3) ORDER BY d.id, r.rowid",
    )?;
    let mut rows = statement.query(params![wanted.since(), wanted.until(), wanted.run])?;
    while let Some(row) = rows.next()? {
        let Some(name) = names.get(&row.get(2)?).filter(|name| wanted.is_of(name)) else { continue };
        let set: Vec<u8> = row.get(7)?;
        for profile in ledger::members(&set)? {
            let receipt = Receipt {
                run: row.get(0)?,
                delivery: row.get(1)?,
                name: name.clone(),
                key: keys.of(profile)?,
                change: row.get(3)?,
                outcome: row.get(4)?,
                code: row.get(5)?,
                at_ms: row.get::<_, i64>(6)?.cast_unsigned(),
            };
            if !told(receipt) {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// One member at one destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The connection.
    pub name: LinkName,
    /// The profile's id; none where it is gone.
    pub key: Option<String>,
    /// `held`, `in doubt` or `carried by another profile`.
    pub state: &'static str,
    /// Whether this is a further value of the identifier that the destination knows the person by.
    pub is_further: bool,
    /// Settings version of the last request.
    pub version: u64,
    /// `deferred`, `accepted` or `unknown`, of who waits.
    pub waiting: Option<String>,
}

/// Tells everybody whom destinations hold, connection by connection.
///
/// # Errors
/// When the store cannot be read.
pub fn members(from: &impl Look, wanted: &Wanted, mut told: impl FnMut(Member) -> bool) -> Result<(), Error> {
    let mut keys = Keys::new(from)?;
    for (link, name) in names(from)?.into_iter().filter(|(_, name)| wanted.is_of(name)) {
        let mut statement = from.connection().prepare_cached(
            "SELECT h.profile, h.hash IS NULL, h.folded, h.version, p.state FROM held h
             LEFT JOIN pending p ON p.connection = h.connection AND p.profile = h.profile
             WHERE h.connection = ?1 ORDER BY h.profile",
        )?;
        let mut rows = statement.query([link])?;
        while let Some(row) = rows.next()? {
            let profile: u32 = row.get(0)?;
            let state = match (row.get(2)?, row.get(1)?) {
                (true, _) => "carried by another profile",
                (false, true) => "in doubt",
                (false, false) => "held",
            };
            let member = Member {
                name: name.clone(),
                key: keys.of(profile)?,
                state,
                is_further: profile >= RECORD_ID_MIN,
                version: row.get::<_, Option<i64>>(3)?.unwrap_or(0).cast_unsigned(),
                waiting: row.get(4)?,
            };
            if !told(member) {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// What became of members of a connection in a while.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stages {
    /// Members by the outcome of their last attempt of each delivery.
    pub outcomes: BTreeMap<String, u64>,
    /// Rejected members by code and reason, with up to ten of them.
    pub discards: BTreeMap<(String, String), Discard>,
    /// Milliseconds from intent to outcome, with the members delivered in that time; ascending.
    pub latencies_ms: Vec<(u64, u64)>,
}

/// Members who were rejected for one reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Discard {
    /// How many times.
    pub members: u64,
    /// Ids of some of them.
    pub samples: Vec<String>,
}

/// Samples of one reason.
const SAMPLES_MAX: usize = 10;
/// Reasons that are told apart.
const DISCARDS_MAX: usize = 50;

impl Stages {
    /// The time within which so many of a hundred delivered members had their outcome; none where nobody was delivered.
    #[must_use]
    pub fn percentile_ms(&self, percent: u64) -> Option<u64> {
        let all: u64 = self.latencies_ms.iter().map(|(_, members)| members).sum();
        let rank = (all * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let within = |(_, members): &&(u64, u64)| {
            seen += members;
            seen >= rank
        };
        self.latencies_ms.iter().find(within).map(|(ms, _)| *ms)
    }
}

/// What became of members of a connection since a moment.
///
/// # Errors
/// When the store cannot be read.
pub fn stages(from: &impl Look, link: i64, since_ms: u64) -> Result<Stages, Error> {
    let mut stages = Stages::default();
    let mut statement = from.connection().prepare_cached(
        "SELECT r.outcome, r.members, d.settled_ms - d.created_ms FROM delivery d JOIN receipt r ON r.delivery = d.id
         WHERE d.connection = ?1 AND d.settled_ms >= ?2",
    )?;
    let mut rows = statement.query(params![link, since_ms.cast_signed()])?;
    while let Some(row) = rows.next()? {
        let (outcome, set): (String, Vec<u8>) = (row.get(0)?, row.get(1)?);
        let members = ledger::members(&set)?.len();
        if outcome == "delivered" {
            let took_ms = row.get::<_, Option<i64>>(2)?.unwrap_or(0).max(0).cast_unsigned();
            stages.latencies_ms.push((took_ms, members));
        }
        *stages.outcomes.entry(outcome).or_default() += members;
    }
    stages.latencies_ms.sort_unstable();
    let mut keys = Keys::new(from)?;
    let mut statement = from.connection().prepare_cached(
        "SELECT profile, coalesce(code, ''), coalesce(reason, '') FROM rejection
         WHERE connection = ?1 AND at_ms >= ?2 AND code IS NOT 'no_matching_mapping' ORDER BY id DESC",
    )?;
    let mut rows = statement.query(params![link, since_ms.cast_signed()])?;
    while let Some(row) = rows.next()? {
        let reason = (row.get(1)?, row.get(2)?);
        if stages.discards.len() >= DISCARDS_MAX && !stages.discards.contains_key(&reason) {
            continue;
        }
        let discard = stages.discards.entry(reason).or_default();
        discard.members += 1;
        if discard.samples.len() < SAMPLES_MAX
            && let Some(profile) = row.get::<_, Option<u32>>(0)?
            && let Some(key) = keys.of(profile)?
            && !discard.samples.contains(&key)
        {
            discard.samples.push(key);
        }
    }
    Ok(stages)
}

/// Every connection that there ever was, by number.
fn names(from: &impl Look) -> Result<BTreeMap<i64, LinkName>, Error> {
    let mut statement =
        from.connection().prepare_cached("SELECT id, audience, destination, mapping FROM connection")?;
    let rows = statement.query_map([], |row| {
        Ok((row.get(0)?, LinkName { audience: row.get(1)?, destination: row.get(2)?, mapping: row.get(3)? }))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Ids of profiles by number; a further record has its profile's.
struct Keys<'a>(rusqlite::CachedStatement<'a>);

impl<'a> Keys<'a> {
    fn new(from: &'a impl Look) -> Result<Self, Error> {
        let sql = "SELECT key FROM profile WHERE id = coalesce((SELECT profile FROM record WHERE id = ?1), ?1)";
        Ok(Self(from.connection().prepare_cached(sql)?))
    }

    fn of(&mut self, profile: u32) -> Result<Option<String>, Error> {
        Ok(self.0.query_row([profile], |row| row.get(0)).optional()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::held::{self, Held};
    use crate::ledger::{Intent, RejectionRow, RequestRow};
    use crate::tests::{TestStore, line};
    use crate::{Reader, Transaction};
    use roaring::RoaringBitmap;

    /// Two people; one delivery each minute to one of two destinations, the second one refused.
    fn store() -> (TestStore, i64) {
        let store = TestStore::with(&[line("ann", "{}"), line("ben", "{}")]);
        let write = move |tx: &Transaction<'_>| {
            let name = |destination: &str| LinkName {
                audience: "a".to_owned(),
                destination: destination.to_owned(),
                mapping: String::new(),
            };
            let links = [ledger::link(tx, &name("d"), b"s")?.id, ledger::link(tx, &name("e"), b"s")?.id];
            let run = ledger::begin_run(tx, 1_000)?;
            for (at, link) in links.into_iter().enumerate() {
                let at_ms = 60_000 * (at as u64 + 1);
                let members = RoaringBitmap::from_iter([1, 2]);
                let intent = Intent {
                    run,
                    link,
                    operation: "add",
                    label: "prepared",
                    request_key: "k",
                    members: &members,
                    attempt: 1,
                    plugin_digest: b"p",
                    version: 1,
                    at_ms,
                };
                let delivery = ledger::intend(tx, &intent)?;
                ledger::receipt(tx, delivery, "delivered", None, "added", &RoaringBitmap::from_iter([1]))?;
                ledger::receipt(tx, delivery, "rejected", Some("odd"), "added", &RoaringBitmap::from_iter([2]))?;
                ledger::settle(tx, delivery, "ok", at_ms + 500)?;
                let row = RequestRow {
                    label: "prepared",
                    kind: None,
                    digest: [7; 32],
                    status: Some(200),
                    failure: None,
                    answer: None,
                    left: true,
                    at_ms,
                };
                ledger::requests(tx, (run, link, Some(delivery)), &[row])?;
                held::put(tx, link, &[Held { profile: 1, hash: Some([1; 16]), ..Held::default() }])?;
                let rejection = RejectionRow {
                    profile: 2,
                    code: "odd".to_owned(),
                    field: None,
                    reason: "it is odd".to_owned(),
                    source: "destination",
                    change: "added",
                    hash: None,
                };
                ledger::reject(tx, (run, link), (b"p", 1), at_ms, &[rejection])?;
            }
            ledger::end_run(tx, run, 200_000, "{}")?;
            Ok(links[0])
        };
        let link = store.write_blocking(write).unwrap();
        (store, link)
    }

    fn all<T>(read: impl FnOnce(&Reader, &mut dyn FnMut(T) -> bool) -> Result<(), Error>, store: &TestStore) -> Vec<T> {
        let mut found = Vec::new();
        read(&store.reader().unwrap(), &mut |one| {
            found.push(one);
            true
        })
        .unwrap();
        found
    }

    #[test]
    fn what_happened_is_narrowed_by_connection_and_time() {
        let (store, _) = store();
        let requests = |wanted: &Wanted| all::<Request>(|reader, told| super::requests(reader, wanted, told), &store);
        let told: Vec<_> = requests(&Wanted::default()).into_iter().map(|one| one.name.destination).collect();
        assert_eq!(told, ["e", "d"], "newest first");
        assert_eq!(requests(&Wanted { destination: Some("d".to_owned()), ..Wanted::default() }).len(), 1);
        assert_eq!(requests(&Wanted { since_ms: Some(100_000), ..Wanted::default() }).len(), 1);
        assert_eq!(requests(&Wanted { run: Some(99), ..Wanted::default() }).len(), 0);
        let runs = |wanted: &Wanted| all::<Run>(|reader, told| super::runs(reader, wanted, told), &store);
        assert_eq!(
            (runs(&Wanted::default()).len(), runs(&Wanted { since_ms: Some(1_001), ..Wanted::default() }).len()),
            (1, 0)
        );
    }

    #[test]
    fn each_member_has_its_receipt() {
        let (store, _) = store();
        let wanted = Wanted { audience: Some("a".to_owned()), until_ms: Some(60_500), ..Wanted::default() };
        let receipts = all::<Receipt>(|reader, told| super::receipts(reader, &wanted, told), &store);
        let told: Vec<_> = receipts.iter().map(|one| (one.key.as_deref(), one.outcome.as_str())).collect();
        assert_eq!(told, [(Some("ann"), "delivered"), (Some("ben"), "rejected")]);
        let members = all::<Member>(|reader, told| super::members(reader, &Wanted::default(), told), &store);
        assert_eq!((members.len(), members[0].state), (2, "held"));
    }

    #[test]
    fn counts_reasons_and_latencies_are_those_of_the_while() {
        let (store, link) = store();
        let found = stages(&store.reader().unwrap(), link, 0).unwrap();
        assert_eq!((found.outcomes["delivered"], found.outcomes["rejected"]), (1, 1));
        let discard = &found.discards[&("odd".to_owned(), "it is odd".to_owned())];
        assert_eq!((discard.members, discard.samples.as_slice()), (1, ["ben".to_owned()].as_slice()));
        assert_eq!((found.percentile_ms(50), found.percentile_ms(99)), (Some(500), Some(500)));
        let none = stages(&store.reader().unwrap(), link, 70_000).unwrap();
        assert_eq!((none.outcomes.len(), none.percentile_ms(95)), (0, None));
        let spread = Stages { latencies_ms: vec![(10, 90), (20, 9), (900, 1)], ..Stages::default() };
        assert_eq!([50, 95, 99, 100].map(|percent| spread.percentile_ms(percent).unwrap()), [10, 20, 20, 900]);
    }
}
