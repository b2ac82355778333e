//! Where a database's server is, and how the way to it is kept: the one place that reads the URL of one.
//!
//! What must never happen: a password in a message, or a way over a network that is not encrypted because nobody said
//! so. What the drivers do not understand of a URL that was copied from a console is honoured here, or named.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use crate::Error;
use enroute_config::secret::Secret;

/// Files that a way over TLS needs beside the URL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// The certificates of the authorities that may have signed the server's; instead of the public ones.
    pub ca_file: Option<PathBuf>,
    /// The certificate that this program shows, with those between it and its authority.
    pub cert_file: Option<PathBuf>,
    /// The key of that certificate.
    pub key_file: Option<PathBuf>,
}

/// What is checked of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    /// Nothing, for nothing is encrypted.
    Plain,
    /// Its certificate is signed by an authority.
    Chain,
    /// And it is made out to the name in the URL.
    Name,
}

/// A server and the way to it.
#[derive(Debug)]
pub(super) enum Server {
    Postgres(Box<Config>),
    Mysql(Box<mysql_async::Opts>),
}

/// What a URL says.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) server: Server,
    pub(super) check: Check,
    pub(super) access: Access,
}

/// What a server is called in hashes: without user and password.
pub(super) fn name(way: &Way) -> String {
    match &way.server {
        Server::Postgres(config) => {
            let (hosts, ports) = (config.get_hosts(), config.get_ports());
            format!("postgres {hosts:?} {ports:?} {:?}", config.get_dbname())
        }
        Server::Mysql(opts) => {
            format!("mysql {} {} {:?}", opts.ip_or_hostname(), opts.tcp_port(), opts.db_name())
        }
    }
}

const UNREADABLE: &str = "the URL of the database cannot be understood: postgres://user:password@host/database, or \
    mysql://user:password@host/database";

/// Reads a URL.
pub(super) fn way(url: &Secret, access: &Access) -> Result<Way, Error> {
    let (plain, mut words) = Words::taken_from(url.reveal().trim());
    let mut access = access.clone();
    words.files(&mut access)?;
    let scheme = plain.split_once("://").map_or("", |(scheme, _)| scheme);
    if matches!(scheme, "mysql" | "mariadb") {
        return mysql(&plain, &words, access);
    }
    let config: Config = plain.parse().map_err(|_| refused(UNREADABLE))?;
    let stays = stays_on_this_machine(&config);
    let check = match (words.mode.as_deref(), config.get_ssl_mode()) {
        (Some("verify-ca"), _) => Check::Chain,
        (Some("verify-full"), _) => Check::Name,
        (None, SslMode::Disable) => Check::Plain,
        (None, SslMode::Require) => Check::Name,
        (None, _) if stays && access.ca_file.is_none() => Check::Plain,
        (None, _) => Check::Name,
        (Some(mode), _) => return Err(unknown_mode(mode)),
    };
    Ok(Way { server: Server::Postgres(Box::new(config)), check, access })
}

fn mysql(plain: &str, words: &Words, access: Access) -> Result<Way, Error> {
    let plain = plain.strip_prefix("mariadb://").map_or_else(|| plain.to_owned(), |rest| format!("mysql://{rest}"));
    let opts = mysql_async::Opts::from_url(&plain).map_err(|_| refused(UNREADABLE))?;
    let host = opts.ip_or_hostname();
    let stays = host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    let check = match words.mode.as_deref() {
        Some("disable" | "disabled") => Check::Plain,
        Some("verify-ca" | "verify_ca") => Check::Chain,
        Some("require" | "required" | "verify-full" | "verify_identity") => Check::Name,
        None | Some("prefer" | "preferred") if stays && access.ca_file.is_none() => Check::Plain,
        None | Some("prefer" | "preferred") => Check::Name,
        Some(mode) => return Err(unknown_mode(mode)),
    };
    Ok(Way { server: Server::Mysql(Box::new(opts)), check, access })
}

