//! What a sync would do: the same cutting and the same `map`, and nothing written or sent.

use crate::change::coverage::{Coverage, FieldCoverage, Survey};
use crate::change::cutter::{self, Cutting};
use crate::change::elsewhere::HELD_BY_ANOTHER;
use crate::change::guard::Guard;
use crate::change::lot::Lot;
use crate::change::only::Only;
use crate::change::records;
use crate::change::resend::Resend;
use crate::change::snapshot::{self, Seen, Snapshot, SnapshotError};
use crate::clock::Clock;
use crate::delivery::blame::{self, Trust};
use crate::delivery::quota::{self, Quota};
use crate::delivery::{mapper, withdraw};
use crate::doubt;
use crate::left::LeftBehind;
use crate::report::{
    ChangeCounts, FaultReport, NO_MATCHING_MAPPING, ReasonCount, RefusedRequests, Tally, taken_as_known,
};
use crate::setup::link::{Earlier, Link, Stuck};
use crate::setup::paused::Paused;
use crate::setup::planned::Planned;
use crate::setup::prepare::Setup;
use crate::setup::stopped::Stopped;
use enroute_core::matching::How;
use enroute_core::words::{counted, noun};
use enroute_egress::{Preview, base64};
use enroute_runtime::Rejection;
use enroute_store::ledger::LinkName;
use enroute_store::places::Kept;
use enroute_store::{Reader, Store, again, held};
use roaring::RoaringBitmap;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A request that a sync would send.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedRequest {
    /// The manifest's operation.
    pub operation: String,
    /// Members in it.
    pub members: u64,
    /// GET, POST, …
    pub method: &'static str,
    /// Where it goes, with what the host fills in shown in braces.
    pub url: String,
    /// SHA-256 over everything but what the host fills in.
    pub digest: String,
    /// SHA-256 over the body.
    pub body_sha256: String,
    /// Bytes of the body.
    pub body_bytes: u64,
    /// Headers, secrets masked; only where bodies are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<Vec<(String, String)>>,
    /// The body as text; only where bodies are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The body in Base64 (RFC 4648), where it is no text; only where bodies are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_base64: Option<String>,
    /// Why the host would refuse it, with host, header or path: then the sync stops for the plugin to be mended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// What would be done for one connection.
#[derive(Debug, Clone, Default, Serialize)]
pub struct LinkPlan {
    /// The audience's key.
    pub audience: String,
    /// The destination's name.
    pub destination: String,
    /// The mapping's name, where the connection has several.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mapping: String,
    /// Plugin and version.
    pub plugin: String,
    /// Why a sync would not run it, or would leave its plugin alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
    /// Why it is paused, if it is: nothing is planned then, and `changes` are what one sync sends once it is resumed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<String>,
    /// Why everybody is withdrawn, where this is an earlier place of the connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withdraws: Option<String>,
    /// Members who are held and whom no connection is about: a sync leaves them alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_behind: Option<LeftBehind>,
    /// People in the audience.
    pub people: u64,
    /// Members: one a person, and one more for each further value of an identifier that goes out.
    pub members: u64,
    /// People in the audience who have not agreed to what the destination is for; nothing about them is sent.
    pub withheld: u64,
    /// Members who have to be looked at.
    pub changes: ChangeCounts,
    /// Members of whom nothing that is sent has changed, or whose person another profile carries.
    pub unchanged: u64,
    /// Members who would be in a request.
    pub sendable: u64,
    /// Members who cannot be delivered, by reason.
    pub rejections: Vec<ReasonCount>,
    /// Worth telling about members who would be delivered.
    pub warnings: Vec<ReasonCount>,
    /// Requests that the host would refuse; a sync would pause the connection at the first of them.
    pub refused_requests: Vec<RefusedRequests>,
    /// What went wrong inside the plugin.
    pub faults: Vec<FaultReport>,
    /// Members who wait for a moment or a job.
    pub waiting: u64,
    /// Members whom the destination holds under older settings.
    pub stale: u64,
    /// Shortest time at the destination's pace, in milliseconds.
    pub pace_ms: u64,
    /// What the destination's allowances of an hour or more leave.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub quotas: Vec<Quota>,
    /// What people have for the fields.
    pub coverage: Coverage,
    /// What an operator should know beforehand.
    pub notes: Vec<String>,
    /// Why the sync would stop before it begins.
    pub guard: Option<String>,
    /// The requests, in order.
    pub requests: Vec<PlannedRequest>,
}

/// What to show of each request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Detail {
    /// Headers and bodies too. Bodies hold personal data.
    pub bodies: bool,
    /// Samples of values as they are, not by their shape.
    pub values: bool,
}

