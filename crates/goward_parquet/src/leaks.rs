//! The table of `goward leaks`: one row per group of goroutines and snapshot.

use std::io::{BufRead, Write};
use std::sync::Arc;

use anyhow::Context;
use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use serde::Deserialize;

/// So many rows are held and written at a time.
const GROUP: usize = 1 << 16;

/// The order is that of the fields of [`Row`].
const SCHEMA: &str = "message leaks {
    required binary instance (UTF8);
    required binary snapshot (UTF8);
    optional double seconds;
    optional binary operation (UTF8);
    optional binary function (UTF8);
    optional binary file (UTF8);
    optional int64 line;
    optional binary entry (UTF8);
    optional binary created_by (UTF8);
    required int64 count;
    optional int64 wait_minutes;
    required int64 found_by_leak_detector;
}";

/// One row, as `goward` prints it.
#[derive(Deserialize)]
struct Row {
    /// The process or machine.
    instance: String,
    /// The profile, dump or address.
    snapshot: String,
    /// When it was taken, in seconds since 1970, where it says so.
    seconds: Option<f64>,
    /// What the goroutines wait in.
    operation: Option<String>,
    /// Where they wait.
    function: Option<String>,
    file: Option<String>,
    line: Option<i64>,
    /// The function that they were started as.
    entry: Option<String>,
    /// The function that started them.
    created_by: Option<String>,
    /// How many there are.
    count: i64,
    /// The longest wait.
    wait_minutes: Option<i64>,
    /// How many of them Go's leak detector found.
    found_by_leak_detector: i64,
}

/// Reads rows, one JSON object a line, and writes them as one Parquet file.
pub(crate) fn write(input: impl BufRead, output: &mut (impl Write + Send)) -> anyhow::Result<()> {
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by(concat!("goward ", env!("CARGO_PKG_VERSION")).to_owned())
        .build();
    let mut writer = SerializedFileWriter::new(output, schema, Arc::new(properties))?;
    let mut rows = Vec::new();
    for (number, line) in input.lines().enumerate() {
        let line = line.context("cannot read the rows")?;
        let row: Row = serde_json::from_str(&line)
            .with_context(|| format!("row {} is none of `goward leaks`", number + 1))?;
        rows.push(row);
        if rows.len() == GROUP {
            write_group(&mut writer, &std::mem::take(&mut rows))?;
        }
    }
    if !rows.is_empty() {
        write_group(&mut writer, &rows)?;
    }
    writer.close()?;
    Ok(())
}

fn write_group<W: Write + Send>(
    writer: &mut SerializedFileWriter<W>,
    rows: &[Row],
) -> anyhow::Result<()> {
    let mut group = writer.next_row_group()?;
    text(&mut group, rows, |row| Some(&row.instance))?;
    text(&mut group, rows, |row| Some(&row.snapshot))?;
    column::<DoubleType, _>(&mut group, rows, |row| row.seconds)?;
    text(&mut group, rows, |row| row.operation.as_ref())?;
    text(&mut group, rows, |row| row.function.as_ref())?;
    text(&mut group, rows, |row| row.file.as_ref())?;
    column::<Int64Type, _>(&mut group, rows, |row| row.line)?;
    text(&mut group, rows, |row| row.entry.as_ref())?;
    text(&mut group, rows, |row| row.created_by.as_ref())?;
    column::<Int64Type, _>(&mut group, rows, |row| Some(row.count))?;
    column::<Int64Type, _>(&mut group, rows, |row| row.wait_minutes)?;
    column::<Int64Type, _>(&mut group, rows, |row| Some(row.found_by_leak_detector))?;
    group.close()?;
    Ok(())
}

fn text<'r, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    rows: &'r [Row],
    value: impl Fn(&'r Row) -> Option<&'r String>,
) -> anyhow::Result<()> {
    column::<ByteArrayType, _>(group, rows, |row| {
        value(row).map(|text| ByteArray::from(text.as_str()))
    })
}

/// Writes one column: the values that there are, and for each row whether there is one.
fn column<'r, T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    rows: &'r [Row],
    value: impl Fn(&'r Row) -> Option<T::T>,
) -> anyhow::Result<()> {
    let mut values = Vec::with_capacity(rows.len());
    let mut levels = Vec::with_capacity(rows.len());
    for row in rows {
        let value = value(row);
        levels.push(i16::from(value.is_some()));
        values.extend(value);
    }
    let mut column = group
        .next_column()?
        .context("the table has fewer columns than a row")?;
    column
        .typed::<T>()
        .write_batch(&values, Some(&levels), None)?;
    column.close()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use parquet::file::reader::{FileReader, SerializedFileReader};

    /// The rows of the file that these rows become.
    fn written(rows: &str) -> anyhow::Result<Vec<String>> {
        let mut file = tempfile::tempfile()?;
        write(rows.as_bytes(), &mut file)?;
        let reader = SerializedFileReader::new(file)?;
        let rows = reader.get_row_iter(None)?;
        Ok(rows
            .map(|row| row.map(|row| row.to_string()))
            .collect::<Result<_, _>>()?)
    }

    #[test]
    fn rows_come_back() {
        let row = r#"{"instance":"a","snapshot":"s","seconds":null,"operation":"channel-send","function":"main.é","file":"/x.go","line":7,"entry":null,"created_by":null,"count":3,"wait_minutes":5,"found_by_leak_detector":0}"#;
        let found = written(&format!("{row}\n{}\n", row.replace("\"a\"", "\"b\""))).unwrap();
        assert_eq!(
            found,
            ["a", "b"].map(|instance| format!("{{instance: \"{instance}\", snapshot: \"s\", seconds: null, operation: \"channel-send\", function: \"main.é\", file: \"/x.go\", line: 7, entry: null, created_by: null, count: 3, wait_minutes: 5, found_by_leak_detector: 0}}"))
        );
        assert!(written("").unwrap().is_empty());
        let error = format!("{:#}", written("{}\n").unwrap_err());
        assert!(
            error.starts_with("row 1 is none of `goward leaks`"),
            "{error}"
        );
    }
}
