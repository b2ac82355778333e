//! What a request for a token says: its form, its client, and the proof of a code.
//!
//! Pure.

use sha2::{Digest, Sha256};

use crate::server::Recorded;

use super::{ClientAuth, Config, FORM, Refusal};

const BASE64URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The fields of a form.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// RFC 6749, section 3.2: a form, and no field twice.
    pub(super) fn of(request: &Recorded) -> Result<Self, Refusal> {
        let kind = request.header("content-type").and_then(|kind| kind.split(';').next()).unwrap_or_default();
        if !kind.trim().eq_ignore_ascii_case(FORM) {
            return Err((400, "invalid_request", "the body must be a form"));
        }
        if !request.query.is_empty() {
            return Err((400, "invalid_request", "parameters belong into the body"));
        }
        let fields = crate::server::pairs(&String::from_utf8_lossy(&request.body));
        let twice = fields.iter().any(|(name, _)| fields.iter().filter(|(other, _)| other == name).count() > 1);
        if twice { Err((400, "invalid_request", "a parameter is repeated")) } else { Ok(Self(fields)) }
    }

    /// A field that is not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }
}

/// RFC 6749, section 2.3: the right client, proved in the one way that was agreed on.
pub(super) fn client_of(request: &Recorded, form: &Form, config: &Config) -> Result<(), Refusal> {
    const UNKNOWN: Refusal = (401, "invalid_client", "client authentication failed");
    let header = request.header("authorization");
    if header.is_some() && form.get("client_secret").is_some() {
        return Err((400, "invalid_request", "more than one method of client authentication"));
    }
    let basic = config.client_auth == ClientAuth::Basic && config.client_secret.is_some();
    let (id, secret) = match (header, basic) {
        (Some(header), true) => {
            let encoded = header.strip_prefix("Basic ").ok_or(UNKNOWN)?;
            let pair = decoded(&encoded.replace('+', "-").replace('/', "_")).ok_or(UNKNOWN)?;
            let pair = String::from_utf8(pair).map_err(|_| UNKNOWN)?;
            let (id, secret) = pair.split_once(':').ok_or(UNKNOWN)?;
            (crate::server::decode(id), Some(crate::server::decode(secret)))
        }
        (None, false) => {
            (form.get("client_id").unwrap_or_default().to_owned(), form.get("client_secret").map(str::to_owned))
        }
        _ => return Err(UNKNOWN),
    };
    if id == config.client_id && secret == config.client_secret { Ok(()) } else { Err(UNKNOWN) }
}

/// RFC 7636, section 4.6: 43 to 128 unreserved letters whose hash is the challenge.
pub(super) fn proves(verifier: &str, challenge: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (43..=128).contains(&verifier.len())
        && verifier.bytes().all(fits)
        && decoded(challenge).is_some_and(|hash| hash == Sha256::digest(verifier.as_bytes()).as_slice())
}

/// The bytes of base64url; padding is taken as well.
pub(super) fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let (mut group, mut bits) = (0_u32, 0_u32);
    for letter in text.bytes().filter(|letter| *letter != b'=') {
        let value = BASE64URL.iter().position(|known| *known == letter)?;
        group = (group << 6 | u32::try_from(value).ok()?) & 0xff_ffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push(u8::try_from(group >> bits & 0xff).ok()?);
        }
    }
    Some(out)
}