/// Plans every connection.
///
/// # Errors
/// When the store cannot be read, or an audience cannot be evaluated.
pub async fn plan(
    store: &Arc<Store>,
    setup: &Setup,
    clock: &Clock,
    detail: Detail,
) -> Result<Vec<LinkPlan>, SnapshotError> {
    let mut plans = Vec::new();
    // An audience may have many connections, and its condition is looked at once.
    let mut doubts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    // Of whom connections let go before others at the same place look at them.
    let mut released: BTreeMap<i64, RoaringBitmap> = BTreeMap::new();
    for planned in setup.links() {
        let (mut link, since) = setup.bind_for_reading(store, planned).await?;
        let earlier = std::mem::take(&mut link.earlier);
        let mut of_earlier = Vec::new();
        for place in &earlier {
            of_earlier.push(withdrawal(store, place, clock, detail, &mut released).await?);
        }
        link.released = Arc::new(released.clone());
        let (mut plan, removed) =
            plan_bound(store, link, planned.matches(), since, clock, detail, Scope::Changes).await?;
        released.extend(removed);
        plan.moved(&of_earlier);
        let known = match doubts.get(&plan.audience) {
            Some(known) => known.clone(),
            None => {
                let (condition, is_empty) = (planned.condition().to_owned(), plan.people + plan.withheld == 0);
                let look = if is_empty { doubt::nobody } else { doubt::notes };
                store.read(move |reader| look(reader, &condition)).await?
            }
        };
        doubts.insert(plan.audience.clone(), known.clone());
        plan.notes.splice(0..0, known);
        plans.push(std::iter::once(plan).chain(of_earlier).collect());
    }
    let mut plans: Vec<LinkPlan> = setup.in_order(plans, |one| vec![stopped(one)]).into_iter().flatten().collect();
    for paused in setup.paused() {
        let one = paused.clone();
        let changes = store.read(move |reader| one.gathered(reader)).await?;
        plans.push(of_paused(paused, changes.unwrap_or_default()));
    }
    Ok(plans)
}

/// What a purge would do: the same, for everybody whom these connections hold.
///
/// # Errors
/// When the store cannot be read.
pub async fn plan_purge(
    store: &Arc<Store>,
    setup: &Setup,
    held: &[Kept],
    clock: &Clock,
    detail: Detail,
) -> Result<Vec<LinkPlan>, SnapshotError> {
    let (mut plans, mut released) = (Vec::new(), BTreeMap::new());
    for place in setup.purged(store, held).await? {
        let plan = withdrawal(store, &place, clock, detail, &mut released).await?;
        plans.push(LinkPlan { guard: None, ..plan });
    }
    Ok(plans)
}

/// What has gathered at a connection that is paused.
fn of_paused(paused: &Paused, changes: ChangeCounts) -> LinkPlan {
    let LinkName { audience, destination, mapping } = paused.name.clone();
    LinkPlan { audience, destination, mapping, paused: Some(paused.reason.clone()), changes, ..LinkPlan::default() }
}

/// The plan of an earlier place of a connection: everybody who is still there leaves it.
async fn withdrawal(
    store: &Arc<Store>,
    place: &Earlier,
    clock: &Clock,
    detail: Detail,
    released: &mut BTreeMap<i64, RoaringBitmap>,
) -> Result<LinkPlan, SnapshotError> {
    let link = match place {
        Earlier::Ready(link) => link,
        Earlier::Stuck(Stuck { name, plugin, held, reason }) => {
            let LinkName { audience, destination, mapping } = name.clone();
            let changes = ChangeCounts { removed: *held, ..ChangeCounts::default() };
            let stopped = Some(reason.clone());
            return Ok(LinkPlan {
                audience,
                destination,
                mapping,
                plugin: plugin.clone(),
                stopped,
                changes,
                ..LinkPlan::default()
            });
        }
    };
    let link = Link { released: Arc::new(released.clone()), ..Link::clone(link) };
    let why = link.withdraws.clone();
    let (mut plan, removed) = plan_bound(store, link, &[], 0, clock, detail, Scope::Changes).await?;
    released.extend(removed);
    plan.withdraws = why;
    Ok(plan)
}

