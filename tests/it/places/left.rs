//! Connections that are configured no more: told, withdrawn, renamed or let go of.

use std::collections::BTreeSet;
use std::process::Output;

use enroute_fakes::all::{self, AUDIENCE, DESTINATIONS};
use enroute_host::config::load::load;
use enroute_host::store::Store;
use enroute_host::sync::{self, Detail, LeftBehind, LinkState, Options, Setup, Which};
use serde_json::Value;

use super::{check, gold, put_into, with_plan};
use crate::seven::World;
use crate::support::{self, enroute};

/// The codes whose cases are here and beside.
pub(crate) const CODES: [&str; 3] = ["E340", "E341", "E342"];

fn audiences(world: &World) -> String {
    std::fs::read_to_string(world.folder.path().join("audiences.toml")).unwrap()
}

/// The same audiences, connected to nothing.
fn disconnect(world: &World) -> String {
    let text = audiences(world);
    world.write("audiences.toml", text.split("[[connection]]").next().unwrap());
    text
}

fn left(world: &World, store: &Store) -> Vec<LeftBehind> {
    let config = load(world.folder.path()).config.unwrap();
    sync::left_behind(&store.reader().unwrap(), &config).unwrap()
}

fn which(text: &str) -> Which {
    Which::parse(text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_configured_no_more_is_told_and_withdrawn_on_request_at_all_seven() {
    let world = World::new().await;
    put_into(&world, 0);
    let people = ["u1", "u2", "u3"].map(gold);
    world.sync(&people).await;
    disconnect(&world);
    world.fakes.servers().iter().for_each(|(_, server)| server.clear());
    let report = world.sync(&people).await;
    check(&world, &report, [&["u1", "u2", "u3"], &[]]);

    let store = world.import(&people);
    let told = left(&world, &store);
    assert_eq!(told.iter().map(|one| one.destination.as_str()).collect::<Vec<_>>(), DESTINATIONS);
    assert!(told.iter().all(|one| one.code.as_deref() == Some("E340") && one.held == 3), "{told:#?}");
    let setup = world.setup().await.unwrap();
    let held = sync::held_by(&store.reader().unwrap(), &which(AUDIENCE), false).unwrap();
    let plans = sync::plan_purge(&store, &setup, &held, &world.clock, Detail::default()).await.unwrap();
    assert!(plans.iter().all(|plan| (plan.changes.removed, plan.sendable) == (3, 3)), "{plans:#?}");
    for (name, server) in world.fakes.servers() {
        assert_eq!(server.requests().len(), 0, "{name}: a plan sends nothing");
    }
    let options = Options { wait: true, clock: world.clock.clone(), ..Options::default() };
    let report = sync::purge(&store, &setup, &held, &options).await.unwrap();
    check(&world, &report, [&[], &[]]);
    assert!(report.connections.iter().all(|link| link.state == LinkState::Done && link.adds_up), "{report:#?}");
    assert_eq!(left(&world, &store), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_audience_is_adopted_without_a_request_at_all_seven() {
    let world = World::new().await;
    put_into(&world, 0);
    let people = ["u1", "u2"].map(gold);
    world.sync(&people).await;
    let renamed = audiences(&world).replace(AUDIENCE, "vip");
    world.write("audiences.toml", &renamed);
    let store = world.import(&people);
    assert_eq!(left(&world, &store).len(), 7);
    let config = load(world.folder.path()).config.unwrap();
    let adopted = sync::adoption(&store.reader().unwrap(), &config, &which(AUDIENCE), &which("vip")).unwrap();
    assert_eq!(adopted.iter().map(|one| one.held).sum::<u64>(), 14);
    sync::adopt(&store, adopted).await.unwrap();
    drop(store);
    world.fakes.servers().iter().for_each(|(_, server)| server.clear());
    let report = world.sync(&people).await;
    for (name, server) in world.fakes.servers() {
        assert_eq!(server.requests().len(), 0, "{name}: {report:#?}");
    }
    let report = world.sync(&[gold("u1"), with_plan("u2", "silver")]).await;
    check(&world, &report, [&["u1"], &[]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_audience_takes_its_members_along_where_its_key_is_their_place() {
    let world = World::new().await;
    let people = ["u1", "u2"].map(gold);
    world.sync(&people).await;
    assert_eq!(world.fakes.braze.members(AUDIENCE).len(), 2);
    let name = "Gold people";
    let renamed = audiences(&world).replace(AUDIENCE, "vip").replace(all::AUDIENCE_NAME, name);
    let only_braze = |text: &str| text.split_inclusive("[[connection]]").take(2).collect::<String>();
    world.write("audiences.toml", only_braze(&renamed).trim_end_matches("[[connection]]"));
    let store = world.import(&people);
    let config = load(world.folder.path()).config.unwrap();
    let (old, new) = (which(&format!("{AUDIENCE}/braze-eu")), which("vip/braze-eu"));
    let adopted = sync::adoption(&store.reader().unwrap(), &config, &old, &new).unwrap();
    sync::adopt(&store, adopted).await.unwrap();
    drop(store);
    let report = world.sync(&people).await;
    let there = BTreeSet::from(["u1".to_owned(), "u2".to_owned()]);
    assert_eq!(
        (world.fakes.braze.members(AUDIENCE), world.fakes.braze.members("vip")),
        (BTreeSet::new(), there),
        "{report:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_keeps_the_name_under_which_it_was_made_when_its_audience_has_another() {
    let world = World::new().await;
    let people = ["u1", "u2"].map(gold);
    world.sync(&people).await;
    let before: Vec<BTreeSet<String>> = DESTINATIONS.map(|name| world.fakes.members(name)).to_vec();
    let renamed = audiences(&world).replace(all::AUDIENCE_NAME, "Gold people");
    world.write("audiences.toml", &renamed);
    let report = world.sync(&[gold("u1"), gold("u2"), gold("u3")]).await;
    for (name, before) in DESTINATIONS.into_iter().zip(before) {
        let now = world.fakes.members(name);
        assert!(before.is_subset(&now) && now.len() == 3, "{name}: {now:?} {report:#?}");
    }
    assert_eq!(world.fakes.google.lists().len(), 1);
    assert_eq!(world.fakes.sendgrid.lists().len(), 1);
}

async fn remarks(world: &World, store: &Store, setup: &Setup) -> String {
    let config = load(world.folder.path()).config.unwrap();
    setup.left_remarks(&store.reader().unwrap(), &config).unwrap().render(&config.files)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_the_past_is_not_taken_by_another_audience() {
    let world = World::new().await;
    put_into(&world, 0);
    let people = [gold("u1"), gold("u2"), with_plan("u3", "silver")];
    world.sync(&people).await;
    let before = disconnect(&world);
    world.sync(&people).await;
    world.write("audiences.toml", &before.replace("= 'gold'", "= 'silver'"));
    let report = world.sync(&people).await;
    check(&world, &report, [&["u1", "u2"], &[]]);
    assert!(report.connections.iter().all(|link| link.state == LinkState::Paused), "{report:#?}");
    let store = world.import(&people);
    let told = remarks(&world, &store, &world.setup().await.unwrap()).await;
    assert_eq!((told.matches("error[E342]").count(), told.matches("E340").count()), (7, 0), "{told}");
    let config = load(world.folder.path()).config.unwrap();
    let same = which(AUDIENCE);
    let adopted = sync::adoption(&store.reader().unwrap(), &config, &same, &same).unwrap();
    sync::adopt(&store, adopted).await.unwrap();
    drop(store);
    let setup = world.setup().await.unwrap();
    let options = Options { wait: true, allow_empty: true, clock: world.clock.clone(), ..Options::default() };
    let report = sync::sync(&world.import(&people), &setup, &options).await.unwrap();
    check(&world, &report, [&["u3"], &[]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_comes_back_as_it_was_goes_on() {
    let world = World::new().await;
    put_into(&world, 0);
    let people = ["u1", "u2"].map(gold);
    world.sync(&people).await;
    let before = disconnect(&world);
    world.sync(&people).await;
    world.write("audiences.toml", &before);
    world.fakes.servers().iter().for_each(|(_, server)| server.clear());
    let report = world.sync(&people).await;
    for (name, server) in world.fakes.servers() {
        assert_eq!(server.requests().len(), 0, "{name}: {report:#?}");
    }
}

async fn run(world: &support::World, words: &[&str]) -> Output {
    let mut command = tokio::process::Command::from(enroute());
    command.args(words).current_dir(world.folder.path()).output().await.expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_tell_who_is_left_behind_and_do_nothing_unasked() {
    let world = support::World::new().await;
    world.people(&["u1", "u2"].map(support::gold));
    assert!(run(&world, &["sync"]).await.status.success());
    // The audience has another name, the destination is gone.
    let renamed = support::AUDIENCES.replace("gold\"", "vip\"").replace("audience.gold", "audience.vip");
    world.write(
        "audiences.toml",
        renamed.split("[[connection]]\naudience = \"vip\"\ndestination = \"facebook").next().unwrap(),
    );
    let plugins = world.plugins_toml();
    world.write("plugins.toml", plugins.split("[destination.facebook-ads]").next().unwrap());
    world.take_requests();
    let says =
        ["2 members of `gold/braze-eu` are still at the destination", "`facebook-ads` is not in plugins.toml any more"];
    for command in ["check", "plan", "status"] {
        let ended = run(&world, &[command]).await;
        let told = text(&ended.stdout) + &text(&ended.stderr);
        assert!(told.contains("E340") && says.iter().all(|part| told.contains(part)), "{command}: {told}");
    }
    let plan: Value = serde_json::from_slice(&run(&world, &["--json", "plan"]).await.stdout).unwrap();
    let counts = plan.as_array().unwrap().iter().filter_map(|one| one["left_behind"]["held"].as_u64());
    assert_eq!(counts.sum::<u64>(), 4);
    let status: Value = serde_json::from_slice(&run(&world, &["--json", "status"]).await.stdout).unwrap();
    assert_eq!(status["left_behind"][0]["code"], "E340");

    let ended = run(&world, &["purge", "gold/facebook-ads", "--yes"]).await;
    assert_eq!(ended.status.code(), Some(5), "{}", text(&ended.stderr));
    assert!(text(&ended.stdout).contains("restore [destination.facebook-ads] with plugin = \"facebook\""));
    let ended = run(&world, &["purge", "gold/braze-eu"]).await;
    assert!(text(&ended.stdout).contains("2 members to withdraw"), "{}", text(&ended.stdout));
    for words in [["forget", "--connection", "gold/facebook-ads"], ["adopt", "gold/braze-eu", "nobody/braze-eu"]] {
        run(&world, &words).await;
    }
    assert!(world.take_requests().is_empty(), "nothing was asked for");
    assert_eq!((world.braze_members().len(), world.facebook_emails().len()), (2, 2));

    let ended = run(&world, &["--json", "adopt", "gold/braze-eu", "vip/braze-eu"]).await;
    let adopted: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(adopted["adopted"][0]["held"], 2, "{}", text(&ended.stderr));
    let ended = run(&world, &["--json", "forget", "--connection", "gold/facebook-ads", "--yes"]).await;
    assert!(ended.status.success(), "{}", text(&ended.stderr));
    let told = run(&world, &["check"]).await;
    assert!(!text(&told.stderr).contains("E340"), "{}", text(&told.stderr));
    assert!(world.take_requests().is_empty(), "nothing was sent");
    assert_eq!(world.facebook_emails().len(), 2);
}
