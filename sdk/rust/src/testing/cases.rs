//! Stories as files: what is given, what the destination answers, what is expected.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::compare;
use super::fixture::Fixture;
use super::script::Script;
use super::story::{Exchange, Story, Work};
use crate::{Destination, Report, Verdict};

/// Runs every file of `validate/`, `map/` and `send/` in a folder of cases, and fails with everything that is not as
/// they expect.
///
/// Paths are seen from the package, as `cargo test` runs there. Defaults of settings, fields of identifiers and
/// limits of operations come from `plugin.toml` beside the folder.
///
/// # Given
/// ```toml
/// # One sentence that says what the case is about.
/// rows = ["email", "firstName -> first_name"]         # trait -> field, or one name for both
/// secrets = ["api_key"]                               # configured secrets, by name
/// audience = { key = "vip", name = "VIP" }            # `vip` where not given
/// today = "2026-11-23"
/// remote = '{"list": "7"}'                            # what an earlier send learned, as JSON
/// settings = { endpoint = "https://api.example.com" } # on top of the manifest's defaults
/// limits = { put = { members = 2, bytes = 1000 } }    # instead of the manifest's
///
/// [[member]]
/// id = "u1"                              # names the member in this file
/// change = "removed"                     # added (default), updated, removed
/// identifiers = { email = "a@example.com" } # by field; without, the id goes into the first identifier's field
/// sent = [{ email = "old@example.com" }] # what identified it in earlier deliveries
/// traits = { score = 4.0, nick = { json = "null" } } # by trait; `json` for null and for very long numbers
/// ```
///
/// # Expected
/// `validate/`: `[[expect.problem]]` with `place` (`setting NAME`, `row N`, `audience`, `remote`), part of the
/// `message` and `severity` (default `error`). All problems, in order.
///
/// `map/`: `[[expect.request]]` with any of `operation`, `members`, `method`, `origin`, `path`, `query`, `headers`,
/// `without_headers`, `body` (white space between JSON tokens does not count, digits do) and `slots`
/// (`"path 1 = remote /list"`); `[[expect.rejection]]` with `member`, `code` and `field`; `[[expect.warning]]` with
/// `code`, `field` and `count`. All of them, in order: a file without requests expects none.
///
/// `send/`: what is given runs through `map` first. Then `work`, which is `deliver` (default), `probe`, `open` or
/// `resume` (with `ticket`), meets the answers of `[[exchange]]`:
/// ```toml
/// [[exchange]]
/// request = { method = "POST", path = "/users" }  # as in map/, and `kind` for derived ones; checked where given
/// response = { status = 429, headers = { retry-after = "30" }, body = "{}" }
/// # or: failure = "unreachable" | "denied" | "interrupted" | "too_large"
///
/// [expect]
/// verdict = "throttled api 30000" # may be just `throttled`; the first that is not `ok`
/// members = { u1 = "deferred 30000", u2 = "rejected bad_email" }
/// unattributed = [3]              # counts of refusals
/// remote = '{"list":"7"}'
/// ```
/// Outcomes are `delivered`, `unchanged CODE`, `rejected CODE`, `deferred MS`, `accepted TOKEN MS`, `unknown`; fewer
/// words fit too. Members that `map` rejected count as rejected here.
///
/// # Panics
/// When anything is not as expected: this is an assertion.
///
/// ```no_run
/// # use enroute_sdk::{Answer, Batch, Context, Destination, Mapping, Reading, Sent};
/// # struct MyDestination;
/// # impl Destination for MyDestination {
/// #     type Settings = serde_json::Value;
/// #     fn map(_: &Context<Self::Settings>, _: &Batch<'_>, _: &mut Mapping) {}
/// #     fn read(_: &Context<Self::Settings>, _: &Sent<'_>, _: &Answer) -> Reading { Reading::delivered() }
/// # }
/// #[test]
/// fn cases_hold() {
///     enroute_sdk::testing::cases::<MyDestination>("cases");
/// }
/// ```
#[track_caller]
pub fn cases<D: Destination>(folder: &str) {
    let found = run::<D>(Path::new(folder)).unwrap_or_else(|error| vec![error]);
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

fn run<D: Destination>(folder: &Path) -> Result<Vec<String>, String> {
    let manifest = folder.parent().unwrap_or(Path::new("")).join("plugin.toml");
    let manifest: toml::Table = read(&manifest)?.parse().map_err(|error| format!("{}: {error}", manifest.display()))?;
    let (mut found, mut stories) = (Vec::new(), 0);
    for (kind, check) in
        [("validate", validate::<D> as Check), ("map", map::<D> as Check), ("send", send::<D> as Check)]
    {
        for file in files(&folder.join(kind))? {
            stories += 1;
            let story: Result<Story, String> = toml::from_str(&read(&file)?).map_err(|error| error.to_string());
            let differences = match story.and_then(|story| Ok((story.fixture(&manifest)?, story))) {
                Ok((fixture, story)) => check(&fixture, &story),
                Err(error) => vec![error],
            };
            found.extend(differences.into_iter().map(|text| format!("{}\n    {text}", file.display())));
        }
    }
    if stories == 0 {
        return Err(format!("{}: there are no cases", folder.display()));
    }
    Ok(found)
}

type Check = fn(&Fixture, &Story) -> Vec<String>;

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(Vec::new()) };
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>();
    let mut paths = paths.map_err(|error| format!("{}: {error}", folder.display()))?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    Ok(paths)
}

fn validate<D: Destination>(fixture: &Fixture, story: &Story) -> Vec<String> {
    compare::problems(&story.expect.problems, &fixture.validate::<D>())
}

