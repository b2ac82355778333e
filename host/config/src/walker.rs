//! Reads values out of parsed TOML, one key at a time, and reports what does not fit.
//!
//! A read never stops the next one: it returns nothing and leaves a diagnostic, so that all mistakes of a
//! file come at once.

use std::ops::Range;
use std::str::FromStr;

use enroute_core::id::NameError;
use enroute_core::suggest::nearest;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::code::Code;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::files::{FileId, Located, Place};
use crate::syntax::BACKSLASH_HINT;

/// A value with its place.
pub(super) type Value<'text> = Spanned<DeValue<'text>>;

/// A table that is being read.
#[derive(Clone)]
pub(super) struct Section<'a, 'text> {
    /// Its entries.
    pub(super) table: &'a DeTable<'text>,
    /// What messages call it: `[destination.braze]`.
    pub(super) title: String,
    /// Where it begins.
    pub(super) place: Place,
}

/// Reads one file.
pub(super) struct Walker<'a> {
    /// The file.
    pub(super) file: FileId,
    /// Where mistakes go.
    pub(super) found: &'a mut Diagnostics,
    /// The file's text, where it is one that people put secrets into.
    secretive: Option<&'a str>,
    /// Bytes of the file that no message may show.
    pub(super) covered: Vec<Range<usize>>,
}

impl<'a> Walker<'a> {
    /// A walker of one file; `secretive` is its text, where people put secrets into such a file.
    pub(super) const fn new(file: FileId, found: &'a mut Diagnostics, secretive: Option<&'a str>) -> Self {
        Self { file, found, secretive, covered: Vec::new() }
    }

    /// A place in the file.
    pub(super) const fn place(&self, span: Range<usize>) -> Place {
        Place::new(self.file, span)
    }

    /// The file itself as a section.
    pub(super) fn root<'t, 'text>(&self, table: &'t DeTable<'text>, name: &str) -> Section<'t, 'text> {
        Section { table, title: name.to_owned(), place: self.place(0..0) }
    }

    /// Reports every key of the section that is not among `known`.
    pub(super) fn unknown_keys(&mut self, section: &Section<'_, '_>, known: &[&str]) {
        self.unknown_keys_but(section, known, &[]);
    }

    /// Reports every key of the section that is neither among `known` nor `reported` already.
    pub(super) fn unknown_keys_but(&mut self, section: &Section<'_, '_>, known: &[&str], reported: &[&str]) {
        for (key, value) in section.table {
            let name = key.get_ref().as_ref();
            if !known.contains(&name) && !reported.contains(&name) {
                let near = self.unknown_key(section, key.span(), name, known);
                let secret = near.is_none_or(|near| matches!(near, "secrets" | "exec"));
                if self.secretive.is_some() && (secret || value.get_ref().is_table()) {
                    self.cover_texts(value);
                }
            }
        }
    }

