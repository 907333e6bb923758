//! One row group of a Parquet file, whose pages are checked before they are decoded.

use std::sync::Arc;

use parquet::arrow::arrow_reader::RowGroups;
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::serialized_reader::SerializedPageReader;

use crate::delta;
use crate::seekable::Seekable;

pub(crate) struct RowGroup<'a> {
    pub(crate) bytes: Arc<Seekable>,
    pub(crate) metadata: &'a ParquetMetaData,
    pub(crate) index: usize,
}

impl RowGroup<'_> {
    fn group(&self) -> &RowGroupMetaData {
        self.metadata.row_group(self.index)
    }
}

impl RowGroups for RowGroup<'_> {
    fn num_rows(&self) -> usize {
        usize::try_from(self.group().num_rows()).unwrap_or(0)
    }

    fn column_chunks(&self, column: usize) -> Result<Box<dyn PageIterator>> {
        let column = self.group().column(column);
        let inner = SerializedPageReader::new(self.bytes.clone(), column, self.num_rows(), None)?;
        let descr = column.column_descr();
        let levels = [descr.max_rep_level() > 0, descr.max_def_level() > 0];
        Ok(Box::new(Pages(Some(Box::new(Checked { inner, levels })))))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(std::iter::once(self.group()))
    }

    fn metadata(&self) -> &ParquetMetaData {
        self.metadata
    }
}

/// The pages of one column chunk.
struct Pages(Option<Box<dyn PageReader>>);

impl Iterator for Pages {
    type Item = Result<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.take().map(Ok)
    }
}

impl PageIterator for Pages {}

struct Checked {
    inner: SerializedPageReader<Seekable>,
    /// Whether pages have repetition and definition levels.
    levels: [bool; 2],
}

impl Checked {
    /// The encoded values of a data page, behind its levels; `None` where the decoder finds the fault.
    fn values<'a>(&self, page: &'a Page) -> Option<&'a [u8]> {
        match page {
            Page::DictionaryPage { .. } => None,
            Page::DataPageV2 { buf, def_levels_byte_len, rep_levels_byte_len, .. } => {
                buf.get(*def_levels_byte_len as usize..)?.get(*rep_levels_byte_len as usize..)
            }
            Page::DataPage { buf, def_level_encoding, rep_level_encoding, .. } => {
                let mut data = &buf[..];
                for (there, encoding) in self.levels.into_iter().zip([rep_level_encoding, def_level_encoding]) {
                    if there && *encoding == Encoding::RLE {
                        let (len, rest) = data.split_first_chunk()?;
                        data = rest.get(u32::from_le_bytes(*len) as usize..)?;
                    } else if there {
                        // Bit-packed levels are older than the delta encodings.
                        return None;
                    }
                }
                Some(data)
            }
        }
    }
}

impl PageReader for Checked {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = self.inner.get_next_page()?;
        if let Some(page) = &page
            && let Some(data) = self.values(page)
        {
            let checked = delta::check(page.encoding(), data, page.num_values().into());
            checked.map_err(|what| ParquetError::General(format!("a page is damaged: {what}")))?;
        }
        Ok(page)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.inner.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.inner.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.inner.at_record_boundary()
    }
}

impl Iterator for Checked {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}
