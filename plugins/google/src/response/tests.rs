//! Answers and what they mean.

use enroute_sdk::testing::Fixture;

use super::*;

fn settings(api: &str) -> Settings {
    let values = [
        ("api", api),
        ("customer_id", "1"),
        ("list_type", "contact"),
        ("ad_user_data_consent", "granted"),
        ("ad_personalization_consent", "granted"),
        ("hashing", "auto"),
        ("name_punctuation", "keep"),
        ("base_url", "https://datamanager.googleapis.com"),
        ("ads_api_version", "v25"),
    ];
    let fixture = values.into_iter().fold(Fixture::new(), |fixture, (name, value)| fixture.setting(name, value));
    let flags = ["accept_customer_match_terms", "require_email", "poll_status"];
    let fixture = flags.into_iter().fold(fixture, |fixture, name| fixture.setting(name, true));
    let fixture = fixture.setting("extended_identifiers", false).setting("membership_days", 540);
    let ctx = fixture.context::<serde_json::Value>().expect("settings");
    serde_json::from_value(ctx.settings().clone()).expect("settings of the plugin")
}

fn refusal(status: u16, name: &str, reason: &str) -> Answer {
    let body = serde_json::json!({"error": {"code": status, "status": name, "message": "m", "details": [
        {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "datamanager.googleapis.com"},
    ]}});
    Answer::new(status, body.to_string())
}

fn violated(field: &str, reason: &str) -> Answer {
    let body = serde_json::json!({"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "m", "details": [
        {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "INVALID_ARGUMENT"},
        {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [
            {"field": field, "description": "d", "reason": reason},
        ]},
    ]}});
    Answer::new(400, body.to_string())
}

/// First word of the verdict's name and the fate of everybody who is not named.
fn check(answer: &Answer, verdict: &str, rest: &str) {
    let reading = read(&settings("data_manager"), 3, answer);
    let got = format!("{:?}", reading.verdict).replace("Verdict::", "");
    assert!(got.starts_with(verdict), "{answer:?} is {got}, not {verdict}");
    let got = format!("{:?}", reading.rest).replace("Outcome::", "");
    assert!(got.starts_with(rest), "{answer:?} is {got}, not {rest}");
}

