//! What goes wrong at a destination is told as it was, at every one of the seven, and nobody is lost by it.

use std::net::{SocketAddr, TcpListener};

use enroute_fakes::Fault;
use enroute_fakes::all::{self, DESTINATIONS};
use enroute_fakes::faults::Action;
use enroute_fakes::server::Reply;
use enroute_host::sync::{self, LinkReport, LinkState, Options};
use serde_json::{Value, json};

use crate::answers::impostor;
use crate::seven::{self, World};
use crate::support::link;

/// All that a report says of why members are not there yet.
fn told(link: &LinkReport) -> String {
    let waiting = link.waiting.iter().map(|one| one.reason.as_str());
    waiting.chain(link.reason.as_deref()).collect::<Vec<_>>().join("; ")
}

fn people(value: f64) -> Vec<Value> {
    let one = |id: &&str| {
        let mut person = all::person(id);
        person["traits"]["lifetime_value"] = json!(value);
        person["traits"]["firstName"] = json!(format!("Ana {value}"));
        person
    };
    ["u0", "u1", "u2", "u3"].iter().map(one).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_wrong_at_any_of_the_seven_is_told_as_it_was() {
    let troubles: [(Action, &[&str]); 4] = [
        (Action::Html, &["web page", "no JSON", "not JSON", "other than JSON"]),
        (Action::Answer(Reply::text(503, "not now")), &["503"]),
        (Action::Reset, &["interrupted", "reset", "closed", "before"]),
        (Action::HugeBody(2 << 20), &["larger than", "1048576"]),
    ];
    for (at, (action, causes)) in troubles.into_iter().enumerate() {
        let world = World::new().await;
        world.sync(&[all::person("u0")]).await;
        for (name, server) in world.fakes.servers() {
            server.fault(Fault::times(u64::MAX, action.clone()).path(seven::uploads(name)));
        }
        let people = people(100.5 + f64::from(u32::try_from(at).unwrap()));
        let store = world.import(&people);
        let setup = world.setup().await.unwrap();
        let options = Options { clock: world.clock.clone(), ..Options::default() };
        let report = sync::sync(&store, &setup, &options).await.unwrap();
        for name in DESTINATIONS {
            let link = link(&report, name);
            assert!(link.adds_up && link.state != LinkState::Done, "{name}, {action:?}: {link:#?}");
            assert_eq!(link.outcomes.rejected, 0, "{name}, {action:?}: nobody is to blame: {link:#?}");
            let told = told(link);
            assert!(causes.iter().any(|cause| told.contains(cause)), "{name}, {action:?}: {told}");
        }
        world.fakes.servers().iter().for_each(|(_, server)| server.clear_faults());
        drop((store, setup));
        // Who is in doubt is looked at again after a while, by the run that comes then.
        world.clock.sleep_until(world.clock.now_ms() + 600_000).await;
        let report = world.sync(&people).await;
        for name in DESTINATIONS {
            assert_eq!(link(&report, name).state, LinkState::Done, "{name}, after {action:?}: {report:#?}");
            let expect = seven::keys(name, &people);
            assert_eq!(world.fakes.members(name), expect, "{name}, after {action:?}: {report:#?}");
        }
    }
}

/// These destinations are looked for at this address.
fn look_elsewhere(world: &World, text: &str, names: &[&str], scheme: &str, address: SocketAddr) {
    let mut text = text.to_owned();
    for (_, server) in world.fakes.servers().into_iter().filter(|(name, _)| names.contains(name)) {
        let there = server.addr().to_string();
        text = text.replace(&format!("http://{there}"), &format!("{scheme}://{address}"));
        text = text.replace(&there, &address.to_string());
    }
    world.write("plugins.toml", &text);
}

/// An address at which nobody listens.
fn closed() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_is_not_there_or_not_trusted_is_told_at_any_of_the_seven_and_gets_everybody_later() {
    // Over TLS, Braze is nowhere but at its own hosts.
    let (all, others) = (&DESTINATIONS[..], &DESTINATIONS[1..]);
    let troubles =
        [("http", closed(), all, "refused"), ("https", impostor(), others, "its certificate is self-signed")];
    for (scheme, address, names, cause) in troubles {
        let world = World::new().await;
        let sound = std::fs::read_to_string(world.folder.path().join("plugins.toml")).unwrap();
        look_elsewhere(&world, &sound, names, scheme, address);
        let people = people(100.5);
        let store = world.import(&people);
        let setup = world.setup().await.unwrap();
        let options = Options { clock: world.clock.clone(), ..Options::default() };
        let report = sync::sync(&store, &setup, &options).await.unwrap();
        for name in names {
            let link = link(&report, name);
            // Time does not mend a certificate.
            let expect = if scheme == "https" { LinkState::Paused } else { LinkState::Waiting };
            assert_eq!(link.state, expect, "{name}: {link:#?}");
            assert_eq!((link.outcomes.rejected, link.held, link.in_doubt), (0, 0, 0), "{name}: {link:#?}");
            assert!(told(link).contains(cause), "{name}: {}", told(link));
        }
        drop((store, setup));
        world.write("plugins.toml", &sound);
        let report = world.sync(&people).await;
        for name in DESTINATIONS {
            assert_eq!(link(&report, name).state, LinkState::Done, "{name}, {scheme}: {report:#?}");
            assert_eq!(world.fakes.members(name), seven::keys(name, &people), "{name}, {scheme}: {report:#?}");
        }
    }
}
