//! Who may call: the access token and its proof.
//!
//! Pure: the present is a parameter, and without it a proof has no age. Source of the rules: Meta, "Access tokens"
//! and "Securing requests" (`appsecret_proof`).

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::server::Recorded;

use super::refusal::{PARAMETER, Refusal, TOKEN};
use super::{Config, parameters};

/// Seconds a time-bound proof may be off; Meta says "current" and names no number.
const PROOF_AGE_S_MAX: u64 = 300;

/// Checks token and proof of a request.
pub(super) fn check(request: &Recorded, config: &Config, now_s: Option<u64>) -> Result<(), Refusal> {
    // Meta, "Access tokens": in the header or among the parameters.
    let token = request.bearer().map(str::to_owned).or_else(|| parameters::text(request, "access_token"));
    let token = token.as_deref().unwrap_or_default();
    if token.is_empty() {
        return Err(Refusal::new(TOKEN, "An active access token must be used to query information"));
    }
    if token != config.access_token {
        return Err(Refusal::new(TOKEN, "Invalid OAuth access token"));
    }
    match &config.app_secret {
        Some(secret) => check_proof(request, secret, token, now_s),
        None => Ok(()),
    }
}

/// The proof of a token: lower-case hex of HMAC-SHA256, bound to a time if one is given.
pub fn proof(app_secret: &str, access_token: &str, time_s: Option<u64>) -> String {
    let message = match time_s {
        Some(time_s) => format!("{access_token}|{time_s}"),
        None => access_token.to_owned(),
    };
    // HMAC takes keys of any length, so the error cannot occur.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(app_secret.as_bytes()) else { return String::new() };
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Meta, "Securing requests": an app that requires the secret refuses calls without a valid proof.
fn check_proof(request: &Recorded, secret: &str, token: &str, now_s: Option<u64>) -> Result<(), Refusal> {
    let Some(given) = parameters::text(request, "appsecret_proof") else {
        return Err(Refusal::new(PARAMETER, "API calls from the server require an appsecret_proof argument"));
    };
    let invalid = || Refusal::new(PARAMETER, "Invalid appsecret_proof provided in the API argument");
    let time_s = match parameters::text(request, "appsecret_time") {
        None => None,
        Some(text) => Some(text.parse::<u64>().map_err(|_| invalid())?),
    };
    let current = match (time_s, now_s) {
        (Some(time_s), Some(now_s)) => time_s.abs_diff(now_s) <= PROOF_AGE_S_MAX,
        _ => true,
    };
    if current && given == proof(secret, token, time_s) { Ok(()) } else { Err(invalid()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "b65114480019ded6a613dfeb8dcc8b3411598ba1405c65c89dc0c360c72a4732";
    const TIMED: &str = "d103874f3b5f01f57c4f84edfb96ac94055da8f83c2b45e6f26dafca9188ff4d";

    #[test]
    fn a_proof_is_the_known_one() {
        assert_eq!(proof("dummySecret", "ABC", None), PLAIN);
        assert_eq!(proof("dummySecret", "ABC", Some(1_697_328_000)), TIMED);
    }

    #[track_caller]
    fn check_query(query: &[(&str, &str)], body: &str, expect: &str) {
        let config = Config { access_token: "ABC".into(), app_secret: Some("dummySecret".into()), ..Config::default() };
        let request = Recorded {
            sequence: 0,
            method: "GET".into(),
            path: "/".into(),
            query: query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            headers: vec![
                ("authorization".into(), "Bearer ABC".into()),
                ("content-type".into(), "application/json".into()),
            ],
            body: body.to_owned().into(),
            status: None,
            seen_when_answered: None,
        };
        let got =
            check(&request, &config, Some(1_697_328_100)).map_or_else(|refusal| refusal.message, |()| "ok".into());
        assert_eq!(got, expect);
    }

    #[test]
    fn a_plain_proof_is_accepted_from_query_and_body() {
        check_query(&[("appsecret_proof", PLAIN)], "", "ok");
        check_query(&[], &format!("{{\"appsecret_proof\":\"{PLAIN}\"}}"), "ok");
    }

    #[test]
    fn a_timed_proof_is_accepted_with_its_own_time_only() {
        check_query(&[("appsecret_proof", TIMED), ("appsecret_time", "1697328000")], "", "ok");
        check_query(&[], &format!("{{\"appsecret_proof\":\"{TIMED}\",\"appsecret_time\":1697328000}}"), "ok");
        let invalid = "Invalid appsecret_proof provided in the API argument";
        check_query(&[("appsecret_proof", TIMED), ("appsecret_time", "1697328001")], "", invalid);
        check_query(&[("appsecret_proof", TIMED), ("appsecret_time", "now")], "", invalid);
        check_query(&[("appsecret_proof", TIMED)], "", invalid);
        check_query(&[("appsecret_proof", PLAIN), ("appsecret_time", "1697328000")], "", invalid);
    }

    #[test]
    fn a_timed_proof_must_be_current() {
        let old = proof("dummySecret", "ABC", Some(1_697_327_000));
        let query = [("appsecret_proof", old.as_str()), ("appsecret_time", "1697327000")];
        check_query(&query, "", "Invalid appsecret_proof provided in the API argument");
    }

    #[test]
    fn a_missing_proof_is_refused() {
        check_query(&[], "", "API calls from the server require an appsecret_proof argument");
    }
}
