//! Schedules that are none.

use snapbox::str;

use super::Broken::Edit;
use super::{Case, case};

const A: &str = "audiences.toml";
const FILE: &str = "file = \"profiles.ndjson\"";

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "E350",
            Edit(A, FILE, "file = \"profiles.ndjson\"\nevery = \"1m\"\nat = \"02:30\""),
            str![[r#"
"#]],
        ),
        case(
            "E351",
            Edit(A, FILE, "file = \"profiles.ndjson\"\nevery = \"5s\""),
            str![[r#"
"#]],
        ),
        case(
            "E352",
            Edit(A, FILE, "file = \"profiles.ndjson\"\nat = \"25:00\""),
            str![[r#"
"#]],
        ),
        case(
            "E353",
            Edit(A, FILE, "file = \"profiles.ndjson\"\ncron = \"*/10 * * * * *\""),
            str![[r#"
"#]],
        ),
        case(
            "E354",
            Edit(A, FILE, "file = \"profiles.ndjson\"\nat = \"02:30\"\nzone = \"Europe/Osol\""),
            str![[r#"
"#]],
        ),
        case(
            "E355",
            Edit(A, FILE, "file = \"profiles.ndjson\"\ncron = \"0 12 30 2 *\""),
            str![[r#"
"#]],
        ),
    ]
}
