//! What a connection emits when a member enters or leaves: an event that is never built on the way.
//!
//! A mapping names places of an event, `traits.plan` or `context.personas.computation_key`. Here each such path is
//! resolved, once, to where its value comes from: it is known beforehand, depends on membership alone, or is read from
//! the profile. The complete event exists only to be shown (`Emission::event`), and is made from the same resolution,
//! so that what is shown is what expressions see.
//!
//! | Place | Identify | Track |
//! |---|---|---|
//! | membership | `traits.<audience key>` | `properties.<audience key>` |
//! | e-mail | `traits.email` | `context.traits.email` |
//! | any trait of the profile | `traits.<path>` | `properties.<path>` |
//! | name of the event | missing | `event` |
//!
//! Need to know: an object as a whole (`traits`, `context`, the root) has the membership, the identifiers and the
//! *chosen* traits, never the rest of the profile. A value of the profile that is no identifier is missing on an exit,
//! unless the connection enriches exits. Never is membership read from the profile.

mod membership;
#[cfg(test)]
mod tests;

use sha2::{Digest, Sha256};

use crate::json::Json;
use crate::path::{Path, Step, follow};

pub use membership::{Membership, RowMode, membership};

/// The form of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// `type = "identify"`: what is known of a person.
    Identify,
    /// `type = "track"`: something that a person did.
    Track,
}

/// What computed the membership.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// An audience.
    Audience,
    /// A step of a journey.
    JourneyStep,
}

/// What the host reads for a member: one column.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Input {
    /// An identifier of this type, `user_id` or `email`.
    Identifier(String),
    /// A trait of the profile, by the names on the way to it.
    Trait(Vec<String>),
    /// A value of the profile's context, by the names on the way to it.
    Context(Vec<String>),
    /// The moment of the run.
    Timestamp,
    /// The stable id of this emission, as [`emission_id`] makes it.
    MessageId,
}

/// Where the value of a path comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The event never has it.
    Missing,
    /// It is the same for every member.
    Known(Json),
    /// It is one value for who enters, another for who leaves.
    Membership {
        /// For a member.
        entered: Json,
        /// For somebody who left.
        exited: Json,
    },
    /// It is read for each member.
    Input {
        /// What is read.
        input: Input,
        /// The steps from there on, followed in the value that was read.
        rest: Vec<Step>,
        /// Whether it is there for somebody who left.
        on_exit: bool,
    },
    /// It is an object; what is missing is left out, and an object of which all is missing is missing too.
    Object(Vec<(String, Source)>),
}

/// What one connection emits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emission {
    /// Key of the audience, and name of the trait that says who is in it.
    pub audience_key: String,
    /// What computed the membership.
    pub computation_class: Class,
    /// Id of the audience.
    pub computation_id: String,
    /// The space that the audience belongs to.
    pub space: String,
    /// Name of the event for who enters; [`ENTERED`] unless the operator renames it.
    pub entered: String,
    /// Name of the event for who leaves; [`EXITED`] unless the operator renames it.
    pub exited: String,
    /// The destination that the event is for.
    pub destination: String,
    /// What rides along: traits in the body, values of the context in `context`, each where its path leads.
    pub chosen: Vec<Input>,
    /// Whether they ride along on exits too.
    pub enrich_on_exit: bool,
}

/// Name of the event for who enters, unless it is renamed.
pub const ENTERED: &str = "Audience Entered";

/// Name of the event for who leaves, unless it is renamed.
pub const EXITED: &str = "Audience Exited";

/// What of an event's context is the host's own.
const OWN_CONTEXT: [&str; 2] = ["traits", "personas"];

impl Form {
    /// The `type` of an event of this form.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Identify => "identify",
            Self::Track => "track",
        }
    }
}

impl Class {
    /// The class as events write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Audience => "audience",
            Self::JourneyStep => "journey_step",
        }
    }
}

impl Emission {
    /// Where the value at this path of the event comes from.
    ///
    /// ```
    /// use enroute_core::emission::{Class, Emission, Form, Input, Source};
    /// use enroute_core::{json::Json, path::Path};
    /// let emission = Emission::new("vip", Class::Audience, "braze-eu");
    /// let source = |form, path| emission.source(form, &Path::parse(path).unwrap());
    /// assert_eq!(source(Form::Identify, "type"), Source::Known(Json::from("identify")));
    /// assert_eq!(source(Form::Identify, "traits.vip"),
    ///            Source::Membership { entered: true.into(), exited: false.into() });
    /// assert_eq!(source(Form::Track, "traits.plan"), Source::Missing);
    /// assert!(matches!(source(Form::Track, "properties.plan"), Source::Input { input: Input::Trait(_), .. }));
    /// ```
    #[must_use]
    pub fn source(&self, form: Form, path: &Path) -> Source {
        let Some((first, rest)) = split(path.steps()) else { return self.root(form, path.steps()) };
        let body = match form {
            Form::Identify => "traits",
            Form::Track => "properties",
        };
        match first {
            "context" => self.context(form, rest),
            name if name == body => self.body(form, rest),
            name => self.head(form, name).unwrap_or(Source::Missing).descend(rest),
        }
    }

