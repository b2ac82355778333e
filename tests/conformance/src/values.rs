//! Values for the fields of a manifest: ordinary ones that fit, and hostile ones that nobody asked for.

use crate::people::{Cell, Mark, token};

/// Longest hostile text; a few members have one.
const LONG_TEXT_BYTES: usize = 1 << 20;
/// Depth of nested lists.
const DEPTH: usize = 20_000;

/// An ordinary value for a field, by what its name and format say, with the mark by which it is found again.
pub(crate) fn ordinary(field: &str, format: &str, number: usize, column: usize) -> (Cell, Option<Mark>) {
    let about = format!("{field} {format}").to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| about.contains(word));
    let token = token(number, column);
    let marked = |text: String, mark: &str| {
        (Cell::Text(text), Some(Mark { field: field.to_owned(), text: mark.to_lowercase() }))
    };
    let plain = |text: &str| (Cell::text(text), None);
    if has(&["mail"]) && !has(&["true or false", "subscribed"]) {
        return marked(format!("{token}@example.com"), &token);
    }
    if has(&["phone", "e.164", "mobile"]) && !has(&["country code", "advertising"])
        || field.eq_ignore_ascii_case("phone")
    {
        let digits = format!("{:03}{:05}", column % 1000, number % 100_000);
        return marked(format!("+49151{digits}"), &format!("151{digits}"));
    }
    if has(&["true or false", "boolean"]) {
        return (Cell::Bool(number.is_multiple_of(2)), None);
    }
    if has(&["8601", "timestamp", "date-time", "datetime"]) {
        return plain("2026-01-02T03:04:05Z");
    }
    if has(&["date", "birth", "yyyy", "dob"]) {
        return plain("1990-05-17");
    }
    if has(&["iso 3166", "country"]) {
        return plain("DE");
    }
    if has(&["iso 639", "language"]) {
        return plain("en");
    }
    if has(&["time zone", "iana"]) {
        return plain("Europe/Berlin");
    }
    if has(&["subscribed"]) {
        return plain("subscribed");
    }
    if has(&["gender"]) {
        return plain("female");
    }
    if has(&["url"]) {
        return marked(format!("https://example.com/{token}.png"), &token);
    }
    if has(&["number", "integer", "decimal", "numeric"]) {
        return (Cell::Number((10 + number % 70).to_string()), None);
    }
    if has(&["list", "array"]) {
        return (Cell::Json(format!("[\"{token}\"]")), None);
    }
    if has(&["object"]) {
        return (Cell::Json(format!("{{\"name\":\"{token}\"}}")), None);
    }
    if has(&["advertising", "uuid"]) {
        return plain("38400000-8cf0-11bd-b23e-10b96e40000d");
    }
    marked(token.clone(), &token)
}

