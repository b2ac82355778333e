//! Where an org lives. A bearer token goes there, so the end of the host's name is compared, and nothing else may
//! stand around it.

use enroute_sdk::{Context, Problem};

use super::{AuthFlow, Settings, error, setting};

/// Ends of the hosts that Salesforce runs.
const SUFFIXES: [&str; 2] = [".salesforce.com", ".salesforce.mil"];

/// Hosts where people log in, and no org is served.
const LOGINS: [&str; 2] = ["login.salesforce.com", "test.salesforce.com"];

pub(super) fn check(ctx: &Context<Settings>, found: &mut Vec<Problem>) {
    let settings = ctx.settings();
    let origins = [("instance_url", Some(&settings.instance_url)), ("login_url", settings.login_url.as_ref())];
    for (name, origin) in origins.into_iter().filter_map(|(name, origin)| origin.map(|origin| (name, origin))) {
        if !is_salesforce(origin) {
            found.push(error(
                setting(name),
                format!("`{origin}` is not an address of Salesforce"),
                "write the address of your org's My Domain, such as https://acme.my.salesforce.com",
            ));
        }
    }
    if LOGINS.iter().any(|login| settings.instance_url.strip_prefix("https://") == Some(login)) {
        found.push(error(
            setting("instance_url"),
            format!("`{}` is where people log in, not where an org is served", settings.instance_url),
            "write the address of your org's My Domain; in Salesforce under Setup > My Domain",
        ));
    }
    needed(ctx, found);
}

/// Whether an origin belongs to Salesforce, or is a fake on this machine.
fn is_salesforce(origin: &str) -> bool {
    if let Some(local) = origin.strip_prefix("http://") {
        return is_loopback(local);
    }
    let Some(host) = origin.strip_prefix("https://") else { return false };
    let label = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') && !text.starts_with('-')
    };
    let host = host.to_ascii_lowercase();
    host.split('.').all(label) && SUFFIXES.iter().any(|suffix| host.ends_with(suffix)) || is_loopback(&host)
}

fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next(),
        None => authority.split(':').next(),
    };
    matches!(host, Some("127.0.0.1" | "localhost" | "::1"))
}

/// What each flow cannot do without.
fn needed(ctx: &Context<Settings>, found: &mut Vec<Problem>) {
    let settings = ctx.settings();
    let flow = settings.auth_flow;
    let client = ("client_id", settings.client_id.is_some(), "the consumer key of the External Client App");
    let user = ("username", settings.username.is_some(), "the user that the app is approved for");
    let settings: &[(&str, bool, &str)] = match flow {
        AuthFlow::ClientCredentials | AuthFlow::RefreshToken => &[client],
        AuthFlow::JwtBearer => &[client, user],
        AuthFlow::StaticToken => &[],
    };
    for (name, _, what) in settings.iter().filter(|(_, given, _)| !given) {
        found.push(error(setting(name), format!("`{name}` is missing"), format!("add {what}")));
    }
    let secret = match flow {
        // The refresh token itself may come from `enroute login` later.
        AuthFlow::ClientCredentials | AuthFlow::RefreshToken => "client_secret",
        AuthFlow::JwtBearer => "private_key",
        AuthFlow::StaticToken => "access_token",
    };
    if !ctx.has_secret(secret) {
        found.push(error(
            setting("auth_flow"),
            format!("this flow needs the secret `{secret}`"),
            "add it under `secrets`, or choose the flow whose secrets you have",
        ));
    }
    if flow != AuthFlow::StaticToken && ctx.has_secret("access_token") {
        found.push(error(
            setting("auth_flow"),
            "the secret `access_token` is configured, and this flow gets tokens by itself".to_owned(),
            "remove the secret, or set `auth_flow = \"static_token\"`",
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_that_end_like_salesforces_pass() {
        for good in [
            "https://acme.my.salesforce.com",
            "https://acme--uat.sandbox.my.salesforce.com",
            "https://agency.my.salesforce.mil",
            "https://Acme.My.Salesforce.com",
            "http://127.0.0.1:4010",
            "http://[::1]:4010",
        ] {
            assert!(is_salesforce(good), "{good}");
        }
    }

    #[test]
    fn look_look_likes_are_refused() {
        for evil in [
            "https://evil.example/.salesforce.com",
            "https://x.salesforce.com.evil.example",
            "https://evilsalesforce.com",
            "https://user@acme.my.salesforce.com",
            "https://acme.my.salesforce.com:8443",
            "https://acme.my.salesforce.com/x",
            "https://evil.example?.salesforce.com",
            "https://.salesforce.com",
            "http://acme.my.salesforce.com",
            "http://127.0.0.1.evil.example",
        ] {
            assert!(!is_salesforce(evil), "{evil}");
        }
    }
}
