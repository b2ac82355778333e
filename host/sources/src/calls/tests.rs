use super::*;

/// Ten seconds after 1970 began.
const RECEIVED_MS: i64 = 10_000;

fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap()
}

fn arrival(sealer: &Sealer) -> Arrival<'_> {
    Arrival { kind: None, received_ms: RECEIVED_MS, sent_ms: None, sealer }
}

#[track_caller]
fn check_call(line: &str, expect: &str) {
    let sealer = Sealer::new(&[7; 32]);
    let line = raw(line);
    let got = match check(&line, &arrival(&sealer)) {
        Ok(Checked { call, moved_ms, .. }) => {
            let part = |text: &Option<Cow<'_, str>>| text.as_deref().unwrap_or("-").to_owned();
            let data = call.data.as_deref().map_or("-", RawValue::get);
            let ids = [&call.user, &call.anonymous, &call.previous].map(part).join("/");
            format!("{} {ids} {} {} {moved_ms} {data}", call.kind, part(&call.name), call.at_ms)
        }
        Err((kind, fault)) => format!("{}: {}", kind.map_or("-", CallKind::as_str), fault.as_str()),
    };
    assert_eq!(got, expect, "{line}");
}

#[test]
fn a_call_says_who_what_and_when() {
    check_call(
        r#"{"type":"track","userId":"u1","anonymousId":null,"event":"Order","properties":{"n":1.50},"timestamp":"1970-01-01T00:00:09.000Z","context":{"library":{}},"integrations":{"All":true}}"#,
        r#"track u1/-/- Order 9000 0 {"n":1.50}"#,
    );
    check_call(r#"{"type":"identify","userId":7,"traits":{"plan":null}}"#, r#"identify 7/-/- - 10000 0 {"plan":null}"#);
    check_call(r#"{"type":"identify","anonymousId":"a1","traits":null}"#, "identify -/a1/- - 10000 0 -");
    check_call(
        r#"{"type":"page","anonymousId":"a1","name":"Home","properties":{"url":"x"}}"#,
        "page -/a1/- - 10000 0 -",
    );
    check_call(r#"{"type":"screen","userId":"u1"}"#, "screen u1/-/- - 10000 0 -");
    check_call(r#"{"type":"group","userId":"u1","groupId":5,"traits":{}}"#, "group u1/-/- - 10000 0 -");
    check_call(r#"{"type":"alias","userId":"u1","previousId":"a1"}"#, "alias u1/-/a1 - 10000 0 -");
}

#[test]
fn what_is_wrong_with_a_call_has_the_words_that_people_know() {
    check_call(r#"{"userId":"u1","event":"Order"}"#, "-: call_type");
    check_call(r#"{"type":"click","userId":"u1"}"#, "-: call_type");
    check_call(r#"{"type":"track","event":"Order"}"#, "track: no_user_anon_id");
    check_call(r#"{"type":"track","userId":"","anonymousId":" ","event":"Order"}"#, "track: no_user_anon_id");
    check_call(r#"{"type":"track","userId":"u1"}"#, "track: event_not_defined");
    check_call(r#"{"type":"track","userId":"u1","event":""}"#, "track: event_not_defined");
    check_call(r#"{"type":"track","userId":"u1","event":5}"#, "track: event_not_string");
    check_call(r#"{"type":"track","userId":"u1","event":"Order","properties":[]}"#, "track: properties_not_object");
    check_call(r#"{"type":"page","userId":"u1","properties":"x"}"#, "page: properties_not_object");
    check_call(r#"{"type":"identify","userId":"u1","traits":"x"}"#, "identify: traits_not_object");
    check_call(r#"{"type":"alias","userId":"u1"}"#, "alias: id_required");
    check_call(r#"{"type":"alias","previousId":"u1"}"#, "alias: id_required");
    check_call(r#"{"type":"group","userId":"u1"}"#, "group: id_required");
    check_call(r#"{"type":"track","userId":["u1"],"event":"Order"}"#, "track: bad_id");
    check_call(r#"{"type":"track","userId":"anonymous:a1","event":"Order"}"#, "track: bad_id");
    check_call(&format!(r#"{{"type":"identify","userId":"{}"}}"#, "x".repeat(513)), "identify: bad_id");
    check_call(r#"{"type":"identify","userId":"u1","timestamp":"yesterday"}"#, "identify: time");
    check_call(r#"{"type":"identify","userId":"u1","timestamp":5}"#, "identify: time");
    check_call(r#"["u1"]"#, "-: invalid_call");
    check_call(r#"{"type":"identify","userId":"u1","userId":"u2"}"#, "-: invalid_call");
    check_call(r#"{"type":"identify","userId":"u1","traits":{"n":"\ud800"}}"#, "-: invalid_call");
    let deep = format!(r#"{{"type":"identify","userId":"u1","traits":{{"n":{}{}}}}}"#, "[".repeat(63), "]".repeat(63));
    check_call(&deep, "-: invalid_call");
    let long = format!(r#"{{"type":"identify","userId":"u1","traits":{{"n":"{}"}}}}"#, "x".repeat(CALL_BYTES_MAX));
    check_call(&long, "-: payload_too_large");
}

#[test]
fn an_id_for_nobody_is_none() {
    for nobody in ["0", "00-00", "-1", "null", "Undefined", "ANONYMOUS", "-"] {
        let line = format!(r#"{{"type":"identify","userId":"{nobody}","anonymousId":"a1"}}"#);
        check_call(&line, "identify -/a1/- - 10000 0 -");
    }
    check_call(r#"{"type":"identify","userId":0}"#, "identify: no_user_anon_id");
}

#[test]
fn a_wrong_clock_is_put_right_by_the_moment_of_sending() {
    let at = |timestamp: &str, sent: &str| {
        format!(r#"{{"type":"identify","userId":"u1","timestamp":"{timestamp}","sentAt":{sent}}}"#)
    };
    // Two days ahead, and sent three seconds after it happened.
    let ahead = at("1970-01-03T00:00:00.000Z", "\"1970-01-03T00:00:03+00:00\"");
    check_call(&ahead, "identify u1/-/- - 7000 -172793000 -");
    // A history that is imported now.
    check_call(&at("1970-01-01T00:00:01Z", "\"1970-01-01T00:00:10Z\""), "identify u1/-/- - 1000 0 -");
    // Never later than it came, whatever is said.
    check_call(&at("1970-01-01T00:00:20Z", "\"1970-01-01T00:00:10Z\""), "identify u1/-/- - 10000 -10000 -");
    check_call(&at("1970-01-01T00:00:20Z", "null"), "identify u1/-/- - 10000 -10000 -");
    check_call(&at("1970-01-01T00:00:05.123456+00:00", "\"soon\""), "identify u1/-/- - 5123 0 -");
    let sealer = Sealer::new(&[7; 32]);
    let line = raw(r#"{"type":"identify","userId":"u1","timestamp":"1970-01-01T00:01:00Z"}"#);
    let of_the_batch = Arrival { sent_ms: Some(62_000), ..arrival(&sealer) };
    assert_eq!(check(&line, &of_the_batch).unwrap().call.at_ms, 8000);
}

#[test]
fn a_call_that_is_sent_again_is_the_same_call() {
    let sealer = Sealer::new(&[7; 32]);
    let hash = |line: &str| check(&raw(line), &arrival(&sealer)).unwrap().call.message;
    let first =
        hash(r#"{"type":"track","userId":"u1","event":"Order","sentAt":"1970-01-01T00:00:01Z","writeKey":"k"}"#);
    assert_eq!(first, hash(r#"{"type":"track","userId":"u1","event":"Order","sentAt":"1970-01-01T00:00:02Z"}"#));
    assert_ne!(first, hash(r#"{"type":"track","userId":"u1","event":"Orders"}"#));
    let named = hash(r#"{"type":"track","userId":"u1","event":"Order","messageId":"m1"}"#);
    assert_eq!(named, hash(r#"{"type":"identify","userId":"u2","messageId":"m1"}"#));
    assert_eq!(named, message_hash(&sealer, Ok("m1")), "a file has the call under the same name");
}

#[test]
fn a_body_is_a_batch_or_a_call() {
    let sent = batch(br#"{"batch":[{"a":1}, 5],"writeKey":"k","sentAt":"1970-01-01T00:00:01Z","sequence":1}"#).unwrap();
    let calls: Vec<_> = sent.calls.iter().map(|call| call.get()).collect();
    assert_eq!((calls, sent.key.as_deref(), sent.sent_ms), (vec![r#"{"a":1}"#, "5"], Some("k"), Some(1000)));
    assert!(batch(br#"{"sentAt":null}"#).unwrap().calls.is_empty());
    assert_eq!(batch(br#"{"batch":{}}"#).unwrap_err(), "`batch` must be a list");
    assert!(batch(b"[]").is_err() && batch(b"ann@example.com").is_err() && batch(b"{\"batch\":\xff}").is_err());
    let sent = single(br#" {"userId":"u1","writeKey":"k"} "#).unwrap();
    assert_eq!((sent.calls.len(), sent.key.as_deref(), sent.sent_ms), (1, Some("k"), None));
    assert!(single(b"").is_err() && single(b"5").is_err());
}
