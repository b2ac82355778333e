//! Paths into an event and keys of a destination, as operators write them.
//!
//! `traits.address.city`, `$.traits.cart[0].sku`, `traits."a.b".c`: a name that holds a dot, a slash or a bracket
//! stands in quotes of either kind. Parsing is total, and what is printed parses to the same path (property test
//! `a_printed_path_reads_back_the_same`).

use std::fmt;
use std::iter::Peekable;
use std::str::Chars;

use crate::json::Json;

/// Most steps of a path.
pub const STEPS_MAX: usize = 32;

/// Longest text of a path, in bytes.
pub const TEXT_BYTES_MAX: usize = 1024;

/// One step into a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Into an object, by name.
    Key(String),
    /// Into a list, from 0.
    Index(usize),
}

/// Steps from the root of a value; none is the root itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Path {
    steps: Vec<Step>,
}

/// A text that is not a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// A name is missing between two dots, or before the first or behind the last.
    #[error("path `{0}` has an empty name; a name that is really empty is written `\"\"`")]
    EmptyName(String),
    /// A quote has no end.
    #[error("path `{0}` has a quote that does not end")]
    OpenQuote(String),
    /// A bracket holds neither a number nor a quoted name, or has no end.
    #[error("path `{0}` has a bracket with neither a number nor a quoted name in it")]
    BadBracket(String),
    /// Something follows a quoted name or a bracket that is neither a dot nor a bracket.
    #[error("path `{0}` has something between a name and the next dot; put names with such characters in quotes")]
    Stray(String),
    /// More steps than [`STEPS_MAX`], or a text longer than [`TEXT_BYTES_MAX`].
    #[error("a path has at most {STEPS_MAX} steps and {TEXT_BYTES_MAX} bytes")]
    TooLong,
}

impl Path {
    /// Reads a path. A leading `$` or `$.` may be there or not; `$` alone, `$.` and the empty text are the root.
    ///
    /// ```
    /// use enroute_core::path::{Path, PathError, Step};
    /// let path = Path::parse("$.traits.'a.b'[0]")?;
    /// assert_eq!(path.steps(), [Step::Key("traits".into()), Step::Key("a.b".into()), Step::Index(0)]);
    /// assert_eq!(Path::parse("$")?.steps(), []);
    /// assert_eq!(Path::parse("traits..plan"), Err(PathError::EmptyName("traits..plan".into())));
    /// # Ok::<(), PathError>(())
    /// ```
    ///
    /// # Errors
    /// When the text is no path; the error shows it.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(PathError::TooLong);
        }
        let text = text.trim();
        let rest = match text.strip_prefix('$') {
            Some(rest) if rest.is_empty() || rest.starts_with(['.', '[']) => rest.strip_prefix('.').unwrap_or(rest),
            _ => text,
        };
        let mut steps = Vec::new();
        if !rest.is_empty() {
            Reader { text, chars: rest.chars().peekable() }.steps(&mut steps)?;
        }
        if steps.len() > STEPS_MAX { Err(PathError::TooLong) } else { Ok(Self { steps }) }
    }

    /// A path of these names.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self { steps: names.into_iter().map(|name| Step::Key(name.to_owned())).collect() }
    }

    /// The steps, from the root.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }
}

