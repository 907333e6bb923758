//! Large input in bounded memory. In a file of its own, as the measure is the whole process.

#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::io::Write;
use std::sync::Arc;

use arrow::array::{RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use peak_alloc::PeakAlloc;
use strix_data::{Error, Format, Source, TableOptions, open_table};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// `begin`, then `part` so many times over, packed into little.
fn packed(begin: &str, part: &[u8], times: usize) -> Source {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(begin.as_bytes()).unwrap();
    (0..times).for_each(|_| packed.write_all(part).unwrap());
    Source::Memory { name: "large".into(), bytes: packed.finish().unwrap().into() }
}

/// The rows, or the error, of reading it all in at most `limit` bytes.
fn read(source: &Source, format: Format, limit: usize) -> Result<usize, Error> {
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    let outcome = (|| {
        let options = TableOptions { format: Some(format), ..TableOptions::default() };
        let mut reader = open_table(source, &options)?;
        let mut rows = 0;
        while let Some(batch) = reader.next_batch()? {
            rows += batch.num_rows();
        }
        Ok(rows)
    })();
    let peak = MEMORY.peak_usage() - before;
    assert!(peak < limit, "{peak} bytes of memory, {limit} are allowed");
    outcome
}

/// A Parquet file of one row group, of text that is `len` bytes a row.
fn long_text(rows: usize, len: usize, dictionary: bool) -> Source {
    let schema = Arc::new(Schema::new(vec![Field::new("t", DataType::Utf8, false)]));
    let properties = WriterProperties::builder().set_dictionary_enabled(dictionary).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), schema.clone(), Some(properties)).unwrap();
    for from in (0..rows).step_by(1000) {
        let text = (from..from + 1000).map(|row| Some(format!("{:0len$}", if dictionary { row % 7 } else { row })));
        let batch = RecordBatch::try_new(schema.clone(), vec![Arc::new(text.collect::<StringArray>())]).unwrap();
        writer.write(&batch).unwrap();
    }
    Source::Memory { name: "long.parquet".into(), bytes: writer.into_inner().unwrap().into() }
}

#[test]
fn memory_is_bounded() {
    let mib = [b'x'; 1 << 20];
    let says = |source: &Source, format, words: &[&str]| {
        let error = read(source, format, 320 << 20).unwrap_err().to_string();
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    };
    // 200 MB each.
    says(&packed("a,b\n1,\"", &mib, 200), Format::Csv, &["line 2", "64 MiB", "is a quote left open?"]);
    says(&packed("", &[b','; 1 << 20], 200), Format::Csv, &["line 1", "64 MiB"]);
    says(&packed("{\"a\":1}\n{\"a\":\"", &mib, 200), Format::JsonLines, &["line 2", "64 MiB"]);
    says(&packed("{\"a\":", &[b'['; 1 << 20], 200), Format::JsonLines, &["line 1"]);

    let rows = 300_000;
    let row = format!("1,2.5,{}\n", "a".repeat(600));
    assert_eq!(read(&packed("", row.as_bytes(), rows), Format::Csv, 320 << 20).unwrap(), rows);
    let line = format!("{{\"a\":1,\"b\":\"{}\"}}\n", "a".repeat(600));
    assert_eq!(read(&packed("", line.as_bytes(), rows), Format::JsonLines, 320 << 20).unwrap(), rows);
    // In Parquet, plain and by a dictionary: 200 MB and 1.2 GB of text.
    for (rows, len, dictionary) in [(10_000, 20_000, false), (60_000, 20_000, true)] {
        let source = long_text(rows, len, dictionary);
        assert_eq!(read(&source, Format::Parquet, 100 << 20).unwrap(), rows);
    }
    // Rows of ten thousand cells: few to a batch.
    let wide = "1,".repeat(9_999) + "1\n";
    assert_eq!(read(&packed("", wide.as_bytes(), 5_000), Format::Csv, 320 << 20).unwrap(), 5_000);
}
