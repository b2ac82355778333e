//! What is said of a member, and of nobody in particular, must not depend on who else is in the batch.

use enroute_core::batch::Change;
use enroute_host::runtime::Mapped;

use crate::bench::Bench;
use crate::catalogue::Check;
use crate::findings::Failure;
use crate::kit::Kit;
use crate::part::{self, Entries, Parts, Wrong};
use crate::people::{Crowd, token};
use crate::random::Random;
use crate::values;

/// Ordinary members of the crowd, and members with a hostile value among them.
const ORDINARY: usize = 10;
const HOSTILE: usize = 6;
/// Connections on which groupings are tried.
const BENCHES_MAX: usize = 8;
/// Members of the crowds: primes, so that nothing comes out even, and sizes that people choose.
const SIZES: [usize; 6] = [2, 3, 7, 13, 31, 101];
/// Members of the largest crowd whose members are each mapped alone; on one connection.
const CROWD_MAX: usize = 1_001;

/// What became of one member.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fate {
    Rejected(String, Option<String>),
    /// In these requests, by their number.
    Delivered(Vec<usize>),
    Lost,
}

impl Fate {
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Rejected(code, field) => format!("rejected as {code}{}", of(field.as_deref())),
            Self::Delivered(requests) => format!("in {} requests", requests.len()),
            Self::Lost => "nowhere".to_owned(),
        }
    }
}

fn of(field: Option<&str>) -> String {
    field.map(|field| format!(" for `{field}`")).unwrap_or_default()
}

/// A result of `map`, taken apart.
pub(super) struct Taken {
    pub(super) requests: Vec<Sent>,
    pub(super) fates: Vec<Fate>,
}

pub(super) struct Sent {
    pub(super) operation: String,
    members: Vec<u32>,
    pub(super) parts: Parts,
}

impl Taken {
    pub(super) fn new(mapped: &Mapped, members: usize) -> Self {
        let mut fates = vec![Fate::Lost; members];
        for rejection in &mapped.rejections {
            if let Some(fate) = fates.get_mut(rejection.member as usize) {
                *fate = Fate::Rejected(rejection.code.clone(), rejection.field.clone());
            }
        }
        let mut requests = Vec::new();
        for delivery in &mapped.deliveries {
            for request in &delivery.requests {
                for member in &request.members {
                    match fates.get_mut(*member as usize) {
                        Some(Fate::Delivered(of_member)) => of_member.push(requests.len()),
                        Some(fate) => *fate = Fate::Delivered(vec![requests.len()]),
                        None => {}
                    }
                }
                let parts = Parts::new(&request.request);
                requests.push(Sent { operation: delivery.operation.clone(), members: request.members.clone(), parts });
            }
        }
        Self { requests, fates }
    }
}

/// Whether results can be compared: what depends on chance, or hides its members, is told by its own check.
pub(super) fn is_comparable(kit: &Kit<'_>) -> bool {
    let own = [Check::MapIsDeterministic, Check::RequestsNameTheirMembers];
    own.iter().all(|check| kit.findings.of(*check).failed == 0)
}

pub(crate) fn check(kit: &Kit<'_>, benches: &[Bench]) {
    for bench in benches.iter().take(BENCHES_MAX) {
        let mut random = Random::new(kit.seed);
        groupings(kit, bench, &mixed(bench, &mut random), &mut random);
        if let Some(own) = &bench.own {
            groupings(kit, bench, own, &mut random);
        }
        crowds(kit, bench, &SIZES);
    }
}

/// Crowds of several sizes on one connection, each member compared with itself alone.
pub(crate) fn crowds(kit: &Kit<'_>, bench: &Bench, sizes: &[usize]) {
    let members_max = bench.batch_members(kit.manifest);
    let most = sizes.iter().copied().max().unwrap_or(0).min(members_max);
    let crowd = bench.ordinary(most);
    let Some(alone) = alone(kit, bench, &crowd) else { return };
    for taken in &alone {
        nobody_stands_twice(kit, bench, taken);
    }
    for size in sizes.iter().map(|size| (*size).min(most)) {
        // Of the last ones, so that crowds of several sizes begin with several members; the first two of them enter.
        let first = (most - size) / Bench::KINDS * Bench::KINDS;
        let order: Vec<usize> = (first..first + size).collect();
        together(kit, bench, &crowd, &alone, &order, &format!("as {size} members"));
    }
}

/// The crowd in which every member is looked at alone, on the connection with most rows.
pub(crate) fn large_crowd(kit: &Kit<'_>, bench: &Bench) {
    crowds(kit, bench, &[CROWD_MAX]);
}

