//! What a reason means, for both APIs.
//!
//! Pure. Source: `ErrorReason` of the Data Manager API, the error enums of the Google Ads API. Both grow: a reason
//! that is not listed is read by the path of the field that is named, and where none is, by its status.

use super::fault::{Fault, Place, Violation};

/// What is to be done about a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Too much in too short a time.
    Throttled,
    /// Google's own trouble.
    Transient,
    /// The token.
    Credential,
    /// A right, or the account.
    Permission,
    /// The list, the account's terms, a setting.
    Setup,
    /// The member that is named.
    Record,
    /// Too many members or bytes.
    TooLarge,
    /// For good, whoever is in the request.
    Refused,
}

impl Class {
    /// The same where there is no member to blame.
    pub(super) fn of_setup(self) -> Self {
        if self == Self::Record { Self::Setup } else { self }
    }
}

const THROTTLED: [&str; 3] =
    ["RESOURCE_EXHAUSTED", "RESOURCE_TEMPORARILY_EXHAUSTED", "EXCESSIVE_SHORT_TERM_QUERY_RESOURCE_CONSUMPTION"];

/// A job that was begun, filled or mixed in the wrong order is made anew with the next attempt.
const TRANSIENT: [&str; 7] = [
    "INTERNAL_ERROR",
    "TRANSIENT_ERROR",
    "DEADLINE_EXCEEDED",
    "CONCURRENT_MODIFICATION",
    "JOB_ALREADY_STARTED",
    "INVALID_OPERATION_ORDER",
    "CONFLICTING_OPERATION",
];

const CREDENTIAL: [&str; 9] = [
    "UNAUTHENTICATED",
    "OAUTH_TOKEN_EXPIRED",
    "OAUTH_TOKEN_INVALID",
    "OAUTH_TOKEN_REVOKED",
    "OAUTH_TOKEN_DISABLED",
    "TWO_STEP_VERIFICATION_NOT_ENROLLED",
    "DEVELOPER_TOKEN_INVALID",
    "ACCESS_TOKEN_EXPIRED",
    "CREDENTIALS_MISSING",
];

const PERMISSION: [&str; 12] = [
    "PERMISSION_DENIED",
    "OPERATING_ACCOUNT_LOGIN_ACCOUNT_MISMATCH",
    "SERVICE_DISABLED",
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
    "CUSTOMER_NOT_FOUND",
    "NOT_ADS_USER",
    "USER_PERMISSION_DENIED",
    "DEVELOPER_TOKEN_NOT_APPROVED",
    "DEVELOPER_TOKEN_PROHIBITED",
    "CUSTOMER_NOT_ENABLED",
    "MISSING_TOS",
    "CLOUD_PROJECT_NOT_APPROVED_FOR_PRODUCTION",
];

const SETUP: [&str; 25] = [
    "INVALID_USER_LIST_ID",
    "INVALID_USER_LIST_TYPE",
    "INVALID_DESTINATION",
    "DESTINATION_ACCOUNT_TYPE_MISMATCH",
    "MISMATCHED_ACCOUNT_TYPE",
    "TERMS_AND_CONDITIONS_NOT_SIGNED",
    "ADVERTISER_TOS_NOT_ACCEPTED",
    "NOT_ALLOWLISTED",
    "ADVERTISER_NOT_ALLOWLISTED_FOR_UPLOADED_DATA",
    "THIRD_PARTY_USER_DATA_NOT_ALLOWED",
    "OWNERSHIP_REQUIRED_FOR_UPDATE",
    "EU_POLITICAL_ADVERTISING_DECLARATION_REQUIRED",
    "REQUIRED_PREREQUISITE_LINK_MISSING",
    "INVALID_ENUM_VALUE",
    "DISPLAY_NAME_ALREADY_USED",
    "NAME_ALREADY_USED",
    "CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE",
    "INCOMPATIBLE_UPLOAD_KEY_TYPE",
    "CUSTOMER_NOT_ACCEPTED_CUSTOMER_DATA_TERMS",
    "NOT_ON_ALLOWLIST_FOR_USER_ID",
    "MOBILE_ID_NOT_SUPPORTED",
    "OPERATION_LEVEL_CONSENT_PROVIDED",
    "NOT_FOUND",
    "INVALID_REQUEST_ID",
    "FAILED_PRECONDITION",
];

pub(super) const RECORD: [&str; 13] = [
    "INVALID_AUDIENCE_MEMBER",
    "INVALID_SHA256_FORMAT",
    "INVALID_HEX_ENCODING",
    "INVALID_BASE64_ENCODING",
    "INVALID_ENCODING",
    "INVALID_FORMAT",
    "INVALID_POSTAL_CODE",
    "INVALID_REGION_CODE",
    "INVALID_COUNTRY_CODE",
    "INVALID_MOBILE_ID_FORMAT",
    "TOO_MANY_USER_IDENTIFIERS",
    "MISSING_USER_IDENTIFIER",
    "INCOMPATIBLE_USER_IDENTIFIER",
];

