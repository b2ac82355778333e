//! What every check works with.

use std::cell::RefCell;
use std::collections::HashSet;

use enroute_core::manifest::Manifest;
use enroute_core::request::Response;
use enroute_host::runtime::{Mapped, Problem, World};
use enroute_sdk::testing::Given;

use crate::bench::Bench;
use crate::checks::{requests, said};
use crate::findings::Findings;
use crate::people::Crowd;
use crate::sandbox::Sandbox;

/// Other clocks and other random numbers than the host's.
pub(crate) const OTHER_WORLDS: [World; 2] =
    [World { clock_s: 1_795_392_000, seed: 7 }, World { clock_s: 4_102_444_799, seed: 11_400_714 }];

/// A ticket of the plugin's own.
#[derive(Debug, Clone)]
pub(crate) struct Issued {
    /// The connection that it was issued on, by its name.
    pub(crate) bench: String,
    pub(crate) token: String,
    /// Its members.
    pub(crate) crowd: Crowd,
}

/// A plugin under examination.
pub(crate) struct Kit<'a> {
    pub(crate) manifest: &'a Manifest,
    pub(crate) sandbox: Sandbox,
    pub(crate) findings: Findings,
    /// Kinds of derived requests that the manifest lists.
    pub(crate) kinds: Vec<String>,
    /// What the plugin's own cases give.
    pub(crate) givens: Vec<Given>,
    /// Answers after which everybody arrived in the plugin's own cases.
    pub(crate) goods: Vec<Response>,
    /// Those of them after which the verdict was `ok` as well.
    pub(crate) plain_goods: Vec<Response>,
    /// Tickets that the plugin has issued so far: only these are asked about.
    pub(crate) issued: RefCell<Vec<Issued>>,
    /// Texts in which nobody's values were found, with what they were searched for.
    pub(crate) heard: RefCell<HashSet<(u64, String)>>,
    pub(crate) seed: u64,
    pub(crate) progress: &'a dyn Fn(&str),
}

impl Kit<'_> {
    /// Calls `map` and looks at everything that one result can show.
    pub(crate) fn map(&self, bench: &Bench, crowd: &Crowd, did: &str) -> Option<Mapped> {
        let did = format!("{}: {did}", bench.name);
        let called = self.sandbox.map(&self.findings, World::default(), &bench.connection, &crowd.batch(), &did);
        let (mapped, usage) = called?;
        requests::look(self, bench, crowd, &mapped, &did);
        said::log(self, &usage.log, crowd, &did);
        Some(mapped)
    }

    /// Calls `validate` in the host's world.
    pub(crate) fn validate(&self, bench: &Bench, did: &str) -> Option<Vec<Problem>> {
        let did = format!("{}: {did}", bench.name);
        self.sandbox.validate(&self.findings, World::default(), &bench.connection, &did)
    }
}
