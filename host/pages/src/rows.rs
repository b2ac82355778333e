//! Condition rows and the SQL that they stand for, each made from the other.
//!
//! Pure. What must never happen: a text whose rows mean something else, and a part that is silently left out. A part
//! without a row stays as its own text ([`tree::Node::Sql`]); a text that cannot be taken apart at all stays whole
//! (property test `rows_become_sql_and_the_same_rows_again`).

pub mod operators;
pub mod parse;
pub mod tokens;
pub mod tree;
