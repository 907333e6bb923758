//! What tests of stores share.
#![allow(dead_code, clippy::unwrap_used, reason = "each test takes what it needs, and one that fails should say where")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use strix_tune::{Direction, Patience, Space, Storage, Study};
use tempfile::TempDir;

/// A PostgreSQL server of the test's own, stopped when dropped.
pub(crate) struct Server {
    folder: TempDir,
    programs: PathBuf,
    port: u16,
}

/// A command; as the user `postgres` where the test runs as root, whom PostgreSQL does not serve.
fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let root = std::fs::metadata("/proc/self").is_ok_and(|file| std::os::unix::fs::MetadataExt::uid(&file) == 0);
    if !root {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(program);
    command
}

fn done(command: &mut Command) {
    let output = command.stdout(Stdio::null()).stderr(Stdio::piped()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

impl Server {
    /// Starts one, of the newest PostgreSQL that Debian's packages installed, or the one on the path.
    pub(crate) fn start() -> Self {
        let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let programs = installed.map(|version| version.path().join("bin")).max().unwrap_or_default();
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        done(Command::new("chmod").arg("777").arg(folder.path()));
        done(
            command(programs.join("initdb"))
                .args(["--auth=trust", "--username=strix", "--no-sync", "--pgdata"])
                .arg(&data)
                .current_dir(folder.path()),
        );
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Self { folder, programs, port };
        server.control("start");
        server
    }

    fn control(&self, action: &str) {
        let folder = self.folder.path();
        let options = format!("-p {} -c listen_addresses=127.0.0.1 -c fsync=off -k {}", self.port, folder.display());
        let mut control = command(self.programs.join("pg_ctl"));
        control.arg(action).arg("-D").arg(folder.join("data")).args(["-w", "-m", "fast"]).current_dir(folder);
        if action != "stop" {
            control.args(["-o", &options, "-l"]).arg(folder.join("log"));
        }
        done(&mut control);
    }

    /// Ends every connection, and serves again.
    pub(crate) fn restart(&self) {
        self.control("restart");
    }

    pub(crate) fn url(&self) -> String {
        format!("postgresql://strix@127.0.0.1:{}/postgres", self.port)
    }

    /// From now on serves nobody who does not encrypt. Its certificate is for `localhost`; returns its authority's, and that of
    /// an authority that knows nothing of it.
    pub(crate) fn encrypt(&self) -> [PathBuf; 2] {
        let folder = self.folder.path();
        let openssl = |arguments: &str| done(command("openssl").args(arguments.split(' ')).current_dir(folder));
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        for name in ["authority", "stranger"] {
            openssl(&format!("req -x509 {key} -days 2 -subj /CN={name} -keyout {name}.key -out {name}.crt"));
        }
        openssl(&format!("req {key} -subj /CN=server -keyout data/server.key -out server.csr"));
        std::fs::write(folder.join("names"), "subjectAltName=DNS:localhost").unwrap();
        openssl(
            "x509 -req -in server.csr -CA authority.crt -CAkey authority.key -CAcreateserial -days 2 -extfile names \
             -out data/server.crt",
        );
        std::fs::write(folder.join("data/pg_hba.conf"), "hostssl all all 127.0.0.1/32 trust\n").unwrap();
        let mut settings = std::fs::File::options().append(true).open(folder.join("data/postgresql.conf")).unwrap();
        settings.write_all(b"ssl = on\n").unwrap();
        self.restart();
        ["authority.crt", "stranger.crt"].map(|name| folder.join(name))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.control("stop");
    }
}

pub(crate) fn sqlite(folder: &Path) -> String {
    format!("sqlite:///{}", folder.join("study.db").display())
}

/// A study named `study`, opened anew.
pub(crate) fn open(url: &str, direction: Direction, space: &Space, patience: Patience) -> Study {
    Storage::open(url).unwrap().study("study", direction, space, patience).unwrap()
}

/// Numbers and a choice, one of them under a condition; as `objective` in peers/optuna_study.py.
pub(crate) fn space() -> Space {
    Space::from_toml(
        "
        [x]
        float = [-5.0, 5.0]
        [layers]
        int = [1, 8]
        step = 2
        [shape]
        choice = ['bowl', 'ridge']
        [tilt]
        float = [1e-3, 1.0]
        log = true
        when = { shape = ['ridge'] }
    ",
    )
    .unwrap()
}
