//! What the rows of a connection hold, and whether its condition is met: compiled once, run for each member.

use std::borrow::Cow;

use enroute_core::emission::Input;
use enroute_core::mapping::{Expression, Inputs, Member, Trigger};

use crate::setup::identify;
use enroute_store::{Column, Error};

/// What the rows hold, and for whom.
#[derive(Debug, Clone, Default)]
pub(crate) struct Program {
    read: Vec<Column>,
    /// How many of them are traits that rows take as they are; the others are the inputs of expressions.
    traits: usize,
    rows: Vec<Row>,
    trigger: Option<Trigger>,
}

#[derive(Debug, Clone)]
enum Row {
    /// The text of a column as it is; for who leaves only where traits ride along.
    Trait { column: usize, on_exit: bool },
    /// What an expression yields.
    Expression(Box<Expression>),
}

impl Program {
    /// Rows that hold traits as they are.
    pub(crate) fn of_traits(columns: Vec<Column>, on_exit: bool) -> Self {
        let traits = columns.len();
        let rows = (0..traits).map(|column| Row::Trait { column, on_exit }).collect();
        Self { read: columns, traits, rows, trigger: None }
    }

    /// Rows that hold what expressions yield.
    pub(crate) fn of_expressions(expressions: Vec<Expression>) -> Self {
        let rows = expressions.into_iter().map(|one| Row::Expression(Box::new(one))).collect();
        Self { rows, ..Self::default() }
    }

    /// The same under a condition. `inputs` are what condition and expressions read.
    pub(crate) fn under(mut self, trigger: Option<Trigger>, inputs: &Inputs) -> Result<Self, Error> {
        for input in inputs.as_slice() {
            self.read.push(column(input)?);
        }
        self.trigger = trigger;
        Ok(self)
    }

    /// What is read of a profile.
    pub(crate) fn read(&self) -> &[Column] {
        &self.read
    }

    /// What conditions and expressions read.
    pub(crate) fn inputs(&self) -> &[Column] {
        self.read.get(self.traits..).unwrap_or_default()
    }

    /// How many rows there are.
    pub(crate) const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether the condition is met by somebody who enters or stays.
    pub(crate) fn admits(&self, json: &[Option<&str>]) -> bool {
        self.trigger.as_ref().is_none_or(|trigger| self.with_member(json, true, |member| trigger.matches(member)))
    }

    /// Each condition in words, and whether it is met.
    pub(crate) fn explain(&self, json: &[Option<&str>], is_member: bool) -> Vec<(String, bool)> {
        let explain = |trigger: &Trigger| self.with_member(json, is_member, |member| trigger.explain(member));
        self.trigger.as_ref().map(explain).unwrap_or_default()
    }

    /// The JSON texts of the rows.
    pub(crate) fn run<'a>(&self, json: &[Option<&'a str>], is_member: bool) -> Vec<Option<Cow<'a, str>>> {
        if self.rows.iter().all(|row| matches!(row, Row::Trait { .. })) {
            return self.rows.iter().map(|row| as_it_is(row, json, is_member)).collect();
        }
        self.with_member(json, is_member, |member| {
            let one = |row: &Row| match row {
                Row::Expression(expression) => match expression.column(is_member) {
                    // Nothing but a path: the text is passed on without being parsed.
                    Some(at) => input(self.inputs().get(at)?, json.get(self.traits + at).copied().flatten()),
                    None => expression.evaluate(member).map(|value| Cow::Owned(value.to_string())),
                },
                Row::Trait { .. } => as_it_is(row, json, is_member),
            };
            self.rows.iter().map(one).collect()
        })
    }

    /// Hands over the inputs of expressions; an identifier with several values is its last one.
    fn with_member<T>(&self, json: &[Option<&str>], is_member: bool, f: impl FnOnce(&Member<'_>) -> T) -> T {
        let columns = self.inputs();
        let texts = json.get(self.traits..).unwrap_or_default();
        let texts: Vec<Option<Cow<'_, str>>> =
            columns.iter().zip(texts).map(|(column, text)| input(column, *text)).collect();
        let texts: Vec<Option<&str>> = texts.iter().map(Option::as_deref).collect();
        f(&Member::new(&texts, is_member))
    }
}

fn input<'a>(column: &Column, text: Option<&'a str>) -> Option<Cow<'a, str>> {
    match column {
        Column::Identifier(_) => text.and_then(identify::last_of),
        Column::Trait(_) | Column::Context(_) => text.map(Cow::Borrowed),
    }
}

fn as_it_is<'a>(row: &Row, json: &[Option<&'a str>], is_member: bool) -> Option<Cow<'a, str>> {
    match row {
        Row::Trait { column, on_exit } if is_member || *on_exit => {
            json.get(*column).copied().flatten().map(Cow::Borrowed)
        }
        Row::Trait { .. } | Row::Expression(_) => None,
    }
}

/// What the store is asked for.
pub(crate) fn column(input: &Input) -> Result<Column, Error> {
    let refuse = |path: &str, reason| Err(Error::Path { path: path.to_owned(), reason });
    match input {
        Input::Identifier(kind) => Column::identifier(kind),
        Input::Trait(names) => Ok(Column::Trait(names.clone())),
        Input::Context(names) => Ok(Column::Context(names.clone())),
        Input::Timestamp => refuse("timestamp", "the moment is not known when a request is planned"),
        Input::MessageId => refuse("messageId", "a request about many people has no id of one of them"),
    }
}
