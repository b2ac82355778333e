//! Customers of a real PostgreSQL server, beside `psql \\copy` of the same query:
//! `cargo run -p enroute-tests --example customers -- 1000000`.
//!
//! Fills a server of its own, imports everything, then 0.1 % that changed by `cursor` and by `complete`, and prints
//! time, peak memory and the ratio to `psql`. It runs `target/release/enroute` where that is built, else the debug one.

#![expect(
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::expect_used,
    reason = "the figures are what it is for"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

#[path = "../it/kinds/postgres.rs"]
#[expect(dead_code, reason = "tests ask the server in more ways")]
mod postgres;

type Failure = Box<dyn std::error::Error>;

/// Customers where the command line names no number.
const CUSTOMERS: u32 = 20_000;

/// How often the memory of the import is looked at.
const LOOK: Duration = Duration::from_millis(20);

const TABLE: &str = "create table customers (id int primary key, email text, other_email text, first_name text,
    last_name text, city text, country text, plan text, ltv numeric, orders int, vip boolean, born date, tags text[],
    about jsonb, score float8, phone text, language text, note text, consent_ads boolean,
    updated_at timestamptz not null)";

const QUERY: &str = "select * from customers";

fn main() -> Result<(), Failure> {
    let customers = std::env::args().nth(1).map_or(Ok(CUSTOMERS), |text| text.parse::<u32>())?;
    let server = postgres::Server::start();
    server.run(TABLE);
    server.run(&format!(
        "insert into customers select n, 'p' || n || '@example.com', 'q' || n || '@example.org', 'First' || n % 999,
           'Last' || n % 9999, 'City ' || n % 500, 'NO', case n % 3 when 0 then 'gold' else 'free' end,
           123456789012345678901234567890.10 + n, n % 50, n % 7 = 0, date '1950-01-01' + n % 20000,
           array['a,b', 't' || n % 10], jsonb_build_object('n', n, 'deep', jsonb_build_object('x', 1.50)), n / 7.0,
           '+47' || 10000000 + n % 80000000, 'nb', repeat('x', 120), n % 2 = 0,
           timestamptz '2026-01-01' + n * interval '1 second'
         from generate_series(1, {customers}) as n"
    ));
    server.run("create index on customers (updated_at); analyze customers");
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("plugins.toml"), "")?;
    std::fs::write(folder.path().join("warehouse.url"), server.url())?;
    std::fs::write(
        folder.path().join("audiences.toml"),
        format!(
            "[source.customers]\ndatabase = \"${{file:warehouse.url}}\"\nquery = \"{QUERY}\"\nholds = \"profiles\"\n\
             columns = {{ email = \"identifiers.email\", other_email = \"identifiers.email\", \
             consent_ads = \"consent.ads\" }}\ncursor = \"updated_at\"\ncomplete = true\n"
        ),
    )?;
    let copied = Instant::now();
    server.run(&format!("\\copy ({QUERY}) to /dev/null"));
    let copied = copied.elapsed();
    println!("{customers} customers; psql \\copy: {:.2} s", copied.as_secs_f64());
    let tell = |what: &str, words: &[&str]| -> Result<(), Failure> {
        let (took, peak_kib, report) = import(folder.path(), words)?;
        let counts = ["read", "added", "updated", "unchanged", "gone"].map(|name| format!("{name} {}", report[name]));
        println!(
            "{what}: {:.2} s, {:.2} x psql, peak {} MiB: {}",
            took.as_secs_f64(),
            took.as_secs_f64() / copied.as_secs_f64(),
            peak_kib / 1024,
            counts.join(", ")
        );
        Ok(())
    };
    tell("first import", &[])?;
    tell("again, everything", &["--full"])?;
    let thousandth = customers / 1000;
    server.run(&format!(
        "update customers set plan = 'new', updated_at = timestamptz '2026-01-01' + ({customers} + id) * interval '1 second'
         where id <= {thousandth}"
    ));
    tell("0.1 % changed, by cursor", &[])?;
    server.run(&format!(
        "update customers set plan = 'old' where id <= {thousandth}; delete from customers where id > {customers} - {thousandth}"
    ));
    tell("0.1 % changed and 0.1 % gone, by complete", &["--full"])
}

/// Imports, and tells the time, the peak of memory in KiB, and the report.
fn import(folder: &Path, words: &[&str]) -> Result<(Duration, u64, Value), Failure> {
    let begun = Instant::now();
    let mut command = Command::new(binary());
    command.arg("-C").arg(folder).args(["--json", "import", "customers"]).args(words);
    let mut process = command.stdout(Stdio::piped()).spawn()?;
    let status = PathBuf::from(format!("/proc/{}/status", process.id()));
    let mut peak = 0;
    while process.try_wait()?.is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        peak = peak.max(kib.unwrap_or(0));
        std::thread::park_timeout(LOOK);
    }
    let ended = process.wait_with_output()?;
    if !ended.status.success() {
        return Err("the import failed".into());
    }
    let report: Value = serde_json::from_slice(&ended.stdout)?;
    Ok((begun.elapsed(), peak, report["sources"][0].clone()))
}

fn binary() -> PathBuf {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    let release = target.join("release/enroute");
    if release.is_file() { release } else { target.join("debug/enroute") }
}
