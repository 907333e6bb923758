//! Apache Arrow IPC, files and streams, as tables.
//!
//! The arrow crate decodes the messages. They are read and checked here, as it takes memory by the
//! lengths that the file gives.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::ipc::reader::{FileDecoder, read_footer_length};
use arrow::ipc::{self, Block, CompressionType, MessageHeader};

use crate::columns::Shape;
use crate::guard::guard;
use crate::input::{Input, Progress, Stream};
use crate::pages::plausible;
use crate::seekable::{Seekable, read_full};
use crate::table::ROWS;
use crate::{Error, TableOptions, TableReader};

const MAGIC: &[u8] = b"ARROW1";
const CONTINUATION: [u8; 4] = [0xff; 4];
/// The longest metadata of a message; the widest tables have some megabytes.
const METADATA_BYTES: u64 = 256 << 20;

pub(crate) struct IpcTable {
    label: PathBuf,
    blocks: Blocks,
    decoder: FileDecoder,
    shape: Shape,
    /// A batch of the file, and how many of its rows were handed out.
    batch: Option<(RecordBatch, usize)>,
    done: bool,
}

/// Where messages come from.
enum Blocks {
    File { bytes: Seekable, left: VecDeque<Block>, read: u64, total: u64 },
    Stream { stream: Stream, progress: Progress },
}

pub(crate) fn open(input: Input, options: &TableOptions) -> Result<IpcTable, Error> {
    let label = input.label.clone();
    let open = if input.head.starts_with(MAGIC) { open_file } else { open_stream };
    guard(&label, || open(input, options))
}

fn open_file(input: Input, options: &TableOptions) -> Result<IpcTable, Error> {
    let label = input.label.clone();
    let bytes = input.into_seekable()?;
    let io = |e| Error::read(&label, e);
    let cut = || Error::format(&label, "has no Arrow IPC footer at its end; is the file cut?");
    let end = bytes.len().checked_sub(10).ok_or_else(cut)?;
    let tail: [u8; 10] = bytes.slice(end, 10).map_err(io)?.try_into().map_err(|_| cut())?;
    let footer_len = read_footer_length(tail).map_err(|_| cut())? as u64;
    let footer = bytes.slice(end.checked_sub(footer_len).ok_or_else(cut)?, footer_len).map_err(io)?;
    let footer = ipc::root_as_footer(&footer).map_err(|e| broken(&label, &e))?;
    let schema = schema(&label, footer.schema())?;
    let mut shape = Shape::new(&label, &schema, options.columns.as_deref())?;
    shape.keep_codes(&options.coded);
    let mut decoder = FileDecoder::new(schema, footer.version()).with_projection(shape.projection());
    let left: VecDeque<Block> = footer.recordBatches().into_iter().flatten().copied().collect();
    let dictionaries: Vec<Block> = footer.dictionaries().into_iter().flatten().copied().collect();
    for block in dictionaries {
        let message = read_block(&label, &bytes, &block)?;
        check(&label, &block, &message)?;
        decoder.read_dictionary(&block, &message).map_err(|e| broken(&label, &e))?;
    }
    let total = bytes.len();
    Ok(IpcTable {
        label,
        blocks: Blocks::File { bytes, left, read: 0, total },
        decoder,
        shape,
        batch: None,
        done: false,
    })
}

fn open_stream(input: Input, options: &TableOptions) -> Result<IpcTable, Error> {
    let Input { label, mut stream, progress, .. } = input;
    let Some((_, first)) = next_message(&label, &mut stream)? else {
        return Err(Error::format(&label, "has no Arrow IPC schema"));
    };
    let message = ipc::root_as_message(&first[8..]).map_err(|e| broken(&label, &e))?;
    let schema = schema(&label, message.header_as_schema())?;
    let mut shape = Shape::new(&label, &schema, options.columns.as_deref())?;
    shape.keep_codes(&options.coded);
    let decoder = FileDecoder::new(schema, message.version()).with_projection(shape.projection());
    Ok(IpcTable { label, blocks: Blocks::Stream { stream, progress }, decoder, shape, batch: None, done: false })
}

fn schema(label: &Path, schema: Option<ipc::Schema<'_>>) -> Result<SchemaRef, Error> {
    let schema = schema.ok_or_else(|| Error::format(label, "has no Arrow IPC schema"))?;
    if !schema.endianness().equals_to_target_endianness() {
        return Err(Error::format(label, "was written on a machine of the other endianness, which is not read"));
    }
    let schema: Schema = ipc::convert::try_fb_to_schema(schema).map_err(|e| broken(label, &e))?;
    Ok(Arc::new(schema))
}

fn broken(label: &Path, error: &dyn std::fmt::Display) -> Error {
    Error::format(label, format!("is no readable Arrow IPC: {error}"))
}

impl TableReader for IpcTable {
    fn schema(&self) -> SchemaRef {
        self.shape.schema.clone()
    }

    fn retype(&mut self, options: &TableOptions) {
        self.shape.keep_codes(&options.coded);
    }