/// Ordinary members with some among them of whom one value is hostile.
fn mixed(bench: &Bench, random: &mut Random) -> Crowd {
    let mut people = bench.ordinary(ORDINARY).people;
    for number in 0..HOSTILE {
        let number = ORDINARY + number;
        let column = random.below(bench.columns());
        let hostile = values::hostile(&token(number, column));
        if let Some((_, cell)) = random.pick(&hostile) {
            people.push(crate::checks::hostile::with(bench, number, column, cell.clone()));
        }
    }
    random.shuffle(&mut people);
    bench.crowd(people)
}

fn alone(kit: &Kit<'_>, bench: &Bench, crowd: &Crowd) -> Option<Vec<Taken>> {
    (0..crowd.len())
        .map(|at| {
            let mapped = kit.map(bench, &crowd.chosen(&[at]), "mapped one member alone")?;
            Some(Taken::new(&mapped, 1))
        })
        .collect()
}

fn groupings(kit: &Kit<'_>, bench: &Bench, crowd: &Crowd, random: &mut Random) {
    let Some(alone) = alone(kit, bench, crowd) else { return };
    let whole: Vec<usize> = (0..crowd.len()).collect();
    let (first, second) = whole.split_at(whole.len().div_ceil(2));
    let mut shuffled = whole.clone();
    random.shuffle(&mut shuffled);
    let reversed: Vec<usize> = whole.iter().rev().copied().collect();
    let arrangements = [
        ("all at once", whole.clone()),
        ("the first half", first.to_vec()),
        ("the second half", second.to_vec()),
        ("shuffled", shuffled),
        ("reversed", reversed),
    ];
    for (how, order) in arrangements {
        together(kit, bench, crowd, &alone, &order, how);
    }
}

/// The checks that a difference breaks: those of everybody, or those of who leaves.
#[derive(Clone, Copy)]
struct Breaks {
    /// What a member has alone is not there.
    missing: Check,
    /// What no member has alone is there.
    stranger: Check,
    /// Whether only those who leave are looked at.
    is_leaving: bool,
}

const OF_ALL: Breaks =
    Breaks { missing: Check::MapMindsNoNeighbours, stranger: Check::MapMindsNoNeighbours, is_leaving: false };
const OF_LEAVING: Breaks =
    Breaks { missing: Check::RemovalsReachAllThatWasSent, stranger: Check::RemovalsReachNobodyElse, is_leaving: true };

/// Maps a crowd in which somebody leaves, to whom several identities may have been sent.
pub(crate) fn leave(kit: &Kit<'_>, bench: &Bench, crowd: &Crowd, how: &str) {
    let members: Vec<usize> = (0..crowd.len().min(bench.batch_members(kit.manifest))).collect();
    let crowd = crowd.chosen(&members);
    let Some(alone) = alone(kit, bench, &crowd) else { return };
    compare_alone(kit, bench, (&crowd, &members, how), &alone, OF_LEAVING);
}

/// Maps some of a crowd at once and compares each with itself alone.
fn together(kit: &Kit<'_>, bench: &Bench, crowd: &Crowd, alone: &[Taken], order: &[usize], how: &str) {
    compare_alone(kit, bench, (crowd, order, how), alone, OF_ALL);
}

fn compare_alone(
    kit: &Kit<'_>,
    bench: &Bench,
    (crowd, order, how): (&Crowd, &[usize], &str),
    alone: &[Taken],
    breaks: Breaks,
) {
    let Some(mapped) = kit.map(bench, &crowd.chosen(order), &format!("mapped members {how}")) else { return };
    if !is_comparable(kit) {
        return;
    }
    let taken = Taken::new(&mapped, order.len());
    let alone: Vec<&Taken> = order.iter().filter_map(|at| alone.get(*at)).collect();
    let did = format!("{}: mapped members alone, then among others ({how})", bench.name);
    // Of a crowd in which somebody leaves, those who enter are no news.
    let leaves = |at: &usize| crowd.people.get(*at).is_some_and(|person| person.change == Change::Removed);
    let is_looked_at = |at: &usize| !breaks.is_leaving || leaves(at);
    let names_one =
        |sent: &&Sent| sent.members.iter().filter_map(|member| order.get(*member as usize)).any(is_looked_at);
    for sent in taken.requests.iter().filter(names_one) {
        belongs_to_nobody(kit, sent, &alone, breaks.stranger, &did);
    }
    let entries: Vec<Entries> = taken.requests.iter().map(|sent| Entries::of(&sent.parts)).collect();
    for ((at, alone), fate) in order.iter().zip(&alone).zip(&taken.fates).filter(|((at, _), _)| is_looked_at(at)) {
        let differs = differs(alone, fate, &taken, &entries);
        if breaks.is_leaving && !matches!(fate, Fate::Delivered(_)) {
            continue;
        }
        kit.findings.expect(breaks.missing, differs.is_none(), || {
            let change = crowd.people.get(*at).map_or("", |person| person.change.word());
            let (expected, got) = differs.unwrap_or_default();
            Failure::new(&did, format!("{change} member as alone: {expected}"), got)
        });
    }
}

