//! A mistake of an operator: what, where, why, what next.
//!
//! Owns how mistakes are collected, ordered and drawn. Drawing never panics, whatever the span, and never
//! lets a control character from a file reach the terminal.

use std::fmt::Write as _;
use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde_json::{Value, json};

use crate::code::Code;
use crate::files::{Files, Place};

/// Most diagnostics kept of one load.
///
/// Nobody reads more at once; it bounds what a 4 MiB file of nonsense can make us draw.
pub const DIAGNOSTICS_MAX: usize = 200;

/// Whether a configuration with this in it can run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// It cannot.
    Error,
    /// It can, but somebody should look.
    Warning,
}

impl Severity {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its kind, with a page in `docs/errors.md`.
    pub code: Code,
    /// Whether it stops the configuration from running.
    pub severity: Severity,
    /// What is wrong, naming the thing and its value; lower case, no full stop.
    pub message: String,
    /// Where it stands.
    pub place: Option<Place>,
    /// A few words under the place.
    pub label: Option<String>,
    /// A second place that belongs to it, with a few words.
    pub also: Option<(Place, String)>,
    /// What to do.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// An error with no place yet.
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { code, severity: Severity::Error, message, place: None, label: None, also: None, hint: None }
    }

    /// A warning with no place yet.
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// Points at the place.
    #[must_use]
    pub fn at(self, place: &Place) -> Self {
        Self { place: Some(place.clone()), ..self }
    }

    /// Writes a few words under the place.
    #[must_use]
    pub fn label(self, label: impl Into<String>) -> Self {
        Self { label: Some(label.into()), ..self }
    }

    /// Points at a second place of the same file, with a few words.
    #[must_use]
    pub fn also(self, place: &Place, label: impl Into<String>) -> Self {
        Self { also: Some((place.clone(), label.into())), ..self }
    }

    /// Says what to do.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The diagnostic as text, ending with a line feed.
    #[must_use]
    pub fn render(&self, files: &Files, paint: Paint) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let message = visible(&self.message);
        let title = level.primary_title(message).id(self.code.id());
        let group = match &self.place {
            Some(place) => title.element(self.snippet(files, place)),
            None => Group::with_title(title),
        };
        let mut text = paint.renderer().render(&[group]);
        text.push('\n');
        if let Some(hint) = &self.hint {
            let gap = if self.place.is_some() { "\n" } else { "" };
            let _ = writeln!(text, "{gap}{}: {}", paint.hint(), visible(hint));
        }
        text
    }

    /// The lines that the places are in, and nothing more of the file.
    fn snippet<'a>(&'a self, files: &'a Files, place: &Place) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
        let text = files.text(place.file);
        let main = clip(text, place);
        let also = self.also.as_ref().filter(|(also, _)| also.file == place.file);
        let other = also.map(|(also, label)| (clip(text, also), label));
        let first = other.as_ref().map_or(main.start, |(span, _)| span.start.min(main.start));
        let last = other.as_ref().map_or(main.end, |(span, _)| span.end.max(main.end));
        let from = text.get(..first).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
        let to = text.get(last..).and_then(|rest| rest.find('\n')).map_or(text.len(), |at| last + at);
        let line = text.get(..from).map_or(0, |before| before.matches('\n').count()) + 1;
        let window = text.get(from..to).unwrap_or_default().trim_end_matches('\r');
        let shift = |span: Range<usize>| (span.start - from).min(window.len())..(span.end - from).min(window.len());
        let label = self.label.as_deref().map(visible);
        Snippet::source(window)
            .path(visible(files.name(place.file)))
            .line_start(line)
            .annotation(AnnotationKind::Primary.span(shift(main)).label(label))
            .annotations(other.map(|(span, label)| AnnotationKind::Context.span(shift(span)).label(visible(label))))
    }
}

/// The part of a place that is in its first line, at character boundaries of the text.
fn clip(text: &str, place: &Place) -> Range<usize> {
    let start = text.floor_char_boundary(place.span.start);
    let rest = text.get(start..).unwrap_or_default();
    let line_end = start + rest.find(['\r', '\n']).unwrap_or(rest.len());
    let end = text.floor_char_boundary(place.span.end).clamp(start, line_end);
    start..end
}

