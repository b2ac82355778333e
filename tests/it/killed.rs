//! A sync that dies at any point is completed by the next one.

use std::process::Command;

use crate::support::{World, gold, root};

/// The binary that `tests/run` built.
fn enroute() -> Command {
    let binary = root().join("target/debug/enroute");
    assert!(binary.is_file(), "{} is missing: run tests/run, which builds it", binary.display());
    Command::new(binary)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_sync_is_completed_by_the_next() {
    let points = [
        "delivery.intended:1",
        "delivery.intended:3",
        "delivery.answered:1",
        "delivery.answered:4",
        "delivery.settled:2",
    ];
    for point in points {
        let world = World::new().await;
        let people: Vec<_> = (0..400).map(|number| gold(&format!("u{number}"))).collect();
        world.people(&people);
        let folder = world.folder.path().to_path_buf();
        let run = |crash: Option<&'static str>| {
            let mut command = enroute();
            command.arg("-C").arg(&folder).args(["--json", "sync"]);
            if let Some(point) = crash {
                command.env("ENROUTE_CRASH", point);
            }
            tokio::task::spawn_blocking(move || command.output().expect("the binary runs"))
        };
        let killed = run(Some(point)).await.expect("a process");
        assert!(!killed.status.success(), "{point} was not reached");
        let ended = run(None).await.expect("a process");
        let error = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(ended.status.success(), "{point}: {error}");
        assert_eq!(world.braze_members().len(), 400, "{point}");
        assert_eq!(world.facebook_emails().len(), 400, "{point}");
        let report: serde_json::Value = serde_json::from_slice(&ended.stdout).expect("a report");
        let repeated: u64 = report["connections"]
            .as_array()
            .expect("connections")
            .iter()
            .map(|link| link["repeated"].as_u64().unwrap_or(0))
            .sum();
        assert!(repeated > 0 || point.starts_with("delivery.settled"), "{point}: what was repeated is reported");
    }
}
