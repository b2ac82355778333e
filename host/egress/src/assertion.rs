//! Assertions that ask for tokens (RFC 7523): claims signed with RS256, and the keys that sign them.
//!
//! Pure but for the padding's random numbers. Handles the text of a key only while it signs, and never quotes any of
//! it.

use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use crate::encode::{base64_decoded, base64_url};

/// Seconds that an assertion is good for. Salesforce takes three minutes, Google an hour.
const LIFE_S: u64 = 180;

/// `{"alg":"RS256","typ":"JWT"}`.
const HEADER: &[u8] = br#"{"alg":"RS256","typ":"JWT"}"#;

/// What an assertion says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Who issues it; from the key file where not given.
    pub issuer: Option<String>,
    /// Whom it is about.
    pub subject: Option<String>,
    /// Whom it is for.
    pub audience: String,
    /// What is asked for, separated by spaces.
    pub scope: Option<String>,
    /// Now, in seconds since 1970.
    pub issued_s: u64,
}

/// Why a secret cannot sign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It is something else.
    #[error("it is neither an RSA key in PEM form nor a key file of Google's")]
    NotAKey,
    /// It needs a passphrase.
    #[error("it is encrypted: write it without a passphrase, and keep it where only Enroute reads it")]
    Encrypted,
    /// It is a key that cannot be used.
    #[error("it is a key that cannot sign with RS256: {0}")]
    Unfit(String),
    /// Nobody issues the assertion.
    #[error("neither it nor the manifest says who issues the assertion")]
    NoIssuer,
}

/// Google's key file, as far as it matters.
#[derive(Deserialize)]
struct KeyFile {
    private_key: String,
    client_email: Option<String>,
}

/// Signs the claims; `key` is what the operator's secret holds.
pub(super) fn sign(key: &str, claims: &Claims) -> Result<Zeroizing<String>, KeyError> {
    let (pair, of_file) = parse(key)?;
    let issuer = claims.issuer.clone().or(of_file).ok_or(KeyError::NoIssuer)?;
    let mut body = json!({
        "iss": issuer,
        "aud": claims.audience,
        "iat": claims.issued_s,
        "exp": claims.issued_s + LIFE_S,
    });
    if let Some(members) = body.as_object_mut() {
        members.extend(claims.subject.iter().map(|subject| ("sub".to_owned(), json!(subject))));
        members.extend(claims.scope.iter().map(|scope| ("scope".to_owned(), json!(scope))));
    }
    let mut signed = format!("{}.{}", base64_url(HEADER), base64_url(body.to_string().as_bytes()));
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
        .map_err(|_| KeyError::Unfit("signing failed".to_owned()))?;
    signed.push('.');
    signed.push_str(&base64_url(&signature));
    Ok(Zeroizing::new(signed))
}

/// Finds out without signing anything whether a secret could sign.
pub(super) fn check(key: &str, has_issuer: bool) -> Result<(), KeyError> {
    let (_, of_file) = parse(key)?;
    if has_issuer || of_file.is_some() { Ok(()) } else { Err(KeyError::NoIssuer) }
}

fn parse(key: &str) -> Result<(RsaKeyPair, Option<String>), KeyError> {
    if key.trim_start().starts_with('{') {
        let file: KeyFile = serde_json::from_str(key).map_err(|_| KeyError::NotAKey)?;
        let key = Zeroizing::new(file.private_key);
        return Ok((pem(&key)?, file.client_email));
    }
    // Where a variable holds the key, its line breaks are often written out.
    let key = Zeroizing::new(key.replace("\\n", "\n"));
    Ok((pem(&key)?, None))
}

