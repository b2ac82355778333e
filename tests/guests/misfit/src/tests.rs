use enroute_sdk::testing::{Fixture, Person, Script};
use enroute_sdk::{Answer, Outcome, Report};

use super::Misfit;

fn fixture(mode: &str) -> Fixture {
    let person = |id: &str, value: &str| Person::added(id).identifier("id", id).value("value", value);
    Fixture::new()
        .setting("base_url", "https://api.example.com")
        .setting("mode", mode)
        .identifier_field("id")
        .row("value", "value")
        .limit("post", 100, 1 << 20)
        .member(person("u1", "a"))
        .member(person("u2", "b"))
}

#[track_caller]
fn check_map(mode: &str, expect: &[&[u32]]) {
    let mapped = fixture(mode).map::<Misfit>();
    let members: Vec<_> =
        mapped.deliveries.iter().flat_map(|delivery| &delivery.requests).map(|request| &request.members[..]).collect();
    assert_eq!(members, expect, "{mode}");
}

#[test]
fn members_go_into_one_request() {
    let mapped = fixture("ok").map::<Misfit>();
    let request = &mapped.deliveries[0].requests[0].request;
    let body = String::from_utf8(request.body.clone()).unwrap();
    assert_eq!(body, r#"{"members":[{"id":"u1","value":"a"},{"id":"u2","value":"b"}]}"#);
    check_map("ok", &[&[0, 1]]);
    check_map("trap", &[&[0, 1]]);
}

#[test]
fn each_wrong_result_is_wrong_in_its_own_way() {
    check_map("leave_out", &[&[1]]);
    check_map("twice", &[&[0, 1], &[0]]);
    check_map("stranger", &[&[0, 1], &[2]]);
}

fn outcomes(report: &Report) -> Vec<(&[u32], &Outcome)> {
    report.fates.iter().map(|fate| (&fate.members[..], &fate.outcome)).collect()
}

#[test]
fn a_ticket_is_asked_for_until_its_job_is_done() {
    let mut script = Script::new([Ok(Answer::new(202, r#"{"job":"j1"}"#))]);
    let sent = fixture("ticket").send::<Misfit>(&mut script);
    assert!(matches!(outcomes(&sent[0].1)[0].1, Outcome::Accepted(ticket) if ticket.token == "j1"));
    let mut script = Script::new([Ok(Answer::new(200, r#"{"state":"running"}"#))]);
    let report = fixture("ticket").resume::<Misfit>("j1", &mut script);
    assert!(matches!(outcomes(&report)[0].1, Outcome::Accepted(_)));
    let mut script = Script::new([Ok(Answer::new(200, r#"{"state":"done","refused":[1]}"#))]);
    let report = fixture("ticket").resume::<Misfit>("j1", &mut script);
    assert!(outcomes(&report).contains(&(&[0], &Outcome::Delivered)));
}

#[test]
fn a_derived_request_follows_the_delivery() {
    let mut script = Script::new([Ok(Answer::new(200, "")), Ok(Answer::new(200, ""))]);
    let sent = fixture("derived").send::<Misfit>(&mut script);
    assert_eq!(outcomes(&sent[0].1), [(&[0, 1][..], &Outcome::Delivered)]);
    assert_eq!(script.called().len(), 2);
}