fn unknown_mode(mode: &str) -> Error {
    refused(&match mode {
        "allow" => {
            "`sslmode=allow` sends in plain where it can: write `require`, or `disable` if that is what you mean"
                .to_owned()
        }
        _ => "the `sslmode` of the URL is none: write disable, require, verify-ca or verify-full".to_owned(),
    })
}

/// Words of a URL that the drivers do not know.
#[derive(Debug, Default)]
struct Words {
    mode: Option<String>,
    ca: Option<String>,
    cert: Option<String>,
    key: Option<String>,
    /// The name of one that nobody honours.
    unknown: Option<&'static str>,
}

impl Words {
    /// Takes them out of a URL, or out of a list of `key=value`.
    fn taken_from(url: &str) -> (String, Self) {
        let mut words = Self::default();
        let (separator, mark) = if url.contains("://") { ('&', '?') } else { (' ', ' ') };
        let (head, tail) = match url.split_once(mark) {
            Some((head, tail)) if mark == '?' => (Some(head), tail),
            None if mark == '?' => return (url.to_owned(), words),
            _ => (None, url),
        };
        let is_mysql = url.starts_with("mysql://") || url.starts_with("mariadb://");
        let kept: Vec<&str> = tail
            .split(separator)
            .filter(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                !words.take(key, value, is_mysql)
            })
            .collect();
        let kept = kept.join(&separator.to_string());
        match head {
            Some(head) if kept.is_empty() => (head.to_owned(), words),
            Some(head) => (format!("{head}{mark}{kept}"), words),
            None => (kept, words),
        }
    }

    /// Takes a word, if the driver does not know it.
    fn take(&mut self, key: &str, value: &str, is_mysql: bool) -> bool {
        let own = |value: &str| Some(value.replace("%2F", "/").replace("%2f", "/"));
        match key {
            "sslmode" if !is_mysql && matches!(value, "disable" | "prefer" | "require") => return false,
            "sslmode" | "ssl-mode" | "ssl_mode" => self.mode = Some(value.to_ascii_lowercase()),
            "sslrootcert" | "ssl-ca" if value == "system" => {}
            "sslrootcert" | "ssl-ca" => self.ca = own(value),
            "sslcert" | "ssl-cert" => self.cert = own(value),
            "sslkey" | "ssl-key" => self.key = own(value),
            // Encryption by Kerberos, which no server asks for where TLS is there.
            "gssencmode" => {}
            "service" => self.unknown = Some("service"),
            "passfile" => self.unknown = Some("passfile"),
            _ => return false,
        }
        true
    }

    fn files(&mut self, access: &mut Access) -> Result<(), Error> {
        if let Some(unknown) = self.unknown {
            return Err(refused(&format!(
                "`{unknown}` in the URL of the database is not followed: write host, user and password into the URL"
            )));
        }
        let set = |file: &mut Option<PathBuf>, word: &mut Option<String>| {
            if let (None, Some(path)) = (&file, word.take()) {
                *file = Some(PathBuf::from(path));
            }
        };
        set(&mut access.ca_file, &mut self.ca);
        set(&mut access.cert_file, &mut self.cert);
        set(&mut access.key_file, &mut self.key);
        Ok(())
    }
}

fn stays_on_this_machine(config: &Config) -> bool {
    let is_loopback = |host: &Host| match host {
        Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback()),
        Host::Unix(_) => true,
    };
    config.get_hosts().iter().all(is_loopback) && config.get_hostaddrs().iter().all(IpAddr::is_loopback)
}

