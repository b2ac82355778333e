//! What pages are made of: tags with their signs, lines, steps with bars, differences, fields of forms.

use askama::Template;
use askama::filters::HtmlSafe;

use crate::words::{DiffLine, number};

/// A state in a word, with a sign beside it: never colour alone.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "part_tag.html")]
pub(crate) struct Tag {
    /// `ok`, `warn`, `bad`, `info`, `wait` or `idle`.
    pub tone: &'static str,
    /// What people read.
    pub label: String,
}

impl HtmlSafe for Tag {}

/// A tag.
#[must_use]
pub(crate) fn tag(tone: &'static str, label: impl Into<String>) -> Tag {
    Tag { tone, label: label.into() }
}

/// A small line of numbers.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "part_spark.html")]
pub(crate) struct Spark {
    /// Points of the line, as SVG has them.
    points: String,
    /// The last of them.
    last: (u32, u32),
    /// The same in words.
    label: String,
}

impl HtmlSafe for Spark {}

/// A line from old to new.
#[must_use]
pub(crate) fn spark(values: &[u64], label: String) -> Option<Spark> {
    if values.len() < 2 {
        return None;
    }
    let top = values.iter().copied().max().unwrap_or_default().max(1);
    let step = 92 / u64::try_from(values.len() - 1).unwrap_or(1).max(1);
    let at = |(at, value): (usize, &u64)| {
        let x = 2 + step * u64::try_from(at).unwrap_or_default();
        let y = 22 - value * 20 / top;
        (u32::try_from(x).unwrap_or_default(), u32::try_from(y).unwrap_or_default())
    };
    let points: Vec<(u32, u32)> = values.iter().enumerate().map(at).collect();
    let last = points.last().copied().unwrap_or_default();
    let points = points.iter().map(|(x, y)| format!("{x},{y}")).collect::<Vec<_>>().join(" ");
    Some(Spark { points, last, label })
}

/// Steps of a run, each with its number and a bar.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "part_funnel.html")]
pub(crate) struct Funnel {
    steps: Vec<Step>,
}

impl HtmlSafe for Funnel {}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    name: &'static str,
    number: String,
    width: u64,
}

/// Steps from the audience to what was delivered.
#[must_use]
pub(crate) fn funnel(steps: &[(&'static str, u64)]) -> Funnel {
    let top = steps.iter().map(|(_, count)| *count).max().unwrap_or_default().max(1);
    let one = |(name, count): &(&'static str, u64)| Step { name, number: number(*count), width: count * 1_000 / top };
    Funnel { steps: steps.iter().map(one).collect() }
}

/// What changes in one file.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "part_diff.html")]
pub(crate) struct Diff {
    /// The file's name.
    pub file: &'static str,
    /// Its lines.
    pub lines: Vec<DiffLine>,
}

impl HtmlSafe for Diff {}

/// A field of a form.
#[derive(Debug, Clone, Default, PartialEq, Eq, Template)]
#[template(path = "part_field.html")]
pub(crate) struct Field {
    /// Its name in the form.
    pub name: String,
    /// What people read.
    pub label: String,
    /// One sentence.
    pub help: String,
    /// `text`, `number`, `select`, `check` or `area`.
    pub kind: &'static str,
    /// What it holds.
    pub value: String,
    /// What may be chosen, with what is read.
    pub choices: Vec<(String, String)>,
    /// Whether it must be filled.
    pub required: bool,
    /// What stands in it while it is empty.
    pub placeholder: String,
}

impl HtmlSafe for Field {}

impl Field {
    /// Whether something is chosen.
    fn chosen(&self, value: &str) -> bool {
        self.value == value
    }
}
