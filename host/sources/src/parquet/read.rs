//! The rows of a Parquet file.

use std::fs::File;
use std::io::{self, Write};

use jiff::civil::{DateTime, Time, date};
use jiff::{SignedDuration, Span, Timestamp};
use parquet::data_type::AsBytes as _;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::{Field, Row};

use crate::parquet::shape::{self, Shape, Unit};
use crate::parquet::unread::Unread;

/// Rows between two looks at whether somebody asks to stop.
const ROWS_AT_ONCE: u64 = 4_096;

const DAMAGED: &str = "get the file anew, or wait until it is whole";

/// Writes the rows of a file as lines of JSON, an object each.
///
/// Returns the names of its columns. A damaged file can make the library panic: it reads on a thread of its own, so that it costs this read and no more.
///
/// # Errors
/// If the file is damaged, cut off or encrypted, has a column that has no form as JSON, or the lines cannot be written.
pub(in super::super) fn to_lines(
    file: File,
    output: &mut (dyn Write + Send),
    is_asked: &(dyn Fn() -> bool + Sync),
) -> Result<Vec<String>, Unread> {
    std::thread::scope(|scope| scope.spawn(|| write_lines(file, output, is_asked)).join())
        .unwrap_or_else(|_| Err(Unread::new("it is a Parquet file that is damaged", DAMAGED)))
}

fn write_lines(file: File, output: &mut dyn Write, is_asked: &dyn Fn() -> bool) -> Result<Vec<String>, Unread> {
    let reader = SerializedFileReader::new(file).map_err(|error| unopened(&error))?;
    let schema = reader.metadata().file_metadata().schema();
    let names = schema.get_fields().iter().map(|field| field.name().to_owned()).collect();
    let shapes = shape::of_group(schema).map_err(|formless| {
        Unread::new(format!("its column `{}` is {}", formless.column, formless.what), formless.hint)
    })?;
    let rows = reader.get_row_iter(None).map_err(|error| damaged(0, &error))?;
    let mut line = Vec::new();
    for (row, number) in rows.zip(1_u64..) {
        let row = row.map_err(|error| damaged(number, &error))?;
        if number.is_multiple_of(ROWS_AT_ONCE) && is_asked() {
            return Err(Unread::new("somebody asked to stop", "run it again"));
        }
        line.clear();
        object(&row, &shapes, &mut line).map_err(|NoValue(what)| {
            Unread::new(format!("row {number} has {what}"), "mend it where the file is written")
        })?;
        line.push(b'\n');
        output.write_all(&line)?;
    }
    Ok(names)
}

fn unopened(error: &ParquetError) -> Unread {
    let text = error.to_string();
    if text.contains("encrypt") {
        return Unread::new("it is a Parquet file that is encrypted", "have it written without encryption");
    }
    Unread::new(format!("it is no Parquet file that is whole ({text})"), DAMAGED)
}

fn damaged(row: u64, error: &ParquetError) -> Unread {
    Unread::new(format!("it is a Parquet file that is damaged at row {row} ({error})"), DAMAGED)
}

