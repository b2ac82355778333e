//! The certificate that is shown to clients, which can be replaced while connections are open.
//!
//! What must never happen: a new certificate with the old key, or none because the new files are not whole yet. A pair
//! is taken on when both are there and fit each other; until then the old one is in force.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

/// Why a certificate and its key cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadCertificate {
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("{path} has no {what} in PEM form")]
    Pem {
        /// The file.
        path: PathBuf,
        /// What it should have.
        what: &'static str,
        /// What the parser said.
        #[source]
        source: pem::Error,
    },
    /// The two do not fit, or the key is of a kind that is not known.
    #[error("the certificate {certificate} and the key {key} cannot be used together")]
    Pair {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What is wrong.
        #[source]
        source: tokio_rustls::rustls::Error,
    },
}

/// A certificate with its key, from two files of PEM.
#[derive(Debug)]
pub struct Certificate {
    certificate: PathBuf,
    key: PathBuf,
    current: Arc<Current>,
    server: Arc<ServerConfig>,
}

#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Certificate {
    /// Reads a certificate, with those that vouch for it behind it, and its key.
    ///
    /// # Errors
    ///
    /// [`BadCertificate`].
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, BadCertificate> {
        let current = Arc::new(Current(RwLock::new(Arc::new(pair(certificate, key)?))));
        let provider = Arc::new(default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let wrong = |source| BadCertificate::Pair { certificate: certificate.to_owned(), key: key.to_owned(), source };
        let mut server =
            builder.map_err(wrong)?.with_no_client_auth().with_cert_resolver(Arc::<Current>::clone(&current));
        server.alpn_protocols = vec![b"http/1.1".to_vec()];
        let (certificate, key) = (certificate.to_owned(), key.to_owned());
        Ok(Self { certificate, key, current, server: Arc::new(server) })
    }

    /// Reads both files again. New connections get the new certificate; where it is not whole, they go on with the old
    /// one.
    ///
    /// # Errors
    ///
    /// [`BadCertificate`]; then nothing has changed.
    pub fn reload(&self) -> Result<(), BadCertificate> {
        let pair = Arc::new(pair(&self.certificate, &self.key)?);
        *self.current.0.write().unwrap_or_else(PoisonError::into_inner) = pair;
        Ok(())
    }

    pub(super) fn server(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.server)
    }
}

fn pair(certificate: &Path, key: &Path) -> Result<CertifiedKey, BadCertificate> {
    let chain = CertificateDer::pem_slice_iter(&read(certificate)?).collect::<Result<Vec<_>, _>>();
    let pem = |path: &Path, what| {
        let path = path.to_owned();
        move |source| BadCertificate::Pem { path, what, source }
    };
    let chain = chain.and_then(|chain| if chain.is_empty() { Err(pem::Error::NoItemsFound) } else { Ok(chain) });
    let chain = chain.map_err(pem(certificate, "certificate"))?;
    let private = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(pem(key, "private key"))?;
    CertifiedKey::from_der(chain, private, &default_provider()).map_err(|source| BadCertificate::Pair {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
        source,
    })
}

fn read(path: &Path) -> Result<Vec<u8>, BadCertificate> {
    std::fs::read(path).map_err(|source| BadCertificate::Read { path: path.to_owned(), source })
}