/// How TLS is spoken on a way.
pub(super) fn tls(way: &Way) -> Result<ClientConfig, Error> {
    let mut roots = RootCertStore::empty();
    match &way.access.ca_file {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(file) => {
            for certificate in certificates(file, "ca_file")? {
                roots.add(certificate).map_err(|error| unfit(file, "ca_file", &error.to_string()))?;
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| refused(&error.to_string()))?;
    let builder = if way.check == Check::Chain {
        let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build();
        let inner = inner.map_err(|error| refused(&error.to_string()))?;
        builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyName { inner, provider }))
    } else {
        builder.with_root_certificates(roots)
    };
    match (&way.access.cert_file, &way.access.key_file) {
        (Some(cert), Some(key)) => {
            let chain = certificates(cert, "cert_file")?;
            let own = PrivateKeyDer::from_pem_file(key).map_err(|error| unfit(key, "key_file", &error.to_string()))?;
            builder.with_client_auth_cert(chain, own).map_err(|error| unfit(cert, "cert_file", &error.to_string()))
        }
        _ => Ok(builder.with_no_client_auth()),
    }
}

fn certificates(file: &Path, key: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let read = CertificateDer::pem_file_iter(file).map_err(|error| unfit(file, key, &error.to_string()))?;
    let read: Result<Vec<_>, _> = read.collect();
    let read = read.map_err(|error| unfit(file, key, &error.to_string()))?;
    if read.is_empty() { Err(unfit(file, key, "there is no certificate in it")) } else { Ok(read) }
}

fn unfit(file: &Path, key: &str, reason: &str) -> Error {
    refused(&format!("`{key}` {} cannot be used: {reason}", file.display()))
}

/// Checks who signed a certificate and not to whom it is made out.
#[derive(Debug)]
struct AnyName {
    inner: Arc<WebPkiServerVerifier>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// What to do about a certificate that is refused, beside what is wrong with it.
pub(super) fn certificate_hint(reason: &str) -> Option<&'static str> {
    if reason.contains("CaUsedAsEndEntity") {
        return Some(
            "the server's certificate is its own authority: sign one with it, or make it with \
             `-addext basicConstraints=CA:FALSE`",
        );
    }
    reason.contains("UnknownIssuer").then_some("name the certificate of the authority that signed it as `ca_file`")
}

fn refused(reason: &str) -> Error {
    Error::Database { reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str) -> String {
        match way(&Secret::from(url.to_owned()), &Access::default()) {
            Ok(way) => format!("{:?} {}", way.check, way.access.ca_file.unwrap_or_default().display()),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn only_a_way_within_this_machine_needs_no_tls() {
        for url in [
            "postgres://u@127.0.0.1:5432/db",
            "postgres://u@localhost/db",
            "host=/var/run/postgresql user=u",
            "mysql://u@127.0.0.1/db",
            "mariadb://u:p@localhost:3307/db?ssl-mode=disabled",
        ] {
            assert_eq!(check(url), "Plain ", "{url}");
        }
        for url in [
            "postgres://u@db.example.com/db",
            "postgres://u@localhost,db.example.com/db",
            "host=localhost hostaddr=192.0.2.1 user=u",
            "postgres://u@127.0.0.1/db?sslmode=require",
            "mysql://u@db.example.com/db",
            "mariadb://u@127.0.0.1/db?ssl-mode=VERIFY_IDENTITY",
        ] {
            assert_eq!(check(url), "Name ", "{url}");
        }
    }

    #[test]
    fn words_that_the_driver_does_not_know_are_honoured_or_named() {
        assert_eq!(check("postgres://u@h/db?sslmode=verify-full&sslrootcert=%2Fca.pem"), "Name /ca.pem");
        assert_eq!(check("host=h user=u sslmode=verify-ca sslrootcert=/ca.pem"), "Chain /ca.pem");
        assert_eq!(check("postgres://u@h/db?gssencmode=disable&sslrootcert=system"), "Name ");
        assert!(check("postgres://u@h/db?sslmode=allow").contains("sends in plain where it can"));
        assert!(check("postgres://u@h/db?service=x").contains("`service` in the URL"));
    }

    #[test]
    fn a_url_that_cannot_be_read_is_not_repeated() {
        for url in ["postgres://u:not-a-real-key@db:99999999/x", "mysql://u:not-a-real-key@db:99999999/x"] {
            let told = check(url);
            assert!(!told.contains("not-a-real-key") && told.contains("cannot be understood"), "{told}");
        }
    }
}
