//! The columns of a connection, and the rows that members make of them.

use std::ops::Range;

use enroute_sdk::{Context, Member, Reject, Value};

use crate::mapping::cell::{self, has_text, text_of};
use crate::mapping::memo::Memo;
use crate::mapping::nobody;
use crate::normalize::country::Country;
use crate::normalize::key::Key;
use crate::normalize::{BlankCode, Filled, Rules};
use crate::request::Rows;
use crate::settings::Settings;
use enroute_sdk::hash::Hashing;

/// A value that is a list, an object or a boolean where Meta wants text.
const NOT_TEXT: &str = "not_text";

/// A phone number that came as a JSON number.
const PHONE_NUMBER_TYPE: &str = "phone_number_type";

/// A cell without a value.
const BLANK: &str = "\"\"";

/// A column, and where its values come from.
#[derive(Debug)]
struct Column {
    key: Key,
    /// The row of the mapping.
    row: Option<usize>,
    /// The identifier that stands in where the row has no text.
    identifier: Option<usize>,
    /// The place in what was sent before.
    sent: Option<usize>,
}

/// The columns of a connection, in the order of Meta's keys.
#[derive(Debug)]
pub(super) struct Plan {
    columns: Vec<Column>,
    /// The mapped country, where the rules of another column hang on it.
    country_row: Option<usize>,
    rules: Rules,
    /// What was sent in clear is hashed and what was sent as a hash stays one, whatever the setting says today.
    rules_for_sent: Rules,
    options: &'static str,
}

/// The row of a member, written into one buffer for all members.
#[derive(Debug, Default)]
pub(super) struct Row {
    json: String,
    /// Where the identifying cells are, in the order of the columns.
    identifying: Vec<Range<usize>>,
    warnings: Vec<(&'static str, Key)>,
    memo: Memo,
}

impl Row {
    pub(super) fn json(&self) -> &str {
        &self.json
    }

    pub(super) fn warnings(&self) -> impl Iterator<Item = (&'static str, Key)> + '_ {
        self.warnings.iter().copied()
    }

    fn note(&mut self, key: Key, value: Value<'_>, filled: Filled) {
        match filled {
            Filled::WithWarning(warning) => self.warnings.push((warning.as_str(), key)),
            Filled::Blank(code) if code != BlankCode::Missing => self.warnings.push((code.as_str(), key)),
            _ => {}
        }
        match value {
            Value::Number(_) if key == Key::Phone => self.warnings.push((PHONE_NUMBER_TYPE, key)),
            Value::Bool(_) | Value::Json(_) if !has_text(key, value) => self.warnings.push((NOT_TEXT, key)),
            _ => {}
        }
    }
}

impl Column {
    fn new(ctx: &Context<Settings>, key: Key) -> Option<Self> {
        let settings = ctx.settings();
        let row = ctx.row(key.as_str());
        let identifier = ctx.identifier(key.as_str()).filter(|_| key != Key::ExternId || settings.sends_user_id());
        let constant = key == Key::DataProcessingOptions && settings.ldu.is_sent();
        if row.is_none() && identifier.is_none() && !constant {
            return None;
        }
        // A trait and the profile's own id are two kinds of name: one must not stand in for the other.
        let stands_in = key != Key::ExternId || row.is_none();
        Some(Self { key, row, identifier: identifier.filter(|_| stands_in), sent: ctx.identifier(key.as_str()) })
    }

    /// The mapped trait, or the profile's identifier where the trait has nothing to say.
    fn value<'b>(&self, member: Member<'b>) -> Value<'b> {
        let mapped = self.row.map_or(Value::Absent, |row| member.value(row));
        match self.identifier {
            Some(field) if !has_text(self.key, mapped) => {
                let identifier = member.identifier(field);
                if has_text(self.key, identifier) { identifier } else { mapped }
            }
            _ => mapped,
        }
    }
}

impl Plan {
    pub(super) fn new(ctx: &Context<Settings>) -> Self {
        let columns: Vec<Column> = Key::ALL.into_iter().filter_map(|key| Column::new(ctx, key)).collect();
        let asks_country = columns.iter().any(|column| matches!(column.key, Key::St | Key::Zip));
        let country_row = ctx.row(Key::Country.as_str()).filter(|_| asks_country);
        let rules = ctx.settings().rules(ctx.today());
        let rules_for_sent = Rules { hashing: Hashing::Auto, ..rules.clone() };
        Self { columns, country_row, rules, rules_for_sent, options: ctx.settings().ldu.cell() }
    }

