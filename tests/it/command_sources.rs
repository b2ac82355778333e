//! Sources that are commands: what they print is read, and what fails keeps what was there.

use crate::exports::Desk;

fn desk(script: &str, more: &str) -> Desk {
    Desk::new(&format!("command = [\"sh\", \"people.sh\"]\n{more}")).with(script)
}

impl Desk {
    fn with(self, script: &str) -> Self {
        self.write("people.sh", script.as_bytes());
        self
    }
}

const TWO: &str =
    r#"printf '{"id":"u1","plan":"gold","identifiers.email":"a@example.com"}\n{"id":"u2","plan":null}\n'"#;

#[test]
fn what_a_command_prints_are_profiles() {
    let desk = desk(TWO, "");
    assert_eq!(desk.import()["added"], 2);
    assert_eq!(desk.import()["unchanged"], 2);
    let list = desk.with(r#"printf '[{"id":"u1","plan":"gold"},\n{"id":"u3","plan":"x"}]'"#);
    assert_eq!(list.import()["added"], 1);
}

#[test]
fn a_command_that_fails_keeps_what_was_there() {
    let desk = desk(TWO, "");
    desk.import();
    let desk = desk.with(r#"printf '{"id":"u1","plan":"lost"}\n'; echo 'no such table' >&2; exit 1"#);
    let failed = desk.failure();
    assert!(failed.contains("exit status: 1") && failed.contains("no such table"), "{failed}");
    let desk = desk.with(TWO);
    assert_eq!(desk.import()["unchanged"], 2);
}

#[test]
fn a_list_that_is_cut_off_keeps_what_was_there() {
    let desk = desk(r#"printf '[{"id":"u1"},'"#, "");
    assert!(desk.failure().contains("cut off"));
}

#[test]
fn a_command_sees_what_is_named_and_no_shell_reads_its_words() {
    let script = r#"printf '{"id":"%s","n":"%s"}\n' "${NAMED:-none}" "${CARGO_MANIFEST_DIR:-none}""#;
    let desk = desk(script, "environment = { NAMED = \"${file:named}\" }");
    desk.write("named", b"u9");
    assert_eq!(desk.import()["added"], 1);
    assert!(desk.run(&["explain", "u9"]).0.is_object() || desk.run(&["export", "members"]).1.is_empty());
}

#[test]
fn bare_nan_and_doubled_keys_are_bad_lines_with_reasons() {
    let script = r#"printf '{"id":"u1","x":NaN}\n{"id":"u2","a":1,"a":2}\n{"id":"u3"}\n'"#;
    let imported = desk(script, "bad_lines_max_percent = 90").import();
    assert_eq!((&imported["added"], &imported["rejected"]), (&1.into(), &2.into()));
    let bad = imported["bad_lines"].to_string();
    assert!(bad.contains("NaN or Infinity is no JSON") && bad.contains("stands twice"), "{bad}");
}

#[test]
fn a_command_may_print_csv() {
    let desk = desk("printf 'id,ltv\\nu1,1.50\\n'", "format = \"csv\"\ntypes = \"auto\"");
    assert_eq!(desk.import()["types"]["ltv"], "number");
}
