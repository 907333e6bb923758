//! Opens a source of rows by what it is, as a stream of Arrow record batches.

use std::fmt;
use std::str::FromStr;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};

use crate::cells::{Evidence, Kind};
use crate::format::format_with_head;
use crate::input::Input;
use crate::{Error, Format, Source, csv, ipc, jsonl, npz, parquet};

/// Rows of a batch at most.
pub(crate) const ROWS: usize = 1 << 16;
/// Bytes, roughly, after which a batch ends before it has all its rows. Several batches are under way at once.
pub(crate) const BATCH_BYTES: usize = 16 << 20;

/// How to read a table.
#[derive(Debug, Clone, Default)]
pub struct TableOptions {
    /// The format; `None` to tell it by name or content.
    pub format: Option<Format>,
    /// The columns to read, each once, in that order and under these names; others are not even parsed. `None`
    /// is all of them. But in JSON Lines, whose keys have no order, an index from 0 also names a column, if no
    /// column has it as its name.
    pub columns: Option<Vec<String>>,
    /// Types of columns of CSV, TSV and JSON Lines, rather than what their first rows look like.
    pub types: Vec<(String, ColumnType)>,
    /// Columns of CSV and TSV that are read as text too, whatever their type is: they come after the others, under
    /// the names that [`text_label`] gives.
    pub texts: Vec<String>,
    /// Columns of CSV and TSV in which a number must be written as numbers are, without zeros that could be left out,
    /// a plus sign or an exponent: of such numbers, different texts are different values.
    pub own_text: Vec<String>,
    /// Columns of Parquet and Arrow IPC whose text may come as dictionaries, `Int32` codes of `Utf8` values, in batches that have
    /// it stored so: to tell values apart, codes do. [`TableReader::schema`] says `Utf8` all the same.
    pub coded: Vec<String>,
    /// Texts that mean a missing value in CSV and TSV, besides the empty cell.
    pub nulls: Vec<String>,
    /// Whether the first row of CSV and TSV names the columns; `None` to tell by its looks, and those of the rows
    /// after it. It does when it has text above numbers, when all of it is text, or when it has text beside numbers that
    /// are years or follow one another.
    pub header: Option<bool>,
    /// What separates the cells of CSV and TSV, an ASCII character; `None` is the tab in TSV, and in CSV that of
    /// `,`, `;`, tab and `|` of which all first rows have as many.
    pub separator: Option<u8>,
    /// Whether cells of CSV and TSV may be quoted by `"`; `None` is yes in CSV and no in TSV.
    pub quote: Option<bool>,
}

/// The name under which a column of [`TableOptions::texts`] comes: one that no column of a file has.
pub fn text_label(column: &str) -> String {
    format!("{column}\0text")
}

/// A type that a column of text can be read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColumnType {
    /// `true` and `false`.
    Bool,
    /// Signed integers of 64 bits.
    I64,
    /// Unsigned integers of 64 bits.
    U64,
    /// Integers of up to 76 digits.
    Integer,
    /// Floating point numbers of 64 bits.
    F64,
    /// Text, as it is.
    Text,
}

impl ColumnType {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Bool, Self::I64, Self::U64, Self::Integer, Self::F64, Self::Text];

    /// Its name, which [`FromStr`] reads again.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::I64 => "i64",
            Self::U64 => "u64",
            Self::Integer => "integer",
            Self::F64 => "f64",
            Self::Text => "text",
        }
    }
}

impl ColumnType {
    /// The Arrow type of its columns.
    pub fn data_type(self) -> DataType {
        Kind::from(self).data_type()
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for ColumnType {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| format!("unknown type {name:?}; known are {}", Self::ALL.map(Self::name).join(", ")))
    }
}

/// What the type of a column was told from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Told {
    /// From the file itself, the user, or values that are of the type.
    Known,
    /// From nothing: none of the first rows of a text file has a value.
    Nothing,
}

impl From<Option<Evidence>> for Told {
    fn from(evidence: Option<Evidence>) -> Self {
        match evidence {
            None | Some(Evidence::Values(_)) => Self::Known,
            Some(Evidence::None) => Self::Nothing,
        }
    }
}

