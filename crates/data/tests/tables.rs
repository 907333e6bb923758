//! Tables of every format: their types, their columns, and what is said of those that are wrong.

#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod corpus;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Decimal256Type, Float16Type, Float64Type, Int64Type, UInt64Type};
use corpus::{bzip2, gzip, npy, npz_of, xz};
use strix_data::{
    Chunk, ColumnType, Dtype, Error, Format, Source, TableOptions, Told, format_of, open, open_table, text_label,
};

fn memory(name: &str, bytes: impl AsRef<[u8]>) -> Source {
    Source::Memory { name: name.into(), bytes: bytes.as_ref().into() }
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

fn table_with(source: &Source, options: &TableOptions) -> Result<RecordBatch, Error> {
    let mut reader = open_table(source, options)?;
    let mut batches = Vec::new();
    while let Some(batch) = reader.next_batch()? {
        assert!(batch.num_rows() <= 65_536);
        batches.push(batch);
    }
    let (done, total) = reader.progress();
    assert!(total.is_none_or(|total| done <= total), "{done} of {total:?}");
    Ok(concat_batches(&reader.schema(), &batches).unwrap())
}

fn table(name: &str, bytes: impl AsRef<[u8]>) -> RecordBatch {
    table_with(&memory(name, bytes), &TableOptions::default()).unwrap()
}

fn columns(names: &[&str]) -> TableOptions {
    TableOptions { columns: Some(names.iter().map(ToString::to_string).collect()), ..TableOptions::default() }
}

fn typed(name: &str, kind: ColumnType) -> TableOptions {
    TableOptions { types: vec![(name.into(), kind)], ..TableOptions::default() }
}

fn says(outcome: Result<RecordBatch, Error>, words: &[&str]) {
    let error = outcome.unwrap_err().to_string();
    for word in words {
        assert!(error.contains(word), "{word:?} is not in: {error}");
    }
}

fn fails(name: &str, bytes: impl AsRef<[u8]>, words: &[&str]) {
    says(table_with(&memory(name, bytes), &TableOptions::default()), words);
}

fn names(batch: &RecordBatch) -> Vec<&str> {
    batch.schema_ref().fields().iter().map(|field| field.name().as_str()).collect()
}

fn types(batch: &RecordBatch) -> Vec<DataType> {
    batch.columns().iter().map(|column| column.data_type().clone()).collect()
}

fn ints(batch: &RecordBatch, column: &str) -> Vec<Option<i64>> {
    batch.column_by_name(column).unwrap().as_primitive::<Int64Type>().iter().collect()
}

fn floats(batch: &RecordBatch, column: &str) -> Vec<Option<f64>> {
    batch.column_by_name(column).unwrap().as_primitive::<Float64Type>().iter().collect()
}

fn texts<'a>(batch: &'a RecordBatch, column: &str) -> Vec<Option<&'a str>> {
    batch.column_by_name(column).unwrap().as_string::<i32>().iter().collect()
}

const ALL: &str = "i,u,f,b,t,n\n1,1,1,true,x,\n-2,18446744073709551615,2.5,False,,\n,,,,\"y, z\",\n";

#[test]
fn csv_types_are_told_from_the_cells() {
    let batch = table("a.csv", ALL);
    use DataType::{Boolean, Float64, Int64, UInt64, Utf8};
    assert_eq!(types(&batch), [Int64, UInt64, Float64, Boolean, Utf8, Float64]);
    assert_eq!(ints(&batch, "i"), [Some(1), Some(-2), None]);
    let unsigned: Vec<_> = batch.column(1).as_primitive::<UInt64Type>().iter().collect();
    assert_eq!(unsigned, [Some(1), Some(u64::MAX), None]);
    assert_eq!(floats(&batch, "f"), [Some(1.0), Some(2.5), None]);
    assert_eq!(batch.column(3).as_boolean().iter().collect::<Vec<_>>(), [Some(true), Some(false), None]);
    assert_eq!(texts(&batch, "t"), [Some("x"), None, Some("y, z")]);
    assert_eq!(batch.column(5).null_count(), 3);
}

#[test]
fn text_formats_come_packed_too() {
    let tsv = ALL.replace("\"y, z\"", "y; z").replace(',', "\t");
    let json = "{\"a\":1}\n";
    for (name, bytes) in [("a.csv", ALL.as_bytes()), ("a.tsv", tsv.as_bytes()), ("a.ndjson", json.as_bytes())] {
        let plain = table(name, bytes);
        assert_eq!(table(&format!("{name}.gz"), gzip(bytes)), plain);
        assert_eq!(table(&format!("{name}.zst"), zstd(bytes)), plain);
        assert_eq!(table(&format!("{name}.bz2"), [bzip2(bytes), bzip2(b"")].concat()), plain);
        assert_eq!(table(&format!("{name}.xz"), xz(bytes)), plain);
        // A skippable frame before each frame, as pzstd writes them.
        let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0][..], &[0; 4], &zstd(bytes)].concat();
        assert_eq!(table(&format!("{name}.zst"), skippable), plain);
        // Two members, as from `cat`.
        let half = bytes.len() / 2;
        assert_eq!(table(name, [gzip(&bytes[..half]), gzip(&bytes[half..])].concat()), plain);
        let padded = [gzip(bytes), vec![0; 3_000_000]].concat();
        assert_eq!(table(name, &padded), plain);
        fails(name, [padded, b"x".to_vec()].concat(), &["gzip stream is corrupt", "data is whole", "follow it"]);
        assert_eq!(table("unnamed", gzip(bytes)), plain, "by content, {name}");
    }
}