/// The text with control characters written out, so that none reaches a terminal.
fn visible(text: &str) -> String {
    if !text.contains(char::is_control) {
        return text.to_owned();
    }
    text.chars().fold(String::with_capacity(text.len()), |mut out, char| {
        if char.is_control() {
            out.extend(char.escape_debug());
        } else {
            out.push(char);
        }
        out
    })
}

/// Whether diagnostics are drawn with colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Paint {
    /// Plain text, for files, pipes and tests.
    #[default]
    Plain,
    /// ANSI colours, for terminals.
    Coloured,
}

impl Paint {
    const fn renderer(self) -> Renderer {
        match self {
            Self::Plain => Renderer::plain().decor_style(DecorStyle::Ascii),
            Self::Coloured => Renderer::styled().decor_style(DecorStyle::Ascii),
        }
    }

    const fn hint(self) -> &'static str {
        match self {
            Self::Plain => "hint",
            Self::Coloured => "\u{1b}[1m\u{1b}[96mhint\u{1b}[0m",
        }
    }
}

/// All mistakes of one load or check.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics {
    found: Vec<Diagnostic>,
    left_out: usize,
    errors: usize,
}

impl Diagnostics {
    /// Adds one, unless the very same is there: what is wrong with a destination is found by each of its connections.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if self.found.contains(&diagnostic) {
            return;
        }
        if diagnostic.severity == Severity::Error {
            self.errors += 1;
        }
        if self.is_full() {
            self.left_out += 1;
        } else {
            self.found.push(diagnostic);
        }
    }

    /// Adds those of another look.
    pub fn append(&mut self, other: Self) {
        other.found.into_iter().for_each(|diagnostic| self.push(diagnostic));
        self.left_out += other.left_out;
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Whether another one would only be counted, so that no work needs to go into it.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.found.len() >= DIAGNOSTICS_MAX
    }

    /// How many errors there are, kept or not.
    #[must_use]
    pub const fn errors(&self) -> usize {
        self.errors
    }

    /// How many warnings there are, kept or not.
    #[must_use]
    pub const fn warnings(&self) -> usize {
        self.found.len() + self.left_out - self.errors
    }

    /// Those that are kept, in the order of files and lines; those without a place come first.
    #[must_use]
    pub fn sorted(&self) -> Vec<&Diagnostic> {
        let mut sorted: Vec<_> = self.found.iter().collect();
        sorted.sort_by_key(|diagnostic| {
            (diagnostic.place.as_ref().map(|place| (place.file, place.span.start)), diagnostic.code)
        });
        sorted
    }

    /// All as plain text, an empty line between two.
    #[must_use]
    pub fn render(&self, files: &Files) -> String {
        self.render_as(files, Paint::Plain)
    }

    /// All as text, an empty line between two.
    #[must_use]
    pub fn render_as(&self, files: &Files, paint: Paint) -> String {
        let drawn: Vec<_> = self.sorted().iter().map(|diagnostic| diagnostic.render(files, paint)).collect();
        let mut text = drawn.join("\n");
        if self.left_out > 0 {
            let _ = writeln!(text, "\nand {} more", self.left_out);
        }
        text
    }

    /// All as a JSON array of objects with code, severity, message, file, line, column and hint.
    #[must_use]
    pub fn to_json(&self, files: &Files) -> Value {
        let one = |diagnostic: &&Diagnostic| {
            let position = diagnostic.place.as_ref().map(|place| files.position(place));
            json!({
                "code": diagnostic.code.id(),
                "severity": diagnostic.severity.as_str(),
                "message": diagnostic.message,
                "file": diagnostic.place.as_ref().map(|place| files.name(place.file)),
                "line": position.map(|position| position.line),
                "column": position.map(|position| position.column),
                "hint": diagnostic.hint,
            })
        };
        self.sorted().iter().map(one).collect()
    }
}
