//! Google Ads Customer Match: people of an audience, uploaded to a customer list.
//!
//! Wires the parts: `settings` checks what the operator wrote, `mapping` makes members of people, [`normalize`] brings
//! values to Google's normal forms and hashes them, `request` packs members, `response` sends and reads answers.
//! Must never happen: a value of a hashed field leaves in clear, or a value reaches a message or the log.

mod mapping;
pub mod normalize;
mod request;
mod response;
mod settings;

use enroute_sdk::{
    Answer, Batch, Context, Delivery, Destination, Finding, Http, Mapping, Problem, Reading, Report, Resume, Sent,
};

use crate::settings::Settings;

/// The destination: one customer list of one Google Ads account.
#[derive(Debug)]
pub struct Google;

impl Destination for Google {
    type Settings = Settings;

    fn validate(ctx: &Context<Settings>) -> Vec<Problem> {
        settings::validate(ctx)
    }

    fn map(ctx: &Context<Settings>, batch: &Batch<'_>, out: &mut Mapping) {
        mapping::map(ctx, batch, out);
    }

    fn read(ctx: &Context<Settings>, sent: &Sent<'_>, answer: &Answer) -> Reading {
        response::read(ctx.settings(), sent.len(), answer)
    }

    fn probe(ctx: &Context<Settings>, http: &mut dyn Http) -> Finding {
        response::list::probe(ctx, http)
    }

    fn open(ctx: &Context<Settings>, http: &mut dyn Http) -> Finding {
        response::list::open(ctx, http)
    }

    fn deliver(ctx: &Context<Settings>, delivery: &Delivery<'_>, http: &mut dyn Http) -> Report {
        response::delivery::deliver(ctx, delivery, http)
    }

    fn resume(ctx: &Context<Settings>, work: &Resume, http: &mut dyn Http) -> Report {
        response::delivery::resume(ctx, work, http)
    }
}

#[cfg(target_arch = "wasm32")]
enroute_sdk::export!(Google);

#[cfg(test)]
mod tests;
