use super::*;

#[track_caller]
fn check_parse(text: &str, expect: &str) {
    let got = match SecretRef::parse(text) {
        Ok(reference) => format!("{reference:?}"),
        Err(error) => format!("error: {error}"),
    };
    assert_eq!(got, expect);
}

fn told(result: Result<Secret, ReferenceError>) -> String {
    match result {
        Ok(secret) => format!("ok: {}", secret.reveal()),
        Err(error) => format!("error: {error}"),
    }
}

async fn ran(argv: &[&str]) -> String {
    let argv: Vec<_> = argv.iter().map(|arg| (*arg).to_owned()).collect();
    told(SecretRef::Exec(argv).resolve(&Sealed::default()).await)
}

#[test]
fn a_reference_is_a_variable_or_a_file() {
    check_parse("${env:API_KEY_2}", r#"Env("API_KEY_2")"#);
    check_parse("${file:/run/secrets/a b}", r#"File("/run/secrets/a b")"#);
    check_parse("${file:}", "error: the reference names no file");
    check_parse(
        "${env:2}",
        "error: the variable's name must consist of letters, digits and `_`, and not begin with a digit",
    );
    check_parse("${vault:x}", "error: `vault` is not a kind of reference");
    check_parse("${exec:x}", "error: a command is written as a list of its arguments");
    check_parse("${env}", "error: the text is not a reference");
    check_parse("${N0T:a-real-key}", "error: the text is not a reference");
}

#[test]
fn a_variable_must_be_set_and_hold_text() {
    assert_eq!(told(from_variable("X", Some("a\n".into()))), "ok: a\n");
    assert_eq!(told(from_variable("X", None)), "error: environment variable `X` is not set");
    assert_eq!(told(from_variable("X", Some("".into()))), "error: environment variable `X` is empty");
}

#[tokio::test]
async fn a_variable_that_nobody_sets_is_named() {
    let reference = SecretRef::Env("ENROUTE_TEST_THAT_NOBODY_SETS".to_owned());
    let expect = "error: environment variable `ENROUTE_TEST_THAT_NOBODY_SETS` is not set";
    assert_eq!(told(reference.resolve(&Sealed::default()).await), expect);
}

#[tokio::test]
async fn a_file_holds_the_secret_and_maybe_a_line_feed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    for (content, expect) in [
        (b"one".to_vec(), "ok: one"),
        (b"one\n".to_vec(), "ok: one"),
        (b"one\r\n".to_vec(), "ok: one"),
        (b"one\n\n".to_vec(), "ok: one\n"),
        (b"\n".to_vec(), "error: secret file `key` is empty"),
        (b"\xff".to_vec(), "error: secret file `key` is not UTF-8"),
        (vec![b'a'; SECRET_BYTES_MAX + 1], "error: secret file `key` is larger than 65536 bytes"),
    ] {
        std::fs::write(&path, content).unwrap();
        let got = told(SecretRef::File("key".into()).under(dir.path()).resolve(&Sealed::default()).await);
        assert_eq!(got.replace(&format!("{}/", dir.path().display()), ""), expect);
    }
    let missing = SecretRef::File("/nonexistent/key".into()).resolve(&Sealed::default()).await;
    assert_eq!(told(missing), "error: secret file `/nonexistent/key` cannot be read");
}

#[tokio::test]
async fn a_command_prints_the_secret() {
    assert_eq!(ran(&["echo", "a b", "$HOME"]).await, "ok: a b $HOME");
    assert_eq!(ran(&["true"]).await, "error: the output of command `true` is empty");
    assert_eq!(ran(&["/nonexistent/pass"]).await, "error: command `/nonexistent/pass` cannot be started");
    let endless = ran(&["yes"]).await;
    assert_eq!(endless, "error: the output of command `yes` is larger than 65536 bytes");
}

#[cfg(unix)]
#[tokio::test]
async fn a_pipe_is_no_secret_file_and_is_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for path in [pipe, dir.path().to_owned()] {
        let error = SecretRef::File(path.clone()).resolve(&Sealed::default()).await.unwrap_err();
        assert_eq!(error.to_string(), format!("secret file `{}` is not a file", path.display()));
    }
}

#[tokio::test]
async fn a_failing_command_is_quoted_but_never_what_it_printed() {
    let got = ran(&["sh", "-c", "echo S3CR3T; echo >&2; echo locked >&2; echo more >&2; exit 3"]).await;
    assert_eq!(got, "error: command `sh` failed (exit status: 3): locked");
    let got = ran(&["sh", "-c", "head -c 300000 /dev/zero >&2; exit 1"]).await;
    assert_eq!(got, "error: command `sh` failed (exit status: 1): ");
}

#[tokio::test]
async fn a_hanging_command_is_ended() {
    let argv = ["sleep".to_owned(), "60".to_owned()];
    let got = told(from_command(&argv, Duration::from_millis(20)).await);
    assert_eq!(got, "error: command `sleep` did not finish within 0.02 s");
}

#[tokio::test]
async fn an_error_becomes_a_diagnostic_with_its_cause() {
    let mut files = crate::files::Files::default();
    let id = files.add(Path::new("plugins.toml"), "a = \"${file:/nonexistent}\"");
    let error = SecretRef::File("/nonexistent".into()).resolve(&Sealed::default()).await.unwrap_err();
    let diagnostic = error.diagnostic(&"eu".parse().unwrap(), "a", &Place::new(id, 4..25));
    assert_eq!(
        diagnostic.render(&files, crate::diagnostic::Paint::Plain),
        r#"error[E226]: secret `a` of destination `eu`: secret file `/nonexistent` cannot be read: No such file or directory (os error 2)
 --> plugins.toml:1:5
  |
1 | a = "${file:/nonexistent}"
  |     ^^^^^^^^^^^^^^^^^^^^^

hint: check the path, the file and its rights
"#
    );
}

#[tokio::test]
async fn a_sealed_secret_is_had_by_its_name_and_a_missing_one_says_how_it_is_set() {
    let sealed = Sealed::from_iter([("BRAZE-1".to_owned(), Secret::from("not-a-real-key".to_owned()))]);
    let reference = SecretRef::parse("${sealed:BRAZE-1}").unwrap();
    assert!(reference.resolve(&sealed).await.unwrap().is("not-a-real-key"));
    for wrong in ["${sealed:}", "${sealed:a b}", "${sealed:ä}", "${sealed:a.b}"] {
        assert_eq!(SecretRef::parse(wrong), Err(SecretRefError::NotASealedName), "{wrong}");
    }
    assert_eq!(SecretRef::parse(&format!("${{sealed:{}}}", "a".repeat(65))), Err(SecretRefError::NotASealedName));
    let mut files = crate::files::Files::default();
    let place = Place::new(files.add(Path::new("plugins.toml"), "a = \"${sealed:OTHER}\""), 4..21);
    let error = SecretRef::Sealed("OTHER".to_owned()).resolve(&sealed).await.unwrap_err();
    let told = error.diagnostic(&"eu".parse().unwrap(), "a", &place).render(&files, crate::diagnostic::Paint::Plain);
    assert!(told.starts_with("error[E390]") && told.contains("`enroute secret set OTHER`"), "{told}");
}