/// The plan of a connection that does not run.
pub(super) fn stopped(stopped: &Stopped) -> LinkPlan {
    LinkPlan {
        audience: stopped.audience.clone(),
        destination: stopped.destination.clone(),
        mapping: stopped.mapping.clone(),
        plugin: stopped.plugin.clone(),
        stopped: Some(stopped.reason.clone()),
        faults: stopped.faults(),
        ..LinkPlan::default()
    }
}

/// Whom a plan is about.
#[derive(Debug, Clone)]
pub(super) enum Scope {
    /// Everybody of whom something has changed.
    Changes,
    /// One person, whether or not anything has changed.
    Person(Only),
    /// Those whom a resync would send again.
    Again(Resend),
}

impl Scope {
    /// Leaves only whom it is about to be looked at.
    fn restrict(&self, reader: &Reader, link: &Link, snapshot: &mut Snapshot) -> Result<(), enroute_store::Error> {
        match self {
            Self::Changes => Ok(()),
            Self::Person(only) => snapshot.restrict(reader, only),
            Self::Again(resend) => {
                snapshot.mark(link, again::would_mark(reader, link.id, &resend.which(reader, link)?)?);
                snapshot.restrict_to_again(reader, *resend)
            }
        }
    }
}

/// Plans one connection.
pub(super) async fn plan_link(
    store: &Arc<Store>,
    setup: &Setup,
    planned: &Planned,
    clock: &Clock,
    detail: Detail,
    scope: Scope,
) -> Result<LinkPlan, SnapshotError> {
    let (link, since) = setup.bind_for_reading(store, planned).await?;
    Ok(plan_bound(store, link, planned.matches(), since, clock, detail, scope).await?.0)
}

/// Plans a connection that is bound; tells also of whom it lets go, by its number.
async fn plan_bound(
    store: &Arc<Store>,
    mut link: Link,
    matches: &[How],
    since: i64,
    clock: &Clock,
    detail: Detail,
    scope: Scope,
) -> Result<(LinkPlan, Option<(i64, RoaringBitmap)>), SnapshotError> {
    if let Some(reason) = link.reused.take() {
        return Ok((LinkPlan { stopped: Some(reason), ..LinkPlan::of(&link) }, None));
    }
    let (now_ms, matches) = (clock.now_ms(), matches.to_vec());
    records::refresh(&Arc::new(link.clone()), store).await?;
    let sealer = store.sealer().clone();
    let (link, snapshot, stale, people, quotas) = store
        .read(move |reader| {
            let seen = Seen { revision: since, ..Seen::default() };
            let mut snapshot = snapshot::take(reader, &link, seen, now_ms)?;
            let stale = if link.withdraws.is_some() { 0 } else { held::stale(reader, link.id, link.settings_version)? };
            let mut people = snapshot.state.audience.clone();
            if let Scope::Person(only) = &scope {
                people &= only.numbers(reader)?;
                link.trial = Some(only.watch.clone());
            }
            scope.restrict(reader, &link, &mut snapshot)?;
            let quotas = quota::quotas(reader, &sealer, &link, now_ms)?;
            Ok::<_, SnapshotError>((Arc::new(link), snapshot, stale, people, quotas))
        })
        .await?;
    let mut plan = LinkPlan {
        people: snapshot.profiles,
        withheld: snapshot.withheld,
        members: snapshot.state.audience.len(),
        changes: snapshot.changes(),
        waiting: snapshot.state.waiting.len(),
        stale,
        notes: notes(&link, &snapshot),
        quotas,
        ..LinkPlan::of(&link)
    };
    let guard = Guard::new(link.remove_max_percent, false);
    let mut withdrawals = Withdrawals { guard, ..Withdrawals::default() };
    plan.guard = withdrawals.guard.look_at(&snapshot);
    let removed = snapshot.candidates.removed.clone();
    let mut trust = Trust::default();
    trust.look_at(plan.changes.total(), snapshot.holds_others());
    let (survey, coverage) = Survey::new(&link, &matches, &people, detail.values);
    let tally = cut(store, &link, snapshot, survey, detail, (&mut plan, &mut trust, &mut withdrawals)).await?;
    plan.coverage = coverage.await.map_err(|_| enroute_store::Error::Broken("a survey is told at its end"))?;
    plan.note_unheard_of();
    let lets_go = plan.guard.is_none().then(|| (link.id, removed | withdrawals.all));
    plan.stopped = trust.gave_up().or_else(|| trust.never_worked());
    plan.add_up(&link, tally);
    Ok((plan, lets_go.filter(|(id, _)| *id != 0)))
}

