use crate::testing::{Fixture, Person, Script};
use crate::{
    Answer, Batch, Context, Destination, Failure, Mapping, Outcome, Place, Reading, Report, Request, Sent, Tally,
    Throttle, Verdict,
};

/// Two requests about the same members, then one about the last member alone.
struct Steps;

impl Destination for Steps {
    type Settings = serde_json::Value;

    fn map(_: &Context<Self::Settings>, batch: &Batch<'_>, out: &mut Mapping) {
        let all: Vec<u32> = batch.members().map(crate::Member::index).collect();
        let last = all.last().copied().into_iter().collect();
        let request = || Request::post("https://api.example.com");
        out.deliver_all("join", vec![(all.clone(), request()), (all, request()), (last, request())]);
    }

    fn read(_: &Context<Self::Settings>, sent: &Sent<'_>, answer: &Answer) -> Reading {
        assert_eq!(sent.members().count(), sent.len());
        match answer.text().parse::<usize>() {
            Ok(position) => Reading::delivered().reject(position, "bad", "it is bad"),
            Err(_) => answer.classify("api").unwrap_or_else(Reading::delivered),
        }
    }
}

fn send(answers: Vec<Result<Answer, Failure>>) -> Report {
    let fixture = Fixture::new().member(Person::added("a")).member(Person::added("b"));
    let mut reports = fixture.send::<Steps>(&mut Script::new(answers));
    reports.remove(0).1
}

fn fates(report: &Report) -> Vec<String> {
    let mut fates: Vec<_> = report
        .fates
        .iter()
        .map(|fate| format!("{:?} {:?}", fate.members, fate.outcome).replace("Outcome::", ""))
        .collect();
    fates.sort();
    fates
}

fn ok() -> Result<Answer, Failure> {
    Ok(Answer::new(200, "{}"))
}

#[test]
fn all_requests_well_is_delivered() {
    let report = send(vec![ok(), ok(), ok()]);
    assert_eq!(fates(&report), ["[0, 1] Delivered"]);
    assert_eq!(report.verdict, Verdict::Ok);
}

#[test]
fn members_of_requests_that_were_not_sent_are_deferred() {
    let report = send(vec![ok(), Ok(Answer::new(429, "").with_header("retry-after", "7"))]);
    assert_eq!(fates(&report), ["[0, 1] Deferred(7000)"]);
    assert_eq!(report.verdict, Verdict::Throttled(Throttle { bucket: "api".to_owned(), after_ms: 7_000 }));
    let report = send(vec![Ok(Answer::new(413, ""))]);
    assert_eq!(fates(&report), ["[0, 1] Deferred(0)"]);
    assert_eq!(report.verdict, Verdict::TooLarge);
}

#[test]
fn of_two_fates_the_one_that_leaves_more_to_do_holds() {
    let report = send(vec![Ok(Answer::new(200, "0")), ok(), ok()]);
    assert_eq!(fates(&report).len(), 2);
    assert!(fates(&report)[0].starts_with("[0] Rejected"), "{report:?}");
    assert_eq!(fates(&report)[1], "[1] Delivered");
}

#[test]
fn a_missing_answer_is_unknown_only_where_bytes_left() {
    let why = || "why".to_owned();
    let cases = [
        (Failure::Unreachable(why()), "[0, 1] Deferred(1000)", Verdict::Unavailable(why())),
        (Failure::Denied(why()), "[0, 1] Deferred(0)", Verdict::Misconfigured(why())),
        (Failure::Interrupted(why()), "[0, 1] Unknown", Verdict::Unavailable(why())),
    ];
    for (failure, expect, verdict) in cases {
        let report = send(vec![Err(failure)]);
        assert_eq!(fates(&report), [expect]);
        assert_eq!(report.verdict, verdict);
    }
    assert_eq!(fates(&send(vec![Err(Failure::TooLarge(9))])), ["[0, 1] Unknown"]);
}

#[test]
fn an_answer_about_a_record_that_was_not_sent_delivers_nobody() {
    let report = send(vec![Ok(Answer::new(200, "7")), ok(), ok()]);
    assert_eq!(fates(&report), ["[0, 1] Deferred(0)"]);
    assert_eq!(report.warnings[0].code, "answer_names_no_member");
}

#[test]
fn a_report_names_every_member_once() {
    let mut tally = Tally::new(4);
    tally.read(&[0, 1, 9], Reading::delivered());
    tally.read(&[1, 2], Reading::all(Outcome::Unknown));
    tally.settle(77, Outcome::Delivered);
    let report = tally.finish();
    assert_eq!(fates(&report), ["[0] Delivered", "[1, 2] Unknown", "[3] Deferred(0)"]);
}

#[test]
fn settings_that_do_not_fit_reject_in_map_and_defer_in_send() {
    struct Typed;

    #[derive(serde::Deserialize)]
    struct Settings {
        _endpoint: String,
    }

    impl Destination for Typed {
        type Settings = Settings;

        fn map(_: &Context<Settings>, _: &Batch<'_>, _: &mut Mapping) {}

        fn read(_: &Context<Settings>, _: &Sent<'_>, _: &Answer) -> Reading {
            Reading::delivered()
        }
    }

    let fixture = Fixture::new().member(Person::added("a"));
    assert_eq!(fixture.validate::<Typed>()[0].place, Place::Setting("_endpoint".to_owned()));
    assert_eq!(fixture.map::<Typed>().rejections[0].code, "settings_unreadable");
    let report = fixture.probe::<Typed>(&mut Script::default());
    assert!(matches!(report.verdict, Verdict::Misconfigured(_)));
}