    /// Reports the key, and tells the known one that was probably meant.
    fn unknown_key<'k>(
        &mut self,
        section: &Section<'_, '_>,
        span: Range<usize>,
        name: &str,
        known: &[&'k str],
    ) -> Option<&'k str> {
        let near = nearest(name, known.iter().copied());
        let hint = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it may have: {}", known.join(", ")),
        };
        let message = format!("unknown key `{name}` in {}", section.title);
        let place = self.place(span);
        self.found.push(Diagnostic::error(Code::UnknownKey, message).at(&place).hint(hint));
        near
    }

    /// Keeps comments within a value and behind it out of messages: old keys live on in comments.
    pub(super) fn cover_comments(&mut self, value: &Value<'_>) {
        let Some(text) = self.secretive else { return };
        let span = value.span();
        let behind = text.get(span.end..).and_then(|rest| rest.lines().next()).map_or(0, str::len);
        let mut at = span.start;
        for line in text.get(span.start..span.end + behind).unwrap_or_default().split_inclusive('\n') {
            // A `#` within a text counts too: what is covered in vain does no harm.
            if let Some(comment) = line.find('#') {
                self.covered.push(at + comment + 1..at + line.len());
            }
            at += line.len();
        }
    }

    /// Keeps every text within the value out of messages.
    pub(super) fn cover_texts(&mut self, value: &Value<'_>) {
        self.cover_comments(value);
        match value.get_ref() {
            DeValue::String(text) if is_reference(text) => {}
            DeValue::Array(items) => items.iter().for_each(|item| self.cover_texts(item)),
            DeValue::Table(table) => table.iter().for_each(|(key, item)| {
                // In quotes it is not a name but a text, maybe one whose own quotes went wrong.
                if key.span().len() > key.get_ref().len() {
                    self.covered.push(key.span());
                }
                self.cover_texts(item);
            }),
            DeValue::String(_) => {
                let span = value.span();
                self.covered.push(span.start + 1..span.end.saturating_sub(1));
            }
            DeValue::Integer(_) | DeValue::Float(_) => self.covered.push(value.span()),
            DeValue::Boolean(_) | DeValue::Datetime(_) => {}
        }
    }

    /// Reports a value of another type; `what` is what messages call it.
    pub(super) fn wrong_type(&mut self, value: &Value<'_>, what: &str, wanted: &str, hint: Option<String>) {
        let message = format!("{what} must be {wanted}, not {}", kind(value.get_ref()));
        let mut diagnostic = Diagnostic::error(Code::WrongType, message).at(&self.place(value.span()));
        diagnostic.hint = hint;
        self.found.push(diagnostic);
    }

    /// Reports a value that is not allowed.
    pub(super) fn bad_value(&mut self, place: &Place, message: String, hint: impl Into<String>) {
        self.found.push(Diagnostic::error(Code::BadValue, message).at(place).hint(hint));
    }

    /// Reports a key that must be given.
    pub(super) fn missing(&mut self, section: &Section<'_, '_>, key: &str, example: &str) {
        let message = format!("{} has no `{key}`", section.title);
        let hint = format!("add `{key} = {example}`");
        self.found.push(Diagnostic::error(Code::MissingKey, message).at(&section.place).hint(hint));
    }

    /// The tables `[key.NAME]` of a section, with their names.
    pub(super) fn named<'t, 'text>(
        &mut self,
        section: &Section<'t, 'text>,
        key: &str,
    ) -> Vec<(Located<String>, Section<'t, 'text>)> {
        let Some(value) = section.table.get(key) else { return Vec::new() };
        let Some(tables) = value.get_ref().as_table() else {
            self.wrong_type(value, &format!("`{key}`"), "tables with names", Some(format!("write `[{key}.NAME]`")));
            self.cover_texts(value);
            return Vec::new();
        };
        let mut sections = Vec::new();
        for (name, value) in tables {
            let text = name.get_ref().to_string();
            let place = self.place(name.span());
            if let Some(table) = value.get_ref().as_table() {
                let section = Section { table, title: format!("[{key}.{text}]"), place: place.clone() };
                sections.push((Located::new(text, place), section));
            } else {
                self.wrong_type(value, &format!("`{key}.{text}`"), "a table", Some(format!("write `[{key}.{text}]`")));
                self.cover_texts(value);
            }
        }
        sections
    }

    /// A text in quotes that is not empty.
    pub(super) fn text(&mut self, section: &Section<'_, '_>, key: &str) -> Option<Located<String>> {
        let value = section.table.get(key)?;
        let text = self.as_text(value, &format!("`{key}`"))?;
        if text.value.trim().is_empty() {
            let hint = format!("write something between the quotes, or leave `{key}` out");
            self.bad_value(&text.place, format!("`{key}` in {} is empty", section.title), hint);
            return None;
        }
        Some(text)
    }

    /// A text that must be given.
    pub(super) fn required(&mut self, section: &Section<'_, '_>, key: &str, example: &str) -> Option<Located<String>> {
        if !section.table.contains_key(key) {
            self.missing(section, key, example);
        }
        self.text(section, key)
    }

    /// The path of a file that must be given.
    pub(super) fn required_path(
        &mut self,
        section: &Section<'_, '_>,
        key: &str,
        example: &str,
    ) -> Option<Located<String>> {
        let path = self.required(section, key, example)?;
        self.is_path(&path.value, key, &path.place).then_some(path)
    }

    /// Whether a text can be a path; reported where a backslash that was meant as one began an escape.
    pub(super) fn is_path(&mut self, path: &str, key: &str, place: &Place) -> bool {
        let Some(found) = path.chars().find(|c| c.is_control()) else { return true };
        let message = format!(
            "`{key}` has {} in it, because in double quotes a backslash begins an escape",
            match found {
                '\t' => "a tab, `\\t`,",
                '\n' => "a line feed, `\\n`,",
                '\r' => "a carriage return, `\\r`,",
                _ => "a control character",
            }
        );
        self.bad_value(place, message, BACKSLASH_HINT);
        false
    }

    /// The value as a text, reported where it is none.
    pub(super) fn as_text(&mut self, value: &Value<'_>, what: &str) -> Option<Located<String>> {
        if let DeValue::String(text) = value.get_ref() {
            return Some(Located::new(text.to_string(), self.place(value.span())));
        }
        self.wrong_type(value, what, "a text in quotes", None);
        None
    }

    /// True or false.
    pub(super) fn boolean(&mut self, section: &Section<'_, '_>, key: &str, default: bool) -> bool {
        let Some(value) = section.table.get(key) else { return default };
        value.get_ref().as_bool().unwrap_or_else(|| {
            let quoted = value.get_ref().as_str().filter(|text| matches!(*text, "true" | "false"));
            let hint = quoted.map(|text| format!("leave the quotes out: `{key} = {text}`"));
            self.wrong_type(value, &format!("`{key}`"), "true or false", hint);
            default
        })
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(
        &mut self,
        section: &Section<'_, '_>,
        key: &str,
        choices: &[(&str, T)],
    ) -> Option<Located<T>> {
        let text = section.table.get(key).and_then(|value| self.as_text(value, &format!("`{key}`")))?;
        if let Some((_, choice)) = choices.iter().find(|(word, _)| *word == text.value) {
            return Some(Located::new(*choice, text.place));
        }
        let words = choices.iter().map(|(word, _)| *word);
        let hint = match nearest(&text.value, words.clone()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("choose one of: {}", words.clone().collect::<Vec<_>>().join(", ")),
        };
        self.bad_value(&text.place, format!("`{key}` cannot be \"{}\"", text.value), hint);
        None
    }

    /// A share in percent: a number from 0 to 100.
    pub(super) fn percent(&mut self, section: &Section<'_, '_>, key: &str) -> Option<Located<f64>> {
        let value = section.table.get(key)?;
        let number = match value.get_ref() {
            DeValue::Integer(number) => integer(number).and_then(|number| u8::try_from(number).ok()).map(f64::from),
            DeValue::Float(number) => number.as_str().parse().ok(),
            _ => {
                self.wrong_type(value, &format!("`{key}`"), "a number", Some(format!("write it like `{key} = 5`")));
                return None;
            }
        };
        let fitting = number.filter(|number| (0.0..=100.0).contains(number));
        self.in_percent(value, key, fitting)
    }

    /// A share in whole percent.
    pub(super) fn whole_percent(&mut self, section: &Section<'_, '_>, key: &str) -> Option<Located<u8>> {
        let value = section.table.get(key)?;
        let DeValue::Integer(number) = value.get_ref() else {
            self.wrong_type(value, &format!("`{key}`"), "a whole number", Some(format!("write it like `{key} = 50`")));
            return None;
        };
        let fitting = integer(number).and_then(|number| u8::try_from(number).ok()).filter(|number| *number <= 100);
        self.in_percent(value, key, fitting)
    }

    /// A whole number from 0 to 255.
    pub(super) fn small_number(&mut self, section: &Section<'_, '_>, key: &str) -> Option<u8> {
        let value = section.table.get(key)?;
        let number = match value.get_ref() {
            DeValue::Integer(number) => integer(number).and_then(|number| u8::try_from(number).ok()),
            _ => None,
        };
        if number.is_none() {
            let place = self.place(value.span());
            self.bad_value(
                &place,
                format!("`{key}` must be a whole number from 0 to 255"),
                format!("write `{key} = 3`"),
            );
        }
        number
    }

    fn in_percent<T>(&mut self, value: &Value<'_>, key: &str, fitting: Option<T>) -> Option<Located<T>> {
        let place = self.place(value.span());
        if fitting.is_none() {
            self.bad_value(&place, format!("`{key}` must be from 0 to 100"), "it is a share in percent");
        }
        fitting.map(|number| Located::new(number, place))
    }

    /// A list.
    pub(super) fn list<'t, 'text>(&mut self, section: &Section<'t, 'text>, key: &str) -> &'t [Value<'text>] {
        let Some(value) = section.table.get(key) else { return &[] };
        if let DeValue::Array(items) = value.get_ref() {
            return items;
        }
        self.wrong_type(value, &format!("`{key}`"), "a list", Some(format!("write `{key} = [ … ]`")));
        &[]
    }

    /// A list of texts that are not empty.
    pub(super) fn texts(&mut self, section: &Section<'_, '_>, key: &str) -> Vec<Located<String>> {
        let mut texts = Vec::new();
        for item in self.list(section, key) {
            let Some(text) = self.as_text(item, &format!("an entry of `{key}`")) else { continue };
            if text.value.trim().is_empty() {
                self.bad_value(&text.place, format!("`{key}` in {} has an empty text", section.title), "remove it");
            } else {
                texts.push(text);
            }
        }
        texts
    }

    /// A name of the house's types.
    pub(super) fn name<T: FromStr<Err = NameError>>(&mut self, text: &Located<String>) -> Option<Located<T>> {
        match text.value.parse() {
            Ok(name) => Some(Located::new(name, text.place.clone())),
            Err(error) => {
                let mut diagnostic = Diagnostic::error(Code::BadName, error.to_string()).at(&text.place);
                diagnostic.hint = repaired::<T>(&text.value).map(|name| format!("write `{name}`"));
                self.found.push(diagnostic);
                None
            }
        }
    }
}

/// Whether a text is a reference, which may be shown.
pub(super) fn is_reference(text: &str) -> bool {
    text.starts_with("${") && text.ends_with('}')
}

/// The text with what names cannot have replaced, if that makes it a name.
fn repaired<T: FromStr<Err = NameError>>(text: &str) -> Option<String> {
    let lower = text.trim().to_lowercase();
    ["-", "_"].into_iter().map(|mark| lower.replace([' ', '-', '_', '.'], mark)).find(|name| name.parse::<T>().is_ok())
}

/// The whole number of a TOML integer, if it fits.
pub(super) fn integer(number: &toml::de::DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// What people call the type of a value.
const fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
