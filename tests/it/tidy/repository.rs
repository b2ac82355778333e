//! The files of the repository, read once.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// What is no part of the repository's text, wherever it stands. In a linked worktree `.git` is a file.
const SKIPPED: [&str; 3] = ["target", ".git", ".enroute"];

static FILES: LazyLock<Vec<File>> = LazyLock::new(|| {
    let mut files = Vec::new();
    read(&root(), "", &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
});

/// A file of text.
pub(super) struct File {
    /// From the root, with `/`.
    pub(super) path: String,
    pub(super) text: String,
}

/// The repository's root.
pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(1).map(Path::to_path_buf).unwrap_or_default()
}

/// All text files, in the order of their paths.
pub(super) fn files() -> &'static [File] {
    &FILES
}

/// All files of Rust.
pub(super) fn rust() -> impl Iterator<Item = &'static File> {
    files().iter().filter(|file| file.path.ends_with(".rs"))
}

/// The text of a file; empty where there is none.
pub(super) fn text(path: &str) -> &'static str {
    files().iter().find(|file| file.path == path).map_or("", |file| file.text.as_str())
}

/// Names in a folder of the root, sorted, folders with `/` behind.
pub(super) fn names(folder: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(root().join(folder)) else { return Vec::new() };
    let name = |entry: fs::DirEntry| {
        let slash = if entry.path().is_dir() { "/" } else { "" };
        format!("{}{slash}", entry.file_name().to_string_lossy())
    };
    let mut names: Vec<String> = entries.flatten().map(name).collect();
    names.sort();
    names
}

/// Whether some file of Rust has a function of this name.
pub(super) fn has_function(name: &str) -> bool {
    let start = format!("fn {name}");
    rust().any(|file| {
        file.text.match_indices(&start).any(|(at, found)| {
            let behind = file.text.get(at + found.len()..).unwrap_or_default();
            behind.starts_with(['(', '<'])
        })
    })
}

fn read(folder: &Path, prefix: &str, files: &mut Vec<File>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        if SKIPPED.contains(&name.as_str()) {
            continue;
        }
        if entry.path().is_dir() {
            read(&entry.path(), &format!("{path}/"), files);
        } else if let Ok(text) = fs::read_to_string(entry.path()) {
            files.push(File { path, text });
        }
    }
}

impl File {
    /// Whether all of it is for tests.
    pub(super) fn is_test(&self) -> bool {
        self.path.starts_with("tests/it/") || self.path.ends_with("/tests.rs") || self.path.contains("/tests/")
    }

    /// Lines with their numbers, without comments.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().zip(1..).map(|(line, number)| (number, line)).filter(|(_, line)| !is_comment(line))
    }

    /// As [`File::lines`], without what is for tests.
    pub(super) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = if self.is_test() { 0 } else { self.tests_begin() };
        self.lines().take_while(move |(number, _)| *number < end)
    }

    /// As [`File::lines`], only what is for tests.
    pub(super) fn test_code(&self) -> impl Iterator<Item = (usize, &str)> {
        let begin = if self.is_test() { 0 } else { self.tests_begin() };
        self.lines().filter(move |(number, _)| *number >= begin)
    }

    /// The line at which the tests at the end of the file begin.
    fn tests_begin(&self) -> usize {
        let mut lines = self.text.lines().zip(1..).peekable();
        while let Some((line, number)) = lines.next() {
            if line == "#[cfg(test)]"
                && lines.peek().is_some_and(|(next, _)| next.starts_with("mod ") && next.ends_with('{'))
            {
                return number;
            }
        }
        usize::MAX
    }
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

#[test]
fn the_repository_is_found() {
    assert!(rust().count() > 100, "{} holds too few files to be the repository", root().display());
    assert!(has_function("the_repository_is_found") && !has_function("the_repository"));
}