#[test]
fn types_and_nulls_can_be_given() {
    let source = memory("a.csv", "zip,x\n007,NA\n12,-\n");
    let mut options = typed("zip", ColumnType::Text);
    options.nulls = vec!["NA".into(), "-".into()];
    let batch = table_with(&source, &options).unwrap();
    assert_eq!(texts(&batch, "zip"), [Some("007"), Some("12")]);
    assert_eq!(floats(&batch, "x"), [None, None]);
    says(table_with(&source, &typed("zap", ColumnType::I64)), &["a.csv", "no column \"zap\"", "\"zip\", \"x\""]);
    let words = ["line 2", "\"x\"", "\"NA\"", "not an integer of 64 bits (i64)", "--null NA"];
    says(table_with(&source, &typed("x", ColumnType::I64)), &words);
}

#[test]
fn headers_are_told_from_data() {
    assert_eq!(names(&table("a.csv", "1,2\n3,4\n")), ["0", "1"]);
    assert_eq!(names(&table("a.csv", "a,b\n3,4\n")), ["a", "b"]);
    assert_eq!(names(&table("a.csv", "x,1\ny,2\n")), ["0", "1"]);
    assert_eq!(names(&table("a.csv", "\u{feff}a,b\n1,2\n")), ["a", "b"]);
    let source = memory("a.csv", "1,2\n3,4\n");
    let header = |header| TableOptions { header: Some(header), ..TableOptions::default() };
    assert_eq!(names(&table_with(&source, &header(true)).unwrap()), ["1", "2"]);
    assert_eq!(names(&table_with(&memory("a.csv", "a,b\n"), &header(false)).unwrap()), ["0", "1"]);
    let spaced = table("a.csv", " a , b \n 1 ,\" x \"\n");
    assert_eq!((ints(&spaced, "a"), texts(&spaced, "b")), (vec![Some(1)], vec![Some(" x ")]));
    // Text above numbers makes a header, whatever else is in it, and no question asked of the file changes that.
    for (bytes, header, doubt) in [
        ("country,2020,2021\n49,1,2\n33,3,4\n", true, false),
        ("country,2020\n1,\n2,7\n", true, false),
        (",a,b\n0,1,2\n1,3,4\n", true, false),
        ("1st,2nd\n1,2\n3,4\n", true, false),
        ("flag,t\ntrue,a\nfalse,b\n", true, false),
        ("day,t\n2024-01-01,a\n2024-01-02,b\n", true, false),
        // Only its words speak for a header, or its numbers do.
        (",a,b\n0,x,y\n1,x,y\n", true, true),
        ("east\nwest\n", true, true),
        ("country,2020,2021\nUlm,1,2\nBonn,3,4\n", true, true),
        ("country,1,2,3\nUlm,10,20,5\n", true, true),
        ("Ulm,10\nBonn,20\n", false, true),
        ("Ulm,10,20\nBonn,20,7\n", false, true),
        // A word that may mean a missing value.
        ("1,NA\n2,5\n3,6\n", false, true),
        ("NA,1\n2,3\n", false, true),
        ("2024-01-01,a\n2024-01-02,b\n", false, true),
        ("1.0x,1\n2,3\n", false, false),
        ("1,2\n3,4\n", false, false),
        ("1990,1991\n1.5,2.5\n", false, true),
    ] {
        for wanted in [None, Some("0"), Some("1")] {
            let options =
                TableOptions { columns: wanted.map(|wanted| vec![wanted.to_string()]), ..TableOptions::default() };
            let Ok(mut reader) = open_table(&memory("a.csv", bytes), &options) else { continue };
            let rows = bytes.lines().count() - usize::from(header);
            assert_eq!(reader.next_batch().unwrap().unwrap().num_rows(), rows, "{bytes:?}, {wanted:?}");
            assert_eq!(reader.notes().len(), usize::from(doubt), "{bytes:?}");
            if doubt {
                assert!(reader.notes()[0].contains(&format!("--header {}", !header)), "{:?}", reader.notes());
            }
        }
    }
    fails("a.csv", "a,b\n1\n", &["line 2 has 1 cell,"]);
    says(table_with(&source, &columns(&["x"])), &["no column \"x\""]);
    let years = table_with(&memory("a.csv", "2020,2021\n1,2\n"), &columns(&["2020"]));
    says(years, &["no column \"2020\"", "line 1", "--header true"]);
    let index = table_with(&source, &columns(&["1"])).unwrap();
    assert_eq!(ints(&index, "1"), [Some(2), Some(4)]);
}

