//! Types of columns and commands that mean nothing.

use snapbox::str;

use super::Broken::{Append, Edit};
use super::{Case, case};

const A: &str = "audiences.toml";

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "E420",
            Edit(A, "file = \"profiles.ndjson\"", "file = \"profiles.csv\"\ntypes = { ltv = \"decimal\" }"),
            str![[r#"
error[E420]: `ltv` of `types` in [source.crm] is no type
 --> audiences.toml:3:17
  |
3 | types = { ltv = "decimal" }
  |                 ^^^^^^^^^

hint: choose one of: text, number, number:1.234,5, boolean, boolean:yes,no, list:;, json, date:%d.%m.%Y

"#]],
        ),
        case(
            "E421",
            Append(A, "\n[source.lake]\ncommand = []\n"),
            str![[r#"
error[E421]: `command` in [source.lake] names no program
  --> audiences.toml:20:11
   |
20 | command = []
   |           ^^

hint: write the program first: `command = ["duckdb", …]`

"#]],
        ),
    ]
}
