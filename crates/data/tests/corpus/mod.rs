//! Small valid files of every format.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::io::{Cursor, Read, Write};
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int64Array, LargeStringArray, RecordBatch};
use arrow::array::{ListArray, StringArray, StringViewArray};
use arrow::datatypes::{Int32Type, Int64Type};
use arrow::ipc::CompressionType;
use arrow::ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterVersion};
use strix_data::Format;
use zip::write::{SimpleFileOptions, ZipWriter};

pub(crate) fn of(format: Format) -> Vec<Vec<u8>> {
    let text = |texts: &[&str]| texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    match format {
        Format::Csv => text(&[
            "a,b,c\n1,2.5,x\n2,,\"y, z\"\n-3,1e5,\"q\"\"q\"\n",
            "1,2\r\n3,4\r\n\r\n5,6\r\n",
            "\u{feff}b,flag\n\"1\n2\",true\n3,false\n",
            "k;\" v \"\n007;1.50\n1,5;\"x\"\n",
        ]),
        Format::Tsv => text(&["a\tb\n1\t2\n3\t4\n", "b\n18446744073709551615\n0\n"]),
        Format::JsonLines => text(&[
            "{\"a\":1,\"b\":\"x\"}\n\n{\"a\":2.5,\"b\":null}\n{\"b\":\"\\u00e9\\n\"}\n",
            "{\"b\":18446744073709551615,\"c\":true}\r\n{\"b\":3,\"c\":false}",
        ]),
        Format::Parquet => vec![
            parquet(&WriterProperties::builder().set_compression(Compression::UNCOMPRESSED).build()),
            parquet(&WriterProperties::builder().set_compression(Compression::SNAPPY).build()),
            parquet(
                &WriterProperties::builder()
                    .set_compression(Compression::ZSTD(ZstdLevel::default()))
                    .set_writer_version(WriterVersion::PARQUET_2_0)
                    .set_dictionary_enabled(false)
                    .build(),
            ),
            parquet(
                &WriterProperties::builder()
                    .set_writer_version(WriterVersion::PARQUET_2_0)
                    .set_dictionary_enabled(false)
                    .build(),
            ),
        ],
        Format::ArrowIpc => vec![
            arrow_file(None),
            arrow_file(Some(CompressionType::ZSTD)),
            arrow_stream(None),
            arrow_stream(Some(CompressionType::LZ4_FRAME)),
        ],
        Format::Npy => vec![
            npy("<f8", "(3,)", &[1.0f64, 2.0, 3.0].map(f64::to_le_bytes).concat()),
            npy(">i4", "(2, 2)", &[1i32, 2, 3, 4].map(i32::to_be_bytes).concat()),
            npy("|b1", "(4,)", &[0, 1, 1, 0]),
            npy("<f2", "(2,)", &[0, 0x3c, 0, 0x40]),
        ],
        Format::Npz => vec![npz(false), npz(true)],
        Format::Idx => vec![
            [&[0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3][..], &[1, 2, 3, 4, 5, 6]].concat(),
            [&[0, 0, 0x0d, 1, 0, 0, 0, 2][..], &1f32.to_be_bytes(), &2f32.to_be_bytes()].concat(),
        ],
    }
}

pub(crate) fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    ::bzip2::read::BzEncoder::new(bytes, ::bzip2::Compression::fast()).read_to_end(&mut packed).unwrap();
    packed
}

pub(crate) fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    liblzma::read::XzEncoder::new(bytes, 1).read_to_end(&mut packed).unwrap();
    packed
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// Columns a (integers), b (floats with nulls), c (text), d (flags), and three more ways to hold text.
pub(crate) fn batch() -> RecordBatch {
    let rows = 40;
    let text: Vec<_> = (0..rows).map(|row| ["x", "yy", "a longer text than the others"][row % 3]).collect();
    let dictionary: DictionaryArray<Int32Type> = text.iter().copied().collect();
    let lists = (0..rows).map(|row| Some((0..row as i64 % 3).map(Some).collect::<Vec<_>>()));
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("a", Arc::new(Int64Array::from_iter_values(0..rows as i64))),
        ("b", Arc::new((0..rows).map(|row| (row % 5 != 0).then_some(row as f64 / 4.0)).collect::<Float64Array>())),
        ("c", Arc::new(StringArray::from(text.clone()))),
        ("d", Arc::new((0..rows).map(|row| Some(row % 2 == 0)).collect::<BooleanArray>())),
        ("e", Arc::new(LargeStringArray::from(text.clone()))),
        ("f", Arc::new(StringViewArray::from(text))),
        ("g", Arc::new(dictionary)),
        ("h", Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(lists))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
}

pub(crate) fn parquet(properties: &WriterProperties) -> Vec<u8> {
    let batch = batch();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties.clone())).unwrap();
    writer.write(&batch).unwrap();
    writer.flush().unwrap();
    writer.write(&batch.slice(3, 5)).unwrap();
    writer.close().unwrap();
    bytes
}

fn options(compression: Option<CompressionType>) -> IpcWriteOptions {
    IpcWriteOptions::default().try_with_compression(compression).unwrap()
}

pub(crate) fn arrow_file(compression: Option<CompressionType>) -> Vec<u8> {
    let batch = batch();
    let mut writer = FileWriter::try_new_with_options(Vec::new(), &batch.schema(), options(compression)).unwrap();
    writer.write(&batch).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

pub(crate) fn arrow_stream(compression: Option<CompressionType>) -> Vec<u8> {
    let batch = batch();
    let mut writer = StreamWriter::try_new_with_options(Vec::new(), &batch.schema(), options(compression)).unwrap();
    writer.write(&batch).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

pub(crate) fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    while (header.len() + 11) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), data].concat()
}

pub(crate) fn npz_of(members: &[(&str, Vec<u8>)], deflate: bool) -> Vec<u8> {
    let method = if deflate { zip::CompressionMethod::Deflated } else { zip::CompressionMethod::Stored };
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(format!("{name}.npy"), SimpleFileOptions::default().compression_method(method)).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn npz(deflate: bool) -> Vec<u8> {
    npz_of(
        &[
            ("a", npy("<i8", "(3,)", &[1i64, 2, 3].map(i64::to_le_bytes).concat())),
            ("b", npy("<f4", "(3,)", &[1f32, 2.5, f32::NAN].map(f32::to_le_bytes).concat())),
            ("flag", npy("|b1", "(3,)", &[1, 0, 1])),
            ("square", npy("<i2", "(2, 2)", &[0; 8])),
        ],
        deflate,
    )
}
