//! A large sync that is killed over and over: `cargo run -p enroute-tests --example killed -- 200000 60`.
//!
//! So many people go to Braze and SendGrid; the process is killed every second, so many times, or until it is through.
//! Then one run is left alone. Fails where a destination lacks somebody or has a stranger. The fakes stand on this
//! machine. `tests/run` builds binary and plugins.

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use enroute_fakes::all::{self, AUDIENCE, AUDIENCE_NAME, All, SECRETS};
use enroute_host::catalog;
use tokio::process::Command;

type Failure = Box<dyn std::error::Error>;

const PEOPLE: u32 = 200_000;
const KILLS: u32 = 60;
/// Where they go.
const DESTINATIONS: [&str; 2] = ["braze-eu", "sendgrid-marketing"];

#[tokio::main]
async fn main() -> Result<ExitCode, Failure> {
    let number = |at: usize, unless: u32| std::env::args().nth(at).map_or(Ok(unless), |text| text.parse());
    let (people, kills) = (number(1, PEOPLE)?, number(2, KILLS)?);
    let (folder, fakes) = (tempfile::tempdir()?, All::start().await?);
    configure(folder.path(), &fakes)?;
    let people: Vec<_> = (0..people).map(|number| all::person(&format!("u{number:06}"))).collect();
    let mut lines = String::new();
    people.iter().try_for_each(|person| writeln!(lines, "{person}"))?;
    std::fs::write(folder.path().join("profiles.ndjson"), lines)?;

    let mut killed = 0;
    while killed < kills {
        let mut process = enroute(folder.path()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        if tokio::time::timeout(Duration::from_secs(1), process.wait()).await.is_ok() {
            break;
        }
        process.kill().await?;
        killed += 1;
    }
    println!("killed {killed} times");
    let ended = enroute(folder.path()).args(["--wait"]).output().await?;
    print!("{}", String::from_utf8_lossy(&ended.stdout));
    let mut is_exact = ended.status.success();
    for name in DESTINATIONS {
        let text = |person: &serde_json::Value, pointer: &str| {
            person.pointer(pointer).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
        };
        let key = |person| all::key(name, &text(person, "/id"), &text(person, "/traits/email"));
        let (expect, there): (BTreeSet<String>, _) = (people.iter().map(key).collect(), fakes.members(name));
        let (missing, strangers) = (expect.difference(&there).count(), there.difference(&expect).count());
        println!("{name}: {} there, {missing} missing, {strangers} strangers", there.len());
        is_exact &= missing + strangers == 0;
    }
    Ok(if is_exact { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn root() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests)
}

fn enroute(folder: &Path) -> Command {
    let mut command = Command::new(root().join("target/debug/enroute"));
    command.arg("-C").arg(folder).arg("sync").kill_on_drop(true);
    command
}

/// The operator's folder, with two of the seven destinations and one audience.
fn configure(folder: &Path, fakes: &All) -> Result<(), Failure> {
    for (name, value) in SECRETS {
        std::fs::write(folder.join(name), value)?;
    }
    let mut plugins = String::new();
    for id in all::DESTINATIONS.iter().filter_map(|name| name.split('-').next()) {
        let file = root().join("target/plugins").join(format!("{id}.wasm"));
        let digest = catalog::sha256_hex(&catalog::read_file(&file)?);
        writeln!(plugins, "[plugin.{id}]\nfile = {:?}\nsha256 = \"{digest}\"\n", file.display().to_string())?;
    }
    std::fs::write(folder.join("plugins.toml"), plugins + &fakes.destinations())?;
    let audience = format!(
        "[source.crm]\nfile = \"profiles.ndjson\"\n\n[audience.{AUDIENCE}]\nname = \"{AUDIENCE_NAME}\"\n\
         where = \"traits ->> 'plan' = 'gold'\"\n\n"
    );
    let connections = all::connections();
    let (before, connections) = connections.split_once("[[connection]]").ok_or("there are no connections")?;
    let ours = connections.split("[[connection]]").filter(|one| DESTINATIONS.iter().any(|name| one.contains(name)));
    let ours: String = ours.map(|one| format!("[[connection]]{one}")).collect();
    std::fs::write(folder.join("audiences.toml"), format!("{audience}{before}{ours}"))?;
    Ok(())
}
