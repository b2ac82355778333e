//! Files as people export them: each awkward one with its outcome in docs/files.md.

use std::path::Path;

use enroute_host::store::Store;
use serde_json::Value;

use super::support::enroute;

/// A folder with a source, and what `enroute import --json` says of it.
pub(crate) struct Desk(pub(crate) tempfile::TempDir);

impl Desk {
    pub(crate) fn new(source: &str) -> Self {
        let desk = Self(tempfile::tempdir().expect("a folder"));
        desk.write("plugins.toml", b"");
        desk.write("audiences.toml", format!("[source.crm]\n{source}\n").as_bytes());
        desk
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder is made");
        std::fs::write(path, bytes).expect("a file is written");
    }

    /// What a command prints, and what it says.
    pub(crate) fn run(&self, words: &[&str]) -> (Value, String) {
        let done = enroute().arg("--json").arg("-C").arg(self.path()).args(words).output().expect("it runs");
        let document = serde_json::from_slice(&done.stdout).unwrap_or(Value::Null);
        (document, String::from_utf8_lossy(&done.stderr).into_owned())
    }

    pub(crate) fn import(&self) -> Value {
        let (document, said) = self.run(&["import"]);
        assert!(document["sources"][0].is_object(), "{document} {said}");
        document["sources"][0].clone()
    }

    /// Why an import fails.
    pub(crate) fn failure(&self) -> String {
        let (document, said) = self.run(&["import"]);
        assert!(document.get("sources").is_none(), "{document}");
        format!("{document}{said}")
    }

    /// The traits of somebody, as they are stored.
    pub(crate) fn stored(&self, id: &str) -> String {
        let store = Store::open(&self.path().join(".enroute")).expect("the store");
        let profile = store.reader().and_then(|reader| reader.profile(id)).expect("it is read").expect("the profile");
        let [_, traits, ..] = profile.parts;
        traits.expect("traits")
    }
}

fn csv(text: &[u8], more: &str) -> Desk {
    let desk = Desk::new(&format!("file = \"a.csv\"\n{more}"));
    desk.write("a.csv", text);
    desk
}

