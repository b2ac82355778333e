//! Tables as RFC 4180 has them.

/// Rows of cells. The error says where the text is none.
pub(super) fn read(text: &str) -> Result<Vec<Vec<String>>, &'static str> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let (mut quoted, mut letters) = (false, text.chars().peekable());
    while let Some(c) = letters.next() {
        match (c, quoted) {
            ('"', true) if letters.next_if_eq(&'"').is_some() => cell.push('"'),
            ('"', true) => {
                quoted = false;
                if !matches!(letters.peek(), None | Some(',' | '\n')) {
                    return Err("a quote ends in the middle of a cell");
                }
            }
            // Salesforce, "CSV files": quotes stand at the ends of a cell.
            ('"', false) if !cell.is_empty() => return Err("a quote stands inside of a cell without quotes"),
            ('"', false) => quoted = true,
            (',', false) => row.push(std::mem::take(&mut cell)),
            // The jobs of this fake say that lines end with LF.
            ('\r', false) => return Err("a line ends with CR"),
            ('\n', false) => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            (c, _) => cell.push(c),
        }
    }
    if quoted {
        return Err("a quote does not end");
    }
    if !cell.is_empty() || !row.is_empty() {
        row.push(cell);
        rows.push(row);
    }
    Ok(rows)
}

/// Writes a table with every cell in quotes, as results are written.
pub(super) fn write(rows: &[Vec<String>]) -> String {
    let cell = |text: &String| format!("\"{}\"", text.replace('"', "\"\""));
    rows.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>().join(",") + "\n").collect()
}
