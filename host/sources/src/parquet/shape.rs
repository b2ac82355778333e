//! What the columns of a Parquet file hold, by its schema.

use parquet::basic::{ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::schema::types::Type;

/// How a value is written as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    /// As the reader gives it: numbers, truth, texts, days, times.
    Plain,
    /// Text that is JSON.
    Json,
    /// Sixteen bytes.
    Uuid,
    /// A moment as a whole number of this unit since 1970, in UTC or in no zone.
    Moment { unit: Unit, is_utc: bool },
    /// A time of day as nanoseconds since midnight.
    TimeNanos,
    /// Values one behind the other.
    List(Box<Self>),
    /// Values by their texts.
    Map(Box<Self>),
    /// Values by name.
    Group(Vec<Self>),
}

/// What a moment is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Millis,
    Micros,
    Nanos,
}

/// A column that has no form as JSON.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Formless {
    /// Its name, with dots between the levels.
    pub(super) column: String,
    pub(super) what: &'static str,
    pub(super) hint: &'static str,
}

const AS_TEXT: &str = "have whoever writes the file mark it as a string, or leave the column out";

/// The shapes of the columns of a group, in their order.
pub(super) fn of_group(group: &Type) -> Result<Vec<Shape>, Formless> {
    let all = group.get_fields().iter().map(|field| of_field(field));
    all.collect()
}

/// A field with its repetition: one that may stand several times is a list.
fn of_field(field: &Type) -> Result<Shape, Formless> {
    let shape = of(field).map_err(|formless| match formless.column.as_str() {
        "" => Formless { column: field.name().to_owned(), ..formless },
        below => Formless { column: format!("{}.{below}", field.name()), ..formless },
    })?;
    let info = field.get_basic_info();
    let repeats = info.has_repetition() && info.repetition() == Repetition::REPEATED;
    Ok(if repeats { Shape::List(Box::new(shape)) } else { shape })
}

fn of(field: &Type) -> Result<Shape, Formless> {
    if field.is_group() { group(field) } else { primitive(field) }
}

fn group(field: &Type) -> Result<Shape, Formless> {
    let info = field.get_basic_info();
    let is = |logical: fn(&LogicalType) -> bool, converted: &[ConvertedType]| {
        info.logical_type_ref().is_some_and(logical) || converted.contains(&info.converted_type())
    };
    let fields = field.get_fields();
    if is(|logical| matches!(logical, LogicalType::List), &[ConvertedType::LIST])
        && let [repeated] = fields
    {
        return Ok(Shape::List(Box::new(element(repeated)?)));
    }
    if is(|logical| matches!(logical, LogicalType::Map), &[ConvertedType::MAP, ConvertedType::MAP_KEY_VALUE])
        && let [entries] = fields
        && entries.is_group()
        && let [key, value] = entries.get_fields()
    {
        if physical(key) != Some(Physical::BYTE_ARRAY) || of(key)? != Shape::Plain {
            return Err(formless("a map whose keys are no texts", "have them written as texts"));
        }
        return Ok(Shape::Map(Box::new(of(value)?)));
    }
    Ok(Shape::Group(of_group(field)?))
}

/// What a list holds: below the repeated group, or the repeated thing itself where it is no such wrapping (the rules of
/// backward compatibility in the format's "Logical types").
fn element(repeated: &Type) -> Result<Shape, Formless> {
    let wraps = repeated.is_group() && repeated.name() != "array" && !repeated.name().ends_with("_tuple");
    if wraps && let [inner] = repeated.get_fields() {
        return of_field(inner);
    }
    of(repeated)
}

fn primitive(field: &Type) -> Result<Shape, Formless> {
    let info = field.get_basic_info();
    let physical = physical(field);
    if physical == Some(Physical::INT96) {
        return Ok(Shape::Moment { unit: Unit::Millis, is_utc: false });
    }
    match info.logical_type_ref() {
        Some(LogicalType::Timestamp(kind)) => {
            let unit = match kind.unit {
                TimeUnit::MILLIS => Unit::Millis,
                TimeUnit::MICROS => Unit::Micros,
                TimeUnit::NANOS => Unit::Nanos,
            };
            return Ok(Shape::Moment { unit, is_utc: kind.is_adjusted_to_u_t_c });
        }
        Some(LogicalType::Time(kind)) if kind.unit == TimeUnit::NANOS => return Ok(Shape::TimeNanos),
        Some(LogicalType::Uuid) => return Ok(Shape::Uuid),
        Some(LogicalType::Json) => return Ok(Shape::Json),
        Some(LogicalType::Float16) => return Err(formless("a number of 16 bits", "have it written with 32")),
        Some(LogicalType::Bson) => return Err(formless("BSON", "have it written as JSON")),
        _ => {}
    }
    match info.converted_type() {
        ConvertedType::TIMESTAMP_MILLIS => Ok(Shape::Moment { unit: Unit::Millis, is_utc: true }),
        ConvertedType::TIMESTAMP_MICROS => Ok(Shape::Moment { unit: Unit::Micros, is_utc: true }),
        ConvertedType::JSON => Ok(Shape::Json),
        ConvertedType::BSON => Err(formless("BSON", "have it written as JSON")),
        ConvertedType::INTERVAL => Err(formless("a span of time", "have it written as a number or a text")),
        ConvertedType::NONE if matches!(physical, Some(Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY)) => {
            Err(formless("bytes that nobody says are text", AS_TEXT))
        }
        _ => Ok(Shape::Plain),
    }
}

const fn formless(what: &'static str, hint: &'static str) -> Formless {
    Formless { column: String::new(), what, hint }
}

/// The physical type of a field that has one; the library panics where it is asked of a group.
fn physical(field: &Type) -> Option<Physical> {
    field.is_primitive().then(|| field.get_physical_type())
}
