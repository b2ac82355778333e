//! A plugin that breaks one rule at a time, so that tests can see what the host makes of it.
//!
//! Its setting `mode` names the rule. Without one it is the smallest plugin that keeps them all: members go to
//! `POST /members`, and an answer of 2xx means that they arrived.

mod failing;
mod learning;
mod mapping;
mod mode;
mod seeking;
mod sending;

use enroute_sdk::{
    Answer, Batch, Context, Delivery, Destination, Finding, Http, Mapping, Problem, Reading, Report, Resume, Sent,
    Verdict,
};

pub use mode::{Mode, Settings};

/// The one operation of the manifest.
const OPERATION: &str = "post";
/// The one bucket of the manifest.
const BUCKET: &str = "api";

/// The destination.
#[derive(Debug)]
pub struct Misfit;

impl Destination for Misfit {
    type Settings = Settings;

    fn validate(ctx: &Context<Settings>) -> Vec<Problem> {
        let mut problems = failing::problems(ctx.settings().on(ctx.today()).mode);
        problems.extend(learning::problems(ctx));
        problems
    }

    fn map(ctx: &Context<Settings>, batch: &Batch<'_>, out: &mut Mapping) {
        mapping::map(&ctx.settings().on(ctx.today()), ctx, batch, out);
    }

    fn read(ctx: &Context<Settings>, _: &Sent<'_>, answer: &Answer) -> Reading {
        if answer.is_success() {
            return Reading::delivered();
        }
        if ctx.settings().mode == Mode::Learn && answer.status == 403 {
            return Reading::deferred(0).remote(learning::SINGLES);
        }
        if let Some(reading) = answer.classify(BUCKET) {
            return reading;
        }
        let reason = format!("answered {}", answer.status);
        let verdict = match ctx.settings().mode {
            Mode::RefuseBisect if answer.status == 400 => Verdict::RefusedBisect(reason),
            _ => Verdict::RefusedWhole(reason),
        };
        Reading::deferred(0).verdict(verdict)
    }

    fn open(ctx: &Context<Settings>, http: &mut dyn Http) -> Finding {
        failing::opening(ctx.settings().by_clock().mode);
        learning::open(ctx.settings(), http)
    }

    fn probe(ctx: &Context<Settings>, _: &mut dyn Http) -> Finding {
        failing::opening(ctx.settings().by_clock().mode);
        Finding::ok()
    }

    fn deliver(ctx: &Context<Settings>, delivery: &Delivery<'_>, http: &mut dyn Http) -> Report {
        let mode = ctx.settings().by_clock().mode;
        if let Some(report) = failing::lie(mode, delivery) {
            return report;
        }
        failing::before(mode, delivery.members());
        let mut report = match mode {
            Mode::Seek => seeking::deliver(ctx, delivery, http),
            _ => sending::deliver::<Self>(ctx, delivery, http),
        };
        failing::after(mode, delivery.members());
        failing::flood(mode, &mut report);
        report
    }

    fn resume(ctx: &Context<Settings>, work: &Resume, http: &mut dyn Http) -> Report {
        failing::resuming(ctx.settings().by_clock().mode, work)
            .unwrap_or_else(|| sending::resume(ctx.settings(), work, http))
    }
}

enroute_sdk::export!(Misfit);

#[cfg(test)]
mod tests;
