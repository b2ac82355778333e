//! What costs one connection: a plugin that is not there, objects or fails. Others run.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::report::{FaultReport, LinkReport, LinkState};
use crate::setup::planned::Planned;
use enroute_config::audiences_file::connection::Connection as Wanted;
use enroute_config::code::Code;
use enroute_config::diagnostic::{Diagnostic, Diagnostics};
use enroute_config::plugins_file::Destination;
use enroute_runtime::{Fault, Problem, ProblemPlace};

/// Calls of `validate` that may fail in a row before a plugin is not asked about its other connections: each may take a
/// second.
const FAULTS_IN_A_ROW_MAX: u32 = 3;

/// A connection, or one of its mappings, that does not run because of its plugin.
#[derive(Debug, Clone, Serialize)]
pub struct Stopped {
    /// The audience's key.
    pub audience: String,
    /// The destination's name.
    pub destination: String,
    /// The mapping's name, where the connection has several.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mapping: String,
    /// The plugin, with its version where its file could be read.
    pub plugin: String,
    /// Why.
    pub reason: String,
    /// How many links stand before it.
    #[serde(skip)]
    pub(crate) at: usize,
    /// The link that it would have been.
    #[serde(skip)]
    pub(crate) planned: Option<Box<Planned>>,
    /// How the plugin failed, where it did.
    #[serde(skip)]
    pub(crate) fault: Option<Fault>,
}

impl Stopped {
    /// The mappings of a connection whose plugin is not there.
    pub(super) fn without_plugin(wanted: &Wanted, plugin: &str, reason: &str, at: usize) -> Vec<Self> {
        let mut mappings: Vec<&str> =
            wanted.mappings.iter().filter(|one| one.enabled).map(|one| one.name.value.as_str()).collect();
        if wanted.mappings.is_empty() {
            mappings.push("");
        }
        let one = |mapping: &str| Self {
            audience: wanted.audience.value.as_str().to_owned(),
            destination: wanted.destination.value.as_str().to_owned(),
            mapping: mapping.to_owned(),
            plugin: plugin.to_owned(),
            reason: reason.to_owned(),
            at,
            planned: None,
            fault: None,
        };
        mappings.into_iter().map(one).collect()
    }

    /// A link that its plugin does not let run.
    pub(super) fn by(objection: Objection, planned: Planned, at: usize) -> Self {
        Self {
            audience: planned.audience.clone(),
            destination: planned.destination.clone(),
            mapping: planned.mapping.clone(),
            plugin: planned.plugin_name(),
            reason: objection.reason,
            at,
            planned: Some(Box::new(planned)),
            fault: objection.fault,
        }
    }

    /// What a run says of it.
    pub(crate) fn report(&self) -> LinkReport {
        LinkReport {
            audience: self.audience.clone(),
            destination: self.destination.clone(),
            mapping: self.mapping.clone(),
            plugin: self.plugin.clone(),
            faults: self.faults(),
            ..LinkReport::ended(self.state(), self.reason.clone())
        }
    }

    /// What needs a person has failed; what the host could not do at this moment waits for the next run.
    fn state(&self) -> LinkState {
        let is_of_the_plugin = self.fault.as_ref().is_none_or(|fault| fault.kind.is_of_the_plugin());
        if is_of_the_plugin { LinkState::Failed } else { LinkState::Waiting }
    }

    pub(crate) fn faults(&self) -> Vec<FaultReport> {
        self.fault.iter().map(|fault| FaultReport::new(fault, 0)).collect()
    }
}

/// Why a plugin does not let a link run.
pub(super) struct Objection {
    reason: String,
    fault: Option<Fault>,
}

/// Asks plugins what is wrong with their links, and those that fail again and again no more.
#[derive(Debug, Default)]
pub(super) struct Validation {
    /// Calls that failed in a row, and how the last one did, by plugin.
    faults: BTreeMap<String, (u32, Fault)>,
}

impl Validation {
    /// What the plugin itself finds wrong, and why that stops the link, if it does.
    pub(super) async fn ask(
        &mut self,
        wanted: &Wanted,
        destination: &Destination,
        planned: &Planned,
        found: &mut Diagnostics,
    ) -> Option<Objection> {
        let id = &planned.loaded.manifest.id;
        if let Some((_, fault)) = self.faults.get(id).filter(|(times, _)| *times >= FAULTS_IN_A_ROW_MAX) {
            let reason = format!("{fault}; after {FAULTS_IN_A_ROW_MAX} times in a row it is not asked again");
            return Some(fail(reason, fault.clone(), wanted, found));
        }
        match planned.loaded.plugin.validate(&planned.guest).await {
            Ok(problems) => {
                self.faults.remove(id);
                object(&problems, wanted, destination, planned, found)
            }
            Err(fault) => {
                if fault.kind.is_of_the_plugin() {
                    self.faults.entry(id.clone()).or_insert_with(|| (0, fault.clone())).0 += 1;
                }
                Some(fail(fault.to_string(), fault, wanted, found))
            }
        }
    }
}

fn fail(reason: String, fault: Fault, wanted: &Wanted, found: &mut Diagnostics) -> Objection {
    let hint = if fault.kind.is_of_the_plugin() {
        "other connections run; report it to the plugin's author, or set `enabled = false` here"
    } else {
        "other connections run; this machine stood still or has no memory left: try again"
    };
    found.push(Diagnostic::error(Code::PluginFault, reason.clone()).at(&wanted.place).hint(hint));
    Objection { reason, fault: Some(fault) }
}

fn object(
    problems: &[Problem],
    wanted: &Wanted,
    destination: &Destination,
    planned: &Planned,
    found: &mut Diagnostics,
) -> Option<Objection> {
    let mut reasons = Vec::new();
    for problem in problems {
        let place = match &problem.place {
            ProblemPlace::Setting(name) => match wanted.settings.get(name) {
                Some(own) => &own.place,
                None => destination.setting_place(name),
            },
            ProblemPlace::Row(at) => planned.places.get(*at as usize).unwrap_or(&wanted.place),
            ProblemPlace::Audience => &wanted.audience.place,
            ProblemPlace::Remote => &wanted.place,
        };
        let message = format!("{} says: {}", planned.loaded.manifest.id, problem.message);
        let diagnostic = if problem.is_error {
            reasons.push(format!("{message} ({})", problem.hint));
            Diagnostic::error(Code::PluginProblem, message)
        } else {
            Diagnostic::warning(Code::PluginProblem, message)
        };
        found.push(diagnostic.at(place).hint(problem.hint.clone()));
    }
    (!reasons.is_empty()).then(|| Objection { reason: reasons.join("; "), fault: None })
}
