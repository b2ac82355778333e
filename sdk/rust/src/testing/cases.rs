//! Stories as files: what is given, what the destination answers, what is expected.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::compare;
use super::fixture::Fixture;
use super::script::Script;
use super::stage::{Native, Stage};
use super::story::{Exchange, Story, Work as StoryWork};
use crate::bindings::enroute::destination::types::{Mapped, Work};
use crate::{Answer, Destination, Failure, Report, Verdict};

/// The folders of cases, and what is run in each.
const KINDS: [(&str, Check); 3] = [("validate", validate), ("map", map), ("send", send)];

/// A case that was played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Played {
    /// `send/rate_limited`.
    pub name: String,
    /// What is not as the case expects, a line each; empty where all is.
    pub differences: Vec<String>,
}

/// What a case gives, for whoever wants more examples than its own.
#[derive(Debug, Clone)]
pub struct Given {
    /// `send/rate_limited`.
    pub name: String,
    /// Connection and members.
    pub fixture: Fixture,
    /// What the destination answers.
    pub answers: Vec<Result<Answer, Failure>>,
    /// Whether the case expects problems that keep the connection from running.
    pub is_refused: bool,
    /// Whether it is about a delivery, and everybody in it arrives or is accepted.
    pub all_arrive: bool,
    /// Whether it expects the verdict `ok`.
    pub is_well: bool,
    /// Whether it is about opening.
    pub opens: bool,
    /// The token of its ticket, where it asks about a job.
    pub ticket: Option<String>,
}

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
/// consent = '{"ads": true}'                           # what all members agreed to, as JSON; none where not given
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
/// account = ["field plan: text (Plan) of gold, silver", "field name: any, required", "list 7 (Gold)"] # all of it
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
    let played = play(folder, &manifest, &Native::<D>::STAGE)?;
    if played.is_empty() {
        return Err(format!("{}: there are no cases", folder.display()));
    }
    let shown = |case: &Played| {
        let file = folder.join(&case.name).with_extension("toml");
        case.differences.iter().map(move |text| format!("{}\n    {text}", file.display())).collect::<Vec<_>>()
    };
    Ok(played.iter().flat_map(shown).collect())
}

/// Plays every case of a folder on any stage, in the order of their names. `manifest` is that of the plugin.
///
/// # Errors
/// When a folder or a file cannot be read.
pub fn play(folder: &Path, manifest: &toml::Table, stage: &dyn Stage) -> Result<Vec<Played>, String> {
    let mut played = Vec::new();
    for (name, check, read) in stories(folder)? {
        let ready = read.and_then(|story| Ok((story.fixture(manifest)?, story)));
        let differences = ready.and_then(|(fixture, story)| check(stage, &fixture, &story));
        played.push(Played { name, differences: differences.unwrap_or_else(|error| vec![error]) });
    }
    Ok(played)
}

/// What the cases of a folder give. Files that are no cases are left out; [`play`] tells of them.
///
/// # Errors
/// When a folder or a file cannot be read.
pub fn givens(folder: &Path, manifest: &toml::Table) -> Result<Vec<Given>, String> {
    let mut givens = Vec::new();
    for (name, _, read) in stories(folder)? {
        let Ok(story) = read else { continue };
        let Ok(fixture) = story.fixture(manifest) else { continue };
        let arrives = |outcome: &String| ["delivered", "accepted"].iter().any(|word| compare::fits(word, outcome));
        givens.push(Given {
            fixture,
            answers: story.answers(),
            is_refused: story.expect.problems.iter().any(super::story::ProblemText::is_error),
            all_arrive: name.starts_with("send/")
                && matches!(story.work(), StoryWork::Deliver)
                && story.expect.members.values().all(arrives)
                && !story.expect.members.is_empty(),
            is_well: story.expect.verdict.as_deref().is_none_or(|verdict| verdict == "ok"),
            opens: name.starts_with("send/") && matches!(story.work(), StoryWork::Open),
            ticket: matches!(story.work(), StoryWork::Resume).then(|| story.ticket().to_owned()),
            name,
        });
    }
    Ok(givens)
}

type Check = fn(&dyn Stage, &Fixture, &Story) -> Result<Vec<String>, String>;
type Read = (String, Check, Result<Story, String>);

/// Every story of the three folders, or why a file is none.
fn stories(folder: &Path) -> Result<Vec<Read>, String> {
    let mut stories = Vec::new();
    for (kind, check) in KINDS {
        for file in files(&folder.join(kind))? {
            let name = format!("{kind}/{}", file.file_stem().unwrap_or_default().to_string_lossy());
            let story = toml::from_str(&read(&file)?).map_err(|error| error.to_string());
            stories.push((name, check, story));
        }
    }
    Ok(stories)
}

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

fn validate(stage: &dyn Stage, fixture: &Fixture, story: &Story) -> Result<Vec<String>, String> {
    Ok(compare::problems(&story.expect.problems, &stage.validate(fixture.connection())?))
}

fn map(stage: &dyn Stage, fixture: &Fixture, story: &Story) -> Result<Vec<String>, String> {
    let mapped = stage.map(fixture.connection(), &fixture.packed())?;
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
    Ok(found)
}

/// What the host checks too: each member in one delivery or in one rejection.
fn every_member_once(fixture: &Fixture, mapped: &Mapped) -> Vec<String> {
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

fn send(stage: &dyn Stage, fixture: &Fixture, story: &Story) -> Result<Vec<String>, String> {
    let mut script = Script::new(story.answers());
    let everybody = || (0..).zip(&fixture.members).map(|(member, _)| member).collect();
    let mut alone = |work| stage.send(fixture.connection(), work, &mut script);
    let reports: Vec<(Vec<u32>, Report)> = match story.work() {
        StoryWork::Probe => vec![(Vec::new(), alone(Work::Probe)?)],
        StoryWork::Open => vec![(Vec::new(), alone(Work::Open)?)],
        StoryWork::Resume => vec![(everybody(), alone(fixture.resume_work(story.ticket()))?)],
        StoryWork::Deliver => fixture.deliver_on(stage, &mut script)?,
    };
    let requests: Vec<_> = story.exchanges.iter().map(|Exchange { request, .. }| request).collect();
    let mut found = compare::calls(&requests, script.called());
    let mut outcomes = BTreeMap::new();
    if matches!(story.work(), StoryWork::Deliver) {
        for rejection in stage.map(fixture.connection(), &fixture.packed())?.rejections {
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
    Ok(found)
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
    let account = reports.iter().rev().find_map(|(_, report)| report.account.as_ref());
    let account = account.map(|items| items.iter().map(compare::item_of_account).collect::<Vec<_>>());
    if account != story.expect.account {
        found.push(format!("the account is {account:?}, not {:?}", story.expect.account));
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
