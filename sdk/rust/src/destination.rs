//! The trait that a plugin implements.

use serde::de::DeserializeOwned;

use crate::deliver::{Delivery, Resume, Sent, carry_out};
use crate::guest::unsent;
use crate::{Answer, Batch, Context, Finding, Http, Mapping, Outcome, Problem, Reading, Report, Request, Verdict};

/// A destination: what is peculiar to it, and nothing else.
///
/// Two functions are all that most need: [`map`](Self::map) and [`read`](Self::read). There is no retry here, no
/// credential and no clock; those are the host's.
pub trait Destination {
    /// The settings of the manifest, as the plugin wants them.
    type Settings: DeserializeOwned;

    /// Finds what is wrong with a connection before anything is sent. Pure.
    ///
    /// The host has checked types, choices and ranges by the manifest; what is left are rules between settings, rows
    /// and the audience.
    #[must_use]
    fn validate(ctx: &Context<Self::Settings>) -> Vec<Problem> {
        let _ = ctx;
        Vec::new()
    }

    /// Turns members into requests: each into one delivery or one rejection. Pure: same input, same bytes.
    fn map(ctx: &Context<Self::Settings>, batch: &Batch<'_>, out: &mut Mapping);

    /// Says what the answer to one prepared request means for its members. Pure.
    #[must_use]
    fn read(ctx: &Context<Self::Settings>, sent: &Sent<'_>, answer: &Answer) -> Reading;

    /// A request that tests the credential without side effects; the manifest lists the derived kind `probe`.
    #[must_use]
    fn probe_request(ctx: &Context<Self::Settings>) -> Option<Request> {
        let _ = ctx;
        None
    }

    /// Says what the answer to the probe means. By default, a success that names no error is good and the rest as
    /// [`Answer::classify`] reads it.
    #[must_use]
    fn read_probe(ctx: &Context<Self::Settings>, answer: &Answer) -> Finding {
        let _ = ctx;
        match answer.classify("") {
            Some(reading) => Finding::verdict(reading.verdict),
            None if answer.is_success() && !answer.names_an_error() => Finding::ok(),
            None => Finding::verdict(Verdict::RefusedWhole(format!("the probe was answered with {}", answer.status))),
        }
    }

    /// Tests the credential and learns what the plugin wants to know of the account. By default, sends
    /// [`probe_request`](Self::probe_request) and asks [`read_probe`](Self::read_probe).
    fn probe(ctx: &Context<Self::Settings>, http: &mut dyn Http) -> Finding {
        let Some(request) = Self::probe_request(ctx) else { return Finding::ok() };
        match http.send("probe", &request) {
            Ok(answer) => Self::read_probe(ctx, &answer),
            Err(failure) => Finding::verdict(unsent(failure).1),
        }
    }

    /// Finds or creates the remote list of the audience, for manifests with `opens`. Safe to repeat. By default
    /// there is nothing to open.
    fn open(ctx: &Context<Self::Settings>, http: &mut dyn Http) -> Finding {
        let _ = (ctx, http);
        Finding::ok()
    }

    /// Carries out a delivery. By default, sends its requests in order and hands each answer to
    /// [`read`](Self::read); the first that is not well ends it, and members of requests that were not sent are
    /// deferred.
    fn deliver(ctx: &Context<Self::Settings>, delivery: &Delivery<'_>, http: &mut dyn Http) -> Report {
        carry_out::<Self>(ctx, delivery, http)
    }

    /// Asks for the fate of members that were accepted earlier. By default it is unknown, which is right for
    /// destinations that never answer [`Outcome::Accepted`].
    fn resume(ctx: &Context<Self::Settings>, work: &Resume, http: &mut dyn Http) -> Report {
        let _ = (ctx, http);
        work.all(Outcome::Unknown)
    }
}