/// Some part of what is named is missing.
pub(super) const REQUIRED: &str = "REQUIRED_FIELD_MISSING";

const TOO_LARGE: [&str; 4] = ["TOO_MANY_AUDIENCE_MEMBERS", "TOO_MANY_ELEMENTS", "REQUEST_TOO_LARGE", "TOO_MANY"];

const REFUSED: [&str; 3] =
    ["MULTIPLE_DATA_TYPES_NOT_ALLOWED", "DUPLICATE_DESTINATION_REFERENCE", "TOO_MANY_DESTINATIONS"];

/// Reasons of the account or the list, wherever in the request they are put.
const OF_ALL: [&str; 13] = [
    "INVALID_USER_LIST_ID",
    "INVALID_USER_LIST_TYPE",
    "INVALID_DESTINATION",
    "DESTINATION_ACCOUNT_TYPE_MISMATCH",
    "MISMATCHED_ACCOUNT_TYPE",
    "TERMS_AND_CONDITIONS_NOT_SIGNED",
    "ADVERTISER_TOS_NOT_ACCEPTED",
    "NOT_ALLOWLISTED",
    "ADVERTISER_NOT_ALLOWLISTED_FOR_UPLOADED_DATA",
    "CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE",
    "INCOMPATIBLE_UPLOAD_KEY_TYPE",
    "CUSTOMER_NOT_ACCEPTED_CUSTOMER_DATA_TERMS",
    "NOT_ON_ALLOWLIST_FOR_USER_ID",
];

/// The class of a violation: the path of the field decides, and the reason refines. What is said of a member is the
/// member's, and what is said of another field is the set-up's, also where no table lists the reason; none where
/// nothing is named and the reason is not known either.
pub(super) fn of(violation: &Violation) -> Option<Class> {
    let reason = violation.reason.as_str();
    let known = of_reason(reason);
    let passing =
        |class: &Class| matches!(class, Class::Throttled | Class::Transient | Class::Credential | Class::Permission);
    match violation.place {
        Place::Member(_) => Some(match known {
            Some(class) if passing(&class) || class == Class::Refused => class,
            Some(Class::Setup) if OF_ALL.contains(&reason) => Class::Setup,
            _ => Class::Record,
        }),
        Place::Setup(_) => Some(known.filter(passing).unwrap_or(Class::Setup)),
        Place::Members | Place::Whole => known,
    }
}

/// Whether a reason is one of a member's that has a code of its own.
pub(super) fn is_record(reason: &str) -> bool {
    RECORD.contains(&reason) || reason == REQUIRED
}

/// The class of a reason that names no member.
pub(super) fn of_reason(reason: &str) -> Option<Class> {
    let lists: [(&[&str], Class); 8] = [
        (&THROTTLED, Class::Throttled),
        (&TRANSIENT, Class::Transient),
        (&CREDENTIAL, Class::Credential),
        (&PERMISSION, Class::Permission),
        (&SETUP, Class::Setup),
        (&RECORD, Class::Record),
        (&TOO_LARGE, Class::TooLarge),
        (&REFUSED, Class::Refused),
    ];
    let known = lists.into_iter().find(|(reasons, _)| reasons.contains(&reason)).map(|(_, class)| class);
    // A part that is missing is the member's where a member is named, and a setting's elsewhere.
    known.or((reason == REQUIRED).then_some(Class::Setup))
}

/// The class of an answer whose reasons say nothing, by the status in its body or else its own.
pub(super) fn of_status(fault: &Fault) -> Class {
    match (fault.status.as_str(), fault.code) {
        ("UNAUTHENTICATED", _) | (_, 401) => Class::Credential,
        ("PERMISSION_DENIED", _) | (_, 403) => Class::Permission,
        ("RESOURCE_EXHAUSTED", _) | (_, 429) => Class::Throttled,
        ("INTERNAL" | "UNAVAILABLE" | "DEADLINE_EXCEEDED" | "ABORTED" | "CANCELLED", _)
        | (_, 408 | 409 | 425 | 500 | 502..=599) => Class::Transient,
        ("NOT_FOUND" | "FAILED_PRECONDITION", _) | (_, 300..=399 | 404) => Class::Setup,
        (_, 413) => Class::TooLarge,
        ("", 400 | 422) | ("INVALID_ARGUMENT" | "OUT_OF_RANGE" | "ALREADY_EXISTS", _) => Class::Refused,
        (_, 423) => Class::Transient,
        // What is refused without a word about the content says nothing against the members.
        _ => Class::Setup,
    }
}
