//! The stories in `cases/`.

use crate::Zendesk;

#[test]
fn cases_hold() {
    enroute_sdk::testing::cases::<Zendesk>("cases");
}
