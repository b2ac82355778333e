//! Tests of imports as a whole.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::PathBuf;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use enroute_store::Store;
use enroute_store::imports::State;

/// A store with a file beside it.
struct Desk {
    dir: TempDir,
    store: Option<Store>,
    options: Options,
}

impl Desk {
    fn new(content: impl AsRef<[u8]>) -> Self {
        Self::with(Format::Ndjson, content)
    }

    fn with(format: Format, content: impl AsRef<[u8]>) -> Self {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("people");
        fs::write(&path, content).unwrap();
        let store = Store::open(&dir.path().join("state")).unwrap();
        let options = Options::new("crm".parse().unwrap(), path.canonicalize().unwrap(), format);
        Self { dir, store: Some(store), options }
    }

    fn tolerant(mut self) -> Self {
        self.options.bad_lines_max_percent = 100.0;
        self
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    fn run(&self) -> Result<Report, Error> {
        Import::run(self.store(), &self.options, || 7, |_| ControlFlow::Continue(()))
    }

    /// Imports, and says what was done in a line.
    fn import(&self) -> String {
        let report = self.run().unwrap();
        assert!(!report.interrupted);
        counts(&report.progress)
    }

    fn rewrite(&self, content: impl AsRef<[u8]>) {
        fs::write(&self.options.path, content).unwrap();
    }

    fn append(&self, content: &str) {
        fs::OpenOptions::new().append(true).open(&self.options.path).unwrap().write_all(content.as_bytes()).unwrap();
    }

    fn restart(&mut self) {
        self.store = None;
        self.store = Some(Store::open(&self.dir.path().join("state")).unwrap());
    }

    fn revision(&self) -> i64 {
        self.store().reader().unwrap().revision().unwrap()
    }

    fn traits(&self, key: &str) -> Option<String> {
        self.store().reader().unwrap().profile(key).unwrap().map(|profile| profile.parts[1].clone().unwrap_or_default())
    }

    fn rejections(&self) -> Vec<String> {
        let reader = self.store().reader().unwrap();
        let import = reader.imports(1).unwrap().remove(0);
        let rejections = reader.import_rejections(import.id).unwrap();
        rejections.into_iter().map(|one| format!("{} {}: {}", one.line, one.code, one.reason)).collect()
    }
}

fn counts(progress: &Progress) -> String {
    let Progress { read, added, updated, unchanged, rejected, repeated, skipped, .. } = *progress;
    assert_eq!(read, added + updated + unchanged + rejected + repeated + skipped);
    format!("read {read}: +{added} ~{updated} ={unchanged} !{rejected} r{repeated}")
}

fn people(count: usize) -> String {
    (0..count).map(|i| format!("{{\"id\":\"u{i}\",\"traits\":{{\"n\":{i}}}}}\n")).collect()
}

#[test]
fn the_same_file_again_changes_nothing() {
    let desk = Desk::new(people(20));
    assert_eq!(desk.import(), "read 20: +20 ~0 =0 !0 r0");
    let revision = desk.revision();
    assert!(revision > 0);
    assert_eq!(desk.import(), "read 20: +0 ~0 =20 !0 r0");
    assert_eq!(desk.revision(), revision);
    desk.rewrite(people(21).replace("\"n\":3}", "\"n\":4}"));
    assert_eq!(desk.import(), "read 21: +1 ~1 =19 !0 r0");
    let changed = desk.store().reader().unwrap().changed_since(revision).unwrap();
    assert_eq!(changed.iter().collect::<Vec<_>>(), [4, 21]);
}

#[test]
fn of_the_same_id_the_last_line_wins_and_ids_are_compared_exactly() {
    let desk = Desk::new(concat!(
        "{\"id\":\"a\",\"traits\":{\"n\":1}}\n{\"id\":\"A\"}\n{\"id\":\" a\"}\n",
        "{\"id\":\"a\",\"traits\":{\"n\":2}}\n{\"id\":\"a\",\"traits\":{\"n\":2}}\n"
    ));
    assert_eq!(desk.import(), "read 5: +3 ~0 =0 !0 r2");
    assert_eq!(desk.traits("a").as_deref(), Some("{\"n\":2}"));
}

#[test]
fn bad_lines_are_counted_and_named_and_the_rest_is_taken() {
    let long = format!("{{\"id\":\"long\",\"traits\":{{\"t\":\"{}\"}}}}", "x".repeat(LINE_BYTES_MAX));
    let deep = format!("{{\"id\":\"deep\",\"traits\":{{\"t\":{}{}}}}}", "[".repeat(200), "]".repeat(200));
    let mut content = format!("{{\"id\":\"u1\"}}\n{long}\n{deep}\n\n").into_bytes();
    content
        .extend_from_slice(b"{\"id\":\"\xff\"}\n{\"id\":\"u2\",}\n{\"id\":\"u3\",\"traits\":{\"a\":1,\"a\":2}}\n[]\n");
    content.extend_from_slice(b"{\"id\":\"u4\",\"traits\":\"ann@example.com\"}\n{\"id\":\"u5\"}");
    let desk = Desk::new(content).tolerant();
    assert_eq!(desk.import(), "read 9: +2 ~0 =0 !7 r0");
    assert_eq!(
        desk.rejections(),
        [
            "2 too_long: longer than 1048576 bytes",
            "3 too_deep: nested deeper than 64",
            "5 invalid_utf8: byte 8 is not UTF-8",
            "6 invalid_json: trailing comma at column 12",
            "7 duplicate_key: the key `a` stands twice in traits",
            "8 not_an_object: the line must be a JSON object",
            "9 part_type: traits must be a JSON object",
        ]
    );
}

#[test]
fn too_many_bad_lines_stop_the_import_and_what_was_read_stays() {
    let desk = Desk::new("{\"id\":\"u1\"}\nann@example.com\n{\"id\":7.5}\n");
    let error = desk.run().unwrap_err();
    assert_eq!(
        error.to_string().replace(&desk.options.path.display().to_string(), "people"),
        "2 of 3 lines of people are bad, more than 1 %: line 2 (expected value at column 1), \
         line 3 (`id` must be a text or an integer); 1 profiles were kept"
    );
    assert!(desk.traits("u1").is_some());
    assert_eq!(desk.store().reader().unwrap().imports(1).unwrap()[0].state, State::Stopped);
    desk.rewrite("{\"id\":\"u1\"}\n{\"id\":\"u2\"}\n");
    let report = desk.run().unwrap();
    assert_eq!((report.resumed_at, counts(&report.progress).as_str()), (None, "read 2: +1 ~0 =1 !0 r0"));
}

#[test]
fn bad_lines_are_judged_after_a_thousand() {
    let mut lines: Vec<String> = people(5000).lines().map(str::to_owned).collect();
    lines[..10].fill("bad".to_owned());
    assert_eq!(Desk::new(lines.join("\n")).import(), "read 5000: +4990 ~0 =0 !10 r0");
    lines[10] = "bad".to_owned();
    let Err(Error::TooManyBad { read, rejected, kept, .. }) = Desk::new(lines.join("\n")).run() else {
        panic!("the import must stop")
    };
    assert_eq!((read, rejected, kept), (1000, 11, 989));
}

#[test]
fn only_so_many_bad_lines_are_kept_but_all_are_counted() {
    let mut desk = Desk::new("bad\n".repeat(1500)).tolerant();
    desk.options.chunk_lines = 400;
    assert_eq!(desk.import(), "read 1500: +0 ~0 =0 !1500 r0");
    assert_eq!(desk.rejections().len(), 1000);
}

#[test]
fn a_last_line_that_is_not_whole_is_left_for_the_next_run() {
    let desk = Desk::new("{\"id\":\"u1\"}\n{\"id\":\"u2\",\"tra");
    let report = desk.run().unwrap();
    assert_eq!(report.incomplete, Some(Incomplete { line: 2, bytes: 15 }));
    assert_eq!(counts(&report.progress), "read 1: +1 ~0 =0 !0 r0");
    let again = desk.run().unwrap();
    assert_eq!((again.incomplete, counts(&again.progress)), (report.incomplete, counts(&report.progress)));
    desk.append("its\":{\"n\":1}}");
    let report = desk.run().unwrap();
    assert_eq!((report.incomplete, report.resumed_at), (None, Some(12)));
    assert_eq!(counts(&report.progress), "read 2: +2 ~0 =0 !0 r0");
    assert_eq!(desk.traits("u2").as_deref(), Some("{\"n\":1}"));
    assert_eq!(desk.import(), "read 2: +0 ~0 =2 !0 r0");
}

#[test]
fn a_killed_import_goes_on_where_it_was_and_counts_the_same() {
    let content = people(95).replace("\"u50\"", "\"u7\"").replace("{\"id\":\"u60\"", "{\"ID\":1");
    let mut whole = Desk::new(&content).tolerant();
    whole.options.chunk_lines = 10;
    let expect = whole.import();
    for stop_after in 0..8 {
        let mut desk = Desk::new(&content).tolerant();
        desk.options.chunk_lines = 10;
        let mut commits = 0;
        let stopped = Import::run(
            desk.store(),
            &desk.options,
            || 7,
            |_| {
                commits += 1;
                if commits > stop_after { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            },
        );
        assert!(stopped.unwrap().interrupted);
        desk.restart();
        let report = desk.run().unwrap();
        assert!(report.resumed_at.is_some_and(|offset| offset > 0));
        assert_eq!(counts(&report.progress), expect);
        assert_eq!(desk.rejections(), whole.rejections());
        assert_eq!(desk.traits("u7"), whole.traits("u7"));
    }
}

#[test]
fn a_file_that_changed_before_the_place_is_read_from_the_start() {
    let desk = |changed: &str| {
        let mut desk = Desk::new(people(50));
        desk.options.chunk_lines = 10;
        let stopped = Import::run(desk.store(), &desk.options, || 7, |_| ControlFlow::Break(()));
        assert!(stopped.unwrap().interrupted);
        desk.rewrite(changed);
        desk
    };
    let same_length = desk(&people(50).replace("\"n\":3}", "\"n\":4}")).run().unwrap();
    assert_eq!((same_length.resumed_at, counts(&same_length.progress).as_str()), (None, "read 50: +30 ~1 =19 !0 r0"));
    let shorter = desk("{\"id\":\"u0\"}\n").run().unwrap();
    assert_eq!((shorter.resumed_at, counts(&shorter.progress).as_str()), (None, "read 1: +0 ~1 =0 !0 r0"));
    let longer = desk(&people(60)).run().unwrap();
    assert!(longer.resumed_at.is_some());
    assert_eq!(counts(&longer.progress), "read 60: +60 ~0 =0 !0 r0");
}

#[test]
fn a_chunk_whose_predecessor_failed_is_refused() {
    let desk = Desk::new(people(2));
    desk.run().unwrap();
    let mut record = desk.store().reader().unwrap().imports(1).unwrap().remove(0);
    record.offset += 1;
    let chunk = chunk::Chunk::new(&record);
    let sealer = desk.store().sealer().clone();
    let result = desk.store().write_blocking(move |tx| chunk.write(tx, &sealer));
    assert!(matches!(result, Err(store::Error::Broken(_))));
}

#[test]
fn progress_is_told_after_each_commit() {
    let mut desk = Desk::new(people(25));
    desk.options.chunk_lines = 10;
    let mut seen = Vec::new();
    Import::run(
        desk.store(),
        &desk.options,
        || 7,
        |progress| {
            seen.push((progress.read, progress.bytes == progress.bytes_total));
            ControlFlow::Continue(())
        },
    )
    .unwrap();
    assert_eq!(seen, [(10, false), (20, false), (25, true)]);
}

#[test]
fn an_empty_file_is_an_import_of_nothing_and_a_missing_one_is_an_error() {
    let mut desk = Desk::new("");
    assert_eq!(desk.import(), "read 0: +0 ~0 =0 !0 r0");
    desk.options.path = PathBuf::from("/nowhere/people");
    assert!(desk.run().unwrap_err().to_string().starts_with("cannot read /nowhere/people"));
}

#[test]
fn csv_is_read_by_its_header() {
    let content = "\u{feff}\"id\",plan,identifiers.email\r\nu1,\"gold,\nplus\",a@x\r\n\r\nu2,,\r\nu3,x\r\nu4,\"x\"y,\r\nu5,\"0\n\n\",";
    let desk = Desk::with(Format::Csv { delimiter: b',' }, content).tolerant();
    assert_eq!(desk.import(), "read 5: +3 ~0 =0 !2 r0");
    assert_eq!(desk.traits("u1").as_deref(), Some("{\"plan\":\"gold,\\nplus\"}"));
    assert_eq!(desk.traits("u5").as_deref(), Some("{\"plan\":\"0\\n\\n\"}"));
    assert_eq!(
        desk.rejections(),
        [
            "6 csv_columns: the record has 2 cells, and the header has 3",
            "7 csv_quote: cell 2 goes on after its closing quote",
        ]
    );
}

#[test]
fn a_stray_quote_costs_its_own_line_whatever_follows() {
    let lines = |from: u32, to: u32| (from..to).map(|n| format!("u{n},a{n}@b.de,gold\n")).collect::<String>();
    let reason = "3 csv_quote: cell 2 begins with a quote that is not closed; the lines behind it were read";
    for (what, rest) in [
        ("to the end of the file", lines(2, 500)),
        ("longer than a record", lines(2, 40_000)),
        ("up to a cell with quotes", lines(2, 500) + "u500,\"a500@b.de\",gold\n" + &lines(501, 600)),
    ] {
        let csv = format!("id,email,plan\nu0,a0@b.de,gold\nu1,\"a1@b.de,gold\n{rest}");
        let people = csv.lines().count() as u64 - 1;
        let desk = Desk::with(Format::Csv { delimiter: b',' }, csv);
        let report = desk.run().unwrap();
        assert_eq!((report.progress.read, report.progress.added), (people, people - 1), "{what}");
        assert_eq!((desk.rejections(), report.incomplete), (vec![reason.to_owned()], None), "{what}");
    }
}

#[test]
fn a_csv_file_that_ends_in_a_quoted_cell_waits_for_its_end() {
    let desk = Desk::with(Format::Csv { delimiter: b';' }, "id;n\nu1;1\nu2;\"2\n");
    let report = desk.run().unwrap();
    assert_eq!(report.incomplete, Some(Incomplete { line: 3, bytes: 6 }));
    desk.append("b\"\n");
    let report = desk.run().unwrap();
    assert_eq!((report.resumed_at, counts(&report.progress).as_str()), (Some(10), "read 2: +2 ~0 =0 !0 r0"));
    assert_eq!(desk.traits("u2").as_deref(), Some("{\"n\":\"2\\nb\"}"));
}

#[test]
fn a_csv_file_needs_a_header_that_names_the_id() {
    let error = |content: &str| match Desk::with(Format::Csv { delimiter: b',' }, content).run() {
        Err(Error::Header { reason, .. }) => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(error(""), "the file is empty");
    assert_eq!(error("name,plan\n"), "there is no column `id`");
    assert_eq!(error("\"id"), "a quoted cell is not closed");
}

#[test]
fn rows_of_separators_are_blank_lines_and_a_first_line_for_spreadsheets_is_passed_over() {
    let content = "sep=;\r\n;;\r\nid; plan ;n\r\nu1;gold;\r\n;;\r\n \r\nu2;;2\r\n\"\";;\r\n;;;;;\r\n;;";
    let desk = Desk::with(Format::Csv { delimiter: b';' }, content);
    let report = desk.run().unwrap();
    assert_eq!(counts(&report.progress), "read 2: +2 ~0 =0 !0 r0");
    assert_eq!(report.notes, ["blanks around names of columns were taken off: `plan`; values keep theirs"]);
    assert_eq!(desk.traits("u1").as_deref(), Some("{\"plan\":\"gold\"}"));
}

#[test]
fn a_file_that_is_not_what_its_source_says_is_told_with_what_mends_it() {
    #[track_caller]
    fn check(format: Format, content: &[u8], expect: &str) {
        let error = Desk::with(format, content).run().unwrap_err();
        assert!(error.hint("crm").contains(expect), "{error}: {}", error.hint("crm"));
        assert!(!error.hint("crm").contains("bad_lines_max_percent"), "{error}");
    }
    let csv = Format::Csv { delimiter: b',' };
    check(csv, b"sep=;\nid;plan\nu1;gold\n", "`delimiter = \";\"`");
    check(csv, b"id;plan\nu1;gold\n", "`delimiter = \";\"`");
    check(csv, b"id,plan\ru1,gold\r", "tr '\\r' '\\n'");
    check(csv, b"\xff\xfei\0d\0\n\0", "iconv -f UTF-16");
    check(csv, b"", "see why nothing is in it");
    check(csv, b"\n\n,,\n", "see why nothing is in it");
    check(csv, b"{\"id\":\"u1\"}\n", "`format = \"ndjson\"`");
    check(Format::Ndjson, b"id,plan\nu1,gold\n", "`format = \"csv\"`");
    check(Format::Ndjson, b"[{\"id\":\"u1\"},\n{\"id\":\"u2\"}]\n", "jq -c '.[]'");
    check(Format::Ndjson, b"\x1f\x8b\x08", "gunzip");
    check(Format::Ndjson, b"hello\nworld\n", "no line of it can be read");
    let some = Desk::new("{\"id\":\"u1\"}\n{\"id\":\"u2\"}\nbad\n").run().unwrap_err();
    assert!(some.hint("crm").contains("raise `bad_lines_max_percent` of [source.crm]"));
    let missing =
        Error::Read { path: PathBuf::new(), source: std::sync::Arc::new(std::io::ErrorKind::NotFound.into()) };
    assert!(missing.hint("crm").contains("`file` of [source.crm]"));
}

#[test]
fn a_file_without_anybody_is_told() {
    let notes = |desk: Desk| desk.run().unwrap().notes;
    assert_eq!(notes(Desk::new("\n")), ["the file has nobody in it"]);
    assert_eq!(notes(Desk::with(Format::Csv { delimiter: b',' }, "id,plan\n")), ["the file has nobody in it"]);
    assert!(notes(Desk::new("{\"id\":\"u1\"}\n")).is_empty());
}

#[test]
fn a_killed_csv_import_goes_on() {
    let content = format!("id,n\n{}", (0..40).map(|i| format!("u{i},\"a\n{i}\"\n")).collect::<String>());
    let mut desk = Desk::with(Format::Csv { delimiter: b',' }, content);
    desk.options.chunk_lines = 10;
    let stopped = Import::run(desk.store(), &desk.options, || 7, |_| ControlFlow::Break(()));
    assert!(stopped.unwrap().interrupted);
    desk.restart();
    let report = desk.run().unwrap();
    assert!(report.resumed_at.is_some());
    assert_eq!(counts(&report.progress), "read 40: +40 ~0 =0 !0 r0");
    assert_eq!(desk.store().reader().unwrap().imports(1).unwrap()[0].line, 81);
}

fn small_world() -> impl Strategy<Value = Vec<(String, u8, bool)>> {
    prop::collection::vec(("[a-d]", 0u8..3, prop::bool::weighted(0.9)), 0..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn the_store_holds_the_last_good_line_of_each_id(
        first in small_world(), second in small_world(), chunk_lines in 1usize..6, stop in 0usize..6,
    ) {
        let mut desk = Desk::new("").tolerant();
        desk.options.chunk_lines = chunk_lines;
        let mut model = BTreeMap::new();
        for file in [&first, &second] {
            let mut content = String::new();
            let before = model.clone();
            for (id, n, is_good) in file {
                let end = if *is_good { "}" } else { "" };
                content.push_str(&format!("{{\"id\":\"{id}\",\"traits\":{{\"n\":{n}}}{end}\n"));
                if *is_good {
                    model.insert(id.clone(), format!("{{\"n\":{n}}}"));
                }
            }
            desk.rewrite(&content);
            let mut commits = 0;
            let run = Import::run(desk.store(), &desk.options, || 7, |_| {
                commits += 1;
                if commits > stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            let mut report = run.unwrap();
            if report.interrupted {
                report = desk.run().unwrap();
            }
            counts(&report.progress);
            prop_assert_eq!(report.progress.read, file.len() as u64);
            prop_assert_eq!(report.progress.added as usize, model.len() - before.len());
        }
        for id in ["a", "b", "c", "d"] {
            prop_assert_eq!(desk.traits(id), model.get(id).cloned());
        }
        let revision = desk.revision();
        desk.run().unwrap();
        let last: BTreeMap<_, _> = second.iter().filter(|line| line.2).map(|(id, n, _)| (id, n)).collect();
        if second.iter().filter(|line| line.2).all(|(id, n, _)| last[id] == n) {
            prop_assert_eq!(desk.revision(), revision, "an equal file must not change anything");
        }
    }
}
