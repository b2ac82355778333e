//! Mistakes about tokens, as `enroute check` tells them. The table of the other codes is in `mistakes.rs`.

use super::{Beside, ENTRY, LOGIN, endpoint};
use crate::support::enroute;

/// The codes that the test below makes.
pub(crate) const CODES: [&str; 3] = ["E256", "E257", "E258"];

const SIGNED: &str =
    r#"grant = "jwt_bearer", private_key = "refresh_token", issuer = "app", refresh_token = "refresh_token""#;

/// What `enroute check` says; it must be a mistake, with a way out.
async fn told(beside: &Beside, code: &str) -> String {
    let mut command = enroute();
    command.arg("check").current_dir(beside.world.folder.path());
    let ended = tokio::task::spawn_blocking(move || command.output().expect("the binary runs"));
    let ended = ended.await.expect("a process");
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(2), "{told}");
    assert!(ended.stdout.is_empty(), "data is printed though nothing was done");
    assert_eq!(told.matches("error[").count(), 1, "{told}");
    assert!(told.contains(&format!("error[{code}]")) && told.contains("\nhint: "), "{told}");
    assert!(told.contains("plugins.toml:"), "{told}");
    assert!(!told.contains("canary"), "a secret is shown: {told}");
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_about_tokens_are_told_with_place_and_hint() {
    let [host, login, tokens] = CODES;
    let beside = Beside::new(endpoint(), ENTRY).await;
    beside.configure(&[beside.server.url()], &beside.server.url(), true);
    let endpoint_host = beside.tokens.url().trim_start_matches("http://").to_owned();
    assert!(told(&beside, host).await.contains(&format!("hint: add \"{endpoint_host}\" to `hosts`")));

    let beside = Beside::new(endpoint(), LOGIN).await;
    assert!(told(&beside, login).await.contains("hint: run `enroute login crm`"));

    // A secret that signs nothing.
    let beside = Beside::new(endpoint(), SIGNED).await;
    let said = told(&beside, tokens).await;
    assert!(said.contains("secret `refresh_token` cannot sign: it is neither an RSA key in PEM form"), "{said}");
}
