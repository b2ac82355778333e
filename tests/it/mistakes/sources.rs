//! Sources and audiences that are said in a way that means nothing.

use snapbox::str;

use super::Broken::{Append, Edit};
use super::{Case, case};

const A: &str = "audiences.toml";

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "E401",
            Edit(A, "file = \"profiles.ndjson\"", "file = \"profiles.ndjson\"\ncursor = \"updated_at\""),
            str![[r#"
error[E401]: `cursor` in [source.crm] is for a query
 --> audiences.toml:3:10
  |
3 | cursor = "updated_at"
  |          ^^^^^^^^^^^^

hint: a file is read as a whole: remove the key

"#]],
        ),
        case("E404", Append(A, "\n[audience.silver]\nwhere = \"true\"\nmembers = \"crm\"\n"), str![[r#""#]]),
    ]
}
