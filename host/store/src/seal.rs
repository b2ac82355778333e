//! Sealing and hashing with the key of the store.
//!
//! What identified a person to a destination is kept sealed, so that the file alone does not tell it; and
//! hashes of values are keyed, so that nobody can guess a phone number from its hash. Each purpose has a key
//! of its own, derived from the one in the file. What must never happen: a nonce used twice (they are 24
//! random bytes), or a sealed value that opens in the place of another (the context is authenticated).

use std::fmt;

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::Error;

/// Length of the key in the file.
pub const KEY_BYTES: usize = 32;

/// Length of a keyed hash. 128 bits: a hundred million values meet by chance once in 10^22 stores.
pub const HASH_BYTES: usize = 16;

const NONCE_BYTES: usize = 24;

/// Stands before what is sealed, so that keys and ciphers can be changed later.
const FORMAT: u8 = 1;

type Key = Zeroizing<[u8; KEY_BYTES]>;

/// Seals and hashes with the key of one store.
#[derive(Clone)]
pub struct Sealer {
    seal: Key,
    hash: Key,
}

/// A keyed hash in the making.
#[derive(Clone)]
pub struct KeyedHasher(Hmac<Sha256>);

impl Sealer {
    /// What seals and hashes with this key.
    #[must_use]
    pub fn new(key: &[u8; KEY_BYTES]) -> Self {
        Self { seal: derive(key, b"enroute store 1: seal"), hash: derive(key, b"enroute store 1: hash") }
    }

    /// Seals `plain`; it opens only with the same context.
    ///
    /// # Errors
    ///
    /// If the system gives no random bytes.
    pub fn seal(&self, context: &[u8], plain: &[u8]) -> Result<Vec<u8>, Error> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|error| Error::Random(error.to_string()))?;
        let payload = Payload { msg: plain, aad: context };
        let sealed = self.cipher().encrypt(&XNonce::from(nonce), payload).map_err(|_| Error::Sealed)?;
        let mut bytes = Vec::with_capacity(1 + NONCE_BYTES + sealed.len());
        bytes.push(FORMAT);
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&sealed);
        Ok(bytes)
    }

    /// Opens what [`Sealer::seal`] returned for the same context.
    ///
    /// # Errors
    ///
    /// [`Error::Sealed`] for another context, another key, or bytes that were changed.
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let (&[FORMAT], rest) = sealed.split_first_chunk::<1>().ok_or(Error::Sealed)? else {
            return Err(Error::Sealed);
        };
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(Error::Sealed)?;
        let payload = Payload { msg: sealed, aad: context };
        self.cipher().decrypt(&XNonce::from(*nonce), payload).map(Zeroizing::new).map_err(|_| Error::Sealed)
    }

    /// A key for another purpose of this host, derived from the store's.
    #[must_use]
    pub fn derived_key(&self, purpose: &str) -> [u8; 2 * HASH_BYTES] {
        let mut key = [0; 2 * HASH_BYTES];
        let halves = [self.keyed_hash(purpose, b"first"), self.keyed_hash(purpose, b"second")].concat();
        key.iter_mut().zip(halves).for_each(|(to, from)| *to = from);
        key
    }

    /// The keyed hash of `bytes`; the same bytes hash differently in another domain.
    #[must_use]
    pub fn keyed_hash(&self, domain: &str, bytes: &[u8]) -> [u8; HASH_BYTES] {
        let mut hasher = self.keyed_hasher(domain);
        hasher.update(bytes);
        hasher.finish()
    }

    /// Begins a keyed hash of what comes in pieces: the pieces hash like their concatenation.
    #[must_use]
    pub fn keyed_hasher(&self, domain: &str) -> KeyedHasher {
        let mut mac = mac(&self.hash);
        mac.update(&(domain.len() as u64).to_le_bytes());
        mac.update(domain.as_bytes());
        KeyedHasher(mac)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&(*self.seal).into())
    }
}

impl KeyedHasher {
    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Adds bytes, or their absence, so that they cannot run into what comes next.
    pub fn update_part(&mut self, part: Option<&[u8]>) {
        let length = part.map_or(u64::MAX, |bytes| bytes.len() as u64);
        self.0.update(&length.to_le_bytes());
        self.0.update(part.unwrap_or_default());
    }