    /// An emission with the usual names of events and nothing that rides along.
    #[must_use]
    pub fn new(audience_key: &str, computation_class: Class, destination: &str) -> Self {
        Self {
            audience_key: audience_key.to_owned(),
            computation_class,
            computation_id: String::new(),
            space: String::new(),
            entered: ENTERED.to_owned(),
            exited: EXITED.to_owned(),
            destination: destination.to_owned(),
            chosen: Vec::new(),
            enrich_on_exit: false,
        }
    }

    /// The complete event for a member, made to be looked at. `value` gives what was read from the profile.
    pub fn event(
        &self,
        form: Form,
        is_member: bool,
        value: impl Fn(&Input) -> Option<Json>,
        message_id: &str,
        timestamp: &str,
    ) -> Json {
        let given = |input: &Input| match input {
            Input::MessageId => Some(Json::from(message_id)),
            Input::Timestamp => Some(Json::from(timestamp)),
            other => value(other),
        };
        self.root(form, &[]).value(is_member, &given).unwrap_or(Json::Object(Vec::new()))
    }

    /// The event as a whole, where a path has no step at all; an event is no list.
    fn root(&self, form: Form, steps: &[Step]) -> Source {
        if !steps.is_empty() {
            return Source::Missing;
        }
        let names = ["type", "event", "messageId", "timestamp", "userId", "anonymousId"];
        let names = names.into_iter().chain(["traits", "properties", "context", "integrations"]);
        Source::Object(names.map(|name| (name.to_owned(), self.source(form, &Path::of([name])))).collect())
    }

    /// What stands at the top of the event and looks the same wherever it stands.
    fn head(&self, form: Form, name: &str) -> Option<Source> {
        let identifier = |kind: &str| Source::plain(Input::Identifier(kind.to_owned()), true);
        Some(match (name, form) {
            ("type", form) => Source::Known(form.as_str().into()),
            ("event", Form::Track) => {
                Source::Membership { entered: self.entered.as_str().into(), exited: self.exited.as_str().into() }
            }
            ("messageId", _) => Source::plain(Input::MessageId, true),
            ("timestamp", _) => Source::plain(Input::Timestamp, true),
            ("userId", _) => identifier("user_id"),
            ("anonymousId", _) => identifier("anonymous_id"),
            ("integrations", _) => Source::Object(vec![
                ("All".to_owned(), Source::Known(false.into())),
                (self.destination.clone(), Source::Known(true.into())),
            ]),
            _ => return None,
        })
    }

    /// `traits` of an Identify or `properties` of a Track event.
    fn body(&self, form: Form, steps: &[Step]) -> Source {
        let Some((name, rest)) = split(steps) else {
            return if steps.is_empty() { self.body_object(form) } else { Source::Missing };
        };
        if let Some(fixed) = self.body_fixed(form, name) {
            return fixed.descend(rest);
        }
        self.profile(Input::Trait(vec![name.to_owned()]), rest)
    }

    /// What is in the body whatever was chosen, and wins over a chosen trait of the same name.
    fn body_fixed(&self, form: Form, name: &str) -> Option<Source> {
        if name == self.audience_key {
            return Some(Source::Membership { entered: true.into(), exited: false.into() });
        }
        match (form, name) {
            (Form::Identify, "email") => Some(Source::plain(Input::Identifier("email".to_owned()), true)),
            (Form::Track, "audience_key") => Some(Source::Known(self.audience_key.as_str().into())),
            _ => None,
        }
    }

    fn body_object(&self, form: Form) -> Source {
        let first = match form {
            Form::Identify => [self.audience_key.as_str(), "email"],
            Form::Track => ["audience_key", self.audience_key.as_str()],
        };
        let fixed = first.into_iter().filter_map(|name| Some((name.to_owned(), self.body_fixed(form, name)?)));
        let mut entries: Vec<(String, Source)> = fixed.collect();
        entries.dedup_by(|later, earlier| later.0 == earlier.0);
        for chosen in &self.chosen {
            if let Input::Trait(names) = chosen {
                put(&mut entries, names, self.profile(chosen.clone(), &[]));
            }
        }
        Source::Object(entries)
    }

