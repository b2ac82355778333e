//! Zendesk: people of an audience as Support users with a checkbox or a tag.
//!
//! Wires only. `settings` says what an operator may ask for and what was learned of the account, `mapping` what a
//! member becomes, `request` where it goes, and `response` what the answers mean.

mod mapping;
mod request;
mod response;
mod settings;

use enroute_sdk::{Answer, Batch, Context, Delivery, Destination, Finding, Http, Mapping, Problem, Reading, Report};
use enroute_sdk::{Resume, Sent};

pub use settings::Settings;

/// The destination.
#[derive(Debug)]
pub struct Zendesk;

impl Destination for Zendesk {
    type Settings = Settings;

    fn validate(ctx: &Context<Settings>) -> Vec<Problem> {
        settings::problems(ctx)
    }

    fn map(ctx: &Context<Settings>, batch: &Batch<'_>, out: &mut Mapping) {
        mapping::map(ctx, batch, out);
    }

    fn read(ctx: &Context<Settings>, sent: &Sent<'_>, answer: &Answer) -> Reading {
        response::bulk::read(ctx, sent, answer)
    }

    fn probe(ctx: &Context<Settings>, http: &mut dyn Http) -> Finding {
        response::open::probe(ctx, http)
    }

    fn open(ctx: &Context<Settings>, http: &mut dyn Http) -> Finding {
        response::open::open(ctx, http)
    }

    fn deliver(ctx: &Context<Settings>, delivery: &Delivery<'_>, http: &mut dyn Http) -> Report {
        response::deliver(ctx, delivery, http)
    }

    fn resume(ctx: &Context<Settings>, work: &Resume, http: &mut dyn Http) -> Report {
        response::job::resume(ctx, work, http)
    }
}

enroute_sdk::export!(Zendesk);

#[cfg(test)]
mod tests;
