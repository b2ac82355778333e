use super::*;

#[track_caller]
fn check(kind: &str, cell: &str, expect: &str) {
    let got = match read(&Kind::parse(kind).unwrap(), cell, "c") {
        Ok(cell) => cell.map_or_else(|| "-".to_owned(), Cow::into_owned),
        Err(bad) => format!("{}: {}", bad.code, bad.reason),
    };
    assert_eq!(got, expect, "{kind} {cell:?}");
}

#[test]
fn numbers_keep_every_digit_however_people_write_them() {
    check("number", "123456789012345678901234567890.10", "123456789012345678901234567890.10");
    check("number", " -007.50 ", "-7.50");
    check("number", "1e400", "1e400");
    check("number:1.234,5", "1.234,50", "1234.50");
    check("number:1.234,5", "12,5", "12.5");
    check("number:1,234.5", "1,234,567.5", "1234567.5");
    check("number:1 234,5", "1\u{202f}234,5", "1234.5");
    check("number:1'234.5", "1\u{2019}234.5", "1234.5");
    check("number", "", "-");
    check("number", "  ", "-");
    for (kind, cell) in [("number", "NaN"), ("number", "1,5"), ("number", "1 2"), ("number", "-"), ("number", ".")] {
        check(kind, cell, "csv_type: column `c` has a cell that is no number like 1234.5");
    }
    check("number:1.234,5", "1.23,5", "csv_type: column `c` has a cell that is no number like 1.234,5");
}

#[test]
fn truth_lists_json_and_dates_become_values() {
    check("boolean", "Yes", "true");
    check("boolean", "0", "false");
    check("boolean:ja,nein", "Nein", "false");
    check("boolean", "maybe", "csv_type: column `c` has a cell that is neither true nor false");
    check("list:;", "a; b,c ;;", r#"["a","b,c"]"#);
    check("json", r#"{"a":1.10}"#, r#"{"a":1.10}"#);
    check("json", "{", "csv_type: column `c` has a cell that is no JSON");
    check("date:%d.%m.%Y", "29.02.2024", "\"2024-02-29\"");
    check("date:%d.%m.%Y %H:%M", "1.2.2024 13:05", "\"2024-02-01T13:05:00\"");
    check("date:%Y-%m-%d %H:%M:%S%z", "2024-01-02 03:04:05+0200", "\"2024-01-02T01:04:05Z\"");
    for cell in ["31.04.2024", "2024-02-30", "01.02.24", "1/2/2024"] {
        check("date:%d.%m.%Y", cell, "csv_type: column `c` has a cell that is no date like %d.%m.%Y");
    }
    check("text", " 007 ", "\" 007 \"");
}

/// What a column of these cells is.
fn decided(cells: &[&str]) -> String {
    let mut seen = Seen::default();
    cells.iter().for_each(|cell| seen.look(cell));
    let decided = seen.decide("c");
    decided.note.map_or_else(|| decided.kind.to_string(), |note| format!("{}; {note}", decided.kind))
}

#[test]
fn a_whole_column_decides_what_it_is() {
    assert_eq!(decided(&["12", "1500", "", "-3"]), "number");
    assert_eq!(decided(&["1.50", "7"]), "number");
    assert_eq!(decided(&["1,5", "12"]), "number:1234,5");
    assert_eq!(decided(&["1.234,50", "12,5"]), "number:1.234,5");
    assert_eq!(decided(&["1.234", "12.5"]), "number");
    assert_eq!(decided(&["true", "False", ""]), "boolean");
    assert_eq!(decided(&["yes", "no"]), "boolean");
    assert_eq!(decided(&["2024-02-29", "2024-03-01"]), "date:%Y-%m-%d");
    assert_eq!(decided(&["01/02/2024", "13/02/2024"]), "date:%d/%m/%Y");
    assert_eq!(decided(&["20240102"]), "number");
    assert_eq!(decided(&["gold", "7"]), "text");
    assert_eq!(decided(&["", ""]), "text");
}

#[test]
fn what_is_unclear_stays_text_and_says_why() {
    assert_eq!(decided(&["007", "12"]), "text");
    assert_eq!(decided(&["+4670", "12"]), "text");
    assert_eq!(decided(&["-01234"]), "text");
    assert_eq!(decided(&["2024-02-30"]), "text");
    let both = decided(&["01/02/2024", "03/04/2024"]);
    assert_eq!(both, "text; kept as text, for several types fit: date:%d/%m/%Y, date:%m/%d/%Y");
    assert!(decided(&["1.234"]).starts_with("text; kept as text, for several types fit: number, number:1.234,5"));
    assert!(decided(&["4.67E+09"]).contains("a spreadsheet cut digits"));
}