/// Members who are held and cannot be sent as they are now.
#[derive(Default)]
struct Withdrawals {
    guard: Guard,
    /// Those whom mapping found since the last barrier.
    found: RoaringBitmap,
    all: RoaringBitmap,
}

/// Cuts and maps everybody who has to be looked at.
async fn cut(
    store: &Arc<Store>,
    link: &Arc<Link>,
    snapshot: Snapshot,
    survey: Survey,
    detail: Detail,
    (plan, trust, withdrawals): (&mut LinkPlan, &mut Trust, &mut Withdrawals),
) -> Result<Tally, SnapshotError> {
    let (candidates, tried) = (Arc::new(snapshot.candidates), Arc::new(snapshot.tried));
    let mut cuttings = cutter::spawn(Arc::clone(link), store.reader()?, candidates, tried, Some(survey));
    let mut tally = Tally::default();
    while let Some(cutting) = cuttings.recv().await {
        match cutting? {
            Cutting::Lot(lot) => {
                withdrawals.found |= map_lot(link, *lot, detail, plan, (&mut tally, trust)).await;
            }
            Cutting::Same(members) => plan.unchanged += members.len(),
            Cutting::Folded(folded) => plan.unchanged += folded.len() as u64,
            Cutting::Unmatched(unmatched) => {
                plan.unchanged += unmatched.len() as u64;
                tally.warn(NO_MATCHING_MAPPING, None, unmatched.len() as u64);
            }
            Cutting::LetGo(members) => {
                plan.unchanged += members.len();
                tally.warn(HELD_BY_ANOTHER, None, members.len());
            }
            Cutting::Bequest { .. } | Cutting::End => {}
            Cutting::Barrier(settled) => {
                let found = std::mem::take(&mut withdrawals.found);
                plan.changes.removed += found.len();
                withdrawals.all |= &found;
                // The last objection has the whole number in it.
                plan.guard = withdrawals.guard.withdraw(&found).or_else(|| plan.guard.take());
                drop(settled.send(found));
            }
        }
    }
    Ok(tally)
}

impl LinkPlan {
    /// What a sync would do for members whom no connection is about: nothing.
    #[must_use]
    pub fn of_left_behind(left: LeftBehind) -> Self {
        Self {
            audience: left.audience.clone(),
            destination: left.destination.clone(),
            mapping: left.mapping.clone(),
            notes: vec![left.message(), left.hint()],
            left_behind: Some(left),
            ..Self::default()
        }
    }

    fn of(link: &Link) -> Self {
        Self {
            audience: link.audience.clone(),
            destination: link.destination.clone(),
            mapping: link.mapping.clone(),
            plugin: link.plugin_name.clone(),
            ..Self::default()
        }
    }

    /// Notes that people are still where the connection put them before.
    fn moved(&mut self, earlier: &[Self]) {
        let whys = earlier.iter().filter_map(|one| Some((one, one.withdraws.as_ref()?)));
        let note = |(one, why): (&Self, &String)| {
            let removed = one.changes.removed;
            let (members, is) = (counted(removed, "member"), noun(removed, "is"));
            format!("{why}: {members} {is} withdrawn from there before anybody is added here")
        };
        self.notes.splice(0..0, whys.map(note));
        if earlier.iter().any(|one| one.stopped.is_some() || one.guard.is_some()) {
            self.stopped = Some("an earlier place has to be left first".to_owned());
        }
    }

    /// Notes traits that nobody has, unless everybody is withdrawn.
    fn note_unheard_of(&mut self) {
        let coverage = &self.coverage;
        let named = |field: &&FieldCoverage| coverage.people > 0 && field.is_unheard_of() && field.is_trait();
        let note = |field: &FieldCoverage| {
            let near = field.did_you_mean.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            format!("nobody in the audience has `{}`{near}", field.from)
        };
        self.notes.extend(coverage.fields.iter().filter(named).map(note));
    }

    /// Takes in what mapping brought.
    fn add_up(&mut self, link: &Link, tally: Tally) {
        self.rejections = tally.rejections(&link.manifest.codes);
        self.warnings = tally.warnings(&link.manifest.codes);
        self.refused_requests = tally.refused();
        self.pace_ms = pace_ms(link, &self.requests);
        self.faults = tally.faults;
    }
}

