//! Members of one audience, as a plugin looks at them.
//!
//! Views only: values are read where the host put them. Invariant: whatever a [`Batch`] hands out lies inside the
//! packed form it was made from, so nothing here can panic.

use crate::bindings::enroute::destination::types;
use crate::cells::{Malformed, RowValues, Table, Value};
use crate::{Change, Row};

/// The members of one call.
///
/// ```
/// use enroute_sdk::Value;
/// use enroute_sdk::testing::{Fixture, Person};
///
/// let fixture = Fixture::new().row("email", "email").identifier_field("external_id").member(
///     Person::added("u1").identifier("external_id", "u1").value("email", "ann@example.com"),
/// );
/// fixture.with_batch(|batch| {
///     let member = batch.members().next().unwrap();
///     assert_eq!(member.value(0), Value::Text("ann@example.com"));
///     assert_eq!(member.identifier(0), Value::Text("u1"));
/// });
/// ```
#[derive(Debug)]
pub struct Batch<'a> {
    changes: &'a [Change],
    rows: &'a [Row],
    identifier_fields: &'a [String],
    consent: Option<&'a str>,
    identifiers: Table<'a>,
    values: Table<'a>,
    sent: Table<'a>,
    /// Rows of `sent`, member by member.
    sent_rows: Vec<u32>,
    /// Where the rows of a member begin in `sent_rows`, and one more for the end; empty where nothing was sent.
    sent_starts: Vec<u32>,
}

impl<'a> Batch<'a> {
    pub(crate) fn new(connection: &'a types::Connection, batch: &'a types::Batch) -> Result<Self, Malformed> {
        let mut view = Self::of_people(
            &connection.identifier_fields,
            &batch.changes,
            &batch.identifiers,
            &batch.sent,
            &batch.sent_members,
        )?;
        view.values = Table::new(&batch.values, connection.rows.len(), batch.changes.len())?;
        view.rows = &connection.rows;
        view.consent = batch.consent.as_deref();
        Ok(view)
    }

    /// Members without values: what `send` knows.
    pub(crate) fn of_people(
        identifier_fields: &'a [String],
        changes: &'a [Change],
        identifiers: &'a types::Cells,
        sent: &'a types::Cells,
        sent_members: &'a [u32],
    ) -> Result<Self, Malformed> {
        let columns = identifier_fields.len();
        let (sent_rows, sent_starts) = by_member(sent_members, changes.len())?;
        Ok(Self {
            changes,
            rows: &[],
            identifier_fields,
            consent: None,
            identifiers: Table::new(identifiers, columns, changes.len())?,
            values: Table::EMPTY,
            sent: Table::new(sent, columns, sent_members.len())?,
            sent_rows,
            sent_starts,
        })
    }

    /// Number of members.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.changes.len()
    }

    /// Whether there is no member.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// What these members consented to, as a JSON object; none where nothing is known.
    #[must_use]
    pub const fn consent(&self) -> Option<&'a str> {
        self.consent
    }

    /// The members, in order.
    pub fn members(&self) -> impl Iterator<Item = Member<'_>> {
        self.changes.iter().zip(0..).map(|(change, index)| Member { batch: self, index, change: *change })
    }

    /// The member with this number.
    #[must_use]
    pub fn member(&self, index: u32) -> Option<Member<'_>> {
        let change = *self.changes.get(index as usize)?;
        Some(Member { batch: self, index, change })
    }
}

/// Sorts the rows of `sent` by member, keeping their order.
fn by_member(sent_members: &[u32], members: usize) -> Result<(Vec<u32>, Vec<u32>), Malformed> {
    if sent_members.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let mut starts = vec![0u32; members + 1];
    for member in sent_members {
        let count = starts.get_mut(*member as usize + 1).ok_or(Malformed("a sent row belongs to no member"))?;
        *count += 1;
    }
    let mut sum = 0;
    for start in &mut starts {
        sum += *start;
        *start = sum;
    }
    let mut rows: Vec<u32> = (0..).take(sent_members.len()).collect();
    rows.sort_by_key(|row| sent_members.get(*row as usize));
    Ok((rows, starts))
}

/// One member: a cheap copy that points into its batch.
#[derive(Debug, Clone, Copy)]
pub struct Member<'b> {
    batch: &'b Batch<'b>,
    index: u32,
    change: Change,
}

impl<'b> Member<'b> {
    /// The member's number, which requests and rejections name.
    #[must_use]
    pub const fn index(self) -> u32 {
        self.index
    }

    /// What happened to it.
    #[must_use]
    pub const fn change(self) -> Change {
        self.change
    }

    /// Whether it left the audience.
    #[must_use]
    pub const fn is_removed(self) -> bool {
        matches!(self.change, Change::Removed)
    }

