//! States as bytes: canonical, versioned, and refused where they do not belong.
//!
//! # The form
//! All integers are little-endian.
//!
//! | bytes | what |
//! | --- | --- |
//! | 6 | `STRIX\0` |
//! | 2 | version of the form, [`VERSION`] |
//! | 4 + s | the aggregator's [`Signature`], as its length and UTF-8 text |
//! | 8 | items pushed |
//! | 8 + p | the payload: the state in [postcard](https://postcard.jamesmunns.com/wire-format) form |
//! | 4 | CRC-32 (IEEE) of all before it |
//!
//! Equal states have equal bytes: maps are written in the order of their keys, and any NaN among sums as one.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Aggregator, Error};

/// The version of the byte form that this crate writes and reads.
pub const VERSION: u16 = 2;

/// Items that a stored state may claim: more than any machine has counted, and few enough that sums of
/// 64-bit integers and their squares stay inside their accumulators.
pub const MOST_ITEMS: u64 = 1 << 56;

const MAGIC: &[u8; 6] = b"STRIX\0";

/// An aggregator's name, its parameters and its item type, such as `histogram(edges=[0, 1]) of f32`.
pub type Signature = String;

/// An aggregator whose state can leave the process.
pub trait Portable<T>: Aggregator<T, State: Serialize + DeserializeOwned> {
    /// What the state belongs to. Two aggregators of one signature can merge their states.
    fn signature(&self) -> Signature;

    /// Refuses a state that no pass over `items` items, some of which may have been left out, leads to: one that counts more
    /// of them ([`check_count`]), or has another number of bins. That a state of no items is the empty one is checked
    /// elsewhere.
    ///
    /// # Errors
    /// What is wrong with it.
    fn check(&self, _state: &Self::State, _items: u64) -> Result<(), String> {
        Ok(())
    }
}

/// A state's bytes, with the number of items that it saw.
///
/// ```
/// use strix_reduce::{Aggregator, Block, Mean, state};
/// let bytes = state::to_bytes::<f64, _>(&Mean, &Mean.state_of(&[1.0f64, 2.0]), 2)?;
/// let (state, items) = state::from_bytes::<f64, _>(&Mean, &bytes)?;
/// assert_eq!((Aggregator::<f64>::finish(&Mean, state), items), (Some(1.5), 2));
/// # Ok::<(), strix_reduce::Error>(())
/// ```
///
/// # Errors
/// [`Error::State`] for a state that cannot be stored, such as one of more than [`MOST_ITEMS`] items.
pub fn to_bytes<T, A: Portable<T>>(aggregator: &A, state: &A::State, items: u64) -> Result<Vec<u8>, Error> {
    if items > MOST_ITEMS {
        return Err(Error::State(format!("it holds {items} items, but at most {MOST_ITEMS} can be counted on")));
    }
    aggregator.check(state, items).map_err(Error::State)?;
    let payload = payload(state)?;
    check_empty::<T, A>(aggregator, items, &payload).map_err(Error::State)?;
    Ok(Envelope { signature: aggregator.signature(), items, payload }.to_bytes())
}

/// The state in `bytes`, and the number of items that it saw.
///
/// # Errors
/// [`Error::State`] when they are damaged or of another version, aggregator or parameters, naming both.
pub fn from_bytes<T, A: Portable<T>>(aggregator: &A, bytes: &[u8]) -> Result<(A::State, u64), Error> {
    let envelope = Envelope::from_bytes(bytes)?;
    let expected = aggregator.signature();
    if envelope.signature != expected {
        let found = envelope.signature;
        return Err(Error::State(format!("it belongs to {found}, not to {expected}; states of one kind merge")));
    }
    let (state, rest) = postcard::take_from_bytes::<A::State>(&envelope.payload)
        .map_err(|e| Error::State(format!("the payload of {expected} is damaged: {e}")))?;
    if !rest.is_empty() {
        return Err(Error::State(format!("{} bytes follow the payload of {expected}", rest.len())));
    }
    let sound = aggregator.check(&state, envelope.items);
    sound
        .and_then(|()| check_empty::<T, A>(aggregator, envelope.items, &envelope.payload))
        .map_err(|what| Error::State(format!("the payload of {expected} is damaged: {what}")))?;
    // One state has one form, so another form of it was not written by us.
    if payload(&state)? != envelope.payload {
        return Err(Error::State(format!("the payload of {expected} is not in canonical form")));
    }
    Ok((state, envelope.items))
}

fn payload<S: Serialize>(state: &S) -> Result<Vec<u8>, Error> {
    postcard::to_stdvec(state).map_err(|e| Error::State(format!("it cannot be written: {e}")))
}