#[test]
fn columns_of_one_name_are_told_apart() {
    let source = memory("a.csv", "x,x,y\n1,2,3\n");
    assert_eq!(names(&table("a.csv", "x,x,y\n1,2,3\n")), ["x#1", "x#2", "y"]);
    let batch = table_with(&source, &columns(&["x#2", "x#1", "1"])).unwrap();
    assert_eq!(["x#2", "x#1", "1"].map(|name| ints(&batch, name)), [[Some(2)], [Some(1)], [Some(2)]]);
    says(table_with(&source, &columns(&["x"])), &["2 columns called \"x\"", "\"x#1\" to \"x#2\""]);
    says(table_with(&source, &columns(&["x#3"])), &["no column \"x#3\""]);
}

#[test]
fn cells_are_separated_as_the_file_has_it() {
    for (separator, name) in [(';', "a.csv"), ('|', "a.csv"), ('\t', "a.csv"), ('\t', "a.tsv"), (',', "unnamed")] {
        let batch = table(name, format!("a{separator}b\n1{separator}2\n3{separator}4\n"));
        assert_eq!(
            (ints(&batch, "a"), ints(&batch, "b")),
            (vec![Some(1), Some(3)], vec![Some(2), Some(4)]),
            "{separator:?}"
        );
    }
    let given = TableOptions { separator: Some(b'^'), ..TableOptions::default() };
    assert_eq!(ints(&table_with(&memory("a.csv", "a^b\n1^2\n"), &given).unwrap(), "b"), [Some(2)]);
    assert_eq!(floats(&table("a.csv", "a;b\n1;2.5\n"), "b"), [Some(2.5)]);
    // Text in other encodings, where a mark tells of them.
    let text = "größe;b\n1;x\n";
    let utf16: Vec<u8> = format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(ints(&table("a.csv", &utf16), "größe"), [Some(1)]);
    let unmarked: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    fails("a.csv", &unmarked, &["NUL bytes", "iconv -f UTF-16LE"]);
}

#[test]
fn quotes_are_those_of_the_format() {
    // In TSV a quote is a character; in CSV blanks within quotes are data, and quotes within a cell too.
    let rows = "id\tt\n1\t\"Hello\n2\tWorld\n3\tBye\"\n";
    assert_eq!(texts(&table("q.tsv", rows), "t"), [Some("\"Hello"), Some("World"), Some("Bye\"")]);
    let quoted = TableOptions { quote: Some(true), ..TableOptions::default() };
    let tsv = table_with(&memory("q.tsv", "id\tt\n1\t\"a\tb\"\n"), &quoted).unwrap();
    assert_eq!(texts(&tsv, "t"), [Some("a\tb")]);
    let plain = TableOptions { quote: Some(false), ..TableOptions::default() };
    let csv = table_with(&memory("q.csv", "id,t\n1,\"a\"\n"), &plain).unwrap();
    assert_eq!(texts(&csv, "t"), [Some("\"a\"")]);
    let cells = table("q.csv", "id,t\n1,5\" pipe\n2, \"x\n3,\" y \"\n4, z \n5,\" \"\"q\"\" \"\n");
    let expected = ["5\" pipe", "\"x", " y ", "z", " \"q\" "].map(Some);
    assert_eq!(texts(&cells, "t"), expected);
}

#[test]
fn numbers_whose_text_is_not_their_own_are_known() {
    for (cells, own) in [
        (["01234", "1234"], false),
        (["1.10", "1.1"], false),
        (["+1", "1"], false),
        (["1e3", "7"], false),
        (["-0", "0"], false),
        (["12", "-7"], true),
        (["0.5", "12"], true),
        // Two texts of one f64.
        (["0.1", "0.1000000000000000055"], false),
        (["9007199254740993", "0.5"], false),
        (["9007199254740993", "5"], true),
    ] {
        let source = memory("a.csv", format!("a,b\n{},1\n{},2\n", cells[0], cells[1]));
        let mut reader = open_table(&source, &columns(&["a"])).unwrap();
        assert_eq!(reader.has_own_text(0), own, "{cells:?}");
        let options = TableOptions { texts: vec!["a".into()], ..columns(&["a"]) };
        reader.retype(&options);
        let batch = reader.next_batch().unwrap().unwrap();
        assert_eq!(texts(&batch, &text_label("a")), cells.map(Some));
        assert_eq!(batch.column(0).len(), 2);
    }
    // A number that comes later and is written otherwise is no other value, and is not taken for one.
    let rows: String = (0..70_000).map(|row| format!("{row}\n")).collect();
    let options = TableOptions { own_text: vec!["a".into()], ..columns(&["a"]) };
    let outcome = table_with(&memory("a.csv", format!("a\n{rows}007\n")), &options);
    says(outcome, &["line 70002", "\"007\"", "--type a=text", "--type a=i64"]);
}

