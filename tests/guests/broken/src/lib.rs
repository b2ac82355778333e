//! A sound plugin that can be given one defect at a time, by which the conformance kit is proved.
//!
//! [`Sound`] keeps the contract. Its setting `defect` names what is done to its results and requests on their way out
//! (`spoil`); anything unknown is nothing.

mod sound;
#[cfg(target_arch = "wasm32")]
mod spoil;

pub use sound::{Settings, Sound};

#[cfg(target_arch = "wasm32")]
mod component {
    //! The sound plugin's results, spoiled.

    use enroute_sdk::bindings::enroute::destination::types::{Batch, Connection, Mapped, Work};
    use enroute_sdk::{Problem, Report, guest};

    use crate::{Sound, spoil};

    struct Component;

    impl enroute_sdk::bindings::exports::enroute::destination::destination::Guest for Component {
        fn validate(connection: Connection) -> Vec<Problem> {
            let mut problems = guest::validate::<Sound>(connection.clone());
            spoil::problems(&spoil::defect(&connection), &connection, &mut problems);
            problems
        }

        fn map(connection: Connection, batch: Batch) -> Mapped {
            let defect = spoil::defect(&connection);
            spoil::before_map(&defect, &batch);
            let mut mapped = guest::map::<Sound>(connection.clone(), &batch);
            spoil::mapped(&defect, &batch, &mut mapped);
            spoil::bodies(&defect, &batch, &mut mapped);
            spoil::crowds(&defect, &connection, &batch, &mut mapped);
            mapped
        }

        fn send(connection: Connection, work: Work) -> Report {
            let defect = spoil::defect(&connection);
            if let Some(report) = spoil::unasked(&defect, &work) {
                return report;
            }
            let mut http = spoil::SpoiledHttp::new(&defect, &work);
            let mut report = guest::send_with::<Sound>(connection.clone(), work.clone(), &mut http);
            spoil::report(&http, &connection, &work, &mut report);
            report
        }
    }

    enroute_sdk::bindings::export!(Component with_types_in enroute_sdk::bindings);
}

#[cfg(test)]
mod tests {
    #[test]
    fn cases_hold() {
        enroute_sdk::testing::cases::<super::Sound>("cases");
    }
}
