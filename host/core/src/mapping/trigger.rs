//! When a mapping applies: conditions on the event, in groups.
//!
//! Whether somebody who was sent is taken out again is never asked of a trigger's conditions on the profile: for exits
//! the host asks [`Trigger::possible`], which takes everything that depends on the profile as met.

#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::mapping::Member;
use crate::mapping::compile::Build;
use crate::mapping::condition::Operator;
use crate::mapping::error::Mistake;
use crate::mapping::evaluate::Run;
use crate::mapping::fql;
use crate::mapping::node::Node;

/// A compiled trigger.
#[derive(Debug, Clone)]
pub struct Trigger(Group);

/// Conditions, alone or grouped.
#[derive(Debug, Clone)]
pub(super) enum Group {
    /// All of them have to be met; of none, all are.
    All(Vec<Group>),
    /// One has to be met.
    Any(Vec<Group>),
    /// One condition.
    One(Condition),
}

/// One condition.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    node: Node,
    operator: Operator,
    expected: String,
    words: String,
}

impl Default for Group {
    fn default() -> Self {
        Self::All(Vec::new())
    }
}

impl Trigger {
    pub(super) fn new(group: Group) -> Self {
        Self(group)
    }

    /// Whether the mapping applies to a member.
    ///
    /// ```
    /// use enroute_core::emission::{Class, Emission, Form};
    /// use enroute_core::mapping::{Compiler, Member};
    /// let emission = Emission::new("vip", Class::Audience, "braze-eu");
    /// let mut compiler = Compiler::new(&emission, Form::Identify);
    /// let written = serde_json::json!({ "path": "traits.plan", "operator": "=", "value": "gold" });
    /// let trigger = compiler.trigger(&written).unwrap();
    /// assert!(trigger.matches(&Member::new(&[Some("\"gold\"")], true)));
    /// assert!(!trigger.matches(&Member::new(&[None], true)));
    /// ```
    #[must_use]
    pub fn matches(&self, member: &Member<'_>) -> bool {
        self.0.holds(&|condition| condition.holds(member))
    }

    /// Every condition in words, and whether a member meets it.
    #[must_use]
    pub fn explain(&self, member: &Member<'_>) -> Vec<(String, bool)> {
        let mut told = Vec::new();
        self.0.each(&mut |condition| told.push((condition.words.clone(), condition.holds(member))));
        told
    }

    /// Whether the mapping can apply to somebody who enters, or to somebody who leaves, whatever their profile has.
    #[must_use]
    pub fn possible(&self, is_member: bool) -> bool {
        let nobody = Member::new(&[], is_member);
        self.0.holds(&|condition| condition.node.reads_profile() || condition.holds(&nobody))
    }
}

impl Group {
    fn holds(&self, test: &impl Fn(&Condition) -> bool) -> bool {
        match self {
            Self::All(groups) => groups.iter().all(|group| group.holds(test)),
            Self::Any(groups) => groups.iter().any(|group| group.holds(test)),
            Self::One(condition) => test(condition),
        }
    }

    fn each(&self, tell: &mut impl FnMut(&Condition)) {
        match self {
            Self::All(groups) | Self::Any(groups) => groups.iter().for_each(|group| group.each(tell)),
            Self::One(condition) => tell(condition),
        }
    }
}

impl Condition {
    fn holds(&self, member: &Member<'_>) -> bool {
        let run = Run::new(member);
        let value = self.node.evaluate(&run, None);
        !run.is_over() && self.operator.holds(value.as_deref(), &self.expected)
    }
}

impl Node {
    /// Whether what a path resolved to depends on the profile.
    fn reads_profile(&self) -> bool {
        match self {
            Self::Input { .. } => true,
            Self::Object { entries, .. } => entries.iter().any(|(_, node)| node.reads_profile()),
            _ => false,
        }
    }
}

/// Compiles a group or a condition.
pub(super) fn compile(build: &mut Build<'_, '_>, written: &Value) -> Group {
    build.deeper(|build| {
        let Some(options) = build.options(written, &["all", "any", "path", "operator", "value"]) else {
            return Group::default();
        };
        match (options.get("all"), options.get("any"), options.get("path")) {
            (Some(groups), None, None) if options.len() == 1 => {
                build.within("all", |build| Group::All(list(build, groups)))
            }
            (None, Some(groups), None) if options.len() == 1 => build.within("any", |build| {
                let groups = list(build, groups);
                if groups.is_empty() {
                    build.wrong(Mistake::Expected("a list that is not empty, or nothing could ever match"));
                }
                Group::Any(groups)
            }),
            (None, None, Some(_)) => {
                let path = build.text_option(options, "path").unwrap_or_default();
                match (options.get("operator"), build.text_option(options, "operator")) {
                    (Some(_), Some(operator)) => condition(build, path, operator, options.get("value")),
                    (None, _) => {
                        build.wrong(Mistake::MissingOption("operator"));
                        Group::default()
                    }
                    _ => Group::default(),
                }
            }
            _ => {
                build.wrong(Mistake::Expected("`all`, `any`, or a `path` with an `operator`"));
                Group::default()
            }
        }
    })
}

fn list(build: &mut Build<'_, '_>, written: &Value) -> Vec<Group> {
    let Value::Array(items) = written else {
        build.wrong(Mistake::Expected("a list"));
        return Vec::new();
    };
    let items = items.iter().enumerate();
    items.map(|(at, item)| build.within(&format!("[{at}]"), |build| compile(build, item))).collect()
}

/// Compiles one condition.
pub(super) fn condition(build: &mut Build<'_, '_>, path: &str, operator: &str, value: Option<&Value>) -> Group {
    if value == Some(&Value::Null)
        && let Some(mistake) = fql::null(path, operator)
    {
        build.wrong(mistake);
        return Group::default();
    }
    let node = build.path(path);
    let checked = Operator::parse(operator).and_then(|operator| Ok((operator, operator.operand(value)?)));
    match checked {
        Ok((operator, expected)) => {
            let shown = value.map(|value| format!(" {value}")).unwrap_or_default();
            let words = format!("{path} {}{shown}", operator.as_str());
            Group::One(Condition { node, operator, expected, words })
        }
        Err(mistake) => {
            build.wrong(mistake);
            Group::default()
        }
    }
}
