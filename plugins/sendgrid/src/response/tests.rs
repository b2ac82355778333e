use enroute_sdk::testing::{Fixture, Person, Script};

use super::*;
use crate::SendGrid;

fn three() -> Fixture {
    ["a", "b", "c"].iter().fold(
        Fixture::new()
            .setting("base_url", "https://api.sendgrid.com")
            .setting("list_id", "0f6a3f4e-6b1f-4b0c-9a63-0d6c2f4f9d11")
            .identifier_field("email")
            .limit("upsert", 100, 1_000_000),
        |all, id| all.member(Person::added(id).identifier("email", format!("{id}@example.com").as_str())),
    )
}

/// The fates of three members, and the verdict.
#[track_caller]
fn check(answer: Answer, expect: &str) {
    let reports = three().send::<SendGrid>(&mut Script::new([Ok(answer)]));
    let report = &reports.first().expect("one delivery").1;
    let fate = |member: u32| {
        let found = report.fates.iter().find(|fate| fate.members.contains(&member)).expect("everybody has one");
        word(&found.outcome)
    };
    let verdict = format!("{:?}", report.verdict);
    let verdict = verdict.trim_start_matches("Verdict::").split(['(', ' ']).next().unwrap_or_default().to_owned();
    assert_eq!(format!("{} | {} | {} | {verdict}", fate(0), fate(1), fate(2)), expect);
}

fn refused(entry: &str) -> Answer {
    Answer::new(400, format!("{{\"errors\":[{entry}]}}"))
}

#[test]
fn a_complaint_rejects_whom_it_names() {
    let entry = r#"{"field":"contacts[1].identifier","message":"email 'x' is not valid"}"#;
    check(refused(entry), "later 0 | email_refused | later 0 | Ok");
    let entry = r#"{"field":"","message":"email 'C@example.com' is not valid"}"#;
    check(refused(entry), "later 0 | later 0 | email_refused | Ok");
    let entry =
        r#"{"field":"contacts[0].phone_number_id","message":"bad"},{"field":"contacts[2].city","message":"long"}"#;
    check(refused(entry), "phone_refused | later 0 | contact_refused | Ok");
}

#[test]
fn a_complaint_without_a_contact_blames_nobody() {
    let entry = r#"{"field":"contacts","message":"invalid"}"#;
    check(refused(entry), "later 0 | later 0 | later 0 | RefusedBisect");
    check(Answer::new(400, "<html>"), "later 0 | later 0 | later 0 | RefusedBisect");
    let entry = r#"{"field":"contacts[7].email","message":"bad"}"#;
    check(refused(entry), "later 0 | later 0 | later 0 | RefusedBisect");
}