#[test]
fn columns_are_chosen_by_name_and_index_in_order() {
    let batch = table_with(&memory("a.csv", ALL), &columns(&["t", "0", "t"])).unwrap();
    assert_eq!(names(&batch), ["t", "0"]);
    assert_eq!(ints(&batch, "0"), [Some(1), Some(-2), None]);
    let both = table_with(&memory("a.csv", ALL), &columns(&["i", "0"])).unwrap();
    assert_eq!((names(&both), ints(&both, "i")), (vec!["i", "0"], ints(&both, "0")));
    let none = table_with(&memory("a.csv", ALL), &columns(&[])).unwrap();
    assert_eq!((none.num_columns(), none.num_rows()), (0, 3));
    says(table_with(&memory("a.csv", ALL), &columns(&["z"])), &["a.csv", "no column \"z\"", "\"i\", \"u\", \"f\""]);
    let wide = (0..30).map(|i| format!("c{i}")).collect::<Vec<_>>().join(",");
    let outcome = table_with(&memory("a.csv", wide), &columns(&["z"]));
    says(outcome, &["first 20 of its 30 columns", "\"c19\""]);
}

#[test]
fn a_csv_cell_that_does_not_fit_is_placed() {
    let mut rows = "a,b\r\n\r\n".to_string();
    (0..70_000).for_each(|i| rows += &format!("{i},\"x\ny\"\r\n"));
    let words = ["a.csv", "column \"a\"", "(i64)", "the first 65536 rows", "line 140003"];
    fails("a.csv", rows.clone() + "1.5,x\n", &[&words[..], &["\"1.5\"", "--type a=f64"]].concat());
    fails("a.csv", rows + "abc,x\n", &[&words[..], &["\"abc\"", "--type a=text"]].concat());
    fails("a.csv", "a,b\n1,2\n\n3\n", &["line 4 has 1 cell,", "first row has 2"]);
    fails("a.csv", b"a\nx\n\xff\n", &["line 3", "not UTF-8"]);
    fails("a.csv", b"\xff,b\nx,1\n", &["line 1", "not UTF-8"]);
    fails("a.csv", "\n\n", &["has no rows"]);
    assert_eq!(table("a.csv", "a,b\n").num_rows(), 0);
    // What is wrong first is said first.
    fails("a.csv", "a,b\n1,2\nx,3\n4\n", &["line 4 has 1"]);
    says(table_with(&memory("a.csv", "a,b\n1,2\nx,3\n4\n"), &typed("a", ColumnType::I64)), &["line 3", "\"x\""]);
}

/// The integers of a column, as text.
fn integers(batch: &RecordBatch, name: &str) -> Vec<String> {
    let column = batch.column_by_name(name).unwrap().as_primitive::<Decimal256Type>();
    (0..column.len()).map(|row| column.value(row).to_string()).collect()
}

#[test]
fn integers_beyond_64_bits_keep_their_digits() {
    let wide = ["12345678901234567890123", "12345678901234567890124", "-7"];
    let mixed = ["18446744073709551615", "-9223372036854775808", "0"];
    let low = ["-9223372036854775809", "-9223372036854775808", "1"];
    for cells in [wide, mixed, low] {
        let csv = memory("a.csv", format!("a,b\n{},\n{},\n{},\n", cells[0], cells[1], cells[2]));
        let lines = cells.map(|cell| format!("{{\"x\":{{\"a\":[1]}}, \"a\" : {cell} ,\"b\":null}}\n")).concat();
        for source in [csv, memory("a.jsonl", lines)] {
            let batch = table_with(&source, &columns(&["a", "b"])).unwrap();
            assert_eq!(integers(&batch, "a"), cells);
            let reader = open_table(&source, &columns(&["a", "b"])).unwrap();
            assert_eq!([0, 1].map(|column| reader.told(column)), [Told::Known, Told::Nothing]);
            let options = TableOptions { types: vec![("a".into(), ColumnType::F64)], ..columns(&["a"]) };
            let numbers = cells.map(|cell| Some(cell.parse::<f64>().unwrap()));
            assert_eq!(floats(&table_with(&source, &options).unwrap(), "a"), numbers);
        }
    }
    let unsigned = TableOptions { types: vec![("a".into(), ColumnType::U64)], ..columns(&["a"]) };
    let batch = table_with(&memory("a.csv", "a\n1\n"), &unsigned).unwrap();
    assert_eq!(types(&batch), [DataType::UInt64]);
    // Beside a fraction, they are numbers.
    for (name, bytes) in [("a.csv", "a\n12345678901234567890123\n0.5\n"), ("a.jsonl", "{\"a\":1e30}\n{\"a\":2}\n")] {
        assert_eq!(types(&table(name, bytes)), [DataType::Float64]);
    }
    let both = table("a.jsonl", "{\"a\":98765432109876543210,\"\\\"\":\"}\",\"b\":98765432109876543211}");
    assert_eq!([integers(&both, "a"), integers(&both, "b")], [["98765432109876543210"], ["98765432109876543211"]]);
    // Of more digits than any type has, they are text.
    let long = "9".repeat(77);
    assert_eq!(texts(&table("a.csv", format!("a\n{long}\n1\n")), "a"), [Some(&*long), Some("1")]);
    let long = memory("a.jsonl", format!("{{\"a\":{long}}}\n"));
    says(table_with(&long, &columns(&["a"])), &["line 1", "up to 76 digits", "--type a=text"]);
    let fraction = "{\"a\":12345678901234567890123}\n{\"a\":0.5}\n";
    assert_eq!(floats(&table("a.jsonl", fraction), "a"), [Some(12345678901234567890123.0), Some(0.5)]);
}