/// Refuses what is not empty as the state of no items.
fn check_empty<T, A: Portable<T>>(aggregator: &A, items: u64, payload: &[u8]) -> Result<(), String> {
    let is_empty = || self::payload(&aggregator.identity()).is_ok_and(|empty| empty == payload);
    if items > 0 || is_empty() { Ok(()) } else { Err("it is a state of some items, and they are said to be 0".into()) }
}

/// A stored state before its payload is understood: enough to say what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// What it belongs to.
    pub signature: Signature,
    /// Items pushed.
    pub items: u64,
    /// The state in postcard form.
    pub payload: Vec<u8>,
}

impl Envelope {
    /// The whole form.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.payload.len() + self.signature.len() + 64);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&(self.signature.len() as u32).to_le_bytes());
        bytes.extend_from_slice(self.signature.as_bytes());
        bytes.extend_from_slice(&self.items.to_le_bytes());
        bytes.extend_from_slice(&(self.payload.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&self.payload);
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }

    /// Reads the whole form.
    ///
    /// # Errors
    /// [`Error::State`] when they are no state, of another version, cut short or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let mut rest = bytes;
        let magic = take(&mut rest, MAGIC.len())?;
        if magic != MAGIC {
            return Err(Error::State(format!("it begins with \"{}\", not \"STRIX\"", magic.escape_ascii())));
        }
        let version = u16::from_le_bytes(array(&mut rest)?);
        if version != VERSION {
            return Err(Error::State(format!("it is of version {version}, but this build reads version {VERSION}")));
        }
        let length = u32::from_le_bytes(array(&mut rest)?);
        let signature = std::str::from_utf8(take(&mut rest, length as usize)?)
            .map_err(|_| Error::State("its signature is not UTF-8".into()))?
            .to_owned();
        let items = u64::from_le_bytes(array(&mut rest)?);
        let length = usize::try_from(u64::from_le_bytes(array(&mut rest)?)).unwrap_or(usize::MAX);
        let payload = take(&mut rest, length)?.to_vec();
        let body = &bytes[..bytes.len() - rest.len()];
        let (expected, found) = (u32::from_le_bytes(array(&mut rest)?), crc32fast::hash(body));
        if expected != found {
            return Err(Error::State(format!("it is damaged: its CRC-32 is {found:08x}, and says {expected:08x}")));
        }
        if !rest.is_empty() {
            return Err(Error::State(format!("{} bytes follow its end", rest.len())));
        }
        if items > MOST_ITEMS {
            return Err(Error::State(format!("it claims {items} items; at most {MOST_ITEMS} can be counted on")));
        }
        Ok(Self { signature, items, payload })
    }
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], Error> {
    let (taken, after) = rest.split_at_checked(length).ok_or_else(|| {
        Error::State(format!("it is cut short: {length} more bytes are expected, {} are left", rest.len()))
    })?;
    *rest = after;
    Ok(taken)
}

fn array<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    bytes.copy_from_slice(take(rest, N)?);
    Ok(bytes)
}

/// The parameters that a state was made by, as a number; unknown of one that was read from bytes, whose signature has them.
///
/// No part of the state: it makes merging by other parameters loud where the state's shape alone would not tell.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct MadeBy(Option<u64>);

impl MadeBy {
    pub(crate) fn parameters(parameters: u64) -> Self {
        Self(Some(parameters))
    }

    /// The parameters, if they are known to be others than these.
    pub(crate) fn other_than(self, parameters: u64) -> Option<u64> {
        self.0.filter(|made| *made != parameters)
    }
}

impl PartialEq for MadeBy {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Eq for MadeBy {}

/// A count inside a state of that many items, for [`Portable::check`].
///
/// # Errors
/// When it is more than they are.
pub fn check_count(count: u64, items: u64) -> Result<(), String> {
    if count > items { Err(format!("it counts {count}, more than the {items} items there were")) } else { Ok(()) }
}

/// Counts inside a state that together are of at most that many items, for [`Portable::check`].
///
/// # Errors
/// When they are of more.
pub fn check_counts<'a>(counts: impl IntoIterator<Item = &'a u64>, items: u64) -> Result<(), String> {
    let total: u128 = counts.into_iter().map(|&count| u128::from(count)).sum();
    check_count(u64::try_from(total).unwrap_or(u64::MAX), items)
}

/// Serde form of an f64 in which any NaN is one.
pub(crate) mod float {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(x: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        if x.is_nan() { f64::NAN } else { *x }.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        f64::deserialize(deserializer)
    }
}