    pub(super) fn keys(&self) -> Vec<Key> {
        self.columns.iter().map(|column| column.key).collect()
    }

    pub(super) fn identifying_keys(&self) -> Vec<Key> {
        self.identifying().map(|column| column.key).collect()
    }

    fn identifying(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| column.key.identifies())
    }

    fn country(&self, member: Member<'_>, memo: &mut Memo) -> Option<Country> {
        let value = self.country_row.map_or(Value::Absent, |row| member.value(row));
        let text = has_text(Key::Country, value).then(|| text_of(value));
        memo.country(text.as_deref(), &self.rules)
    }

    /// Writes the row of a member who is in the audience.
    pub(super) fn row(&self, member: Member<'_>, row: &mut Row) -> Result<(), Reject> {
        row.json.clear();
        row.identifying.clear();
        row.warnings.clear();
        let country = self.country(member, &mut row.memo);
        let (mut identified, mut blank) = (false, None);
        for column in &self.columns {
            row.json.push(if row.json.is_empty() { '[' } else { ',' });
            let (key, start, value) = (column.key, row.json.len(), column.value(member));
            let filled = cell::write(key, value, country, &self.rules, self.options, &mut row.memo, &mut row.json)
                .map_err(|error| Reject::field(key.as_str(), error.code(), error.to_string()))?;
            if key.identifies() {
                row.identifying.push(start..row.json.len());
                match filled {
                    Filled::Blank(BlankCode::Missing) => {}
                    Filled::Blank(code) => blank = blank.or(Some((key, code.as_str()))),
                    Filled::Yes | Filled::WithWarning(_) => identified = true,
                }
            }
            row.note(key, value, filled);
        }
        row.json.push(']');
        if identified { Ok(()) } else { Err(nobody(blank)) }
    }

    /// Writes the rows that take a member out: those that were sent, or what identifies the member now where the host
    /// remembers none.
    pub(super) fn sent(&self, member: Member<'_>, old: &mut Rows) {
        old.clear();
        for ids in member.sent() {
            self.old_row(old, |column, _, cell| {
                let sent = column.sent.map_or(Value::Absent, |field| ids.get(field));
                self.sent_cell(column, sent, cell);
            });
        }
        if old.count == 0 {
            self.old_row(old, |column, _, cell| {
                let now = column.identifier.map_or(Value::Absent, |field| member.identifier(field));
                self.sent_cell(column, now, cell);
            });
        }
    }

    /// Writes what was sent of a member and is not in `row` any more. What is still true stays out, so that nobody
    /// who shares it is taken out along.
    pub(super) fn outdated(&self, member: Member<'_>, row: &Row, old: &mut Rows) {
        old.clear();
        for ids in member.sent() {
            self.old_row(old, |column, place, out| {
                let sent = column.sent.map_or(Value::Absent, |field| ids.get(field));
                if sent == column.value(member) {
                    out.push_str(BLANK);
                    return;
                }
                let start = out.len();
                self.sent_cell(column, sent, out);
                let present = row.identifying.get(place).and_then(|range| row.json.get(range.clone()));
                if out.get(start..) == present {
                    out.truncate(start);
                    out.push_str(BLANK);
                }
            });
        }
    }

    /// Appends an identifying cell; a blank one for a value that could not be sent.
    fn sent_cell(&self, column: &Column, value: Value<'_>, out: &mut String) {
        let start = out.len();
        if cell::write(column.key, value, None, &self.rules_for_sent, self.options, &mut Memo::default(), out).is_err()
        {
            out.truncate(start);
            out.push_str(BLANK);
        }
    }

    /// Appends a row of identifying cells, unless all are blank or the row is there already. `write` appends the cell
    /// of a column, whose place among the identifying ones it gets.
    fn old_row(&self, old: &mut Rows, write: impl Fn(&Column, usize, &mut String)) {
        let end = old.json.len();
        let mut filled = false;
        for (place, column) in self.identifying().enumerate() {
            old.json.push(if place == 0 { '[' } else { ',' });
            let start = old.json.len();
            write(column, place, &mut old.json);
            filled |= old.json.get(start..) != Some(BLANK);
        }
        old.json.push(']');
        // A quote inside a text is escaped, so `["` begins a row and nothing else.
        let (before, row) = old.json.split_at(end);
        if !filled || before.contains(row) {
            old.json.truncate(end);
            return;
        }
        if end > 0 {
            old.json.insert(end, ',');
        }
        old.count += 1;
    }
}
