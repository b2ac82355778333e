//! The file of an import's errors: comma-separated, one refused contact a line.
//!
//! Which columns it has is not documented, so contacts are found by any of their identifiers, and reasons become codes:
//! the sentences themselves may quote a person.

use enroute_sdk::Outcome;

use crate::mapping::identity::Kind;

/// Most lines that are read: as many as a request has contacts.
const LINES_MAX: usize = 30_000;

/// Code of a contact that is refused in unknown words.
const ERRORED: &str = "import_errored";

/// The contacts that a file names, by what `find` knows of an identifier, with their fate.
pub(super) fn culprits(text: &str, find: impl Fn(Option<Kind>, &str) -> Option<usize>) -> Vec<(usize, Outcome)> {
    let lines = lines(text.trim_start_matches('\u{feff}'));
    let columns: Vec<Column> = lines.first().into_iter().flatten().map(|name| Column::of(name)).collect();
    let is_headed = columns.iter().any(|column| matches!(column, Column::Id(_)));
    let mut found = Vec::new();
    for line in lines.iter().skip(usize::from(is_headed)) {
        let cells = || line.iter().zip(columns.iter().copied().chain(std::iter::repeat(Column::Other)));
        let position = cells().find_map(|(cell, column)| match column {
            Column::Id(kind) => find(Some(kind), &normal(Some(kind), cell)),
            _ if is_headed => None,
            _ => find(None, cell.trim()).or_else(|| find(None, &normal(None, cell))),
        });
        let Some(position) = position else { continue };
        let told: Vec<&str> = cells()
            .filter(|(_, column)| !is_headed || *column == Column::Reason)
            .map(|(cell, _)| cell.as_str())
            .collect();
        found.push((position, outcome(&told.join(" "))));
    }
    // Of two lines about one contact, the one that says more comes first, and holds.
    let says_nothing = |outcome: &Outcome| matches!(outcome, Outcome::Rejected(refusal) if refusal.code == ERRORED);
    found.sort_by_key(|(position, outcome)| (*position, says_nothing(outcome)));
    found
}

/// What stands in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Id(Kind),
    Reason,
    Other,
}

impl Column {
    fn of(name: &str) -> Self {
        let name = name.trim().to_lowercase().replace([' ', '-'], "_");
        if let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.field() == name) {
            return Self::Id(kind);
        }
        let tells = ["error", "reason", "message"].iter().any(|word| name.contains(word));
        if tells { Self::Reason } else { Self::Other }
    }
}

fn normal(kind: Option<Kind>, cell: &str) -> String {
    match kind {
        Some(Kind::Email) | None => cell.trim().to_lowercase(),
        Some(_) => cell.trim().to_owned(),
    }
}

/// The fate of a contact that was refused in these words.
fn outcome(told: &str) -> Outcome {
    let told = told.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| told.contains(word));
    let (code, reason) = match () {
        () if has(&["identifier"]) => {
            ("identifiers_incomplete", "sendgrid misses identifiers of the contact, or finds several contacts")
        }
        () if has(&["email"]) => ("email_refused", "sendgrid does not take the e-mail address"),
        () if has(&["phone"]) => ("phone_refused", "sendgrid does not take the phone number"),
        () if has(&["field", "date", "number", "value", "type"]) => {
            ("value_refused", "sendgrid cannot read a value of the contact")
        }
        () => (ERRORED, "sendgrid refused the contact during the import"),
    };
    Outcome::rejected(code, reason)
}

/// The cells of each line: between commas, in quotes where they have commas, quotes or line breaks inside.
fn lines(text: &str) -> Vec<Vec<String>> {
    let (mut lines, mut line, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => line.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                line.push(std::mem::take(&mut cell));
                lines.push(std::mem::take(&mut line));
                if lines.len() > LINES_MAX {
                    return lines;
                }
            }
            other => cell.push(other),
        }
    }
    if !cell.is_empty() || !line.is_empty() {
        line.push(cell);
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Knows two members: their positions and codes come back.
    #[track_caller]
    fn check(text: &str, expect: &[(usize, &str)]) {
        let find = |kind: Option<Kind>, value: &str| match (kind, value) {
            (Some(Kind::Email) | None, "ann@example.com") => Some(0),
            (Some(Kind::ExternalId) | None, "Cust-2") => Some(1),
            _ => None,
        };
        let got = culprits(text, find);
        let code = |outcome: &Outcome| match outcome {
            Outcome::Rejected(refusal) => refusal.code.clone(),
            other => format!("{other:?}"),
        };
        let got: Vec<_> = got.iter().map(|(position, outcome)| (*position, code(outcome))).collect();
        let expect: Vec<_> = expect.iter().map(|(position, code)| (*position, (*code).to_owned())).collect();
        assert_eq!(got, expect, "{text}");
    }

    #[test]
    fn a_contact_is_found_by_the_column_of_its_identifier() {
        check(
            "\u{feff}email,external_id,error\r\nAnn@Example.com,,\"bad, \"\"very\"\" bad\"\r\n,Cust-2,date is invalid\r\n",
            &[(0, "import_errored"), (1, "value_refused")],
        );
        check("Email,First Name,Error\nann@example.com,x,email is not valid\n", &[(0, "email_refused")]);
        check("email,first_name,error\nbob@example.com,Cust-2,bad\n", &[]);
    }

    #[test]
    fn without_a_known_column_any_cell_will_do() {
        check("row,contact,what\n1,Cust-2,all identifiers must be present\n", &[(1, "identifiers_incomplete")]);
        check("ANN@example.com;x\nann@example.com", &[(0, "import_errored")]);
    }

    #[test]
    fn a_file_that_is_none_names_nobody() {
        for text in ["", "\n\n", "\"", "email,error", "\u{0}\u{1}"] {
            check(text, &[]);
        }
    }
}
