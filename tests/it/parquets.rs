//! Parquet files: every type that a column may have, and what cannot be read.

use std::sync::Arc;

use crate::exports::Desk;
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArray, FixedLenByteArrayType, FloatType,
    Int32Type, Int64Type,
};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

/// A column with its values, as the library's writer takes them.
pub(crate) struct Column {
    /// Its line of the schema.
    schema: String,
    values: Values,
    definitions: Vec<i16>,
    repetitions: Option<Vec<i16>>,
}

enum Values {
    Texts(Vec<ByteArray>),
    Fixed(Vec<FixedLenByteArray>),
    Booleans(Vec<bool>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Floats(Vec<f32>),
    Doubles(Vec<f64>),
}

/// Which values are there, and they themselves.
fn there<T, U>(values: &[Option<T>], make: impl Fn(&T) -> U) -> (Vec<i16>, Vec<U>) {
    (values.iter().map(|value| i16::from(value.is_some())).collect(), values.iter().flatten().map(make).collect())
}

impl Column {
    fn new(schema: String, values: Values, definitions: Vec<i16>) -> Self {
        Self { schema, values, definitions, repetitions: None }
    }

    pub(crate) fn texts(name: &str, values: &[Option<&str>]) -> Self {
        Self::bytes(&format!("optional binary {name} (STRING)"), values)
    }

    fn bytes(schema: &str, values: &[Option<&str>]) -> Self {
        let (definitions, values) = there(values, |text| ByteArray::from(*text));
        Self::new(schema.to_owned(), Values::Texts(values), definitions)
    }

    pub(crate) fn booleans(name: &str, values: &[Option<bool>]) -> Self {
        let (definitions, values) = there(values, |value| *value);
        Self::new(format!("optional boolean {name}"), Values::Booleans(values), definitions)
    }

    /// Days since 1970.
    pub(crate) fn dates(name: &str, values: &[Option<i32>]) -> Self {
        Self::int32(&format!("optional int32 {name} (DATE)"), values)
    }

    fn int32(schema: &str, values: &[Option<i32>]) -> Self {
        let (definitions, values) = there(values, |value| *value);
        Self::new(schema.to_owned(), Values::Int32(values), definitions)
    }

    fn int64(schema: &str, values: &[Option<i64>]) -> Self {
        let (definitions, values) = there(values, |value| *value);
        Self::new(schema.to_owned(), Values::Int64(values), definitions)
    }

    /// Numbers without their point, and how many digits stand behind it.
    pub(crate) fn decimals(name: &str, values: &[i128], scale: u32) -> Self {
        let bytes = values.iter().map(|value| FixedLenByteArray::from(value.to_be_bytes().to_vec())).collect();
        let schema = format!("optional fixed_len_byte_array(16) {name} (DECIMAL(38,{scale}))");
        Self::new(schema, Values::Fixed(bytes), vec![1; values.len()])
    }

