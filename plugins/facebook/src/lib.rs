//! Facebook (Meta) Custom Audiences: people of an audience, uploaded to a customer list.
//!
//! Wires the parts: `settings` checks what the operator wrote, `mapping` makes rows of members, `request`
//! packs rows, `response` reads answers, [`normalize`] brings values to Meta's normal forms and hashes them.
//! Must never happen: a value of a hashed key leaves in clear, or a value reaches a message or the log.

mod mapping;
pub mod normalize;
mod request;
mod response;
mod settings;

use enroute_sdk::{Answer, Batch, Context, Destination, Finding, Http, Mapping, Problem, Reading, Sent};

use crate::settings::Settings;

/// The destination: one customer list of one ad account.
#[derive(Debug)]
pub struct Facebook;

impl Destination for Facebook {
    type Settings = Settings;

    fn validate(ctx: &Context<Settings>) -> Vec<Problem> {
        settings::validate(ctx)
    }

    fn map(ctx: &Context<Settings>, batch: &Batch<'_>, out: &mut Mapping) {
        mapping::map(ctx, batch, out);
    }

    fn read(ctx: &Context<Settings>, sent: &Sent<'_>, answer: &Answer) -> Reading {
        response::read(ctx.settings(), response::About::of(sent), answer)
    }

    fn probe(ctx: &Context<Settings>, http: &mut dyn Http) -> Finding {
        response::probe(ctx.settings(), http)
    }
}

#[cfg(target_arch = "wasm32")]
enroute_sdk::export!(Facebook);

#[cfg(test)]
mod tests;
