//! Tests of the store as a whole, and the small store that the tests beside it use.

use std::fs;
use std::future::Future as _;
use std::ops::Deref;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use serde_json::Value;
use tempfile::TempDir;

use super::profiles::{ContentHasher, Incoming, PARTS, Profiles, Upserted};
use super::*;

mod claims;
mod ledger;

/// A store in a folder of its own.
pub(crate) struct TestStore {
    store: Option<Store>,
    dir: TempDir,
}

impl TestStore {
    pub(crate) fn new() -> Self {
        Self::limited(None)
    }

    fn limited(pages: Option<u32>) -> Self {
        let dir = TempDir::new().unwrap();
        Self { store: Some(Store::open_limited(&dir.path().join("state"), pages).unwrap()), dir }
    }

    pub(crate) fn with(lines: &[String]) -> Self {
        let store = Self::new();
        store.put(lines);
        store
    }

    /// Upserts these lines under the next revision.
    pub(crate) fn put(&self, lines: &[String]) -> Vec<Upserted> {
        let hasher = ContentHasher::new(self.sealer());
        let lines = lines.to_vec();
        let write = move |tx: &Transaction<'_>| {
            let revision = tx.revision()? + 1;
            tx.set_revision(revision)?;
            let mut profiles = Profiles::new(tx)?;
            let upsert = |line: &String| {
                let line: std::collections::BTreeMap<String, Box<serde_json::value::RawValue>> =
                    serde_json::from_str(line).unwrap();
                let key: String = serde_json::from_str(line["id"].get()).unwrap();
                let parts = PARTS.map(|part| line.get(part).map(|part| part.get()));
                profiles.upsert(&Incoming { key: &key, hash: &hasher.hash(&parts), parts }, revision)
            };
            lines.iter().map(upsert).collect()
        };
        self.write_blocking(write).unwrap()
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    pub(crate) fn close(&mut self) {
        self.store = None;
    }

    fn reopen(&mut self) -> Result<(), Error> {
        self.close();
        self.store = Some(Store::open(&self.state())?);
        Ok(())
    }
}

impl Deref for TestStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        self.store.as_ref().unwrap()
    }
}

/// Keeps the writer busy, so that what is queued meanwhile waits together, until the sender is used.
fn hold(store: &Store) -> mpsc::Sender<()> {
    let (started, has_started) = mpsc::channel();
    let (release, released) = mpsc::channel();
    let hold = move |_: &Transaction<'_>| {
        started.send(()).unwrap();
        released.recv().unwrap();
        Ok(())
    };
    store.submit_relaxed(hold).unwrap();
    has_started.recv().unwrap();
    release
}

/// A line of a source: a key and a JSON object of traits.
pub(crate) fn line(key: &str, traits: &str) -> String {
    format!(r#"{{"id": {}, "traits": {traits}}}"#, Value::from(key))
}

fn set(name: &'static str, value: i64) -> impl FnOnce(&Transaction<'_>) -> Result<(), Error> + Send + 'static {
    move |tx| Ok(schema::set_meta(tx.connection, name, value)?)
}

fn get(store: &Store, name: &str) -> Option<i64> {
    schema::meta(&store.reader().unwrap().connection, name).unwrap()
}

#[test]
fn a_write_is_seen_by_later_readers_and_after_a_restart() {
    let mut store = TestStore::new();
    store.write_blocking(set("a", 1)).unwrap();
    assert_eq!(get(&store, "a"), Some(1));
    store.reopen().unwrap();
    assert_eq!(get(&store, "a"), Some(1));
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_the_folder_and_its_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let store = TestStore::new();
    store.write_blocking(set("a", 1)).unwrap();
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(store.state()), 0o700);
    let files: Vec<_> = fs::read_dir(store.state()).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(files.len() >= 4, "{files:?}");
    for file in files {
        assert_eq!(mode(file.clone()), 0o600, "{}", file.display());
    }
}

#[test]
fn a_second_writer_is_told_who_the_first_is() {
    let store = TestStore::new();
    let error = Store::open(&store.state()).unwrap_err();
    assert!(matches!(&error, Error::Locked { pid, .. } if *pid == std::process::id().to_string()), "{error}");
}

#[test]
fn a_reader_needs_no_lock_but_a_store() {
    let mut store = TestStore::with(&[line("a", "{}")]);
    assert_eq!(Store::open_read(&store.state()).unwrap().profile_count().unwrap(), 1);
    store.close();
    assert_eq!(Store::open_read(&store.state()).unwrap().profile_count().unwrap(), 1);
    let nowhere = store.dir.path().join("nowhere");
    assert!(matches!(Store::open_read(&nowhere), Err(Error::Missing { .. })));
    assert!(!nowhere.exists());
}

