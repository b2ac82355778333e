use std::path::Path;

use crate::Paths;
use crate::diagnostic::Diagnostics;
use crate::load::{Loaded, understand};
use crate::plugins_file::FileDigest;

fn load(text: &str) -> Loaded {
    understand(Paths::new("."), Some(text), Some(""), Diagnostics::default())
}

#[track_caller]
fn check(text: &str, expect: &str) {
    let loaded = load(text);
    assert_eq!(loaded.diagnostics.render(&loaded.files).trim_end(), expect.trim());
}

const BRAZE: &str = "[plugin.braze]\nfile = \"braze.wasm\"\n";

#[track_caller]
fn check_destination(lines: &str, expect: &str) {
    check(&format!("{BRAZE}[destination.eu]\nplugin = \"braze\"\n{lines}\n"), expect);
}

#[test]
fn a_full_file_becomes_typed_values() {
    let sha256 = "0A".repeat(32);
    let loaded = load(&format!(
        r#"
        [plugin.braze]
        file = "plugins/braze.wasm"
        sha256 = "{sha256}"
        [destination.eu]
        plugin = "braze"
        enabled = false
        hosts = ["rest.fra-01.braze.eu", "*.braze.eu"]
        allow_networks = ["127.0.0.0/8", "::1/128"]
        settings = {{ endpoint = "https://a.example", size = 0x10, on = true, list = [1, 2.5], deep = {{ a = "b" }} }}
        secrets = {{ a = "${{env:A}}", b = "${{file:keys/b}}", c = {{ exec = ["pass", "show", ""] }} }}
        "#
    ));
    assert_eq!(loaded.diagnostics.render(&loaded.files), "");
    let config = loaded.config.unwrap();
    let plugin = &config.plugins[&"braze".parse().unwrap()];
    assert_eq!(plugin.file.value, Path::new("./plugins/braze.wasm"));
    assert_eq!(plugin.sha256.as_ref().map(|digest| digest.value), Some(FileDigest([10; 32])));
    let destination = &config.destinations[&"eu".parse().unwrap()];
    assert!(!destination.enabled);
    assert_eq!(destination.plugin.value.as_str(), "braze");
    assert_eq!(
        destination.hosts.iter().map(|host| host.value.as_str()).collect::<Vec<_>>(),
        ["rest.fra-01.braze.eu", "*.braze.eu"]
    );
    assert_eq!(
        destination.allow_networks.iter().map(|network| network.value.to_string()).collect::<Vec<_>>(),
        ["127.0.0.0/8", "::1/128"]
    );
    assert_eq!(
        serde_json::Value::from(destination.settings_json()).to_string(),
        r#"{"deep":{"a":"b"},"endpoint":"https://a.example","list":[1,2.5],"on":true,"size":16}"#
    );
    let secrets: Vec<_> =
        destination.secrets.iter().map(|(name, secret)| format!("{name} {:?}", secret.value)).collect();
    assert_eq!(secrets, [r#"a Env("A")"#, r#"b File("./keys/b")"#, r#"c Exec(["pass", "show", ""])"#]);
    assert_eq!(config.files.position(destination.setting_place("size")).line, 10);
    assert_eq!(config.files.position(destination.setting_place("none")).line, 5);
}

#[test]
fn what_is_left_out_has_its_default() {
    let config = load(&format!("{BRAZE}[destination.eu]\nplugin = \"braze\"\n")).config.unwrap();
    assert!(config.plugins[&"braze".parse().unwrap()].sha256.is_none());
    let destination = &config.destinations[&"eu".parse().unwrap()];
    assert!(destination.enabled);
    assert!(destination.hosts.is_empty() && destination.allow_networks.is_empty());
    assert!(destination.settings.is_empty() && destination.secrets.is_empty());
}

#[test]
fn a_secret_in_the_file_is_refused_and_never_shown() {
    check_destination(
        r#"secrets = { api_key = "not-a-real-key", other = "${env:OTHER}" }"#,
        r#"
error[E224]: secret `api_key` of destination `eu` stands in the file
 --> plugins.toml:5:23
  |
5 | secrets = { api_key = "**************", other = "${env:OTHER}" }
  |                       ^^^^^^^^^^^^^^^^ not shown

hint: write a reference instead, like "${env:EU_API_KEY}", and replace the secret if others could read the file
"#,
    );
}

#[test]
fn a_secret_is_not_shown_wherever_it_was_written() {
    for line in [
        r#"secrets = "not-a-real-key""#,
        r#"secrets = ["not-a-real-key"]"#,
        r#"secrets = { a = ["not-a-real-key"], b = { value = "not-a-real-key" } }"#,
        r#"secrets = { a = "${env:not-a-real-key}" }"#,
        r#"secrets = { a = "${not-a-real-key}" }"#,
        r#"secrets = { a = "x${env:A}not-a-real-key" }"#,
        r#"secrets = { a = """
not-a-real-key
""" }"#,
        r#"secrets = { a = "${vault:x}" } # not-a-real-key"#,
        "[destination.eu.secrets] # not-a-real-key\na = '${vault:x}' # not-a-real-key",
        r#"secret = { a = "not-a-real-key" }"#,
        "secrets = {# a = \"not-a-real-key\"\n a = 1 }",
        r#"s.'secrets = { a = "not-a-real-key"' = 0"#,
        r#"setings = { a = "not-a-real-key" }"#,
        r#"token = "not-a-real-key""#,
        r#"secrets = { a = not-a-real-key }"#,
        r#"secrets = { a = "not-a-real-key }"#,
        r#"secrets.a = not-a-real-key"#,
        "[destination.eu.secrets]\na = 'not-a-real-key\"",
        "[destination.eu.secrets]\nfile = not-a-real-key",
        "secrets = { a = \"${env:A}\" }\nsecrets = { a = \"not-a-real-key\" }",
    ] {
        let loaded = load(&format!("{BRAZE}[destination.eu]\nplugin = \"braze\"\n{line}\n"));
        assert!(loaded.config.is_none(), "{line}");
        let shown = loaded.diagnostics.render(&loaded.files);
        assert!(!shown.contains("not-a-real"), "{shown}");
        let everything = format!("{loaded:?}{}", loaded.diagnostics.to_json(&loaded.files));
        assert!(!everything.contains("not-a-real"), "{everything}");
    }
}

#[test]
fn a_reference_must_be_of_a_known_kind() {
    check_destination(
        r#"secrets = { a = "${vault:x}", b = "${exec:pass}", c = "${file: }" }"#,
        r#"
error[E225]: secret `a`: `vault` is not a kind of reference
 --> plugins.toml:5:17
  |
5 | secrets = { a = "${vault:x}", b = "${exec:pass}", c = "${file: }" }
  |                 ^^^^^^^^^^^^

hint: write "${env:VARIABLE}", "${file:path}", "${sealed:NAME}" or { exec = ["command", "argument"] }

error[E225]: secret `b`: a command is written as a list of its arguments
 --> plugins.toml:5:35
  |
5 | secrets = { a = "${vault:x}", b = "${exec:pass}", c = "${file: }" }
  |                                   ^^^^^^^^^^^^^^

hint: write `{ exec = ["command", "argument"] }`, without quotes around it

error[E225]: secret `c`: the reference names no file
 --> plugins.toml:5:55
  |
5 | secrets = { a = "${vault:x}", b = "${exec:pass}", c = "${file: }" }
  |                                                       ^^^^^^^^^^^

hint: write "${env:VARIABLE}", "${file:path}", "${sealed:NAME}" or { exec = ["command", "argument"] }
"#,
    );
}

#[test]
fn a_command_has_a_name_and_arguments() {
    check_destination(
        r#"secrets = { a = { exec = [] }, b = { exec = "pass" }, c = {} }"#,
        r#"
error[E214]: secret `a` names no command
 --> plugins.toml:5:17
  |
5 | secrets = { a = { exec = [] }, b = { exec = "pass" }, c = {} }
  |                 ^^^^^^^^^^^^^

hint: write `exec = ["command", "argument"]`

error[E213]: `exec` must be a list, not a text
 --> plugins.toml:5:45
  |
5 | secrets = { a = { exec = [] }, b = { exec = "pass" }, c = {} }
  |                                             ^^^^^^

hint: write `exec = [ … ]`

error[E212]: secret `c` has no `exec`
 --> plugins.toml:5:59
  |
5 | secrets = { a = { exec = [] }, b = { exec = "pass" }, c = {} }
  |                                                           ^^

hint: add `exec = ["command", "argument"]`
"#,
    );
}

#[test]
fn an_unknown_key_comes_with_the_nearest_known_one() {
    check_destination(
        "hots = [\"a.example\"]",
        r#"
error[E211]: unknown key `hots` in [destination.eu]
 --> plugins.toml:5:1
  |
5 | hots = ["a.example"]
  | ^^^^

hint: did you mean `hosts`?
"#,
    );
    check(
        "[source.crm]\nfile = \"a.csv\"\n[destinations.x]\n",
        r#"
error[E211]: `source` does not belong into plugins.toml
 --> plugins.toml:1:2
  |
1 | [source.crm]
  |  ^^^^^^

hint: move it to audiences.toml

error[E211]: unknown key `destinations` in plugins.toml
 --> plugins.toml:3:2
  |
3 | [destinations.x]
  |  ^^^^^^^^^^^^

hint: did you mean `destination`?
"#,
    );
}

#[test]
fn a_value_has_its_type() {
    check_destination(
        "enabled = \"true\"\nhosts = [1]\nallow_networks = \"::1\"\nsettings = { day = 2026-01-01, big = 0xffffffffffffffff }",
        r#"
error[E213]: `enabled` must be true or false, not a text
 --> plugins.toml:5:11
  |
5 | enabled = "true"
  |           ^^^^^^

hint: leave the quotes out: `enabled = true`

error[E213]: an entry of `hosts` must be a text in quotes, not a whole number
 --> plugins.toml:6:10
  |
6 | hosts = [1]
  |          ^

error[E213]: `allow_networks` must be a list, not a text
 --> plugins.toml:7:18
  |
7 | allow_networks = "::1"
  |                  ^^^^^

hint: write `allow_networks = [ … ]`

error[E213]: setting `day` must be a text, a number, true or false, not a date
 --> plugins.toml:8:20
  |
8 | settings = { day = 2026-01-01, big = 0xffffffffffffffff }
  |                    ^^^^^^^^^^

hint: put it in quotes

error[E214]: setting `big` is not a number that fits 64 bits
 --> plugins.toml:8:38
  |
8 | settings = { day = 2026-01-01, big = 0xffffffffffffffff }
  |                                      ^^^^^^^^^^^^^^^^^^

hint: put it in quotes
"#,
    );
    check(
        "plugin = 1\n[[destination]]\n",
        r#"
error[E213]: `plugin` must be tables with names, not a whole number
 --> plugins.toml:1:10
  |
1 | plugin = *
  |          ^

hint: write `[plugin.NAME]`

error[E213]: `destination` must be tables with names, not a list
 --> plugins.toml:2:1
  |
2 | [[destination]]
  | ^^^^^^^^^^^^^^^

hint: write `[destination.NAME]`
"#,
    );
}

#[test]
fn a_plugin_has_a_file_and_maybe_a_digest() {
    check(
        "[plugin.Braze]\nsha256 = \"12\"\n[plugin.x]\nfile = \"\"\n",
        r#"
error[E212]: [plugin.Braze] has no `file`
 --> plugins.toml:1:9
  |
1 | [plugin.Braze]
  |         ^^^^^

hint: add `file = "plugins/Braze.wasm"`

error[E215]: plugin id `Braze` must consist of lower-case letters, digits and `-`, and begin with a letter
 --> plugins.toml:1:9
  |
1 | [plugin.Braze]
  |         ^^^^^

hint: write `braze`

error[E222]: `sha256` of plugin `Braze` must be 64 hexadecimal digits
 --> plugins.toml:2:10
  |
2 | sha256 = "12"
  |          ^^^^

hint: `enroute plugin lock Braze` writes it

error[E214]: `file` in [plugin.x] is empty
 --> plugins.toml:4:8
  |
4 | file = ""
  |        ^^

hint: write something between the quotes, or leave `file` out
"#,
    );
}

#[test]
fn a_destination_is_of_a_plugin_in_the_file() {
    check(
        &format!(
            "{BRAZE}[destination.eu]\nplugin = \"braz\"\n[destination.us]\nplugin = \"other\"\n[destination.no]\n"
        ),
        r#"
error[E221]: destination `eu` is of plugin `braz`, which is not in this file
 --> plugins.toml:4:10
  |
4 | plugin = "braz"
  |          ^^^^^^

hint: did you mean "braze"?

error[E221]: destination `us` is of plugin `other`, which is not in this file
 --> plugins.toml:6:10
  |
6 | plugin = "other"
  |          ^^^^^^^

hint: add `[plugin.other]` with its `file`

error[E212]: [destination.no] has no `plugin`
 --> plugins.toml:7:14
  |
7 | [destination.no]
  |              ^^

hint: add `plugin = "braze"`
"#,
    );
}

#[test]
fn a_network_is_an_address_with_a_prefix() {
    check_destination(
        r#"allow_networks = ["10.0.0.7", "localhost"]"#,
        r#"
error[E223]: "10.0.0.7" is not a network
 --> plugins.toml:5:19
  |
5 | allow_networks = ["10.0.0.7", "localhost"]
  |                   ^^^^^^^^^^

hint: for this one address write "10.0.0.7/32"

error[E223]: "localhost" is not a network
 --> plugins.toml:5:31
  |
5 | allow_networks = ["10.0.0.7", "localhost"]
  |                               ^^^^^^^^^^^

hint: write an address and the length of its prefix, like "127.0.0.0/8"
"#,
    );
}

#[test]
fn a_name_given_twice_is_shown_with_the_first_one() {
    check(
        &format!("{BRAZE}[destination.eu]\nplugin = \"braze\"\n\n[destination.eu]\nplugin = \"braze\"\n"),
        r#"
error[E206]: `eu` is given twice
 --> plugins.toml:6:14
  |
3 | [destination.eu]
  | ---------------- the first one
...
6 | [destination.eu]
  |              ^^

hint: give one of them another name, or remove it

error[E206]: `plugin` is given twice
 --> plugins.toml:7:1
  |
7 | plugin = "braze"
  | ^^^^^^

hint: remove one of the two lines
"#,
    );
}
