//! Where text goes: data to standard output, messages to standard error.
//!
//! The only file that prints. What it prints may come from a plugin's file or a destination's answer, so no
//! character that steers a terminal gets through (test `text_cannot_steer_the_terminal`).

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use enroute_core::plain::{is_hidden, visible};

/// What an operator or author wrote cannot be used.
pub(crate) const EXIT_MISTAKE: u8 = 2;
/// A connection needs a person; others went on.
pub(crate) const EXIT_STOPPED: u8 = 5;
/// A signal ended the command before it was through.
pub(crate) const EXIT_INTERRUPTED: u8 = 6;

/// Prints for people, or for programs where `--json` is given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    /// Whether data is printed as JSON.
    pub(crate) json: bool,
}

impl Output {
    /// Prints a line of data: one, whatever is in it. Where data is JSON it is a message for people, so that standard
    /// output stays one document.
    pub(crate) fn line(&self, text: impl fmt::Display) -> anyhow::Result<()> {
        self.text(visible(&text.to_string()))
    }

    /// As [`Output::line`], for a text of several lines, each of which was drawn by whoever wrote the text.
    pub(crate) fn text(&self, text: impl fmt::Display) -> anyhow::Result<()> {
        if self.json {
            self.notes(text);
            return Ok(());
        }
        written(writeln!(io::stdout().lock(), "{}", harmless(&text.to_string())))
    }

    /// Prints data as JSON: the one document of the command. What would be a second one goes to standard error.
    pub(crate) fn print_json(&self, data: &impl serde::Serialize) -> anyhow::Result<()> {
        let mut text = serde_json::to_string_pretty(data)?;
        if IS_PRINTED.swap(true, Ordering::SeqCst) {
            self.notes(text);
            return Ok(());
        }
        text.push('\n');
        written(io::stdout().lock().write_all(text.as_bytes()))
    }

    /// Writes bytes that a program reads, as they are.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> anyhow::Result<()> {
        Ok(io::stdout().lock().write_all(bytes)?)
    }

    /// Where rows that a program reads go as they come.
    pub(crate) fn stream(&self) -> impl Write + use<> {
        io::BufWriter::new(io::stdout().lock())
    }

    /// Tells the person at the terminal one line; no program reads it.
    pub(crate) fn note(&self, text: impl fmt::Display) {
        self.notes(visible(&text.to_string()));
    }

    /// As [`Output::note`], for a text of several lines.
    pub(crate) fn notes(&self, text: impl fmt::Display) {
        // There is nobody left to tell if standard error is gone.
        let _ = writeln!(io::stderr().lock(), "{}", harmless(&text.to_string()));
    }

    /// Tells the person at the terminal something that was made harmless where it was drawn, and may have colour.
    pub(crate) fn drawn(&self, text: impl fmt::Display) {
        let _ = write!(io::stderr().lock(), "{text}");
    }

    /// Prints rows in columns that line up. All rows have as many cells as the first.
    pub(crate) fn table(&self, rows: &[Vec<String>]) -> anyhow::Result<()> {
        aligned(rows).into_iter().try_for_each(|row| self.line(row))
    }

    /// Tells what failed, why, and what to do next. Returns the exit code for it.
    pub(crate) fn failure(&self, error: &anyhow::Error) -> ExitCode {
        if let Some(Told(exit)) = error.downcast_ref() {
            return ExitCode::from(*exit);
        }
        if self.json && !IS_PRINTED.load(Ordering::SeqCst) {
            // There is nobody left to tell if standard output is gone.
            let _ = self.print_json(&failed(error));
        }
        self.note(format_args!("error: {error}"));
        for cause in error.chain().skip(1) {
            let mut begin = "  because ";
            for line in cause.to_string().lines() {
                self.note(format_args!("{begin}{line}"));
                begin = "          ";
            }
        }
        match error.downcast_ref::<Advice>() {
            Some(advice) => {
                self.note("");
                self.note(format_args!("hint: {}", advice.next));
                ExitCode::from(advice.exit)
            }
            None => ExitCode::FAILURE,
        }
    }
}

