use super::*;

fn program(script: &str) -> Program {
    Program {
        words: ["sh", "-c", script].map(str::to_owned).to_vec(),
        usual: vec![("PATH", "/usr/bin:/bin".into())],
        secrets: vec![("KEY".to_owned(), Secret::from("canary-7f".to_owned()))],
        timeout: Duration::from_secs(60),
        folder: PathBuf::from("/"),
    }
}

/// What it printed, or why it is not taken.
fn run(program: &Program) -> Result<String, String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    let output = file.reopen().unwrap();
    match program.run(output, &|| false) {
        Ok(()) => Ok(std::fs::read_to_string(file.path()).unwrap()),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn what_is_printed_is_kept_and_the_environment_is_what_was_named() {
    assert_eq!(run(&program("printf '%s-%s' \"$KEY\" \"$HOME\"")).unwrap(), "canary-7f-");
}

#[test]
fn a_command_that_fails_tells_the_last_it_said_without_secrets() {
    let error = run(&program("echo '{}'; echo \"no $KEY\" >&2; printf '\\033[31m' >&2; exit 3")).unwrap_err();
    assert!(error.contains("exit status: 3") && error.contains("no [KEY]"), "{error}");
    assert!(!error.contains("canary") && !error.contains('\u{1b}'), "{error}");
}

#[test]
fn a_command_that_is_not_there_is_told() {
    let absent = Program { words: vec!["no-such-program-here".to_owned()], ..program("") };
    assert!(run(&absent).unwrap_err().contains("is not there"));
}

#[test]
fn a_command_that_takes_too_long_is_ended_with_all_that_it_started() {
    let slow = Program { timeout: Duration::ZERO, ..program("sleep 600 & sleep 600") };
    assert!(run(&slow).unwrap_err().contains("was ended"));
}

#[test]
fn somebody_can_ask_it_to_stop() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = program("sleep 600").run(file.reopen().unwrap(), &|| true).unwrap_err();
    assert!(error.to_string().contains("as it was asked for"));
}
