use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::staged::Replaced;

mod profiles;

fn query(statement: &str, holds: Holds) -> Query {
    Query {
        source: "warehouse".to_owned(),
        query: statement.to_owned(),
        holds,
        id: "user_id".to_owned(),
        columns: Renamed::new(),
        types: BTreeMap::new(),
        snapshot: Snapshot::default(),
        cursor: None,
        is_full: false,
        database: "sqlite".to_owned(),
    }
}

fn watch(now_ms: i64) -> Watch {
    Watch { on_progress: Arc::new(|_| ()), stop: CancellationToken::new(), now_ms }
}

struct Desk {
    dir: TempDir,
    store: Store,
    query: Query,
}

impl Desk {
    fn new(statements: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let store = Store::open(&dir.path().join("state")).unwrap();
        let query = query("select * from t", Holds::Traits);
        let desk = Self { dir, store, query };
        desk.run(statements);
        desk
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("warehouse.db")
    }

    fn run(&self, statements: &str) {
        warehouse::make(&self.file(), statements).unwrap();
    }

    fn read(&self) -> Result<Replaced, Error> {
        self.read_as(&self.query, 7).map(|read| read.counts)
    }

    fn read_as(&self, query: &Query, now_ms: i64) -> Result<Read, Error> {
        sqlite(&self.store, query, &self.file(), watch(now_ms))
    }

    fn traits(&self, key: &str) -> String {
        self.store.reader().unwrap().profile(key).unwrap().unwrap().parts[1].clone().unwrap_or_default()
    }

    fn counts(&self) -> String {
        let Replaced { read, added, updated, unchanged, rejected, repeated, dropped_out, .. } = self.read().unwrap();
        format!("read {read}: +{added} ~{updated} ={unchanged} !{rejected} r{repeated} -{dropped_out}")
    }
}

const TABLE: &str = "create table t (user_id, plan, seats);
    insert into t values ('a', 'gold', 3), ('b', null, 1.5), (7, '', 9007199254740993);";

#[test]
fn every_column_but_the_id_is_a_trait() {
    let desk = Desk::new(TABLE);
    assert_eq!(desk.counts(), "read 3: +3 ~0 =0 !0 r0 -0");
    assert_eq!(desk.traits("a"), r#"{"plan":"gold","seats":3}"#);
    assert_eq!(desk.traits("b"), r#"{"plan":null,"seats":1.5}"#);
    assert_eq!(desk.traits("7"), r#"{"plan":"","seats":9007199254740993}"#);
}

#[test]
fn a_number_without_end_is_null_and_counted() {
    let desk = Desk::new("create table t (user_id, a, b); insert into t values ('a', 9e999, 1), ('b', -9e999, null)");
    assert_eq!(desk.read().unwrap().endless, 2);
    assert_eq!(desk.traits("a"), r#"{"a":null,"b":1}"#);
}

#[test]
fn who_drops_out_has_nulls_and_only_changes_are_written() {
    let desk = Desk::new(TABLE);
    desk.read().unwrap();
    let revision = || desk.store.reader().unwrap().revision().unwrap();
    let before = revision();
    assert_eq!((desk.counts().as_str(), revision()), ("read 3: +0 ~0 =3 !0 r0 -0", before));
    desk.run("delete from t where user_id = 'a'; update t set seats = 2 where user_id = 'b'");
    assert_eq!(desk.counts(), "read 2: +0 ~1 =1 !0 r0 -1");
    assert_eq!(desk.traits("a"), r#"{"plan":null,"seats":null}"#);
    let before = revision();
    assert_eq!((desk.counts().as_str(), revision()), ("read 2: +0 ~0 =2 !0 r0 -0", before));
    desk.run("insert into t values ('a', 'free', 1)");
    assert_eq!(desk.counts(), "read 3: +0 ~1 =2 !0 r0 -0");
}

#[test]
fn rows_without_a_person_are_counted_and_of_two_rows_the_last_stands() {
    let desk = Desk::new(
        "create table t (user_id, plan); insert into t values (null, 'x'), ('', 'x'), ('a', '1'), ('a', '2')",
    );
    assert_eq!(desk.counts(), "read 4: +1 ~0 =0 !2 r1 -0");
    assert_eq!(desk.traits("a"), r#"{"plan":"2"}"#);
}

#[test]
fn a_result_that_cannot_be_used_writes_nothing() {
    let desk = Desk::new(TABLE);
    desk.read().unwrap();
    let before = desk.store.reader().unwrap().revision().unwrap();
    let check = |query: &str, expect: &str| {
        let query = Query { query: query.to_owned(), ..desk.query.clone() };
        let error = desk.read_as(&query, 7).unwrap_err();
        assert!(error.to_string().ends_with(expect), "{error}");
    };
    check("select plan from t", "it has no column `user_id`, which is the id of a profile");
    check(
        "select user_id, plan as 'a.b' from t",
        "column `a.b` cannot be a trait; rename it in the query: `select … as name`",
    );
    check("select user_id, plan, seats as plan from t", "column `plan` stands twice; rename one in the query");
    check("select user_id, x'00' as b from t", "column `b` has bytes, and traits are texts, numbers, true or false");
    check("select user_id, printf('%20000s', '') as long from t", "has 20006 bytes, and 16384 is the most");
    check("delete from t", "not authorized");
    check("attach 'x' as y", "not authorized");
    check("nonsense", "near \"nonsense\": syntax error in nonsense at offset 0");
    let wide = (0..COLUMNS_MAX).map(|n| format!(", 1 as c{n}")).collect::<String>();
    check(&format!("select user_id{wide} from t"), "it has 301 columns, and 300 is the most");
    assert_eq!(desk.store.reader().unwrap().revision().unwrap(), before);
}

#[test]
fn a_column_that_is_a_custom_trait_is_refused() {
    let desk = Desk::new(TABLE);
    let file = desk.dir.path().join("profiles.ndjson");
    std::fs::write(&file, "{\"id\":\"a\",\"traits\":{\"plan\":\"gold\"}}\n").unwrap();
    let options = crate::Options::new("crm".parse().unwrap(), file, crate::Format::Ndjson);
    let import = || crate::Import::run(&desk.store, &options, || 7, |_| std::ops::ControlFlow::Continue(()));
    import().unwrap();
    assert_eq!(
        desk.read().unwrap_err().to_string(),
        "trait `plan` is a sql trait of source `warehouse`, and a custom trait of source `crm` as well; give one of them another name"
    );
    std::fs::write(&options.path, "{\"id\":\"a\",\"traits\":{\"city\":\"Oslo\"}}\n").unwrap();
    import().unwrap();
    desk.read().unwrap();
    assert_eq!(desk.traits("a"), r#"{"city":"Oslo","plan":"gold","seats":3}"#);
    std::fs::write(&options.path, "{\"id\":\"a\",\"traits\":{\"plan\":\"gold\"}}\n").unwrap();
    let error = import().unwrap_err().to_string();
    assert!(error.contains("`plan` is a sql trait of source `warehouse`"), "{error}");
}
