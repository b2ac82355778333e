//! Values that nobody asked for: none makes `map` fail, and each costs one member at most.

use enroute_core::batch::Change;
use enroute_host::runtime::World;

use crate::bench::Bench;
use crate::checks::{requests, said};
use crate::findings::Findings;
use crate::kit::Kit;
use crate::people::{Cell, Crowd, Person, token};
use crate::random::Random;
use crate::values;

/// Connections on which every hostile value is tried in every column.
const BENCHES_MAX: usize = 5;
/// Members and bytes of one call.
const MEMBERS_MAX: usize = 50;
const BYTES_MAX: usize = 4 << 20;
/// Columns that get the longest text.
const LONG_COLUMNS_MAX: usize = 4;
/// Members with values put together at random, on each connection.
const RANDOM_MEMBERS: usize = 200;

/// A member whose value in one column is this one.
pub(crate) fn with(bench: &Bench, number: usize, column: usize, cell: Cell) -> Person {
    let mut person = bench.member(number, Change::Added);
    let identifiers = person.identifiers.len();
    let field = bench.column(column).to_owned();
    person.marks.retain(|mark| mark.field != field);
    if matches!(&cell, Cell::Text(text) | Cell::Json(text) if text.contains(&token(number, column))) {
        person.marks.push(crate::people::Mark { field, text: token(number, column) });
    }
    let slot = match column.checked_sub(identifiers) {
        None => person.identifiers.get_mut(column),
        Some(row) => person.values.get_mut(row),
    };
    if let Some(slot) = slot {
        *slot = cell;
    }
    person
}

pub(crate) fn check(kit: &Kit<'_>, benches: &[Bench]) {
    for bench in benches.iter().take(BENCHES_MAX) {
        let mut people: Vec<(String, Person)> = Vec::new();
        for column in 0..bench.columns() {
            let number = |people: &[(String, Person)]| 1_000 + people.len();
            for at in 0..values::hostile("").len() {
                let number = number(&people);
                let Some((what, cell)) = values::hostile(&token(number, column)).into_iter().nth(at) else { continue };
                people.push((format!("`{}` is {what}", bench.column(column)), with(bench, number, column, cell)));
            }
            if column < LONG_COLUMNS_MAX {
                let number = number(&people);
                let long = values::long_text(&token(number, column));
                people.push((
                    format!("`{}` is a text of 1 MiB", bench.column(column)),
                    with(bench, number, column, long),
                ));
            }
        }
        in_parts(kit, bench, people);
        let mut random = Random::new(kit.seed);
        in_parts(kit, bench, (0..RANDOM_MEMBERS).map(|number| made_up(bench, number, &mut random)).collect());
    }
}

/// A member all of whose values are made up.
fn made_up(bench: &Bench, number: usize, random: &mut Random) -> (String, Person) {
    let number = 20_000 + number;
    let mut person = bench.person(number);
    person.marks.clear();
    let tokens = (0..bench.columns()).map(|column| token(number, column)).collect::<Vec<_>>();
    let cells = person.identifiers.iter_mut().chain(&mut person.values);
    for (cell, token) in cells.zip(&tokens) {
        if random.below(4) > 0 {
            *cell = values::random(random, token);
        }
    }
    (format!("random values of member {number}"), person)
}

/// Maps people in calls of a bearable size; where a call fails, each of its members alone, to say who it was.
fn in_parts(kit: &Kit<'_>, bench: &Bench, people: Vec<(String, Person)>) {
    let mut part: Vec<(String, Person)> = Vec::new();
    let mut bytes = 0;
    let members_max = MEMBERS_MAX.min(bench.batch_members(kit.manifest));
    for one in people {
        let size: usize = one.1.identifiers.iter().chain(&one.1.values).map(Cell::bytes).sum();
        if part.len() >= members_max || (bytes + size > BYTES_MAX && !part.is_empty()) {
            map(kit, bench, std::mem::take(&mut part));
            bytes = 0;
        }
        bytes += size;
        part.push(one);
    }
    if !part.is_empty() {
        map(kit, bench, part);
    }
}

fn map(kit: &Kit<'_>, bench: &Bench, people: Vec<(String, Person)>) {
    // What overran its time before is known, and is not asked again.
    if kit.sandbox.overran() {
        return;
    }
    let (named, people): (Vec<String>, Vec<Person>) = people.into_iter().unzip();
    let crowd = bench.crowd(people);
    let did = format!("{}: mapped {} members with hostile values", bench.name, crowd.len());
    let seen = Findings::default();
    match kit.sandbox.map(&seen, World::default(), &bench.connection, &crowd.batch(), &did) {
        Some((mapped, usage)) => {
            kit.findings.absorb(seen);
            requests::look(kit, bench, &crowd, &mapped, &did);
            said::log(kit, &usage.log, &crowd, &did);
        }
        None if kit.sandbox.overran() => overran(kit, bench, &crowd, &named, seen),
        None => singly(kit, bench, &crowd, &named),
    }
}

fn singly(kit: &Kit<'_>, bench: &Bench, crowd: &Crowd, named: &[String]) {
    for (at, what) in named.iter().enumerate() {
        kit.map(bench, &crowd.chosen(&[at]), &format!("mapped one member where {what}"));
    }
}

/// Finds by halves whose value takes so long; where nobody's does alone, `seen` tells of all of them. Each call may take
/// the whole budget, so there are few.
fn overran(kit: &Kit<'_>, bench: &Bench, crowd: &Crowd, named: &[String], seen: Findings) {
    let mut suspects: Vec<usize> = (0..crowd.len()).collect();
    while suspects.len() > 1 {
        let others = suspects.split_off(suspects.len() / 2);
        kit.sandbox.forgive();
        let half = crowd.chosen(&suspects).batch();
        kit.sandbox.map(&Findings::default(), World::default(), &bench.connection, &half, "");
        if !kit.sandbox.overran() {
            suspects = others;
        }
    }
    let (Some(at), Some(what)) = (suspects.first(), suspects.first().and_then(|at| named.get(*at))) else { return };
    kit.sandbox.forgive();
    kit.map(bench, &crowd.chosen(&[*at]), &format!("mapped one member where {what}"));
    if !kit.sandbox.overran() {
        kit.findings.absorb(seen);
    }
}
