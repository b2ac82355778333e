//! Salesforce: people of an audience as records of an object, or as members of a campaign.
//!
//! Wires only. `settings` says what an operator may ask for and what the org's object has, `mapping` what a member
//! becomes, `request` where it goes, `response` what the answer means and what follows from it.

mod mapping;
mod request;
mod response;
mod settings;

use enroute_sdk::{
    Answer, Batch, Context, Delivery, Destination, Finding, Http, Mapping, Problem, Reading, Report, Resume, Sent,
};

use response::{bulk, deliver, open};
pub use settings::{AuthFlow, MembershipMode, Operation, Settings, WriteMode};

/// The destination.
#[derive(Debug)]
pub struct Salesforce;

impl Destination for Salesforce {
    type Settings = Settings;

    fn validate(ctx: &Context<Settings>) -> Vec<Problem> {
        settings::problems(ctx)
    }

    fn map(ctx: &Context<Settings>, batch: &Batch<'_>, out: &mut Mapping) {
        mapping::map(ctx, batch, out);
    }

    fn read(ctx: &Context<Settings>, sent: &Sent<'_>, answer: &Answer) -> Reading {
        deliver::read(ctx, sent, answer)
    }

    fn probe(ctx: &Context<Settings>, http: &mut dyn Http) -> Finding {
        open::probe(ctx, http)
    }

    fn open(ctx: &Context<Settings>, http: &mut dyn Http) -> Finding {
        open::open(ctx, http)
    }

    fn deliver(ctx: &Context<Settings>, delivery: &Delivery<'_>, http: &mut dyn Http) -> Report {
        deliver::deliver(ctx, delivery, http)
    }

    fn resume(ctx: &Context<Settings>, work: &Resume, http: &mut dyn Http) -> Report {
        bulk::resume(ctx, work, http)
    }
}

enroute_sdk::export!(Salesforce);

#[cfg(test)]
mod tests;
