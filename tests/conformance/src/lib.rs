//! The conformance kit: whether a plugin keeps the contract, found out on its file alone.
//!
//! [`examine`] reads the file, makes connections and members up out of the manifest, calls the three functions in the
//! host's own sandbox, plays the network, and reports one line a check with the clause that it stands for
//! ([`Check::ALL`]). Checks are true of every plugin that keeps the contract, whatever its destination; what is
//! peculiar to one stands in its own cases, which are played too.
//!
//! Opens no socket, and no file but the cases. Members, secrets and answers are made up; the same seed gives the same
//! examination.

mod answers;
mod bench;
mod bodies;
mod cases;
mod catalogue;
mod checks;
mod convert;
mod digits;
mod disguise;
mod error;
mod findings;
mod kit;
mod network;
mod part;
mod people;
mod random;
mod report;
mod sandbox;
mod spelled;
mod unknown;
mod values;

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use enroute_core::manifest::Manifest;
use enroute_core::request::Response;
use enroute_host::catalog::Inspection;
use enroute_host::runtime::{Limits, Plugin, Runtime};
use enroute_sdk::testing::Given;
use serde_json::{Map, Value};

use crate::bench::Bench;
use crate::checks::{
    choices, connect, consent, deliver, file, folding, grouping, hostile, mapping, open, probe, regions, removal,
    resume, validate,
};
use crate::findings::Findings;
use crate::kit::Kit;
use crate::sandbox::Sandbox;

pub use catalogue::{Check, Group};
pub use error::KitError;
pub use findings::Failure;
pub use unknown::Unknown;

pub use report::{CaseReport, CheckReport, Figure, Report, State};

/// What an examination is told beside the file.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What values and orders are drawn from.
    pub seed: u64,
    /// The folder with `validate/`, `map/` and `send/`.
    pub cases: Option<PathBuf>,
    /// Settings to use instead of made-up ones.
    pub settings: Map<String, Value>,
}

/// A plugin that was read and compiled.
#[derive(Debug, Clone)]
pub struct Subject {
    /// What it says of itself.
    pub manifest: Manifest,
    /// SHA-256 of its file, in hex.
    pub sha256: String,
    /// Length of its file.
    pub size_bytes: usize,
    /// How long compiling took.
    pub load: Duration,
    /// Its three functions.
    pub plugin: Plugin,
}

/// Examines a file. What is wrong with it stands in the report, also where it is no plugin at all.
///
/// Blocks for as long as it takes, some seconds: call it where blocking is fine. `progress` is told what is looked at.
///
/// # Errors
/// When the kit itself cannot go on: the sandbox does not start, the cases cannot be read, or a setting does not fit.
pub fn examine(bytes: &[u8], options: &Options, progress: &dyn Fn(&str)) -> Result<Report, KitError> {
    let findings = Findings::default();
    progress("reading and compiling the file");
    let Some(inspection) = file::read(&findings, bytes) else {
        return Ok(Report::of_a_file(options.seed, &findings));
    };
    let runtime = Runtime::new(Limits::default(), None).map_err(KitError::NoSandbox)?;
    match load(&runtime, inspection, bytes) {
        Ok(subject) => examine_loaded(&subject, options, progress),
        Err(error) => {
            file::not_loaded(&findings, &error);
            Ok(Report::of_a_file(options.seed, &findings))
        }
    }
}

fn load(runtime: &Runtime, inspection: Inspection, bytes: &[u8]) -> Result<Subject, enroute_host::runtime::LoadError> {
    let begun = Instant::now();
    let plugin = runtime.load(&inspection.manifest.id, bytes)?;
    let Inspection { manifest, sha256, size_bytes, .. } = inspection;
    Ok(Subject { manifest, sha256, size_bytes, load: begun.elapsed(), plugin })
}