fn map<D: Destination>(fixture: &Fixture, story: &Story) -> Vec<String> {
    let mapped = fixture.map::<D>();
    let ids: Vec<&str> = fixture.members.iter().map(super::Person::id).collect();
    let name = |members: &[u32]| -> Vec<String> {
        members.iter().map(|member| ids.get(*member as usize).copied().unwrap_or("?").to_owned()).collect()
    };
    let mut found = compare::rejections(&story.expect.rejections, &mapped.rejections, &ids);
    found.extend(compare::warnings(&story.expect.warnings, &mapped.warnings));
    let got: Vec<_> = mapped
        .deliveries
        .iter()
        .flat_map(|delivery| delivery.requests.iter().map(|prepared| (delivery.operation.as_str(), prepared)))
        .collect();
    if got.len() != story.expect.requests.len() {
        found.push(format!("expected {} requests, got {}", story.expect.requests.len(), got.len()));
    }
    for (number, (expect, (operation, prepared))) in story.expect.requests.iter().zip(&got).enumerate() {
        let at = format!("request {number}");
        if expect.operation.as_deref().is_some_and(|expect| expect != *operation) {
            found.push(format!("{at} belongs to operation {operation}"));
        }
        let members = name(&prepared.members);
        if expect.members.as_ref().is_some_and(|expect| *expect != members) {
            found.push(format!("{at} is about {members:?}"));
        }
        found.extend(compare::request(&at, expect, &prepared.request));
    }
    for (number, (_, prepared)) in got.iter().enumerate().skip(story.expect.requests.len()) {
        found.push(format!("request {number} has the body {}", String::from_utf8_lossy(&prepared.request.body)));
    }
    found.extend(every_member_once(fixture, &mapped));
    found
}

/// What the host checks too: each member in one delivery or in one rejection.
fn every_member_once(fixture: &Fixture, mapped: &crate::guest::Mapped) -> Vec<String> {
    let mut times: BTreeMap<u32, usize> = (0..).zip(&fixture.members).map(|(member, _)| (member, 0)).collect();
    for delivery in &mapped.deliveries {
        let mut members: Vec<u32> = delivery.requests.iter().flat_map(|request| request.members.clone()).collect();
        members.sort_unstable();
        members.dedup();
        members.into_iter().for_each(|member| *times.entry(member).or_default() += 1);
    }
    mapped.rejections.iter().for_each(|rejection| *times.entry(rejection.member).or_default() += 1);
    let wrong = times.into_iter().filter(|(_, times)| *times != 1);
    wrong
        .map(|(member, times)| format!("member {member} is in {times} deliveries and rejections, not in one"))
        .collect()
}

fn send<D: Destination>(fixture: &Fixture, story: &Story) -> Vec<String> {
    let mut script = Script::new(story.answers());
    let everybody = || (0..).zip(&fixture.members).map(|(member, _)| member).collect();
    let reports: Vec<(Vec<u32>, Report)> = match story.work() {
        Work::Probe => vec![(Vec::new(), fixture.probe::<D>(&mut script))],
        Work::Open => vec![(Vec::new(), fixture.open::<D>(&mut script))],
        Work::Resume => vec![(everybody(), fixture.resume::<D>(story.ticket(), &mut script))],
        Work::Deliver => fixture.send::<D>(&mut script),
    };
    let requests: Vec<_> = story.exchanges.iter().map(|Exchange { request, .. }| request).collect();
    let mut found = compare::calls(&requests, script.called());
    let mut outcomes = BTreeMap::new();
    if matches!(story.work(), Work::Deliver) {
        for rejection in fixture.map::<D>().rejections {
            outcomes.insert(rejection.member, format!("rejected {} {}", rejection.code, rejection.reason));
        }
    }
    for (members, report) in &reports {
        for fate in &report.fates {
            for place in &fate.members {
                let Some(member) = members.get(*place as usize) else {
                    found.push(format!("the report names member {place}, which is not in the work"));
                    continue;
                };
                if outcomes.insert(*member, compare::outcome(&fate.outcome)).is_some() {
                    found.push(format!("the report names member {member} twice"));
                }
            }
        }
    }
    for (member, person) in (0..).zip(&fixture.members) {
        let got = outcomes.get(&member).map_or("nothing", String::as_str);
        match story.expect.members.get(person.id()) {
            Some(expect) if compare::fits(expect, got) => {}
            Some(expect) => found.push(format!("{} is {got}, not {expect}", person.id())),
            None => found.push(format!("the case does not say what becomes of {}, which is {got}", person.id())),
        }
    }
    found.extend(whole(story, &reports));
    found
}

/// What the reports say beside the fates of members.
fn whole(story: &Story, reports: &[(Vec<u32>, Report)]) -> Vec<String> {
    let mut found = Vec::new();
    let verdict = reports.iter().map(|(_, report)| &report.verdict).find(|verdict| **verdict != Verdict::Ok);
    let got = compare::verdict(verdict.unwrap_or(&Verdict::Ok));
    let expect = story.expect.verdict.as_deref().unwrap_or("ok");
    if !compare::fits(expect, &got) {
        found.push(format!("the verdict is {got}, not {expect}"));
    }
    let remote = reports.iter().rev().find_map(|(_, report)| report.remote.as_deref());
    if remote != story.expect.remote.as_deref() {
        found.push(format!("the remote is {remote:?}, not {:?}", story.expect.remote));
    }
    let counts: Vec<u32> =
        reports.iter().flat_map(|(_, report)| report.unattributed.iter().map(|refusals| refusals.count)).collect();
    if counts != story.expect.unattributed {
        found.push(format!("unattributed are {counts:?}, not {:?}", story.expect.unattributed));
    }
    let warnings: Vec<_> = reports.iter().flat_map(|(_, report)| report.warnings.clone()).collect();
    found.extend(compare::warnings(&story.expect.warnings, &warnings));
    found
}
