use super::codes::REFUSALS;
use super::*;

fn fates(reading: &Reading, records: usize) -> Vec<Outcome> {
    let own = |position| reading.exceptions.iter().find(|(at, _)| *at == position).map(|(_, outcome)| outcome.clone());
    (0..records).map(|position| own(position).unwrap_or_else(|| reading.rest.clone())).collect()
}

fn read(status: u16, body: &str) -> Reading {
    collection(2, &Answer::new(status, body), Doing::Upsert)
}

#[test]
fn http_200_is_not_success() {
    for body in
        ["{}", "[]", "[{}]", "null", r#"[{"success":false}]"#, r#"[{"success":true,"errors":[{"statusCode":"X"}]}]"#]
    {
        assert_eq!(fates(&read(200, body), 2), [Outcome::Unknown, Outcome::Unknown], "{body}");
    }
}

#[test]
fn every_code_of_the_table_is_a_rejection_or_passes() {
    for (code, ..) in REFUSALS {
        let body = format!(
            r#"[{{"success":false,"errors":[{{"statusCode":"{code}","message":"Ann's"}}]}},{{"id":"x","success":true}}]"#
        );
        let first = fates(&read(200, &body), 2).remove(0);
        let Outcome::Rejected(refusal) = first else { panic!("{code}: {first:?}") };
        assert!(!refusal.reason.contains("Ann"), "{code}: messages quote what records hold");
    }
    for code in ["UNABLE_TO_LOCK_ROW", "UNKNOWN_EXCEPTION", "SERVER_UNAVAILABLE", "ALL_OR_NONE_OPERATION_ROLLED_BACK"] {
        let body = format!(r#"[{{"success":false,"errors":[{{"statusCode":"{code}"}}]}},{{"id":"x","success":true}}]"#);
        assert!(matches!(fates(&read(200, &body), 2)[0], Outcome::Deferred(_)), "{code}");
    }
}

#[test]
fn one_reason_to_refuse_a_record_is_enough_in_either_order() {
    let code = |codes: [&str; 2]| {
        let errors = codes.map(|code| format!(r#"{{"statusCode":"{code}","message":"m"}}"#)).join(",");
        let body = format!(r#"[{{"success":false,"errors":[{errors}]}},{{"id":"x","success":true}}]"#);
        match fates(&read(200, &body), 2).remove(0) {
            Outcome::Rejected(refusal) => refusal.code,
            other => format!("{other:?}"),
        }
    };
    for other in ["A_CODE_OF_NEXT_YEAR", "words that are no code", "UNABLE_TO_LOCK_ROW", ""] {
        assert_eq!(code(["STRING_TOO_LONG", other]), "string_too_long", "{other}");
        assert_eq!(code([other, "STRING_TOO_LONG"]), "string_too_long", "{other}");
    }
    assert_eq!(code(["A_CODE_OF_NEXT_YEAR", "words that are no code"]), "refused");
}

#[test]
fn errors_of_the_whole_have_a_verdict_and_blame_nobody() {
    let verdict = |status, code: &str| read(status, &format!(r#"[{{"errorCode":"{code}","message":"m"}}]"#)).verdict;
    assert!(matches!(verdict(400, "JSON_PARSER_ERROR"), Verdict::RefusedBisect(_)));
    assert!(matches!(verdict(400, "MALFORMED_QUERY"), Verdict::RefusedWhole(_)));
    assert!(matches!(verdict(400, "INVALID_TYPE"), Verdict::Misconfigured(_)));
    assert!(matches!(verdict(400, "EXCEEDED_ID_LIMIT"), Verdict::TooLarge));
    assert!(matches!(verdict(400, "UNABLE_TO_LOCK_ROW"), Verdict::Unavailable(_)));
    assert!(matches!(verdict(401, "INVALID_AUTH_HEADER"), Verdict::CredentialInvalid(_)));
    assert!(matches!(verdict(403, "ORG_LOCKED"), Verdict::CredentialInvalid(_)));
    assert!(matches!(verdict(403, "INSUFFICIENT_ACCESS"), Verdict::PermissionMissing(_)));
    assert!(matches!(verdict(404, "NOT_FOUND"), Verdict::Misconfigured(_)));
    assert!(matches!(verdict(405, "METHOD_NOT_ALLOWED"), Verdict::RefusedWhole(_)));
    assert!(matches!(verdict(410, "GONE"), Verdict::Misconfigured(_)));
    assert!(matches!(verdict(414, ""), Verdict::TooLarge));
    assert!(matches!(verdict(431, ""), Verdict::TooLarge));
    assert!(matches!(verdict(420, ""), Verdict::Unavailable(_)));
    assert!(matches!(verdict(500, "UNKNOWN_EXCEPTION"), Verdict::Unavailable(_)));
    assert!(matches!(verdict(503, "SERVER_UNAVAILABLE"), Verdict::Unavailable(_)));
    for status in [301, 400, 401, 403, 404, 405, 410, 420, 429, 500, 503] {
        let fates = fates(&read(status, "<html>"), 2);
        assert!(fates.iter().all(|fate| matches!(fate, Outcome::Deferred(_))), "{status}: {fates:?}");
    }
}

#[test]
fn a_composite_is_read_by_reference_whatever_its_order() {
    let part = |reference: &str, status: u16, body: &str| {
        format!(r#"{{"body":{body},"httpHeaders":{{}},"httpStatusCode":{status},"referenceId":"{reference}"}}"#)
    };
    let parts = [part("b", 204, "null"), part("a", 400, r#"[{"errorCode":"STRING_TOO_LONG","message":""}]"#)].join(",");
    let answer = Answer::new(200, format!("{{\"compositeResponse\":[{parts}]}}"));
    let references = ["a", "b", "c"].map(str::to_owned);
    let fates = fates(&composite(&references, &answer), 3);
    assert!(matches!(&fates[0], Outcome::Rejected(refusal) if refusal.code == "string_too_long"));
    assert_eq!(fates[1..], [Outcome::Delivered, Outcome::Unknown]);
}
