//! Whether a destination is who it says: the public roots decide, and what is wrong with a certificate is said in words.
//!
//! Invariant: nobody is believed here whom `rustls` does not believe; only the words of a refusal are ours.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme};

use crate::error::Error;

/// The verifier of `rustls`, which also tells a certificate that vouches for itself.
#[derive(Debug)]
pub(super) struct Verifier(Arc<WebPkiServerVerifier>);

/// The certificate is signed with its own key, and it is no root that is trusted.
#[derive(Debug)]
struct SelfSigned;

impl fmt::Display for SelfSigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it is self-signed")
    }
}

impl StdError for SelfSigned {}

impl Verifier {
    pub(super) fn new(roots: RootCertStore, provider: Arc<CryptoProvider>) -> Result<Self, Error> {
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
        Ok(Self(verifier.build().map_err(|error| Error::Tls(error.to_string()))?))
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.0.verify_server_cert(certificate, intermediates, name, ocsp, now).map_err(|error| {
            let is_doubted = matches!(
                error,
                rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::Other(_))
            );
            if is_doubted && is_self_signed(certificate) {
                return rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(SelfSigned))));
            }
            error
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

fn is_self_signed(certificate: &CertificateDer<'_>) -> bool {
    webpki::EndEntityCert::try_from(certificate).is_ok_and(|parsed| parsed.issuer() == parsed.subject())
}

/// What is wrong with the certificate that ended a handshake; nothing where something else did.
pub(super) fn fault(error: &(dyn StdError + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<rustls::Error>() {
            return match found {
                rustls::Error::InvalidCertificate(fault) => Some(in_words(fault)),
                rustls::Error::NoCertificatesPresented => Some("it has no certificate".to_owned()),
                _ => None,
            };
        }
        // What an `io::Error` holds is not its source.
        let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match held {
            Some(held) => Some(held),
            None => error.source(),
        };
    }
    None
}

fn in_words(fault: &CertificateError) -> String {
    match fault {
        CertificateError::Expired => "its certificate has expired".to_owned(),
        CertificateError::ExpiredContext { time, not_after } => format!(
            "its certificate expired at {}, and the clock of this machine says {}",
            moment(*not_after),
            moment(*time)
        ),
        CertificateError::NotValidYet => "its certificate is not valid yet".to_owned(),
        CertificateError::NotValidYetContext { time, not_before } => format!(
            "its certificate is not valid yet: it is from {} on, and the clock of this machine says {}",
            moment(*not_before),
            moment(*time)
        ),
        CertificateError::NotValidForName => "its certificate is for another host name".to_owned(),
        CertificateError::NotValidForNameContext { expected, presented } => {
            let names: Vec<&str> = presented.iter().map(|name| written(name)).collect();
            let names = if names.is_empty() { "no host".to_owned() } else { format!("`{}`", names.join("`, `")) };
            format!("its certificate is for another host name: for {names}, and not for `{}`", expected.to_str())
        }
        CertificateError::UnknownIssuer => {
            "its certificate has an unknown issuer: none of the public authorities vouches for it".to_owned()
        }
        CertificateError::Revoked => "its certificate was revoked".to_owned(),
        CertificateError::Other(OtherError(other)) if other.is::<SelfSigned>() => {
            "its certificate is self-signed: nobody but itself vouches for it".to_owned()
        }
        other => format!("its certificate does not hold: {other}"),
    }
}

/// `DnsName("api.example.com")` as it is written in the certificate.
fn written(name: &str) -> &str {
    name.split('"').nth(1).unwrap_or(name)
}

fn moment(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).ok();
    let stamp = seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    stamp.map_or_else(|| "a time that cannot be written".to_owned(), |stamp| stamp.to_string())
}
