use super::*;

#[track_caller]
fn check(secret: &str, answer: &str, expect: &str) {
    let mut scrubber = Scrubber::default();
    scrubber.add("api_key", secret);
    assert_eq!(scrubber.scrub_text(answer.as_bytes()), expect);
}

#[test]
fn a_secret_is_wiped_in_every_form() {
    let secret = r#"p/a+s&"ü'~ k"#;
    for form in [
        r#"p/a+s&"ü'~ k"#,
        "p%2Fa%2Bs%26%22%C3%BC%27~%20k",
        "p%2fa%2bs%26%22%c3%bc%27~%20k",
        "p%2Fa%2Bs%26%22%C3%BC%27~+k",
        "p%2Fa%2Bs%26%22%C3%BC'~%20k",
        r#"p/a+s&\"ü'~ k"#,
        r#"p\/a+s&\"ü'~ k"#,
        r#"p/a+s\u0026\"\u00fc\u0027~ k"#,
        r#"p/a+s\u0026\"\u00FC\u0027~ k"#,
        "p/a+s&amp;&quot;ü'~ k",
        "p/a+s&amp;&quot;ü&#39;~ k",
        "cC9hK3MmIsO8J34gaw==",
        "cC9hK3MmIsO8J34gaw",
        "702f612b732622c3bc277e206b",
    ] {
        check(secret, &format!("x{form}y"), "x[secret api_key]y");
    }
}

#[test]
fn a_secret_inside_a_base64_text_is_wiped_wherever_it_stands() {
    for lead in ["", "u", "us", "use", "user:"] {
        let encoded = base64(format!("{lead}correct-horse-battery tail").as_bytes());
        let mut scrubber = Scrubber::default();
        scrubber.add("api_key", "correct-horse-battery");
        let got = scrubber.scrub_text(encoded.as_bytes());
        assert!(got.contains("[secret api_key]") && got.len() < encoded.len(), "{lead}: {got}");
    }
}

#[test]
fn a_short_secret_is_wiped_where_it_stands_alone() {
    check(
        "abc",
        r#"{"key": "abc", "word": "abcd", "other": "_abc"}"#,
        r#"{"key": "[secret api_key]", "word": "abcd", "other": "_abc"}"#,
    );
    check("", "anything", "anything");
}

#[test]
fn the_longest_secret_wins_and_all_are_found() {
    let mut scrubber = Scrubber::default();
    scrubber.add("short", "secret");
    scrubber.add("long", "secret-and-more");
    assert_eq!(
        scrubber.scrub_text(b"secret secret-and-more secretsecret"),
        "[secret short] [secret long] [secret short][secret short]"
    );
}

#[test]
fn an_answer_without_secrets_is_handed_on_as_it_is() {
    let mut scrubber = Scrubber::default();
    scrubber.add("api_key", "value-of-key");
    let bytes = vec![0xff, 0, b'v', b'a', 0xfe];
    assert_eq!(scrubber.scrub(bytes.clone()), bytes);
    assert_eq!(Scrubber::default().scrub(bytes.clone()), bytes);
}