#[test]
fn of_two_complaints_about_a_contact_the_one_that_says_more_holds() {
    let [known, unknown] =
        ["contacts[1].email", "contacts[1].odd"].map(|field| format!(r#"{{"field":"{field}","message":"odd"}}"#));
    for entries in [format!("{known},{unknown}"), format!("{unknown},{known}")] {
        check(refused(&entries), "later 0 | email_refused | later 0 | Ok");
    }
}

#[test]
fn success_has_a_job() {
    check(Answer::new(202, r#"{"job_id":"7d8e"}"#), "upsert:0:7d8e | upsert:0:7d8e | upsert:0:7d8e | Ok");
    check(Answer::new(202, "{}"), "unknown | unknown | unknown | Unavailable");
    check(Answer::new(200, "<html>"), "unknown | unknown | unknown | Unavailable");
    check(Answer::new(202, ""), "unknown | unknown | unknown | Unavailable");
    check(Answer::new(202, r#"{"job_id":"a/b"}"#), "unknown | unknown | unknown | Unavailable");
}

#[test]
fn an_empty_window_closes_the_bucket_before_sendgrid_does() {
    let answer = Answer::new(202, r#"{"job_id":"7d8e"}"#)
        .with_header("Date", "Mon, 23 Nov 2026 10:00:00 GMT")
        .with_header("X-RateLimit-Remaining", "0")
        .with_header("X-RateLimit-Reset", "1795428003");
    check(answer, "upsert:0:7d8e | upsert:0:7d8e | upsert:0:7d8e | Throttled");
}

#[test]
fn statuses_have_their_verdicts() {
    for (status, verdict) in [
        (401, "CredentialInvalid"),
        (403, "PermissionMissing"),
        (404, "Misconfigured"),
        (406, "RefusedWhole"),
        (413, "TooLarge"),
        (415, "RefusedWhole"),
        (500, "Unavailable"),
        (503, "Unavailable"),
    ] {
        check(Answer::new(status, "{}"), &format!("later 0 | later 0 | later 0 | {verdict}"));
    }
}

fn word(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Rejected(refusal) => refusal.code.clone(),
        Outcome::Accepted(ticket) => ticket.token.clone(),
        Outcome::Deferred(ms) => format!("later {ms}"),
        Outcome::Unchanged(code) => code.clone(),
        Outcome::Delivered => "delivered".to_owned(),
        Outcome::Unknown => "unknown".to_owned(),
    }
}

fn fates(report: &Report) -> Vec<String> {
    let mut fates: Vec<(u32, String)> =
        report.fates.iter().flat_map(|fate| fate.members.iter().map(|member| (*member, word(&fate.outcome)))).collect();
    fates.sort();
    fates.into_iter().map(|(_, word)| word).collect()
}

#[test]
fn each_ticket_has_its_own_members() {
    use enroute_sdk::bindings::enroute::destination::types::{OpenTicket, ResumeWork, Work};
    let fixture = three();
    let ticket = |token: &str, first_member, members| OpenTicket {
        token: token.to_owned(),
        request_key: String::new(),
        first_member,
        members,
    };
    let tickets = vec![ticket("upsert:0:one", 0, 1), ticket("move:0:two,three", 1, 1), ticket("upsert:2:four", 2, 1)];
    let work = Work::Resume(ResumeWork { tickets, identifiers: fixture.packed().identifiers });
    let status = |text: &str| Ok(Answer::new(200, format!("{{\"status\":{text}}}")));
    let errored = r#""errored","results":{"errored_count":1,"errors_url":"https://files.amazonaws.com/x.csv"}"#;
    let mut script = Script::new([
        status("\"completed\""),
        status("\"completed\""),
        status("\"pending\""),
        status(errored),
        Ok(Answer::new(200, "email,error\nC@example.com,phone is bad\n")),
    ]);
    let report = fixture.work::<SendGrid>(work, &mut script);
    assert_eq!(fates(&report), ["delivered", "move:1:three", "phone_refused"]);
    assert_eq!((script.left(), report.unattributed.len()), (0, 0));
}

#[test]
fn contacts_that_do_not_fit_leave_later() {
    let sent = |id: &str, count: usize| {
        (0..count)
            .fold(Person::removed(id), |person, n| person.sent([("email", format!("{id}{n}@example.com").as_str())]))
    };
    let fixture = Fixture::new()
        .setting("base_url", "https://api.sendgrid.com")
        .setting("list_id", "l-1")
        .identifier_field("email")
        .limit("remove", 100, 8_192)
        .member(sent("a", 60))
        .member(sent("b", 60));
    let found = |ids: &mut dyn Iterator<Item = String>| {
        let entries: Vec<String> = ids
            .map(|id| format!("\"{id}@example.com\":{{\"contact\":{{\"id\":\"{id}\",\"list_ids\":[\"l-1\"]}}}}"))
            .collect();
        Ok(Answer::new(200, format!("{{\"result\":{{{}}}}}", entries.join(","))))
    };
    // Searched in order, 100 in the first request.
    let mut ids: Vec<String> = ["a", "b"].iter().flat_map(|id| (0..60).map(move |n| format!("{id}{n}"))).collect();
    ids.sort_by_key(|id| format!("{id}@example.com"));
    let mut script = Script::new([
        found(&mut ids.iter().take(100).cloned()),
        found(&mut ids.iter().skip(100).cloned()),
        Ok(Answer::new(202, r#"{"job_id":"j"}"#)),
    ]);
    let reports = fixture.send::<SendGrid>(&mut script);
    let report = &reports.first().expect("one delivery").1;
    assert_eq!(fates(report), ["remove:0:j", "later 0"]);
    assert_eq!(script.left(), 0);
}
