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
        return Err(failed(&format!(
            "what came ({found} bytes) is not the published file ({size} bytes, MD5 differs)"
        )));
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
        .timeout_per_read(Some(Duration::from_secs(30)))
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that fails should say where")]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::net::TcpListener;
    use std::thread::JoinHandle;

    use super::*;

    /// A server for one request, on a free port of this machine: `answer` gets the first byte that
    /// is asked for, and gives the whole response.
    fn serve(answer: impl FnOnce(Option<usize>) -> Vec<u8> + Send + 'static) -> (String, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/file", listener.local_addr().unwrap());
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut from = None;
            for line in BufReader::new(&stream).lines() {
                let line = line.unwrap().to_lowercase();
                if let Some(range) = line.strip_prefix("range: bytes=") {
                    from = Some(range.trim_end_matches('-').parse().unwrap());
                }
                if line.is_empty() {
                    break;
                }
            }
            // The client may have hung up early: it reads no more than there can be.
            let _ = stream.write_all(&answer(from));
        });
        (address, thread)
    }

    fn response(status: &str, declared: usize, body: &[u8]) -> Vec<u8> {
        [format!("HTTP/1.1 {status}\r\nContent-Length: {declared}\r\nConnection: close\r\n\r\n").as_bytes(), body]
            .concat()
    }

    const CONTENT: &[u8] = b"the published content";

    fn fetch_into(path: &Path, answer: impl FnOnce(Option<usize>) -> Vec<u8> + Send + 'static) -> Result<(), String> {
        let (address, thread) = serve(answer);
        let result = download(&address, path, CONTENT.len() as u64, |content| content == CONTENT);
        thread.join().unwrap();
        result
    }

    #[test]
    fn a_whole_file_arrives_under_its_name_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/file");
        fetch_into(&path, |_| response("200 OK", CONTENT.len(), CONTENT)).unwrap();
        assert_eq!(fs::read(&path).unwrap(), CONTENT);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn an_interrupted_download_resumes_where_it_broke_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fetch_into(&path, |_| response("200 OK", CONTENT.len(), &CONTENT[..7])).unwrap_err();
        assert!(!path.exists());
        assert_eq!(fs::read(folder.path().join("file.part")).unwrap(), &CONTENT[..7]);
        let asked = fetch_into(&path, |from| {
            assert_eq!(from, Some(7));
            response("206 Partial Content", CONTENT.len() - 7, &CONTENT[7..])
        });
        asked.unwrap();
        assert_eq!(fs::read(&path).unwrap(), CONTENT);
        assert!(!folder.path().join("file.part").exists());
    }

    #[test]
    fn a_server_without_ranges_sends_it_all_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(folder.path().join("file.part"), "garbage").unwrap();
        fetch_into(&path, |_| response("200 OK", CONTENT.len(), CONTENT)).unwrap();
        assert_eq!(fs::read(&path).unwrap(), CONTENT);
    }

    #[test]
    fn other_content_is_refused_and_removed() {
        for body in [&b"the publishes content"[..], b"the published content, and more", b"short"] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("file");
            let message = fetch_into(&path, move |_| response("200 OK", body.len(), body)).unwrap_err();
            assert!(message.contains("is not the published file"), "{message}");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        }
    }

    #[test]
    fn a_missing_file_is_named_with_its_address() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let message = fetch_into(&path, |_| response("404 Not Found", 0, b"")).unwrap_err();
        assert!(message.contains("/file") && message.contains("404"), "{message}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
