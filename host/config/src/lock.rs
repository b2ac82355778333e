//! Writes a plugin's digest into `plugins.toml` and leaves all else as the operator wrote it.

use enroute_core::id::PluginId;
use toml_edit::{DocumentMut, Item, TomlError, Value};

use crate::plugins_file::FileDigest;

/// A text that no digest can be written into.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// It is not TOML.
    #[error("plugins.toml is not TOML: {0}")]
    NotToml(String),
    /// It does not have the plugin.
    #[error("plugins.toml has no `[plugin.{0}]`")]
    NoPlugin(PluginId),
}

/// The text with `sha256` of `[plugin.<id>]` set to the digest.
///
/// # Errors
/// The text is not TOML, or does not have the plugin.
pub fn write_digest(text: &str, plugin: &PluginId, digest: &FileDigest) -> Result<String, LockError> {
    let mut document: DocumentMut = text
        .parse()
        // The whole error would show a line of the file, which may have a secret in it.
        .map_err(|error: TomlError| LockError::NotToml(error.message().to_owned()))?;
    let entry = document
        .get_mut("plugin")
        .and_then(Item::as_table_like_mut)
        .and_then(|plugins| plugins.get_mut(plugin.as_str()))
        .filter(|entry| entry.is_table_like())
        .ok_or_else(|| LockError::NoPlugin(plugin.clone()))?;
    set(entry, &digest.to_string());
    Ok(like(text, document.to_string()))
}

fn set(entry: &mut Item, digest: &str) {
    if let Some(old) = entry.get_mut("sha256").and_then(Item::as_value_mut) {
        let decor = old.decor().clone();
        *old = Value::from(digest);
        *old.decor_mut() = decor;
        return;
    }
    let mut value = Value::from(digest);
    if let Some(inline) = entry.as_inline_table_mut()
        && let Some((_, last)) = inline.iter_mut().last()
    {
        // The space before the closing bracket belongs to the last value, which is ours now.
        let space = last.decor().suffix().cloned().unwrap_or_default();
        last.decor_mut().set_suffix("");
        value.decor_mut().set_prefix(" ");
        value.decor_mut().set_suffix(space);
    }
    if let Some(table) = entry.as_table_like_mut() {
        table.insert("sha256", Item::Value(value));
    }
}

/// The text with the byte order mark and the line ends of the original.
pub(super) fn like(original: &str, mut text: String) -> String {
    if original.contains("\r\n") {
        text = text.replace("\r\n", "\n").replace('\n', "\r\n");
    }
    if original.starts_with('\u{feff}') && !text.starts_with('\u{feff}') {
        text.insert(0, '\u{feff}');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest() -> FileDigest {
        FileDigest([0xab; 32])
    }

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let got = match write_digest(text, &"braze".parse().unwrap(), &digest()) {
            Ok(text) => text.replace(&digest().to_string(), "NEW"),
            Err(error) => format!("error: {error}"),
        };
        assert_eq!(got, expect);
    }

    #[test]
    fn a_first_digest_is_added_and_all_else_stays() {
        check(
            "# ours\n[plugin.braze] # eu\nfile   = \"b.wasm\" # built\n\n[plugin.x]\nfile=\"x\"\n",
            "# ours\n[plugin.braze] # eu\nfile   = \"b.wasm\" # built\nsha256 = \"NEW\"\n\n[plugin.x]\nfile=\"x\"\n",
        );
        check("plugin.braze = { file = \"b\" }\n", "plugin.braze = { file = \"b\", sha256 = \"NEW\" }\n");
    }

    #[test]
    fn an_old_digest_is_replaced_where_it_stands() {
        check(
            "[plugin.braze]\nsha256   = \"old\"   # locked\nfile = \"b\"\n",
            "[plugin.braze]\nsha256   = \"NEW\"   # locked\nfile = \"b\"\n",
        );
    }

    #[test]
    fn line_ends_and_byte_order_mark_stay() {
        check(
            "\u{feff}[plugin.braze]\r\nfile = \"b\"\r\n",
            "\u{feff}[plugin.braze]\r\nfile = \"b\"\r\nsha256 = \"NEW\"\r\n",
        );
    }

    #[test]
    fn a_plugin_that_is_not_there_is_refused() {
        check("[plugin.x]\nfile = \"b\"\n", "error: plugins.toml has no `[plugin.braze]`");
        check(
            "[plugin.braze]\nkey = sk",
            "error: plugins.toml is not TOML: string values must be quoted, expected literal string",
        );
    }
}
