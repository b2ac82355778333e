use super::*;

fn field(kind: Kind, length: u32) -> Field {
    let name = "Field__c".to_owned();
    Field { name, kind, length, flags: "cu".to_owned(), relationship: None, values: None }
}

fn shown(kind: Kind, value: Value<'_>) -> String {
    let mut body = Vec::new();
    match write(&mut body, &field(kind, 0), value, Manner::default()) {
        Ok(()) => String::from_utf8_lossy(&body).into_owned(),
        Err(Note::Sent(code) | Note::LeftOut(code)) => code.to_owned(),
    }
}

#[test]
fn numbers_keep_their_digits_and_texts_of_numbers_become_numbers() {
    for (value, expect) in [
        (Value::Number("431.50"), "431.50"),
        (Value::Number("18446744073709551616"), "18446744073709551616"),
        (Value::Text(" -1.5e3 "), "-1.5e3"),
        (Value::Text("1,5"), MALFORMED),
        (Value::Text("+1"), MALFORMED),
        (Value::Text("NaN"), MALFORMED),
        (Value::Text(""), MALFORMED),
        (Value::Bool(true), MALFORMED),
    ] {
        assert_eq!(shown(Kind::Number, value), expect, "{value:?}");
    }
}

#[test]
fn a_whole_number_has_32_bits_and_no_fraction() {
    for (text, expect) in [
        ("450.0", "450"),
        ("-7", "-7"),
        ("0", "0"),
        ("2147483647", "2147483647"),
        ("2147483648", OUT_OF_RANGE),
        ("1.5", MALFORMED),
        ("1e3", MALFORMED),
    ] {
        assert_eq!(shown(Kind::Integer, Value::Number(text)), expect, "{text}");
    }
}

#[test]
fn days_and_moments_are_written_as_salesforce_wants_them() {
    for (text, day, moment) in [
        ("2026-03-02", "\"2026-03-02\"", "\"2026-03-02T00:00:00.000Z\""),
        ("2026-03-02T09:15:00.000Z", "\"2026-03-02\"", "\"2026-03-02T09:15:00.000Z\""),
        ("2026-03-02T09:15:00.1234567Z", "\"2026-03-02\"", "\"2026-03-02T09:15:00.123Z\""),
        ("2026-03-02T23:15+0530", "\"2026-03-02\"", "\"2026-03-02T23:15:00.000+05:30\""),
        ("2026-03-02 09:15:00", "\"2026-03-02\"", "\"2026-03-02T09:15:00.000Z\""),
        ("2026-02-30", MALFORMED, MALFORMED),
        ("2026-03-01 12:00:00+00", "\"2026-03-01\"", "\"2026-03-01T12:00:00.000Z\""),
        ("2026-03-02T25:00:00Z", MALFORMED, MALFORMED),
        ("2026-03-02T09:15:00 CET", MALFORMED, MALFORMED),
        ("05/06/1990", "date_ambiguous", "date_ambiguous"),
        ("soon", MALFORMED, MALFORMED),
    ] {
        assert_eq!(shown(Kind::Date, Value::Text(text)), day, "{text}");
        assert_eq!(shown(Kind::DateTime, Value::Text(text)), moment, "{text}");
    }
}

#[test]
fn zero_and_false_are_values() {
    assert_eq!(shown(Kind::Number, Value::Number("0")), "0");
    assert_eq!(shown(Kind::Boolean, Value::Bool(false)), "false");
    assert_eq!(shown(Kind::Boolean, Value::Number("0")), "false");
    assert_eq!(shown(Kind::Unknown, Value::Number("0")), "0");
    assert_eq!(shown(Kind::Unknown, Value::Bool(false)), "false");
}

#[test]
fn a_checkbox_takes_true_and_false_and_no_null() {
    assert_eq!(shown(Kind::Boolean, Value::Text("TRUE")), "true");
    assert_eq!(shown(Kind::Boolean, Value::Text("yes")), MALFORMED);
    assert_eq!(shown(Kind::Boolean, Value::Null), NULL_IN_CHECKBOX);
    assert_eq!(shown(Kind::Text, Value::Null), "null");
}