impl fmt::Display for Path {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.steps.is_empty() {
            return out.write_str("$");
        }
        for (at, step) in self.steps.iter().enumerate() {
            match step {
                Step::Index(index) => write!(out, "[{index}]")?,
                Step::Key(key) => {
                    let dot = if at == 0 { "" } else { "." };
                    if is_bare(key) {
                        write!(out, "{dot}{key}")?;
                    } else {
                        write!(out, "{dot}\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\""))?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn is_bare(key: &str) -> bool {
    !key.is_empty()
        && !key.starts_with('$')
        && !key
            .contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '.' | '[' | ']' | '"' | '\'' | '\\'))
}

/// The names on the way to a trait as rows write it: `address.city` is two, `"utm.source"` in quotes of either kind is
/// one. Without quotes every dot parts two names, and all else belongs to them.
///
/// ```
/// use enroute_core::path::trait_names;
/// assert_eq!(trait_names("address.city").unwrap(), ["address", "city"]);
/// assert_eq!(trait_names("'utm.source'").unwrap(), ["utm.source"]);
/// assert_eq!(trait_names("campaign.\"utm.source\"").unwrap(), ["campaign", "utm.source"]);
/// ```
///
/// # Errors
/// When a name is empty, a quote has no end, or something stands beside a quoted name.
pub fn trait_names(text: &str) -> Result<Vec<String>, PathError> {
    let is_quoted =
        |name: &str| name.trim_start().starts_with(['"', '\'']) || name.contains("[\"") || name.contains("['");
    if text.split('.').any(is_quoted) {
        let key = |step: &Step| match step {
            Step::Key(name) => Ok(name.clone()),
            Step::Index(_) => Err(PathError::Stray(text.to_owned())),
        };
        return Path::parse(text)?.steps.iter().map(key).collect();
    }
    let names: Vec<String> = text.split('.').map(str::to_owned).collect();
    if names.iter().any(String::is_empty) { Err(PathError::EmptyName(text.to_owned())) } else { Ok(names) }
}

/// Follows steps into a value.
///
/// ```
/// use enroute_core::{json::Json, path::{Path, follow}};
/// let cart = Json::parse(r#"{"items":[{"sku":"a1"}]}"#).unwrap();
/// let path = Path::parse("items[0].sku").unwrap();
/// assert_eq!(follow(&cart, path.steps()), Some(&Json::from("a1")));
/// ```
#[must_use]
pub fn follow<'a>(value: &'a Json, steps: &[Step]) -> Option<&'a Json> {
    steps.iter().try_fold(value, |value, step| match (step, value) {
        (Step::Key(key), value) => value.get(key),
        (Step::Index(index), Json::List(items)) => items.get(*index),
        (Step::Index(_), _) => None,
    })
}

struct Reader<'a> {
    text: &'a str,
    chars: Peekable<Chars<'a>>,
}

