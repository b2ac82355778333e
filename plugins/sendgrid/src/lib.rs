//! SendGrid Marketing Campaigns: people of an audience as contacts on a list.
//!
//! Wires only: `settings` says what an operator may ask for, `mapping` what a member becomes, `request` where it goes,
//! `response` what the answers mean and which request follows from them.

mod mapping;
mod request;
mod response;
mod settings;

use enroute_sdk::{Answer, Batch, Context, Delivery, Destination, Finding, Http};
use enroute_sdk::{Mapping, Problem, Reading, Report, Resume, Sent};

pub use settings::Settings;

/// The destination.
#[derive(Debug)]
pub struct SendGrid;

impl Destination for SendGrid {
    type Settings = Settings;

    fn validate(ctx: &Context<Settings>) -> Vec<Problem> {
        settings::problems(ctx)
    }

    fn map(ctx: &Context<Settings>, batch: &Batch<'_>, out: &mut Mapping) {
        mapping::map(ctx, batch, out);
    }

    fn read(ctx: &Context<Settings>, sent: &Sent<'_>, answer: &Answer) -> Reading {
        response::read(ctx, sent, answer)
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

enroute_sdk::export!(SendGrid);

#[cfg(test)]
mod tests {
    #[test]
    fn cases_hold() {
        enroute_sdk::testing::cases::<super::SendGrid>("cases");
    }
}