    fn progress(&self) -> (u64, Option<u64>) {
        match &self.blocks {
            Blocks::File { read, total, .. } => (*read, Some(*total)),
            Blocks::Stream { progress, .. } => progress.get(),
        }
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, Error> {
        if self.done {
            return Ok(None);
        }
        let label = self.label.clone();
        let next = guard(&label, || self.next());
        self.done = !matches!(next, Ok(Some(_)));
        next
    }
}

impl IpcTable {
    fn next(&mut self) -> Result<Option<RecordBatch>, Error> {
        loop {
            if let Some((batch, from)) = &mut self.batch {
                let rows = (batch.num_rows() - *from).min(ROWS);
                if rows > 0 {
                    let part = batch.slice(*from, rows);
                    *from += rows;
                    return self.shape.apply(&part).map(Some).map_err(|e| broken(&self.label, &e));
                }
            }
            self.batch = None;
            let Some((block, message)) = self.blocks.next(&self.label)? else { return Ok(None) };
            if check(&self.label, &block, &message)? == MessageHeader::DictionaryBatch {
                self.decoder.read_dictionary(&block, &message).map_err(|e| broken(&self.label, &e))?;
                continue;
            }
            let batch = self.decoder.read_record_batch(&block, &message).map_err(|e| broken(&self.label, &e))?;
            self.batch = batch.map(|batch| (batch, 0));
        }
    }
}

impl Blocks {
    /// The next message, its metadata and its body, and where the one ends and the other begins.
    fn next(&mut self, label: &Path) -> Result<Option<(Block, Buffer)>, Error> {
        match self {
            Self::Stream { stream, .. } => next_message(label, stream),
            Self::File { bytes, left, read, .. } => {
                let Some(block) = left.pop_front() else { return Ok(None) };
                let message = read_block(label, bytes, &block)?;
                *read += message.len() as u64;
                Ok(Some((block, message)))
            }
        }
    }
}

fn read_block(label: &Path, bytes: &Seekable, block: &Block) -> Result<Buffer, Error> {
    let size = |len: i64| u64::try_from(len).map_err(|_| broken(label, &"a block has a negative size"));
    let len = size(block.metaDataLength().into())?.saturating_add(size(block.bodyLength())?);
    bytes.slice(size(block.offset())?, len).map(Buffer::from).map_err(|e| broken(label, &e))
}

/// The next message of a stream: its length twice four bytes, its metadata, its body.
fn next_message(label: &Path, stream: &mut Stream) -> Result<Option<(Block, Buffer)>, Error> {
    let io = |e: io::Error| Error::read(label, e);
    let mut word = [0; 4];
    match read_full(stream, &mut word).map_err(io)? {
        // A stream may end without its mark.
        0 => return Ok(None),
        4 => {}
        _ => return Err(broken(label, &"the stream ends within the length of a message")),
    }
    if word == CONTINUATION {
        stream.read_exact(&mut word).map_err(io)?;
    }
    let len = u64::from(u32::from_le_bytes(word));
    if len == 0 {
        return Ok(None);
    }
    if len > METADATA_BYTES {
        return Err(broken(
            label,
            &format!("a message has {len} bytes of metadata; {METADATA_BYTES} at most are read"),
        ));
    }
    // Both are read as they come, so that a length that lies takes no memory.
    let mut message = CONTINUATION.to_vec();
    message.extend(word);
    let part = |stream: &mut Stream, message: &mut Vec<u8>, len: u64, what: &str| {
        let read = stream.take(len).read_to_end(message).map_err(io)? as u64;
        if read < len {
            return Err(broken(
                label,
                &format!("the stream ends after {read} bytes of the {len} of a message's {what}"),
            ));
        }
        Ok(())
    };
    part(stream, &mut message, len, "metadata")?;
    let body = ipc::root_as_message(&message[8..]).map_err(|e| broken(label, &e))?.bodyLength();
    let body_len = u64::try_from(body).map_err(|_| broken(label, &"a message has a body of negative size"))?;
    part(stream, &mut message, body_len, "body")?;
    // The limit above lets the length fit.
    Ok(Some((Block::new(0, len as i32 + 8, body), Buffer::from(message))))
}

/// Refuses lengths that nothing like the message's bytes can unpack to; what kind of message it is.
fn check(label: &Path, block: &Block, message: &[u8]) -> Result<MessageHeader, Error> {
    let metadata = message.get(..block.metaDataLength() as usize).unwrap_or_default();
    let body = message.get(metadata.len()..).unwrap_or_default();
    let start = if metadata.starts_with(&CONTINUATION) { 8 } else { 4 };
    let short = || broken(label, &"a message is shorter than its own length");
    let parsed = ipc::root_as_message(metadata.get(start..).ok_or_else(short)?).map_err(|e| broken(label, &e))?;
    let dictionary = parsed.header_as_dictionary_batch().and_then(|dictionary| dictionary.data());
    let Some(batch) = parsed.header_as_record_batch().or(dictionary) else { return Ok(parsed.header_type()) };
    if let Some(compression) = batch.compression() {
        let zstd = compression.codec() == CompressionType::ZSTD;
        for buffer in batch.buffers().into_iter().flatten() {
            let at = usize::try_from(buffer.offset()).unwrap_or(usize::MAX);
            let Some(Some(unpacked)) = body.get(at..).map(|rest| rest.first_chunk()) else { continue };
            let (packed, unpacked) = (buffer.length(), i64::from_le_bytes(*unpacked));
            if packed > 0 && unpacked > 0 && !plausible(packed as u64, unpacked as u64, zstd) {
                return Err(broken(label, &format!("{packed} bytes of a message say that they unpack to {unpacked}")));
            }
        }
    }
    Ok(parsed.header_type())
}
