//! The messages of both APIs: which fields they have, and what these hold.
//!
//! Facts only. Sources: the references of the Data Manager API (v1) and of the Google Ads API.

use super::proto::{Field, Message};

const CONSENT_STATUS: &[&str] = &["CONSENT_STATUS_UNSPECIFIED", "CONSENT_GRANTED", "CONSENT_DENIED"];
const CONSENT: &Message =
    &[Field::name("adUserData", CONSENT_STATUS), Field::name("adPersonalization", CONSENT_STATUS)];
const ENCODING: &[&str] = &["ENCODING_UNSPECIFIED", "HEX", "BASE64"];
const ACCOUNT_TYPE: &[&str] = &[
    "ACCOUNT_TYPE_UNSPECIFIED",
    "GOOGLE_ADS",
    "DISPLAY_VIDEO_PARTNER",
    "DISPLAY_VIDEO_ADVERTISER",
    "DATA_PARTNER",
    "GOOGLE_ANALYTICS_PROPERTY",
    "GOOGLE_AD_MANAGER_AUDIENCE_LINK",
    "FLOODLIGHT_CONFIG",
    "GOOGLE_AD_MANAGER",
];
const ACCOUNT: &Message = &[Field::text("accountId"), Field::name("accountType", ACCOUNT_TYPE)];
const DESTINATION: &Message = &[
    Field::text("reference"),
    Field::of("loginAccount", ACCOUNT),
    Field::of("linkedAccount", ACCOUNT),
    Field::of("operatingAccount", ACCOUNT),
    Field::text("productDestinationId"),
];
const ADDRESS: &Message = &[
    Field::text("givenName"),
    Field::text("familyName"),
    Field::text("regionCode"),
    Field::text("postalCode"),
    Field::text("addressLine"),
    Field::text("city"),
    Field::text("administrativeArea"),
];
const IDENTIFIER: &Message =
    &[Field::text("emailAddress").alone(), Field::text("phoneNumber").alone(), Field::of("address", ADDRESS).alone()];
const MEMBER: &Message = &[
    Field::text("destinationReferences").many(),
    Field::of("userData", &[Field::of("userIdentifiers", IDENTIFIER).many()]).alone(),
    Field::of("mobileData", &[Field::text("mobileIds").many()]).alone(),
    Field::of("userIdData", &[Field::text("userId")]).alone(),
    Field::of("pairData", &[Field::text("pairIds").many()]).alone(),
    Field::of("ppidData", &[Field::text("ppids").many()]).alone(),
    Field::of("consent", CONSENT),
];
const TERMS: &Message = &[Field::name(
    "customerMatchTermsOfServiceStatus",
    &["TERMS_OF_SERVICE_STATUS_UNSPECIFIED", "ACCEPTED", "REJECTED"],
)];

/// `IngestAudienceMembersRequest`, without encryption, which the fake has no keys for.
pub(super) const INGEST: &Message = &[
    Field::of("destinations", DESTINATION).many(),
    Field::of("audienceMembers", MEMBER).many(),
    Field::of("consent", CONSENT),
    Field::flag("validateOnly"),
    Field::name("encoding", ENCODING),
    Field::of("termsOfService", TERMS),
];

/// `RemoveAudienceMembersRequest`: removing knows neither consent nor terms.
pub(super) const REMOVE: &Message = &[
    Field::of("destinations", DESTINATION).many(),
    Field::of("audienceMembers", MEMBER).many(),
    Field::flag("validateOnly"),
    Field::name("encoding", ENCODING),
];

const SOURCE: Field = Field::name(
    "dataSourceType",
    &[
        "DATA_SOURCE_TYPE_UNSPECIFIED",
        "DATA_SOURCE_TYPE_FIRST_PARTY",
        "DATA_SOURCE_TYPE_THIRD_PARTY_CREDIT_BUREAU",
        "DATA_SOURCE_TYPE_THIRD_PARTY_VOTER_FILE",
        "DATA_SOURCE_TYPE_THIRD_PARTY_PARTNER_DATA",
    ],
);
const LIST_INFO: &Message = &[
    Field::name(
        "uploadKeyTypes",
        &["UPLOAD_KEY_TYPE_UNSPECIFIED", "CONTACT_ID", "MOBILE_ID", "USER_ID", "PAIR_ID", "PSEUDONYMOUS_ID"],
    )
    .many(),
    Field::of("contactIdInfo", &[SOURCE, Field::short("matchRatePercentage")]),
    Field::of(
        "mobileIdInfo",
        &[SOURCE, Field::name("keySpace", &["KEY_SPACE_UNSPECIFIED", "IOS", "ANDROID"]), Field::text("appId")],
    ),
    Field::of("userIdInfo", &[SOURCE]),
];

