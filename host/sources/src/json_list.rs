//! One list of JSON objects as lines of JSON, as a stream.
//!
//! It finds where elements end and leaves what is in them to whoever reads the lines.

use std::io::{self, BufRead, Write};

/// Where the reader stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Before the bracket that opens the list.
    Before,
    /// In the list, between elements.
    Between,
    /// In an element.
    Inside,
    /// Behind the bracket that closes the list.
    Behind,
}

/// Whether a text begins as a list.
pub(super) fn is_list(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    head.trim_ascii_start().starts_with(b"[")
}

/// Writes each element of a list in a line of its own.
///
/// # Errors
/// If the text cannot be read or the lines written, if it is no list, or if the list is not closed.
pub(super) fn to_lines(input: &mut dyn BufRead, output: &mut dyn Write) -> io::Result<()> {
    let (mut at, mut depth, mut in_text, mut escaped) = (At::Before, 0_u32, false, false);
    let mut line = Vec::new();
    loop {
        let bytes = input.fill_buf()?;
        if bytes.is_empty() {
            break;
        }
        for byte in bytes {
            let is_blank = byte.is_ascii_whitespace();
            match at {
                At::Before if is_blank || matches!(byte, 0xef | 0xbb | 0xbf) => {}
                At::Before if *byte == b'[' => at = At::Between,
                At::Before => return Err(damaged("it is no list of JSON")),
                At::Between if is_blank || *byte == b',' => {}
                At::Between if *byte == b']' => at = At::Behind,
                At::Behind if is_blank => {}
                At::Behind => return Err(damaged("something stands behind the list")),
                At::Inside if in_text => {
                    line.push(*byte);
                    match byte {
                        _ if escaped => escaped = false,
                        b'\\' => escaped = true,
                        b'"' => in_text = false,
                        _ => {}
                    }
                }
                At::Inside if depth == 0 && matches!(byte, b',' | b']') => {
                    line.push(b'\n');
                    at = if *byte == b']' { At::Behind } else { At::Between };
                }
                At::Between | At::Inside => {
                    at = At::Inside;
                    match byte {
                        b'"' => in_text = true,
                        b'{' | b'[' => depth += 1,
                        b'}' | b']' => depth = depth.saturating_sub(1),
                        _ => {}
                    }
                    line.push(if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte });
                }
            }
        }
        let length = bytes.len();
        input.consume(length);
        output.write_all(&line)?;
        line.clear();
    }
    if at == At::Behind { Ok(()) } else { Err(damaged("the list of JSON is not closed: it was cut off")) }
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> String {
        let mut output = Vec::new();
        // Three bytes at a time, so that everything is cut somewhere.
        match to_lines(&mut io::BufReader::with_capacity(3, text.as_bytes()), &mut output) {
            Ok(()) => String::from_utf8(output).unwrap(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn each_element_of_a_list_is_a_line() {
        assert_eq!(lines("[{\"a\":\"],\\\"{\"},\n {\"b\":\n[1,2]}]\n"), "{\"a\":\"],\\\"{\"}\n{\"b\": [1,2]}\n");
        assert_eq!(lines(" [ ] "), "");
        assert_eq!(lines("[1,null]"), "1\nnull\n");
    }

    #[test]
    fn a_list_that_is_cut_off_is_refused_wherever() {
        let whole = "[{\"a\":\"x\"},{\"b\":[1]}]";
        for end in 1..whole.len() {
            assert!(lines(&whole[..end]).contains("cut off"), "{end}");
        }
        assert!(lines("[1] 2").contains("behind the list"));
        assert!(lines("{}").contains("no list"));
    }
}
