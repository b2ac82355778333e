//! Schedules that are none.

use snapbox::str;

use super::Broken::Edit;
use super::{Case, case};

const A: &str = "audiences.toml";
const FILE: &str = "file = \"profiles.ndjson\"";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        case(
            "E350",
            Edit(A, FILE, "file = \"profiles.ndjson\"\nevery = \"1m\"\nat = \"02:30\""),
            str![[r#"
error[E350]: [source.crm] has more than one schedule
 --> audiences.toml:4:6
  |
3 | every = "1m"
  |         ---- the first one
4 | at = "02:30"
  |      ^^^^^^^

hint: keep one of `every`, `at` and `cron`

"#]],
        ),
        case(
            "E351",
            Edit(A, FILE, "file = \"profiles.ndjson\"\nevery = \"5s\""),
            str![[r#"
error[E351]: `every` cannot be "5s"
 --> audiences.toml:3:9
  |
3 | every = "5s"
  |         ^^^^

hint: write a whole number with s, m, h or d, from "10s" to "366d"; without a schedule it follows its data

"#]],
        ),
        case(
            "E352",
            Edit(A, FILE, "file = \"profiles.ndjson\"\nat = \"25:00\""),
            str![[r#"
error[E352]: `at` cannot be "25:00"
 --> audiences.toml:3:6
  |
3 | at = "25:00"
  |      ^^^^^^^

hint: write a time of day as `at = "02:30"`; for several times take `cron`

"#]],
        ),
    ];
    cases.extend(others());
    cases
}

fn others() -> Vec<Case> {
    vec![
        case(
            "E353",
            Edit(A, FILE, "file = \"profiles.ndjson\"\ncron = \"*/10 * * * * *\""),
            str![[r#"
error[E353]: `cron` cannot be "*/10 * * * * *": Invalid pattern: Pattern must have 5 fields when seconds are disallowed.
 --> audiences.toml:3:8
  |
3 | cron = "*/10 * * * * *"
  |        ^^^^^^^^^^^^^^^^

hint: write five fields, minute hour day month weekday: "30 2 * * MON-FRI"

"#]],
        ),
        case(
            "E354",
            Edit(A, FILE, "file = \"profiles.ndjson\"\nat = \"02:30\"\nzone = \"Europe/Osol\""),
            str![[r#"
error[E354]: there is no time zone "Europe/Osol"
 --> audiences.toml:4:8
  |
4 | zone = "Europe/Osol"
  |        ^^^^^^^^^^^^^

hint: write a name of the IANA database, such as "Europe/Oslo", or "UTC"

"#]],
        ),
        case(
            "E355",
            Edit(A, FILE, "file = \"profiles.ndjson\"\ncron = \"0 12 30 2 *\""),
            str![[r#"
error[E355]: `cron` cannot be "0 12 30 2 *": no day of the calendar meets it
 --> audiences.toml:3:8
  |
3 | cron = "0 12 30 2 *"
  |        ^^^^^^^^^^^^^

hint: write a day that there is, such as "0 12 28 2 *"

"#]],
        ),
    ]
}
