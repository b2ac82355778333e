//! Braze: people of an audience as attributes of user profiles.
//!
//! Wires only. `settings` says what an operator may ask for, `mapping` what a member becomes, `request` where it goes
//! and `response` what the answer means. All of them are pure.

mod mapping;
mod request;
mod response;
mod settings;

use enroute_sdk::{Answer, Batch, Context, Destination, Finding, Http, Mapping, Problem, Reading, Sent};

pub use settings::{MembershipMode, Settings};

/// The one operation of the manifest.
const TRACK: &str = "track";

/// The one bucket of the manifest.
const BUCKET: &str = "api";

/// The destination.
#[derive(Debug)]
pub struct Braze;

impl Destination for Braze {
    type Settings = Settings;

    fn validate(ctx: &Context<Settings>) -> Vec<Problem> {
        settings::problems(ctx)
    }

    fn map(ctx: &Context<Settings>, batch: &Batch<'_>, out: &mut Mapping) {
        mapping::map(ctx, batch, out);
    }

    fn read(_: &Context<Settings>, sent: &Sent<'_>, answer: &Answer) -> Reading {
        response::read(sent.len(), answer)
    }

    fn probe(ctx: &Context<Settings>, http: &mut dyn Http) -> Finding {
        response::account::probe(&ctx.settings().endpoint, http)
    }
}

enroute_sdk::export!(Braze);

#[cfg(test)]
mod tests {
    #[test]
    fn cases_hold() {
        enroute_sdk::testing::cases::<super::Braze>("cases");
    }
}
