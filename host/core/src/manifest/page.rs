//! The head of a destination's page, made of its manifest, so that it cannot say anything else.

use std::fmt::Write as _;

use super::{Auth, Bucket, Field, IdentifierUse, Manifest, Operation, Preset, Privacy, Scope, Takes, Values};
use crate::words::counted;

/// Where the head begins in a page.
const BEGIN: &str = "<!-- Made of plugin.toml by `enroute plugin page`; what stands here is replaced. -->";
/// Where it ends.
const END: &str = "<!-- End of what is made of plugin.toml. -->";

/// The page with a fresh head: in place of the one it has, else behind its title.
///
/// ```
/// # use enroute_core::manifest::{Manifest, page};
/// let manifest = Manifest::parse_toml(r#"
///     id = "acme"
///     version = "1.0.0"
///     contract = "0.1"
///     name = "Acme"
///     summary = "Sends people to Acme."
///     hosts = ["api.example.com"]
///     [[operation]]
///     name = "put"
///     members = 100
///     bytes = 1000000
///     idempotent = true
/// "#).unwrap();
/// let made = page(&manifest, "# Acme\n\nBy hand.\n");
/// assert!(made.starts_with("# Acme\n\n<!-- Made of plugin.toml"));
/// assert!(made.contains("| `put` | 100 members, 1 MB |"));
/// assert!(made.ends_with("\n\nBy hand.\n"));
/// assert_eq!(page(&manifest, &made), made);
/// ```
#[must_use]
pub fn page(manifest: &Manifest, text: &str) -> String {
    let head = format!("{BEGIN}\n\n{}\n{END}", head(manifest));
    let known = text.split_once(BEGIN).and_then(|(front, rest)| Some((front, rest.split_once(END)?.1)));
    if let Some((front, behind)) = known {
        return format!("{front}{head}{behind}");
    }
    match text.split_once('\n') {
        Some((title, rest)) if title.starts_with("# ") => format!("{title}\n\n{head}\n\n{}", rest.trim_start()),
        _ => format!("# {}\n\n{head}\n\n{text}", manifest.name),
    }
}

fn head(manifest: &Manifest) -> String {
    let mut out = String::new();
    // Writing to a text cannot fail.
    let _cannot_fail = write_facts(&mut out, manifest);
    for (title, columns, rows) in [
        ("What it does", ["Operation", "Most in a request", "Repeating", "Pace"], operations(manifest)),
        ("Fields", ["Field", "Takes", "Trait", "Privacy"], fields(manifest)),
        ("Presets", ["Preset", "For", "Fills", "What it is for"], presets(manifest)),
    ] {
        let _cannot_fail = write_table(&mut out, title, columns, &rows);
    }
    out
}

fn write_facts(out: &mut String, manifest: &Manifest) -> std::fmt::Result {
    writeln!(out, "| | |\n|---|---|")?;
    writeln!(out, "| Plugin | `{}` {}, contract {} |", manifest.id, manifest.version, manifest.contract)?;
    let hosts: Vec<String> = manifest
        .hosts
        .iter()
        .map(|ask| match ask.when() {
            Some(when) => format!("`{}` (where `{when}`)", ask.host()),
            None => format!("`{}`", ask.host()),
        })
        .collect();
    writeln!(out, "| Hosts to grant | {} |", hosts.join(", "))?;
    if !manifest.answer_hosts.is_empty() {
        let hosts: Vec<String> = manifest.answer_hosts.iter().map(|host| format!("`{host}`")).collect();
        writeln!(out, "| Hosts known from answers | {}; never with a credential |", hosts.join(", "))?;
    }
    let ways: Vec<String> = manifest.auth.iter().map(way).collect();
    writeln!(out, "| Credentials | {} |", ways.join("; "))?;
    let kinds: Vec<String> =
        manifest.identifiers.iter().map(|one| format!("{} as `{}`", one.kind, one.field)).collect();
    let uses = match manifest.identity.uses {
        IdentifierUse::First => "the first that a profile has",
        IdentifierUse::All => "all that a profile has",
    };
    let values = match manifest.identity.values {
        Values::Last => "of several values the last",
        Values::First => "of several values the first",
        Values::All => "and every value of each",
    };
    writeln!(out, "| Identifiers | {}: {uses}, {values} |", kinds.join(", "))?;
    let targets: Vec<String> =
        manifest.settings.iter().filter(|one| one.target).map(|one| format!("`{}`", one.name)).collect();
    if !targets.is_empty() {
        writeln!(out, "| Where people are put | {} |", targets.join(", "))?;
    }
    if let Some(least) = manifest.audience_min {
        writeln!(out, "| Smallest audience of use | {least} people |")?;
    }
    if let Some(docs) = &manifest.docs {
        writeln!(out, "| The vendor's documentation | <{docs}> |")?;
    }
    Ok(())
}