fn pem(text: &str) -> Result<RsaKeyPair, KeyError> {
    let (_, rest) = text.split_once("-----BEGIN ").ok_or(KeyError::NotAKey)?;
    let (label, rest) = rest.split_once("-----").ok_or(KeyError::NotAKey)?;
    let (body, _) = rest.split_once("-----END ").ok_or(KeyError::NotAKey)?;
    if label.contains("ENCRYPTED") || body.contains("ENCRYPTED") {
        return Err(KeyError::Encrypted);
    }
    let der = base64_decoded(body).ok_or(KeyError::NotAKey)?;
    let pair = match label {
        "PRIVATE KEY" => RsaKeyPair::from_pkcs8(&der),
        "RSA PRIVATE KEY" => RsaKeyPair::from_der(&der),
        _ => return Err(KeyError::NotAKey),
    };
    pair.map_err(|refused| KeyError::Unfit(refused.to_string()))
}

#[cfg(test)]
mod tests {
    use ring::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
    use serde_json::Value;

    use super::*;

    /// Keys for tests alone: they open nothing.
    const PKCS8: &str = include_str!("assertion/pkcs8.pem");
    const PKCS1: &str = include_str!("assertion/pkcs1.pem");

    fn claims() -> Claims {
        Claims {
            issuer: Some("app".into()),
            subject: Some("ann@example.com".into()),
            audience: "https://login.example.com".into(),
            scope: Some("one two".into()),
            issued_s: 1_000,
        }
    }

    fn decoded(part: &str) -> Vec<u8> {
        base64_decoded(&part.replace('-', "+").replace('_', "/")).unwrap().to_vec()
    }

    #[test]
    fn an_assertion_says_what_it_must_and_its_signature_holds() {
        let both = [PKCS8, PKCS1].map(|key| sign(key, &claims()).unwrap());
        assert_eq!(both[0], both[1], "it is the same key in two forms");
        let parts: Vec<&str> = both[0].split('.').collect();
        assert_eq!(decoded(parts[0]), HEADER);
        let said: Value = serde_json::from_slice(&decoded(parts[1])).unwrap();
        let expect = json!({ "iss": "app", "sub": "ann@example.com", "aud": "https://login.example.com",
            "scope": "one two", "iat": 1_000, "exp": 1_180 });
        assert_eq!(said, expect);
        let (pair, _) = parse(PKCS8).unwrap();
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref());
        let signed = format!("{}.{}", parts[0], parts[1]);
        assert!(public.verify(signed.as_bytes(), &decoded(parts[2])).is_ok());
        assert!(!both[0].contains(['=', '+', '/']), "base64url without padding");
    }

    #[test]
    fn a_key_file_brings_its_issuer_and_the_manifest_may_name_another() {
        let file = json!({ "type": "service_account", "private_key": PKCS8, "client_email": "robot@example.com" });
        let issuer = |claims: &Claims| {
            let signed = sign(&file.to_string(), claims).unwrap();
            let said: Value = serde_json::from_slice(&decoded(signed.split('.').nth(1).unwrap())).unwrap();
            said["iss"].as_str().unwrap().to_owned()
        };
        assert_eq!(issuer(&Claims { issuer: None, ..claims() }), "robot@example.com");
        assert_eq!(issuer(&claims()), "app");
    }

    #[test]
    fn a_secret_that_cannot_sign_is_told_apart_and_never_quoted() {
        let check = |key: &str, expect: &str| assert_eq!(check(key, false).unwrap_err().to_string(), expect);
        check("hunter2", "it is neither an RSA key in PEM form nor a key file of Google's");
        check("{\"private_key\": \"hunter2\"}", "it is neither an RSA key in PEM form nor a key file of Google's");
        check(PKCS8, "neither it nor the manifest says who issues the assertion");
        let encrypted = PKCS8.replace("PRIVATE", "ENCRYPTED PRIVATE");
        check(&encrypted, "it is encrypted: write it without a passphrase, and keep it where only Enroute reads it");
        let cut = PKCS8.replacen("MII", "AII", 1);
        assert!(matches!(super::check(&cut, true), Err(KeyError::Unfit(_))));
        assert_eq!(super::check(&PKCS8.replace('\n', "\\n"), true), Ok(()));
    }
}
