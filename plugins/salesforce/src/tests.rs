//! The stories under `cases/`.

use super::Salesforce;

#[test]
fn cases_hold() {
    enroute_sdk::testing::cases::<Salesforce>("cases");
}
