//! No circle between the files of a room: a folder's files, and the folders in it, use each other in one direction.

use std::collections::{BTreeMap, BTreeSet};

use crate::tidy::code::FLOORS;
use crate::tidy::none;
use crate::tidy::repository::rust;

/// Rooms whose own file holds what its files share. A file of any other room names its neighbours and never the room.
const SHARED: [&str; 6] =
    ["api::desk", "config", "config::audiences_file::connection", "sources", "store", "store::condition"];

/// A module's place: its package, and the names from there on.
type Place = Vec<String>;

/// One use of a module by another.
struct Use {
    from: Place,
    to: Place,
    /// `path:line`.
    at: String,
}

#[test]
fn the_files_of_a_room_stand_on_floors() {
    let places: BTreeSet<Place> = rust().filter_map(|file| place_of(&file.path)).collect();
    let mut uses = Vec::new();
    for file in rust().filter(|file| !file.is_test()) {
        let Some(place) = place_of(&file.path) else { continue };
        for (number, line) in file.code() {
            uses.extend(uses_of(&place, line, &places, &format!("{}:{number}", file.path)));
        }
    }
    assert!(uses.len() > 300, "only {} uses were found", uses.len());
    none(&wrong(&uses));
}

/// Every use that runs up, or is part of a circle.
fn wrong(uses: &[Use]) -> Vec<String> {
    let mut found = Vec::new();
    let mut rooms: BTreeMap<&[String], Vec<(&str, &str, &str)>> = BTreeMap::new();
    for one in uses {
        let common = one.from.iter().zip(&one.to).take_while(|(a, b)| a == b).count();
        let (room, from, to) = (&one.from[..common], one.from.get(common), one.to.get(common));
        match (from, to) {
            (Some(from), Some(to)) => rooms.entry(room).or_default().push((from, to, &one.at)),
            (Some(_), None) if !room.is_empty() && !SHARED.contains(&room.join("::").as_str()) => {
                let room = room.join("::");
                found.push(format!("{}: it uses its own room: take it from the file of `{room}` that has it", one.at));
            }
            _ => {}
        }
    }
    for (room, edges) in rooms {
        for (from, to, at) in &edges {
            if reaches(&edges, to, from) {
                let room = if room.is_empty() { "the host".to_owned() } else { format!("`{}`", room.join("::")) };
                found.push(format!(
                    "{at}: `{from}` uses `{to}`, which uses `{from}` in turn: in {room}, move what both need below both"
                ));
            }
        }
    }
    found
}

/// Whether uses lead from one name to another.
fn reaches(edges: &[(&str, &str, &str)], from: &str, goal: &str) -> bool {
    let (mut seen, mut next) = (BTreeSet::from([from]), vec![from]);
    while let Some(name) = next.pop() {
        if name == goal {
            return true;
        }
        next.extend(
            edges.iter().filter(|(user, ..)| *user == name).map(|(_, used, _)| *used).filter(|used| seen.insert(used)),
        );
    }
    false
}

/// What a line of the module at `own` uses. A name that is no module stands for the module that it is taken from.
fn uses_of(own: &Place, line: &str, places: &BTreeSet<Place>, at: &str) -> Vec<Use> {
    let mut found = Vec::new();
    for (start, word) in [("crate::", 0), ("super::", 1)].iter().flat_map(|(start, up)| {
        let is_whole = |at: &usize| !line[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
        line.match_indices(start).filter(move |(at, _)| is_whole(at)).map(move |(at, word)| (at + word.len(), *up))
    }) {
        let base: Place = if word == 0 { own[..1].to_vec() } else { own[..own.len() - 1].to_vec() };
        for path in paths(&line[start..]) {
            let mut to = base.clone();
            for name in path {
                if name == "super" {
                    to.pop();
                } else {
                    to.push(name.to_owned());
                }
            }
            while !to.is_empty() && !places.contains(&to) {
                to.pop();
            }
            if to != *own {
                found.push(Use { from: own.clone(), to, at: at.to_owned() });
            }
        }
    }
    found
}

/// The paths of `a::b` or `a::{b, c::d, self}`, each as its names.
fn paths(text: &str) -> Vec<Vec<&str>> {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(text.len());
    let (head, rest) = text.split_at(end);
    let names = |path: &'_ str| path.split("::").filter(|name| !name.is_empty()).count();
    let head: Vec<&str> = head.split("::").filter(|name| !name.is_empty()).collect();
    match rest.strip_prefix('{').and_then(|list| list.split_once('}')) {
        Some((list, _)) => list
            .split(',')
            .map(str::trim)
            .filter(|item| names(item) > 0)
            .map(|item| {
                let item = item.split(' ').next().unwrap_or(item);
                head.iter().copied().chain(item.split("::").filter(|name| *name != "self")).collect()
            })
            .collect(),
        None => vec![head],
    }
}

/// `host/sync/src/setup/link.rs` is at `sync`, `setup`, `link`; what is on no floor is nowhere.
fn place_of(path: &str) -> Option<Place> {
    let (package, inside) = path.strip_prefix("host/")?.split_once("/src/")?;
    let names = inside.trim_end_matches(".rs").split('/').filter(|name| *name != "lib");
    FLOORS[2..].contains(&package).then(|| [package].into_iter().chain(names).map(str::to_owned).collect())
}

#[test]
fn a_circle_that_is_planted_is_found() {
    #[track_caller]
    fn check(lines: &[(&str, &str)], expect: usize) {
        let files = ["lib.rs", "run.rs", "plan.rs", "setup.rs", "setup/link.rs"];
        let place = |file: &str| place_of(&format!("host/sync/src/{file}")).unwrap();
        let places = files.iter().map(|file| place(file)).collect();
        let uses: Vec<Use> = lines.iter().flat_map(|(file, line)| uses_of(&place(file), line, &places, file)).collect();
        let found = wrong(&uses);
        assert_eq!(found.len(), expect, "{found:?}");
    }
    let down = ("run.rs", "use crate::setup::link::Link;");
    check(&[down, ("plan.rs", "use crate::run;"), ("plan.rs", "use enroute_store::Error;")], 0);
    check(&[down, ("setup/link.rs", "let a = crate::run::now();")], 2);
    check(&[down, ("setup.rs", "use crate::{plan, setup::link};"), ("plan.rs", "fn f(a: super::run::A) {}")], 3);
    check(&[("run.rs", "use crate::Options;")], 1);
    check(&[("setup/link.rs", "use super::super::run::{A, B as C};"), ("run.rs", "use crate::setup::S;")], 3);
}
