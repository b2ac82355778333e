//! Iterable: people of an audience as a field of users, as members of a static list, or both.
//!
//! Wires only: `settings`, `mapping` (what members become), `request` (where it goes), `response` (what answers mean).

mod mapping;
mod request;
mod response;
mod settings;

use enroute_sdk::{
    Answer, Batch, Context, Delivery, Destination, Finding, Http, Mapping, Problem, Reading, Report, Sent,
};

pub use settings::{DataCenter, HybridIdentifier, Membership, OnTypeMismatch, ProjectType, Settings};

/// The destination: one project, and in it one field or one list for the audience.
#[derive(Debug)]
pub struct Iterable;

impl Destination for Iterable {
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
        request::open::probe(ctx.settings(), http)
    }

    fn open(ctx: &Context<Settings>, http: &mut dyn Http) -> Finding {
        request::open::open(ctx, http)
    }

    fn deliver(ctx: &Context<Settings>, delivery: &Delivery<'_>, http: &mut dyn Http) -> Report {
        response::deliver(ctx, delivery, http)
    }
}

enroute_sdk::export!(Iterable);

#[cfg(test)]
mod tests {
    #[test]
    fn cases_hold() {
        enroute_sdk::testing::cases::<super::Iterable>("cases");
    }
}
