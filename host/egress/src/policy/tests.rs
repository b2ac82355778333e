use super::*;
use crate::hosts::HostRule;
use enroute_core::request::{Method, Slot, SlotValue};

fn request() -> Request {
    Request {
        method: Method::Post,
        origin: "https://api.example.com".into(),
        path: vec!["lists".into(), String::new(), "members".into()],
        query: vec![item("dry", "")],
        headers: vec![item("content-type", "application/json"), item("x-list", "")],
        body: br#"{"list": "", "n": 450.0, "deep": [{"id": ""}]}"#.to_vec(),
        slots: vec![slot(SlotPlace::PathSegment(1))],
    }
}

fn item(name: &str, value: &str) -> Item {
    Item { name: name.into(), value: value.into() }
}

fn slot(place: SlotPlace) -> Slot {
    Slot { place, value: SlotValue::Remote("/id".into()) }
}

#[track_caller]
fn check(change: impl FnOnce(&mut Request), expect: &str) {
    let rules = vec![HostRule::parse("api.example.com").unwrap()];
    let hosts = HostGrant { asked: rules.clone(), answers: vec![], granted: rules };
    let owned = vec![Place::Header("x-api-key".into()), Place::Query("access_token".into())];
    let mut request = request();
    change(&mut request);
    let got = match Policy::new(hosts, false, owned).check(&request) {
        Ok(checked) => format!("ok: {}", checked.origin),
        Err(refused) => refused.to_string(),
    };
    assert_eq!(got, expect);
}

#[test]
fn a_sound_request_passes() {
    check(|_| {}, "ok: https://api.example.com");
    check(|r| r.origin = "https://API.example.com.:443".into(), "ok: https://api.example.com");
    check(|r| r.path = vec!["a".into(), String::new()], "ok: https://api.example.com");
}

#[test]
fn an_origin_is_a_scheme_and_a_host() {
    let expect = |shown: &str| {
        format!("origin `{shown}` is not like `https://api.example.com` or `https://api.example.com:8443`")
    };
    for origin in [
        "api.example.com",
        "ftp://api.example.com",
        "https://",
        "https://api.example.com/",
        "https://u:p@api.example.com",
        "https://api.example.com?x",
        "https://api.example.com#x",
        "https://api.example.com:443:80",
        "HTTPS://api.example.com",
        "https://2130706433",
        "https://0x7f.1",
    ] {
        check(|r| r.origin = origin.into(), &expect(origin));
    }
    check(|r| r.origin = "https://api.example.com\r\nx: y".into(), &expect("https://api.example.com\\r\\nx: y"));
    check(|r| r.origin = format!("https://{}", "a".repeat(8 << 20)), &expect(&format!("https://{}", "a".repeat(72))));
    check(
        |r| r.origin = "http://api.example.com:443".into(),
        "origin `http://api.example.com:443` must begin with `https://`: the destination has no `allow_networks`",
    );
    check(|r| r.origin = "https://evil.example".into(), "the plugin's manifest does not ask for host `evil.example`");
}

#[test]
fn a_path_cannot_climb_or_break_out() {
    check(|r| r.path[2] = "..".into(), "path segment 2 is `.` or `..`");
    check(|r| r.path[0] = ".".into(), "path segment 0 is `.` or `..`");
    check(|r| r.path[2] = "a\r\nb".into(), "path segment 2 has a control character");
    check(|r| r.path[2] = "a\0".into(), "path segment 2 has a control character");
    check(|r| r.path[0] = String::new(), "path segment 0 is empty, and neither the last one nor a slot");
    check(|r| r.path[2] = "x".repeat(9000), "the path has 9008 bytes, and at most 8192 are sent");
}

#[test]
fn headers_of_the_host_are_refused() {
    for name in [
        "Host",
        "Connection",
        "Content-Length",
        "Transfer-Encoding",
        "Upgrade",
        "TE",
        "Trailer",
        "Expect",
        "Cookie",
        "Authorization",
        "Accept-Encoding",
        "Proxy-Authorization",
        "Proxy-Connection",
        "Keep-Alive",
        "X-Api-Key",
    ] {
        let expect = format!("header `{}` belongs to the host", name.to_lowercase());
        check(|r| r.headers.push(item(name, "x")), &expect);
    }
    check(|r| r.query.push(item("access_token", "x")), "query item `access_token` belongs to the credential");
}

#[test]
fn headers_cannot_carry_line_breaks() {
    for value in ["a\r\nhost: evil.example", "a\n", "a\0b"] {
        check(
            |r| r.headers.push(item("x-note", value)),
            "the value of header `x-note` has a character that headers cannot carry",
        );
    }
    check(|r| r.headers.push(item("x\r\ny", "1")), r"`x\r\ny` is not the name of a header");
    check(|r| r.headers.push(item("", "1")), "`` is not the name of a header");
    check(|r| r.headers.push(item("host:", "1")), "`host:` is not the name of a header");
}

#[test]
fn a_request_has_a_largest_size() {
    check(|r| r.headers = vec![item("x-a", "1"); 65], "the request has 65 headers, and at most 64 are sent");
    check(
        |r| r.headers = vec![item("x-a", &"1".repeat(16 << 10))],
        "the header has 16387 bytes, and at most 16384 are sent",
    );
    check(|r| r.body = vec![0; (8 << 20) + 1], "the body has 8388609 bytes, and at most 8388608 are sent");
    check(|r| r.query = vec![item("q", &"1".repeat(8192))], "the query has 8193 bytes, and at most 8192 are sent");
}

#[test]
fn a_slot_stands_in_an_empty_place() {
    for place in [
        SlotPlace::Query("dry".into()),
        SlotPlace::Header("X-List".into()),
        SlotPlace::Body("/list".into()),
        SlotPlace::Body("/deep/0/id".into()),
    ] {
        check(|r| r.slots.push(slot(place)), "ok: https://api.example.com");
    }
    check(
        |r| {
            r.path.truncate(1);
            r.body = br#"{"a": "", "A": ""}"#.to_vec();
            r.slots = vec![slot(SlotPlace::Body("/a".into())), slot(SlotPlace::Body("/A".into()))];
        },
        "ok: https://api.example.com",
    );
    check(
        |r| r.slots.extend([slot(SlotPlace::Header("X-List".into())), slot(SlotPlace::Header("x-list".into()))]),
        "the slot at header `x-list` stands twice",
    );
    let cases = [
        (SlotPlace::PathSegment(0), "path segment 0 stands where a value already is"),
        (SlotPlace::PathSegment(9), "path segment 9 stands where there is nothing"),
        (SlotPlace::PathSegment(1), "path segment 1 stands twice"),
        (SlotPlace::Query("wet".into()), "query item `wet` stands where there is nothing"),
        (SlotPlace::Header("content-type".into()), "header `content-type` stands where a value already is"),
        (SlotPlace::Header("authorization".into()), "header `authorization` stands where there is nothing"),
        (SlotPlace::Body("/n".into()), "body at `/n` stands where a value already is"),
        (SlotPlace::Body("/none".into()), "body at `/none` stands where there is nothing"),
        (SlotPlace::Body(String::new()), "body at `` stands where there is nothing"),
    ];
    for (place, expect) in cases {
        check(|r| r.slots.push(slot(place)), &format!("the slot at {expect}"));
    }
    check(
        |r| {
            r.headers.push(item("x-List", ""));
            r.slots.push(slot(SlotPlace::Header("x-list".into())));
        },
        "the slot at header `x-list` stands where there are several of that name",
    );
}
