//! The fields of the manifest.

pub(crate) const EMAIL: &str = "emailAddress";
pub(crate) const PHONE: &str = "phoneNumber";
pub(crate) const GIVEN_NAME: &str = "givenName";
pub(crate) const FAMILY_NAME: &str = "familyName";
pub(crate) const REGION: &str = "regionCode";
pub(crate) const POSTAL_CODE: &str = "postalCode";
pub(crate) const MOBILE_ID: &str = "mobileId";
pub(crate) const USER_ID: &str = "userId";

/// All fields, in the manifest's order.
pub(crate) const ALL: [&str; 8] = [EMAIL, PHONE, GIVEN_NAME, FAMILY_NAME, REGION, POSTAL_CODE, MOBILE_ID, USER_ID];