    pub(crate) fn lists(name: &str, values: &[Option<Vec<String>>]) -> Self {
        let (mut definitions, mut repetitions, mut texts) = (Vec::new(), Vec::new(), Vec::new());
        for value in values {
            let Some(list) = value.as_deref().filter(|list| !list.is_empty()) else {
                definitions.push(i16::from(value.is_some()));
                repetitions.push(0);
                continue;
            };
            for (at, text) in list.iter().enumerate() {
                definitions.push(3);
                repetitions.push(i16::from(at > 0));
                texts.push(ByteArray::from(text.as_str()));
            }
        }
        let schema =
            format!("optional group {name} (LIST) {{ repeated group list {{ optional binary element (STRING); }} }}");
        Self { schema, values: Values::Texts(texts), definitions, repetitions: Some(repetitions) }
    }
}

/// A file with these columns, each with as many rows.
pub(crate) fn file(columns: &[Column]) -> Vec<u8> {
    let fields: String = columns.iter().map(|column| semicolon(&column.schema)).collect();
    let schema = parse_message_type(&format!("message people {{ {fields} }}")).expect("a schema");
    let mut bytes = Vec::new();
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(&mut bytes, Arc::new(schema), properties).expect("a writer");
    let mut group = writer.next_row_group().expect("a row group");
    for column in columns {
        let mut to = group.next_column().expect("it is well").expect("a column");
        match &column.values {
            Values::Texts(values) => put::<ByteArrayType>(&mut to, values, column),
            Values::Fixed(values) => put::<FixedLenByteArrayType>(&mut to, values, column),
            Values::Booleans(values) => put::<BoolType>(&mut to, values, column),
            Values::Int32(values) => put::<Int32Type>(&mut to, values, column),
            Values::Int64(values) => put::<Int64Type>(&mut to, values, column),
            Values::Floats(values) => put::<FloatType>(&mut to, values, column),
            Values::Doubles(values) => put::<DoubleType>(&mut to, values, column),
        }
        to.close().expect("it is closed");
    }
    group.close().expect("it is closed");
    writer.close().expect("it is closed");
    bytes
}

fn semicolon(schema: &str) -> String {
    if schema.ends_with('}') { schema.to_owned() } else { format!("{schema};") }
}

fn put<T: DataType>(to: &mut parquet::file::writer::SerializedColumnWriter<'_>, values: &[T::T], column: &Column) {
    let written = to.typed::<T>().write_batch(values, Some(&column.definitions), column.repetitions.as_deref());
    written.expect("it is written");
}

fn desk(bytes: &[u8], more: &str) -> Desk {
    let desk = Desk::new(&format!("file = \"people.parquet\"\n{more}"));
    desk.write("people.parquet", bytes);
    desk
}

fn ids(count: usize) -> Column {
    let names: Vec<String> = (1..=count).map(|number| format!("u{number}")).collect();
    Column::texts("id", &names.iter().map(|name| Some(name.as_str())).collect::<Vec<_>>())
}

#[test]
fn every_type_of_a_column_has_its_form() {
    let uuid: Vec<u8> = (0..16).collect();
    let columns = [
        ids(1),
        Column::texts("plan", &[Some("gold")]),
        Column::int32("optional int32 small (INTEGER(8,true))", &[Some(-7)]),
        Column::int64("optional int64 large (INTEGER(64,false))", &[Some(-1)]),
        Column::int64("optional int64 price (DECIMAL(18,2))", &[Some(110)]),
        Column::decimals("exact", &[-12_345_678_901_234_567_890], 10),
        Column::new("optional float f".to_owned(), Values::Floats(vec![0.1]), vec![1]),
        Column::new("optional double d".to_owned(), Values::Doubles(vec![f64::NAN]), vec![1]),
        Column::booleans("vip", &[Some(true)]),
        Column::dates("born", &[Some(-1)]),
        Column::int64("optional int64 at_utc (TIMESTAMP(MICROS,true))", &[Some(1_704_157_445_120_000)]),
        Column::int64("optional int64 at_home (TIMESTAMP(MILLIS,false))", &[Some(1_704_157_445_000)]),
        Column::int64("optional int64 fine (TIMESTAMP(NANOS,true))", &[Some(1)]),
        Column::int32("optional int32 opens (TIME(MILLIS,false))", &[Some(3_600_000)]),
        Column::new(
            "optional fixed_len_byte_array(16) device (UUID)".to_owned(),
            Values::Fixed(vec![FixedLenByteArray::from(uuid)]),
            vec![1],
        ),
        Column::bytes("optional binary extra (JSON)", &[Some("{\"a\":\n[1.50]}")]),
        Column::lists("tags", &[Some(vec!["a".to_owned(), "b".to_owned()])]),
        Column::texts("none", &[None]),
    ];
    let desk = desk(&file(&columns), "");
    assert_eq!(desk.import()["added"], 1);
    let stored = desk.stored("u1");
    for expect in [
        r#""plan":"gold""#,
        r#""small":-7"#,
        r#""large":18446744073709551615"#,
        r#""price":1.10"#,
        r#""f":0.1"#,
        r#""d":null"#,
        r#""vip":true"#,
        r#""born":"1969-12-31""#,
        r#""at_utc":"2024-01-02T01:04:05.12Z""#,
        r#""at_home":"2024-01-02T01:04:05""#,
        r#""fine":"1970-01-01T00:00:00.000000001Z""#,
        r#""opens":"01:00:00""#,
        r#""device":"00010203-0405-0607-0809-0a0b0c0d0e0f""#,
        r#""exact":-1234567890.1234567890"#,
        r#""extra":{"a":[1.50]}"#,
        r#""tags":["a","b"]"#,
        r#""none":null"#,
    ] {
        assert!(stored.contains(expect), "{expect} in {stored}");
    }
    assert_eq!(desk.import()["unchanged"], 1);
}

#[test]
fn columns_go_where_the_operator_wants_them_and_patterns_read_each_file_once() {
    let desk = Desk::new("file = \"days/*.parquet\"\ncolumns = { mail = \"identifiers.email\" }");
    desk.write("days/1.parquet", &file(&[ids(1), Column::texts("mail", &[Some("ann@example.com")])]));
    assert_eq!(desk.import()["added"], 1);
    desk.write("days/2.parquet", &file(&[ids(2), Column::texts("mail", &[None, Some("bo@example.com")])]));
    let read = desk.import().to_string();
    assert!(read.contains(r#""added":1"#), "{read}");
}

#[test]
fn a_column_that_is_not_there_is_named_and_changes_nobody() {
    let desk = desk(&file(&[ids(1), Column::texts("mail", &[Some("ann@example.com")])]), "");
    assert_eq!(desk.import()["added"], 1);
    desk.write(
        "audiences.toml",
        b"[source.crm]\nfile = \"people.parquet\"\ncolumns = { mial = \"identifiers.email\" }\n",
    );
    let told = desk.failure();
    assert!(told.contains("there is no column `mial`") && told.contains("did you mean `mail`"), "{told}");
}

#[test]
fn what_cannot_be_read_says_why_and_keeps_what_was_there() {
    let whole = file(&[ids(2), Column::texts("plan", &[Some("gold"), None])]);
    let desk = desk(&whole, "");
    assert_eq!(desk.import()["added"], 2);
    let fails = |bytes: &[u8], expect: &str| {
        desk.write("people.parquet", bytes);
        let told = desk.failure();
        assert!(told.contains(expect), "{expect} in {told}");
    };
    fails(&whole[..whole.len() - 9], "no Parquet file that is whole");
    fails(&whole[..12], "no Parquet file that is whole");
    fails(b"id,plan\nu1,gold\n", "it is no Parquet file");
    fails(&[b"PARE".as_slice(), &whole[4..whole.len() - 4], b"PARE"].concat(), "encrypted");
    let mut torn = whole.clone();
    torn[4..40].fill(0xff);
    fails(&torn, "damaged");
    fails(&file(&[ids(1), Column::bytes("optional binary raw", &[Some("x")])]), "its column `raw` is bytes");
    let without = file(&[Column::texts("plan", &[Some("gold")])]);
    desk.write("people.parquet", &without);
    assert!(desk.failure().contains("`id` is missing"), "a file without the column of ids");
    desk.write("people.parquet", &whole);
    assert_eq!(desk.import()["unchanged"], 2);
}

#[test]
fn a_name_or_a_word_says_that_it_is_parquet() {
    let bytes = file(&[ids(1)]);
    let unnamed = Desk::new("file = \"people.bin\"\nformat = \"ndjson\"");
    unnamed.write("people.bin", &bytes);
    assert!(unnamed.failure().contains("format = \\\"parquet\\\""), "{}", unnamed.failure());
    let named = Desk::new("file = \"people.bin\"\nformat = \"parquet\"");
    named.write("people.bin", &bytes);
    assert_eq!(named.import()["added"], 1);
}