#[test]
fn a_spreadsheet_with_semicolons_and_decimal_commas_has_numbers_once_its_format_is_said() {
    let text = b"id;ltv\nu1;1.234,50\nu2;12,5\n";
    let refused = csv(text, "types = { ltv = \"number\" }").failure();
    assert!(refused.contains("number:1.234,5") && !refused.contains("1.234,50"), "{refused}");
    let desk = csv(text, "types = { ltv = \"number:1.234,5\" }");
    assert_eq!(desk.import()["added"], 2);
    assert_eq!([desk.stored("u1"), desk.stored("u2")], [r#"{"ltv":1234.50}"#, r#"{"ltv":12.5}"#]);
}

#[test]
fn types_that_are_found_are_shown_and_can_be_frozen() {
    let desk =
        csv(b"id,zip,ltv,vip,born\n007,01234,1.50,true,2024-02-29\n7,99999,2,false,2024-03-01\n", "types = \"auto\"");
    let checked = desk.run(&["check", "--probe"]).0;
    assert_eq!(checked["sources"][0]["columns"][1], serde_json::json!(["ltv", "number"]), "{checked}");
    let imported = desk.import();
    assert_eq!(imported["added"], 2, "`007` and `7` are two people");
    let types = &imported["types"];
    assert_eq!((&types["zip"], &types["ltv"], &types["vip"]), (&"text".into(), &"number".into(), &"boolean".into()));
    desk.run(&["import", "--freeze-types"]);
    let file = std::fs::read_to_string(desk.path().join("audiences.toml")).expect("the file");
    assert!(
        file.contains("ltv = \"number\"") && file.contains("vip = \"boolean\"") && !file.contains("auto"),
        "{file}"
    );
    assert_eq!(desk.import()["unchanged"], 2);
}

#[test]
fn dates_in_several_orders_stay_text_until_one_decides() {
    let unclear = csv(b"id,d\nu1,01/02/2024\nu2,03/04/2024\n", "types = \"auto\"").import();
    let notes = unclear["notes"].to_string();
    assert!(notes.contains("date:%d/%m/%Y") && notes.contains("date:%m/%d/%Y"), "{notes}");
    let clear = csv(b"id,d\nu1,01/02/2024\nu2,03/04/2024\nu3,13/02/2024\n", "types = \"auto\"").import();
    assert_eq!(clear["types"]["d"], "date:%d/%m/%Y");
}

#[test]
fn a_date_that_there_is_not_is_a_bad_line_without_its_value() {
    let text = b"id,d\nu1,2024-02-29\nu2,2024-02-30\n";
    let imported = csv(text, "types = { d = \"date:%Y-%m-%d\" }\nbad_lines_max_percent = 50").import();
    assert_eq!((&imported["added"], &imported["rejected"]), (&1.into(), &1.into()));
    let bad = imported["bad_lines"].to_string();
    assert!(bad.contains("csv_type") && bad.contains('3') && !bad.contains("02-30"), "{bad}");
}

#[test]
fn phone_numbers_as_floats_stay_text_and_are_told() {
    let desk = csv(b"id,phone\nu1,4.67001E+09\nu2,4.67001E+09\n", "types = \"auto\"");
    let imported = desk.import();
    assert!(imported["notes"].to_string().contains("a spreadsheet cut digits"), "{imported}");
    assert_eq!(desk.stored("u1"), r#"{"phone":"4.67001E+09"}"#);
}

#[test]
fn utf_16_and_windows_1252_are_read_where_they_are_known() {
    let utf16: Vec<u8> = "\u{feff}id\tname\nu1\tJörg\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let desk = csv(&utf16, "");
    assert_eq!(desk.import()["added"], 1);
    assert_eq!(desk.stored("u1"), r#"{"name":"Jörg"}"#);
    let latin = b"id,name\nu1,J\xf6rg\n";
    let refused = csv(latin, "").failure();
    assert!(refused.contains("line 2") && refused.contains("windows-1252"), "{refused}");
    let desk = csv(latin, "encoding = \"windows-1252\"");
    assert_eq!(desk.import()["added"], 1);
    assert_eq!(desk.stored("u1"), r#"{"name":"Jörg"}"#);
}

#[test]
fn a_line_for_spreadsheets_decides_and_is_dropped() {
    assert_eq!(csv(b"sep=;\nid;plan\nu1;gold\n", "").import()["added"], 1);
}

#[test]
fn quoted_line_ends_empty_columns_and_twin_columns() {
    let desk = csv(b"id,note,none\nu1,\"a\nb\",\nu2,c,\n", "types = \"auto\"");
    assert_eq!(desk.import()["added"], 2);
    assert_eq!(desk.stored("u1"), r#"{"note":"a\nb"}"#);
    assert!(csv(b"id,email,email\nu1,a,b\n", "").failure().contains("stands twice"));
}

#[test]
fn ten_thousand_columns_are_read_and_one_more_is_refused() {
    let table = |columns: usize| {
        let names: String = (1..columns).map(|index| format!(",c{index}")).collect();
        let cells = ",1".repeat(columns - 1);
        format!("id{names}\nu1{cells}\n")
    };
    assert_eq!(csv(table(10_000).as_bytes(), "types = \"auto\"").import()["added"], 1);
    assert!(csv(table(10_001).as_bytes(), "").failure().contains("10000 is the most"));
}

#[test]
fn each_file_of_a_pattern_is_read_once() {
    let desk = Desk::new("file = \"exports/*.csv\"");
    desk.write("exports/1.csv", b"id,plan\nu1,gold\n");
    desk.write("exports/2.csv", b"id,plan\nu2,gold\nu1,silver\n");
    let first = desk.import();
    assert_eq!((&first["read"], &first["files"]), (&3.into(), &serde_json::json!([2, 0])));
    desk.write("exports/3.csv", b"id,plan\nu3,gold\n");
    let second = desk.import();
    assert_eq!((&second["read"], &second["files"]), (&1.into(), &serde_json::json!([1, 2])));
}

#[test]
fn half_a_packed_file_replaces_nothing() {
    let desk = Desk::new("file = \"a.csv.gz\"");
    let text: String = (1..2_000).map(|index| format!("u{index},{}\n", index * 7919)).collect();
    desk.write("a.csv", format!("id,plan\n{text}").as_bytes());
    let packed = std::process::Command::new("gzip").arg("-c").arg(desk.path().join("a.csv")).output();
    let packed = packed.expect("gzip is there").stdout;
    desk.write("a.csv.gz", &packed);
    assert_eq!(desk.import()["added"], 1_999);
    desk.write("a.csv.gz", &packed[..packed.len() / 2]);
    assert!(desk.failure().contains("damaged or cut off"));
    desk.write("a.csv.gz", &packed);
    assert_eq!(desk.import()["unchanged"], 1_999);
}

#[test]
fn a_list_of_json_is_rows() {
    let desk = Desk::new("file = \"a.json\"\ncolumns = { mail = \"identifiers.email\" }");
    desk.write("a.json", b"[{\"id\":\"u1\",\"mail\":\"a@example.com\",\"ltv\":1.10},\n {\"id\":\"u2\",\"ltv\":2}]");
    assert_eq!(desk.import()["added"], 2);
    assert_eq!(desk.stored("u1"), r#"{"ltv":1.10}"#);
}
