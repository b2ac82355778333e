//! The two files, with comments.

use std::fmt::Write as _;
use std::path::Path;

use enroute_host::sources::sample::Sample;

use crate::commands::init::Chosen;
use crate::commands::init::propose::{Proposal, is_sensitive};

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A key as TOML writes it.
fn key(name: &str) -> String {
    let is_bare = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if is_bare { name.to_owned() } else { quoted(name) }
}

fn table<'a>(rows: impl Iterator<Item = (&'a String, &'a String)>) -> String {
    let rows: Vec<String> = rows.map(|(name, value)| format!("{} = {}", key(name), quoted(value))).collect();
    format!("{{ {} }}", rows.join(", "))
}

/// The file of people.
pub(super) struct Source<'a> {
    pub(super) file: &'a Path,
    pub(super) encoding: Option<&'a str>,
    /// The folder of the two files.
    pub(super) here: &'a Path,
}

/// A file as it is named from the folder, or whole where it lies elsewhere.
fn path(file: &Path, here: &Path) -> String {
    quoted(&file.strip_prefix(here).unwrap_or(file).display().to_string())
}

/// `plugins.toml`: what may run, and where it may reach.
pub(super) fn plugins(chosen: &[Chosen], here: &Path) -> String {
    let mut text =
        String::from("# What may run and where it may reach. Made by `enroute init`; change it as you like.\n");
    for one in chosen {
        let manifest = &one.plugin.manifest;
        let (file, id) = (path(&one.file, here), &one.id);
        let _ = write!(
            text,
            "\n[plugin.{id}]\nfile = {file}\n# Any other file is not run.\nsha256 = \"{}\"\n",
            one.plugin.sha256
        );
        let hosts: Vec<String> = one.settings.iter().filter_map(|(_, value)| host(value.as_str()?)).collect();
        let asked = manifest.hosts.iter().map(|ask| ask.host().to_owned()).filter(|host| !host.contains(['{', '*']));
        let hosts: Vec<String> = hosts.into_iter().chain(asked).map(|host| quoted(&host)).collect();
        let settings: Vec<String> = one.settings.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        let needed = manifest.secrets.iter().filter(|secret| secret.required);
        let secrets: Vec<String> = needed
            .map(|secret| {
                let variable = format!("{id}_{}", secret.name).to_uppercase().replace('-', "_");
                format!("{} = \"${{env:{variable}}}\"", secret.name)
            })
            .collect();
        let _ = write!(
            text,
            "\n[destination.{id}]\nplugin = \"{id}\"\nhosts = [{}]\nsettings = {{ {} }}\n\
             # References, never the secrets themselves.\nsecrets = {{ {} }}\n",
            hosts.join(", "),
            settings.join(", "),
            secrets.join(", ")
        );
    }
    text
}

fn host(value: &str) -> Option<String> {
    value.strip_prefix("https://").map(|rest| rest.split('/').next().unwrap_or_default().to_owned())
}

/// `audiences.toml`: what is sent.
pub(super) fn audiences(source: &Source<'_>, sample: &Sample, proposal: &Proposal, chosen: &[Chosen]) -> String {
    let mut text = String::from("# What is sent. Made by `enroute init`; change it as you like.\n\n[source.crm]\n");
    let _ =
        write!(text, "file = {}\nformat = \"csv\"\nid = {}\n", path(source.file, source.here), quoted(&proposal.id));
    if sample.delimiter != b',' {
        let _ = writeln!(text, "delimiter = {}", quoted(&char::from(sample.delimiter).to_string()));
    }
    if let Some(encoding) = source.encoding {
        let _ = writeln!(text, "encoding = {}", quoted(encoding));
    }
    if !proposal.columns.is_empty() {
        let _ = writeln!(text, "# Who a person is.\ncolumns = {}", table(proposal.columns.iter()));
    }
    if !proposal.types.is_empty() {
        let _ = writeln!(text, "# What cells are; all others are texts.\ntypes = {}", table(proposal.types.iter()));
    }
    for note in &proposal.notes {
        let _ = writeln!(text, "# Note: {note}.");
    }
    let (key, condition) = &proposal.audience;
    let _ = write!(text, "\n[audience.{key}]\n# A condition of SQL.\nwhere = {}\n", quoted(condition));
    for one in chosen {
        let rows: Vec<String> = traits(sample, proposal, one).iter().map(|name| quoted(name)).collect();
        let _ = write!(text, "\n[[connection]]\naudience = \"{key}\"\ndestination = \"{}\"\n", one.id);
        if !rows.is_empty() {
            let _ = write!(
                text,
                "setup = \"customized\"\n# What the plugin has a field for; `enroute match` shows which.\n\
                 traits = [{}]\n",
                rows.join(", ")
            );
        }
    }
    text
}

/// The traits that a plugin has a field for by name, and what the audience asks for.
fn traits(sample: &Sample, proposal: &Proposal, chosen: &Chosen) -> Vec<String> {
    let plain = |name: &str| name.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    let manifest = &chosen.plugin.manifest;
    let is_field = |name: &str| {
        let fields = manifest.fields.iter().filter(|field| !field.identifier && field.when.is_none());
        let mut names = fields.flat_map(|field| std::iter::once(&field.name).chain(&field.synonyms));
        names.any(|field| plain(field) == plain(name))
    };
    let is_simple = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.is_empty();
    let names = sample.columns.iter().map(|column| column.name.as_str());
    let names = names.filter(|name| *name != proposal.id && !proposal.columns.contains_key(*name));
    let is_asked = |name: &str| manifest.custom_fields && proposal.asks_for.as_deref() == Some(name);
    names
        .filter(|name| is_simple(name) && !is_sensitive(name) && (is_field(name) || is_asked(name)))
        .map(str::to_owned)
        .collect()
}
