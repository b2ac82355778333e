use std::future::Future as _;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use tempfile::TempDir;

use super::*;

fn row(source: &str, count: u32) -> Row {
    let calls = format!("{source} {count}").into_bytes();
    Row { id: 0, source: source.to_owned(), anonymous: false, received_ms: 5, count, calls }
}

/// Waits on this thread; the inbox has one of its own.
fn wait<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
        std::thread::yield_now();
    }
}

fn sources(inbox: &Inbox) -> Vec<String> {
    inbox.next(0, 1000).unwrap().into_iter().map(|row| row.source).collect()
}

#[test]
fn rows_come_out_in_the_order_they_came_in_until_they_are_taken_out() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("inbox.db");
    let inbox = Inbox::open_at(&path, 100).unwrap();
    assert_eq!((inbox.calls(), inbox.oldest_ms()), (0, None));
    wait(inbox.put(vec![row("a", 2), row("b", 3)])).unwrap();
    wait(inbox.put(vec![row("c", 1)])).unwrap();
    assert_eq!(
        (sources(&inbox), inbox.calls(), inbox.oldest_ms()),
        (vec!["a".into(), "b".into(), "c".into()], 6, Some(5))
    );
    let first = inbox.next(0, 1).unwrap();
    assert_eq!(first, [Row { id: 1, ..row("a", 2) }]);
    assert_eq!(inbox.next(1, 3).unwrap().len(), 1);
    wait(inbox.remove(2)).unwrap();
    drop(inbox);
    let inbox = Inbox::open_at(&path, 100).unwrap();
    assert_eq!((sources(&inbox), inbox.calls()), (vec!["c".into()], 1));
    wait(inbox.remove(3)).unwrap();
    drop(inbox);
    // A number is never given twice.
    let inbox = Inbox::open_at(&path, 100).unwrap();
    wait(inbox.put(vec![row("d", 1)])).unwrap();
    assert_eq!(inbox.next(0, 9).unwrap(), [Row { id: 4, ..row("d", 1) }]);
}

#[test]
fn what_was_answered_is_there_whenever_the_process_dies() {
    let dir = TempDir::new().unwrap();
    let inbox = Inbox::open_at(&dir.path().join("inbox.db"), 1_000_000).unwrap();
    for n in 0..200_u32 {
        wait(inbox.put(vec![row(&format!("s{n}"), 1)])).unwrap();
        if n % 3 == 2 {
            wait(inbox.remove(i64::from(n) - 10)).unwrap();
        }
        if n % 20 != 0 {
            continue;
        }
        // The files as a process would find them that starts after this one was killed.
        let after = dir.path().join(format!("killed {n}"));
        fs::create_dir(&after).unwrap();
        for name in ["inbox.db", "inbox.db-wal"] {
            fs::copy(dir.path().join(name), after.join(name)).unwrap();
        }
        let found = Inbox::open_at(&after.join("inbox.db"), 1_000_000).unwrap();
        assert_eq!(sources(&found), sources(&inbox), "after {n}");
        assert_eq!(found.calls(), inbox.calls());
    }
}

#[test]
fn a_full_inbox_and_a_full_disk_refuse_and_lose_nothing() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("inbox.db");
    let inbox = Inbox::open_at(&path, 3).unwrap();
    wait(inbox.put(vec![row("a", 3)])).unwrap();
    assert_eq!(inbox.admit(1).unwrap_err(), Busy { retry_after_s: 30 });
    wait(inbox.remove(1)).unwrap();
    assert!(inbox.admit(1).is_ok());
    drop(inbox);
    let connection = writer(&path).unwrap();
    connection.pragma_update(None, "max_page_count", 40).unwrap();
    let state = Arc::new(State {
        gate: Gate::new(),
        calls: AtomicU64::new(0),
        calls_max: 10,
        oldest_ms: AtomicI64::new(i64::MAX),
        closing: AtomicBool::new(false),
        arrived: Notify::new(),
        commits: Mutex::default(),
    });
    let (_queue, jobs) = mpsc::channel(1);
    let mut service = Service { connection, path, jobs, state, fault: None };
    let mut put = |bytes: usize| {
        let (reply, answer) = oneshot::channel();
        service.commit(vec![Job::Put { rows: vec![Row { calls: vec![0; bytes], ..row("a", 1) }], reply }]);
        wait(answer).unwrap()
    };
    put(1000).unwrap();
    assert!(matches!(put(1 << 20), Err(Error::Full { .. })));
    put(1000).unwrap();
    assert_eq!(service.state.calls.load(Ordering::Relaxed), 2);
}

#[test]
fn what_waits_at_the_end_is_written_and_what_comes_after_is_refused() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("inbox.db");
    let inbox = Inbox::open_at(&path, 100).unwrap();
    let mut put = Box::pin(inbox.put(vec![row("a", 1)]));
    let _ = put.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    drop(put);
    drop(inbox);
    assert_eq!(sources(&Inbox::open_at(&path, 100).unwrap()), ["a"]);
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_what_waits() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = TempDir::new().unwrap();
    let inbox = Inbox::open_at(&dir.path().join("inbox.db"), 100).unwrap();
    wait(inbox.put(vec![row("a", 1)])).unwrap();
    for name in ["inbox.db", "inbox.db-wal"] {
        let mode = fs::metadata(dir.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn a_file_of_something_else_is_not_touched() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("inbox.db");
    Connection::open(&path).unwrap().execute_batch("create table theirs (n)").unwrap();
    assert!(matches!(Inbox::open_at(&path, 100), Err(Error::Foreign { .. })));
}