    /// The value of a mapping row; absent for removed members.
    #[must_use]
    pub fn value(self, row: usize) -> Value<'b> {
        self.batch.values.value(self.index as usize, row)
    }

    /// The values of all rows, in the order of [`Context::rows`](crate::Context::rows). The quick way.
    pub fn values(self) -> impl Iterator<Item = Value<'b>> + use<'b> {
        self.batch.values.row(self.index as usize)
    }

    /// The rows with their values.
    ///
    /// ```
    /// use enroute_sdk::testing::{Fixture, Person};
    ///
    /// let person = Person::added("u1").value("firstName", "Ann");
    /// Fixture::new().row("firstName", "first_name").member(person).with_batch(|batch| {
    ///     let (row, value) = batch.member(0).unwrap().fields().next().unwrap();
    ///     assert_eq!((row.field.as_str(), value.text()), ("first_name", Some("Ann")));
    /// });
    /// ```
    pub fn fields(self) -> impl Iterator<Item = (&'b Row, Value<'b>)> + use<'b> {
        self.batch.rows.iter().zip(self.batch.values.row(self.index as usize))
    }

    /// The identifier that goes into a field, by its place in
    /// [`Context::identifier_fields`](crate::Context::identifier_fields).
    #[must_use]
    pub fn identifier(self, field: usize) -> Value<'b> {
        self.batch.identifiers.value(self.index as usize, field)
    }

    /// All identifiers of the member now.
    #[must_use]
    pub fn identifiers(self) -> Identifiers<'b> {
        let table = self.batch.identifiers;
        Identifiers { fields: self.batch.identifier_fields, table, row: self.index as usize }
    }

    /// What identified the member in deliveries that have not been withdrawn, oldest row first.
    ///
    /// ```
    /// use enroute_sdk::Value;
    /// use enroute_sdk::testing::{Fixture, Person};
    ///
    /// let person = Person::removed("u1").sent([("email", "old@example.com")]);
    /// Fixture::new().identifier_field("email").member(person).with_batch(|batch| {
    ///     let sent: Vec<_> = batch.member(0).unwrap().sent().map(|row| row.get(0)).collect();
    ///     assert_eq!(sent, [Value::Text("old@example.com")]);
    /// });
    /// ```
    pub fn sent(self) -> impl Iterator<Item = Identifiers<'b>> + use<'b> {
        let start = |member| self.batch.sent_starts.get(member).map_or(0, |start| *start as usize);
        let member = self.index as usize;
        let rows = self.batch.sent_rows.get(start(member)..start(member + 1)).unwrap_or_default();
        rows.iter().map(move |row| Identifiers {
            fields: self.batch.identifier_fields,
            table: self.batch.sent,
            row: *row as usize,
        })
    }
}

/// One set of identifiers of a member.
#[derive(Debug, Clone, Copy)]
pub struct Identifiers<'b> {
    fields: &'b [String],
    table: Table<'b>,
    row: usize,
}

impl<'b> Identifiers<'b> {
    /// The identifier in this place of [`Context::identifier_fields`](crate::Context::identifier_fields).
    #[must_use]
    pub fn get(self, field: usize) -> Value<'b> {
        self.table.value(self.row, field)
    }

    /// The fields with their values, absent ones included.
    pub fn iter(self) -> impl Iterator<Item = (&'b str, Value<'b>)> + use<'b> {
        let values: RowValues<'b> = self.table.row(self.row);
        self.fields.iter().map(String::as_str).zip(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Fixture, Person};

    #[test]
    fn earlier_identifiers_come_with_their_member() {
        let fixture = Fixture::new()
            .identifier_field("external_id")
            .identifier_field("email")
            .member(Person::removed("a").sent([("email", "old@example.com")]).sent([("external_id", "a0")]))
            .member(Person::added("b").identifier("external_id", "b"))
            .member(Person::removed("c").sent([("external_id", "c0")]));
        let got = fixture.with_batch(|batch| {
            let sent = |member: Member<'_>| member.sent().map(|row| format!("{:?}", row.get(0))).collect::<Vec<_>>();
            batch.members().map(sent).collect::<Vec<_>>()
        });
        assert_eq!(got, [vec!["Absent", "Text(\"a0\")"], vec![], vec!["Text(\"c0\")"]]);
    }

    #[test]
    fn rows_of_sent_may_come_in_any_order() {
        let (rows, starts) = by_member(&[2, 0, 2, 0], 3).expect("the rows add up");
        assert_eq!((rows, starts), (vec![1, 3, 0, 2], vec![0, 2, 2, 4]));
        assert!(by_member(&[3], 3).is_err());
    }
}