#[test]
fn a_quote_that_is_never_closed_is_no_cell() {
    for (bytes, line) in [
        ("v,k\n1,a\n2,\"b\n3,c\n4,d\n", 3),
        ("v,k\n1,a\n2,\"b", 3),
        ("v,k\n1,a\n\n\"b\n3,c\n", 4),
        ("v,k\n\"1\n\n\",\"\"\"b\"\"\n", 4),
        ("v\n1\n\"", 3),
        ("\"v,k\n1,2\n", 1),
        ("\u{feff}v\r\n1\r\n\"end", 3),
    ] {
        fails("a.csv", bytes, &[&format!("line {line}: a quote opens here"), "never closed"]);
        fails("a.csv.gz", gzip(bytes.as_bytes()), &[&format!("line {line}: a quote opens here")]);
    }
    for bytes in ["v\n1\n\"end\n\"", "\u{feff}v\r\n1\r\n\"end\n\"\r\n\r\n", "v\n\"\"\"\"\nx", "v\n1\nend\n"] {
        assert_eq!(table("a.csv", bytes).num_rows(), 2, "{bytes:?}");
    }
    assert_eq!(table("a.csv", "v,w\n1,").num_rows(), 1);
}

#[test]
fn json_lines_have_the_types_of_their_values() {
    let lines =
        "{\"i\":1,\"f\":1,\"t\":\"é\",\"b\":true}\n\n{\"f\":2.5,\"i\":null,\"u\":18446744073709551615}\r\n{\"x\":null}";
    let batch = table("a.jsonl", lines);
    assert_eq!(names(&batch), ["i", "f", "t", "b", "u", "x"]);
    use DataType::{Boolean, Float64, Int64, UInt64, Utf8};
    assert_eq!(types(&batch), [Int64, Float64, Utf8, Boolean, UInt64, Float64]);
    assert_eq!(ints(&batch, "i"), [Some(1), None, None]);
    assert_eq!(floats(&batch, "f"), [Some(1.0), Some(2.5), None]);
    assert_eq!(texts(&batch, "t"), [Some("é"), None, None]);
    let chosen = table_with(&memory("a.jsonl", "{\"a\":[1,{}],\"b\":1}"), &columns(&["b"])).unwrap();
    assert_eq!(ints(&chosen, "b"), [Some(1)]);
    let text = table_with(&memory("a.jsonl", "{\"a\":1}\n{\"a\":2.5}\n{\"a\":\"x\"}"), &typed("a", ColumnType::Text));
    assert_eq!(texts(&text.unwrap(), "a"), [Some("1"), Some("2.5"), Some("x")]);
    let rare = TableOptions { types: vec![("z".into(), ColumnType::I64)], ..columns(&["z"]) };
    assert_eq!(ints(&table_with(&memory("a.jsonl", "{}\n"), &rare).unwrap(), "z"), [None]);
    // The last of equal keys counts.
    assert_eq!(ints(&table("a.jsonl", "{\"a\":1,\"a\":2}\n{\"a\":3}"), "a"), [Some(2), Some(3)]);
}

