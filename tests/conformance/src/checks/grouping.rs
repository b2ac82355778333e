//! What is said of a member must not depend on who else is in the batch.

use enroute_core::request::Request;
use enroute_host::runtime::{Mapped, PreparedRequest};

use crate::bench::Bench;
use crate::catalogue::Check;
use crate::findings::Failure;
use crate::kit::Kit;
use crate::part;
use crate::people::{Crowd, token};
use crate::random::Random;
use crate::values;

/// Ordinary members of the crowd, and members with a hostile value among them.
const ORDINARY: usize = 10;
const HOSTILE: usize = 6;
/// Connections on which groupings are tried.
const BENCHES_MAX: usize = 8;

/// What became of one member.
#[derive(Debug, Clone, PartialEq)]
enum Fate {
    Rejected(String, Option<String>),
    Delivered(Vec<PreparedRequest>),
    Lost,
}

impl Fate {
    fn shown(&self) -> String {
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

pub(crate) fn check(kit: &Kit<'_>, benches: &[Bench]) {
    for bench in benches.iter().take(BENCHES_MAX) {
        let mut random = Random::new(kit.seed);
        groupings(kit, bench, &mixed(bench, &mut random), &mut random);
        if let Some(own) = &bench.own {
            groupings(kit, bench, own, &mut random);
        }
    }
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

fn groupings(kit: &Kit<'_>, bench: &Bench, crowd: &Crowd, random: &mut Random) {
    let alone: Option<Vec<Fate>> = (0..crowd.len())
        .map(|at| {
            let mapped = kit.map(bench, &crowd.chosen(&[at]), "mapped one member alone")?;
            fates(&mapped, 1).into_iter().next()
        })
        .collect();
    let Some(alone) = alone else { return };
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
        let Some(mapped) = kit.map(bench, &crowd.chosen(&order), &format!("mapped members {how}")) else { return };
        for (at, together) in order.iter().zip(fates(&mapped, order.len())) {
            let Some(alone) = alone.get(*at) else { continue };
            let differs = differs(alone, &together);
            kit.findings.expect(Check::MapMindsNoNeighbours, differs.is_none(), || {
                let did = format!("{}: mapped a member alone, then among others ({how})", bench.name);
                let change = crowd.people.get(*at).map_or("", |person| person.change.word());
                let (expected, got) = differs.unwrap_or_default();
                Failure::new(did, format!("{change} member as alone: {expected}"), got)
            });
        }
    }
}

fn fates(mapped: &Mapped, members: usize) -> Vec<Fate> {
    let mut fates = vec![Fate::Lost; members];
    for rejection in &mapped.rejections {
        if let Some(fate) = fates.get_mut(rejection.member as usize) {
            *fate = Fate::Rejected(rejection.code.clone(), rejection.field.clone());
        }
    }
    for request in mapped.deliveries.iter().flat_map(|delivery| &delivery.requests) {
        for member in &request.members {
            match fates.get_mut(*member as usize) {
                Some(Fate::Delivered(requests)) => requests.push(request.clone()),
                Some(fate) => *fate = Fate::Delivered(vec![request.clone()]),
                None => {}
            }
        }
    }
    fates
}

/// What is said of a member alone, and what is said instead of the same member among others.
fn differs(alone: &Fate, together: &Fate) -> Option<(String, String)> {
    match (alone, together) {
        (Fate::Delivered(alone), Fate::Delivered(together)) => {
            let missing = alone.iter().find(|request| !is_part(&request.request, together))?;
            let shown =
                |request: &Request| String::from_utf8_lossy(&request.body).chars().take(300).collect::<String>();
            let got = together.iter().map(|request| shown(&request.request)).collect::<Vec<_>>().join(" | ");
            Some((shown(&missing.request), format!("none of its requests has that: {got}")))
        }
        (alone, together) if alone == together => None,
        (alone, together) => Some((alone.shown(), together.shown())),
    }
}

/// Whether what `alone` says stands in one of the requests to the same place. Where none goes there, the destination
/// has another way for several members, and nothing can be compared.
fn is_part(alone: &Request, together: &[PreparedRequest]) -> bool {
    let same_place = |other: &&PreparedRequest| {
        let other = &other.request;
        (other.method, &other.origin, &other.path) == (alone.method, &alone.origin, &alone.path)
    };
    let mut candidates = together.iter().filter(same_place).peekable();
    if candidates.peek().is_none() {
        return true;
    }
    candidates.any(|other| match other.members.len() {
        1 => other.request.body == alone.body && other.request.query == alone.query,
        _ => part::stands_in(alone, &other.request),
    })
}
