//! Checks the schema in a Parquet file's footer before it is parsed.
//!
//! The parquet crate calls itself for each level of nesting, so a deep schema would overflow the stack,
//! which ends the process; and it takes memory by the number of children that an element gives.

use std::io;

use crate::seekable::Seekable;
use crate::thrift::{I32, LIST, STRUCT, Thrift};

const MAGIC: &[u8] = b"PAR1";
/// Levels of nesting at most.
const NESTING: usize = 64;

/// Checks the footer, as far as it is there.
pub(crate) fn check(bytes: &Seekable) -> Result<(), String> {
    let cut = |what: &str| format!("{what}; is the file cut?");
    let io = |e: io::Error| format!("its footer is broken: {e}");
    let end = bytes.len().checked_sub(8).ok_or_else(|| cut("it has no footer"))?;
    let tail = bytes.slice(end, 8).map_err(io)?;
    let (len, magic) = tail.split_first_chunk().ok_or_else(|| cut("it has no footer"))?;
    if magic != MAGIC {
        return Err(cut("it does not end in PAR1"));
    }
    let len = u64::from(u32::from_le_bytes(*len));
    let start = end.checked_sub(len).ok_or_else(|| cut("its footer is longer than the file"))?;
    let footer = bytes.slice(start, len).map_err(io)?;
    let mut children = Vec::new();
    Thrift::new(&footer[..])
        .fields(|thrift, id, kind| {
            if (id, kind) != (2, LIST) {
                return thrift.pass_over(kind);
            }
            let (elements, kind) = thrift.list()?;
            for _ in 0..elements {
                let mut count = 0;
                match kind {
                    STRUCT => thrift.fields(|thrift, id, kind| match (id, kind) {
                        (5, I32) => thrift.int().map(|n| count = n),
                        _ => thrift.pass_over(kind),
                    })?,
                    _ => thrift.pass_over(kind)?,
                }
                children.push(count);
            }
            Ok(())
        })
        .map_err(io)?;
    check_tree(&children)
}

/// Checks a tree that is given as each node's number of children, parents first.
fn check_tree(children: &[i64]) -> Result<(), String> {
    // How many children are still to come at each level.
    let mut open: Vec<u64> = Vec::new();
    for (at, &count) in children.iter().enumerate() {
        let left = (children.len() - at - 1) as u64;
        let Some(count) = u64::try_from(count).ok().filter(|&count| count <= left) else {
            return Err(format!("element {at} of its schema has {count} children, but {left} elements follow"));
        };
        if let Some(parent) = open.last_mut() {
            *parent = parent.saturating_sub(1);
        }
        open.push(count);
        if open.len() > NESTING {
            return Err(format!("its schema nests more than {NESTING} deep"));
        }
        while open.last() == Some(&0) {
            open.pop();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_are_checked() {
        assert!(check_tree(&[2, 0, 1, 0]).is_ok());
        assert!(check_tree(&[2, 0]).is_err_and(|what| what.contains("has 2 children, but 1 elements follow")));
        assert!(check_tree(&[-1]).is_err());
        let deep = [vec![1; 100], vec![0]].concat();
        assert!(check_tree(&deep).is_err_and(|what| what.contains("64 deep")));
        let wide = [vec![5000], vec![0; 5000]].concat();
        assert!(check_tree(&wide).is_ok());
    }
}