impl Reader<'_> {
    fn steps(mut self, steps: &mut Vec<Step>) -> Result<(), PathError> {
        let mut name_expected = self.chars.peek() != Some(&'[');
        loop {
            if name_expected {
                steps.push(Step::Key(self.name()?));
            }
            while self.chars.next_if_eq(&'[').is_some() {
                steps.push(self.bracket()?);
            }
            match self.chars.next() {
                None => return Ok(()),
                Some('.') => name_expected = true,
                Some(_) => return Err(PathError::Stray(self.text.to_owned())),
            }
        }
    }

    fn name(&mut self) -> Result<String, PathError> {
        if let Some(quote) = self.chars.next_if(|&c| c == '"' || c == '\'') {
            return self.quoted(quote);
        }
        let mut name = String::new();
        while let Some(c) = self.chars.next_if(|&c| c != '.' && c != '[') {
            if matches!(c, '"' | '\'' | ']') {
                return Err(PathError::Stray(self.text.to_owned()));
            }
            name.push(c);
        }
        if name.trim().is_empty() { Err(PathError::EmptyName(self.text.to_owned())) } else { Ok(name) }
    }

    /// A name in quotes, in which a backslash takes the next character as it stands.
    fn quoted(&mut self, quote: char) -> Result<String, PathError> {
        let mut name = String::new();
        while let Some(c) = self.chars.next() {
            match c {
                '\\' => name.extend(self.chars.next()),
                c if c == quote => return Ok(name),
                c => name.push(c),
            }
        }
        Err(PathError::OpenQuote(self.text.to_owned()))
    }

    /// What stands in brackets, the opening one already taken.
    fn bracket(&mut self) -> Result<Step, PathError> {
        let bad = || PathError::BadBracket(self.text.to_owned());
        let step = if let Some(quote) = self.chars.next_if(|&c| c == '"' || c == '\'') {
            Step::Key(self.quoted(quote)?)
        } else {
            let mut digits = String::new();
            while let Some(digit) = self.chars.next_if(char::is_ascii_digit) {
                digits.push(digit);
            }
            Step::Index(digits.parse().map_err(|_| PathError::BadBracket(self.text.to_owned()))?)
        };
        match self.chars.next() {
            Some(']') => Ok(step),
            _ => Err(bad()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let got = match Path::parse(text) {
            Ok(path) => format!("ok: {path} ({})", path.steps().len()),
            Err(error) => format!("error: {error}"),
        };
        assert_eq!(got, expect);
    }

    #[test]
    fn names_indexes_and_quotes_are_steps() {
        check("traits.plan", "ok: traits.plan (2)");
        check("$.traits.plan", "ok: traits.plan (2)");
        check(" traits.plan ", "ok: traits.plan (2)");
        check("traits.'a/b'", "ok: traits.a/b (2)");
        check("traits.a/b", "ok: traits.a/b (2)");
        check("traits.\"a.b\".c", "ok: traits.\"a.b\".c (3)");
        check("traits['a.b'].c[10]", "ok: traits.\"a.b\".c[10] (4)");
        check("$[0].a", "ok: [0].a (2)");
        check("a[0][1]", "ok: a[0][1] (3)");
        check("$", "ok: $ (0)");
        check("$.", "ok: $ (0)");
        check("", "ok: $ (0)");
        check("a.\"\"", "ok: a.\"\" (2)");
        check("$cost", "ok: \"$cost\" (1)");
    }

    #[test]
    fn what_is_no_path_says_why() {
        check("a..b", "error: path `a..b` has an empty name; a name that is really empty is written `\"\"`");
        check("a.", "error: path `a.` has an empty name; a name that is really empty is written `\"\"`");
        check(".a", "error: path `.a` has an empty name; a name that is really empty is written `\"\"`");
        check("a.\"b", "error: path `a.\"b` has a quote that does not end");
        check("a[x]", "error: path `a[x]` has a bracket with neither a number nor a quoted name in it");
        check("a[0", "error: path `a[0` has a bracket with neither a number nor a quoted name in it");
        check(
            "a[99999999999999999999]",
            "error: path `a[99999999999999999999]` has a bracket with neither a number nor a quoted name in it",
        );
        check(
            "a\"b\"",
            "error: path `a\"b\"` has something between a name and the next dot; put names with such characters in quotes",
        );
        check(&vec!["a"; 33].join("."), "error: a path has at most 32 steps and 1024 bytes");
    }

    #[test]
    fn a_trait_with_a_dot_in_its_name_stands_in_quotes() {
        let names = |text: &str| trait_names(text).map_or_else(|error| error.to_string(), |names| names.join("|"));
        assert_eq!(names("plan"), "plan");
        assert_eq!(names("address.city"), "address|city");
        assert_eq!(names("\"utm.source\""), "utm.source");
        assert_eq!(names("'utm.source'"), "utm.source");
        assert_eq!(names("context.'a.b'.c"), "context|a.b|c");
        assert_eq!(names("context['a.b']"), "context|a.b");
        assert_eq!(names("o'neil.x"), "o'neil|x");
        assert_eq!(names("first name"), "first name");
        assert_eq!(names("tags[0]"), "tags[0]");
        assert_eq!(names("a..b"), PathError::EmptyName("a..b".to_owned()).to_string());
        assert_eq!(names("'a.b"), PathError::OpenQuote("'a.b".to_owned()).to_string());
    }

    #[test]
    fn a_step_that_leads_nowhere_is_missing() {
        let value = Json::parse(r#"{"a":[1,{"b":null}]}"#).unwrap();
        let at = |text: &str| follow(&value, Path::parse(text).unwrap().steps()).map(ToString::to_string);
        assert_eq!(at("a[1].b"), Some("null".into()));
        assert_eq!([at("a[2]"), at("a.b"), at("a[0].b"), at("a[1].b.c")], [None, None, None, None]);
    }

    proptest! {
        #[test]
        fn a_printed_path_reads_back_the_same(steps in prop::collection::vec(prop_oneof![
            "[a$ .\\['\"\\\\é/]{0,3}".prop_map(Step::Key), (0_usize..3).prop_map(Step::Index),
        ], 0..6)) {
            let path = Path { steps };
            prop_assert_eq!(Path::parse(&path.to_string()), Ok(path));
        }

        #[test]
        fn parsing_is_total(text in "[a.$\\[\\]'\"\\\\0-2 ]{0,10}") {
            if let Ok(path) = Path::parse(&text) {
                prop_assert_eq!(Path::parse(&path.to_string()), Ok(path));
            }
        }
    }
}
