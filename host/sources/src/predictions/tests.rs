use tempfile::TempDir;

use super::*;
use crate::Format;

struct Desk {
    _dir: TempDir,
    store: Store,
    options: Options,
}

impl Desk {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let store = Store::open(&dir.path().join("state")).unwrap();
        let path = dir.path().join("scores.csv");
        let options = Options::new("scores".parse().unwrap(), path, Format::Csv { delimiter: b',' });
        Self { _dir: dir, store, options }
    }

    fn read(&self, content: &str) -> Result<Replaced, Error> {
        std::fs::write(&self.options.path, content).unwrap();
        run(&self.store, &self.options, 7, &mut |_, _| ()).map(|(replaced, ..)| replaced)
    }

    fn traits(&self, key: &str) -> String {
        self.store.reader().unwrap().profile(key).unwrap().unwrap().parts[1].clone().unwrap_or_default()
    }
}

#[test]
fn a_score_comes_with_the_share_of_people_who_have_no_greater_one() {
    let desk = Desk::new();
    desk.read("id,churn\na,0.10\nb,0.9\nc,0.9\nd,0.30\n").unwrap();
    let found = ["a", "b", "c", "d"].map(|key| desk.traits(key));
    let expect = [("0.10", "0.25"), ("0.9", "1.0"), ("0.9", "1.0"), ("0.30", "0.5")];
    assert_eq!(found, expect.map(|(score, share)| format!("{{\"churn\":{score},\"churn_percentile\":{share}}}")));
}

#[test]
fn a_file_replaces_the_one_before() {
    let desk = Desk::new();
    desk.read("id,churn,ltv\na,1,5\nb,2,\n").unwrap();
    assert_eq!(desk.traits("b"), r#"{"churn":2,"churn_percentile":1.0,"ltv":null,"ltv_percentile":null}"#);
    assert_eq!(desk.traits("a"), r#"{"churn":1,"churn_percentile":0.5,"ltv":5,"ltv_percentile":1.0}"#);
    let revision = || desk.store.reader().unwrap().revision().unwrap();
    let before = revision();
    assert_eq!(desk.read("id,churn,ltv\na,1,5\nb,2,\n").unwrap().unchanged, 2);
    assert_eq!(revision(), before);
    let replaced = desk.read("id,churn\na,1\n").unwrap();
    assert_eq!((replaced.updated, replaced.dropped_out), (1, 1));
    assert_eq!(desk.traits("a"), r#"{"churn":1,"churn_percentile":1.0}"#);
    assert_eq!(desk.traits("b"), r#"{"churn":null,"churn_percentile":null}"#);
}

#[test]
fn a_line_without_a_number_is_bad_and_too_many_write_nothing() {
    let mut desk = Desk::new();
    let error = desk.read("id,churn\na,1\nb,high\n").unwrap_err().to_string();
    assert!(error.contains("line 3 (`churn` is not a number); 0 profiles were kept"), "{error}");
    assert_eq!(desk.store.reader().unwrap().profile_count().unwrap(), 0);
    desk.options.bad_lines_max_percent = 50.0;
    let replaced = desk.read("id,churn\na,1\nb,high\n").unwrap();
    assert_eq!((replaced.read, replaced.added, replaced.rejected), (2, 1, 1));
}

#[test]
fn scores_may_come_as_lines_of_json() {
    let mut desk = Desk::new();
    desk.options.format = Format::Ndjson;
    desk.read("{\"id\":\"a\",\"traits\":{\"churn\":1e-1}}\n{\"id\":\"b\",\"traits\":{\"churn\":null}}\n").unwrap();
    assert_eq!(desk.traits("a"), r#"{"churn":1e-1,"churn_percentile":1.0}"#);
    assert_eq!(desk.traits("b"), r#"{"churn":null,"churn_percentile":null}"#);
}