#[test]
fn json_lines_say_what_is_wrong_where() {
    fails(
        "a.jsonl",
        "{\"a\":1}\n\n{\"a\":\"x\"}",
        &["a.jsonl: line 3, key \"a\"", "\"x\"", "not an integer", "--type a=text"],
    );
    let nested = |lines: &str| table_with(&memory("a.jsonl", lines), &columns(&["a"]));
    says(nested("{\"a\":1}\n{\"a\":[1]}"), &["line 2: key \"a\" holds an array"]);
    says(nested("{\"a\":{\"b\":1}}"), &["line 1: key \"a\" holds an object"]);
    // Nobody asked for that key.
    let reader = open_table(&memory("a.jsonl", "{\"a\":{\"b\":1},\"c\":2}"), &TableOptions::default()).unwrap();
    assert_eq!((reader.schema().fields().len(), reader.schema().field(0).name().as_str()), (1, "c"));
    assert!(reader.notes()[0].contains("\"a\" holds arrays or objects"), "{:?}", reader.notes());
    fails("a.jsonl", "{\"a\":1}\n{\"a\":", &["line 2", "no JSON object", "EOF"]);
    fails("unnamed", "[\n{\"a\":1},\n{\"a\":2}]", &["line 1", "found an array", "jq"]);
    fails("a.json", "[{\"a\":1}]", &["line 1", "expected a JSON object, found an array", "jq"]);
    fails("a.jsonl", "{}\n17", &["line 2", "found no object"]);
    fails("a.jsonl", "{\"a\":1} x", &["line 1", "trailing"]);
    fails("a.jsonl", "\n \n", &["no rows"]);
    // A key may come late; one that never comes is known when all was read.
    let rows = "{\"a\":1,\"b\":2}\n".repeat(70_000);
    let mut reader = open_table(&memory("a.jsonl", rows + "{\"c\":5}"), &columns(&["c", "d"])).unwrap();
    let mut last = None;
    while let Some(batch) = reader.next_batch().unwrap() {
        last = Some(batch);
    }
    assert_eq!(floats(&last.unwrap(), "c").last(), Some(&Some(5.0)));
    let [(name, error)] = &reader.absent()[..] else { panic!("{:?}", reader.absent()) };
    assert_eq!(name, "d");
    assert!(error.to_string().contains("no column \"d\"; its columns are \"a\", \"b\""), "{error}");
    let unread = TableOptions { types: vec![("d".into(), ColumnType::F64)], ..columns(&["a"]) };
    says(table_with(&memory("a.jsonl", "{\"a\":1}"), &unread), &["no column \"d\""]);
    // Text is a number where the options say so.
    let numbers = table_with(&memory("a.jsonl", "{\"a\":\"1.5\"}\n{\"a\":2}"), &typed("a", ColumnType::F64)).unwrap();
    assert_eq!(floats(&numbers, "a"), [Some(1.5), Some(2.0)]);
    let mut lines = String::new();
    (0..70_000).for_each(|i| lines += &format!("{{\"a\":{i}}}\n"));
    fails("a.jsonl", lines + "{\"a\":0.5}\n", &["line 70001", "0.5", "first 65536 rows", "--type a=f64"]);
}

#[test]
fn typed_files_keep_their_types() {
    let expected = corpus::batch();
    for (format, name) in [(Format::Parquet, "a.parquet"), (Format::ArrowIpc, "a.feather")] {
        for bytes in corpus::of(format) {
            for (name, bytes) in [(name, gzip(&bytes)), ("unnamed", zstd(&bytes)), (name, bytes)] {
                let source = memory(name, bytes);
                let all = table_with(&source, &TableOptions::default()).unwrap();
                assert_eq!(names(&all), ["a", "b", "c", "d", "e", "f", "g", "h"]);
                for text in ["c", "e", "f", "g"] {
                    assert_eq!(texts(&all, text)[..40], texts(&expected, "c"), "{text}");
                }
                assert_eq!(floats(&all, "b")[..40], floats(&expected, "b"));
                let some = table_with(&source, &columns(&["g", "0"])).unwrap();
                assert_eq!(names(&some), ["g", "0"]);
                assert_eq!(ints(&some, "0")[..40], ints(&expected, "a"));
                let both = table_with(&source, &columns(&["g", "0", "a"])).unwrap();
                assert_eq!((names(&both), ints(&both, "0")), (vec!["g", "0", "a"], ints(&both, "a")));
                let none = table_with(&source, &columns(&[])).unwrap();
                assert_eq!(none.num_rows(), all.num_rows());
                says(table_with(&source, &columns(&["z"])), &["no column \"z\"", "\"a\", \"b\""]);
            }
        }
    }
}

#[test]
fn large_arrow_batches_are_cut() {
    let column = arrow::array::Int64Array::from_iter_values(0..150_000);
    let batch = RecordBatch::try_from_iter([("a", std::sync::Arc::new(column) as _)]).unwrap();
    let mut writer = arrow::ipc::writer::FileWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    let read = table("a.arrow", writer.into_inner().unwrap());
    assert_eq!(read.column(0), batch.column(0));
}

#[test]
fn zeros_pack_into_very_little() {
    let column = arrow::array::Int64Array::from_iter_values(std::iter::repeat_n(0, 10_000_000));
    let batch = RecordBatch::try_from_iter([("a", std::sync::Arc::new(column) as _)]).unwrap();
    let options = arrow::ipc::writer::IpcWriteOptions::default();
    let options = options.try_with_compression(Some(arrow::ipc::CompressionType::ZSTD)).unwrap();
    let mut writer =
        arrow::ipc::writer::FileWriter::try_new_with_options(Vec::new(), &batch.schema(), options).unwrap();
    writer.write(&batch).unwrap();
    let bytes = writer.into_inner().unwrap();
    assert!(bytes.len() < 10_000, "{}", bytes.len());
    assert_eq!(table("a.arrow", bytes).num_rows(), 10_000_000);
}

#[test]
fn cut_and_damaged_typed_files_are_refused() {
    for (format, name) in [(Format::Parquet, "a.parquet"), (Format::ArrowIpc, "a.arrow"), (Format::Npz, "a.npz")] {
        let bytes = &corpus::of(format)[0];
        fails(name, &bytes[..bytes.len() / 2], &[name]);
        let packed = gzip(bytes);
        fails(&format!("{name}.gz"), &packed[..packed.len() / 2], &["gzip stream is corrupt"]);
        fails(name, "PAR1", &[name]);
    }
    let stream = &corpus::of(Format::ArrowIpc)[2];
    fails("a.arrows", &stream[..stream.len() - 400], &["Arrow IPC", "ends after"]);
    fails("a.csv.zst", &zstd(ALL.as_bytes())[..40], &["zstd stream is corrupt"]);
    fails("a.csv", "", &["is empty: 0 bytes"]);
}

