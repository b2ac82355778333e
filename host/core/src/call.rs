//! The kinds of calls by which an app or a site tells what people do and who they are.

use std::fmt;

/// What a call is about, as the tracking API of Segment has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallKind {
    /// What a person did.
    Track,
    /// What is known of a person.
    Identify,
    /// A page that was looked at.
    Page,
    /// A screen of an app that was looked at.
    Screen,
    /// A group that a person belongs to.
    Group,
    /// Another id of a person.
    Alias,
}

impl CallKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [Self::Track, Self::Identify, Self::Page, Self::Screen, Self::Group, Self::Alias];

    /// The kind as calls name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Track => "track",
            Self::Identify => "identify",
            Self::Page => "page",
            Self::Screen => "screen",
            Self::Group => "group",
            Self::Alias => "alias",
        }
    }

    /// The kind of this name.
    ///
    /// ```
    /// use enroute_core::call::CallKind;
    /// assert_eq!(CallKind::parse("track"), Some(CallKind::Track));
    /// assert_eq!(CallKind::parse("Track"), None);
    /// ```
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl fmt::Display for CallKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
