//! Memory that is asked for before it is taken: an error instead of a machine that swaps, or a process that is killed.

use std::fs;
use std::path::Path;

use crate::Error;

/// Refuses what needs more memory than is left. Where the system does not tell how much that is (it is asked as Linux
/// answers), nothing is refused.
///
/// # Errors
/// [`Error::Memory`], with `what` as its subject, which needs `bytes`, and `instead`, what to try.
pub fn check(what: &str, bytes: u64, instead: &'static str) -> Result<(), Error> {
    held(what, bytes, left(), instead)
}

fn held(what: &str, bytes: u64, left: Option<u64>, instead: &'static str) -> Result<(), Error> {
    match left {
        Some(left) if bytes > left => {
            let gigabytes = |bytes: u64| format!("{:.1} GB", bytes as f64 / 1e9);
            Err(Error::Memory { what: what.into(), needed: gigabytes(bytes), left: gigabytes(left), instead })
        }
        _ => Ok(()),
    }
}

/// Bytes that may still be taken: what the system can give, or what the process's control group allows.
fn left() -> Option<u64> {
    let system = fs::read_to_string("/proc/meminfo").ok()?;
    let kilobytes = number(&system, "MemAvailable:")? + number(&system, "SwapFree:").unwrap_or(0);
    let system = kilobytes.saturating_mul(1024);
    Some(group().map_or(system, |group| group.min(system)))
}

/// What the control group (version 2) still allows.
fn group() -> Option<u64> {
    let read = |name: &str| fs::read_to_string(Path::new("/sys/fs/cgroup").join(name)).ok();
    let most: u64 = read("memory.max")?.trim().parse().ok()?;
    let taken: u64 = read("memory.current")?.trim().parse().ok()?;
    // Files that are kept in memory give way.
    let files = read("memory.stat").and_then(|stat| number(&stat, "inactive_file")).unwrap_or(0);
    Some(most.saturating_add(files).saturating_sub(taken))
}

/// The number behind a name at the begin of a line.
fn number(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that fails should say where")]
mod tests {
    use super::*;

    #[test]
    fn more_than_is_left_is_refused() {
        assert!(held("pictures", 5, Some(5), "fewer").is_ok());
        assert!(held("pictures", u64::MAX, None, "fewer").is_ok());
        let told = held("pictures", 12_000_000_000, Some(7_340_000_000), "take fewer").unwrap_err().to_string();
        assert_eq!(told, "pictures need 12.0 GB of memory, but 7.3 GB are left; take fewer");
        // No machine has as much.
        if left().is_some() {
            assert!(check("all", u64::MAX, "").is_err());
        }
    }

    #[test]
    fn numbers_are_read_by_name() {
        let text = "MemTotal:       16000 kB\nMemAvailable:   12345 kB\ninactive_file 77\n";
        assert_eq!((number(text, "MemAvailable:"), number(text, "inactive_file")), (Some(12345), Some(77)));
        assert_eq!(number(text, "SwapFree:"), None);
    }
}
