//! `send` without a delivery: `probe`, `open` and `resume`.

use std::sync::Arc;

use enroute_core::batch::Change;
use enroute_core::outcome::{Outcome, Report, Verdict};
use enroute_core::request::Response;
use enroute_host::egress::Failure;
use enroute_host::runtime::{OpenTicket, ResumeWork, Work};

use crate::answers::{self, Answer, Meaning};
use crate::bench::Bench;
use crate::catalogue::Check;
use crate::checks::deliver::asked_in_order;
use crate::checks::said;
use crate::findings::Failure as Failed;
use crate::kit::Kit;
use crate::network::{Asked, Network, Play, Reply, What};
use crate::people::Crowd;

/// Connections on which each is tried.
const BENCHES_MAX: usize = 4;
/// Members of a job that is asked about.
const MEMBERS: usize = 3;

pub(crate) fn check(kit: &Kit<'_>, benches: &[Bench]) {
    let all = answers::all("somebody@example.com", &kit.goods);
    for bench in benches.iter().take(BENCHES_MAX) {
        for answer in &all {
            probe(kit, bench, answer);
            if opens(kit) {
                open(kit, bench, answer);
            }
            for token in tokens(kit) {
                resume(kit, bench, &token, answer);
            }
        }
        if opens(kit) {
            repeated(kit, bench);
        }
    }
}

/// Whether the manifest asks for `open` to be called.
fn opens(kit: &Kit<'_>) -> bool {
    kit.manifest.opens
}

struct Called {
    report: Report,
    asked: Vec<Asked>,
}

fn call(kit: &Kit<'_>, bench: &Bench, work: &Work, crowd: &Crowd, play: Play, did: &str) -> Option<Called> {
    let network = Arc::new(Network::new(0, &kit.kinds, play));
    let outlet = Arc::clone(&network);
    let called = kit.sandbox.send(&kit.findings, &bench.connection, work, outlet, did);
    let asked = network.asked();
    asked_in_order(kit, bench, &asked, did);
    kit.findings.expect(Check::ProbeSendsNothingPrepared, !asked.iter().any(is_prepared), || {
        Failed::new(did, "derived requests only", "it asked for a prepared request")
    });
    let (report, log) = called?;
    said::report(kit, &report, crowd, did);
    said::log(kit, &log, crowd, did);
    Some(Called { report, asked })
}

fn is_prepared(asked: &Asked) -> bool {
    matches!(asked.what, What::Prepared(_))
}

fn always(reply: &Reply) -> Play {
    let reply = reply.clone();
    Box::new(move |_| reply.clone())
}

/// Whether a probe or an opening that got this answer cannot be in order. A catalogue that is too large to be read may
/// be done without.
fn is_trouble(answer: &Answer) -> bool {
    if matches!(answer.reply, Err(Failure::TooLarge(_))) {
        return false;
    }
    let is_page = answer.name.contains("200 with a web page");
    let of_no_use = matches!(
        answer.meaning,
        Meaning::Credential
            | Meaning::Forbidden
            | Meaning::Throttled(_)
            | Meaning::Trouble
            | Meaning::NothingLeft
            | Meaning::Interrupted
    );
    of_no_use || is_page
}

fn probe(kit: &Kit<'_>, bench: &Bench, answer: &Answer) {
    let did = format!("{}: probed, answered {}", bench.name, answer.name);
    let nobody = Crowd::default();
    let Some(called) = call(kit, bench, &Work::Probe, &nobody, always(&answer.reply), &did) else { return };
    // A plugin that asks nothing has nothing to learn from an answer.
    if !called.asked.is_empty() && !called.asked.iter().any(is_prepared) && is_trouble(answer) {
        kit.findings.expect(Check::ProbeTellsTrouble, called.report.verdict != Verdict::Ok, || {
            Failed::new(did, "any verdict but ok", "ok")
        });
    }
}

