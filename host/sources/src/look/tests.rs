use super::*;

const CSV: Format = Format::Csv { delimiter: b',' };

#[track_caller]
fn check_unreadable(head: &[u8], expect: &str) {
    let found = unreadable(head, CSV).map_or("text".to_owned(), |found| format!("{}; {}", found.what, found.hint));
    assert_eq!(found, expect);
}

#[track_caller]
fn check_header(head: &str, expect: &str) {
    let options = Options::new("crm".parse().unwrap(), "people".into(), CSV);
    assert_eq!(header_hint(head.as_bytes(), &options), expect, "{head}");
}

#[track_caller]
fn check_lines(head: &str, holds: Holds, code: Code, expect: &str) {
    let mut options = Options::new("crm".parse().unwrap(), "people".into(), Format::Ndjson);
    options.holds = holds;
    let first = [Rejection { line: 1, code: code.to_string(), reason: String::new() }];
    let hint = lines_hint(head.as_bytes(), &options, &first).unwrap_or("none".to_owned());
    assert_eq!(hint, expect, "{head}");
}

fn utf_16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(to_bytes).collect()
}

#[test]
fn what_is_no_text_is_named_with_what_to_do() {
    let unzip = "compressed with gzip; unpack it with `gunzip`, and name the file that was in it";
    check_unreadable(b"\x1f\x8b\x08\0", unzip);
    check_unreadable(
        b"PAR1\x15\x04",
        "a Parquet file; give it a name that ends with `.parquet`, or write `format = \"parquet\"`",
    );
    let workbook = "a workbook of a spreadsheet; save it as CSV in UTF-8, and name that file";
    check_unreadable(b"PK\x03\x04....[Content_Types].xml", workbook);
    check_unreadable(b"PK\x03\x04....people.csv", &format!("a ZIP archive; {UNPACK}"));
    check_unreadable(b"SQLite format 3\0..", &format!("a database of SQLite; {}", SIGNATURES[12].2));
    let page = "a web page; it is what a server answered in place of the export, perhaps its login: get the file anew";
    check_unreadable(b"\xef\xbb\xbf\n <!DOCTYPE html><html>", page);
    check_unreadable(b"<html lang=\"en\">", page);
    check_unreadable(b"<?xml version=\"1.0\"?>", "XML; write it as NDJSON or CSV, and name that file");
    for text in ["", "id,plan\nu1,gold\n", "{\"id\":\"u1\"}\n", "PARIS,id\n", "<id>,plan\n", "id,plan"] {
        check_unreadable(text.as_bytes(), "text");
    }
}

#[test]
fn other_encodings_are_known_with_and_without_a_mark() {
    let text = "id,plan\nu1,gold\nu2,Zoë\n";
    let hint = |name: &str| format!("in {name}; save it in UTF-8: `iconv -f {name} -t UTF-8 OLD > NEW`");
    check_unreadable(&utf_16(&format!("\u{feff}{text}"), u16::to_le_bytes), &hint("UTF-16"));
    check_unreadable(&utf_16(&format!("\u{feff}{text}"), u16::to_be_bytes), &hint("UTF-16"));
    check_unreadable(&utf_16(text, u16::to_le_bytes), &hint("UTF-16LE"));
    check_unreadable(&utf_16(text, u16::to_be_bytes), &hint("UTF-16BE"));
    check_unreadable(b"\xff\xfe\0\0i\0\0\0d\0\0\0", &hint("UTF-32"));
}

#[test]
fn carriage_returns_alone_end_no_line() {
    let returns =
        "a text whose lines end with a carriage return alone; turn them into line feeds: `tr '\\r' '\\n' < OLD > NEW`";
    check_unreadable(b"id,plan\ru1,gold\r", returns);
    check_unreadable(b"id,plan\ru1,\"a\nb\"\r", returns);
    check_unreadable(b"id,plan\r\nu1,gold\r\n", "text");
    check_unreadable(b"id,\"a\rb\"", "text");
    check_unreadable(b"id,plan\r", "text");
    assert!(unreadable(b"{\"id\":1}\r{\"id\":2}\r", Format::Ndjson).is_some());
    assert!(unreadable(b"{\"id\":\r1}", Format::Ndjson).is_none());
}

#[test]
fn a_header_that_cannot_be_used_is_mended_by_a_key() {
    check_header("id;plan\nu1;gold\n", "write `delimiter = \";\"` in [source.crm]");
    check_header("id\tplan\n", "write `delimiter = \"\\t\"` in [source.crm]");
    check_header("id | plan, what\n", "write `delimiter = \"|\"` in [source.crm]");
    check_header("customer;plan\n", "write `delimiter = \";\"` in [source.crm]");
    check_header("{\"id\":\"u1\"}\n", "it looks like JSON: write `format = \"ndjson\"` in [source.crm]");
    check_header("[{\"id\":\"u1\"},\n", &format!("{ARRAY}; and write `format = \"ndjson\"` in [source.crm]"));
    check_header("", "see why nothing is in it; the first line of CSV names the columns");
    let columns = "the first line names the columns; ";
    let named = |id: &str| format!("{columns}if the id of a profile is `{id}`, write `id = \"{id}\"` in [source.crm]");
    check_header("user_id,plan\n", &named("user_id"));
    check_header("plan,ID\n", &named("ID"));
    check_header("plan,account id\n", &named("account id"));
    let none = "say with `id` in [source.crm] which is the id of a profile: email, plan";
    check_header("email,plan\n", &format!("{columns}{none}"));
    check_header("id,a,a\n", "mend the first line of the file, which names the columns");
}

#[test]
fn lines_that_cannot_be_read_are_mended_by_a_key_or_a_command() {
    let check = |head: &str, code, expect: &str| check_lines(head, Holds::Profiles, code, expect);
    check("id,plan\nu1,gold\n", Code::InvalidJson, "it looks like CSV: write `format = \"csv\"` in [source.crm]");
    let semicolon = "it looks like CSV: write `format = \"csv\"` and `delimiter = \";\"` in [source.crm]";
    check("id;plan\nu1;gold\n", Code::InvalidJson, semicolon);
    check("[\n{\"id\":\"u1\"},\n", Code::NotAnObject, ARRAY);
    check("{\n  \"id\": \"u1\"\n}\n", Code::InvalidJson, "write each object in one line: `jq -c . OLD > NEW`");
    let call = r#"{"type":"track","userId":"u1","event":"Paid"}"#;
    check(call, Code::UnknownKey, "its lines are calls: write `holds = \"events\"` in [source.crm]");
    let named = "if the id of a profile is `user_id`, write `id = \"user_id\"` in [source.crm]";
    check(r#"{"user_id":"u1","traits":{}}"#, Code::UnknownKey, named);
    let nest =
        "put what is known of a person into `traits`: `jq -c '{\"id\": .[\"id\"], traits: del(.[\"id\"])}' OLD > NEW`";
    check(r#"{"id":"u1","plan":"gold"}"#, Code::UnknownKey, nest);
    check("{\"id\":\"u1\"}\n", Code::IdEmpty, "none");
    check("hello\n", Code::InvalidJson, "none");
    let latin = "save it in UTF-8; if it is of Windows, `iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW`";
    check("{\"id\":\"\u{fffd}\"}\n", Code::InvalidUtf8, latin);
    let profile = r#"{"userId":"u1","traits":{}}"#;
    let remove = "its lines are profiles: remove `holds = \"events\"` from [source.crm]";
    check_lines(profile, Holds::Events, Code::CallType, remove);
}