/// Whether the command's document was printed.
static IS_PRINTED: AtomicBool = AtomicBool::new(false);

/// What failed, for a program.
fn failed(error: &anyhow::Error) -> serde_json::Value {
    let because: Vec<String> = error.chain().skip(1).map(ToString::to_string).collect();
    let hint = error.downcast_ref::<Advice>().map(|advice| advice.next.as_str());
    serde_json::json!({ "error": error.to_string(), "because": because, "hint": hint })
}

/// Mistakes that were told with their places: the command ends with this code, and there is nothing more to say.
#[derive(Debug)]
pub(crate) struct Told(pub(crate) u8);

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the mistakes were told")
    }
}

impl std::error::Error for Told {}

/// What failed and what to do next: the outermost context of an error.
#[derive(Debug)]
pub(crate) struct Advice {
    what: String,
    next: String,
    exit: u8,
}

impl Advice {
    /// Something went wrong that no file is to blame for.
    pub(crate) fn failed(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { what: what.into(), next: next.into(), exit: 1 }
    }

    /// A signal ended the command.
    pub(crate) fn interrupted(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { what: what.into(), next: next.into(), exit: EXIT_INTERRUPTED }
    }

    /// The connection that was asked for does not run because of its plugin.
    pub(crate) fn stopped(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { what: what.into(), next: next.into(), exit: EXIT_STOPPED }
    }

    /// The command or a file must be mended first.
    pub(crate) fn mistake(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { what: what.into(), next: next.into(), exit: EXIT_MISTAKE }
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Advice {}

/// Whoever reads our output may stop at any time, as `head` does.
fn written(result: io::Result<()>) -> anyhow::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// Text without characters that steer a terminal, turn the direction of writing or cannot be seen.
fn harmless(text: &str) -> String {
    let steers = |c: char| c != '\n' && is_hidden(c);
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if steers(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

/// Lines in which the cells of a column begin at the same place.
fn aligned(rows: &[Vec<String>]) -> Vec<String> {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &Vec<String>| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// A connection as people read it.
pub(crate) fn connection(audience: &str, destination: &str, mapping: &str) -> String {
    match mapping {
        "" => format!("{audience} → {destination}"),
        mapping => format!("{audience} → {destination} ({mapping})"),
    }
}

/// Refuses a name that is not among those there are, with the one that was probably meant.
pub(crate) fn pick(name: &str, names: &[&str], what: &str) -> anyhow::Result<()> {
    if names.contains(&name) {
        return Ok(());
    }
    let next = match enroute_core::suggest::nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => "there is none".to_owned(),
        None => format!("there are: {}", names.join(", ")),
    };
    Err(Advice::mistake(what.to_owned(), next).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_a_document_for_programs() {
        let error = anyhow::anyhow!("no such file").context(Advice::mistake("it failed", "mend it"));
        let expect = r#"{"error":"it failed","because":["no such file"],"hint":"mend it"}"#;
        let expect: serde_json::Value = serde_json::from_str(expect).unwrap();
        assert_eq!(failed(&error), expect);
    }

    #[test]
    fn text_cannot_steer_the_terminal() {
        assert_eq!(harmless("two\nlines, Ünï"), "two\nlines, Ünï");
        assert_eq!(harmless("\u{1b}[2J\r\u{202e}gpj"), "\\u{1b}[2J\\r\\u{202e}gpj");
        assert_eq!(visible("one\nline \u{200b}"), "one\\nline \\u{200b}");
    }

    #[test]
    fn columns_line_up_without_trailing_space() {
        let rows = [vec!["plugin".to_owned(), "state".to_owned()], vec!["x".to_owned(), String::new()]];
        assert_eq!(aligned(&rows), ["plugin  state", "x"]);
    }
}