/// A value that cannot be written; says what it is.
struct NoValue(&'static str);

impl From<io::Error> for NoValue {
    fn from(_: io::Error) -> Self {
        Self("more than fits into memory")
    }
}

fn object(row: &Row, shapes: &[Shape], out: &mut Vec<u8>) -> Result<(), NoValue> {
    out.push(b'{');
    for (at, ((name, field), shape)) in row.get_column_iter().zip(shapes).enumerate() {
        if at > 0 {
            out.push(b',');
        }
        text(name, out);
        out.push(b':');
        value(field, shape, out)?;
    }
    out.push(b'}');
    Ok(())
}

fn text(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
}

fn value(field: &Field, shape: &Shape, out: &mut Vec<u8>) -> Result<(), NoValue> {
    match (field, shape) {
        (Field::Null, _) => out.extend_from_slice(b"null"),
        (Field::Group(row), Shape::Group(shapes)) => object(row, shapes, out)?,
        (Field::ListInternal(list), Shape::List(shape)) => {
            let elements = list.elements().iter().map(|element| (None, element));
            several((b'[', b']'), elements, shape, out)?;
        }
        (Field::MapInternal(map), Shape::Map(shape)) => {
            let mut entries = Vec::with_capacity(map.len());
            for (key, value) in map.entries() {
                let Field::Str(key) = key else { return Err(NoValue("a map whose keys are no texts")) };
                entries.push((Some(key.as_str()), value));
            }
            several((b'{', b'}'), entries.into_iter(), shape, out)?;
        }
        // What is no JSON makes its row a bad line, which is told with its number.
        (Field::Str(json), Shape::Json) => out.extend(json.bytes().map(|byte| if byte == b'\n' { b' ' } else { byte })),
        (Field::Bytes(bytes), Shape::Uuid) => text(&uuid(bytes.as_bytes()), out),
        (Field::TimestampMillis(count), Shape::Moment { is_utc, .. }) => moment(*count, Unit::Millis, *is_utc, out)?,
        (Field::TimestampMicros(count), Shape::Moment { is_utc, .. }) => moment(*count, Unit::Micros, *is_utc, out)?,
        (Field::Long(count), Shape::Moment { unit, is_utc }) => moment(*count, *unit, *is_utc, out)?,
        (Field::Long(nanos), Shape::TimeNanos) => time(SignedDuration::from_nanos(*nanos), out)?,
        (field, _) => plain(field, out)?,
    }
    Ok(())
}

fn several<'a>(
    (open, close): (u8, u8),
    values: impl Iterator<Item = (Option<&'a str>, &'a Field)>,
    shape: &Shape,
    out: &mut Vec<u8>,
) -> Result<(), NoValue> {
    out.push(open);
    for (at, (key, field)) in values.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        if let Some(key) = key {
            text(key, out);
            out.push(b':');
        }
        value(field, shape, out)?;
    }
    out.push(close);
    Ok(())
}

fn plain(field: &Field, out: &mut Vec<u8>) -> Result<(), NoValue> {
    match field {
        Field::Bool(value) => write!(out, "{value}")?,
        Field::Byte(number) => write!(out, "{number}")?,
        Field::Short(number) => write!(out, "{number}")?,
        Field::Int(number) => write!(out, "{number}")?,
        Field::Long(number) => write!(out, "{number}")?,
        Field::UByte(number) => write!(out, "{number}")?,
        Field::UShort(number) => write!(out, "{number}")?,
        Field::UInt(number) => write!(out, "{number}")?,
        Field::ULong(number) => write!(out, "{number}")?,
        // With the digits that its own width needs; what is no number is null.
        Field::Float(number) => serde_json::to_writer(out, number).map_err(io::Error::from)?,
        Field::Double(number) => serde_json::to_writer(out, number).map_err(io::Error::from)?,
        Field::Decimal(_) => write!(out, "{field}")?,
        Field::Str(value) => text(value, out),
        Field::Date(days) => {
            let day = date(1970, 1, 1).checked_add(Span::new().try_days(*days).map_err(|_| NoValue(OUT_OF_RANGE))?);
            text(&day.map_err(|_| NoValue(OUT_OF_RANGE))?.to_string(), out);
        }
        Field::TimeMillis(count) => time(SignedDuration::from_millis(i64::from(*count)), out)?,
        Field::TimeMicros(count) => time(SignedDuration::from_micros(*count), out)?,
        _ => return Err(NoValue("a value that its column has no name for")),
    }
    Ok(())
}

const OUT_OF_RANGE: &str = "a day or a moment outside the years -9999 to 9999";

fn moment(count: i64, unit: Unit, is_utc: bool, out: &mut Vec<u8>) -> Result<(), NoValue> {
    let at = match unit {
        Unit::Millis => Timestamp::from_millisecond(count),
        Unit::Micros => Timestamp::from_microsecond(count),
        Unit::Nanos => Timestamp::from_nanosecond(i128::from(count)),
    };
    let at = at.map_err(|_| NoValue(OUT_OF_RANGE))?;
    if is_utc {
        text(&at.to_string(), out);
    } else {
        let plain: DateTime = at.to_zoned(jiff::tz::TimeZone::UTC).datetime();
        text(&plain.to_string(), out);
    }
    Ok(())
}

fn time(since_midnight: SignedDuration, out: &mut Vec<u8>) -> Result<(), NoValue> {
    let time = Time::midnight().checked_add(since_midnight).map_err(|_| NoValue("a time of day that no day has"))?;
    text(&time.to_string(), out);
    Ok(())
}

/// Sixteen bytes as people write them.
fn uuid(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}
