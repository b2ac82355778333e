//! The filters of templates: pure, and none that needs a clock or a loop.
//!
//! | Filter | Makes |
//! |---|---|
//! | `default: 'x'` | `'x'` where the value is missing, null, false or empty |
//! | `upcase` `downcase` `capitalize` | another case |
//! | `strip` `lstrip` `rstrip` | no space around, before, behind |
//! | `append: 'x'` `prepend: 'x'` | a longer text |
//! | `replace: 'a', 'b'` `replace_first` `remove: 'a'` `remove_first` | another text for a part of it |
//! | `truncate: 10` | at most so many characters, the last three being dots where some were cut |
//! | `split: ','` `join: ','` | a list from a text, a text from a list |
//! | `first` `last` `size` | of a list or a text |
//! | `json` | the value as JSON text |
//!
//! A missing value stays missing, and null null, through every filter but `default`, `append` and `prepend`.

use std::borrow::Cow;

use crate::json::Json;
use crate::mapping::error::Mistake;
use crate::mapping::evaluate::{Found, Run};
use crate::suggest::nearest;

/// What a filter does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filter {
    Default,
    Upcase,
    Downcase,
    Capitalize,
    Strip,
    StripLeft,
    StripRight,
    Append,
    Prepend,
    Replace,
    ReplaceFirst,
    Remove,
    RemoveFirst,
    Truncate,
    Split,
    Join,
    First,
    Last,
    Size,
    Json,
}

/// Every filter, and how many arguments it takes.
const FILTERS: [(&str, usize, Filter); 20] = [
    ("default", 1, Filter::Default),
    ("upcase", 0, Filter::Upcase),
    ("downcase", 0, Filter::Downcase),
    ("capitalize", 0, Filter::Capitalize),
    ("strip", 0, Filter::Strip),
    ("lstrip", 0, Filter::StripLeft),
    ("rstrip", 0, Filter::StripRight),
    ("append", 1, Filter::Append),
    ("prepend", 1, Filter::Prepend),
    ("replace", 2, Filter::Replace),
    ("replace_first", 2, Filter::ReplaceFirst),
    ("remove", 1, Filter::Remove),
    ("remove_first", 1, Filter::RemoveFirst),
    ("truncate", 1, Filter::Truncate),
    ("split", 1, Filter::Split),
    ("join", 1, Filter::Join),
    ("first", 0, Filter::First),
    ("last", 0, Filter::Last),
    ("size", 0, Filter::Size),
    ("json", 0, Filter::Json),
];

impl Filter {
    /// Finds the filter of this name, with so many arguments.
    pub(super) fn parse(name: &str, arguments: usize) -> Result<Self, Mistake> {
        match FILTERS.iter().find(|(word, ..)| *word == name) {
            Some((_, wanted, filter)) if *wanted == arguments => Ok(*filter),
            Some((_, wanted, _)) => {
                Err(Mistake::Template(format!("`{name}` takes {wanted} arguments, not {arguments}")))
            }
            None => {
                let nearest = nearest(name, FILTERS.map(|(word, ..)| word)).map(str::to_owned);
                Err(Mistake::Unknown { what: "filter", name: name.to_owned(), nearest })
            }
        }
    }

