//! Who has agreed to what.

use roaring::RoaringBitmap;

use crate::{Error, Reader};

/// How a consent that was given is written, whatever the case.
const GIVEN: &str = "('1', 'true', 'yes', 'granted', 'given')";

impl Reader {
    /// Profiles who have agreed to all of these purposes: `true`, `"yes"` or `"granted"` stands in their consent under
    /// each. What is missing is not agreed to.
    ///
    /// # Errors
    /// If the file cannot be read, or a purpose has a quote or a backslash.
    pub fn consenting(&self, purposes: &[String]) -> Result<RoaringBitmap, Error> {
        self.agreed(purposes, None)
    }

    /// Whether one profile has agreed to all of these purposes.
    ///
    /// # Errors
    /// As [`Reader::consenting`].
    pub fn consents(&self, profile: u32, purposes: &[String]) -> Result<bool, Error> {
        Ok(!self.agreed(purposes, Some(profile))?.is_empty())
    }

    fn agreed(&self, purposes: &[String], only: Option<u32>) -> Result<RoaringBitmap, Error> {
        let mut sql = "select id from profile where true".to_owned();
        if let Some(profile) = only {
            sql.push_str(&format!(" and id = {profile}"));
        }
        for (at, purpose) in purposes.iter().enumerate() {
            if purpose.contains(['"', '\\', '\0']) {
                let reason = "a purpose has no quotes and backslashes";
                return Err(Error::Path { path: purpose.clone(), reason });
            }
            let number = at + 1;
            sql.push_str(&format!(" and lower(consent ->> ('$.\"' || ?{number} || '\"')) in {GIVEN}"));
        }
        let read = || {
            let mut statement = self.connection.prepare(&sql)?;
            let rows = statement.query_map(rusqlite::params_from_iter(purposes), |row| row.get::<_, u32>(0))?;
            rows.collect::<Result<_, _>>()
        };
        read().map_err(|error| self.explain(error))
    }
}

#[cfg(test)]
mod tests {
    use crate::tests::TestStore;

    #[track_caller]
    fn check(purposes: &[&str], expect: &[u32]) {
        let consents = [
            r#"{"ads": true, "email": "Granted"}"#,
            r#"{"ads": "yes", "email": false}"#,
            r#"{"ads": null}"#,
            "{}",
            r#"{"ads": "denied", "email": 1}"#,
        ];
        let one = |(at, consent): (usize, &&str)| format!(r#"{{"id": "u{at}", "consent": {consent}}}"#);
        let mut lines: Vec<String> = consents.iter().enumerate().map(one).collect();
        lines.push(r#"{"id": "none"}"#.to_owned());
        let store = TestStore::with(&lines);
        let purposes: Vec<String> = purposes.iter().map(|&purpose| purpose.to_owned()).collect();
        let found = store.reader().unwrap().consenting(&purposes).unwrap();
        assert_eq!(found.iter().collect::<Vec<_>>(), expect, "{purposes:?}");
    }

    #[test]
    fn only_what_was_agreed_to_counts() {
        check(&[], &[1, 2, 3, 4, 5, 6]);
        check(&["ads"], &[1, 2]);
        check(&["email"], &[1, 5]);
        check(&["ads", "email"], &[1]);
        check(&["phone"], &[]);
    }

    #[test]
    fn a_purpose_cannot_mean_something_else() {
        let store = TestStore::with(&[]);
        assert!(store.reader().unwrap().consenting(&["a\".b".to_owned()]).is_err());
    }
}