#[test]
fn what_is_no_clear_success_is_none() {
    for body in ["", "[]", "\"ok\"", "<html>", "{", "null"] {
        check(&Answer::new(200, body), "Unavailable", "Unknown");
    }
    check(&Answer::new(200, "{}"), "Unavailable", "Unknown");
    check(&Answer::new(200, r#"{"error":{"code":503,"status":"UNAVAILABLE"}}"#), "Unavailable", "Deferred");
    check(&Answer::new(404, "<html>"), "Unavailable", "Deferred");
}

#[test]
fn every_status_has_a_meaning() {
    for (status, name, reason, verdict, rest) in [
        (401, "UNAUTHENTICATED", "", "CredentialInvalid", "Deferred"),
        (403, "PERMISSION_DENIED", "OPERATING_ACCOUNT_LOGIN_ACCOUNT_MISMATCH", "PermissionMissing", "Deferred"),
        (403, "PERMISSION_DENIED", "SERVICE_DISABLED", "PermissionMissing", "Deferred"),
        (429, "RESOURCE_EXHAUSTED", "RESOURCE_EXHAUSTED", "Throttled", "Deferred"),
        (500, "INTERNAL", "INTERNAL_ERROR", "Unavailable", "Deferred"),
        (503, "UNAVAILABLE", "", "Unavailable", "Deferred"),
        (504, "DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED", "Unavailable", "Deferred"),
        (409, "ABORTED", "", "Unavailable", "Deferred"),
        (400, "FAILED_PRECONDITION", "", "Misconfigured", "Deferred"),
        (404, "NOT_FOUND", "NOT_FOUND", "Misconfigured", "Deferred"),
        (501, "UNIMPLEMENTED", "", "RefusedWhole", "Rejected"),
        (400, "INVALID_ARGUMENT", "", "RefusedWhole", "Rejected"),
        (200, "UNAVAILABLE", "", "Unavailable", "Deferred"),
    ] {
        check(&refusal(status, name, reason), verdict, rest);
    }
}

#[test]
fn reasons_decide_and_not_the_path_alone() {
    for reason in ["INVALID_USER_LIST_ID", "TERMS_AND_CONDITIONS_NOT_SIGNED", "NOT_ALLOWLISTED", "INVALID_DESTINATION"]
    {
        check(&violated("destinations[0].product_destination_id", reason), "Misconfigured", "Deferred");
    }
    check(&violated("audience_members[0]", "INVALID_USER_LIST_TYPE"), "Misconfigured", "Deferred");
    check(&violated("terms_of_service", "REQUIRED_FIELD_MISSING"), "Misconfigured", "Deferred");
    check(&violated("audience_members", "TOO_MANY_AUDIENCE_MEMBERS"), "TooLarge", "Deferred");
    check(&violated("audience_members[0]", "MULTIPLE_DATA_TYPES_NOT_ALLOWED"), "RefusedWhole", "Rejected");
    check(&violated("audience_members[1].user_data", "A_REASON_OF_NEXT_YEAR"), "RefusedBisect", "Deferred");
    check(&violated("", "INVALID_SHA256_FORMAT"), "RefusedBisect", "Deferred");
    check(&violated("audience_members[7].user_data", "INVALID_SHA256_FORMAT"), "RefusedBisect", "Deferred");
}

#[test]
fn whoever_is_named_is_rejected_and_the_others_go_again() {
    for (field, position) in [
        ("audience_members[2].user_data.user_identifiers[1].phone_number", 2),
        ("audienceMembers[1].userData", 1),
        ("audience_members.user_data", 0),
    ] {
        let reading = read(&settings("data_manager"), 3, &violated(field, "INVALID_SHA256_FORMAT"));
        assert_eq!((reading.rest, reading.verdict), (Outcome::Deferred(0), Verdict::Ok), "{field}");
        let [(at, Outcome::Rejected(refusal))] = reading.exceptions.as_slice() else { panic!("{field}") };
        assert_eq!((*at, refusal.code.as_str()), (position, "invalid_sha256_format"));
    }
}

#[test]
fn waits_come_from_the_answer() {
    let answer = |details: &str| {
        let body = format!(r#"{{"error":{{"code":429,"status":"RESOURCE_EXHAUSTED","details":[{details}]}}}}"#);
        match read(&settings("data_manager"), 1, &Answer::new(429, body)).verdict {
            Verdict::Throttled(throttle) => throttle.after_ms,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(answer(r#"{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"12.5s"}"#), 12_500);
    let quota = |limit: &str| {
        format!(r#"{{"@type":"x/google.rpc.ErrorInfo","reason":"R","metadata":{{"quota_limit":"{limit}"}}}}"#)
    };
    assert_eq!(answer(&quota("IngestionMutateRequestsPerMinutePerProject")), 60_000);
    assert_eq!(answer(&quota("IngestionMutateRequestsPerDayPerProject")), 3_600_000);
}

#[test]
fn errors_of_the_google_ads_api_are_told_by_code() {
    for (code, verdict) in [
        ("CONCURRENT_MODIFICATION", "Unavailable"),
        ("RESOURCE_TEMPORARILY_EXHAUSTED", "Throttled"),
        ("CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE", "Misconfigured"),
        ("OAUTH_TOKEN_REVOKED", "CredentialInvalid"),
        ("DEVELOPER_TOKEN_PROHIBITED", "PermissionMissing"),
        ("REQUEST_TOO_LARGE", "TooLarge"),
        ("JOB_ALREADY_STARTED", "Unavailable"),
    ] {
        let body = serde_json::json!({"error": {"code": 400, "status": "INVALID_ARGUMENT", "details": [
            {"@type": "type.googleapis.com/google.ads.googleads.v26.errors.GoogleAdsFailure",
             "errors": [{"errorCode": {"anyError": code}, "message": "m"}]},
        ]}});
        let reading = read(&settings("google_ads"), 3, &Answer::new(400, body.to_string()));
        let got = format!("{:?}", reading.verdict).replace("Verdict::", "");
        assert!(got.starts_with(verdict), "{code} is {got}");
    }
}

#[test]
fn partial_failures_name_operations_of_this_call() {
    let error = |code: &str, path: &str| {
        format!(r#"{{"errorCode":{{"offlineUserDataJobError":"{code}"}},"location":{{"fieldPathElements":[{path}]}}}}"#)
    };
    let body = format!(
        r#"{{"partialFailureError":{{"code":3,"message":"m","details":[{{"@type":"x/google.ads.googleads.v22.errors.GoogleAdsFailure","errors":[{},{},{}]}}]}}}}"#,
        error("INVALID_SHA256_FORMAT", r#"{"fieldName":"operations","index":1},{"fieldName":"create"}"#),
        error("INVALID_COUNTRY_CODE", r#"{"fieldName":"operations"}"#),
        error("INTERNAL_ERROR", r#"{"fieldName":"operations","index":2}"#),
    );
    let reading = read(&settings("google_ads"), 4, &Answer::new(200, body));
    let mut fates: Vec<String> =
        reading.exceptions.iter().map(|(at, fate)| format!("{at} {fate:?}").replace("Outcome::", "")).collect();
    fates.sort();
    assert!(fates[0].starts_with("0 Rejected") && fates[0].contains("invalid_country_code"), "{fates:?}");
    assert!(fates[1].starts_with("1 Rejected") && fates[1].contains("invalid_sha256_format"), "{fates:?}");
    assert_eq!(fates[2], "2 Deferred(0)");
    assert_eq!((reading.rest, reading.verdict), (Outcome::Delivered, Verdict::Ok));
}