/// `UserList`, what only answers have included: it is taken in, and ignored.
pub(super) const USER_LIST: &Message = &[
    Field::text("name"),
    Field::whole("id"),
    Field::flag("readOnly"),
    Field::text("displayName"),
    Field::text("description"),
    MEMBERSHIP,
    Field::text("integrationCode"),
    Field::text("membershipDuration"),
    ACCESS,
    Field::of("ingestedUserListInfo", LIST_INFO),
];
const MEMBERSHIP: Field = Field::name("membershipStatus", &["MEMBERSHIP_STATUS_UNSPECIFIED", "OPEN", "CLOSED"]);
const ACCESS: Field = Field::name(
    "accessReason",
    &["ACCESS_REASON_UNSPECIFIED", "OWNED", "SHARED", "LICENSED", "SUBSCRIBED", "AFFILIATED"],
);

/// Reasons for which members are lost while they are processed; what follows in the enum is about events.
const PROCESSING_ERROR: &[&str] = &[
    "PROCESSING_ERROR_REASON_UNSPECIFIED",
    "PROCESSING_ERROR_REASON_INVALID_CUSTOM_VARIABLE",
    "PROCESSING_ERROR_REASON_CUSTOM_VARIABLE_NOT_ENABLED",
    "PROCESSING_ERROR_REASON_EVENT_TOO_OLD",
    "PROCESSING_ERROR_REASON_DENIED_CONSENT",
    "PROCESSING_ERROR_REASON_NO_CONSENT",
    "PROCESSING_ERROR_REASON_UNKNOWN_CONSENT",
    "PROCESSING_ERROR_REASON_DUPLICATE_GCLID",
    "PROCESSING_ERROR_REASON_DUPLICATE_TRANSACTION_ID",
    "PROCESSING_ERROR_REASON_INVALID_GBRAID",
    "PROCESSING_ERROR_REASON_INVALID_GCLID",
    "PROCESSING_ERROR_REASON_INVALID_MERCHANT_ID",
    "PROCESSING_ERROR_REASON_INVALID_WBRAID",
    "PROCESSING_ERROR_REASON_INTERNAL_ERROR",
    "PROCESSING_ERROR_REASON_DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED",
    "PROCESSING_ERROR_REASON_INVALID_EVENT",
    "PROCESSING_ERROR_REASON_INSUFFICIENT_MATCHED_TRANSACTIONS",
    "PROCESSING_ERROR_REASON_INSUFFICIENT_TRANSACTIONS",
    "PROCESSING_ERROR_REASON_INVALID_FORMAT",
    "PROCESSING_ERROR_REASON_DECRYPTION_ERROR",
    "PROCESSING_ERROR_REASON_DEK_DECRYPTION_ERROR",
    "PROCESSING_ERROR_REASON_INVALID_WIP",
    "PROCESSING_ERROR_REASON_INVALID_KEK",
    "PROCESSING_ERROR_REASON_WIP_AUTH_FAILED",
    "PROCESSING_ERROR_REASON_KEK_PERMISSION_DENIED",
    "PROCESSING_ERROR_REASON_USER_IDENTIFIER_DECRYPTION_ERROR",
];
const STATUS: &Message = &[
    Field::of("destination", DESTINATION),
    Field::name("requestStatus", &["REQUEST_STATUS_UNKNOWN", "SUCCESS", "PROCESSING", "FAILED", "PARTIAL_SUCCESS"]),
    Field::of(
        "errorInfo",
        &[Field::of("errorCounts", &[Field::whole("recordCount"), Field::name("reason", PROCESSING_ERROR)]).many()],
    ),
];

const ADS_CONSENT_STATUS: &[&str] = &["UNSPECIFIED", "UNKNOWN", "GRANTED", "DENIED"];
const ADS_CONSENT: &Message =
    &[Field::name("adUserData", ADS_CONSENT_STATUS), Field::name("adPersonalization", ADS_CONSENT_STATUS)];
