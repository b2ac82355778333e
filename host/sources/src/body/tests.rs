use std::collections::BTreeMap;
use std::io::Write as _;

use super::*;
use enroute_config::audiences_file::source::types::Kind;

struct Desk {
    folder: tempfile::TempDir,
    options: Options,
    written: Written,
}

impl Desk {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let format = if name.contains(".csv") { Format::Csv { delimiter: b',' } } else { Format::Ndjson };
        let options = Options::new("crm".parse().unwrap(), path, format);
        Self { folder, options, written: Written::default() }
    }

    fn text(&mut self) -> Result<String, String> {
        let prepared = prepare(&mut self.options, &self.written, self.folder.path(), &|| false);
        prepared.map_err(|error| format!("{error}; {}", error.hint("crm")))?;
        Ok(fs::read_to_string(self.options.body()).unwrap())
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

#[test]
fn packed_files_are_unpacked_and_half_of_one_is_an_error() {
    let text = "id,plan\n".to_owned() + &"u1,gold\n".repeat(5_000);
    let mut packed = gzip(text.as_bytes());
    assert_eq!(Desk::new("a.csv.gz", &packed).text().unwrap(), text);
    let twice = [packed.clone(), packed.clone()].concat();
    assert_eq!(Desk::new("a.csv.gz", &twice).text().unwrap(), text.repeat(2));
    packed.truncate(packed.len() - 9);
    let error = Desk::new("a.csv.gz", &packed).text().unwrap_err();
    assert!(error.contains("damaged or cut off") && error.contains("nothing of it was imported"), "{error}");
}

#[test]
fn zstd_is_unpacked() {
    let packed =
        ruzstd::encoding::compress_to_vec(&b"id,plan\nu1,gold\n"[..], ruzstd::encoding::CompressionLevel::Fastest);
    assert_eq!(Desk::new("a.csv.zst", &packed).text().unwrap(), "id,plan\nu1,gold\n");
    let error = Desk::new("a.csv.zst", &packed[..packed.len() - 5]).text().unwrap_err();
    assert!(error.contains("damaged or cut off"), "{error}");
}

#[test]
fn utf_16_is_known_by_its_mark_and_by_its_zeros() {
    let text = "id\tname\nu1\tJörg\n";
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for bytes in [[b"\xff\xfe", little.as_slice()].concat(), [b"\xfe\xff", big.as_slice()].concat(), little] {
        let mut desk = Desk::new("a.csv", &bytes);
        assert_eq!(desk.text().unwrap(), text);
        assert_eq!(desk.options.format, Format::Csv { delimiter: b'\t' });
    }
}

#[test]
fn another_encoding_is_asked_for_and_never_guessed() {
    let bytes = b"id,name\nu1,J\xf6rg\n";
    let error = Desk::new("a.csv", bytes).text().unwrap_err();
    assert!(error.contains("byte 5 of line 2 is not UTF-8"), "{error}");
    assert!(error.contains("encoding = \"windows-1252\""), "{error}");
    let mut desk = Desk::new("a.csv", bytes);
    desk.written.encoding = Some("windows-1252".to_owned());
    assert_eq!(desk.text().unwrap(), "id,name\nu1,Jörg\n");
    desk.written.encoding = Some("klingon".to_owned());
    assert!(desk.text().unwrap_err().contains("nobody knows"));
    // One broken line among others that are UTF-8 is for the import to count.
    let mut mixed = Desk::new("a.csv", b"id,name\nu1,J\xf6rg\nu2,J\xc3\xb6rg\n");
    assert!(prepare(&mut mixed.options, &mixed.written, mixed.folder.path(), &|| false).is_ok());
}

#[test]
fn what_separates_cells_is_found_where_nobody_says_it() {
    for (text, delimiter) in [
        ("id;ltv\nu1;1,5\n", b';'),
        ("id\tname\nu1\ta,b\n", b'\t'),
        ("sep=|\nid|name\n", b'|'),
        ("id\nu1\n", b','),
        ("id,a;b\nu1,x\n", b','),
    ] {
        let mut desk = Desk::new("a.csv", text.as_bytes());
        desk.text().unwrap();
        assert_eq!(desk.options.format, Format::Csv { delimiter }, "{text}");
    }
}

#[test]
fn a_list_of_json_becomes_lines() {
    let mut desk = Desk::new("a.json", b"[{\"id\":\"u1\"},\n{\"id\":\"u2\"}]");
    desk.written.is_list = true;
    assert_eq!(desk.text().unwrap(), "{\"id\":\"u1\"}\n{\"id\":\"u2\"}\n");
    let mut cut = Desk::new("a.json", b"[{\"id\":\"u1\"},");
    cut.written.is_list = true;
    assert!(cut.text().unwrap_err().contains("cut off"));
}

#[test]
fn a_type_that_does_not_fit_is_told_before_any_row_with_the_one_that_does() {
    let mut desk = Desk::new("a.csv", b"id;ltv\nu1;1.234,50\nu2;12,5\n");
    let number = BTreeMap::from([("ltv".to_owned(), Kind::parse("number").unwrap())]);
    desk.written.types = Types::Named(number);
    let error = desk.text().unwrap_err();
    assert!(error.contains("column `ltv` is no `number`; `number:1.234,5` fits"), "{error}");
    assert!(!error.contains("1.234,50"), "{error}");
    desk.written.types = Types::Auto;
    desk.text().unwrap();
    assert_eq!(desk.options.types["ltv"].to_string(), "number:1.234,5");
}

#[test]
fn nothing_stays_of_what_was_made() {
    let mut desk = Desk::new("a.csv.gz", &gzip(b"id\nu1\n"));
    desk.text().unwrap();
    let left = || fs::read_dir(desk.folder.path().join(FOLDER)).unwrap().count();
    assert_eq!(left(), 1);
    desk.options.body = None;
    assert_eq!(left(), 0);
}

#[test]
fn a_pattern_names_files_in_order_and_none_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["b.csv", "a.csv", ".hidden.csv", "c.txt"] {
        fs::write(folder.path().join(name), "id\n").unwrap();
    }
    let names = |pattern: &str| {
        let files = matching(&folder.path().join(pattern)).map_err(|error| error.to_string())?;
        Ok::<_, String>(
            files.iter().map(|file| file.file_name().unwrap().to_string_lossy().into_owned()).collect::<Vec<_>>(),
        )
    };
    assert_eq!(names("*.csv").unwrap(), ["a.csv", "b.csv"]);
    assert!(names("*.gz").unwrap_err().contains("no file fits"));
}
