//! Assertions (RFC 7523, section 3): signature, audience, and a life of an hour at most.
//!
//! Pure: there is no clock here, so only what claims say of each other is checked.

use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::Value;

use super::Refusal;
use super::form::decoded;

/// Longest life that is taken: Google's hour.
const LIFE_S_MAX: u64 = 3_600;

/// Checks an assertion.
pub(super) fn check(signed: &str, public_key: &[u8], audience: &str) -> Result<(), Refusal> {
    let refused = |why| (400, "invalid_grant", why);
    let (said, signature) = signed.rsplit_once('.').ok_or(refused("the assertion has no signature"))?;
    let signature = decoded(signature).ok_or(refused("the signature is not base64url"))?;
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public_key);
    key.verify(said.as_bytes(), &signature).map_err(|_| refused("invalid JWT signature"))?;
    let json = |part: &str| decoded(part).and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    let (header, claims) = said.split_once('.').ok_or(refused("the assertion has no claims"))?;
    if json(header).and_then(|header| header.get("alg").cloned()) != Some(Value::from("RS256")) {
        return Err(refused("alg must be RS256"));
    }
    let claims = json(claims).ok_or(refused("the claims are not JSON"))?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let number = |name: &str| claims.get(name).and_then(Value::as_u64);
    if text("iss").is_none_or(str::is_empty) {
        return Err(refused("iss is missing"));
    }
    if text("aud") != Some(audience) {
        return Err(refused("aud is not this endpoint"));
    }
    match (number("iat"), number("exp")) {
        (Some(from), Some(until)) if until > from && until - from <= LIFE_S_MAX => Ok(()),
        _ => Err(refused("iat and exp must be at most an hour apart")),
    }
}
