use proptest::prelude::*;

use super::*;
use crate::code::Code;
use crate::diagnostic::{DIAGNOSTICS_MAX, Diagnostic, Paint};
use crate::syntax::BACKSLASH_HINT;

const PLUGINS: &str = include_str!("fixtures/plugins.toml");
const AUDIENCES: &str = include_str!("fixtures/audiences.toml");

fn understood(plugins: &str, audiences: &str) -> Loaded {
    understand(Paths::new("."), Some(plugins), Some(audiences), Diagnostics::default())
}

/// Loads a folder with these files and returns what is said of it, the folder's name left out.
fn said(plugins: Option<&[u8]>, audiences: Option<&[u8]>) -> String {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in [("plugins.toml", plugins), ("audiences.toml", audiences)] {
        if let Some(bytes) = bytes {
            std::fs::write(dir.path().join(name), bytes).unwrap();
        }
    }
    let loaded = load(dir.path());
    assert_eq!(loaded.config.is_some(), loaded.diagnostics.is_empty());
    assert!(loaded.checkable().is_some());
    let text = loaded.diagnostics.render(&loaded.files);
    text.replace(&format!("{}/", dir.path().display()), "")
}

#[track_caller]
fn check(plugins: Option<&[u8]>, audiences: Option<&[u8]>, expect: &str) {
    assert_eq!(said(plugins, audiences).trim_end(), expect.trim());
}

/// Codes, messages and hints of what is said of a text as audiences.toml, the places left out.
fn said_of(audiences: &str) -> Vec<String> {
    let loaded = understood("", audiences);
    let one = |one: &&Diagnostic| format!("{}: {}; {}", one.code, one.message, one.hint.as_deref().unwrap_or("-"));
    loaded.diagnostics.sorted().iter().map(one).collect()
}

#[test]
fn a_backslash_that_was_meant_as_one_is_told_with_the_cure() {
    let syntax = format!(
        "E205: this is not TOML: in double quotes a backslash begins an escape, like \\n for a line feed; {BACKSLASH_HINT}"
    );
    for path in
        [r"C:\Users\ann\people.csv", r"C:\data\people.csv", r"\\server\share\x.csv", r"data\people.csv", r"C:\x\"]
    {
        let found = said_of(&format!("[source.crm]\nfile = \"{path}\"\n"));
        assert_eq!(found.first(), Some(&syntax), "{path}: {found:?}");
        let single = said_of(&format!("[source.crm]\nfile = '{path}'\nformat = \"csv\"\n"));
        assert_eq!(single, Vec::<String>::new(), "{path}");
        let twice = path.replace('\\', "\\\\");
        let twice = said_of(&format!("[source.crm]\nfile = \"{twice}\"\nformat = \"csv\"\n"));
        assert_eq!(twice, Vec::<String>::new(), "{path}");
    }
    for (path, what) in [(r"C:\new.csv", "a line feed, `\\n`,"), (r"C:\temp.csv", "a tab, `\\t`,")] {
        let expect = |key: &str| {
            format!(
                "E214: `{key}` has {what} in it, because in double quotes a backslash begins an escape; {BACKSLASH_HINT}"
            )
        };
        assert_eq!(said_of(&format!("[source.crm]\nfile = \"{path}\"\n")), [expect("file")]);
        let query = format!("[source.crm]\ndatabase = \"sqlite:{path}\"\nquery = \"select 1\"\n");
        assert_eq!(said_of(&query), [expect("database")]);
        let plugins = format!(
            "[plugin.braze]\nfile = \"{path}\"\n[destination.x]\nplugin = \"braze\"\nsecrets = {{ key = \"${{file:{path}}}\" }}\n"
        );
        let found = understood(&plugins, "").diagnostics.sorted().len();
        assert_eq!(found, 2, "{path}");
    }
    let open = said_of("[source.crm]\nfile = \"people.csv\nformat = 'x'\n");
    assert!(open[0].starts_with("E205") && !open[0].contains("backslash"), "{open:?}");
}

#[test]
fn what_is_the_same_is_told_once() {
    let mut found = Diagnostics::default();
    let warning = |text: &str| Diagnostic::warning(Code::PluginProblem, text);
    ["a", "b", "a", "a"].into_iter().for_each(|text| found.push(warning(text)));
    let mut more = Diagnostics::default();
    ["b", "c"].into_iter().for_each(|text| more.push(warning(text)));
    found.append(more);
    assert_eq!((found.sorted().len(), found.warnings(), found.errors()), (3, 3, 0));
}

#[test]
fn empty_files_are_fine() {
    check(Some(b""), Some(b""), "");
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_fine() {
    let windows = |text: &str| format!("\u{feff}{}", text.replace('\n', "\r\n")).into_bytes();
    check(Some(&windows(PLUGINS)), Some(&windows(AUDIENCES)), "");
    check(
        Some(&windows("[plugin.a]\nfil = \"x\"\n")),
        Some(b""),
        r#"
error[E212]: [plugin.a] has no `file`
 --> plugins.toml:1:9
  |
1 | [plugin.a]
  |         ^

hint: add `file = "plugins/a.wasm"`

error[E211]: unknown key `fil` in [plugin.a]
 --> plugins.toml:2:1
  |
2 | fil = "x"
  | ^^^

hint: did you mean `file`?
"#,
    );
}

#[test]
fn missing_files_are_named() {
    check(
        None,
        None,
        "
error[E201]: plugins.toml is missing
hint: it says which plugins may run and where they may send; create it, or run enroute in the folder that has it

error[E201]: audiences.toml is missing
hint: it says which audiences go to which destinations; create it, or run enroute in the folder that has it
",
    );
}

#[test]
fn what_cannot_be_text_is_refused() {
    let large = vec![b'#'; usize::try_from(FILE_BYTES_MAX).unwrap() + 1];
    check(
        Some(&large),
        Some(b"a = 1\n\xff\xfe"),
        "
error[E203]: plugins.toml is larger than 4 MiB
hint: profiles do not belong into it; name their file in `[source.NAME]`

error[E204]: audiences.toml is not UTF-8: line 2, byte 6 of the file
hint: save it as UTF-8
",
    );
}

#[test]
fn a_folder_in_place_of_a_file_cannot_be_read() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("plugins.toml")).unwrap();
    std::fs::write(dir.path().join("audiences.toml"), "").unwrap();
    let loaded = load(dir.path());
    let [diagnostic] = loaded.diagnostics.sorted()[..] else { panic!("one diagnostic") };
    assert_eq!(diagnostic.code, Code::FileUnreadable);
    assert!(diagnostic.message.ends_with("plugins.toml cannot be read: it is not a file"), "{}", diagnostic.message);
}

