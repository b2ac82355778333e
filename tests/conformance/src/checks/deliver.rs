//! `send` with deliveries: every answer that can come, alone, after a good one, and drawn at random.

use enroute_core::outcome::Outcome;
use enroute_core::request::{Request, Response};
use enroute_host::egress::Failure;

use crate::answers::{self, Answer};
use crate::bench::Bench;
use crate::catalogue::Check;
use crate::checks::outcomes;
use crate::checks::trial::{self, Sent, Trial, arrived};
use crate::findings::Failure as Failed;
use crate::kit::Kit;
use crate::network::{Asked, Play, What};
use crate::random::Random;

/// Calls with answers drawn at random.
const RANDOM_CALLS: usize = 300;

/// Sends in every way; returns the requests by which deliveries change something.
pub(crate) fn check(kit: &Kit<'_>, benches: &[Bench]) -> Vec<Request> {
    let trials: Vec<(Trial<'_>, Vec<Answer>)> = trial::all(kit, benches)
        .into_iter()
        .map(|trial| {
            let all = answers::all(&trial.echo(), &kit.goods);
            (trial, all)
        })
        .collect();
    for (trial, all) in &trials {
        for answer in all {
            let reply = answer.reply.clone();
            let Some(sent) = trial.send(kit, Box::new(move |_| reply.clone()), &answer.name) else { continue };
            outcomes::judge(kit, trial, answer, &sent);
        }
        let samples = answers::samples(all);
        for good in &kit.goods {
            well(kit, trial, good);
            before_trouble(kit, trial, good, &samples);
            distorted(kit, trial, good);
        }
    }
    at_random(kit, &trials);
    trials.iter().flat_map(|(trial, _)| &trial.prepared).map(|(_, request)| request.clone()).collect()
}

/// Sends on connections with another choice each: answers of every kind, one of a kind.
pub(crate) fn quick(kit: &Kit<'_>, chosen: &[Bench]) {
    for bench in chosen {
        for trial in trial::all(kit, std::slice::from_ref(bench)) {
            let all = answers::all(&trial.echo(), &kit.goods);
            for answer in answers::samples(&all) {
                let reply = answer.reply.clone();
                let Some(sent) = trial.send(kit, Box::new(move |_| reply.clone()), &answer.name) else { continue };
                outcomes::judge(kit, &trial, answer, &sent);
            }
            kit.goods.iter().for_each(|good| well(kit, &trial, good));
        }
    }
}

/// A good answer to everything. Without a header that asks for a pause, there is no cause for one.
fn well(kit: &Kit<'_>, trial: &Trial<'_>, good: &Response) {
    let answer = answers::good(if kit.plain_goods.contains(good) { answers::plain(good) } else { good.clone() });
    let reply = answer.reply.clone();
    let Some(sent) = trial.send(kit, Box::new(move |_| reply.clone()), &answer.name) else { return };
    if kit.plain_goods.contains(good) && sent.fates().all(|(_, outcome)| arrived(outcome)) {
        outcomes::causes(kit, &answer, &sent.report.verdict, &trial.did(&answer.name));
    }
}

fn before_trouble(kit: &Kit<'_>, trial: &Trial<'_>, good: &Response, samples: &[&Answer]) {
    for answer in samples {
        let (first, then) = (good.clone(), answer.reply.clone());
        let play: Play = Box::new(move |number| if number == 0 { Ok(first.clone()) } else { then.clone() });
        let what = format!("well, then {}", answer.name);
        if let Some(sent) = trial.send(kit, play, &what) {
            let broken = |asked: &Asked| (asked.reply == answer.reply).then(|| outcomes::check_of(answer.meaning));
            none_of_the_failed_arrived(kit, trial, &sent, broken, &what);
        }
    }
}

fn distorted(kit: &Kit<'_>, trial: &Trial<'_>, good: &Response) {
    for (how, distorted) in answers::distorted(good) {
        let play: Play = Box::new(move |_| Ok(distorted.clone()));
        trial.send(kit, play, &format!("with a good answer {how}"));
    }
}

/// Answers in any order: whatever the plugin makes of them, the rules for every call hold.
fn at_random(kit: &Kit<'_>, trials: &[(Trial<'_>, Vec<Answer>)]) {
    let mut random = Random::new(kit.seed);
    for _ in 0..RANDOM_CALLS {
        let Some((trial, bad)) = random.pick(trials) else { return };
        let goods: Vec<Answer> = kit.goods.iter().map(|good| answers::good(good.clone())).collect();
        let all: Vec<&Answer> = bad.iter().chain(&goods).collect();
        let drawn: Vec<&Answer> = (0..6).filter_map(|_| random.pick(&all).copied()).collect();
        let replies: Vec<_> = drawn.iter().map(|answer| answer.reply.clone()).collect();
        let ended = || Err(Failure::Unreachable("the answers have ended".to_owned()));
        let play: Play = Box::new(move |number| replies.get(number).cloned().unwrap_or_else(ended));
        let what = drawn.iter().map(|answer| answer.name.as_str()).collect::<Vec<_>>().join(", then ");
        if let Some(sent) = trial.send(kit, play, &what) {
            let broken = |asked: &Asked| {
                let known = bad.iter().find(|answer| answer.reply == asked.reply);
                match known.filter(|answer| answer.is_clear_failure()) {
                    Some(answer) => Some(outcomes::check_of(answer.meaning)),
                    None => asked.reply.is_err().then_some(Check::OnlySuccessIsDelivered),
                }
            };
            none_of_the_failed_arrived(kit, trial, &sent, broken, &what);
        }
    }
}

/// A member whose own request clearly failed has not arrived, whatever else was answered. `broken` names the check that
/// it would break, where a request failed.
fn none_of_the_failed_arrived(
    kit: &Kit<'_>,
    trial: &Trial<'_>,
    sent: &Sent,
    broken: impl Fn(&Asked) -> Option<Check>,
    what: &str,
) {
    // Where nothing left at all, that is what another check is about.
    if !sent.left() {
        return;
    }
    for asked in &sent.asked {
        let (What::Prepared(index), Some(check)) = (&asked.what, broken(asked)) else { continue };
        let members = trial.about(*index);
        for (member, outcome) in sent.fates().filter(|(member, _)| members.contains(member)) {
            kit.findings.expect(check, !matches!(outcome, Outcome::Delivered), || {
                let got = format!("request {index} about member {member} failed, and it is delivered");
                Failed::new(trial.did(what), "nobody delivered whose request failed", got)
            });
        }
    }
}
