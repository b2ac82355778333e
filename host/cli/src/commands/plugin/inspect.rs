//! `enroute plugin inspect`: what a reviewer wants to know of a file, without running it.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use enroute_core::manifest::{
    Auth, Bucket, Field, HostAsk, Manifest, Operation, Privacy, Scope, Setting, SettingType, names,
};
use enroute_core::words::counted;
use enroute_host::catalog::{self, Inspection};
use serde_json::json;

use crate::commands::plugin::files::bytes_shown;
use crate::output::{Advice, Output};

#[derive(Debug, Args)]
pub(super) struct InspectArgs {
    /// The plugin's file.
    file: PathBuf,
}

pub(super) fn run(args: &InspectArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let refused = || {
        let what = format!("`{}` is not a plugin that this host can use", args.file.display());
        Advice::failed(what, "ask whoever made it; `enroute plugin build` and `pack` make files that fit")
    };
    let bytes = catalog::read_file(&args.file).with_context(refused)?;
    let inspection = Inspection::read(&bytes).with_context(refused)?;
    if output.json {
        output.print_json(&json!({
            "file": args.file.display().to_string(),
            "sha256": inspection.sha256,
            "size_bytes": inspection.size_bytes,
            "imports": inspection.imports,
            "exports": inspection.exports,
            "manifest": inspection.manifest,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let file = format!("{}, {}", args.file.display(), bytes_shown(inspection.size_bytes));
    for section in sections(&inspection, file) {
        section.print(output)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A title and rows in columns.
struct Section {
    title: String,
    rows: Vec<Vec<String>>,
}

impl Section {
    fn new(title: impl Into<String>, rows: impl IntoIterator<Item = Vec<String>>) -> Self {
        Self { title: title.into(), rows: rows.into_iter().collect() }
    }

    fn print(&self, output: &Output) -> anyhow::Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        output.line(&self.title)?;
        let indented: Vec<Vec<String>> = self.rows.iter().map(|row| indented(row)).collect();
        output.table(&indented)?;
        output.line("")
    }
}

fn indented(row: &[String]) -> Vec<String> {
    let mut cells: Vec<String> = row.to_vec();
    if let Some(first) = cells.first_mut() {
        first.insert_str(0, "  ");
    }
    cells
}

/// Everything, in the order in which a reviewer asks.
fn sections(inspection: &Inspection, file: String) -> Vec<Section> {
    let manifest = &inspection.manifest;
    let mut about = vec![
        row(["does", &manifest.summary]),
        row(["file", &file]),
        row(["sha256", &inspection.sha256]),
        row(["contract", &format!("enroute:destination@{}", manifest.contract)]),
    ];
    about.extend(manifest.docs.iter().map(|docs| row(["docs", docs])));
    let (offered, inert): (Vec<&String>, Vec<&String>) =
        inspection.imports.iter().partition(|import| !import.starts_with("wasi:"));
    let mut imports: Vec<Vec<String>> = offered.into_iter().map(|import| row([import])).collect();
    if !inert.is_empty() {
        imports.push(row([&format!("and {} interfaces of WASI, which the sandbox answers with nothing", inert.len())]));
    }
    vec![
        Section::new(format!("{} {}, {}", manifest.id, manifest.version, manifest.name), about),
        Section::new("asks to reach", manifest.hosts.iter().map(|ask| row([ask.host(), &meaning(ask)]))),
        Section::new(
            "asks to reach where an answer names it, never with a credential",
            manifest.answer_hosts.iter().map(|host| row([host])),
        ),
        Section::new("imports", imports),
        Section::new("exports", [row([&inspection.exports.join(", ")])]),
        Section::new(
            "secrets, which stay in the host",
            manifest.secrets.iter().map(|secret| row([&secret.name, required(secret.required), &secret.help])),
        ),
        Section::new("authenticates by", manifest.auth.iter().map(auth)),
        Section::new("settings", manifest.settings.iter().map(setting)),
        Section::new(field_title(manifest), manifest.fields.iter().map(field)),
        Section::new(
            "identifiers of a profile, the best first",
            manifest.identifiers.iter().map(|one| row([&one.kind, &format!("goes into {}", one.field)])),
        ),
        Section::new("operations", manifest.operations.iter().map(operation)),
        Section::new("pace", manifest.buckets.iter().map(bucket)),
        Section::new(
            "requests that follow from answers",
            manifest.derived.iter().map(|derived| row([&derived.kind, &derived.help])),
        ),
    ]
}

fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

fn required(required: bool) -> &'static str {
    if required { "required" } else { "optional" }
}

fn meaning(ask: &HostAsk) -> String {
    let host = ask.host();
    let meaning = match host.strip_prefix('{').and_then(|host| host.strip_suffix('}')) {
        Some(setting) => format!("the host of setting `{setting}`"),
        None => {
            let settings: Vec<String> = names(host).map(|name| format!("setting `{name}`")).collect();
            if settings.is_empty() { String::new() } else { format!("with {} in it", settings.join(", ")) }
        }
    };
    match (ask.when(), meaning.is_empty()) {
        (None, _) => meaning,
        (Some(when), true) => format!("where {when}"),
        (Some(when), false) => format!("{meaning}, where {when}"),
    }
}

fn auth(auth: &Auth) -> Vec<String> {
    match auth {
        Auth::Bearer { secret } => row(["bearer", &format!("header Authorization: Bearer <{secret}>")]),
        Auth::Header { name, secret } => row(["header", &format!("header {name}: <{secret}>")]),
        Auth::Basic { user, secret } => row(["basic", &format!("header Authorization: Basic {user}:<{secret}>")]),
        Auth::Query { name, secret } => row(["query", &format!("query item {name}=<{secret}>")]),
        Auth::Form { name, secret } => row(["form", &format!("form field {name}=<{secret}>")]),
        Auth::Json { name, secret } => row(["json", &format!("JSON member {name}: <{secret}>")]),
        Auth::Oauth2(oauth) => {
            let when = oauth.when.as_ref().map(|when| format!(", where {when}")).unwrap_or_default();
            let from = format!("token of {} by {}{when}", oauth.token_url, oauth.grant.word());
            row(["oauth2", &format!("header Authorization: Bearer <{from}>")])
        }
        Auth::HmacProof { name, key, message, .. } => {
            row(["hmac-proof", &format!("query item {name}=HMAC-SHA-256(<{key}>, <{message}>)")])
        }
    }
}

fn setting(setting: &Setting) -> Vec<String> {
    let kind = match setting.kind {
        SettingType::Text => "text",
        SettingType::Integer => "integer",
        SettingType::Boolean => "boolean",
        SettingType::Origin => "origin",
        SettingType::Digits => "digits",
    };
    let given = match &setting.default {
        Some(default) => format!("default {default}"),
        None => required(setting.required).to_owned(),
    };
    let mut help = match setting.choices.as_slice() {
        [] => setting.help.clone(),
        choices => format!("{} One of: {}.", setting.help, choices.join(", ")),
    };
    if setting.per_audience {
        help.push_str(" An audience may have its own.");
    }
    if setting.target {
        help.push_str(" It names where people are put.");
    }
    if let Some(kind) = setting.names {
        help.push_str(&format!(" `enroute account` shows every {}.", kind.word()));
    }
    row([&setting.name, kind, &given, &help])
}

fn field_title(manifest: &Manifest) -> &'static str {
    if manifest.custom_fields { "fields, and any other that a mapping names" } else { "fields" }
}

fn field(field: &Field) -> Vec<String> {
    let privacy = match field.privacy {
        Privacy::Identifying => "identifying",
        Privacy::Personal => "personal",
        Privacy::None => "not personal",
    };
    let leaves = if field.hashed { "leaves hashed" } else { "leaves as it is" };
    let fold: Vec<&str> = field.fold.iter().map(|step| step.word()).collect();
    let identifier = match (field.identifier, fold.as_slice()) {
        (false, _) => String::new(),
        (true, []) => "identifier".to_owned(),
        (true, fold) => format!("identifier, folded by {}", fold.join(", ")),
    };
    let word = field.takes.word();
    row([&field.name, word, &field.format, required(field.required), privacy, leaves, &identifier])
}

fn operation(operation: &Operation) -> Vec<String> {
    let lowered = |setting: &Option<String>| {
        setting.as_deref().map_or(String::new(), |setting| format!(", less by setting `{setting}`"))
    };
    let members = format!("{} a request{}", counted(operation.members, "member"), lowered(&operation.members_setting));
    let size = usize::try_from(operation.bytes).unwrap_or(usize::MAX);
    let bytes = format!("{}{}", bytes_shown(size), lowered(&operation.bytes_setting));
    let paced = operation.bucket.as_deref().map_or(String::new(), |bucket| format!("paced by {bucket}"));
    let repeat = if operation.idempotent { "may be repeated" } else { "must not be repeated" };
    let order = if operation.ordered { "in order" } else { "" };
    row([&operation.name, &members, &bytes, repeat, &paced, order])
}

fn bucket(bucket: &Bucket) -> Vec<String> {
    let scope = match bucket.scope {
        Scope::Credential => "shared by all with the same credential",
        Scope::Destination => "for each destination",
        Scope::List => "for each audience at a destination",
    };
    let pace = format!("{} in {} ms", counted(bucket.requests, "request"), bucket.per_ms);
    row([&bucket.name, &pace, &format!("{} at a time", bucket.concurrency), scope])
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"
id = "sample"
version = "1.2.3"
contract = "0.1"
name = "Sample"
summary = "Takes members in"
hosts = ["{base_url}", "api.example.com"]
answer_hosts = ["*.files.example.com"]
custom_fields = true
auth = [{ kind = "hmac-proof", name = "proof", key = "app", message = "token" }]
secret = [{ name = "app", help = "from the console" }, { name = "token", required = true, help = "from the console" }]
setting = [{ name = "base_url", type = "origin", required = true, target = true, help = "Where it is." }, { name = "mode", type = "text", default = "a", choices = ["a", "b"], help = "How." }]
field = [{ name = "email", format = "e-mail", type = "email", identifier = true, fold = ["trim", "lowercase"], hashed = true, privacy = "identifying" }]
identifier = [{ kind = "email", field = "email" }]
operation = [{ name = "put", members = 10, bytes = 2048, bucket = "all", idempotent = true }]
bucket = [{ name = "all", scope = "credential", requests = 5, per_ms = 1000 }]
derived = [{ kind = "probe", help = "tests the token" }]
"#;

    #[test]
    fn a_reviewer_sees_everything_that_is_asked_for() {
        let inspection = Inspection {
            manifest: Manifest::parse_toml(MANIFEST).unwrap(),
            sha256: "00ff".to_owned(),
            size_bytes: 10,
            imports: vec!["enroute:destination/types@0.1.0".to_owned(), "wasi:io/poll@0.2.6".to_owned()],
            exports: vec!["enroute:destination/destination@0.1.0".to_owned()],
        };
        let text: Vec<String> = sections(&inspection, "a.wasm, 10 bytes".to_owned())
            .iter()
            .flat_map(|section| {
                let rows = section.rows.iter().map(|row| format!("  {}", row.join("; ")));
                std::iter::once(section.title.clone()).chain(rows).collect::<Vec<_>>()
            })
            .collect();
        let expect = "\
sample 1.2.3, Sample
  does; Takes members in
  file; a.wasm, 10 bytes
  sha256; 00ff
  contract; enroute:destination@0.1
asks to reach
  {base_url}; the host of setting `base_url`
  api.example.com; 
asks to reach where an answer names it, never with a credential
  *.files.example.com
imports
  enroute:destination/types@0.1.0
  and 1 interfaces of WASI, which the sandbox answers with nothing
exports
  enroute:destination/destination@0.1.0
secrets, which stay in the host
  app; optional; from the console
  token; required; from the console
authenticates by
  hmac-proof; query item proof=HMAC-SHA-256(<app>, <token>)
settings
  base_url; origin; required; Where it is. It names where people are put.
  mode; text; default \"a\"; How. One of: a, b.
fields, and any other that a mapping names
  email; email; e-mail; optional; identifying; leaves hashed; identifier, folded by trim, lowercase
identifiers of a profile, the best first
  email; goes into email
operations
  put; 10 members a request; 2.0 KiB; may be repeated; paced by all; 
pace
  all; 5 requests in 1000 ms; 4 at a time; shared by all with the same credential
requests that follow from answers
  probe; tests the token";
        assert_eq!(text.join("\n"), expect);
    }
}