/// As [`examine`], of a plugin that is compiled already.
///
/// # Errors
/// As [`examine`].
pub fn examine_loaded(subject: &Subject, options: &Options, progress: &dyn Fn(&str)) -> Result<Report, KitError> {
    let manifest = &subject.manifest;
    let folder = options.cases.as_deref();
    let givens = folder.map_or_else(|| Ok(Vec::new()), |folder| cases::givens(manifest, folder, &options.settings))?;
    let goods = goods(givens.iter().filter(|given| given.all_arrive));
    let plain_goods = goods_of_well(&goods, &givens);
    let kit = Kit {
        manifest,
        sandbox: Sandbox::new(subject.plugin.clone())?,
        findings: Findings::default(),
        kinds: manifest.derived.iter().map(|derived| derived.kind.clone()).collect(),
        givens,
        goods,
        plain_goods,
        issued: RefCell::default(),
        heard: RefCell::default(),
        seed: options.seed,
        progress,
    };
    for check in Check::ALL.iter().filter(|check| check.group() == Group::File) {
        if !matches!(check, Check::SettingsAreRefusedByName) {
            kit.findings.held(*check);
        }
    }
    let full = run(&kit, &options.settings)?;
    let played = match folder {
        Some(folder) => {
            progress("playing the plugin's own cases");
            cases::play(&kit.sandbox, manifest, folder, &options.settings)?
        }
        None => Vec::new(),
    };
    Ok(Report::of(subject, options, &kit, played, full))
}

/// Good answers of the cases that are tried on every delivery.
const GOODS_MAX: usize = 6;

/// The answers of these cases that are successes, each once.
fn goods<'g>(givens: impl Iterator<Item = &'g Given>) -> Vec<Response> {
    let mut goods: Vec<Response> = Vec::new();
    for answer in givens.flat_map(|given| given.answers.clone()) {
        match convert::reply(answer) {
            Ok(good) if (200..300).contains(&good.status) && !goods.contains(&good) => goods.push(good),
            _ => {}
        }
    }
    goods.truncate(GOODS_MAX);
    goods
}

/// Those of the good answers that no case has with another verdict than `ok`.
fn goods_of_well(goods: &[Response], givens: &[Given]) -> Vec<Response> {
    let odd = givens.iter().filter(|given| !given.is_well).flat_map(|given| given.answers.clone());
    let odd: Vec<Vec<u8>> = odd.filter_map(|answer| convert::reply(answer).ok()).map(|answer| answer.body).collect();
    goods.iter().filter(|good| !odd.contains(&good.body)).cloned().collect()
}

/// Every check after the file's own.
fn run(kit: &Kit<'_>, settings: &Map<String, Value>) -> Result<Option<mapping::FullBatch>, KitError> {
    file::settings(&kit.findings, kit.manifest);
    (kit.progress)("looking for settings and rows that work");
    let benches = connect::benches(kit, settings)?;
    (kit.progress)(&format!("validating on {} connections", benches.len()));
    validate::check(kit, &benches);
    (kit.progress)("mapping ordinary members, removals and groups");
    mapping::check(kit, &benches);
    removal::check(kit, &benches);
    folding::check(kit, &benches);
    regions::check(kit, &benches);
    grouping::check(kit, &benches);
    consent::check(kit, &benches);
    (kit.progress)("mapping and sending with every choice of every setting");
    choices::check(kit, &choices::benches(kit, &benches));
    (kit.progress)("mapping hostile values");
    hostile::check(kit, &benches);
    (kit.progress)("sending, with every answer that can come");
    let mut changes = deliver::check(kit, &benches);
    let all = answers::all("somebody@example.com", &kit.goods);
    changes.extend(open::check(kit, &benches, &all));
    probe::check(kit, &benches, &all, &changes);
    resume::check(kit, &benches, &all);
    (kit.progress)("mapping a full batch");
    let fullest = benches.iter().max_by_key(|bench: &&Bench| bench.connection.rows.len());
    fullest.into_iter().for_each(|bench| grouping::large_crowd(kit, bench));
    Ok(fullest.and_then(|bench| mapping::full_batch(kit, bench)))
}

/// The folder of cases beside the sources of a plugin's file: `cases/` in the file's own folder.
#[must_use]
pub fn cases_beside(file: &Path) -> Option<PathBuf> {
    let folder = file.parent()?.join("cases");
    let is_one = ["validate", "map", "send"].iter().any(|kind| folder.join(kind).is_dir());
    is_one.then_some(folder)
}