#[test]
fn lists_become_values_with_semicolons_or_json_where_text_is_long() {
    assert_eq!(shown(Kind::MultiPicklist, Value::Json(r#"["a","b"]"#)), "\"a;b\"");
    assert_eq!(shown(Kind::MultiPicklist, Value::Text("a;b")), "\"a;b\"");
    assert_eq!(shown(Kind::MultiPicklist, Value::Json("[]")), "\"\"");
    assert_eq!(shown(Kind::MultiPicklist, Value::Json(r#"["a;b"]"#)), MALFORMED);
    assert_eq!(shown(Kind::MultiPicklist, Value::Json(r#"[{"a":1}]"#)), MALFORMED);
    assert_eq!(shown(Kind::LongText, Value::Json(r#"{"a":1}"#)), r#""{\"a\":1}""#);
    assert_eq!(shown(Kind::Text, Value::Json(r#"{"a":1}"#)), MALFORMED);
    assert_eq!(shown(Kind::Unknown, Value::Json(r#"{"a":1}"#)), MALFORMED);
}

#[test]
fn a_reference_is_an_id_of_15_or_18() {
    assert_eq!(shown(Kind::Reference, Value::Text("0015g00000AbCdE")), "\"0015g00000AbCdE\"");
    assert_eq!(shown(Kind::Reference, Value::Text("0015g00000AbCdEAA1")), "\"0015g00000AbCdEAA1\"");
    assert_eq!(shown(Kind::Reference, Value::Text("Acme")), MALFORMED);
}

#[test]
fn an_address_is_trimmed_and_must_be_one() {
    assert_eq!(shown(Kind::Email, Value::Text(" ann@example.com ")), "\"ann@example.com\"");
    assert_eq!(shown(Kind::Email, Value::Text("")), "\"\"");
    assert_eq!(shown(Kind::Email, Value::Text("ann")), MALFORMED);
}

#[test]
fn the_length_of_a_text_is_counted_in_characters() {
    let written = |text: &str, cut| {
        let mut body = Vec::new();
        let note = write(&mut body, &field(Kind::Text, 3), Value::Text(text), Manner { cut, order: None });
        (String::from_utf8_lossy(&body).into_owned(), note)
    };
    assert_eq!(written("éèê", false), ("\"éèê\"".to_owned(), Ok(())));
    assert_eq!(written("éèêë", false).1, Err(Note::LeftOut(TEXT_TOO_LONG)));
    assert_eq!(written("éèêë", true), ("\"éèê\"".to_owned(), Err(Note::Sent(TEXT_CUT))));
}

#[test]
fn a_restricted_picklist_has_its_own_spelling() {
    let field = Field { values: Some(vec!["Hot".to_owned(), "Warm".to_owned()]), ..field(Kind::Picklist, 40) };
    let written = |text| {
        let mut body = Vec::new();
        write(&mut body, &field, Value::Text(text), Manner::default())
            .map(|()| String::from_utf8_lossy(&body).into_owned())
    };
    assert_eq!(written("Hot"), Ok("\"Hot\"".to_owned()));
    assert_eq!(written(" warm"), Ok("\"Warm\"".to_owned()));
    assert_eq!(written("Cold"), Err(Note::LeftOut(NO_SUCH_CHOICE)));
}

#[test]
fn a_cell_of_a_job_is_quoted_where_it_must_be() {
    let cell = |text: &str| {
        let mut body = Vec::new();
        write_cell(&mut body, text);
        String::from_utf8_lossy(&body).into_owned()
    };
    assert_eq!(cell("plain"), "plain");
    assert_eq!(cell("a,b"), "\"a,b\"");
    assert_eq!(cell("say \"hi\""), "\"say \"\"hi\"\"\"");
    assert_eq!(cell("two\nlines"), "\"two\nlines\"");
    assert_eq!(cell(" edge"), "\" edge\"");
}

#[test]
fn only_null_and_the_empty_text_clear_a_field_in_a_job() {
    let cell = |value: Value<'_>| {
        let mut body = Vec::new();
        write_csv(&mut body, &field(Kind::Text, 0), value, Manner::default())
            .map(|()| String::from_utf8_lossy(&body).into_owned())
    };
    assert_eq!(cell(Value::Null), Ok("#N/A".to_owned()));
    assert_eq!(cell(Value::Text("")), Ok("#N/A".to_owned()));
    assert_eq!(cell(Value::Text("#N/A")), Err(REFUSED));
    assert_eq!(cell(Value::Text(&"x".repeat(CELL_CHARS_MAX + 1))), Err(REFUSED));
}