fn way(auth: &Auth) -> String {
    match auth {
        Auth::Bearer { secret } => format!("`{secret}` as bearer"),
        Auth::Header { name, secret } => format!("`{secret}` in header `{name}`"),
        Auth::Basic { user, secret } => format!("`{secret}` with user `{user}`"),
        Auth::Query { name, secret } => format!("`{secret}` in query item `{name}`"),
        Auth::Form { name, secret } => format!("`{secret}` in form field `{name}`"),
        Auth::Json { name, secret } => format!("`{secret}` in body member `{name}`"),
        Auth::HmacProof { key, message, .. } => format!("a proof made of `{key}` and `{message}`"),
        Auth::Oauth2(oauth) => {
            let when = oauth.when.as_ref().map(|when| format!(" (where `{when}`)")).unwrap_or_default();
            format!("OAuth 2.0, {}{when}", oauth.grant.word())
        }
    }
}

fn operations(manifest: &Manifest) -> Vec<[String; 4]> {
    let row = |operation: &Operation| {
        let pace = operation.bucket.as_deref().and_then(|name| manifest.bucket(name)).map(pace).unwrap_or_default();
        let jobs = operation.open_tickets.map(|most| format!("; at most {most} jobs open")).unwrap_or_default();
        [
            format!("`{}`", operation.name),
            format!("{}, {}", counted(operation.members, "member"), size(operation.bytes)),
            if operation.idempotent { "does no harm" } else { "may act twice" }.to_owned(),
            format!("{pace}{jobs}"),
        ]
    };
    manifest.operations.iter().map(row).collect()
}

fn pace(bucket: &Bucket) -> String {
    let scope = match bucket.scope {
        Scope::Credential => "credential",
        Scope::Destination => "destination",
        Scope::List => "list",
    };
    let window = match bucket.per_ms {
        1_000 => "second".to_owned(),
        60_000 => "minute".to_owned(),
        86_400_000 => "day".to_owned(),
        ms => format!("{} s", f64::from(ms) / 1_000.0),
    };
    let requests = counted(bucket.requests, "request");
    format!("{requests} a {window}, {} at a time, for each {scope}", bucket.concurrency)
}

fn fields(manifest: &Manifest) -> Vec<[String; 4]> {
    let row = |field: &Field| {
        let privacy = match (field.hashed, field.privacy) {
            (true, _) => "leaves as a hash",
            (false, Privacy::Identifying) => "names a person",
            (false, Privacy::Personal) => "personal",
            (false, Privacy::None) => "none",
        };
        let traits: Vec<String> = field.traits.iter().chain(&field.synonyms).map(|name| format!("`{name}`")).collect();
        let required = if field.required { " (required)" } else { "" };
        let when = field.when.as_ref().map(|when| format!(" (where `{when}`)")).unwrap_or_default();
        [format!("`{}`{required}{when}", field.name), takes(field), traits.join(", "), privacy.to_owned()]
    };
    let mut rows: Vec<[String; 4]> = manifest.fields.iter().map(row).collect();
    if manifest.custom_fields {
        rows.push([
            "any other".to_owned(),
            "what the destination takes".to_owned(),
            String::new(),
            "personal".to_owned(),
        ]);
    }
    rows
}

/// What a field takes, in prose, with its word where the prose does not begin with it.
fn takes(field: &Field) -> String {
    let word = field.takes.word();
    let is_said = field.takes == Takes::Any || field.format.starts_with(word);
    let word = if is_said { String::new() } else { format!("`{word}`: ") };
    let fold: Vec<String> = field.fold.iter().map(|step| format!("`{}`", step.word())).collect();
    let fold = if fold.is_empty() { String::new() } else { format!("; folded by {}", fold.join(", ")) };
    format!("{word}{}{fold}", field.format)
}

fn presets(manifest: &Manifest) -> Vec<[String; 4]> {
    let row = |preset: &Preset| {
        let fields: Vec<String> = preset.fields.keys().map(|name| format!("`{name}`")).collect();
        [preset.name.clone(), preset.trigger_in_words(), fields.join(", "), preset.help.clone()]
    };
    manifest.presets.iter().map(row).collect()
}

fn size(bytes: u32) -> String {
    match bytes {
        1_000_000.. => format!("{} MB", (f64::from(bytes) / 100_000.0).round() / 10.0),
        _ => format!("{} kB", bytes / 1_000),
    }
}

fn write_table(out: &mut String, title: &str, columns: [&str; 4], rows: &[[String; 4]]) -> std::fmt::Result {
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n**{title}**\n\n| {} |\n|---|---|---|---|", columns.join(" | "))?;
    for row in rows {
        // A bar would end the cell.
        writeln!(out, "| {} |", row.each_ref().map(|cell| cell.replace('|', "\\|")).join(" | "))?;
    }
    Ok(())
}
