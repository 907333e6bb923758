//! A checked download that resumes, and never leaves a file that looks whole and is not.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

/// Fetches `address` into `path`, whose content must have `size` bytes and pass `check`.
///
/// The bytes go to `path` with `.part` appended. An interrupted download leaves that part, and the
/// next one resumes behind it; content that fails the check is removed. Only a checked file is
/// renamed to `path`. The error is a sentence for the user.
pub(crate) fn download(address: &str, path: &Path, size: u64, check: impl Fn(&[u8]) -> bool) -> Result<(), String> {
    let failed = |what: &dyn std::fmt::Display| format!("{address}: {what}");
    let part = path.with_added_extension("part");
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|e| format!("cannot create {}: {e}", folder.display()))?;
    }
    let mut have = fs::metadata(&part).map_or(0, |part| part.len());
    if have > size {
        remove(&part)?;
        have = 0;
    }
    if have < size {
        fetch(address, &part, have, size).map_err(|e| failed(&e))?;
    }
    let content = fs::read(&part).map_err(|e| failed(&e))?;
    if content.len() as u64 != size || !check(&content) {
        let found = content.len();
        remove(&part)?;
        return Err(failed(&format!("what came ({found} bytes) is not the published file ({size} bytes, MD5 differs)")));
    }
    fs::rename(&part, path).map_err(|e| failed(&e))
}

fn remove(part: &Path) -> Result<(), String> {
    fs::remove_file(part).map_err(|e| format!("cannot remove {}: {e}", part.display()))
}

fn fetch(address: &str, part: &Path, have: u64, size: u64) -> Result<(), Box<dyn std::error::Error>> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_connect(Some(Duration::from_secs(10)))
        .timeout_recv_response(Some(Duration::from_secs(30)))
        .build()
        .into();
    let mut request = agent.get(address);
    if have > 0 {
        request = request.header("Range", format!("bytes={have}-"));
    }
    let mut response = request.call()?;
    // A server that does not know ranges sends the whole file, with status 200.
    let resumed = have > 0 && response.status().as_u16() == 206;
    let mut file: File = OpenOptions::new().create(true).append(resumed).write(true).truncate(!resumed).open(part)?;
    // One byte more than there can be tells a longer file, without reading all of it.
    let room = size - if resumed { have } else { 0 } + 1;
    std::io::copy(&mut response.body_mut().as_reader().take(room), &mut file)?;
    file.flush()?;
    Ok(file.sync_all()?)
}
