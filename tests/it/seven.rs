//! All seven destinations at once, under trouble: whoever is not refused is there in the end, and everybody is
//! accounted for.

use std::collections::BTreeSet;
use std::sync::Arc;

use enroute_fakes::Fault;
use enroute_fakes::all::{self, AUDIENCE, AUDIENCE_NAME, All, DESTINATIONS, SECRETS};
use enroute_fakes::faults::Action;
use enroute_fakes::server::Reply;
use enroute_host::config::load::load;
use enroute_host::runtime::Limits;
use enroute_host::store::Store;
use enroute_host::store::ledger::Remotes;
use enroute_host::sync::{self, Clock, Detail, LinkPlan, LinkReport, LinkState, Options, RunReport, Setup};
use serde_json::{Value, json};

use crate::support::{START_MS, import_from, link, plugin, plugin_entry, runtime};

/// An operator's folder with all seven destinations in it.
pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) fakes: All,
    pub(crate) clock: Clock,
}

impl World {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let world =
            Self { folder, fakes: All::start().await.expect("the fakes start"), clock: Clock::starting_at(START_MS) };
        SECRETS.iter().for_each(|(name, value)| world.write(name, value));
        let plugins: String = DESTINATIONS
            .iter()
            .filter_map(|name| name.split('-').next())
            .map(|id| plugin_entry(id, &plugin(id)))
            .collect();
        world.write("plugins.toml", &format!("{plugins}{}", world.fakes.destinations()));
        let audience = format!(
            "[source.crm]\nfile = \"profiles.ndjson\"\n\n[audience.{AUDIENCE}]\nname = \"{AUDIENCE_NAME}\"\n\
             where = \"traits ->> 'plan' = 'gold'\"\n\n"
        );
        world.write("audiences.toml", &format!("{audience}{}", all::connections()));
        world
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).expect("a file of the test is written");
    }

    /// Import and sync to the end, as `enroute sync --wait` does.
    pub(crate) async fn sync(&self, people: &[Value]) -> RunReport {
        let store = self.import(people);
        let setup = self.setup().await.unwrap_or_else(|mistakes| panic!("{mistakes}"));
        self.run(&store, &setup).await
    }

    pub(crate) async fn run(&self, store: &Arc<Store>, setup: &Setup) -> RunReport {
        let options = Options { wait: true, clock: self.clock.clone(), ..Options::default() };
        let report = sync::sync(store, setup, &options).await.expect("the store works");
        for link in &report.connections {
            assert!(link.adds_up, "outcomes do not add up: {link:#?}");
        }
        report
    }

    /// Import and plan, as `enroute plan` does.
    pub(crate) async fn plan(&self, people: &[Value]) -> Vec<LinkPlan> {
        let store = self.import(people);
        let setup = self.setup().await.unwrap_or_else(|mistakes| panic!("{mistakes}"));
        sync::plan(&store, &setup, &self.clock, Detail::default()).await.expect("the store works")
    }

    pub(crate) fn import(&self, people: &[Value]) -> Arc<Store> {
        let text: String = people.iter().map(|person| format!("{person}\n")).collect();
        self.write("profiles.ndjson", &text);
        let store = self.open();
        import_from(&store, self.folder.path());
        store
    }

    pub(crate) fn open(&self) -> Arc<Store> {
        Arc::new(Store::open(&self.folder.path().join(".enroute")).expect("the store opens"))
    }

    /// Everything ready to run, or all mistakes as they are told.
    pub(crate) async fn setup(&self) -> Result<Setup, String> {
        let loaded = load(self.folder.path());
        let Some(config) = loaded.config else { return Err(loaded.diagnostics.render(&loaded.files)) };
        let runtime = runtime(Limits::default());
        let (setup, found) = Setup::prepare(&config, &runtime, &Remotes::default(), &self.clock.today(), None).await;
        let is_sound = found.errors() == 0;
        setup.filter(|_| is_sound).ok_or_else(|| found.render(&config.files))
    }

    #[track_caller]
    fn check_members(&self, report: &RunReport, expect: impl Fn(&str) -> BTreeSet<String>) {
        for name in DESTINATIONS {
            let (there, expect) = (self.fakes.members(name), expect(name));
            let link = link(report, name);
            let missing: Vec<_> = expect.difference(&there).take(3).collect();
            let strangers: Vec<_> = there.difference(&expect).take(3).collect();
            assert!(
                missing.is_empty() && strangers.is_empty(),
                "{name}: missing {missing:?}, strangers {strangers:?}: {link:#?}"
            );
        }
    }
}

/// Requests that carry members, by the beginning of their path.
pub(crate) fn uploads(destination: &str) -> &'static str {
    match destination {
        "braze-eu" => "/users/track",
        "facebook-ads" => "/v",
        "google-ads" => "/v1/audienceMembers",
        "iterable-us" => "/api/users/bulkUpdate",
        "salesforce-crm" => "/services/data/v67.0/composite",
        "sendgrid-marketing" => "/v3/marketing/contacts",
        _ => "/api/v2/users/create_or_update_many",
    }
}

