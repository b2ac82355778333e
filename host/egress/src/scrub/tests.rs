use proptest::prelude::*;

use super::*;
use crate::encode::base64;

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
        "702F612B732622C3BC277E206B",
        "70:2f:61:2b:73:26:22:c3:bc:27:7e:20:6b",
        "%70%2f%61%2Bs&%22ü'~%20k",
        "p%252Fa%252Bs%2526%2522%25C3%25BC%2527~%2520k",
        r#"\\u0070/a+s&\\\"\\u00fc'~ k"#,
        r"\x70/a+s&\u{22}ü\x27~ k",
        "&#112;/a&#x2b;s&amp;amp;&#34;&#252;&apos;~&#32;k",
        "p/a+s&amp;#38;&quot;ü&amp;#39;~ k",
        "p=2Fa=2Bs=26=22=C3=BC=27=7E=20k",
        "cC9hK3Mm\r\nIsO8J34g\r\naw==",
        r"cC9hK3Mm\nIsO8J34gaw",
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
fn a_secret_in_sixteen_bits_a_character_is_wiped() {
    let wide = |low_first: bool| -> Vec<u8> {
        let bytes = |unit: u16| if low_first { unit.to_le_bytes() } else { unit.to_be_bytes() };
        "a correct-höörse \u{1f40e} b".encode_utf16().flat_map(bytes).collect()
    };
    let mut scrubber = Scrubber::default();
    scrubber.add("api_key", "correct-höörse \u{1f40e}");
    for low_first in [true, false] {
        let got = scrubber.scrub(wide(low_first));
        assert!(got.windows(16).any(|part| part == b"[secret api_key]"), "{got:?}");
        assert_eq!(got.len(), 16 + 4 + 4, "{got:?}");
    }
    let basic = base64(&wide(true));
    assert!(scrubber.scrub_text(basic.as_bytes()).contains("[secret api_key]"), "{basic}");
}

#[test]
fn a_character_beyond_sixteen_bits_is_read_through_its_escapes() {
    for form in [r"key-\ud83d\udc0e-end", r"key-\\ud83d\\udc0e-end", "key-&#128014;-end", "key-%F0%9F%90%8E-end"] {
        check("key-\u{1f40e}-end", form, "[secret api_key]");
    }
}

proptest! {
    /// Whatever characters are escaped, and however: nothing of the secret is left.
    #[test]
    fn any_mixture_of_escapes_is_read(ways in prop::collection::vec(0_usize..8, 13)) {
        let secret = "k/y+&\"é\\ <z'q";
        let written: String = secret.chars().zip(ways).map(|(character, way)| write(character, way)).collect();
        let mut scrubber = Scrubber::default();
        scrubber.add("api_key", secret);
        prop_assert_eq!(scrubber.scrub_text(format!("[{written}]").as_bytes()), "[[secret api_key]]", "{}", written);
    }
}

/// One character in one of the ways in which texts travel.
fn write(character: char, way: usize) -> String {
    let bytes = |mark: &str| character.to_string().bytes().map(|byte| format!("{mark}{byte:02X}")).collect();
    match way {
        0 => bytes("%"),
        1 => bytes("%25"),
        2 => format!("\\u{:04x}", u32::from(character)),
        3 => format!("\\\\u{:04X}", u32::from(character)),
        4 => format!("&#{};", u32::from(character)),
        5 => format!("&#x{:x};", u32::from(character)),
        6 => bytes("="),
        _ if character == '\\' => "\\\\".to_owned(),
        _ => character.to_string(),
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