#[test]
fn a_reader_cannot_write() {
    let store = TestStore::new();
    let reader = store.reader().unwrap();
    assert!(schema::set_meta(&reader.connection, "a", 1).is_err());
}

#[test]
fn a_snapshot_is_of_one_moment() {
    let store = TestStore::with(&[line("a", "{}")]);
    let reader = store.reader().unwrap();
    let counts = reader.snapshot(|reader| {
        let before = reader.profile_count()?;
        store.put(&[line("b", "{}")]);
        Ok((before, reader.profile_count()?))
    });
    assert_eq!(counts.unwrap(), (1, 1));
    assert_eq!(reader.profile_count().unwrap(), 2);
}

#[test]
fn writes_that_wait_share_a_commit_and_a_failing_one_leaves_no_trace() {
    let store = TestStore::new();
    let release = hold(&store);
    let mut good = pin!(store.write(set("good", 1)));
    let mut bad = pin!(store.write(|tx| {
        set("bad", 1)(tx)?;
        Err::<(), _>(Error::Broken("on purpose"))
    }));
    let mut other = pin!(store.write(set("other", 1)));
    let mut context = Context::from_waker(Waker::noop());
    assert!(good.as_mut().poll(&mut context).is_pending());
    assert!(bad.as_mut().poll(&mut context).is_pending());
    assert!(other.as_mut().poll(&mut context).is_pending());
    release.send(()).unwrap();
    store.write_blocking(|_| Ok(())).unwrap();
    assert!(matches!(good.poll(&mut context), Poll::Ready(Ok(()))));
    assert!(matches!(bad.poll(&mut context), Poll::Ready(Err(Error::Broken("on purpose")))));
    assert!(matches!(other.poll(&mut context), Poll::Ready(Ok(()))));
    assert_eq!([get(&store, "good"), get(&store, "bad"), get(&store, "other")], [Some(1), None, Some(1)]);
}

#[test]
fn a_transaction_that_is_lost_answers_all_that_were_in_it() {
    let store = TestStore::new();
    let release = hold(&store);
    let before = store.submit_relaxed(set("before", 1));
    let loses = store.submit_relaxed(|tx| {
        // As SQLite does by itself when the disk is full in a bad moment.
        tx.connection.execute_batch("rollback")?;
        Err::<(), _>(Error::Broken("on purpose"))
    });
    let after = store.submit_relaxed(set("after", 1));
    release.send(()).unwrap();
    assert!(matches!(before.unwrap().wait(), Err(Error::Broken("on purpose"))));
    assert!(loses.unwrap().wait().is_err());
    assert!(after.unwrap().wait().is_ok());
    assert_eq!((get(&store, "before"), get(&store, "after")), (None, Some(1)));
}

#[test]
fn nothing_is_written_after_the_disk_failed() {
    let mut store = TestStore::new();
    let fails = |_: &Transaction<'_>| {
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR_FSYNC);
        Err::<(), _>(rusqlite::Error::SqliteFailure(code, None).into())
    };
    assert!(matches!(store.write_blocking(fails), Err(Error::Unsafe { .. })));
    assert!(matches!(store.write_blocking(set("a", 1)), Err(Error::Unsafe { .. })));
    store.close();
    assert_ne!(fs::read(store.state().join("store.lock")).unwrap(), b"", "the next start must check the file");
    store.reopen().unwrap();
    assert_eq!(get(&store, "a"), None);
}

#[test]
fn a_dropped_store_still_writes_what_is_queued() {
    let mut store = TestStore::new();
    let waits: Vec<_> = (0..100).map(|i| store.submit_relaxed(set("last", i)).unwrap()).collect();
    let never_polled = store.write(set("never", 1));
    store.close();
    assert!(waits.into_iter().all(|wait| wait.wait().is_ok()));
    let mut context = Context::from_waker(Waker::noop());
    assert!(matches!(pin!(never_polled).poll(&mut context), Poll::Ready(Err(Error::Closed))));
    store.reopen().unwrap();
    assert_eq!((get(&store, "last"), get(&store, "never")), (Some(99), None));
}

