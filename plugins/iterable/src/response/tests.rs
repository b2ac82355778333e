use enroute_sdk::testing::{Fixture, Person, Script};
use enroute_sdk::{Answer, Outcome, Verdict};
use serde_json::json;

use crate::Iterable;

fn fixture() -> Fixture {
    Fixture::new()
        .setting("project_type", "hybrid")
        .identifier_field("userId")
        .identifier_field("email")
        .limit("enter", 1_000, 4_000_000)
}

/// Sends four users, and gives how each fared.
fn fates(status: u16, body: &str) -> (Vec<String>, Verdict) {
    let fixture = ["a", "b", "c", "d"]
        .iter()
        .fold(fixture(), |fixture, id| fixture.member(Person::added(id).identifier("userId", *id)));
    let report = fixture.send::<Iterable>(&mut Script::new([Ok(Answer::new(status, body))])).remove(0).1;
    let mut fates = vec![String::new(); 4];
    for fate in &report.fates {
        for member in &fate.members {
            fates[*member as usize] = match &fate.outcome {
                Outcome::Rejected(refusal) => refusal.code.clone(),
                Outcome::Unchanged(code) => format!("unchanged {code}"),
                other => format!("{other:?}").to_lowercase(),
            };
        }
    }
    (fates, report.verdict)
}

#[test]
fn every_documented_code_has_a_verdict() {
    let check = |status, code: &str, expect: &str| {
        let body = json!({"code": code, "msg": "text", "params": null}).to_string();
        let (fates, verdict) = fates(status, &body);
        let word = format!("{verdict:?}");
        assert!(word.starts_with(&format!("Verdict::{expect}")) || word.starts_with(expect), "{code}: {word}");
        assert!(
            fates.iter().all(|fate| fate.starts_with("outcome::deferred") || fate.starts_with("deferred")),
            "{code}: {fates:?}"
        );
    };
    for (status, code, expect) in [
        (401, "BadApiKey", "CredentialInvalid"),
        (401, "BadAuthorizationHeader", "CredentialInvalid"),
        (401, "Success", "CredentialInvalid"),
        (400, "BadApiKey", "CredentialInvalid"),
        (401, "InvalidJwtPayload", "CredentialInvalid"),
        (401, "JwtUserIdentifiersMismatched", "CredentialInvalid"),
        (403, "Forbidden", "PermissionMissing"),
        (400, "BatchTooLarge", "TooLarge"),
        (400, "BadJsonBody", "RefusedBisect"),
        (400, "BadParams", "RefusedBisect"),
        (400, "ForbiddenParamsError", "RefusedWhole"),
        (500, "DatabaseError", "Unavailable"),
        (500, "QueueEmailError", "Unavailable"),
        (503, "GenericError", "Unavailable"),
        (429, "RateLimitExceeded", "Throttled"),
        (400, "RequestFieldsTypesMismatched", "RefusedBisect"),
        (400, "UniqueFieldsLimitExceeded", "RefusedWhole"),
        (404, "NotFound", "Misconfigured"),
        (400, "InvalidEmailAddressError", "RefusedBisect"),
        (400, "InvalidUserIdError", "RefusedBisect"),
        (400, "UnknownEmailError", "RefusedBisect"),
        (409, "ForgottenUserError", "RefusedBisect"),
        (409, "EmailAlreadyExists", "RefusedBisect"),
        (409, "ExternalKeyConflict", "RefusedBisect"),
        (400, "NeverHeardOf", "RefusedBisect"),
        (418, "NeverHeardOf", "RefusedWhole"),
    ] {
        check(status, code, expect);
    }
}

#[test]
fn of_two_reasons_the_graver_one_counts() {
    let body = json!({"successCount": 3, "failCount": 1,
        "failedUpdates": {"notFoundUserIds": ["b"], "conflictUserIds": ["b"], "forgottenUserIds": ["b"]}});
    let (fates, verdict) = fates(200, &body.to_string());
    assert_eq!(fates[1], "identity_conflict");
    assert_eq!(verdict, Verdict::Ok);
}

#[test]
fn undocumented_members_of_an_answer_do_no_harm() {
    let body = json!({"successCount": 4, "failCount": 0, "noOpUserIds": ["a"], "disallowedEventNames": [],
        "failedUpdates": {"noOpEmails": ["x"], "anything": 7, "invalidEmails": null}, "createdFields": null});
    let (fates, verdict) = fates(200, &body.to_string());
    assert!(fates.iter().all(|fate| fate.ends_with("delivered")), "{fates:?}");
    assert_eq!(verdict, Verdict::Ok);
}

#[test]
fn a_forgotten_person_appears_in_no_sentence() {
    let body = json!({"successCount": 2, "failCount": 2, "failedUpdates": {"forgottenUserIds": ["forgotten-1"]}});
    let fixture = fixture()
        .member(Person::added("a").identifier("userId", "forgotten-1"))
        .member(Person::added("b").identifier("userId", "b"));
    let report = fixture.send::<Iterable>(&mut Script::new([Ok(Answer::new(200, body.to_string()))])).remove(0).1;
    assert!(!format!("{report:?}").contains("forgotten-1"));
    assert!(matches!(report.verdict, Verdict::RefusedBisect(_)));
}

#[test]
fn a_list_that_nobody_knows_names_its_users() {
    let body = json!({"successCount": 2, "failCount": 2, "failedUpdates": {
        "lockedUserIds": ["b"], "conflictUserIds": ["c"], "noOpUserIds": ["a"]}});
    let (named, verdict) = fates(200, &body.to_string());
    assert_eq!((named[1].as_str(), named[2].as_str(), verdict), ("refused", "identity_conflict", Verdict::Ok));
    assert!(named[0].ends_with("delivered") && named[3].ends_with("delivered"), "{named:?}");
}

#[test]
fn a_part_of_the_request_that_is_no_users_pauses_the_connection() {
    let verdict = |path: &str| {
        let body = json!({"code": "BadJsonBody", "msg": "odd", "params": {path: [{"msg": ["error.odd"]}]}});
        fates(400, &body.to_string()).1
    };
    assert!(matches!(verdict("obj.listId"), Verdict::Misconfigured(_)));
    assert!(matches!(verdict("obj.createNewFields"), Verdict::Misconfigured(_)));
    assert!(matches!(verdict("obj.users"), Verdict::RefusedBisect(_)));
    assert!(matches!(verdict("obj.users[9].email"), Verdict::RefusedBisect(_)));
    assert!(matches!(verdict("odd"), Verdict::RefusedBisect(_)));
    assert_eq!(verdict("obj.users[1].email"), Verdict::Ok);
}
