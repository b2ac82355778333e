//! Which alerts hold, so that each is told once and not after every run.

use std::collections::BTreeSet;

use rusqlite::params;

use crate::{Error, Transaction};

/// Notes which alerts hold now of what was looked at (`about`, the ends of keys), and returns those that are to be
/// told: those that did not hold before, and those that were told so long ago.
///
/// # Errors
/// When the store cannot be written.
pub fn hold(
    tx: &Transaction<'_>,
    holding: &BTreeSet<String>,
    about: &[String],
    now_ms: u64,
    again_after_ms: u64,
) -> Result<BTreeSet<String>, Error> {
    let connection = tx.connection();
    let mut statement = connection.prepare_cached("SELECT key, told_ms FROM alert")?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?.cast_unsigned())))?;
    let known: Vec<(String, u64)> = rows.collect::<Result<_, _>>()?;
    let mut due = holding.clone();
    for (key, told_ms) in known {
        if !holding.contains(&key) && about.iter().any(|end| key.ends_with(end)) {
            connection.execute("DELETE FROM alert WHERE key = ?1", [&key])?;
        } else if holding.contains(&key) && now_ms.saturating_sub(told_ms) < again_after_ms {
            due.remove(&key);
        }
    }
    let mut told = connection.prepare_cached("INSERT OR REPLACE INTO alert (key, told_ms) VALUES (?1, ?2)")?;
    due.iter().try_for_each(|key| told.execute(params![key, now_ms.cast_signed()]).map(drop))?;
    Ok(due)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::TestStore;

    #[test]
    fn an_alert_is_told_once_while_it_holds() {
        let store = TestStore::new();
        let due = |keys: &[&str], now_ms: u64| {
            let holding: BTreeSet<String> = keys.iter().map(|key| (*key).to_owned()).collect();
            let about = ["a", "b"].map(str::to_owned);
            let due = store.write_blocking(move |tx| hold(tx, &holding, &about, now_ms, 1_000)).unwrap();
            due.into_iter().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(due(&["a", "b"], 10), "a b");
        assert_eq!(due(&["a", "b"], 20), "");
        assert_eq!(due(&["b"], 30), "");
        assert_eq!(due(&["a", "b"], 40), "a", "it did not hold in between");
        assert_eq!(due(&["a", "b"], 1_010), "b", "it is told again after a while");
        let elsewhere = |tx: &Transaction<'_>| hold(tx, &BTreeSet::new(), &["c".to_owned()], 1_020, 1_000);
        assert!(store.write_blocking(elsewhere).unwrap().is_empty());
        assert_eq!(due(&["a", "b"], 1_030), "", "a run that was about others changed nothing");
    }
}