/// One request about several members: against what is sent for each of them alone.
fn belongs_to_nobody(kit: &Kit<'_>, sent: &Sent, alone: &[&Taken], strangers: Check, did: &str) {
    let of_members = sent.members.iter().filter_map(|member| alone.get(*member as usize));
    let requests = of_members.flat_map(|taken| taken.requests.iter().filter(|one| one.operation == sent.operation));
    let (there, elsewhere): (Vec<&Parts>, Vec<&Parts>) =
        requests.map(|one| &one.parts).partition(|parts| parts.place() == sent.parts.place());
    let wrong = match sent.members.len() {
        _ if there.is_empty() => moved(sent, &elsewhere),
        // All of its body is the member's.
        1 => sent.parts.head(&there),
        members => sent.parts.wrong_among(&there, members),
    };
    let failure = |expected: String, got: String| Failure::new(did, expected, got);
    let place = sent.parts.shown_place();
    let (mut head, mut stranger, mut twice) = (None, None, None);
    match wrong {
        Some(Wrong::Head(expected, got)) => head = Some((format!("{expected}, as alone, in {place}"), got)),
        Some(Wrong::Stranger(got)) => stranger = Some(format!("{got} are what no member of {place} has alone")),
        Some(Wrong::Twice(got)) => twice = Some(format!("{got} stand more often in {place} than alone")),
        None => {}
    }
    kit.findings.expect(Check::HeadsMindNoNeighbours, head.is_none(), || {
        let (expected, got) = head.unwrap_or_default();
        failure(expected, got)
    });
    kit.findings.expect(strangers, stranger.is_none(), || {
        failure("entries that members have alone".to_owned(), stranger.unwrap_or_default())
    });
    kit.findings.expect(Check::NobodyStandsTwice, twice.is_none(), || {
        failure("every entry once".to_owned(), twice.unwrap_or_default())
    });
}

/// A request to a place where nothing goes alone. Where each member has a place of its own, several have another.
fn moved(sent: &Sent, elsewhere: &[&Parts]) -> Option<Wrong> {
    let mut places: Vec<_> = elsewhere.iter().map(|parts| parts.place()).collect();
    places.sort_unstable();
    places.dedup();
    let own_places = places.len() > 1 && places.len() == elsewhere.len();
    let first = elsewhere.first().filter(|_| !own_places)?;
    Some(Wrong::Head(first.shown_place(), sent.parts.shown_place()))
}

/// What is said of a member alone, and what is said instead of the same member among others.
fn differs(alone: &Taken, fate: &Fate, taken: &Taken, entries: &[Entries]) -> Option<(String, String)> {
    match (alone.fates.first()?, fate) {
        (Fate::Delivered(_), Fate::Delivered(together)) => {
            let missing = alone.requests.iter().find(|one| !is_part(one, together, taken, entries))?;
            let bodies = together.iter().filter_map(|at| taken.requests.get(*at)).map(|sent| sent.parts.shown_body());
            let got = bodies.collect::<Vec<_>>().join(" | ");
            Some((missing.parts.shown_body(), format!("none of its requests has that: {got}")))
        }
        (alone, together) if alone == together => None,
        (alone, together) => Some((alone.shown(), together.shown())),
    }
}

/// Whether what `alone` says stands in one of the requests to the same place. Where none goes there, the place is what
/// differs, and nothing can be compared.
fn is_part(alone: &Sent, together: &[usize], taken: &Taken, entries: &[Entries]) -> bool {
    let requests = together.iter().filter_map(|at| Some((taken.requests.get(*at)?, entries.get(*at)?)));
    let mut candidates = requests.filter(|(sent, _)| sent.parts.place() == alone.parts.place()).peekable();
    if candidates.peek().is_none() {
        return true;
    }
    candidates.any(|(sent, entries)| match sent.members.len() {
        _ if !sent.parts.is_read && sent.members.len() > 1 => true,
        1 => sent.parts.request.body == alone.parts.request.body,
        _ => alone.parts.stands_in(entries),
    })
}

/// What is sent for one ordinary member names it once.
fn nobody_stands_twice(kit: &Kit<'_>, bench: &Bench, taken: &Taken) {
    for (at, sent) in taken.requests.iter().enumerate() {
        let again = taken.requests.iter().skip(at + 1).any(|other| other.parts.request == sent.parts.request);
        let entry = sent.parts.entry_twice();
        kit.findings.expect(Check::NobodyStandsTwice, !again && entry.is_none(), || {
            let what = entry.map_or_else(
                || format!("{} is sent twice", sent.parts.shown_place()),
                |place| format!("an entry of {} stands twice", part::list_name(place)),
            );
            Failure::new(format!("{}: mapped one member alone", bench.name), "every entry and every request once", what)
        });
    }
}
