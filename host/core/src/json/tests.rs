use proptest::prelude::*;

use super::*;

/// Small values of every kind.
pub(crate) fn json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        prop::sample::select(vec!["0", "-1", "450.0", "18446744073709551616", "1e400"])
            .prop_map(|text| Json::Number(text.to_owned())),
        "[aé\"\\\\\n\u{1}]{0,4}".prop_map(Json::Text),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::List),
            prop::collection::vec(("[a-d]", inner), 0..4).prop_map(Json::Object),
        ]
    })
}

#[track_caller]
fn check(text: &str, expect: &str) {
    let got = match Json::parse(text) {
        Ok(value) => format!("ok: {value}"),
        Err(error) => format!("error: {error}"),
    };
    assert_eq!(got, expect);
}

#[test]
fn every_kind_of_value_is_read_without_losing_a_digit() {
    check("null", "ok: null");
    check(" true ", "ok: true");
    check("450.0", "ok: 450.0");
    check("123456789012345678901234567890", "ok: 123456789012345678901234567890");
    check("1E400", "ok: 1E400");
    check(r#""a\u00e9\n""#, r#"ok: "aé\n""#);
    check(r#"{ "b" : [ 1.50 , {} ], "a" : [] }"#, r#"ok: {"b":[1.50,{}],"a":[]}"#);
}

#[test]
fn what_is_no_json_is_refused() {
    for text in ["", "nul", "nullx", "[1,]", "{\"a\"}", "\"a", "01", "1 2", "'a'", "\u{0}"] {
        check(text, "error: the text is no JSON");
    }
}

#[test]
fn depth_and_length_are_bounded() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(Json::parse(&nested(DEPTH_MAX)).is_ok());
    check(&nested(DEPTH_MAX + 1), "error: the value is nested deeper than 64 levels");
    assert!(Json::parse(&nested(400_000)).is_err(), "neither a value nor a panic");
    check(&format!("\"{}\"", "a".repeat(TEXT_BYTES_MAX)), "error: the value is longer than 1048576 bytes");
}

#[test]
fn of_two_equal_keys_the_last_one_counts() {
    let value = Json::parse(r#"{"a":1,"a":2}"#).unwrap();
    assert_eq!(value.get("a"), Some(&Json::Number("2".into())));
}

proptest! {
    #[test]
    fn what_is_written_reads_back_the_same(value in json()) {
        let text = value.to_string();
        prop_assert_eq!(Json::parse(&text), Ok(value.clone()));
        prop_assert_eq!(value.bytes(), text.len());
    }

    #[test]
    fn reading_is_total(text in "[\\[\\]{}\",:0-9.eE+\\-ntfrualse \\\\]{0,12}") {
        if let Ok(value) = Json::parse(&text) {
            prop_assert_eq!(Json::parse(&value.to_string()), Ok(value));
        }
    }
}
