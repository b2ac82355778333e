//! Secrets that the store keeps: sealed on the way in, and opened for those who put them into requests.
//!
//! Nobody gets a value back by its name: what is told of a secret is when it was set. What must never happen: a value
//! in the store in plain, or one that is opened under another name than the one it was set under.

use enroute_config::reference::Sealed;
use enroute_config::secret::Secret;
use enroute_store::secrets::{self, SecretRow};
use enroute_store::{Error, Reader, Sealer, Store};

use crate::secrets::seal;

/// A secret that is kept, without its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// What `${sealed:NAME}` calls it.
    pub name: String,
    /// When it was set, in milliseconds since 1970.
    pub at_ms: u64,
}

/// Keeps a secret in place of the one of the same name; tells whether there was one. The name is one that
/// [`is_sealed_name`](enroute_config::reference::is_sealed_name) allows, which its caller sees to.
///
/// # Errors
/// When the store cannot be written.
pub async fn keep(store: &Store, name: &str, secret: &Secret, at_ms: u64) -> Result<bool, Error> {
    let sealed = seal(secret, store.sealer(), &context(name))?;
    let row = SecretRow { name: name.to_owned(), sealed, at_ms };
    store.write(move |tx| secrets::put(tx, &row)).await
}

/// Keeps a secret no longer; tells whether there was one.
///
/// # Errors
/// When the store cannot be written.
pub async fn remove(store: &Store, name: &str) -> Result<bool, Error> {
    let name = name.to_owned();
    store.write(move |tx| secrets::remove(tx, &name)).await
}

/// What is kept, by name.
///
/// # Errors
/// When the store cannot be read.
pub fn kept(reader: &Reader) -> Result<Vec<Kept>, Error> {
    let rows = secrets::all(reader)?.into_iter();
    Ok(rows.map(|row| Kept { name: row.name, at_ms: row.at_ms }).collect())
}

/// Opens what is kept, for references to it.
///
/// # Errors
/// When the store cannot be read, or something in it is not what was sealed.
pub fn open(reader: &Reader, sealer: &Sealer) -> Result<Sealed, Error> {
    let opened = secrets::all(reader)?.into_iter().map(|row| {
        let plain = sealer.open(&context(&row.name), &row.sealed)?;
        // It was text when it was sealed.
        let value = Secret::new(String::from_utf8_lossy(&plain).into_owned());
        Ok((row.name, value))
    });
    opened.collect()
}

fn context(name: &str) -> Vec<u8> {
    [b"secret ".as_slice(), name.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_secret_is_kept_sealed_replaced_and_removed_and_told_without_its_value() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("state")).unwrap();
        let secret = |text: &str| Secret::from(text.to_owned());
        assert!(!keep(&store, "BRAZE", &secret("canary-first-5512"), 5).await.unwrap());
        assert!(keep(&store, "BRAZE", &secret("canary-second-5512"), 7).await.unwrap());
        let reader = store.reader().unwrap();
        assert_eq!(kept(&reader).unwrap(), [Kept { name: "BRAZE".to_owned(), at_ms: 7 }]);
        let opened = open(&reader, store.sealer()).unwrap();
        assert!(!format!("{opened:?}").contains("canary"));
        let other = SecretRow { name: "OTHER".to_owned(), ..secrets::all(&reader).unwrap().remove(0) };
        store.write(move |tx| secrets::put(tx, &other)).await.unwrap();
        assert!(open(&reader, store.sealer()).is_err(), "a value belongs to its name");
        assert!(remove(&store, "OTHER").await.unwrap() && !remove(&store, "OTHER").await.unwrap());
        drop((reader, store));
        for file in std::fs::read_dir(folder.path().join("state")).unwrap() {
            let path = file.unwrap().path();
            let bytes = if path.is_file() { std::fs::read(path).unwrap() } else { Vec::new() };
            assert!(!bytes.windows(6).any(|window| window == b"canary"));
        }
    }
}