#[test]
fn the_arrays_of_an_npz_are_columns() {
    let a = npy("<i8", "(3,)", &[1i64, -2, 3].map(i64::to_le_bytes).concat());
    let h = npy(">f2", "(3,)", &[0x3c, 0, 0x40, 0, 0x7e, 0]);
    let flag = npy("|b1", "(3,)", &[1, 0, 1]);
    let square = npy("<i2", "(1, 3)", &[0; 6]);
    for deflate in [false, true] {
        let members = [("a", a.clone()), ("h", h.clone()), ("flag", flag.clone()), ("square", square.clone())];
        let bytes = npz_of(&members, deflate);
        let batch = table("a.npz", &bytes);
        assert_eq!(names(&batch), ["a", "h", "flag"]);
        assert_eq!(ints(&batch, "a"), [Some(1), Some(-2), Some(3)]);
        let halves = batch.column(1).as_primitive::<Float16Type>();
        assert_eq!((halves.value(0).to_f32(), halves.value(1).to_f32()), (1.0, 2.0));
        assert!(halves.value(2).is_nan());
        assert_eq!(batch.column(2).as_boolean().iter().collect::<Vec<_>>(), [Some(true), Some(false), Some(true)]);
        let source = memory("a.npz", &bytes);
        assert_eq!(names(&table_with(&source, &columns(&["flag", "a"])).unwrap()), ["flag", "a"]);
        assert_eq!(table_with(&source, &columns(&[])).unwrap().num_rows(), 3);
        let indexed = table_with(&source, &columns(&["2", "a", "0"])).unwrap();
        assert_eq!((names(&indexed), ints(&indexed, "0")), (vec!["2", "a", "0"], ints(&batch, "a")));
        assert_eq!(open(&source, Some("3"), None).unwrap().dtype(), Dtype::I16);
        says(table_with(&source, &columns(&["square"])), &["\"square\"", "shape [1, 3]", "one dimension"]);
        says(table_with(&source, &columns(&["z"])), &["no column \"z\"", "\"a\", \"h\""]);
        let array = open(&source, Some("square.npy"), None).unwrap();
        assert_eq!((array.dtype(), array.elements()), (Dtype::I16, Some(3)));
        let error = open(&source, None, None).err().unwrap().to_string();
        assert!(error.contains("has 4 arrays; name one of \"a\", \"h\""), "{error}");
        let error = open(&source, Some("z"), None).err().unwrap().to_string();
        assert!(error.contains("no array \"z\"; its arrays are \"a\", \"h\""), "{error}");
    }
    let two = npy("<i8", "(2,)", &[0; 16]);
    fails("a.npz", npz_of(&[("a", a.clone()), ("b", two)], false), &["\"a\" has 3", "\"b\" has 2", "one length"]);
    let lie = npy("<i8", "(4,)", &[0; 24]);
    fails("a.npz", npz_of(&[("a", lie)], true), &["array \"a\"", "truncated", "4 elements"]);
    fails("a.npz", npz_of(&[("s", npy("<U3", "(1,)", &[0; 12]))], true), &["array \"s\"", "dtype '<U3'"]);
    let mut damaged = npz_of(&[("a", a)], false);
    let at = damaged.windows(8).position(|bytes| bytes == (-2i64).to_le_bytes()).unwrap();
    damaged[at] ^= 1;
    fails("a.npz", damaged, &["array \"a\"", "CRC-32"]);
}

fn chunks(source: &Source) -> Result<Vec<Chunk>, Error> {
    let mut reader = open(source, None, None)?;
    let mut chunks = Vec::new();
    while let Some(chunk) = reader.next_chunk()? {
        chunks.push(chunk.clone());
    }
    Ok(chunks)
}

