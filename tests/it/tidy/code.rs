//! What code may name, and where.

use crate::tidy::none;
use crate::tidy::repository::{names, rust, text};

/// The packages of the host, lowest first: `store` is `host/store`. Each uses only what stands before it.
pub(super) const FLOORS: [&str; 13] = [
    "core", "phone", "config", "store", "sources", "egress", "auth", "runtime", "catalog", "sync", "server", "api",
    "pages",
];

/// What every other package that others stand on may use of ours. The kit plays the SDK's cases, so it knows the SDK too.
const PACKAGES: [(&str, &[&str]); 3] = [
    ("sdk/rust", &["enroute-phone"]),
    ("tests/conformance", &["enroute-core", "enroute-host", "enroute-sdk"]),
    ("tests/fakes", &[]),
];

/// Something that only one place does.
struct Door {
    /// What lines are searched for.
    words: &'static [&'static str],
    /// Where the words may not stand …
    closed: &'static [&'static str],
    /// … except in these files and folders.
    open: &'static [&'static str],
    /// Whether tests may do it anywhere.
    tests_may: bool,
    /// What to do instead.
    instead: &'static str,
}

const OURS: &[&str] = &["host/", "sdk/", "plugins/", "tests/"];

const DOORS: [Door; 8] = [
    Door {
        words: &["rusqlite::"],
        closed: OURS,
        open: &["host/store/"],
        tests_may: false,
        instead: "only `store` opens the database: ask it through a function",
    },
    Door {
        words: &["wasmtime::", "wasmtime_wasi::"],
        closed: OURS,
        open: &["host/runtime/", "tests/examples/encodings.rs"],
        tests_may: false,
        instead: "only `runtime` knows the sandbox: use its types",
    },
    Door {
        words: &["println!", "print!(", "stdout()", "dbg!"],
        closed: &["host/", "sdk/", "plugins/", "tests/conformance/", "tests/fakes/"],
        open: &["host/cli/src/output.rs", "tests/fakes/examples/"],
        tests_may: true,
        instead: "only host/cli/src/output.rs prints: use `Output`, or a log line",
    },
    Door {
        words: &[".reveal("],
        closed: OURS,
        open: &["host/egress/src/secrets.rs", "host/sources/src/server.rs", "host/sources/src/command.rs"],
        tests_may: true,
        instead: "only egress/secrets.rs reveals a secret: hand over `Credentials`",
    },
    Door {
        words: &["env::var", "env::set_var", "env::temp_dir"],
        closed: OURS,
        open: &["host/config/"],
        tests_may: false,
        instead: "only `config` reads the environment: take the value as a parameter",
    },
    Door {
        words: &["TcpStream", "UdpSocket", "lookup_host", "hyper_util::client"],
        closed: &["host/", "sdk/", "plugins/", "tests/conformance/"],
        open: &["host/egress/"],
        tests_may: true,
        instead: "only `egress` opens a connection: use its `Client`",
    },
    Door {
        words: &["tokio::", "std::fs", "std::net", "std::env", "Instant::now", "SystemTime", "async fn"],
        closed: &["host/core/"],
        open: &[],
        tests_may: true,
        instead: "`enroute-core` decides without I/O or clock: take the value as a parameter",
    },
    Door {
        words: &["enroute_host", "enroute_core", "enroute_fakes"],
        closed: &["sdk/", "plugins/"],
        open: &[],
        tests_may: true,
        instead: "plugins and SDK know the contract only: what they need of the host goes through `wit/`",
    },
];

#[test]
fn every_door_is_in_one_place() {
    let mut found = Vec::new();
    for door in &DOORS {
        let within = |path: &str, places: &[&str]| places.iter().any(|place| path.starts_with(place));
        // The words stand in this table.
        let is_closed = |path: &str| within(path, door.closed) && !within(path, door.open) && path != THIS_FILE;
        for file in rust().filter(|file| is_closed(&file.path)) {
            let lines: Vec<_> = if door.tests_may { file.code().collect() } else { file.lines().collect() };
            for (number, line) in lines {
                if let Some(word) = door.words.iter().find(|word| line.contains(**word)) {
                    found.push(format!("{}:{number}: `{word}`: {}", file.path, door.instead));
                }
            }
        }
    }
    none(&found);
}

const THIS_FILE: &str = "tests/it/tidy/code.rs";

#[test]
fn a_package_stands_on_what_is_below_it() {
    let floors = FLOORS.iter().enumerate().map(|(floor, name)| {
        let below = FLOORS.iter().take(floor).map(|name| format!("enroute-{name}")).collect::<Vec<_>>();
        (format!("host/{name}"), below)
    });
    let others = PACKAGES
        .iter()
        .map(|(package, may)| ((*package).to_owned(), may.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()));
    let mut found = Vec::new();
    for (package, may) in floors.chain(others) {
        let manifest = format!("{package}/Cargo.toml");
        let lines = text(&manifest).lines().zip(1..);
        let used = lines
            .take_while(|(line, _)| *line != "[dev-dependencies]")
            .filter(|(line, _)| line.starts_with("enroute-"));
        for (line, number) in used {
            let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
            if !may.iter().any(|may| may == name) {
                found.push(format!(
                    "{manifest}:{number}: {package} must not use `{name}`, which does not stand below it"
                ));
            }
        }
    }
    none(&found);
}

#[test]
fn every_package_of_the_host_has_a_floor() {
    let packages = names("host").into_iter().filter(|name| !text(&format!("host/{name}Cargo.toml")).is_empty());
    let unknown = packages.filter(|name| name != "cli/" && !FLOORS.contains(&name.trim_end_matches('/')));
    none(&unknown.map(|name| format!("host/{name}:1: give it a place in FLOORS of {THIS_FILE}")).collect::<Vec<_>>());
}

#[test]
fn tests_neither_sleep_nor_are_skipped() {
    // Put together here, so that this file does not break its own rule.
    let words = [
        (concat!("sl", "eep("), "wait through the run's clock, or for something that happens"),
        (concat!("#[ign", "ore"), "a test that is not run says nothing: mend it or take it out"),
        (concat!("#[should", "_panic"), "check the error instead"),
    ];
    let mut found = Vec::new();
    for file in rust() {
        for (number, line) in file.test_code() {
            for (word, instead) in words.iter().filter(|(word, _)| line.contains(word)) {
                found.push(format!("{}:{number}: `{word}`: {instead}", file.path));
            }
        }
    }
    none(&found);
}