#[test]
fn a_full_disk_is_named_and_nothing_half_written_stays() {
    let store = TestStore::limited(Some(100));
    store.put(&[line("a", "{}")]);
    let big = line("b", &format!(r#"{{"text": "{}"}}"#, "x".repeat(600_000)));
    let write = move |tx: &Transaction<'_>| {
        set("half", 1)(tx)?;
        let parts = [Some("{}"), Some(big.as_str()), None, None];
        Profiles::new(tx)?.upsert(&Incoming { key: "b", hash: &[0; 16], parts }, 9)
    };
    let error = store.write_blocking(write).unwrap_err();
    assert!(matches!(&error, Error::Full { path, free_bytes: Some(_) } if path.ends_with("store.db")), "{error}");
    assert_eq!((get(&store, "half"), store.reader().unwrap().profile_count().unwrap()), (None, 1));
    let pages: String =
        store.reader().unwrap().connection.query_row("pragma quick_check", (), |row| row.get(0)).unwrap();
    assert_eq!(pages, "ok");
    store.write_blocking(set("small", 1)).unwrap();
}

#[test]
fn a_newer_format_and_another_program_are_refused() {
    let mut store = TestStore::new();
    store.write_blocking(|tx| Ok(tx.connection.pragma_update(None, "user_version", 99)?)).unwrap();
    let error = store.reopen().unwrap_err();
    assert!(matches!(error, Error::Newer { found: 99, .. }), "{error}");
    assert!(matches!(Store::open_read(&store.state()), Err(Error::Newer { .. })));
    Connection::open(store.state().join("store.db")).unwrap().pragma_update(None, "application_id", 7).unwrap();
    assert!(matches!(store.reopen(), Err(Error::Foreign { .. })));
}

#[test]
fn a_store_of_the_first_format_is_brought_to_the_newest_and_keeps_what_it_has() {
    let mut store = TestStore::with(&[line("a", r#"{"n": 1.50}"#)]);
    let back = |tx: &Transaction<'_>| {
        tx.connection.execute_batch(
            "drop table destination_account; alter table connection drop column tried_for; drop table token; drop table record; drop table record_choice; drop table trait_source; drop table trait_name;
            drop table layer; drop table event; drop table refresh; alter table import drop column skipped;
            alter table profile drop column custom; insert into meta (name, value) values ('kept', 7)",
        )?;
        tx.connection.execute_batch(
            "drop index held_again; alter table held drop column again; alter table connection drop column resync;
            alter table connection drop column known_first;
            drop table settings_version; drop table forgotten; drop table tombstone; drop table identity; drop table slot; drop table feed; drop table secret;
            drop table api_session; drop table api_token; drop table audit; drop table edit; drop table audience_size; alter table refusal drop column source;
            drop table pace; drop table breaker; drop table alert; drop table place; drop index refusal_dead;
            alter table refusal drop column alone; alter table refusal drop column attempts;
            alter table refusal drop column first_ms; alter table pending drop column alone;
            alter table request drop column answer; drop index delivery_by_connection; drop index pending_by_due",
        )?;
        Ok(tx.connection.pragma_update(None, "user_version", 1)?)
    };
    store.write_blocking(back).unwrap();
    store.close();
    assert!(matches!(Store::open_read(&store.state()), Err(Error::Older { found: 1, .. })));
    store.reopen().unwrap();
    let row = tokens::TokenRow { credential: vec![1; 16], generation: 3, ..Default::default() };
    let put = row.clone();
    store.write_blocking(move |tx| tokens::put(tx, &put)).unwrap();
    let reader = store.reader().unwrap();
    assert_eq!(tokens::find(&reader, &[1; 16]).unwrap(), Some(row));
    assert_eq!(tokens::find(&reader, &[2; 16]).unwrap(), None);
    assert_eq!(schema::meta::<i64>(reader.connection(), "kept").unwrap(), Some(7));
    assert_eq!(store.put(&[line("a", r#"{"n": 1.50}"#)]), [Upserted::Unchanged { id: 1, was: 1 }]);
}

#[test]
fn the_key_belongs_to_the_store() {
    let mut store = TestStore::new();
    let sealed = store.sealer().seal(b"x", b"ann").unwrap();
    store.reopen().unwrap();
    assert_eq!(store.sealer().open(b"x", &sealed).unwrap().as_slice(), b"ann");
    store.close();
    let key = store.state().join("store.key");
    fs::write(&key, [9; 32]).unwrap();
    assert!(matches!(store.reopen(), Err(Error::KeyWrong { .. })));
    fs::write(&key, [9; 31]).unwrap();
    assert!(matches!(store.reopen(), Err(Error::KeyWrong { .. })));
    fs::remove_file(&key).unwrap();
    assert!(matches!(store.reopen(), Err(Error::KeyMissing { .. })));
    assert!(!key.exists(), "a new key must not hide that the old one is lost");
}

#[test]
fn damage_is_found_after_an_unclean_stop_and_never_repaired() {
    let mut store = TestStore::with(&(0..2000).map(|i| line(&format!("u{i}"), "{}")).collect::<Vec<_>>());
    store.close();
    let (file, lock) = (store.state().join("store.db"), store.state().join("store.lock"));
    assert_eq!(fs::read(&lock).unwrap(), b"");
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 64].fill(0xff);
    fs::write(&file, &bytes).unwrap();
    fs::write(&lock, "4711\n").unwrap();
    fs::write(file.with_extension("db-wal"), "").unwrap();
    let error = store.reopen().unwrap_err();
    assert!(matches!(&error, Error::Damaged { .. }), "{error:?}");
    assert_eq!(fs::read(&file).unwrap(), bytes);
    fs::write(&file, b"not a database, ".repeat(bytes.len() / 16)).unwrap();
    assert!(matches!(store.reopen(), Err(Error::Damaged { .. })));
}

#[test]
fn a_store_that_was_lost_is_never_taken_for_a_new_one() {
    let people = || (0..2000).map(|i| line(&format!("u{i}"), "{}")).collect::<Vec<_>>();
    type Harm = fn(&Path, Vec<u8>, Vec<u8>);
    let harms: [(&str, Harm, &str); 6] = [
        ("deleted", |file, _, _| fs::remove_file(file).unwrap(), "nothing is in it any more"),
        ("emptied", |file, _, _| fs::write(file, "").unwrap(), "nothing is in it any more"),
        ("cut off", |file, now, _| fs::write(file, &now[..now.len() / 2]).unwrap(), "and had"),
        ("an older one", |file, _, before| fs::write(file, before).unwrap(), "and had"),
        (
            "a page zeroed",
            |file, mut now, _| {
                let middle = now.len() / 2 / 4096 * 4096;
                now[middle..middle + 4096].fill(0);
                fs::write(file, now).unwrap();
            },
            "is damaged",
        ),
        (
            "the log deleted after a kill",
            |file, _, before| {
                fs::write(file.with_file_name("store.lock"), "4711\n").unwrap();
                fs::write(file, [before, vec![0; 1 << 20]].concat()).unwrap();
            },
            "its log store.db-wal is gone",
        ),
    ];
    for (what, harm, said) in harms {
        let mut store = TestStore::with(&people()[..100]);
        store.close();
        let file = store.state().join("store.db");
        let before = fs::read(&file).unwrap();
        store.reopen().unwrap();
        store.put(&people());
        store.close();
        harm(&file, fs::read(&file).unwrap(), before);
        let harmed = fs::read(&file).ok();
        let error = store.reopen().unwrap_err().to_string();
        assert!(error.contains(said) && error.contains("restore") | error.contains("Restore"), "{what}: {error}");
        assert_eq!(fs::read(&file).ok(), harmed, "{what}: nothing is made in its place");
        if harmed.is_none_or(|bytes| bytes.is_empty()) {
            assert!(matches!(Store::open_read(&store.state()), Err(Error::Lost { .. })), "{what}");
        }
        fs::remove_dir_all(store.state()).unwrap();
        store.reopen().unwrap();
    }
}

#[cfg(unix)]
#[test]
fn a_folder_that_others_may_write_to_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut store = TestStore::new();
    store.close();
    fs::set_permissions(store.state(), fs::Permissions::from_mode(0o770)).unwrap();
    let error = store.reopen().unwrap_err();
    assert!(matches!(error, Error::Exposed { mode: 0o770, .. }), "{error}");
    fs::set_permissions(store.state(), fs::Permissions::from_mode(0o750)).unwrap();
    store.reopen().unwrap();
}

#[test]
fn what_others_did_with_the_file_is_looked_at_and_kept() {
    let mut store = TestStore::with(&[line("a", "{}")]);
    store.close();
    let file = store.state().join("store.db");
    Connection::open(&file).unwrap().execute_batch("insert into meta (name, value) values ('theirs', 7)").unwrap();
    store.reopen().unwrap();
    assert_eq!(get(&store, "theirs"), Some(7));
    let reader = store.reader().unwrap();
    store.write_blocking(set("last", 1)).unwrap();
    store.close();
    assert!(file.with_extension("db-wal").exists() || reader.revision().is_ok(), "a reader may keep the log");
    drop(reader);
    store.reopen().unwrap();
    assert_eq!(get(&store, "last"), Some(1));
}

#[test]
fn a_store_that_was_left_open_but_is_whole_opens() {
    let mut store = TestStore::with(&[line("a", "{}")]);
    store.close();
    fs::write(store.state().join("store.lock"), "4711\n").unwrap();
    store.reopen().unwrap();
    assert_eq!(store.reader().unwrap().profile_count().unwrap(), 1);
}

#[test]
fn the_log_stays_bounded_through_many_writes() {
    let store = TestStore::new();
    let text = "x".repeat(100_000);
    for i in 0..400 {
        let line = line(&format!("u{i}"), &format!(r#"{{"text": "{text}"}}"#));
        store.put(&[line]);
    }
    let log = fs::metadata(store.state().join("store.db-wal")).unwrap().len();
    assert!(log < 32 << 20, "{log}");
}