#[test]
fn a_syntax_error_has_its_line_and_column_and_the_other_file_is_still_read() {
    check(
        Some(b"[plugin.a\nfile = \"a.wasm\"\n"),
        Some(b"[source.crm]\nfile = profiles\nid =\n[[connection]]\naudience = 1\ndestination = \"x\"\n"),
        r#"
error[E205]: this is not TOML: unclosed table, expected `]`
 --> plugins.toml:1:10
  |
1 | [plugin.a
  |          ^

error[E205]: this is not TOML: this is not a value
 --> audiences.toml:2:8
  |
2 | file = profiles
  |        ^^^^^^^^

hint: a text needs quotes around it: "…"

error[E205]: this is not TOML: a value is missing
 --> audiences.toml:3:5
  |
3 | id =
  |     ^

hint: a text needs quotes around it: "…"
"#,
    );
}

#[test]
fn a_connection_is_not_blamed_for_a_file_that_could_not_be_read() {
    check(
        Some(b"[plugin.a]\nfile = [\n"),
        Some(b"[audience.vip]\nwhere = \"x\"\n[[connection]]\naudience = \"vip\"\ndestination = \"eu\"\n"),
        r#"
error[E205]: this is not TOML: unclosed array, expected `]`
 --> plugins.toml:2:9
  |
2 | file = [
  |         ^
"#,
    );
}

#[test]
fn a_destination_with_a_mistake_in_it_is_still_known() {
    check(
        Some(b"[plugin.a]\nfile = \"a\"\n[destination.eu]\nplugin = \"b\"\n"),
        Some(b"[audience.vip]\nwhere = \"x\"\n[[connection]]\naudience = \"vip\"\ndestination = \"eu\"\n"),
        r#"
error[E221]: destination `eu` is of plugin `b`, which is not in this file
 --> plugins.toml:4:10
  |
4 | plugin = "b"
  |          ^^^

hint: add `[plugin.b]` with its `file`
"#,
    );
}

#[test]
fn json_has_code_severity_message_file_line_column_and_hint() {
    let loaded = understood("[plugin.a]\nfile = \"a\"\n\u{e9} = 1\n", "");
    // A bare key of other letters than English ones is a matter of syntax.
    let first = &loaded.diagnostics.to_json(&loaded.files)[0];
    assert_eq!((&first["code"], &first["severity"], &first["line"]), (&"E205".into(), &"error".into(), &3.into()));
    let loaded = understood("[plugin.a]\nfile = \"a\"\n\"\u{e9}\" = 1\n", "");
    assert_eq!(
        loaded.diagnostics.to_json(&loaded.files),
        serde_json::json!([{
            "code": "E211",
            "severity": "error",
            "message": "unknown key `\u{e9}` in [plugin.a]",
            "file": "plugins.toml",
            "line": 3,
            "column": 1,
            "hint": "it may have: file, sha256, limits",
        }])
    );
}

#[test]
fn colour_is_there_when_asked_for_and_no_control_character_of_the_file_ever() {
    let loaded = understood("\"\\u001b[31m\" = 1\n", "");
    let plain = loaded.diagnostics.render(&loaded.files);
    assert!(!plain.contains('\u{1b}') && plain.contains(r"unknown key `\u{1b}[31m`"), "{plain}");
    let coloured = loaded.diagnostics.render_as(&loaded.files, Paint::Coloured);
    assert!(coloured.contains("\u{1b}[0m") && !coloured.contains("\u{1b}[31m"), "{coloured:?}");
}

#[test]
fn a_file_of_nonsense_is_drawn_up_to_a_limit() {
    let text: String = (0..DIAGNOSTICS_MAX + 50).map(|n| format!("k{n} = 1\n")).collect();
    let loaded = understood(&text, "");
    assert_eq!(loaded.diagnostics.errors(), DIAGNOSTICS_MAX + 50);
    assert_eq!(loaded.diagnostics.sorted().len(), DIAGNOSTICS_MAX);
    assert!(loaded.diagnostics.render(&loaded.files).ends_with("\nand 50 more\n"));
}

/// Both files after a few changes that a slip of the hand makes.
fn mutated(text: &'static str) -> impl Strategy<Value = String> {
    let slip = (any::<prop::sample::Index>(), 0..3usize, "[\"'=\\[\\]{}#,.\\\\\n\r\té𝕏\u{1b}0-9a-c$]{0,3}");
    prop::collection::vec(slip, 1..6).prop_map(move |slips| {
        let mut chars: Vec<char> = text.chars().collect();
        for (at, removed, added) in slips {
            let at = at.index(chars.len() + 1);
            let end = (at + removed).min(chars.len());
            chars.splice(at..end, added.chars());
        }
        chars.into_iter().collect()
    })
}

/// Draws everything in every way.
fn draw(loaded: &Loaded) -> String {
    let diagnostics = &loaded.diagnostics;
    let json = diagnostics.to_json(&loaded.files).to_string();
    format!("{}{}{json}", diagnostics.render(&loaded.files), diagnostics.render_as(&loaded.files, Paint::Coloured))
}

proptest! {
    // A change that fails here is worth a case of its own; these texts are too long to keep as seeds.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic(plugins in any::<String>(), audiences in "[a-c\"'=\\[\\]{}#,.\n\r\\\\ é0-9:+-]{0,60}") {
        draw(&understood(&plugins, &audiences));
        draw(&understood(&audiences, &plugins));
    }

    #[test]
    fn no_slip_of_the_hand_makes_it_panic(plugins in mutated(PLUGINS), audiences in mutated(AUDIENCES)) {
        let loaded = understood(&plugins, &audiences);
        prop_assert_eq!(loaded.config.is_some(), loaded.diagnostics.errors() == 0);
        draw(&loaded);
    }

    #[test]
    fn no_slip_of_the_hand_beside_a_secret_shows_it(before in mutated("\nsecrets  = { api_key = \""), after in mutated("\" }\n")) {
        let loaded = understood(&format!("{PLUGINS}{before}S3CR3T{after}"), "");
        let shown = draw(&loaded);
        prop_assert!(!shown.contains("S3CR3T"), "{}", shown);
    }
}
