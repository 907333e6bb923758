//! Opens a source of numbers by what it is, as a stream of typed chunks.

use std::io::Read;

use crate::format::format_with_head;
use crate::input::Input;
use crate::raw::RawReader;
use crate::{Chunk, Dtype, Error, Format, Source, archive, idx, npy};

/// A stream of chunks of one type.
pub trait ChunkReader: Send {
    /// The type of all elements.
    fn dtype(&self) -> Dtype;

    /// How many elements the header promises, where there is a header.
    fn elements(&self) -> Option<u64>;

    /// Whether the elements come in C order, the last index fastest, so that their places are those of NumPy's
    /// flat indices.
    fn is_c_order(&self) -> bool {
        true
    }

    /// The next chunk, `None` at the end. After an error the reader is of no more use.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::Format`], naming the place.
    fn next_chunk(&mut self) -> Result<Option<&Chunk>, Error>;
}

impl<R: Read + Send + 'static> RawReader<R> {
    fn boxed(self) -> Box<dyn ChunkReader> {
        Box::new(self)
    }
}

/// Opens the numbers of an array: `.npy` (version 1 to 3, C or Fortran order, either endianness), IDX
/// (`.idx`, or named as the official files are, such as `t10k-images-idx3-ubyte`), or one array of a
/// `.npz`; each may be packed with gzip or zstd. The format is as `format` says, or as
/// [`format_of`](crate::format_of) finds it.
///
/// `array` names an array of the `.npz`, with or without its `.npy`, or by its index from 0; an archive of one
/// array needs none. Elements come in file order. Of Fortran-ordered data that is the transposed order: what
/// does not ask for places, as a sum does not, is the same.
///
/// # Errors
/// [`Error::Io`] when it cannot be read; [`Error::Format`] when it is a table or none of these formats,
/// its elements are no numbers, or there is no such array.
pub fn open(source: &Source, array: Option<&str>, format: Option<Format>) -> Result<Box<dyn ChunkReader>, Error> {
    let input = Input::open(source)?;
    let label = input.label.clone();
    let format = format_with_head(source, format, &input.head)?;
    if let (Some(array), Format::Npy | Format::Idx) = (array, format) {
        let what =
            format!("is a {format} file, which holds one array and no names, so no {array:?}; leave the name out");
        return Err(Error::format(&label, what));
    }
    match format {
        Format::Npy => Ok(npy::open(&label, input.stream)?.boxed()),
        Format::Idx => Ok(idx::open(&label, input.stream)?.boxed()),
        Format::Npz => Ok(archive::open_array(input, array)?.boxed()),
        table => {
            let what = format!("is a {table} table and no array; name the columns of interest with --column");
            Err(Error::format(&label, what))
        }
    }
}
