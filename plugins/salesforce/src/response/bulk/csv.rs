//! Lists of a job as tables, and the packed identifiers of members as a column.

use enroute_sdk::bindings::enroute::destination::types::Cells;

/// Kinds of packed cells that hold a text: numbers and texts.
const TEXTS: [u8; 2] = [4, 5];

/// A table with names for its columns.
#[derive(Debug)]
pub(super) struct Table {
    names: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// One row of a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'t> {
    names: &'t [String],
    cells: &'t [String],
}

impl Table {
    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|cells| Row { names: &self.names, cells })
    }
}

impl<'t> Row<'t> {
    /// The cell in the column of this name, in any case.
    pub(super) fn get(self, name: &str) -> Option<&'t str> {
        let column = self.names.iter().position(|known| known.eq_ignore_ascii_case(name))?;
        self.cells.get(column).map(String::as_str)
    }
}

/// Reads a table as RFC 4180 has it: cells in quotes may hold commas, line ends, and quotes written twice.
pub(super) fn read(text: &str) -> Table {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let (mut quoted, mut letters) = (false, text.chars().peekable());
    while let Some(c) = letters.next() {
        match (c, quoted) {
            ('"', true) if letters.next_if_eq(&'"').is_some() => cell.push('"'),
            ('"', _) => quoted = !quoted,
            (',', false) => row.push(std::mem::take(&mut cell)),
            ('\r', false) => {}
            ('\n', false) => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            (c, _) => cell.push(c),
        }
    }
    if !cell.is_empty() || !row.is_empty() {
        row.push(cell);
        rows.push(row);
    }
    rows.retain(|row| row.iter().any(|cell| !cell.is_empty()));
    let mut rows = rows.into_iter();
    Table { names: rows.next().unwrap_or_default(), rows: rows.collect() }
}

/// The texts of one column of packed identifiers; empty where there is none.
pub(super) fn column(cells: &Cells, column: Option<usize>) -> Vec<String> {
    let columns = cells.columns as usize;
    let Some(column) = column.filter(|column| *column < columns) else { return Vec::new() };
    let end = |at: usize| cells.ends.get(at).map_or(0, |end| *end as usize);
    let text = |at: usize| {
        let start = at.checked_sub(1).map_or(0, end);
        let is_text = cells.kinds.get(at).is_some_and(|kind| TEXTS.contains(kind));
        is_text.then(|| cells.text.get(start..end(at))).flatten().unwrap_or_default().to_owned()
    };
    (column..cells.kinds.len()).step_by(columns).map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_commas_and_line_ends_inside_cells_are_read() {
        let table =
            read("\"sf__Id\",\"sf__Error\",Enroute_Id__c\n\"\",\"X:say \"\"hi\"\", you\nthere\",a\r\n,Y:,b\n\n");
        let rows: Vec<_> = table.rows().map(|row| (row.get("SF__ERROR"), row.get("enroute_id__c"))).collect();
        assert_eq!(rows, [(Some("X:say \"hi\", you\nthere"), Some("a")), (Some("Y:"), Some("b"))]);
        assert_eq!(table.rows().next().and_then(|row| row.get("Email")), None);
    }

    #[test]
    fn a_table_without_rows_is_empty() {
        assert_eq!(read("").rows().count(), 0);
        assert_eq!(read("\"sf__Id\",\"sf__Error\"\n").rows().count(), 0);
    }
}