const JOB: &Message = &[
    Field::text("resourceName"),
    Field::whole("id"),
    Field::whole("externalId"),
    Field::name(
        "type",
        &[
            "UNSPECIFIED",
            "UNKNOWN",
            "STORE_SALES_UPLOAD_FIRST_PARTY",
            "STORE_SALES_UPLOAD_THIRD_PARTY",
            "CUSTOMER_MATCH_USER_LIST",
            "CUSTOMER_MATCH_WITH_ATTRIBUTES",
        ],
    ),
    Field::name("status", &["UNSPECIFIED", "UNKNOWN", "PENDING", "RUNNING", "SUCCESS", "FAILED"]),
    Field::of("customerMatchUserListMetadata", &[Field::text("userList"), Field::of("consent", ADS_CONSENT)]),
];
const ADS_ADDRESS: &Message = &[
    Field::text("hashedFirstName"),
    Field::text("hashedLastName"),
    Field::text("city"),
    Field::text("state"),
    Field::text("countryCode"),
    Field::text("postalCode"),
    Field::text("hashedStreetAddress"),
];
const ADS_IDENTIFIER: &Message = &[
    Field::name("userIdentifierSource", &["UNSPECIFIED", "UNKNOWN", "FIRST_PARTY", "THIRD_PARTY"]),
    Field::text("hashedEmail").alone(),
    Field::text("hashedPhoneNumber").alone(),
    Field::of("addressInfo", ADS_ADDRESS).alone(),
    Field::text("mobileId").alone(),
    Field::text("thirdPartyUserId").alone(),
];
const ADS_PERSON: &Message = &[Field::of("userIdentifiers", ADS_IDENTIFIER).many(), Field::of("consent", ADS_CONSENT)];
const OPERATION: &Message = &[Field::of("create", ADS_PERSON).alone(), Field::of("remove", ADS_PERSON).alone()];

/// `CreateOfflineUserDataJobRequest`.
pub(super) const CREATE_JOB: &Message =
    &[Field::of("job", JOB), Field::flag("validateOnly"), Field::flag("enableMatchRateRangePreview")];

/// `AddOfflineUserDataJobOperationsRequest`.
pub(super) const FILL_JOB: &Message = &[
    Field::of("operations", OPERATION).many(),
    Field::flag("enablePartialFailure"),
    Field::flag("enableWarnings"),
    Field::flag("validateOnly"),
];

/// `RunOfflineUserDataJobRequest`.
pub(super) const RUN_JOB: &Message = &[Field::flag("validateOnly")];

/// `SearchGoogleAdsRequest`; the size of pages is fixed and may not be said.
pub(super) const SEARCH: &Message = &[Field::text("query"), Field::text("pageToken"), Field::flag("validateOnly")];

const ADS_LIST: &Message = &[
    Field::text("resourceName"),
    Field::whole("id"),
    Field::flag("readOnly"),
    Field::text("name"),
    Field::text("description"),
    Field::name("membershipStatus", &["UNSPECIFIED", "UNKNOWN", "OPEN", "CLOSED"]),
    Field::text("integrationCode"),
    Field::whole("membershipLifeSpan"),
    Field::name("accessReason", &["UNSPECIFIED", "UNKNOWN", "OWNED", "SHARED", "LICENSED", "SUBSCRIBED", "AFFILIATED"]),
    Field::of(
        "crmBasedUserList",
        &[
            Field::text("appId"),
            Field::name(
                "uploadKeyType",
                &["UNSPECIFIED", "UNKNOWN", "CONTACT_INFO", "CRM_ID", "MOBILE_ADVERTISING_ID"],
            ),
            Field::name(
                "dataSourceType",
                &["UNSPECIFIED", "UNKNOWN", "FIRST_PARTY", "THIRD_PARTY_CREDIT_BUREAU", "THIRD_PARTY_VOTER_FILE"],
            ),
        ],
    ),
];

/// `MutateUserListsRequest`, of which only creations are known here.
pub(super) const MUTATE: &Message = &[
    Field::of("operations", &[Field::of("create", ADS_LIST).alone()]).many(),
    Field::flag("partialFailure"),
    Field::flag("validateOnly"),
];

/// Every answer of both APIs: what they have in their first level does not clash.
pub(super) const ANSWER: &Message = &[
    Field::of("requestStatusPerDestination", STATUS).many(),
    Field::of("userLists", USER_LIST).many(),
    MEMBERSHIP,
    ACCESS,
    Field::of("ingestedUserListInfo", LIST_INFO),
    Field::of("results", &[Field::of("userList", ADS_LIST), Field::of("offlineUserDataJob", JOB)]).many(),
];
