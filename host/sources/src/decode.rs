//! Bytes as UTF-8: packed files are unpacked, and other encodings decoded, as a stream.
//!
//! What must never happen: half of a packed file that is taken for the whole, or a letter that is replaced.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};
use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::StreamingDecoder;

use crate::LINE_BYTES_MAX;

/// Bytes that are read at once.
const BUFFER_BYTES: usize = 64 << 10;

/// How a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packed {
    Gzip,
    Zstd,
}

/// How a file is packed, by how it begins.
pub(super) fn packed(head: &[u8]) -> Option<Packed> {
    match head {
        [0x1f, 0x8b, ..] => Some(Packed::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Packed::Zstd),
        _ => None,
    }
}

/// What is in a file, unpacked.
pub(super) fn unpacked(file: File, packed: Option<Packed>) -> Box<dyn BufRead> {
    let input = BufReader::with_capacity(BUFFER_BYTES, file);
    match packed {
        None => Box::new(input),
        Some(Packed::Gzip) => Box::new(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(input))),
        Some(Packed::Zstd) => {
            Box::new(BufReader::with_capacity(BUFFER_BYTES, Frames { input: Some(input), frame: None }))
        }
    }
}

/// The frames of zstd, one behind the other.
struct Frames {
    input: Option<BufReader<File>>,
    frame: Option<StreamingDecoder<BufReader<File>, ruzstd::decoding::FrameDecoder>>,
}

impl Read for Frames {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(frame) = &mut self.frame {
                let read = frame.read(buffer)?;
                if read > 0 {
                    return Ok(read);
                }
                self.input = self.frame.take().map(StreamingDecoder::into_inner);
            }
            let Some(mut input) = self.input.take() else { return Ok(0) };
            if input.fill_buf()?.is_empty() {
                return Ok(0);
            }
            self.frame = Some(StreamingDecoder::new(input).map_err(|error| io::Error::other(error.to_string()))?);
        }
    }
}

/// The encoding that the beginning of a text shows, and whether a mark says so.
pub(super) fn shown(head: &[u8]) -> Option<&'static Encoding> {
    if let Some((encoding, _)) = Encoding::for_bom(head) {
        return Some(encoding);
    }
    match crate::look::utf16(head) {
        Some("UTF-16LE") => Some(UTF_16LE),
        Some("UTF-16BE") => Some(UTF_16BE),
        _ => None,
    }
}

/// The encoding of this name.
pub(super) fn named(label: &str) -> Option<&'static Encoding> {
    Encoding::for_label(label.trim().as_bytes())
}

/// Writes a text as UTF-8, without a mark.
///
/// # Errors
/// If it cannot be read or written, or has bytes that are none of its encoding.
pub(super) fn decode(input: &mut dyn BufRead, encoding: &'static Encoding, output: &mut dyn Write) -> io::Result<()> {
    let mut decoder: Decoder = encoding.new_decoder_with_bom_removal();
    let mut text = vec![0; BUFFER_BYTES];
    let mut offset: u64 = 0;
    loop {
        let bytes = input.fill_buf()?;
        let is_last = bytes.is_empty();
        let (mut at, length) = (0, bytes.len());
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let (result, read, written) = decoder.decode_to_utf8_without_replacement(rest, &mut text, is_last);
            at += read;
            output.write_all(text.get(..written).unwrap_or_default())?;
            match result {
                DecoderResult::InputEmpty => break,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => {
                    let place = offset + at as u64;
                    let what = format!("byte {place} is not {}", encoding.name());
                    return Err(io::Error::new(io::ErrorKind::InvalidData, what));
                }
            }
        }
        if is_last {
            return Ok(());
        }
        offset += length as u64;
        input.consume(length);
    }
}

/// The first byte that is not UTF-8: its line, and its place in that line.
///
/// A text of which other letters are UTF-8 has single broken lines; those are for the import to count.
pub(super) fn not_utf8(input: &mut dyn BufRead) -> io::Result<Option<(u64, usize)>> {
    let (mut line, mut first, mut buffer) = (0, None, Vec::new());
    loop {
        buffer.clear();
        let read = input.take(LINE_BYTES_MAX as u64).read_until(b'\n', &mut buffer)?;
        // A line without end is for the import to refuse.
        if read == 0 || read == LINE_BYTES_MAX {
            return Ok(first);
        }
        let is_plain = buffer.is_ascii();
        match str::from_utf8(&buffer) {
            Err(error) if first.is_none() => first = Some((line + 1, error.valid_up_to() + 1)),
            Ok(_) if !is_plain && (line != 0 || !buffer.starts_with(b"\xef\xbb\xbf")) => return Ok(None),
            Ok(_) | Err(_) => {}
        }
        line += u64::from(buffer.ends_with(b"\n"));
    }
}

/// Whether an encoding is UTF-8, which needs no decoding.
pub(super) fn is_utf8(encoding: &'static Encoding) -> bool {
    encoding == UTF_8
}
