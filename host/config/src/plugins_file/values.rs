//! The parts of a destination that are more than a text: networks and references to secrets.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;

use ipnet::IpNet;
use toml::de::DeValue;

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::files::Located;
use crate::reference::SecretRef;
use crate::walker::{Section, Value, Walker, is_reference};

/// The networks of `allow_networks`.
pub(super) fn networks(walker: &mut Walker<'_>, section: &Section<'_, '_>) -> Vec<Located<IpNet>> {
    let mut networks = Vec::new();
    for text in walker.texts(section, "allow_networks") {
        if let Ok(network) = text.value.parse() {
            networks.push(Located::new(network, text.place));
            continue;
        }
        let hint = match text.value.parse::<IpAddr>() {
            Ok(address) => format!("for this one address write \"{}\"", IpNet::from(address)),
            Err(_) => "write an address and the length of its prefix, like \"127.0.0.0/8\"".to_owned(),
        };
        let message = format!("\"{}\" is not a network", text.value);
        walker.found.push(Diagnostic::error(Code::BadNetwork, message).at(&text.place).hint(hint));
    }
    networks
}

/// The references of `secrets`. What is no reference is covered in every message.
pub(super) fn secrets(
    walker: &mut Walker<'_>,
    section: &Section<'_, '_>,
    dir: &Path,
    destination: &str,
) -> BTreeMap<String, Located<SecretRef>> {
    let mut secrets = BTreeMap::new();
    let Some(value) = section.table.get("secrets") else { return secrets };
    let Some(table) = value.get_ref().as_table() else {
        walker.cover_texts(value);
        let hint = "write `secrets = { name = \"${env:VARIABLE}\" }`".to_owned();
        walker.wrong_type(value, "`secrets`", "a table", Some(hint));
        return secrets;
    };
    walker.cover_comments(value);
    for (name, value) in table {
        walker.cover_comments(value);
        let name = name.get_ref().as_ref();
        if let Some(reference) = secret(walker, name, value, destination) {
            secrets.insert(name.to_owned(), Located::new(reference.under(dir), walker.place(value.span())));
        }
    }
    secrets
}

fn secret(walker: &mut Walker<'_>, name: &str, value: &Value<'_>, destination: &str) -> Option<SecretRef> {
    match value.get_ref() {
        DeValue::Table(_) => command(walker, name, value),
        DeValue::String(text) if is_reference(text) => match SecretRef::parse(text) {
            Ok(SecretRef::File(path)) => {
                let place = walker.place(value.span());
                walker.is_path(&path.to_string_lossy(), name, &place).then_some(SecretRef::File(path))
            }
            Ok(reference) => Some(reference),
            Err(error) => {
                if error.may_hold_a_secret() {
                    let span = value.span();
                    walker.covered.push(span.start + 1..span.end.saturating_sub(1));
                }
                let place = walker.place(value.span());
                let message = format!("secret `{name}`: {error}");
                walker.found.push(Diagnostic::error(Code::BadReference, message).at(&place).hint(error.hint()));
                None
            }
        },
        _ => {
            walker.cover_texts(value);
            let variable = format!("{destination}_{name}").to_uppercase().replace(['-', '.', ' '], "_");
            let message = format!("secret `{name}` of destination `{destination}` stands in the file");
            let place = walker.place(value.span());
            let hint = format!(
                "write a reference instead, like \"${{env:{variable}}}\", and replace the secret if others could read the file"
            );
            walker.found.push(Diagnostic::error(Code::LiteralSecret, message).at(&place).label("not shown").hint(hint));
            None
        }
    }
}

/// `{ exec = ["command", "argument"] }`.
fn command(walker: &mut Walker<'_>, name: &str, value: &Value<'_>) -> Option<SecretRef> {
    let table = value.get_ref().as_table()?;
    let section = Section { table, title: format!("secret `{name}`"), place: walker.place(value.span()) };
    walker.unknown_keys(&section, &["exec"]);
    if !table.contains_key("exec") {
        walker.missing(&section, "exec", "[\"command\", \"argument\"]");
        return None;
    }
    let items = walker.list(&section, "exec");
    if table.get("exec").is_some_and(|value| !value.get_ref().is_array()) {
        return None;
    }
    let mut argv = Vec::new();
    for item in items {
        // An argument may be empty, but must be there.
        argv.push(walker.as_text(item, "an entry of `exec`").map(|text| text.value));
    }
    let argv = argv.into_iter().collect::<Option<Vec<_>>>()?;
    if argv.first().is_none_or(String::is_empty) {
        let hint = "write `exec = [\"command\", \"argument\"]`";
        walker.bad_value(&section.place, format!("secret `{name}` names no command"), hint);
        return None;
    }
    Some(SecretRef::Exec(argv))
}
