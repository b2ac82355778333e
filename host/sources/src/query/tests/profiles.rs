//! Profiles of a query: what goes where, who is gone, and what an increment asks for.

use super::*;
use crate::whole::REMOVE_MAX_PERCENT;

/// The moment of these tests: 2026-03-02T10:00:00Z.
const NOW_MS: i64 = 1_772_445_600_000;

const PEOPLE: &str = "create table t (user_id, mail, also, plan, tags, vip, updated_at);
    insert into t values
      ('a', 'a@example.com', 'a2@example.com', 'gold', '[\"x\",{\"n\":1.50}]', 1, '2026-03-01 09:00:00'),
      ('b', 'b@example.com', null, null, null, 0, '2026-03-01 09:00:01'),
      (7, null, null, 'free', '[]', null, '2026-03-01 09:00:02');";

fn profiles() -> Query {
    let renamed = [("mail", "identifiers.email"), ("also", "identifiers.email"), ("vip", "traits.flags.vip")];
    Query {
        columns: renamed.into_iter().map(|(from, to)| (from.to_owned(), to.to_owned())).collect(),
        types: [("tags".to_owned(), Type::Json), ("vip".to_owned(), Type::Boolean)].into(),
        ..query("select * from t", Holds::Profiles)
    }
}

fn complete() -> Query {
    Query { snapshot: Snapshot { is_complete: true, ..Snapshot::default() }, ..profiles() }
}

impl Desk {
    fn told(&self, query: &Query, now_ms: i64) -> String {
        match self.read_as(query, now_ms) {
            Ok(Read { counts, notes, .. }) => {
                let Replaced { read, added, updated, unchanged, gone, rejected, .. } = counts;
                format!("read {read}: +{added} ~{updated} ={unchanged} -{gone} !{rejected} {}", notes.join("; "))
            }
            Err(error) => error.to_string(),
        }
    }

    #[track_caller]
    fn check(&self, query: &Query, expect: &str) {
        assert_eq!(self.told(query, NOW_MS).trim_end(), expect);
    }

    fn cursor(&self) -> Option<String> {
        enroute_store::feeds::find(&self.store.reader().unwrap(), "warehouse").unwrap().unwrap().cursor
    }
}

