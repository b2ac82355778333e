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
        (405, "", "", "Misconfigured", "Deferred"),
        (410, "", "", "Misconfigured", "Deferred"),
        (501, "UNIMPLEMENTED", "", "Misconfigured", "Deferred"),
        (400, "INVALID_ARGUMENT", "", "RefusedWhole", "Rejected"),
        (200, "UNAVAILABLE", "", "Unavailable", "Deferred"),
    ] {
        check(&refusal(status, name, reason), verdict, rest);
    }
}

#[test]
fn the_path_decides_and_the_reason_refines() {
    let unlisted = ["A_REASON_OF_NEXT_YEAR", "INVALID_LINKED_ACCOUNT", "FIELD_VALUE_NOT_SUPPORTED", ""];
    for field in [
        "destinations[0].linked_account",
        "destinations[0].product_destination_id",
        "destinations[1].operating_account.account_id",
        "destinations[0].loginAccount.accountType",
        "destinations",
        "consent.ad_user_data",
        "encoding",
        "encryption_info.gcp_wrapped_key_info",
        "terms_of_service.customer_match_terms_of_service_status",
        "validate_only",
        "a_field_of_next_year",
    ] {
        let known = ["INVALID_USER_LIST_ID", "NOT_ALLOWLISTED", "INVALID_FORMAT", "TOO_MANY_DESTINATIONS", "TOO_MANY"];
        for reason in unlisted.into_iter().chain(known) {
            check(&violated(field, reason), "Misconfigured", "Deferred");
        }
        check(&violated(field, "PERMISSION_DENIED"), "PermissionMissing", "Deferred");
        check(&violated(field, "INTERNAL_ERROR"), "Unavailable", "Deferred");
    }
    for field in ["audience_members[1]", "audience_members[1].user_data", "audienceMembers[1].compositeData.ipData[0]"]
    {
        let known =
            ["INVALID_FORMAT", "INVALID_ENUM_VALUE", "TOO_MANY_ELEMENTS", "REQUIRED_FIELD_MISSING", "NOT_FOUND"];
        for reason in unlisted.into_iter().chain(known) {
            let reading = read(&settings("data_manager"), 3, &violated(field, reason));
            assert_eq!((&reading.rest, &reading.verdict), (&Outcome::Deferred(0), &Verdict::Ok), "{field} {reason}");
            assert!(matches!(reading.exceptions.as_slice(), [(1, Outcome::Rejected(_))]), "{field} {reason}");
        }
        // What is true of the list is no member's, wherever it is put.
        check(&violated(field, "INVALID_USER_LIST_TYPE"), "Misconfigured", "Deferred");
        check(&violated(field, "MULTIPLE_DATA_TYPES_NOT_ALLOWED"), "RefusedWhole", "Rejected");
    }
    check(&violated("audience_members", "TOO_MANY_AUDIENCE_MEMBERS"), "TooLarge", "Deferred");
    for (field, reason) in [
        ("audience_members", "A_REASON_OF_NEXT_YEAR"),
        ("", "INVALID_SHA256_FORMAT"),
        ("audience_members[7].user_data", "INVALID_SHA256_FORMAT"),
        ("audience_members[7].user_data", "A_REASON_OF_NEXT_YEAR"),
    ] {
        check(&violated(field, reason), "RefusedBisect", "Deferred");
    }
}

#[test]
fn one_reason_that_is_known_is_enough_for_a_member() {
    for reasons in
        [["INVALID_SHA256_FORMAT", "A_REASON_OF_NEXT_YEAR"], ["A_REASON_OF_NEXT_YEAR", "INVALID_SHA256_FORMAT"]]
    {
        let violations = reasons.map(|reason| serde_json::json!({"field": "audience_members[1]", "reason": reason}));
        let body = serde_json::json!({"error": {"code": 400, "status": "INVALID_ARGUMENT", "details": [
            {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations},
        ]}});
        let reading = read(&settings("data_manager"), 3, &Answer::new(400, body.to_string()));
        let Some((1, Outcome::Rejected(refusal))) = reading.exceptions.first() else { panic!("{reading:?}") };
        assert_eq!(refusal.code, "invalid_sha256_format");
    }
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
fn the_path_decides_in_the_google_ads_api_too() {
    let fault = |path: serde_json::Value, code: &str| {
        let body = serde_json::json!({"error": {"code": 400, "status": "INVALID_ARGUMENT", "details": [
            {"@type": "type.googleapis.com/google.ads.googleads.v26.errors.GoogleAdsFailure", "errors": [
                {"errorCode": {"anyError": code}, "message": "m", "location": {"fieldPathElements": path}}]},
        ]}});
        read(&settings("google_ads"), 3, &Answer::new(400, body.to_string()))
    };
    let elements = |names: &[&str]| names.iter().map(|name| serde_json::json!({"fieldName": name})).collect();
    for code in ["A_CODE_OF_NEXT_YEAR", "INVALID_USER_LIST_RESOURCE", "REQUIRED_FIELD_MISSING"] {
        for path in
            [&["job", "customer_match_user_list_metadata", "user_list"][..], &["customer_id"], &["enable_warnings"]]
        {
            let reading = fault(elements(path), code);
            assert!(matches!(reading.verdict, Verdict::Misconfigured(_)), "{path:?} {code}: {reading:?}");
        }
        let operation = serde_json::json!([
            {"fieldName": "operations", "index": 2}, {"fieldName": "create"}, {"fieldName": "user_identifiers", "index": 0},
        ]);
        let reading = fault(operation, code);
        assert_eq!((reading.rest, reading.verdict), (Outcome::Deferred(0), Verdict::Ok), "{code}");
        assert!(matches!(reading.exceptions.as_slice(), [(2, Outcome::Rejected(_))]), "{code}");
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