    /// The hash of all that was added.
    #[must_use]
    pub fn finish(self) -> [u8; HASH_BYTES] {
        let full: [u8; 32] = self.0.finalize().into_bytes().into();
        let mut cut = [0; HASH_BYTES];
        cut.iter_mut().zip(full).for_each(|(to, from)| *to = from);
        cut
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(..)")
    }
}

impl fmt::Debug for KeyedHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyedHasher(..)")
    }
}

fn derive(key: &[u8; KEY_BYTES], purpose: &[u8]) -> Key {
    let mut mac = mac(key);
    mac.update(purpose);
    Zeroizing::new(mac.finalize().into_bytes().into())
}

fn mac(key: &[u8; KEY_BYTES]) -> Hmac<Sha256> {
    // A whole block, so that the constructor that cannot fail serves; HMAC pads keys with zeros likewise.
    let mut block = [0; 64];
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    <Hmac<Sha256> as hmac::KeyInit>::new(&block.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(first: u8) -> Sealer {
        let mut key = [7; KEY_BYTES];
        key[0] = first;
        Sealer::new(&key)
    }

    #[test]
    fn what_was_sealed_opens_only_with_its_key_and_context() {
        let sealed = sealer(1).seal(b"held 1 2", b"ann@example.com").unwrap();
        assert_eq!(sealer(1).open(b"held 1 2", &sealed).unwrap().as_slice(), b"ann@example.com");
        assert!(matches!(sealer(1).open(b"held 1 3", &sealed), Err(Error::Sealed)));
        assert!(matches!(sealer(2).open(b"held 1 2", &sealed), Err(Error::Sealed)));
    }

    #[test]
    fn any_changed_or_missing_byte_is_noticed() {
        let sealed = sealer(1).seal(b"", b"ann").unwrap();
        for i in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[i] ^= 1;
            assert!(sealer(1).open(b"", &changed).is_err(), "byte {i}");
            assert!(sealer(1).open(b"", &sealed[..i]).is_err(), "cut at {i}");
        }
    }

    #[test]
    fn the_same_value_never_seals_alike() {
        assert_ne!(sealer(1).seal(b"", b"ann").unwrap(), sealer(1).seal(b"", b"ann").unwrap());
    }

    #[test]
    fn a_keyed_hash_depends_on_key_domain_and_bytes_but_not_on_the_pieces() {
        let hash = sealer(1).keyed_hash("identity", b"ann");
        assert_ne!(hash, sealer(2).keyed_hash("identity", b"ann"));
        assert_ne!(hash, sealer(1).keyed_hash("identit", b"yann"));
        assert_ne!(hash, sealer(1).keyed_hash("identity", b"bob"));
        let mut pieces = sealer(1).keyed_hasher("identity");
        pieces.update(b"a");
        pieces.update(b"nn");
        assert_eq!(hash, pieces.finish());
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let hash = |parts: &[Option<&[u8]>]| {
            let mut hasher = sealer(1).keyed_hasher("profile");
            parts.iter().for_each(|part| hasher.update_part(*part));
            hasher.finish()
        };
        assert_ne!(hash(&[Some(b"ab"), Some(b"c")]), hash(&[Some(b"a"), Some(b"bc")]));
        assert_ne!(hash(&[None, Some(b"")]), hash(&[Some(b""), None]));
    }

    #[test]
    fn hashing_follows_rfc_4231() {
        // Test case 1 of RFC 4231, through the padded key.
        let mut key = [0; KEY_BYTES];
        key[..20].fill(0x0b);
        let mut mac = mac(&key);
        mac.update(b"Hi There");
        let full: [u8; 32] = mac.finalize().into_bytes().into();
        assert_eq!(full[..4], [0xb0, 0x34, 0x4c, 0x61]);
    }

    #[test]
    fn neither_key_nor_hasher_is_printed() {
        assert_eq!(format!("{:?} {:?}", sealer(1), sealer(1).keyed_hasher("x")), "Sealer(..) KeyedHasher(..)");
    }
}
