use super::*;
use enroute_core::request::Slot;

fn request(slots: Vec<(SlotPlace, SlotValue)>) -> Request {
    let item = |name: &str| Item { name: name.into(), value: String::new() };
    Request {
        method: Method::Post,
        origin: "https://api.example.com".into(),
        path: vec!["lists".into(), String::new()],
        query: vec![item("list")],
        headers: vec![item("x-list")],
        body: br#" {"b": 450.0, "list": "", "a": 18446744073709551616, "deep/er": ["", {"id" : ""}]}"#.to_vec(),
        slots: slots.into_iter().map(|(place, value)| Slot { place, value }).collect(),
    }
}

fn remote(pointer: &str) -> SlotValue {
    SlotValue::Remote(pointer.into())
}

#[track_caller]
fn check(slots: Vec<(SlotPlace, SlotValue)>, show: fn(&Outgoing) -> String, expect: &str) {
    let known = serde_json::json!({
        "id": "a/b ü", "number": 12345678901234567890_u64, "dots": "..", "empty": "", "line": "a\r\nb: c",
        "none": null, "deep": {"id": "x\"y"}, "long": "x".repeat(5000),
    });
    let learned = [Item { name: "job".into(), value: "j 1".into() }];
    let values = Fill { remote: Some(&known), request_key: "key-1", learned: &learned, unix_seconds: 0, token: None };
    let origin = Origin::parse("https://api.example.com").unwrap().unwrap();
    let got = match fill(&request(slots), origin, &values) {
        Ok(outgoing) => show(&outgoing),
        Err(refused) => refused.to_string(),
    };
    assert_eq!(got, expect);
}

fn path(outgoing: &Outgoing) -> String {
    outgoing.path.clone()
}

fn body(outgoing: &Outgoing) -> String {
    String::from_utf8(outgoing.body.to_vec()).unwrap()
}

#[test]
fn filled_text_is_escaped_where_it_stands() {
    check(vec![(SlotPlace::PathSegment(1), remote("/id"))], path, "/lists/a%2Fb%20%C3%BC");
    check(vec![(SlotPlace::PathSegment(1), remote("/number"))], path, "/lists/12345678901234567890");
    check(vec![(SlotPlace::Query("list".into()), SlotValue::Learned("job".into()))], |o| o.query.clone(), "list=j%201");
    let header = |o: &Outgoing| o.header("x-list").unwrap().to_str().unwrap().to_owned();
    check(vec![(SlotPlace::Header("X-List".into()), SlotValue::RequestKey)], header, "key-1");
}

#[test]
fn a_body_changes_at_its_slots_and_nowhere_else() {
    check(vec![], body, r#" {"b": 450.0, "list": "", "a": 18446744073709551616, "deep/er": ["", {"id" : ""}]}"#);
    check(
        vec![
            (SlotPlace::Body("/list".into()), remote("/number")),
            (SlotPlace::Body("/deep~1er/1/id".into()), remote("/deep/id")),
            (SlotPlace::Body("/deep~1er/0".into()), SlotValue::RequestKey),
        ],
        body,
        r#" {"b": 450.0, "list": 12345678901234567890, "a": 18446744073709551616, "deep/er": ["key-1", {"id" : "x\"y"}]}"#,
    );
}

#[test]
fn what_does_not_fit_a_slot_is_refused() {
    let at = || SlotPlace::PathSegment(1);
    check(vec![(at(), remote("/dots"))], path, "path segment 1 is `.` or `..`");
    check(vec![(at(), remote("/empty"))], path, "the slot at path segment 1 would be filled with an empty text");
    check(vec![(at(), remote("/line"))], path, "the slot at path segment 1 would be filled with a control character");
    check(
        vec![(at(), remote("/none"))],
        path,
        "the slot at path segment 1 would be filled with neither a text nor a number",
    );
    check(vec![(at(), remote("/long"))], path, "the slot at path segment 1 would be filled with over 4 KiB");
    check(
        vec![(at(), remote("/missing"))],
        path,
        "the slot at path segment 1 has nothing to be filled with: remote:/missing",
    );
    check(
        vec![(at(), SlotValue::Learned("other".into()))],
        path,
        "the slot at path segment 1 has nothing to be filled with: learned:other",
    );
}

#[test]
fn a_pointer_finds_a_value_or_nothing() {
    let text = br#"{"a": [1, {"b": "x"}], "c~/": 2}"#;
    let found = |pointer: &str| locate(text, pointer).map(|at| String::from_utf8_lossy(&text[at]).into_owned());
    assert_eq!(found("/a/1/b").as_deref(), Some(r#""x""#));
    assert_eq!(found("/c~0~1").as_deref(), Some("2"));
    for pointer in ["", "a", "/a/01", "/a/2", "/a/-", "/a/1/b/0", "/x"] {
        assert_eq!(found(pointer), None, "{pointer}");
    }
    assert_eq!(locate(b"no json", "/a"), None);
    assert_eq!(locate("[".repeat(100_000).as_bytes(), "/0"), None);
}

#[test]
fn a_member_is_put_in_without_touching_the_others() {
    let with = |body: &str| match with_member(body.as_bytes(), "api_key", "a\"b") {
        Ok(body) => String::from_utf8(body.to_vec()).unwrap(),
        Err(refused) => refused.to_string(),
    };
    assert_eq!(with(r#" {"n": 1.50}"#), r#" {"api_key":"a\"b","n": 1.50}"#);
    assert_eq!(with("{ }"), r#"{"api_key":"a\"b" }"#);
    assert_eq!(with("[]"), "the credential goes into a JSON object body, and this body is none");
    assert_eq!(with(r#"{"api_\u006bey": 1}"#), "field `api_key` of the body belongs to the credential");
}

#[test]
fn a_field_is_put_behind_the_others() {
    let with = |body: &str| match with_field(body.as_bytes(), "access_token", "a&b=c d") {
        Ok(body) => String::from_utf8(body.to_vec()).unwrap(),
        Err(refused) => refused.to_string(),
    };
    assert_eq!(with("x=1"), "x=1&access_token=a%26b%3Dc%20d");
    assert_eq!(with("a=1&access%5Ftoken=2"), "field `access_token` of the body belongs to the credential");
    assert_eq!(with("access%5ftoken"), "field `access_token` of the body belongs to the credential");
}