#[test]
fn npy_and_idx_come_packed_and_of_all_types() {
    // As Python 2 wrote shapes, and in the byte order of the machine.
    let three = [1.0f64, 2.0, 4.0].map(f64::to_le_bytes).concat();
    for bytes in [npy("<f8", "(3L,)", &three), npy("=f8", "(3,)", &[1.0f64, 2.0, 4.0].map(f64::to_ne_bytes).concat())] {
        assert_eq!(chunks(&memory("old.npy", bytes)).unwrap(), [Chunk::F64(vec![1.0, 2.0, 4.0])]);
    }
    let bools = npy("|b1", "(3,)", &[1, 0, 1]);
    let halves = npy("<f2", "(1,)", &[0, 0x3c]);
    let bytes = corpus::of(Format::Idx).remove(0);
    let expected = [
        (bools, "a.npy", Chunk::Bool(vec![true, false, true])),
        (halves, "a.npy", Chunk::F16(vec![half::f16::ONE])),
        (bytes, "a.idx", Chunk::U8(vec![1, 2, 3, 4, 5, 6])),
    ];
    for (bytes, name, chunk) in expected {
        assert_eq!(chunks(&memory(&format!("{name}.gz"), gzip(&bytes))).unwrap(), std::slice::from_ref(&chunk));
        assert_eq!(chunks(&memory("unnamed", zstd(&bytes))).unwrap(), std::slice::from_ref(&chunk));
        assert_eq!(chunks(&memory(name, bytes)).unwrap(), [chunk]);
    }
    let refused = |bytes: Vec<u8>| chunks(&memory("a.npy", bytes)).unwrap_err().to_string();
    let error = refused(npy("|b1", "(3,)", &[1, 0, 2]));
    assert!(error.contains("element 2") && error.contains("byte 2"), "{error}");
    let error = refused([&b"\x93NUMPY\x02\x00\xff\xff\xff\x7f"[..], b"{"].concat());
    assert!(error.contains("2147483647 bytes") && error.contains("65536"), "{error}");
    let nested = [&b"\x93NUMPY\x01\x00\x00\x80"[..], &[b'('; 0x8000]].concat();
    assert!(refused(nested).contains("nest more than 8"), "deep");
    // Six levels in a row of them: what the parser takes longest for.
    let wide = "((((((1,),),),),),),".repeat(0x7000 / 20);
    let wide = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({wide}");
    let len = (wide.len() as u16).to_le_bytes();
    assert!(refused([&b"\x93NUMPY\x01\x00"[..], &len, wide.as_bytes()].concat()).contains("header is broken"));
}

#[test]
fn arrays_are_no_tables_nor_the_other_way_round() {
    fails("a.npy", corpus::of(Format::Npy).remove(0), &["a.npy", "npy array", "no columns"]);
    let error = open(&memory("a.csv", ALL), None, None).err().unwrap().to_string();
    assert!(error.contains("csv table and no array"), "{error}");
    let error = open(&memory("a.npy", corpus::of(Format::Npy).remove(0)), Some("x"), None).err().unwrap().to_string();
    assert!(error.contains("npy") && error.contains("\"x\""), "{error}");
}

#[test]
fn formats_are_told_by_name_then_by_content() {
    for format in Format::ALL {
        assert_eq!(format.to_string().parse(), Ok(format));
        // A table of one column has no separator to tell it by.
        for bytes in corpus::of(format).into_iter().take(if format == Format::Tsv { 1 } else { 4 }) {
            assert_eq!(format_of(&memory("unnamed", gzip(&bytes)), None).unwrap(), format);
            assert_eq!(format_of(&memory("a.idx", &bytes), Some(format)).unwrap(), format);
        }
    }
    assert_eq!(format_of(&memory("A.CSV.XZ", "a;b\n"), None).unwrap(), Format::Csv);
    assert_eq!(format_of(&memory("t10k-images-idx3-ubyte.gz", "x"), None).unwrap(), Format::Idx);
    // First bytes say more than a name, and an archive is no table.
    for format in [Format::Parquet, Format::ArrowIpc, Format::Npy, Format::Idx] {
        let bytes = corpus::of(format).remove(0);
        assert_eq!(format_of(&memory("a.csv", &bytes), None).unwrap(), format);
        let error = format_of(&memory("a.csv", &bytes), Some(Format::Csv)).unwrap_err().to_string();
        assert!(error.contains("cannot be read as csv") && error.contains(format.name()), "{error}");
    }
    let error = format_of(&memory("a.xlsx", b"PK\x03\x04"), Some(Format::Csv)).unwrap_err().to_string();
    assert!(error.contains("ZIP archive"), "{error}");
    let error = format_of(&memory("x", b"\x7fELF\x00\x01\x02"), None).unwrap_err().to_string();
    assert!(error.contains("\\x7fELF") && error.contains("csv, tsv, jsonl, parquet"), "{error}");
    assert!("xml".parse::<Format>().unwrap_err().contains("npz, idx"));
    assert!("int".parse::<ColumnType>().unwrap_err().contains("bool, i64, u64, integer, f64, text"));
}

#[test]
fn files_are_read_as_memory_is() {
    let folder = tempfile::tempdir().unwrap();
    for format in Format::ALL.into_iter().filter(|format| format.is_table()) {
        for bytes in corpus::of(format) {
            let path = folder.path().join(format!("a.{format}"));
            std::fs::write(&path, &bytes).unwrap();
            let source = Source::from(path.as_path());
            let options = TableOptions { format: Some(format), ..TableOptions::default() };
            let expected = table_with(&memory("a", &bytes), &options).unwrap();
            // A NaN is equal to nothing, so it is the text that is compared.
            assert_eq!(format!("{:?}", table_with(&source, &options).unwrap()), format!("{expected:?}"));
        }
    }
    let missing = Source::from(folder.path().join("none.csv"));
    says(table_with(&missing, &TableOptions::default()), &["none.csv", "cannot open it"]);
    says(table_with(&Source::from(folder.path()), &TableOptions::default()), &["is a directory"]);
}