pub(crate) fn keys(destination: &str, people: &[Value]) -> BTreeSet<String> {
    let key = |person: &Value| {
        let (id, email) = (person["id"].as_str().unwrap(), person["traits"]["email"].as_str().unwrap_or_default());
        all::key(destination, id, email)
    };
    people.iter().map(key).collect()
}

pub(crate) fn people(count: u32) -> Vec<Value> {
    (0..count).map(|number| all::person(&format!("u{number:05}"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_an_exit_and_a_change_reach_all_seven() {
    let world = World::new().await;
    let first = people(30);
    let report = world.sync(&first).await;
    world.check_members(&report, |name| keys(name, &first));
    let mut second = people(31);
    second[3]["traits"]["plan"] = json!("silver");
    second[5]["traits"]["lifetime_value"] = json!(900.25);
    let report = world.sync(&second).await;
    let stayed: Vec<Value> = second.iter().filter(|person| person["traits"]["plan"] == "gold").cloned().collect();
    world.check_members(&report, |name| keys(name, &stayed));
    for name in DESTINATIONS {
        let link: &LinkReport = link(&report, name);
        let counts = (link.changes.added, link.changes.updated, link.changes.removed);
        assert_eq!((counts, link.state), ((1, 1, 1), LinkState::Done), "{name}: {link:#?}");
    }
    world.fakes.servers().iter().for_each(|(_, server)| server.clear());
    world.sync(&second).await;
    for (name, server) in world.fakes.servers() {
        assert_eq!(server.requests().len(), 0, "{name}: an unchanged audience makes no request");
    }
}

/// Three of these are more than Braze takes of one person.
fn diary() -> Value {
    (0..180).map(|day| (format!("day{day}"), json!("walked by the sea, ".repeat(12)))).collect()
}

/// Why each destination cannot take who has no address, no name and too long an id.
fn reason(destination: &str) -> &'static str {
    match destination {
        "braze-eu" => "record_too_large",
        "facebook-ads" => "no_identifier",
        "google-ads" => "no_email",
        "iterable-us" => "invalid_email",
        "salesforce-crm" => "external_id_too_long",
        "sendgrid-marketing" => "email_malformed",
        _ => "missing_name",
    }
}

/// Members in the run under trouble.
const MANY: u32 = 10_000;

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_arrive_in_spite_of_refusals_outages_and_a_lost_answer() {
    let world = World::new().await;
    let (seed, mut state) = (0x5EED_u64, 0x5EED_u64);
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let mut people = people(MANY);
    let mut unusable = BTreeSet::new();
    while unusable.len() < MANY as usize / 100 {
        unusable.insert((random() % u64::from(MANY)) as usize);
    }
    for at in &unusable {
        // Nobody can use this one: no address, no name, and an id beyond every limit.
        people[*at] = json!({ "id": format!("{at:0500}"), "traits": {
            "plan": "gold", "email": format!("lost {at}"), "notes": "x",
            "visits": diary(), "orders": diary(), "wishes": diary(),
        }});
    }
    for (name, server) in world.fakes.servers() {
        let broken = Action::Answer(Reply::text(503, "not now"));
        let busy = Action::Answer(Reply::text(429, "slow down").header("retry-after", "3"));
        // Once each, since some take everybody in one request; then again and again for those that take many.
        for fault in [Fault::once(Action::Reset), Fault::once(broken.clone()), Fault::once(busy.clone())] {
            server.fault(fault.path(uploads(name)));
        }
        server.fault(Fault::every_nth(20, broken).path(uploads(name)));
        server.fault(Fault::every_nth(27, busy).path(uploads(name)));
    }
    let report = world.sync(&people).await;
    let usable: Vec<Value> =
        people.iter().enumerate().filter(|(at, _)| !unusable.contains(at)).map(|(_, person)| person.clone()).collect();
    world.check_members(&report, |name| keys(name, &usable));
    for name in DESTINATIONS {
        let link = link(&report, name);
        let codes: BTreeSet<&str> = link.rejections.iter().map(|reason| reason.code.as_str()).collect();
        assert_eq!(codes, BTreeSet::from([reason(name)]), "{name}");
        let refused: u64 = link.rejections.iter().map(|reason| reason.members).sum();
        assert_eq!(refused, unusable.len() as u64, "seed {seed}, {name}: {link:#?}");
        assert_eq!(link.outcomes.delivered, u64::from(MANY) - refused, "seed {seed}, {name}: {link:#?}");
        assert!(link.repeated > 0, "{name}: the lost answer was repeated and counted: {link:#?}");
    }
}