/// What is not wrong and worth a thought before anything is sent.
fn notes(link: &Link, snapshot: &Snapshot) -> Vec<String> {
    let mut notes = Vec::new();
    if link.withdraws.is_some() {
        return notes;
    }
    if let Some(least) = link.manifest.audience_min.filter(|least| snapshot.profiles < u64::from(*least)) {
        let people = snapshot.profiles;
        notes.push(format!(
            "{} uses audiences from {} on; this one has {people}",
            link.manifest.name,
            counted(least, "person")
        ));
    }
    if snapshot.known > 0 {
        notes.push(taken_as_known(snapshot.known));
    }
    if snapshot.withheld > 0 {
        let purposes = link.requires_consent.join("`, `");
        notes.push({
            let (people, is) = (counted(snapshot.withheld, "person"), noun(snapshot.withheld, "is"));
            let (they, has) = if snapshot.withheld == 1 { ("the person", "has") } else { ("they", "have") };
            format!("{people} {is} held back: {they} {has} not agreed to `{purposes}`")
        });
    }
    let further = snapshot.state.audience.len().saturating_sub(snapshot.profiles);
    if further > 0 {
        notes.push(format!(
            "{further} more {} than people: every value of an identifier goes out",
            noun(further, "record")
        ));
    }
    notes
}

/// Maps a lot. Returns who was rejected and is to be withdrawn.
async fn map_lot(
    link: &Link,
    lot: Lot,
    detail: Detail,
    plan: &mut LinkPlan,
    (tally, trust): (&mut Tally, &mut Trust),
) -> RoaringBitmap {
    let mapped = mapper::map(link, lot, trust).await;
    for (fault, members) in &mapped.faults {
        tally.fault(fault, *members as u64);
    }
    let outdated = withdraw::unmapped(link, &mapped.rejections);
    let convicted: Vec<Rejection> = trust.convicted().iter().map(|(_, fault)| blame::rejection(fault)).collect();
    for rejection in mapped.rejections.iter().map(|(_, rejection)| rejection).chain(&convicted) {
        tally.reject(&rejection.code, rejection.field.as_deref(), &rejection.reason);
    }
    for warning in &mapped.warnings {
        tally.warn(&warning.code, warning.field.as_deref(), u64::from(warning.count));
    }
    tally.refused.absorb(mapped.refused);
    for delivery in mapped.parts.into_iter().flat_map(|(_, deliveries)| deliveries) {
        let members = delivery.members().len() as u64;
        let mut is_refused = false;
        for prepared in delivery.requests {
            let preview = link.client.preview(&prepared.request);
            is_refused |= preview.refused.is_some();
            let body = &prepared.request.body;
            let text = detail.bodies.then(|| String::from_utf8_lossy(body));
            plan.requests.push(PlannedRequest {
                operation: delivery.operation.clone(),
                members: prepared.members.len() as u64,
                method: prepared.request.method.as_str(),
                digest: prepared.request.digest().to_string(),
                body_sha256: enroute_catalog::sha256_hex(body),
                body_bytes: body.len() as u64,
                headers: detail.bodies.then(|| headers(&preview)),
                body_base64: text.as_ref().filter(|text| matches!(text, Cow::Owned(_))).map(|_| base64(body)),
                body: text.map(Cow::into_owned),
                url: preview.url,
                refused: preview.refused,
            });
        }
        plan.sendable += if is_refused { 0 } else { members };
    }
    outdated
}

fn headers(preview: &Preview) -> Vec<(String, String)> {
    preview.headers.iter().map(|header| (header.name.clone(), header.value.clone())).collect()
}

/// The shortest time in which the bucket lets these requests pass.
fn pace_ms(link: &Link, requests: &[PlannedRequest]) -> u64 {
    let mut counts = std::collections::BTreeMap::new();
    for request in requests {
        if let Some(bucket) = link.bucket(&request.operation) {
            let entry = counts.entry(bucket.name.as_str()).or_insert((bucket, 0_u64));
            entry.1 += 1;
        }
    }
    let one = |(bucket, count): &(&enroute_core::manifest::Bucket, u64)| {
        let requests = u64::from(link.requests(bucket));
        count.saturating_sub(requests) * u64::from(bucket.per_ms) / requests
    };
    counts.values().map(one).max().unwrap_or(0)
}
