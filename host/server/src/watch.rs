//! Files that are looked at, and what of them changed.
//!
//! By asking the system what a file is like, and not by its notifications: those miss a file that another takes the place
//! of, a folder behind a link that is swapped, and what other machines write. What must never happen: half a file that is
//! taken for a whole one, and an edit between loading and the first look that is never seen.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

/// Larger files are known by what the system says of them alone: reading them again takes longer than importing them.
const HASHED_BYTES_MAX: u64 = 64 << 20;
/// A file that was emptied or is gone is looked at for so long before that counts: whoever saves it may be at it.
const EMPTY_MS: u64 = 2_000;

/// What the system says of a file, through links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(file: &Metadata) -> Self {
        Self {
            device: file.dev(),
            inode: file.ino(),
            bytes: file.len(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        }
    }
}

/// What is in a file: nothing where it is missing.
type Content = Option<(u64, [u8; 32])>;

#[derive(Debug, Default)]
struct Seen {
    /// As it was when it was last found to be at rest.
    stamp: Option<Stamp>,
    content: Content,
    /// What it looks like now that it is another, and since when.
    restless: Option<(Option<Stamp>, u64)>,
}

/// Files that are looked at.
#[derive(Debug, Default)]
pub(crate) struct Watch(BTreeMap<PathBuf, Seen>);

impl Watch {
    /// Looks at these files from now on, and at no others. Those that are new are taken as they are now.
    pub(crate) fn keep(&mut self, files: impl IntoIterator<Item = PathBuf>) {
        let mut old = std::mem::take(&mut self.0);
        for file in files {
            let seen = old.remove(&file).unwrap_or_else(|| {
                let stamp = stamp(&file);
                Seen { stamp, content: content(&file, stamp).ok().flatten(), restless: None }
            });
            self.0.insert(file, seen);
        }
    }

    /// Those whose content is another than at the last time, at rest. To be called every half second.
    pub(crate) fn look(&mut self, now_ms: u64) -> Vec<PathBuf> {
        let changed = |(file, seen): (&PathBuf, &mut Seen)| seen.look(file, now_ms).then(|| file.clone());
        self.0.iter_mut().filter_map(changed).collect()
    }
}

impl Seen {
    fn look(&mut self, file: &Path, now_ms: u64) -> bool {
        let now = stamp(file);
        if now == self.stamp {
            self.restless = None;
            return false;
        }
        let since_ms = match self.restless {
            Some((last, since_ms)) if last == now => since_ms,
            // It was at work a moment ago: the next look tells whether it is at rest.
            _ => {
                self.restless = Some((now, now_ms));
                return false;
            }
        };
        let was_empty = self.content.is_none_or(|(bytes, _)| bytes == 0);
        let is_empty = now.is_none_or(|now| now.bytes == 0);
        if is_empty && !was_empty && now_ms < since_ms.saturating_add(EMPTY_MS) {
            return false;
        }
        // One that changes while it is read is read again at the next look.
        let Ok(content) = content(file, now) else { return false };
        if stamp(file) != now {
            return false;
        }
        let is_another = content != self.content || now.is_some_and(|now| now.bytes > HASHED_BYTES_MAX);
        *self = Self { stamp: now, content, restless: None };
        is_another
    }
}

fn stamp(file: &Path) -> Option<Stamp> {
    std::fs::metadata(file).ok().map(|file| Stamp::of(&file))
}

/// Size and digest of a file; nothing of one that is missing, and no digest of a large one.
fn content(file: &Path, stamp: Option<Stamp>) -> io::Result<Content> {
    let Some(stamp) = stamp else { return Ok(None) };
    if stamp.bytes > HASHED_BYTES_MAX {
        return Ok(Some((stamp.bytes, [0; 32])));
    }
    if file.is_dir() {
        return listing(file).map(Some);
    }
    let mut bytes = Vec::new();
    File::open(file)?.take(HASHED_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(Some((bytes.len() as u64, Sha256::digest(&bytes).into())))
}

/// What is in a folder: how many files, and a digest of their names, sizes and moments.
fn listing(folder: &Path) -> io::Result<(u64, [u8; 32])> {
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let (entry, metadata) = entry.and_then(|entry| Ok((entry.file_name(), entry.metadata()?)))?;
        entries.push(format!("{entry:?} {:?}", Stamp::of(&metadata)));
    }
    entries.sort();
    Ok((entries.len() as u64 + 1, Sha256::digest(entries.join("\n")).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct World {
        folder: tempfile::TempDir,
        watch: Watch,
        now_ms: u64,
    }

    impl World {
        fn new(text: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("a"), text).unwrap();
            let mut watch = Watch::default();
            watch.keep([folder.path().join("a")]);
            Self { folder, watch, now_ms: 0 }
        }

        fn write(&self, name: &str, text: &str) {
            std::fs::write(self.folder.path().join(name), text).unwrap();
        }

        /// How often a change is seen in so many looks.
        fn looks(&mut self, times: u64) -> usize {
            (0..times)
                .map(|_| {
                    self.now_ms += 500;
                    self.watch.look(self.now_ms).len()
                })
                .sum()
        }
    }

    #[test]
    fn an_edit_is_seen_once_it_is_at_rest_however_it_was_saved() {
        let mut world = World::new("one");
        assert_eq!(world.looks(3), 0);
        world.write("a", "two");
        assert_eq!((world.looks(1), world.looks(1), world.looks(4)), (0, 1, 0));
        world.write("b", "three");
        std::fs::rename(world.folder.path().join("b"), world.folder.path().join("a")).unwrap();
        assert_eq!((world.looks(2), world.looks(4)), (1, 0), "another file took its place");
        std::fs::remove_file(world.folder.path().join("a")).unwrap();
        world.looks(1);
        world.write("a", "four");
        assert_eq!((world.looks(2), world.looks(4)), (1, 0), "removed and made again");
    }

    #[test]
    fn the_same_bytes_are_no_change() {
        let mut world = World::new("one");
        world.write("a", "one");
        assert_eq!(world.looks(4), 0);
    }

    #[test]
    fn a_file_behind_a_link_that_is_swapped_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("v1", "one"), ("v2", "two")] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
            std::fs::write(folder.path().join(name).join("a"), text).unwrap();
        }
        let link = folder.path().join("data");
        std::os::unix::fs::symlink("v1", &link).unwrap();
        let mut watch = Watch::default();
        watch.keep([link.join("a")]);
        std::fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink("v2", &link).unwrap();
        assert_eq!((watch.look(500).len(), watch.look(1_000).len()), (0, 1));
    }

    #[test]
    fn a_slow_writer_is_waited_for_and_an_emptied_file_is_given_two_seconds() {
        let mut world = World::new("one");
        for text in ["t", "tw", "two"] {
            world.write("a", text);
            assert_eq!(world.looks(1), 0, "it is at work");
        }
        assert_eq!(world.looks(1), 1);
        world.write("a", "");
        assert_eq!(world.looks(4), 0);
        assert_eq!(world.looks(2), 1, "it stays empty");
        world.write("a", "three");
        assert_eq!(world.looks(2), 1);
        std::fs::remove_file(world.folder.path().join("a")).unwrap();
        assert_eq!((world.looks(4), world.looks(2)), (0, 1), "it stays away");
    }
}