fn open(kit: &Kit<'_>, bench: &Bench, answer: &Answer) {
    let did = format!("{}: opened, answered {}", bench.name, answer.name);
    let nobody = Crowd::default();
    let Some(called) = call(kit, bench, &Work::Open, &nobody, always(&answer.reply), &did) else { return };
    if !called.asked.is_empty() && is_trouble(answer) {
        kit.findings.expect(Check::OpenTellsTrouble, called.report.verdict != Verdict::Ok, || {
            Failed::new(did, "any verdict but ok", "ok")
        });
    }
}

/// The same answers twice: those of the plugin's own cases, and answers that find nothing.
fn repeated(kit: &Kit<'_>, bench: &Bench) {
    let json = |body: &str| -> Reply {
        let headers =
            vec![enroute_core::request::Item { name: "content-type".to_owned(), value: "application/json".to_owned() }];
        Ok(Response { status: 200, headers, body: body.as_bytes().to_vec() })
    };
    let opening = kit
        .givens
        .iter()
        .filter(|given| given.opens)
        .map(|given| given.answers.iter().cloned().map(crate::convert::reply).collect::<Vec<Reply>>());
    let made_up = ["{}", "[]", "{\"id\":\"7\",\"name\":\"Gold\"}", "{\"result\":[],\"lists\":[]}"]
        .map(|body| vec![json(body), json(body), json(body)]);
    for replies in opening.chain(made_up) {
        let play = || -> Play {
            let replies = replies.clone();
            let ended = || Err(Failure::Unreachable("the answers have ended".to_owned()));
            Box::new(move |number| replies.get(number).cloned().unwrap_or_else(ended))
        };
        let did = format!("{}: opened twice with the same answers", bench.name);
        let nobody = Crowd::default();
        let Some(first) = call(kit, bench, &Work::Open, &nobody, play(), &did) else { continue };
        let Some(second) = call(kit, bench, &Work::Open, &nobody, play(), &did) else { continue };
        let asked = |called: &Called| called.asked.iter().map(|asked| asked.what.clone()).collect::<Vec<_>>();
        kit.findings.expect(Check::OpenCanBeRepeated, asked(&first) == asked(&second), || {
            let got = format!("{} requests, then {} of which some differ", first.asked.len(), second.asked.len());
            Failed::new(did, "the same requests", got)
        });
    }
}

/// Tickets that no job belongs to, and those of the plugin's cases.
fn tokens(kit: &Kit<'_>) -> Vec<String> {
    let mut tokens: Vec<String> = ["no-such-job", "", "{}", "{\"id\":null}"].map(str::to_owned).to_vec();
    tokens.push("9".repeat(4 << 10));
    for given in kit.givens.iter().filter_map(|given| given.ticket.clone()) {
        if !tokens.contains(&given) && tokens.len() < 10 {
            tokens.push(given);
        }
    }
    tokens
}

fn resume(kit: &Kit<'_>, bench: &Bench, token: &str, answer: &Answer) {
    let crowd = bench.crowd((0..MEMBERS).map(|number| bench.member(number * 7, Change::Added)).collect());
    let shown: String = token.chars().take(30).collect();
    let did = format!("{}: resumed ticket `{shown}`, answered {}", bench.name, answer.name);
    let ticket =
        |members: u32| OpenTicket { token: token.to_owned(), request_key: "kit-request-key".to_owned(), members };
    let work = Work::Resume(ResumeWork { tickets: vec![ticket(1), ticket(2)], identifiers: crowd.batch().identifiers });
    let Some(called) = call(kit, bench, &work, &crowd, always(&answer.reply), &did) else { return };
    let is_delivered = |outcome: &Outcome| matches!(outcome, Outcome::Delivered);
    let claimed = called.report.fates.iter().any(|fate| !fate.members.is_empty() && is_delivered(&fate.outcome));
    kit.findings
        .expect(Check::ResumeClaimsNothing, !claimed, || Failed::new(did, "nobody delivered", "members are delivered"));
}