#[test]
fn each_column_goes_where_the_operator_says() {
    let desk = Desk::new(PEOPLE);
    desk.check(&profiles(), "read 3: +3 ~0 =0 -0 !0");
    let parts = |key: &str| desk.store.reader().unwrap().profile(key).unwrap().unwrap().parts;
    let [identifiers, traits, ..] = parts("a");
    assert_eq!(identifiers.unwrap(), r#"{"email":["a@example.com","a2@example.com"]}"#);
    assert_eq!(
        traits.unwrap(),
        r#"{"flags":{"vip":true},"plan":"gold","tags":["x",{"n":1.50}],"updated_at":"2026-03-01 09:00:00"}"#
    );
    let [identifiers, traits, ..] = parts("7");
    assert_eq!(identifiers, None, "an identifier that is null is none");
    assert_eq!(traits.unwrap(), r#"{"flags":{"vip":null},"plan":"free","tags":[],"updated_at":"2026-03-01 09:00:02"}"#);
    desk.check(&profiles(), "read 3: +0 ~0 =3 -0 !0");
}

#[test]
fn who_is_missing_is_gone_only_where_the_source_holds_everybody() {
    let desk = Desk::new(PEOPLE);
    let many = "with recursive n (i) as (select 10 union all select i + 1 from n where i < 40)
        insert into t (user_id, mail, plan) select i, i || '@example.com', 'free' from n";
    desk.run(many);
    desk.check(&complete(), "read 34: +34 ~0 =0 -0 !0");
    desk.run("delete from t where user_id in ('a', 10); update t set plan = 'gold' where user_id = 7");
    desk.check(&profiles(), "read 32: +0 ~1 =31 -0 !0");
    assert!(!desk.traits("a").is_empty());
    desk.check(&complete(), "read 32: +0 ~0 =32 -2 !0");
    assert_eq!(desk.traits("a"), "");
    desk.check(&complete(), "read 32: +0 ~0 =32 -0 !0");
    desk.run("insert into t (user_id, plan) values ('a', 'gold')");
    desk.check(&complete(), "read 33: +0 ~1 =32 -0 !0");
    assert!(desk.traits("a").contains("gold"));
}

#[test]
fn a_read_that_is_not_believed_changes_nothing_until_somebody_accepts_it() {
    let desk = Desk::new(PEOPLE);
    desk.check(&complete(), "read 3: +3 ~0 =0 -0 !0");
    desk.run("delete from t where user_id = 'a'; update t set plan = 'gold' where user_id = 'b'");
    let refused = format!(
        "it is not believed: shrunk: 1 of 3 people are missing, and {REMOVE_MAX_PERCENT} % may be at once; \
         nothing was changed"
    );
    desk.check(&complete(), &refused);
    assert!(desk.traits("a").contains("gold") && !desk.traits("b").contains("gold"));
    let accepted = Snapshot { is_accepted: true, ..complete().snapshot };
    desk.check(&Query { snapshot: accepted, ..complete() }, "read 2: +0 ~1 =1 -1 !0");
    assert_eq!(desk.traits("a"), "");
    desk.run("delete from t");
    let told = desk.told(&complete(), NOW_MS);
    assert!(told.starts_with("it is not believed: empty: there is nobody in it, and 2 were there before"), "{told}");
}

#[test]
fn a_query_that_is_another_one_takes_nobody_as_gone_the_first_time() {
    let desk = Desk::new(PEOPLE);
    desk.check(&complete(), "read 3: +3 ~0 =0 -0 !0");
    let other = Query { query: "select * from t where user_id <> 'a'".to_owned(), ..complete() };
    desk.check(
        &other,
        "read 2: +0 ~0 =2 -0 !0 it reads something else than the last time, so nobody is taken as gone yet: 1 people \
         are missing, and the next read counts",
    );
    let many = Query { snapshot: Snapshot { remove_max_percent: 50.0, ..other.snapshot }, ..other };
    desk.check(&many, "read 2: +0 ~0 =2 -1 !0");
}

#[test]
fn a_table_that_lost_a_column_takes_its_trait_from_nobody() {
    let desk = Desk::new(PEOPLE);
    desk.check(&complete(), "read 3: +3 ~0 =0 -0 !0");
    desk.run("alter table t drop column plan");
    for query in [complete(), profiles()] {
        let told = desk.told(&query, NOW_MS);
        assert!(told.contains("narrower: `plan` had values and is not there any more"), "{told}");
    }
    assert!(desk.traits("a").contains("gold"));
}

#[test]
fn people_whom_another_source_holds_as_well_stay() {
    let desk = Desk::new(PEOPLE);
    desk.check(&complete(), "read 3: +3 ~0 =0 -0 !0");
    desk.read_as(&Query { source: "other".to_owned(), ..profiles() }, NOW_MS).unwrap();
    desk.run("delete from t where user_id = 'a'");
    let many = Snapshot { remove_max_percent: 50.0, ..complete().snapshot };
    desk.check(&Query { snapshot: many, ..complete() }, "read 2: +0 ~0 =2 -0 !0");
    assert!(desk.traits("a").contains("gold"));
}

#[test]
fn an_increment_asks_for_what_changed_with_an_overlap_and_a_week_later_for_all() {
    let desk = Desk::new(PEOPLE);
    let query = Query { cursor: Some("updated_at".to_owned()), ..complete() };
    desk.check(&query, "read 3: +3 ~0 =0 -0 !0");
    assert_eq!(desk.cursor().unwrap(), "2026-03-01 09:00:02");
    desk.run("insert into t select 'old', mail, also, plan, tags, vip, '2026-02-28' from t where user_id = 'a'");
    desk.run(
        "insert into t select 'late', mail, also, plan, tags, vip, '2026-03-01 08:30:00' from t where user_id = 'a'",
    );
    desk.run("update t set updated_at = '2026-03-02 08:00:00', plan = 'gold' where user_id = 7");
    desk.run("delete from t where user_id = 'b'");
    desk.check(&query, "read 3: +1 ~1 =1 -0 !0");
    assert_eq!(desk.cursor().unwrap(), "2026-03-02 08:00:00");
    desk.run("insert into t select 'null', mail, also, plan, tags, vip, null from t where user_id = 'a'");
    desk.run(
        "insert into t select 'ahead', mail, also, plan, tags, vip, '2099-01-01 00:00:00' from t where user_id = 'a'",
    );
    desk.check(
        &query,
        "read 3: +2 ~0 =1 -0 !0 1 rows have no `updated_at`: they are read each time; 1 rows have a `updated_at` that \
         the server's clock has not reached: they are read each time",
    );
    assert_eq!(desk.cursor().unwrap(), "2026-03-02 10:00:00", "not beyond the clock");
    let many = Snapshot { remove_max_percent: 50.0, ..query.snapshot };
    let all = Query { is_full: true, snapshot: many, ..query.clone() };
    let told = desk.told(&all, NOW_MS);
    assert!(told.starts_with("read 6: +1 ~0 =5 -1 !0"), "{told}");
    let told = desk.told(&query, NOW_MS + 8 * 24 * 3_600_000);
    assert!(told.contains("everything was read: the last read of all was a week ago"), "{told}");
}

#[test]
fn a_cursor_that_is_no_column_is_told_with_the_one_that_was_meant() {
    let desk = Desk::new(PEOPLE);
    let query = |cursor: &str| Query { cursor: Some(cursor.to_owned()), ..profiles() };
    desk.check(
        &query("update_at"),
        "it cannot be read in increments: it has no column `update_at`; did you mean `updated_at`",
    );
    let told = desk.told(&query("plan"), NOW_MS);
    assert!(told.contains("column `plan` has values that are neither moments, dates nor whole numbers"), "{told}");
}

#[test]
fn a_row_that_is_no_profile_costs_itself() {
    let desk = Desk::new(PEOPLE);
    desk.run("insert into t (user_id, tags) values ('c', '{half'), (null, null), ('d', null)");
    desk.run("insert into t (user_id, vip) values ('e', 2)");
    let read = desk.read_as(&profiles(), NOW_MS).unwrap();
    assert_eq!((read.counts.read, read.counts.added, read.counts.rejected), (7, 4, 3));
    let reasons: Vec<String> = read.bad.iter().map(|bad| format!("{}: {}", bad.line, bad.reason)).collect();
    assert_eq!(reasons, ["4: `tags` is not JSON", "5: `user_id` is empty", "7: `vip` is not true or false"]);
}

#[test]
fn members_come_and_go_with_the_result_or_row_by_row() {
    let desk = Desk::new("create table t (user_id, change); insert into t values ('a', 'new'), ('b', 'new')");
    let members = query("select user_id from t", Holds::Members);
    desk.read_as(&members, NOW_MS).unwrap();
    desk.run("delete from t where user_id = 'a'");
    desk.read_as(&members, NOW_MS).unwrap();
    assert_eq!(
        [desk.traits("a"), desk.traits("b")],
        [r#"{"members:warehouse":null}"#, r#"{"members:warehouse":true}"#]
    );
    desk.run("delete from t; insert into t values ('a', 'updated'), ('b', 'deleted'), ('c', 'gone'), ('d', null)");
    let changes = query("select * from t", Holds::Changes(Mode::Mirror));
    let read = desk.read_as(&changes, NOW_MS).unwrap();
    assert_eq!(
        [desk.traits("a"), desk.traits("b")],
        [r#"{"members:warehouse":true}"#, r#"{"members:warehouse":false}"#]
    );
    assert_eq!(read.counts.rejected, 2);
    assert!(read.bad.iter().all(|bad| bad.code == "undecided"));
}

#[test]
fn a_read_that_is_stopped_leaves_what_was_there() {
    let desk = Desk::new(PEOPLE);
    let endless = "with recursive n (i) as (select 1 union all select i + 1 from n) select i as user_id from n";
    let watch = watch(NOW_MS);
    let stop = watch.stop.clone();
    let watch = Watch {
        on_progress: Arc::new(move |rows| {
            if rows > 0 {
                stop.cancel()
            }
        }),
        ..watch
    };
    let error = sqlite(&desk.store, &query(endless, Holds::Profiles), &desk.file(), watch).unwrap_err();
    assert!(matches!(error, Error::Stopped), "{error}");
    assert_eq!(desk.store.reader().unwrap().profile_count().unwrap(), 0);
}