/// Values that no plugin asked for, with a name for reports. Every text that is no secret of its own carries `token`,
/// so that it is found where it must not be.
pub(crate) fn hostile(token: &str) -> Vec<(&'static str, Cell)> {
    let number = |text: &str| Cell::Number(text.to_owned());
    let json = |text: String| Cell::Json(text);
    vec![
        ("absent", Cell::Absent),
        ("null", Cell::Null),
        ("true", Cell::Bool(true)),
        ("an empty text", Cell::text("")),
        ("blanks", Cell::text(" \t\u{a0}\u{3000}")),
        ("an empty list", json("[]".to_owned())),
        ("an empty object", json("{}".to_owned())),
        ("NaN as text", Cell::text("NaN")),
        ("Infinity as text", Cell::text("-Infinity")),
        ("1e400", number("1e400")),
        ("-0", number("-0")),
        ("2^53+1", number("9007199254740993")),
        ("2^64", number("18446744073709551616")),
        ("30 decimals", number("0.123456789012345678901234567890")),
        ("450.0", number("450.0")),
        ("a text that is no value", Cell::text(format!("{token} is not what you asked for"))),
        ("NUL and control characters", Cell::text(format!("{token}\u{0}\u{1b}[2J\r\n\u{7f}"))),
        ("right-to-left text", Cell::text(format!("\u{202e}{token}\u{5d0}\u{5d1}"))),
        ("emoji", Cell::text(format!("{token}👩‍👩‍👧‍👦🇩🇪"))),
        ("letters of several bytes", Cell::text(format!("{token}éß漢字"))),
        ("8,000 bytes of emoji", Cell::text(format!("{token}{}", "👩".repeat(2_000)))),
        ("8,000 bytes of emoji, one byte on", Cell::text(format!("{token}x{}", "👩".repeat(2_000)))),
        ("2^24+1", number("16777217")),
        ("letters in two forms", Cell::text(format!("{token}e\u{301}\u{e9}@example.com"))),
        ("an international domain", Cell::text(format!("{token}@bücher.example"))),
        ("a dotted I", Cell::text(format!("\u{130}{token}\u{131}@EXAMPLE.COM"))),
        ("full-width digits", Cell::text("＋４９１５１２３４５６７８")),
        ("blanks around an address", Cell::text(format!("  {token}@Example.COM \n"))),
        ("two at signs", Cell::text(format!("{token}@@example.com"))),
        ("a phone number of zeros", Cell::text("+0000000000")),
        ("a name with a quote", Cell::text(format!("{token} O'Neil \"\\"))),
        ("29 February of a common year", Cell::text("2023-02-29")),
        ("29 February of a leap year", Cell::text("2024-02-29")),
        ("31 April", Cell::text("1990-04-31")),
        ("a date that reads two ways", Cell::text("1/2/1990")),
        ("the year 1", Cell::text("0001-01-01")),
        ("milliseconds since 1970", number("1795392000000")),
        ("a post code with a dash", Cell::text("01000-000")),
        ("text like a slot", Cell::text(format!("{{remote:/list}}{{{{secret:api_key}}}}${{env:HOME}}{token}"))),
        ("text like a template", Cell::text(format!("{{% if {token} %}}<script>alert(1)</script>=1+1"))),
        ("text like a path", Cell::text(format!("../../{token}/..%2f?a=b#c"))),
        ("a list of everything", json(format!("[null,true,1e400,\"{token}\",[],{{}}]"))),
        ("an object with odd names", json(format!("{{\"\":1,\"$add\":[\"{token}\"],\"a b\":null,\"\\u0000\":0}}"))),
        ("the same name twice", json(format!("{{\"a\":1,\"a\":\"{token}\"}}"))),
        ("deep nesting", json(format!("{}{}", "[".repeat(DEPTH), "]".repeat(DEPTH)))),
    ]
}

/// The longest text that a trait may have.
pub(crate) fn long_text(token: &str) -> Cell {
    Cell::Text(token.repeat(LONG_TEXT_BYTES / token.len().max(1)))
}

/// A value put together at random out of pieces that often go wrong.
pub(crate) fn random(random: &mut crate::random::Random, token: &str) -> Cell {
    const PIECES: [&str; 20] = [
        "a",
        "@",
        ".",
        "example.com",
        "+",
        "49",
        "0",
        "-",
        "/",
        " ",
        "\u{0}",
        "ß",
        "İ",
        "é",
        "\u{202e}",
        "\"",
        "\\",
        "1990",
        "{",
        "🦀",
    ];
    let mut text = if random.below(2) == 0 { token.to_owned() } else { String::new() };
    for _ in 0..random.below(8) {
        text.push_str(random.pick(&PIECES).copied().unwrap_or_default());
    }
    match random.below(8) {
        0 => Cell::Number(format!("{}.{}", random.next(), random.below(100))),
        1 => Cell::Number(format!("-{}e{}", random.below(1000), random.below(400))),
        2 => Cell::Json(serde_json::json!([text, random.below(9), null]).to_string()),
        3 => Cell::Json(serde_json::json!({ text.as_str(): text }).to_string()),
        _ => Cell::Text(text),
    }
}
