//! Every mistake that has a code, made in a sound configuration and told by `enroute check`: where it is, and what to do.
//!
//! One row a mistake, in the tables of `files` and `plugins`. What is told stands beside it; `SNAPSHOTS=overwrite`
//! writes it anew.

mod files;
mod meant;
mod plugins;
mod schedules;
mod sources;
mod text;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Output;

use enroute_host::catalog::{read_file, sha256_hex};
use enroute_host::config::code::Code;
use snapbox::{Data, IntoData, assert_data_eq, str};

use crate::support::{World, enroute, plugin};

/// A mistake and what is told of it.
struct Case {
    code: &'static str,
    broken: Broken,
    expect: Data,
}

/// What is done to the sound configuration.
enum Broken {
    /// A text of a file gives way to another.
    Edit(&'static str, &'static str, &'static str),
    /// The same, beside this profile, which is imported first.
    Beside(&'static str, &'static str, &'static str, &'static str),
    /// A text is added to a file.
    Append(&'static str, &'static str),
    /// A file is taken away.
    Remove(&'static str),
    /// A folder stands in a file's place.
    Folder(&'static str),
    /// A file has these bytes, so many times.
    Bytes(&'static str, &'static [u8], usize),
}

fn case(code: &'static str, broken: Broken, expect: impl IntoData) -> Case {
    Case { code, broken, expect: expect.into_data() }
}

const PLUGINS: &str = r#"[plugin.braze]
file = "plugins/braze.wasm"
sha256 = "DIGEST-OF-BRAZE"

[plugin.facebook]
file = "plugins/facebook.wasm"
sha256 = "DIGEST-OF-FACEBOOK"

[destination.braze-eu]
plugin = "braze"
hosts = ["rest.fra-01.braze.eu"]
settings = { endpoint = "https://rest.fra-01.braze.eu" }
secrets = { api_key = "${file:a.key}" }

[destination.facebook-ads]
plugin = "facebook"
hosts = ["graph.facebook.com"]
settings = { audience_id = "23848494844100489" }
secrets = { access_token = "${file:a.key}" }
"#;

const AUDIENCES: &str = r#"[source.crm]
file = "profiles.ndjson"

[audience.gold]
where = "traits ->> 'plan' = 'gold'"

[[connection]]
audience = "gold"
destination = "braze-eu"
setup = "customized"
traits = ["ltv", { trait = "firstName", field = "first_name" }]

[[connection]]
audience = "gold"
destination = "facebook-ads"
setup = "customized"
traits = [{ trait = "email", field = "EMAIL" }]
"#;

/// Mistakes whose message already says how it should be.
const WITHOUT_HINT: [&str; 2] = ["E213", "E255"];

/// Mistakes that cost the connections of a plugin, while others are looked at.
const OF_ONE_CONNECTION: [&str; 5] = ["E241", "E242", "E243", "E244", "E262"];

/// An operator's folder, sound until something is broken in it.
struct Folder {
    folder: tempfile::TempDir,
    /// Digests of the two plugins, which change with each build.
    digests: [(&'static str, String); 2],
}

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir(folder.path().join("plugins")).expect("a folder");
        let digests = [("braze", "DIGEST-OF-BRAZE"), ("facebook", "DIGEST-OF-FACEBOOK")].map(|(id, name)| {
            let bytes = read_file(&plugin(id)).expect("the plugin is read");
            std::fs::write(folder.path().join(format!("plugins/{id}.wasm")), &bytes).expect("it is written");
            (name, sha256_hex(&bytes))
        });
        std::fs::write(folder.path().join("a.key"), "not-a-real-key").expect("it is written");
        std::fs::write(folder.path().join("b.key"), "\"Bearer not-a-real-key\"\n").expect("it is written");
        Self { folder, digests }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, name: &str, text: &str) {
        let text = self.digests.iter().fold(text.to_owned(), |text, (name, digest)| text.replace(name, digest));
        std::fs::write(self.path().join(name), text).expect("a file of the configuration is written");
    }

    /// Writes both files, with something broken in one of them.
    fn write_broken(&self, broken: &Broken) {
        for (name, sound) in [("plugins.toml", PLUGINS), ("audiences.toml", AUDIENCES)] {
            let path = self.path().join(name);
            match broken {
                Broken::Edit(file, from, to) | Broken::Beside(_, file, from, to) if *file == name => {
                    assert!(sound.contains(from), "{name} has no `{from}`");
                    self.write(name, &sound.replacen(from, to, 1));
                }
                Broken::Append(file, more) if *file == name => self.write(name, &format!("{sound}{more}")),
                Broken::Remove(file) if *file == name => drop(std::fs::remove_file(path)),
                Broken::Folder(file) if *file == name => std::fs::create_dir(path).expect("a folder is made"),
                Broken::Bytes(file, bytes, times) if *file == name => {
                    std::fs::write(path, bytes.repeat(*times)).expect("it is written");
                }
                _ => self.write(name, sound),
            }
        }
    }

    fn check(&self, words: &[&str]) -> Output {
        enroute().args(words).current_dir(self.path()).output().expect("the binary runs")
    }

    /// What was told, with digests by their names.
    fn told(&self, text: &[u8]) -> String {
        let text = String::from_utf8_lossy(text).into_owned();
        self.digests.iter().fold(text, |text, (name, digest)| text.replace(digest, name))
    }
}

#[track_caller]
fn check(folder: &Folder, cases: Vec<Case>) {
    for Case { code, broken, expect } in cases {
        folder.write_broken(&broken);
        if let Broken::Beside(profile, ..) = broken {
            std::fs::write(folder.path().join("profiles.ndjson"), profile).expect("it is written");
            assert!(folder.check(&["import"]).status.success(), "{code}: the profile is imported");
        }
        let ended = folder.check(&["check"]);
        let told = folder.told(&ended.stderr);
        let is_warning = told.contains(&format!("warning[{code}]"));
        assert_eq!(ended.status.code(), Some(if is_warning { 0 } else { 2 }), "{code}: {told}");
        let goes_on = is_warning || OF_ONE_CONNECTION.contains(&code) && !told.contains("error[E261]");
        assert_eq!(ended.stdout.is_empty(), !goes_on, "{code}: data is printed though nothing was done");
        let one = told.split(if is_warning { "warning[" } else { "error[" });
        let one = one.into_iter().find_map(|one| one.strip_prefix(code)).unwrap_or_else(|| panic!("{code}: {told}"));
        assert_eq!(one.contains("\nhint: "), !WITHOUT_HINT.contains(&code), "{code}: {told}");
        assert!(!told.contains("not-a-real-key"), "{code}: a secret is shown");
        assert_data_eq!(told, expect);
        if let Broken::Folder(name) = broken {
            std::fs::remove_dir(folder.path().join(name)).expect("it is removed");
        }
    }
}

#[test]
fn mistakes_in_the_files_are_told_with_place_and_hint() {
    check(&Folder::new(), files::cases());
    check(&Folder::new(), schedules::cases());
    check(&Folder::new(), sources::cases());
    check(&Folder::new(), text::cases());
}

#[test]
fn mistakes_that_need_the_plugins_are_told_with_place_and_hint() {
    let folder = Folder::new();
    folder.write("plugins.toml", PLUGINS);
    folder.write("audiences.toml", AUDIENCES);
    let ended = folder.check(&["check"]);
    assert_eq!((ended.status.code(), folder.told(&ended.stderr).as_str()), (Some(0), ""), "it is sound");
    check(&folder, plugins::cases());
}

#[test]
fn no_code_is_without_a_case() {
    let mut cases: BTreeSet<&str> = files::cases().iter().chain(&plugins::cases()).map(|case| case.code).collect();
    cases.extend(schedules::cases().iter().map(|case| case.code));
    cases.extend(sources::cases().iter().map(|case| case.code));
    cases.extend(text::cases().iter().map(|case| case.code));
    cases.extend(crate::oauth::mistakes::CODES);
    cases.extend(crate::conditions::CODES);
    cases.extend(crate::account::CODES);
    cases.extend(crate::guests::CODES);
    cases.extend(crate::places::CODES);
    cases.extend(crate::queries::CODES);
    cases.extend(crate::warehouse::CODES);
    assert_eq!(cases, Code::ALL.iter().map(|code| code.id()).collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn all_mistakes_are_told_at_once_and_nothing_is_sent() {
    let world = World::new().await;
    world.people(&[crate::support::gold("u1")]);
    let plugins = world.plugins_toml().replace("allow_networks", "allow_network");
    world.write("plugins.toml", &plugins.replace("${file:braze.key}", "not-a-real-key"));
    let audiences =
        crate::support::AUDIENCES.replace("destination = \"facebook-ads\"", "destination = \"facebok-ads\"");
    world.write("audiences.toml", &audiences.replace("setup = \"customized\"", "setup = \"custom\""));
    let mut command = enroute();
    let ended = command.args(["--json", "sync"]).current_dir(world.folder.path()).output().expect("the binary runs");
    assert_eq!(ended.status.code(), Some(2));
    let told: serde_json::Value = serde_json::from_slice(&ended.stdout).expect("JSON");
    let lines = told.as_array().unwrap().iter().map(|one| {
        let text = |key: &str| one[key].as_str().unwrap_or("-");
        format!("{} {}:{}: {}; {}\n", text("code"), text("file"), one["line"], text("message"), text("hint"))
    });
    assert_data_eq!(
        lines.collect::<String>(),
        str![[r#"
E211 plugins.toml:13: unknown key `allow_network` in [destination.braze-eu]; did you mean `allow_networks`?
E224 plugins.toml:15: secret `api_key` of destination `braze-eu` stands in the file; write a reference instead, like "${env:BRAZE_EU_API_KEY}", and replace the secret if others could read the file
E211 plugins.toml:20: unknown key `allow_network` in [destination.facebook-ads]; did you mean `allow_networks`?
E214 audiences.toml:10: `setup` cannot be "custom"; did you mean "customized"?
E232 audiences.toml:20: there is no destination `facebok-ads`; did you mean "facebook-ads"?
E214 audiences.toml:21: `setup` cannot be "custom"; did you mean "customized"?

"#]]
    );
    assert!(world.take_requests().is_empty());
    assert!(!world.state().exists(), "no store was made");
}
