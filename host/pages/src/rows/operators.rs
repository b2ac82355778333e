//! The operators of a row: a table with what people read, what value is asked for, and the SQL, which is written and read
//! by the same line.

/// What a row asks for beside its operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// Nothing.
    Nothing,
    /// A text.
    Text,
    /// A number.
    Number,
    /// Two numbers, `50, 500`.
    Two,
    /// Several texts, `gold, silver`.
    Texts,
    /// Several numbers.
    Numbers,
    /// A day, `2026-01-31`.
    Day,
    /// A count and a unit, `30 days`.
    Span,
}

/// An operator.
#[derive(Debug)]
pub struct Operator {
    /// What forms name it by.
    pub key: &'static str,
    /// What people read.
    pub label: &'static str,
    /// The kind of value that it is for: `text`, `number`, `date`, `list` or `any`.
    pub group: &'static str,
    /// What it asks for.
    pub asks: Asks,
    /// Tokens, with `T` for the value of a profile, `J` for a path into its traits, and for what is asked: `S` a string,
    /// `N` and `M` numbers, `L` strings, `K` numbers, `P` and `F` a span back and forth.
    pub sql: &'static str,
}

const fn op(key: &'static str, label: &'static str, group: &'static str, asks: Asks, sql: &'static str) -> Operator {
    Operator { key, label, group, asks, sql }
}

/// All of them; of two with the same SQL the first is read.
pub const OPERATORS: &[Operator] = &[
    op("is", "is", "text", Asks::Text, "T = S"),
    op("is_not", "is not", "text", Asks::Text, "T is not S"),
    op("differs", "has a value, which is not", "text", Asks::Text, "T <> S"),
    op("any_of", "is any of", "text", Asks::Texts, "T in ( L )"),
    op("none_of", "is none of", "text", Asks::Texts, "( T in ( L ) ) is not true"),
    op("contains", "contains", "text", Asks::Text, "instr ( T , S ) > 0"),
    op("lacks", "does not contain", "text", Asks::Text, "( instr ( T , S ) > 0 ) is not true"),
    op("starts", "starts with", "text", Asks::Text, "substr ( T , 1 , length ( S ) ) = S"),
    op("ends", "ends with", "text", Asks::Text, "substr ( T , - length ( S ) ) = S"),
    op("has", "has a value", "any", Asks::Nothing, "T is not null"),
    op("has_none", "has no value", "any", Asks::Nothing, "T is null"),
    op("is_true", "is true", "any", Asks::Nothing, "T = 1"),
    op("is_false", "is false", "any", Asks::Nothing, "T = 0"),
    op("not_true", "is not true", "any", Asks::Nothing, "T is not 1"),
    op("eq", "=", "number", Asks::Number, "T = N"),
    op("ne", "≠", "number", Asks::Number, "T is not N"),
    op("gt", ">", "number", Asks::Number, "T > N"),
    op("ge", "≥", "number", Asks::Number, "T >= N"),
    op("lt", "<", "number", Asks::Number, "T < N"),
    op("le", "≤", "number", Asks::Number, "T <= N"),
    op("between", "is between", "number", Asks::Two, "T between N and M"),
    op("number_any_of", "is any of (numbers)", "number", Asks::Numbers, "T in ( K )"),
    op("cast_gt", "> (texts as numbers)", "number", Asks::Number, "cast ( T as real ) > N"),
    op("cast_lt", "< (texts as numbers)", "number", Asks::Number, "cast ( T as real ) < N"),
    op("or0_lt", "< (missing is 0)", "number", Asks::Number, "coalesce ( T , 0 ) < N"),
    op("or0_eq", "= (missing is 0)", "number", Asks::Number, "coalesce ( T , 0 ) = N"),
    op("before", "is before", "date", Asks::Day, "datetime ( T ) < datetime ( S )"),
    op("after", "is after", "date", Asks::Day, "datetime ( T ) > datetime ( S )"),
    op(
        "last",
        "is within the last",
        "date",
        Asks::Span,
        "datetime ( T ) between datetime ( 'now' , P ) and datetime ( 'now' )",
    ),
    op(
        "next",
        "is within the next",
        "date",
        Asks::Span,
        "datetime ( T ) between datetime ( 'now' ) and datetime ( 'now' , F )",
    ),
    op("older", "is longer ago than", "date", Asks::Span, "datetime ( T ) < datetime ( 'now' , P )"),
    op(
        "list_any",
        "has any of",
        "list",
        Asks::Texts,
        "exists ( select 1 from json_each ( traits , J ) where value in ( L ) )",
    ),
    op(
        "list_none",
        "has none of",
        "list",
        Asks::Texts,
        "not exists ( select 1 from json_each ( traits , J ) where value in ( L ) )",
    ),
    op("entries", "has at least so many entries", "list", Asks::Number, "json_array_length ( traits , J ) >= N"),
];

/// The operator with this key.
#[must_use]
pub fn operator(key: &str) -> Option<&'static Operator> {
    OPERATORS.iter().find(|one| one.key == key)
}
