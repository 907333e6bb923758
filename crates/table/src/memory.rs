//! A bound on the memory that groups take: an error in time, instead of a process that is killed.

use crate::{Error, ErrorKind};

/// Resident bytes of the process that are too many, if any are.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Limit(pub(crate) Option<u64>);

impl Limit {
    /// Refuses `groups` groups where the process, with `more` bytes on top, holds more than the limit. Where the system does
    /// not tell how much it holds (it is asked as Linux answers), nothing is refused.
    pub(crate) fn check(self, groups: usize, more: u64) -> Result<(), Error> {
        let Some(limit) = self.0 else { return Ok(()) };
        let Some(resident) = resident() else { return Ok(()) };
        if resident.saturating_add(more) <= limit {
            return Ok(());
        }
        let gigabytes = |bytes: u64| format!("{:.2} GB", bytes as f64 / 1e9);
        let with = if more > 0 { format!(" and need {} more", gigabytes(more)) } else { String::new() };
        Err(Error::new(
            ErrorKind::Memory,
            format!(
                "{groups} groups take {}{with}, and the limit is {}; group by columns with fewer values, ask for fewer \
                 statistics, reduce parts of the rows and merge their states, or raise --memory",
                gigabytes(resident),
                gigabytes(limit)
            ),
        ))
    }
}

/// Bytes of the process that are in memory.
fn resident() -> Option<u64> {
    kilobytes("/proc/self/status", "VmRSS:").map(|kilobytes| kilobytes * 1024)
}

/// The memory of the machine, or what the process's control group may take of it, if the system tells.
///
/// ```
/// if let Some(bytes) = strix_table::machine_memory() {
///     assert!(bytes > 1 << 20);
/// }
/// ```
pub fn machine_memory() -> Option<u64> {
    let all = kilobytes("/proc/meminfo", "MemTotal:")?;
    let group = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let group = group.and_then(|most| most.trim().parse().ok()).unwrap_or(u64::MAX);
    Some(group.min(all * 1024))
}

/// The number behind a name at the begin of a line.
fn kilobytes(file: &str, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_the_limit_is_refused_with_its_groups() {
        assert!(Limit(None).check(7, u64::MAX).is_ok());
        assert!(Limit(Some(u64::MAX)).check(7, 0).is_ok());
        if resident().is_some() {
            let error = Limit(Some(1000)).check(7, 0).err().map(|error| (error.kind(), error.to_string()));
            let (kind, message) = error.unwrap_or((ErrorKind::Internal, String::new()));
            assert!(kind == ErrorKind::Memory && message.starts_with("7 groups take"), "{message}");
        }
    }
}
