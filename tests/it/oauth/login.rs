//! `enroute login` from the address it prints to the first delivery.

use std::process::Stdio;

use enroute_host::sync::LinkState;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::{Beside, LOGIN, endpoint};
use crate::support::enroute;

/// The whole answer to a GET, as it came.
async fn get(url: &str) -> String {
    let rest = url.strip_prefix("http://").expect("the tests speak plain http");
    let (host, path) = rest.split_once('/').expect("a path");
    let mut stream = TcpStream::connect(host).await.expect("somebody listens");
    let request = format!("GET /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("it is written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("it is read");
    answer
}

/// What a person is told behind these words, once it is there.
async fn told(lines: &mut tokio::io::Lines<BufReader<tokio::process::ChildStderr>>, before: &str) -> String {
    while let Some(line) = lines.next_line().await.expect("the messages are read") {
        if let Some(rest) = line.strip_prefix(before) {
            return rest.to_owned();
        }
    }
    panic!("nothing is told behind `{before}`");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_ends_with_a_sealed_refresh_token_and_a_run_that_delivers() {
    let beside = Beside::new(endpoint(), LOGIN).await;
    let mut command = tokio::process::Command::from(enroute());
    command.arg("-C").arg(beside.world.folder.path()).args(["--json", "login", "crm"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.kill_on_drop(true).spawn().expect("the binary runs");
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    told(&mut lines, "open this address").await;
    let url = &told(&mut lines, "").await;
    let waiting = told(&mut lines, "waiting on ").await;
    let back = waiting.split(' ').next().unwrap();
    assert!(url.contains("code_challenge_method=S256") && url.contains("scope=members"), "{url}");

    // Somebody else's calls are turned away, and the login goes on.
    for (query, status) in [("callback?code=stolen&state=guessed", "400"), ("callback", "400"), ("other", "404")] {
        let answer = get(&back.replace("callback", query)).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    }
    let sent_back = get(url).await;
    let to = sent_back.lines().find_map(|line| line.strip_prefix("location: ")).expect("the person is sent back");
    let page = get(to).await;
    assert!(page.contains("Enroute is logged in"), "{page}");
    let ended = child.wait_with_output().await.expect("it ends");
    let told: Value = serde_json::from_slice(&ended.stdout).expect("one document");
    assert!(ended.status.success() && told["logged_in"] == true, "{told}");

    let held = crate::secrets::holders(&beside.world.state(), "canary-token-");
    assert_eq!(held, Vec::<String>::new(), "tokens are sealed");
    let (report, _) = beside.sync().await;
    assert_eq!((report.state, report.outcomes.delivered), (LinkState::Done, 1), "{report:#?}");
    assert_eq!(beside.asked(), 1, "the token that came with the login is used");
    beside.oauth.expire();
    beside.people(2);
    assert_eq!(beside.sync().await.0.outcomes.delivered, 1);

    // Once everything is revoked, the way back is another login.
    beside.oauth.revoke();
    beside.people(3);
    let (report, _) = beside.sync().await;
    let reason = report.reason.unwrap_or_default();
    assert!(reason.ends_with("log in again with `enroute login crm`"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_refused_or_cannot_be_says_why() {
    let beside = Beside::new(endpoint(), LOGIN).await;
    let run = async |arguments: &[&str]| {
        let mut command = tokio::process::Command::from(enroute());
        command.arg("-C").arg(beside.world.folder.path()).args(arguments);
        let output = command.output().await.expect("the binary runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = run(&["login", "crn"]).await;
    assert!(code == Some(2) && said.contains("did you mean `crm`?"), "{said}");
    let (code, said) = run(&["login", "braze-eu"]).await;
    assert!(code == Some(2) && said.contains("does not get its tokens by a login"), "{said}");
    let (code, said) = run(&["login", "crm", "--timeout", "0"]).await;
    assert!(code == Some(1) && said.contains("nobody approved within 0 s"), "{said}");
    let (code, said) = run(&["check"]).await;
    assert!(code == Some(2) && said.contains("E257"), "{said}");
}