    /// Makes something else of a value.
    pub(super) fn apply<'a>(self, value: Found<'a>, arguments: &[Found<'a>], run: &Run<'a>) -> Found<'a> {
        let argument = |at: usize| arguments.get(at).and_then(Option::as_deref).map_or(Cow::Borrowed(""), Json::plain);
        match self {
            Self::Default => {
                return match value {
                    Some(value) if !is_empty(&value) => Some(value),
                    _ => arguments.first().cloned().flatten(),
                };
            }
            Self::Append | Self::Prepend => {
                let (more, text) = (argument(0), value.as_deref().map_or(Cow::Borrowed(""), Json::plain));
                run.pay(text.len() + more.len())?;
                return run.text(if self == Self::Append { format!("{text}{more}") } else { format!("{more}{text}") });
            }
            _ => {}
        }
        let value = value?;
        match (self, value.as_ref()) {
            (_, Json::Null) => Some(value),
            (Self::First, Json::List(items)) => run.own(Cow::Borrowed(items.first()?)).map(Cow::Owned),
            (Self::Last, Json::List(items)) => run.own(Cow::Borrowed(items.last()?)).map(Cow::Owned),
            (Self::Size, Json::List(items)) => Some(Cow::Owned(Json::Number(items.len().to_string()))),
            (Self::Size, other) => {
                run.pay(other.bytes())?;
                Some(Cow::Owned(Json::Number(other.plain().chars().count().to_string())))
            }
            (Self::Join, Json::List(items)) => join(items, &argument(0), run),
            (Self::Json, other) => run.text(other.to_string()),
            (Self::Join, _) => Some(value),
            (Self::Split, other) => split(&other.plain(), &argument(0), run),
            (_, other) => {
                let text = other.plain();
                run.pay(text.len())?;
                self.of_text(&text, &argument(0), &argument(1), run)
            }
        }
    }

    /// The filters that make a text of a text.
    fn of_text<'v>(self, text: &str, first: &str, second: &str, run: &Run<'_>) -> Found<'v> {
        let made = match self {
            Self::Upcase => text.to_uppercase(),
            Self::Downcase => text.to_lowercase(),
            Self::Capitalize => {
                let mut chars = text.chars();
                chars.next().map(|c| c.to_uppercase().collect::<String>()).unwrap_or_default() + chars.as_str()
            }
            Self::Strip => text.trim().to_owned(),
            Self::StripLeft => text.trim_start().to_owned(),
            Self::StripRight => text.trim_end().to_owned(),
            // Nothing is found an endless number of times in any text.
            Self::Replace | Self::ReplaceFirst | Self::Remove | Self::RemoveFirst if first.is_empty() => {
                text.to_owned()
            }
            Self::Replace => {
                run.pay(text.matches(first).count().saturating_mul(second.len()))?;
                text.replace(first, second)
            }
            Self::ReplaceFirst => text.replacen(first, second, 1),
            Self::Remove => text.replace(first, ""),
            Self::RemoveFirst => text.replacen(first, "", 1),
            Self::Truncate => truncate(text, first.parse().unwrap_or(usize::MAX)),
            Self::First => text.chars().take(1).collect(),
            Self::Last => text.chars().next_back().map(String::from).unwrap_or_default(),
            _ => return None,
        };
        run.text(made)
    }
}

/// Whether there is nothing in a value: null, false, or a text or a list without content.
pub(super) fn is_empty(value: &Json) -> bool {
    match value {
        Json::Null | Json::Bool(false) => true,
        Json::Text(text) => text.trim().is_empty(),
        Json::List(items) => items.is_empty(),
        Json::Object(entries) => entries.is_empty(),
        Json::Bool(true) | Json::Number(_) => false,
    }
}

fn truncate(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    let dots = "...".get(..chars_max.min(3)).unwrap_or_default();
    text.chars().take(chars_max.saturating_sub(3)).chain(dots.chars()).collect()
}

fn join<'v>(items: &[Json], separator: &str, run: &Run<'_>) -> Found<'v> {
    let length = items.iter().map(|item| item.bytes() + separator.len()).sum();
    run.pay(length)?;
    let texts: Vec<Cow<'_, str>> = items.iter().map(Json::plain).collect();
    run.text(texts.join(separator))
}

fn split<'v>(text: &str, separator: &str, run: &Run<'_>) -> Found<'v> {
    // A list has more around each part than a text has.
    run.pay(text.len().saturating_mul(4))?;
    let items = match separator {
        "" => text.chars().map(|c| Json::Text(c.to_string())).collect(),
        separator => text.split(separator).map(Json::from).collect(),
    };
    Some(Cow::Owned(Json::List(items)))
}