    fn context(&self, form: Form, steps: &[Step]) -> Source {
        let traits = match form {
            Form::Identify => Source::Missing,
            Form::Track => {
                Source::Object(vec![("email".to_owned(), Source::plain(Input::Identifier("email".to_owned()), true))])
            }
        };
        match split(steps) {
            Some(("traits", rest)) => traits.descend(rest),
            Some(("personas", rest)) => self.personas().descend(rest),
            Some((name, rest)) => self.profile(Input::Context(vec![name.to_owned()]), rest),
            None if steps.is_empty() => {
                let mut entries = vec![("traits".to_owned(), traits), ("personas".to_owned(), self.personas())];
                for chosen in &self.chosen {
                    match chosen {
                        Input::Context(names) if !names.first().is_some_and(|name| OWN_CONTEXT.contains(&&**name)) => {
                            put(&mut entries, names, self.profile(chosen.clone(), &[]));
                        }
                        _ => {}
                    }
                }
                Source::Object(entries)
            }
            None => Source::Missing,
        }
    }

    fn personas(&self) -> Source {
        let entries = [
            ("computation_class", self.computation_class.as_str()),
            ("computation_id", &self.computation_id),
            ("computation_key", &self.audience_key),
            ("namespace", &self.space),
            ("space_id", &self.space),
        ];
        Source::Object(entries.map(|(name, value)| (name.to_owned(), Source::Known(value.into()))).into())
    }

    /// A value of the profile: names lead to the column, and what comes behind the first index is followed in it.
    fn profile(&self, mut input: Input, steps: &[Step]) -> Source {
        let mut rest = steps;
        if let Input::Trait(names) | Input::Context(names) = &mut input {
            while let Some((name, further)) = split(rest) {
                names.push(name.to_owned());
                rest = further;
            }
        }
        let is_identifier = matches!(input, Input::Identifier(_) | Input::MessageId | Input::Timestamp);
        Source::Input { input, rest: rest.to_vec(), on_exit: is_identifier || self.enrich_on_exit }
    }
}

impl Source {
    fn plain(input: Input, on_exit: bool) -> Self {
        Self::Input { input, rest: Vec::new(), on_exit }
    }

    /// The source of what is further down.
    fn descend(self, steps: &[Step]) -> Self {
        let Some(first) = steps.first() else { return self };
        match (self, first) {
            (Self::Object(entries), Step::Key(key)) => {
                let found =
                    entries.into_iter().find(|(name, _)| name == key).map_or(Self::Missing, |(_, source)| source);
                found.descend(steps.get(1..).unwrap_or_default())
            }
            (Self::Input { input, mut rest, on_exit }, _) => {
                rest.extend_from_slice(steps);
                Self::Input { input, rest, on_exit }
            }
            _ => Self::Missing,
        }
    }

    /// The value for a member, where what was read is given.
    fn value(&self, is_member: bool, read: &dyn Fn(&Input) -> Option<Json>) -> Option<Json> {
        match self {
            Self::Missing => None,
            Self::Known(value) => Some(value.clone()),
            Self::Membership { entered, exited } => Some(if is_member { entered } else { exited }.clone()),
            Self::Input { on_exit: false, .. } if !is_member => None,
            Self::Input { input, rest, .. } => follow(&read(input)?, rest).cloned(),
            Self::Object(entries) => {
                let entry = |(name, source): &(String, Self)| Some((name.clone(), source.value(is_member, read)?));
                let found: Vec<_> = entries.iter().filter_map(entry).collect();
                (!found.is_empty()).then_some(Json::Object(found))
            }
        }
    }
}

/// Puts a source where the names lead, into objects that are made on the way. What is there already stays, but for an
/// object that was made of parts: a whole has them all.
fn put(entries: &mut Vec<(String, Source)>, names: &[String], leaf: Source) {
    let Some((first, rest)) = names.split_first() else { return };
    match entries.iter_mut().find(|(name, _)| name == first) {
        Some((_, Source::Object(inner))) if !rest.is_empty() => put(inner, rest, leaf),
        Some((_, made @ Source::Object(_))) => *made = leaf,
        Some(_) => {}
        None if rest.is_empty() => entries.push((first.clone(), leaf)),
        None => {
            let mut inner = Vec::new();
            put(&mut inner, rest, leaf);
            entries.push((first.clone(), Source::Object(inner)));
        }
    }
}

/// The first step, if it is a name, and the others.
fn split(steps: &[Step]) -> Option<(&str, &[Step])> {
    match steps.split_first() {
        Some((Step::Key(name), rest)) => Some((name, rest)),
        _ => None,
    }
}

/// The id of an emission: the same link, profile and change have the same id, so that a replay is recognised.
///
/// ```
/// use enroute_core::emission::emission_id;
/// assert_eq!(emission_id("vip to braze", "u1", "7"), emission_id("vip to braze", "u1", "7"));
/// assert_ne!(emission_id("vip to braze", "u1", "7"), emission_id("vip to braze", "u17", ""));
/// ```
#[must_use]
pub fn emission_id(link: &str, profile: &str, change: &str) -> String {
    let mut hash = Sha256::new();
    for part in [link, profile, change] {
        // The length keeps two neighbours apart.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