/// A stream of rows.
pub trait TableReader: Send {
    /// The columns of every batch; see [`TableOptions::coded`] for other forms of text.
    fn schema(&self) -> SchemaRef;

    /// What the type of a column of `schema` was told from.
    fn told(&self, _column: usize) -> Told {
        Told::Known
    }

    /// Whether the numbers of a column of `schema` are written as numbers are, as far as was read: see
    /// [`TableOptions::own_text`]. Only text has other ways to write them.
    fn has_own_text(&self, _column: usize) -> bool {
        true
    }

    /// Reads the columns as `options` says by its `types`, `texts`, `own_text` and `coded`, as if it had been opened with
    /// them. For what can be opened only once; before the first batch. Typed files have the types that they have.
    fn retype(&mut self, _options: &TableOptions) {}

    /// The wanted columns that no row has had so far, and what an error says of each. Only keys of JSON Lines may be
    /// missing: they may first appear in a later row, or in another file.
    fn absent(&self) -> Vec<(String, Error)> {
        Vec::new()
    }

    /// What was decided in doubt, and how to decide otherwise.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }

    /// The row of the file, from 0, with which the last batch begins; `None` where batches come one after the other.
    fn first_row(&self) -> Option<u64> {
        None
    }

    /// How much was read, and of how much if that is known: bytes of the file, or rows.
    fn progress(&self) -> (u64, Option<u64>);

    /// The next rows, 65,536 at most, `None` at the end. They come in the file's order, but for Parquet, whose row groups are
    /// read side by side: see [`TableReader::first_row`]. After an error the reader is of no more use.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::Format`], naming the place.
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, Error>;
}

/// Opens the rows of a table; each of the formats may be packed with gzip, zstd, bzip2 or xz.
///
/// * CSV and TSV: the first batch decides each column's type: all cells are integers of 64 bits
///   (`Int64`, or `UInt64` where one needs it and none is negative), else integers (`Decimal256`), else numbers
///   (`Float64`), else `true` or `false` (`Boolean`), else text (`Utf8`). An empty cell is missing; a column of those
///   alone is `Float64`. Integers of more than 76 digits are text, as `Float64` would make different ones equal.
///   Blanks around a cell do not belong to it, unless they are in quotes. Without a header the columns are "0", "1"
///   and so on. Text in UTF-16 and UTF-32 is read where a byte order mark says so.
/// * JSON Lines: likewise by the JSON types; a missing key is a missing value. The columns are those named, or the
///   keys of the first batch in the order in which they appear.
/// * Parquet and Arrow IPC: as they are, but for dictionaries, run-end encoding, and the other forms of text, bytes
///   and decimals, which become plain values, `Utf8`, `Binary` and `Decimal128`; UUIDs are text, and times of
///   Parquet's INT96 are in microseconds.
/// * npz: each 1-D array of numbers is a column; without `columns`, other arrays are left out.
///
/// What has to be sought (Parquet, Arrow IPC files, npz) and cannot be, since it is packed or comes
/// through a pipe, is first copied to an anonymous temporary file.
///
/// # Errors
/// [`Error::Io`] when it cannot be read; [`Error::Format`] when it is an array or no known format, or a
/// column of `columns` or `types` is not there.
pub fn open_table(source: &Source, options: &TableOptions) -> Result<Box<dyn TableReader>, Error> {
    let input = Input::open(source)?;
    Ok(match format_with_head(source, options.format, &input.head)? {
        Format::Csv => Box::new(csv::open(input, None, options)?),
        Format::Tsv => Box::new(csv::open(input, Some(b'\t'), options)?),
        Format::JsonLines => Box::new(jsonl::open(input, options)?),
        Format::Parquet => Box::new(parquet::open(input, options)?),
        Format::ArrowIpc => Box::new(ipc::open(input, options)?),
        Format::Npz => Box::new(npz::open(input, options)?),
        array @ (Format::Npy | Format::Idx) => {
            let what =
                format!("is a {array} array, which has no columns; tables are csv, tsv, jsonl, parquet, arrow, npz");
            return Err(Error::format(&input.label, what));
        }
    })
}
