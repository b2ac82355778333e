//! `send` without a delivery: one call of it.

use std::sync::Arc;

use enroute_core::outcome::Report;
use enroute_host::egress::Failure;
use enroute_host::runtime::{Connection, Work};

use crate::answers::Answer;
use crate::bench::Bench;
use crate::catalogue::Check;
use crate::checks::{asking, said};
use crate::findings::Failure as Failed;
use crate::kit::Kit;
use crate::network::{Asked, Network, Play, Reply, What};
use crate::people::Crowd;

/// Connections on which each kind of work is tried.
const BENCHES_MAX: usize = 6;

/// Connections that differ in more than rows, of which probes and openings know nothing.
pub(crate) fn different(benches: &[Bench]) -> Vec<&Bench> {
    let mut found: Vec<&Bench> = Vec::new();
    for bench in benches {
        let is_like = |known: &&Bench| {
            let (one, other) = (&known.connection, &bench.connection);
            (&one.settings, &one.remote, &one.audience_name) == (&other.settings, &other.remote, &other.audience_name)
        };
        if found.len() < BENCHES_MAX && !found.iter().any(is_like) {
            found.push(bench);
        }
    }
    found
}

/// A report, and what was asked for it.
pub(crate) struct Called {
    pub(crate) report: Report,
    pub(crate) asked: Vec<Asked>,
}

/// Does a piece of work about these members, and looks at everything that every report can show.
pub(crate) fn call(
    kit: &Kit<'_>,
    bench: &Bench,
    connection: &Connection,
    (work, crowd): (&Work, &Crowd),
    play: Play,
    did: &str,
) -> Option<Called> {
    let network = Arc::new(Network::new(0, &kit.kinds, play));
    let outlet = Arc::clone(&network);
    let called = kit.sandbox.send(&kit.findings, connection, work, outlet, did);
    let asked = network.asked();
    asking::look(kit, bench, &asked, did);
    if !matches!(work, Work::Resume(_)) {
        asking::at_once(kit, &asked, did);
    }
    kit.findings.expect(Check::ProbeSendsNothingPrepared, !asked.iter().any(is_prepared), || {
        Failed::new(did, "derived requests only", "it asked for a prepared request")
    });
    let (report, log) = called?;
    said::report(kit, &report, crowd, did);
    said::log(kit, &log, crowd, did);
    Some(Called { report, asked })
}

pub(crate) fn is_prepared(asked: &Asked) -> bool {
    matches!(asked.what, What::Prepared(_))
}

/// The same reply to everything.
pub(crate) fn always(reply: &Reply) -> Play {
    let reply = reply.clone();
    Box::new(move |_| reply.clone())
}

/// These replies one after the other, and then no connection.
pub(crate) fn in_turn(replies: &[Reply]) -> Play {
    let replies = replies.to_vec();
    let ended = || Err(Failure::Unreachable("the answers have ended".to_owned()));
    Box::new(move |number| replies.get(number).cloned().unwrap_or_else(ended))
}

/// Whether a probe or an opening that got this answer cannot be in order. A catalogue that is too large to be read may
/// be done without, and an answer with a status for each entry is none to a question about the whole.
pub(crate) fn is_trouble(answer: &Answer) -> bool {
    match &answer.reply {
        Err(Failure::TooLarge(_)) => return false,
        Ok(response) if response.status == 207 => return false,
        _ => {}
    }
    answer.meaning.is_of_no_use() || answer.name.contains("200 with a web page")
}
